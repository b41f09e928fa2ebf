"""COCO: what people marked goes out as programs for training read it, and comes back."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import replies

import itagflow
from itagflow import (
    Box,
    Choice,
    InvalidData,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    Result,
    RotatedBox,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    formats,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats import kit
from itagflow.formats._geometry import decode_counts, encode_counts
from itagflow.model import Outcome, Provenance, Row, StageResult
from itagflow.templates import Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
ANIMALS = templates.object_detection(["zebra", "ant"])
AREAS = templates.segmentation(["road", "roof"])
JOINTS = templates.keypoints(["nose", "ear", "tail"], ["cat"])
CAPTIONS = templates.image_captioning()


def a_result(said: Any, number: int = 1, **more: Any) -> Result:
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
    row = json.dumps({"data": {"source": f"images/{number}.jpg"}})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made, **more)


def marked(*regions: Any, number: int = 1, width: int = 100, height: int = 50) -> Result:
    return a_result({"1": Regions(regions, width=width, height=height)}, number)


def written(
    results: Iterable[Result], template: Template, **more: Any
) -> tuple[Any, dict[str, int]]:
    file = io.BytesIO()
    report = formats.write("coco", results, file, template=template, **more)
    return json.loads(file.getvalue()), dict(report.losses)


def read(content: Any, template: Template, **more: Any) -> list[Any]:
    """The replies to each image, or what is wrong with it."""
    file = io.BytesIO(json.dumps(content).encode())
    return [
        kit.parse_row(item, template).get(Stage.LABEL) if isinstance(item, Row) else str(item)
        for item in formats.read("coco", file, template=template, **more)
    ]


class TestWhatGoesOut:
    def test_a_box_with_ids_from_1_and_classes_in_the_order_of_the_template(self) -> None:
        results = [marked(Box(10, 20, 30, 5, label="ant")), marked(number=2)]
        content, losses = written(results, ANIMALS)
        assert losses == {}
        assert content == {
            "images": [
                {"id": 1, "file_name": "images/1.jpg", "width": 100, "height": 50},
                {"id": 2, "file_name": "images/2.jpg", "width": 100, "height": 50},
            ],
            "annotations": [
                {
                    "id": 1,
                    "image_id": 1,
                    "category_id": 2,
                    "bbox": [10, 20, 30, 5],
                    "area": 150,
                    "segmentation": [],
                    "iscrowd": 0,
                }
            ],
            "categories": [{"id": 1, "name": "zebra"}, {"id": 2, "name": "ant"}],
        }

    def test_the_classes_can_be_those_of_another_data_set(self) -> None:
        result = marked(Box(10, 20, 30, 5, label="ant"))
        content, _ = written([result], ANIMALS, classes=["bee", "ant", "zebra"])
        assert [each["name"] for each in content["categories"]] == ["bee", "ant", "zebra"]
        assert content["annotations"][0]["category_id"] == 2

    def test_an_image_that_nobody_has_answered_is_not_one_with_nothing_on_it(self) -> None:
        content, _ = written([a_result(None), marked(number=2)], ANIMALS)
        assert [image["id"] for image in content["images"]] == [2]

    def test_run_lengths_are_a_text_with_the_size_of_the_image(self) -> None:
        mask = Mask([6, 1, 40, 4, 5, 4, 5, 4, 21], label="roof")
        content, losses = written([marked(mask, width=10, height=9)], AREAS)
        (annotation,) = content["annotations"]
        # the counts are those of the documentation of cocoapi
        assert annotation["segmentation"] == {"size": [9, 10], "counts": "61X13mN000`0"}
        assert (annotation["area"], annotation["bbox"]) == (13, [0, 2, 8, 5])
        assert losses == {}

    def test_keypoints_that_are_absent_are_zeros_and_not_counted(self) -> None:
        cat = Keypoints([Keypoint("nose", 3, 4), Keypoint("tail", 9, 8, 1)], label="cat")
        content, _ = written([marked(cat)], JOINTS)
        (annotation,) = content["annotations"]
        assert annotation["keypoints"] == [3, 4, 2, 0, 0, 0, 9, 8, 1]
        assert (annotation["num_keypoints"], annotation["bbox"]) == (2, [3, 4, 6, 4])
        (category,) = content["categories"]
        assert category["keypoints"] == ["nose", "ear", "tail"]

    def test_the_size_is_that_in_which_a_turned_photograph_was_answered(self) -> None:
        box = Box(10, 20, 30, 5, labels={"Single-choice": "ant"})
        said = {"1": Regions([box], width=100, height=50, rotation=90)}
        content, _ = written([a_result(said)], ANIMALS)
        (image,) = content["images"]
        assert (image["width"], image["height"], image["rotation"]) == (100, 50, 90)
        assert read(content, ANIMALS) == [said]

    def test_captions_have_no_categories(self) -> None:
        (question,) = [each for each in CAPTIONS.asked if each.kind is QuestionKind.OPEN_ENDED]
        said = {question.id: Text("a cat")}
        content, _ = written([a_result(said)], CAPTIONS, kind="captions")
        assert content["annotations"] == [{"id": 1, "image_id": 1, "caption": "a cat"}]
        assert content["categories"] == []
        assert read(content, CAPTIONS, kind="captions") == [said]

    def test_results_are_detections_with_scores(self) -> None:
        at = datetime(2026, 11, 24, tzinfo=UTC)
        seen = Provenance(
            stage=Stage.LABEL,
            round=1,
            member=None,
            outcome=Outcome.PRELABELED,
            inspected=True,
            at=at,
            score=0.75,
        )
        said = {"1": Regions([Box(1, 2, 3, 4, label="ant")], width=9, height=9)}
        content, _ = written(
            [a_result(said, provenance=(seen,)), marked(Box(1, 2, 3, 4, label="ant"), number=2)],
            ANIMALS,
            kind="results",
        )
        assert content == [
            {"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.75},
            {"image_id": 2, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 1.0},
        ]

    def test_an_empty_file_is_valid(self) -> None:
        assert written([], ANIMALS)[0]["images"] == []
        assert written([], ANIMALS, kind="results")[0] == []


HOLED = Polygon(
    [(0, 0), (9, 0), (9, 9)], holes=[[(1, 1), (2, 1), (2, 2)]], labels={"Single-choice": "road"}
)
LABELED = {"Single-choice": "road"}


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("region", "lost", "kept"),
        [
            (HOLED, "holes of polygons", True),
            (RotatedBox(9, 9, 4, 2, 30, labels=LABELED), "turned boxes", True),
            (Polyline([(0, 0), (1, 1)], labels=LABELED), "lines and single points", False),
            (Point(1, 1, labels=LABELED), "lines and single points", False),
            (Mask([81], labels=LABELED), "masks without a pixel", False),
            (Box(0, 0, 1, 1), "regions of no class", False),
            (Box(0, 0, 1, 1, label="sea"), "regions of a class that the template", False),
        ],
    )
    def test_is_counted_or_refused(self, region: Any, lost: str, kept: bool) -> None:
        result = marked(region, width=9, height=9)
        content, losses = written([result], AREAS)
        ((what, number),) = losses.items()
        assert (what.startswith(lost), number) == (True, 1)
        assert len(content["annotations"]) == kept
        with pytest.raises(InvalidData, match=f"task 1: {lost}"):
            written([result], AREAS, lossy="error")

    def test_replies_to_other_questions_are_counted(self) -> None:
        note = Question("2", QuestionKind.INPUT, "Note")
        template = attrs.evolve(ANIMALS, questions=(*ANIMALS.questions, note))
        said = {"1": Regions([], width=9, height=9), "2": Text("dark")}
        _, losses = written([a_result(said)], template)
        assert losses == {"answers of further questions": 1}

    def test_a_template_without_regions_is_refused(self) -> None:
        cats = templates.image_classification(["cat"])
        with pytest.raises(InvalidData, match="has no PICTURE question"):
            written([a_result({"1": Choice("cat")})], cats)

    def test_an_image_without_a_name_is_refused(self) -> None:
        with pytest.raises(InvalidData, match=r"task 1: data\.url: must be the name of the image"):
            written([marked()], ANIMALS, image="url")


def shown(reply: Regions, names: tuple[str, ...]) -> Regions:
    """What COCO keeps: no ids and colors, no holes, turned boxes as outlines, absent keypoints."""
    regions = [_shown(each, names) for each in reply.regions]
    return attrs.evolve(reply, regions=[each for each in regions if each is not None])


def _shown(region: Any, names: tuple[str, ...]) -> Any:
    if isinstance(region, Polyline | Point) or (isinstance(region, Mask) and not region.area):
        return None
    if isinstance(region, Keypoints):
        if not region.points or not {each.name for each in region.keypoints} <= set(names):
            return None
        by_name = {each.name: each for each in region.keypoints if each.visibility}
        absent = {name: Keypoint(name, 0, 0, 0) for name in names}
        region = attrs.evolve(region, keypoints=tuple({**absent, **by_name}.values()))
    if isinstance(region, RotatedBox | Polygon):
        region = Polygon(region.points, labels=region.labels)
    return attrs.evolve(region, id=None, color=None)


@pytest.mark.parametrize("template", [ANIMALS, AREAS, JOINTS], ids=["boxes", "areas", "joints"])
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(template: Template, data: st.DataObject) -> None:
    said = [data.draw(replies(template)) for _ in range(2)]
    names = template.questions[0].keypoints
    results = [a_result(each, number) for number, each in enumerate(said, 1)]
    content, _ = written(results, template)
    assert read(content, template) == [
        {id: shown(reply, names) for id, reply in each.items()} for each in said
    ]


@quiet
@given(st.lists(st.integers(0, 10**6), max_size=20))
def test_run_lengths_come_back_from_their_text(counts: list[int]) -> None:
    text = encode_counts(counts)
    assert text.isascii()
    assert decode_counts(text) == counts


def test_an_export_becomes_a_finished_job_with_the_same_regions() -> None:
    content, _ = written([marked(Box(10, 20, 30, 5, label="ant"))], ANIMALS)
    file = io.BytesIO(json.dumps(content).encode())
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=ANIMALS, data=file, format="coco", by="ada"
        )
        (result,) = flow.results.list(job)
        reply = (result.replies or {})["1"]
        assert isinstance(reply, Regions)
        (box,) = reply.regions
        assert isinstance(box, Box)
        assert (box.x, box.y, box.width, box.height, box.label) == (10, 20, 30, 5, "ant")
        again = io.BytesIO()
        flow.results.export(job, "coco", again)
        assert json.loads(again.getvalue()) == content


GOOD: dict[str, Any] = {
    "images": [{"id": 7, "file_name": "7.jpg", "width": 9, "height": 9}],
    "annotations": [{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    "categories": [{"id": 1, "name": "ant"}],
}


class TestWhatOthersWrite:
    def test_needs_no_more_than_boxes(self) -> None:
        ((reply),) = read(GOOD, ANIMALS)
        assert reply["1"].regions[0].label == "ant"

    def test_run_lengths_as_a_list_with_any_ids(self) -> None:
        rle = {"size": [9, 9], "counts": [6, 1, 74]}
        part = {"image_id": 7, "category_id": 90, "segmentation": rle, "iscrowd": 1}
        content = {**GOOD, "annotations": [part], "categories": [{"id": 90, "name": "roof"}]}
        (reply,) = read(content, AREAS)
        assert reply["1"].regions == (Mask([6, 1, 74], labels={"Single-choice": "roof"}),)

    def test_an_image_with_nothing_on_it_is_kept(self) -> None:
        (reply,) = read({**GOOD, "annotations": []}, ANIMALS)
        assert reply == {"1": Regions([], width=9, height=9)}

    def test_without_a_template_there_are_rows_only(self) -> None:
        file = io.BytesIO(json.dumps(GOOD).encode())
        (row,) = formats.read("coco", file)
        assert isinstance(row, Row)
        assert json.loads(row.text) == {"data": {"source": "7.jpg"}}

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"images": {}}, "images: must be a list"),
            ({"images": [{"id": 7}]}, "images[0].file_name: must be a text"),
            ({"images": [{"id": 7, "file_name": "7.jpg"}]}, "images[0], width: must be the size"),
            ({"annotations": [{"category_id": 1}]}, "annotations[0].image_id: must be a number"),
            ({"categories": []}, "images[0], annotations[0].category_id: must be the id of one of"),
            ({"categories": [{"id": 1}]}, "categories[0].name: must be a text"),
        ],
    )
    def test_what_is_broken_is_a_problem_with_its_place(
        self, changes: dict[str, Any], said: str
    ) -> None:
        (problem,) = read({**GOOD, **changes}, ANIMALS)
        assert problem.startswith(said)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"bbox": [1, 2, 3]}, "annotations[0].bbox: must be the four numbers"),
            ({"bbox": [1, 2, 0, 4]}, "annotations[0].width"),
            ({"segmentation": [[1, 2, 3]]}, "annotations[0].segmentation[0]: must be numbers x, y"),
            ({"segmentation": [[1, 2], [3, 4]]}, "annotations[0].segmentation: has several outl"),
            ({"segmentation": "61X"}, "annotations[0].segmentation: must be a list of outlines"),
            ({"segmentation": {"counts": "\n"}}, "annotations[0].counts: has '\\n', which no RLE"),
            ({"segmentation": {"counts": [81], "size": [9, 8]}}, "annotations[0].segmentation.si"),
            ({"keypoints": [1, 2, 2]}, "annotations[0].keypoints: must be x, y and visibility"),
            ({"attributes": []}, "annotations[0].attributes: must be an object"),
            ({"image_id": 8}, "annotations[0].image_id: must be the id of one of the images"),
            ({"category_id": []}, "annotations[0].category_id: must be the id of one of the cate"),
        ],
    )
    def test_a_broken_annotation_is_a_problem_of_its_image(
        self, changes: dict[str, Any], said: str
    ) -> None:
        part = {**GOOD["annotations"][0], **changes}
        problem = read({**GOOD, "annotations": [part]}, ANIMALS)[-1]
        assert problem.removeprefix("images[0], ").startswith(said)

    @pytest.mark.parametrize(
        "content", [b"", b"[]", b"{", b"5", b"[" * 100_000, b"\xff", b"PK\3\4"]
    )
    def test_what_is_no_data_set_is_one_problem(self, content: bytes) -> None:
        (problem,) = formats.read("coco", io.BytesIO(content), template=ANIMALS)
        assert isinstance(problem, Problem)

    def test_several_captions_of_an_image_are_a_problem(self) -> None:
        part = {"image_id": 7, "caption": "a cat"}
        content = {**GOOD, "annotations": [part, part]}
        assert read(content, CAPTIONS, kind="captions") == [
            "images[0]: has 2 captions, and a question takes one"
        ]


def test_the_area_of_an_outline_is_that_of_the_region() -> None:
    content, _ = written([marked(Polygon([(0, 0), (10, 0), (10, 10)], labels=LABELED))], AREAS)
    assert math.isclose(content["annotations"][0]["area"], 50)
