"""LabelMe: regions go out as shapes of a JSON file for each image, and come back."""

from __future__ import annotations

import io
import json
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.answering import replies
from support.exported import a_result, marked, read, unzip, write, zipped

import itagflow
from itagflow import (
    Box,
    InvalidData,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    RotatedBox,
    formats,
    templates,
)
from itagflow.templates import Question, QuestionKind

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
ANIMALS = templates.object_detection(["zebra", "ant"])
(PLAIN,) = ANIMALS.questions
CLASS = PLAIN.children[0].title
NOTE = Question("9", QuestionKind.INPUT, "note", required=False)
FULL = attrs.evolve(
    ANIMALS, questions=[attrs.evolve(PLAIN, children=[*PLAIN.children, NOTE])]
)  # fmt: skip
LABELED: Any = {CLASS: "ant"}
ANT = Box(10, 20, 30, 5, labels=LABELED)


class TestWhatGoesOut:
    def test_a_region_is_a_shape_with_its_points(self) -> None:
        shapes = [
            ANT,
            Polygon([(1, 1), (9, 1.5), (9, 8)], labels={**LABELED, "note": "left"}),
            Polyline([(1, 1), (9, 1)], labels=LABELED),
            Point(3, 4, labels=LABELED),
        ]
        content, losses = write("labelme", [marked(*shapes, rotation=90)], FULL)
        assert losses == {}
        (data,) = [json.loads(text) for text in unzip(content).values()]
        assert list(unzip(content)) == ["1.json"]
        common = {"label": "ant", "group_id": None, "description": "", "flags": {}}
        assert data == {
            "version": "5.5.0",
            "flags": {},
            "shapes": [
                {**common, "points": [[10, 20], [40, 25]], "shape_type": "rectangle"},
                {
                    **common,
                    "points": [[1, 1], [9, 1.5], [9, 8]],
                    "shape_type": "polygon",
                    "attributes": {"note": "left"},
                },
                {**common, "points": [[1, 1], [9, 1]], "shape_type": "linestrip"},
                {**common, "points": [[3, 4]], "shape_type": "point"},
            ],
            "imagePath": "1.jpg",
            "imageData": None,
            "imageHeight": 50,
            "imageWidth": 100,
            "image": "images/1.jpg",
            "rotation": 90,
        }
        assert read("labelme", content, FULL) == [
            {"1": Regions(shapes, width=100, height=50, rotation=90)}
        ]

    def test_names_are_safe_and_the_data_has_them_as_they_were(self) -> None:
        names = ["../a b.jpg", "x/a b.png", "https://example.org/猫.jpg?size=1", "7.jpg"]
        results = [marked(number=n, name=name) for n, name in enumerate(names, 1)]
        content, _ = write("labelme", results, ANIMALS)
        assert list(unzip(content)) == ["a b.json", "a b-2.json", "猫.json", "7.json"]
        assert '"imagePath":"a b-2.png"' in unzip(content)["a b-2.json"]
        assert '"image":' not in unzip(content)["7.json"]
        assert [row["data"]["source"] for row in read("labelme", content, None)] == names

    def test_an_image_that_nobody_has_answered_is_not_one_with_nothing_on_it(self) -> None:
        content, _ = write("labelme", [a_result(None), marked(number=2)], ANIMALS)
        assert list(unzip(content)) == ["2.json"]
        assert read("labelme", content, ANIMALS) == [{"1": Regions([], width=100, height=50)}]

    def test_the_same_results_are_the_same_bytes(self) -> None:
        assert write("labelme", [marked(ANT)], ANIMALS) == write("labelme", [marked(ANT)], ANIMALS)


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("region", "lost", "kept"),
        [
            (RotatedBox(4.5, 4.5, 4, 2, 90, labels=LABELED),
             "turned boxes (written as outlines)", 1),
            (Polygon([(0, 0), (9, 0), (9, 9)], [[(5, 1), (6, 1), (6, 2)]], labels=LABELED),
             "holes of polygons", 1),
            (Mask([0, 9, 72], labels=LABELED), "keypoints and masks", 0),
            (Keypoints([Keypoint("toe", 1, 1)], labels=LABELED), "keypoints and masks", 0),
            (Box(0, 0, 1, 1), "regions of no class", 0),
        ],
    )  # fmt: skip
    def test_is_counted_or_refused(self, region: Any, lost: str, kept: int) -> None:
        result = marked(region, width=9, height=9)
        content, losses = write("labelme", [result], ANIMALS)
        (text,) = unzip(content).values()
        assert (losses, text.count('"label"')) == ({lost: 1}, kept)
        with pytest.raises(InvalidData, match="task 1: "):
            write("labelme", [result], ANIMALS, lossy="error")

    def test_an_image_of_unknown_size_and_a_template_without_regions(self) -> None:
        content, losses = write("labelme", [marked(width=0)], ANIMALS)
        assert (unzip(content), losses) == ({}, {"images of unknown size": 1})
        with pytest.raises(InvalidData, match="has no PICTURE question"):
            write("labelme", [], templates.image_classification(["cat"]))


def is_held(region: Any) -> bool:
    return isinstance(region, Box | Polyline | Point) or (
        isinstance(region, Polygon) and not region.holes
    )


@pytest.mark.parametrize("template", [ANIMALS, FULL], ids=["plain", "labels"])
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(template: Any, data: st.DataObject) -> None:
    said = [data.draw(replies(template)) for _ in range(2)]
    for reply in said:
        held = [
            attrs.evolve(each, id=None, color=None) for each in reply["1"].regions if is_held(each)
        ]
        reply["1"] = attrs.evolve(reply["1"], regions=held)
    results = [a_result(each, n) for n, each in enumerate(said, 1)]
    content, losses = write("labelme", results, template)
    assert (losses, read("labelme", content, template)) == ({}, said)


def test_an_export_becomes_a_finished_job_with_the_same_regions() -> None:
    content, _ = write("labelme", [marked(ANT, rotation=90)], ANIMALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=ANIMALS, data=io.BytesIO(content), format="labelme", by="ada"
        )
        again = io.BytesIO()
        flow.results.export(job, "labelme", again)
        assert again.getvalue() == content


SHAPE = {"label": "ant", "points": [[9, 8], [0.5, 1]], "shape_type": "rectangle", "mask": None}
GOOD: Any = {
    "version": "3.16.7",
    "shapes": [SHAPE, {"label": "zebra", "points": [[1, 1], [2, 2]], "shape_type": "line"}],
    "imagePath": "..\\images\\7.jpg",
    "imageData": "iVBORw0KGgo=",
    "imageHeight": 9,
    "imageWidth": 9.0,
}


def change_shape(**more: Any) -> Any:
    return {"shapes": [{**SHAPE, **more}]}


class TestWhatOthersWrite:
    def test_corners_in_any_order_and_fields_of_other_versions(self) -> None:
        content = zipped({"work/7.json": "\ufeff" + json.dumps(GOOD), "work/7.jpg": b"\xff"})
        assert read("labelme", content, None) == [{"data": {"source": "..\\images\\7.jpg"}}]
        (reply,) = read("labelme", content, FULL)
        assert reply["1"].regions == (
            Box(0.5, 1, 8.5, 7, label="ant", labels=LABELED),
            Polyline([(1, 1), (2, 2)], labels={CLASS: "zebra"}),
        )

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"imagePath": 7}, "imagePath: must be the name of the image"),
            ({"imageWidth": None}, "imageWidth: must be the size of the image in pixels"),
            ({"imageHeight": 0}, "imageHeight: must be the size of the image in pixels"),
            ({"shapes": None}, "shapes: must be a list"),
            ({"shapes": [7]}, "shapes[0].shape_type: must be in an object"),
            ({"rotation": 45}, "rotation: must be 0, 90"),
            (change_shape(shape_type="circle"), "shapes[0].shape_type: must be one of rectangle, "),
            (change_shape(shape_type=[]), "shapes[0].shape_type: must be one of rectangle, "),
            (change_shape(label=7), "shapes[0].label: must be the class of the shape"),
            (change_shape(points=[[1, 1]]), "shapes[0].points: must be at least 2 points"),
            (change_shape(points=[[1, 1]] * 2), "shapes[0].width: must be more than 0"),
            (change_shape(points=[[1, 1]] * 3), "shapes[0].points: must be at least 2 points"),
            (change_shape(attributes=7), "shapes[0].the shape.attributes: must be an object"),
        ],
    )
    def test_what_is_broken_is_a_problem_with_its_place(self, changes: Any, problem: str) -> None:
        files = {"a.json": json.dumps({**GOOD, **changes}), "b.json": json.dumps(GOOD)}
        found, kept = read("labelme", zipped(dict(files)), FULL)
        assert found.startswith(f"a.json, {problem}"), found
        assert len(kept["1"].regions) == 2

    @pytest.mark.parametrize("text", ["{", b"\xff", "[]", "[" * 100_000])
    def test_a_file_that_is_no_json_is_a_problem(self, text: str | bytes) -> None:
        found, _ = read("labelme", zipped({"a.json": text, "b.json": json.dumps(GOOD)}), FULL)
        assert found.startswith("a.json: ")

    def test_what_is_no_zip_file_is_a_problem(self) -> None:
        (problem,) = read("labelme", json.dumps(GOOD).encode(), FULL)
        assert problem.startswith("the file: is no zip file")
        (problem,) = read("labelme", zipped({}), FULL)
        assert problem.startswith("the file: has no .json file")

    def test_whatever_is_cut_off_or_changed_is_no_crash(self) -> None:
        text = json.dumps(GOOD)
        for place in range(len(text)):
            for changed in (text[:place], f"{text[:place]}9{text[place + 1 :]}"):
                assert read("labelme", zipped({"a.json": changed}), FULL)

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("labelme", "https://example.org/a.zip"))
