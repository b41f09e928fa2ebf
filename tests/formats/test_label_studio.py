"""Label Studio: answers go out as its tasks have them, and come back."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import ALL, TEXT, replies
from support.exported import a_result, marked, read, write

import itagflow
from itagflow import (
    Box,
    Choice,
    Choices,
    InvalidData,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Preference,
    Rating,
    Regions,
    Relation,
    RotatedBox,
    Segment,
    Segments,
    Spans,
    Stage,
    Template,
    TextSpan,
    formats,
    templates,
)
from itagflow.errors import Problem
from itagflow.model import Outcome, Provenance, Row
from itagflow.templates import Option, Question, QuestionKind, Scale, Shape

quiet = settings(
    deadline=None, max_examples=amount(5, 200), suppress_health_check=list(HealthCheck)
)
ANIMALS = templates.object_detection(["zebra", "ant"])
LABELED: Any = {"Single-choice": "ant"}
CATS = templates.image_classification(["cat", "dog"])
NAMES = templates.entity_relation(["company", "place"], ["bought", "lies in"])
CALLS = templates.audio_segmentation(["agent", "customer"])


def written(said: Any, template: Template, **more: Any) -> tuple[Any, dict[str, int]]:
    content, losses = write("label_studio", [a_result(said)], template, **more)
    (task,) = json.loads(content)
    return task, losses


def items(said: Any, template: Template) -> list[Any]:
    task, losses = written(said, template)
    assert losses == {}
    found: list[Any] = task["annotations"][0]["result"]
    return found


class TestWhatGoesOut:
    def test_a_choice_is_an_item_of_its_control(self) -> None:
        task, losses = written({"1": Choice("cat")}, CATS)
        assert losses == {}
        item = {"id": "1-0", "from_name": "q1", "to_name": "source", "type": "choices"}
        assert task == {
            "id": 1,
            "data": {"source": "images/1.jpg"},
            "annotations": [
                {"result": [{**item, "value": {"choices": ["cat"]}}], "was_cancelled": False}
            ],
            "predictions": [],
        }

    def test_a_box_is_percent_of_the_image(self) -> None:
        said = {"1": Regions([Box(10, 20, 30, 5, labels=LABELED)], width=200, height=50)}
        (item,) = items(said, ANIMALS)
        assert (item["original_width"], item["original_height"], item["image_rotation"]) == (
            200, 50, 0,
        )  # fmt: skip
        assert item["value"] == {
            "x": 5, "y": 40, "width": 15, "height": 10, "rotation": 0, "rectanglelabels": ["ant"],
        }  # fmt: skip

    def test_a_turned_box_is_turned_about_its_top_left_corner(self) -> None:
        areas = templates.ocr(["amount"])
        box = RotatedBox(50, 25, 20, 10, 90, labels={"Single-choice": "amount"})
        (item,) = items({"1": Regions([box], width=100, height=100)}, areas)
        value = {name: round(item["value"][name], 9) for name in ("x", "y", "width", "height")}
        # what was the corner at the top left is now at the top right
        assert value == {"x": 55, "y": 15, "width": 20, "height": 10}
        assert item["value"]["rotation"] == 90

    def test_what_else_is_asked_about_a_region_has_its_id(self) -> None:
        areas = templates.ocr(["amount"])
        labels = {"Single-choice": "amount", "OCR result": "12.50"}
        (title,) = [c.title for c in areas.questions[0].children if not c.options]
        labels = {areas.questions[0].children[0].title: "amount", title: "12.50"}
        box = Box(0, 0, 5, 5, id="r1", labels=labels)
        first, second = items({"1": Regions([box], width=10, height=10)}, areas)
        assert (first["id"], second["id"], second["type"]) == ("r1", "r1", "textarea")
        assert second["value"]["text"] == ["12.50"]
        assert second["value"]["width"] == 50

    def test_relations_join_spans_by_their_ids(self) -> None:
        title = NAMES.questions[0].children[0].title
        spans = [TextSpan(0, 4, "Acme", labels={title: ("company",)}), TextSpan(5, 6, "猫")]
        asked = NAMES.questions[0].relations[0]
        key = asked.options[0].key
        value: Any = (key,) if asked.kind is QuestionKind.CHECKBOX else key
        said = {"1": Spans(spans, [Relation(0, 1, labels={asked.title: value})])}
        first, _, relation = items(said, NAMES)
        assert first["value"] == {"start": 0, "end": 4, "text": "Acme", "labels": ["company"]}
        assert relation == {
            "type": "relation", "direction": "right", "from_id": "1-0", "to_id": "1-1",
            "labels": [key],
        }  # fmt: skip

    def test_a_segment_is_in_seconds(self) -> None:
        title = CALLS.questions[0].children[1].title
        said = {"1": Segments([Segment(0.5, 2, labels={title: "agent"})], duration=9.5)}
        (item,) = items(said, CALLS)
        assert item["original_length"] == 9.5
        assert item["value"] == {"start": 0.5, "end": 2, "channel": 0, "labels": ["agent"]}

    def test_a_task_that_nobody_has_answered_has_no_annotation(self) -> None:
        content, _ = write("label_studio", [a_result(None), a_result({}, 2)], CATS)
        abandoned, answered = json.loads(content)
        assert abandoned["annotations"] == [{"result": [], "was_cancelled": True}]
        assert answered["annotations"] == [{"result": [], "was_cancelled": False}]
        assert read("label_studio", content, CATS) == [None, {}]

    def test_predictions_have_the_score_and_the_model(self) -> None:
        at = datetime(2026, 11, 24, tzinfo=UTC)
        seen = Provenance(
            stage=Stage.LABEL, round=1, member=None, outcome=Outcome.PRELABELED, inspected=True,
            at=at, score=0.75, model="yolo", model_version="2",
        )  # fmt: skip
        result = attrs.evolve(a_result({"1": Choice("cat")}), provenance=(seen,))
        content, _ = write("label_studio", [result, a_result(None, 2)], CATS, kind="predictions")
        first, second = json.loads(content)
        (prediction,) = first["predictions"]
        assert (prediction["score"], prediction["model_version"]) == (0.75, "yolo 2")
        assert (first["annotations"], second["predictions"]) == ([], [])
        assert read("label_studio", content, CATS, kind="predictions") == [
            {"1": Choice("cat")},
            None,
        ]

    def test_no_results_are_an_empty_list(self) -> None:
        assert write("label_studio", [], CATS) == (b"[\n]\n", {})

    def test_finer_options_are_paths(self) -> None:
        cat = Option("cat", children=[Option("lion"), Option("tiger")])
        kinds = Template(
            questions=[Question("1", "RADIO", "Animal", [cat, Option("dog")])], views=CATS.views
        )
        (item,) = items({"1": Choice("lion")}, kinds)
        assert (item["type"], item["value"]) == ("taxonomy", {"taxonomy": [["cat", "lion"]]})
        content, _ = write("label_studio", [a_result({"1": Choice("lion")})], kinds)
        assert read("label_studio", content, kinds) == [{"1": Choice("lion")}]


SHAPES = "shapes that Label Studio has no control for"
ANY = attrs.evolve(ANIMALS, questions=[attrs.evolve(ANIMALS.questions[0], shapes=())])
HOLED = Polygon([(0, 0), (9, 0), (9, 9)], [[(1, 1), (2, 1), (2, 2)]], labels=LABELED)


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("region", "lost", "kept"),
        [
            (HOLED, "holes of polygons", 1),
            (Mask([81], labels=LABELED), SHAPES, 0),
            (Polyline([(0, 0), (1, 1)], labels=LABELED), SHAPES, 0),
            (Keypoints([Keypoint("nose", 3, 4)], labels=LABELED), SHAPES, 0),
            (Box(0, 0, 1, 1, labels={**LABELED, "State": "new"}),
             "labels that the template does not ask", 1),
        ],
    )  # fmt: skip
    def test_regions_are_counted_or_refused(self, region: Any, lost: str, kept: int) -> None:
        result = marked(region, width=9, height=9)
        content, losses = write("label_studio", [result], ANY)
        (task,) = json.loads(content)
        assert (losses, len(task["annotations"][0]["result"])) == ({lost: 1}, kept)
        with pytest.raises(InvalidData, match="task 1: "):
            write("label_studio", [result], ANY, lossy="error")

    def test_regions_on_an_image_of_unknown_size(self) -> None:
        _, losses = write("label_studio", [marked(Box(0, 0, 1, 1, label="ant"), width=0)], ANIMALS)
        assert losses == {"regions on images of unknown size": 1}

    def test_the_size_of_what_nothing_is_marked_on(self) -> None:
        _, losses = write("label_studio", [marked(width=9, height=9)], ANIMALS)
        assert losses == {"size and rotation of images without a region": 1}
        _, losses = write("label_studio", [marked(width=0, height=0, rotation=90)], ANIMALS)
        assert losses == {"size and rotation of images without a region": 1}
        _, losses = written({"1": Segments([], duration=2.5)}, ALL["audio_segmentation"])
        assert losses == {"durations of recordings without a segment": 1}
        # where it is not known, nothing is lost
        assert write("label_studio", [marked(width=0, height=0)], ANIMALS)[1] == {}
        assert written({"1": Segments([])}, ALL["audio_segmentation"])[1] == {}

    def test_answers_that_it_has_no_control_for(self) -> None:
        _, losses = written({"1": Preference("a")}, ALL["pairwise_preference"])
        assert losses == {"answers of the kind PREFERENCE": 1}


NOTHING: Any = {
    QuestionKind.PICTURE: Regions([], width=0, height=0),
    QuestionKind.SLOT: Spans([]),
    QuestionKind.VIDEO: Segments([]),
}
"""What an annotation says that has no part for a question: how large the image is, nobody knows."""


def keep(question: Question, reply: Any) -> Any:
    """What the table in the docs says of a reply; None: it is lost."""
    if question.kind in (QuestionKind.RANKING, QuestionKind.PREFERENCE) or question.keypoints:
        return None
    if isinstance(reply, Segments) and not reply.segments:
        return NOTHING[question.kind]
    if not isinstance(reply, Regions):
        return reply
    kept = [simplify(each) for each in reply.regions]
    regions = [each for each in kept if each is not None]
    return attrs.evolve(reply, regions=regions) if regions else NOTHING[question.kind]


def simplify(region: Any) -> Any:
    if isinstance(region, Mask | Polyline | Keypoints):
        return None
    if isinstance(region, Polygon):
        return attrs.evolve(region, holes=())
    if isinstance(region, RotatedBox) and not region.angle % 360:
        left, top = region.points[0]
        return Box(left, top, region.width, region.height, labels=region.labels)
    return region


def flat(value: Any) -> tuple[list[Any], list[float]]:
    """Texts and kinds of a reply, and its numbers."""
    texts: list[Any] = []
    numbers: list[float] = []

    def walk(part: Any) -> None:
        if isinstance(part, int | float):
            numbers.append(part % 360 if part == 360 else part)
        elif isinstance(part, dict):
            for key in sorted(part):
                if key not in ("id", "color", "label"):
                    texts.append(key)
                    walk(part[key])
        elif isinstance(part, list | tuple):
            texts.append(len(part))
            for each in part:
                walk(each)
        elif attrs.has(type(part)):
            texts.append(type(part).__name__)
            walk({field.name: getattr(part, field.name) for field in attrs.fields(type(part))})
        elif part is not None and not isinstance(part, str):
            walk(dict(part))
        else:
            texts.append(part)

    walk(value)
    return texts, numbers


NO_SOUND = "video_segmentation"


@pytest.mark.parametrize("name", sorted({*ALL} - {NO_SOUND}))
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(name: str, data: st.DataObject) -> None:
    template = ALL[name]
    said = data.draw(replies(template))
    result = a_result(said, data=dict.fromkeys(template.fields, TEXT))
    content, _ = write("label_studio", [result], template)
    (found,) = read("label_studio", content, template)
    kept = {id: keep(template.question(id), reply) for id, reply in said.items()}
    wanted = {id: reply for id, reply in kept.items() if reply is not None}
    for question in template.questions:
        if question.kind in NOTHING and not question.keypoints:
            wanted.setdefault(question.id, NOTHING[question.kind])
    (texts, numbers), (wanted_texts, wanted_numbers) = flat(found), flat(wanted)
    assert texts == wanted_texts
    assert numbers == pytest.approx(wanted_numbers, abs=1e-5)


def test_an_export_becomes_a_finished_job_with_the_same_answers() -> None:
    box = Box(10, 20, 30, 5, labels=LABELED)
    content, _ = write("label_studio", [marked(box, rotation=90)], ANIMALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street",
            "pets",
            template=ANIMALS,
            data=io.BytesIO(content),
            format="label_studio",
            by="ada",
        )
        (result,) = flow.results.list(job)
        assert (result.replies or {})["1"] == Regions([box], width=100, height=50, rotation=90)
        again = io.BytesIO()
        flow.results.export(job, "label_studio", again)
        assert again.getvalue() == content


def a_file(*answers: Any, **more: Any) -> bytes:
    return json.dumps([{"data": {"source": "1.jpg"}, "annotations": answers, **more}]).encode()


def make_answer(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"id": "a", "from_name": "q1", "to_name": "source", "type": "rectanglelabels", **item}
    return {"result": [whole], **more}


SIZE = {"original_width": 9, "original_height": 9}
GOOD = {"x": 0, "y": 0, "width": 50, "height": 50, "rectanglelabels": ["ant"]}


class TestWhatOthersWrite:
    def test_of_several_annotations_that_which_is_the_truth_counts(self) -> None:
        first, second = (make_answer({"value": GOOD, **SIZE}, ground_truth=is_true)
                         for is_true in (False, True))  # fmt: skip
        (found,) = read("label_studio", a_file(first, second), ANIMALS)
        assert len(found["1"].regions) == 1
        (problem,) = read("label_studio", a_file(first, first), ANIMALS)
        assert problem == (
            "tasks[0].annotations: are 2, and a task takes one: mark one as ground_truth"
        )
        (kept,) = read("label_studio", a_file(first, {**first, "was_cancelled": True}), ANIMALS)
        assert kept == found

    def test_without_a_template_there_are_rows_only(self) -> None:
        assert read("label_studio", a_file(), None) == [{"data": {"source": "1.jpg"}}]

    def test_several_texts_are_lines_of_one(self) -> None:
        words = ALL["speech_recognition"]
        item = {"type": "textarea", "value": {"text": ["one", "two"]}}
        (found,) = read("label_studio", a_file(make_answer(item)), words)
        assert found["1"].text == "one\ntwo"

    @pytest.mark.parametrize(
        ("item", "said"),
        [
            ({"from_name": "x"}, ".from_name: must be the name of a control of the template: q1, q1-poly"),
            ({"from_name": ["1"]}, ".from_name: must be the name of a control"),
            ({}, ".value: must be an object"),
            ({"value": {**GOOD, "rectanglelabels": "ant"}, **SIZE},
             ".value.rectanglelabels: must be a list of texts"),
            ({"value": GOOD}, ".original_width: must be the size of the image"),
            ({"value": {**GOOD, "x": "1"}, **SIZE}, ".value.x: must be a number"),
            ({"value": {**GOOD, "rotation": "1"}, **SIZE}, ".value.rotation: must be a number"),
        ],
    )  # fmt: skip
    def test_what_is_broken_is_a_problem_with_its_place(
        self, item: dict[str, Any], said: str
    ) -> None:
        (problem,) = read("label_studio", a_file(make_answer(item)), ANIMALS)
        assert problem.startswith(f"tasks[0].annotations[0].result[0]{said}")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "the file: is not JSON"),
            (b"{}", "the file: must be a list of tasks"),
            (b"[5]", "tasks[0]: must be an object with data"),
            (b'[{"data": []}]', "tasks[0]: must be an object with data"),
            (b'[{"data": {}, "annotations": {"a": 1}}]', "tasks[0].annotations: must be a list"),
            (b'[{"data": {}, "annotations": [1]}]', "tasks[0].annotations: must be a list"),
            (b'[{"data": {}, "annotations": [{"result": [1]}]}]',
             "tasks[0].annotations[0].result: must be a list"),
            (b"\x1f\x8b", "line 1: cannot be read: the file is compressed"),
            (b"[" * 5_000, "the file: is not JSON"),
        ],
    )  # fmt: skip
    def test_a_file_of_another_kind_is_a_problem(self, content: bytes, said: str) -> None:
        (problem,) = read("label_studio", content, ANIMALS)
        assert problem.startswith(said)

    def test_one_broken_task_leaves_the_others(self) -> None:
        good = json.loads(a_file(make_answer({"value": GOOD, **SIZE})))
        content = json.dumps([{"data": 5}, *good]).encode()
        problem, found = read("label_studio", content, ANIMALS)
        assert problem.startswith("tasks[0]: ")
        assert len(found["1"].regions) == 1

    @pytest.mark.parametrize(
        "item",
        [
            {"type": "relation", "from_id": "a", "to_id": "b"},
            {"type": "relation", "from_id": "a", "to_id": ["b"]},
        ],
    )
    def test_a_relation_needs_spans_that_are_there(self, item: Any) -> None:
        (problem,) = read("label_studio", a_file({"result": [item]}), NAMES)
        assert problem.endswith("from_id: must join two marked spans by their ids")


WRONG: Any = [None, 5, -1, 1e308, 10**400, "x", "\ud800", "\0", [], {}, [1], {"a": 1}, True]


def change(value: Any, random: Random) -> Any:
    """Return plain JSON with some of its values wrong, and some fields gone."""
    if random.random() < 0.12:
        return random.choice(WRONG)
    if isinstance(value, dict):
        kept = [key for key in value if random.random() > 0.03]
        return {key: change(value[key], random) for key in kept}
    if isinstance(value, list):
        return [change(each, random) for each in value]
    return value


@pytest.mark.parametrize("name", sorted(ALL))
@quiet
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_file_with_wrong_values_is_a_problem_or_another_answer(
    name: str, data: st.DataObject, seed: int
) -> None:
    template, random = ALL[name], Random(seed)
    result = a_result(data.draw(replies(template)), data=dict.fromkeys(template.fields, TEXT))
    content, _ = write("label_studio", [result], template)
    for _ in range(4):
        changed = json.dumps(change(json.loads(content), random)).encode()
        for item in formats.read("label_studio", io.BytesIO(changed), template=template):
            assert isinstance(item, Problem | Row)


class TestTheConfiguration:
    @pytest.mark.parametrize(
        "name",
        sorted({*ALL} - {NO_SOUND, "pairwise_preference", "preference_ranking", "keypoints"}),
    )
    def test_of_a_template_is_read_as_one_with_the_same_controls(self, name: str) -> None:
        config = templates.to_label_studio(ALL[name])
        again = templates.to_label_studio(templates.from_label_studio(config))
        assert again.splitlines()[0] == "<View>"
        assert [line for line in again.splitlines() if "Header" not in line] == [
            line for line in config.splitlines() if "Header" not in line
        ]

    def test_asks_what_depends_on_a_choice_only_then(self) -> None:
        config = templates.to_label_studio(ALL["moderation"])
        assert 'visibleWhen="choice-selected"' in config
        made = templates.from_label_studio(config)
        (asked,) = [each for each in ALL["moderation"].asked if each.when]
        (found,) = [each for each in made.asked if each.when]
        assert (found.id, found.when) == (f"q{asked.id}", asked.when)

    def test_keeps_what_is_said_of_an_option(self) -> None:
        option = Option("ant", "An <ant>", "#239125", "a", "six legs", [Option("red")])
        asked = Question("1", QuestionKind.CHECKBOX, "Kinds", [option])
        template = Template(questions=[asked], views=CATS.views)
        made = templates.from_label_studio(templates.to_label_studio(template))
        assert made.questions[0].options == (option,)

    @pytest.mark.parametrize("scale", [Scale(), Scale(1, 10), Scale(0, 1, 0.25), Scale(-1, 1, 0)])
    def test_keeps_the_scale_of_a_rating(self, scale: Scale) -> None:
        asked = Question("1", QuestionKind.RATING, "How good", scale=scale)
        template = Template(questions=[asked], views=CATS.views)
        made = templates.from_label_studio(templates.to_label_studio(template))
        assert made.questions[0].scale == scale
        content, _ = write("label_studio", [a_result({"1": Rating(scale.low)})], template)
        assert read("label_studio", content, made) == [{"q1": Rating(scale.low)}]

    @pytest.mark.parametrize("name", ["pairwise_preference", "preference_ranking", NO_SOUND])
    def test_of_questions_that_it_has_no_control_for_is_refused(self, name: str) -> None:
        with pytest.raises(InvalidData, match="question '1': Label Studio has no "):
            templates.to_label_studio(ALL[name])

    def test_of_label_studio_itself_is_read(self) -> None:
        made = templates.from_label_studio(
            """<View style="display: flex"> <!-- from its gallery -->
              <RectangleLabels name="label" toName="image">
                <Label value="Airplane" background="green"/> <Label value="Car"/>
              </RectangleLabels>
              <Image name="image" value="$image" zoom="true"/>
              <Choices name="light" toName="image" choice="multiple" required="true">
                <Choice value="day"/> <Choice value="night"/>
              </Choices>
              <TextArea name="plate" toName="image" perRegion="true"/>
            </View>"""
        )
        marks, light = made.questions
        assert (marks.id, marks.kind, marks.shapes) == (
            "label", QuestionKind.PICTURE, (Shape.BOX, Shape.ROTATED_BOX),
        )  # fmt: skip
        assert [child.title for child in marks.children] == ["Label", "plate"]
        assert (light.kind, light.required) == (QuestionKind.CHECKBOX, True)
        assert made.fields == {"image"}

    @pytest.mark.parametrize(
        ("config", "said"),
        [
            ("", "is not XML"),
            ("<View>", "is not XML"),
            ('<!DOCTYPE a [<!ENTITY x "y">]><View/>', "has a document type"),
            ("<View/>", "a template needs at least one question"),
            ('<View><Text name="t" value="$t"/><Ranker name="r" toName="t"/></View>',
             "Ranker 'r': is no control that a question can be made of"),
            ('<View><Choices name="c" toName="t"><Choice value="a"/></Choices></View>',
             "Choices 'c': needs a name, and toName of what is shown"),
            ('<View><Text name="t" value="$t"/><Choices name="c" toName="t"/></View>',
             "needs options"),
            ('<View><Text name="t" value="$t"/><Rating name="c" toName="t" maxRating="x"/></View>',
             "Rating 'c': has no scale"),
            ('<View><Text name="t" value="$t"/><Number name="c" toName="t" min="nan"/></View>',
             "low: must be "),
        ],
    )  # fmt: skip
    def test_that_no_template_can_be_is_refused(self, config: str, said: str) -> None:
        with pytest.raises(InvalidData, match=said.replace("(", r"\(")):
            templates.from_label_studio(config)

    def test_is_a_text_and_of_a_template(self) -> None:
        with pytest.raises(InvalidData, match="must be a text"):
            templates.from_label_studio(b"<View/>")  # type: ignore[arg-type]
        with pytest.raises(InvalidData, match="must be a Template"):
            templates.to_label_studio("x")  # type: ignore[arg-type]


def test_choices_may_be_none() -> None:
    template = ALL["image_classification"]
    content, _ = write("label_studio", [a_result({"1": Choices([])})], template)
    assert read("label_studio", content, template) == [{"1": Choices([])}]


def test_a_point_is_where_it_was() -> None:
    point = Point(3, 4, labels=LABELED)
    content, losses = write("label_studio", [marked(point)], ANY)
    (found,) = read("label_studio", content, ANY)
    assert (losses, found["1"].regions) == ({}, (point,))
