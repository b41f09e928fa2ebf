"""The format before iTAG's present one: read to the same answers, and written for tools that still read it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, TEXT, replies

from itagflow import (
    Box,
    Choice,
    Choices,
    InvalidData,
    Point,
    Polygon,
    Ranking,
    Regions,
    Result,
    RotatedBox,
    Stage,
    Task,
    TaskState,
    Template,
    formats,
    templates,
)
from itagflow.formats import itag
from itagflow.model import Outcome, Provenance, Row, StageResult
from itagflow.templates import Question, QuestionKind
from itagflow.typing import Lossy

SAMPLES = Path(__file__).parent / "samples" / "legacy-v1"
CATS = templates.object_detection(["cat", "dog"])
(CATS_OR_DOGS,) = templates.image_classification(["cat", "dog"]).questions


def a_result(replies: Any, row: str) -> Result:
    made = StageResult(stage=Stage.LABEL, replies=replies, round=1, member=2)
    at = datetime(2026, 11, 24, tzinfo=UTC)
    seen = Provenance(
        stage=Stage.LABEL, round=1, member=2, outcome=Outcome.SUBMITTED, inspected=True, at=at
    )
    task = Task(job=4, number=1, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages={Stage.LABEL: made}, provenance=(seen,))


def legacy(
    replies: Any, template: Template, row: str = '{"data": {}}', lossy: Lossy = "error"
) -> dict[str, Any]:
    target = io.BytesIO()
    formats.write("itag_v1", [a_result(replies, row)], target, template=template, lossy=lossy)
    found: dict[str, Any] = json.loads(target.getvalue())
    return found


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.output.jsonl")), ids=lambda path: path.name)
def test_every_sample_comes_back_equal(path: Path) -> None:
    (row,) = formats.read("itag", path)
    assert isinstance(row, Row)
    content = json.loads(row.text)
    ((job, stages),) = itag.blocks(content).items()
    template = itag.template_of(content)
    said = itag.parse(stages[Stage.LABEL], template)
    again = legacy(said, template, json.dumps({"data": content["data"]}))
    assert again["label-4"] == content[f"label-{job}"]
    assert json.dumps(again["label-4"]) == json.dumps(content[f"label-{job}"]), (
        "and in the same order"
    )


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.input.jsonl")), ids=lambda path: path.name)
def test_every_input_is_read(path: Path) -> None:
    (row,) = formats.read("itag_v1", path)
    assert isinstance(row, Row)
    assert row.text == path.read_text("utf-8").strip()


def test_old_and_present_results_are_the_same_answers() -> None:
    choice = {
        "data": [{"data": "cat", "id": 1, "type": "survey/value"}],
        "id": "1",
        "type": "survey",
    }
    one = templates.image_classification(["cat"])
    assert (
        itag.parse([choice], one)
        == {"1": Choice("cat")}
        == itag.parse(
            [
                {
                    "questionId": "1",
                    "data": "cat",
                    "markTitle": "Single-choice",
                    "type": "survey/value",
                }
            ],
            one,
        )
    )
    several = templates.image_classification(["cat"], multiple=True)
    choices = {
        "data": [{"data": ["cat"], "id": 1, "type": "survey/multivalue"}],
        "id": "1",
        "type": "survey",
    }
    assert itag.parse([choices], several) == {"1": Choices(["cat"])}


def test_a_rectangle_is_told_under_the_title_of_its_question() -> None:
    rectangle = {"rotation": 0, "x": 10.5, "width": 100.0, "y": 20.5, "height": 80.0}
    region = {
        "id": "r",
        "type": "image/rectangleLabel",
        "value": rectangle,
        "labelColor": "#72bf7d",
        "labels": ["cat"],
    }
    said = itag.parse([{"data": [region], "id": "1", "type": "image"}], CATS)["1"]
    assert said == Regions(
        [Box(10.5, 20.5, 100.0, 80.0, labels={"Single-choice": "cat"})], width=0, height=0
    )
    assert isinstance(said, Regions)
    assert (said.regions[0].id, said.regions[0].color) == ("r", "#72bf7d")


def test_a_turned_rectangle_keeps_its_first_corner() -> None:
    turned = RotatedBox(50, 40, 20, 10, 30, label="cat", id="r")
    (element,) = legacy({"1": Regions([turned], width=100, height=100)}, CATS)["label-4"]["results"]
    said = itag.parse([element], CATS)["1"]
    assert isinstance(said, Regions)
    (region,) = said.regions
    assert isinstance(region, RotatedBox)
    assert (region.x, region.y) == pytest.approx((50, 40))
    assert (region.width, region.height, region.angle) == (20, 10, 30)


def test_an_outline_that_is_a_rectangle_is_written_as_one() -> None:
    outline = Polygon([(10, 20), (10, 40), (40, 40), (40, 20)], label="cat", id="r")
    (element,) = legacy({"1": Regions([outline], width=100, height=100)}, CATS)["label-4"][
        "results"
    ]
    assert element["data"][0]["value"] == {
        "rotation": 0,
        "x": 10,
        "width": 30,
        "y": 20,
        "height": 20,
    }


def test_what_it_has_no_shape_for_is_left_out_and_counted_or_refused() -> None:
    triangle = Polygon([(0, 0), (5, 0), (5, 5)], label="cat")
    regions = Regions(
        [triangle, Box(0, 0, 1, 1, label="cat"), Point(1, 1, label="cat")], width=9, height=9
    )
    with pytest.raises(InvalidData, match="task 1: regions that are no rectangles: cannot be held"):
        legacy({"1": regions}, CATS)
    target = io.BytesIO()
    result = a_result({"1": regions}, '{"data": {}}')
    report = formats.write("itag_v1", [result], target, template=CATS)
    assert report.losses == {"regions that are no rectangles": 2}
    (element,) = json.loads(target.getvalue())["label-4"]["results"]
    assert [region["value"]["width"] for region in element["data"]] == [1]


def test_questions_that_it_does_not_have_are_left_out_and_counted() -> None:
    template = templates.preference_ranking(["a", "b"])
    (question,) = template.questions
    said = {question.id: Ranking(["a", "b"])}
    assert legacy(said, template, lossy="report")["label-4"] == {"results": []}
    with pytest.raises(InvalidData, match="replies of the kind RANKING: cannot be held"):
        legacy(said, template)


def test_ids_stay_as_they_are_written() -> None:
    template = Template(questions=(attrs.evolve(CATS_OR_DOGS, id="007"),))
    said = {"007": Choice("cat")}
    (element,) = legacy(said, template)["label-4"]["results"]
    assert element["data"][0]["id"] == "007"
    assert itag.parse([element], template) == said


def test_labels_of_any_but_the_first_question_are_left_out_and_counted_or_refused() -> None:
    note = Question("2", QuestionKind.INPUT, "Note", required=False)
    areas = Question("1", QuestionKind.PICTURE, "Areas", children=(CATS_OR_DOGS, note))
    regions = Regions([Box(0, 0, 1, 1, labels={"Note": "cat"})], width=9, height=9)
    template = Template(questions=(areas,))
    with pytest.raises(InvalidData, match="labels of any but the first question about a region"):
        legacy({"1": regions}, template)
    (element,) = legacy({"1": regions}, template, lossy="report")["label-4"]["results"]
    assert [region["labels"] for region in element["data"]] == [[]]


NOT_HELD = (
    *(QuestionKind.RANKING, QuestionKind.RATING, QuestionKind.PREFERENCE),
    *(QuestionKind.SLOT, QuestionKind.VIDEO),
)


def keep(question: Question, reply: Any) -> Any:
    """What the old format holds of a reply; None: it is lost."""
    if question.kind in NOT_HELD:
        return None
    if not isinstance(reply, Regions):
        return reply
    first = {child.title for child in question.children[:1]}
    return [
        (
            pytest.approx(measure(region), abs=1e-6),
            {k: v for k, v in region.labels.items() if k in first},
        )
        for region in reply.regions
        if is_rectangle(region)
    ]


def measure(region: Any) -> list[float]:
    """Return how far a region reaches in each direction, and its area: whatever corner is first."""
    across, down = zip(*region.points, strict=True)
    return [min(across), min(down), max(across), max(down), region.area]


def is_rectangle(region: Any) -> bool:
    if not isinstance(region, Polygon):
        return isinstance(region, Box | RotatedBox)
    sides = [{point[axis] for point in region.points} for axis in (0, 1)]
    upright = [len(side) for side in sides] == [2, 2] and len(set(region.points)) == 4
    return upright and len(region.points) == 4 and not region.holes


def show(reply: Any) -> Any:
    """What came back, to be compared with what was kept."""
    if not isinstance(reply, Regions):
        return reply
    assert all(isinstance(region, Box | RotatedBox) for region in reply.regions)
    return [(measure(region), dict(region.labels)) for region in reply.regions]


@pytest.mark.parametrize("name", sorted(ALL))
@settings(deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_comes_out_goes_in_again(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    said = data.draw(replies(template))
    row = {"data": dict.fromkeys(template.fields, TEXT)}
    content = legacy(said, template, json.dumps(row), lossy="report")
    found = itag.parse(content["label-4"]["results"], template)
    kept = {id: keep(template.question(id), reply) for id, reply in said.items()}
    assert {id: show(reply) for id, reply in found.items()} == {
        id: reply for id, reply in kept.items() if reply is not None
    }


def test_a_broken_old_element_is_refused_with_its_place() -> None:
    region = {"id": "r", "type": "image/rectangleLabel", "value": {"x": "1"}, "labels": ["cat"]}
    with pytest.raises(
        InvalidData, match=r"results\[0\]\.data\[0\]\.value: must be an object with the numbers"
    ):
        itag.parse([{"data": [region], "id": "1", "type": "image"}], CATS)
