"""YOLO: boxes and outlines go out as programs for training read them, and come back."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
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
    formats,
    templates,
)
from itagflow.errors import Problem
from itagflow.formats import kit
from itagflow.formats._files import MAX_ROW_BYTES
from itagflow.formats._geometry import clip
from itagflow.formats._names import SafeNames, make_safe
from itagflow.model import Bounds, Row, StageResult

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
ANIMALS = templates.object_detection(["zebra", "ant"])
AREAS = templates.segmentation(["road", "roof"])
LABELED = {"Single-choice": "road"}
BODIES = templates.keypoints(["nose", "ear", "tail"], ["cat"])


def a_result(said: Any, number: int = 1, name: str | None = None) -> Result:
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
    row = json.dumps({"data": {"source": name or f"images/{number}.jpg"}})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made)


def marked(*regions: Any, number: int = 1, name: str | None = None, **more: Any) -> Result:
    size = {"width": 100, "height": 50, **more}
    return a_result({"1": Regions(regions, **size)}, number, name)


def write(results: Iterable[Result], template: Template, **more: Any) -> tuple[bytes, Any]:
    file = io.BytesIO()
    report = formats.write("yolo", results, file, template=template, **more)
    return file.getvalue(), dict(report.losses)


def written(
    results: Iterable[Result], template: Template, **more: Any
) -> tuple[dict[str, str], dict[str, int]]:
    content, losses = write(results, template, **more)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}, losses


def read(content: bytes, template: Template | None, **more: Any) -> list[Any]:
    """The replies to each image, or what is wrong with it."""
    return [
        str(item)
        if isinstance(item, Problem)
        else kit.parse_row(item, template).get(Stage.LABEL)
        if template is not None
        else json.loads(item.text)
        for item in formats.read("yolo", io.BytesIO(content), template=template, **more)
    ]


class TestWhatGoesOut:
    def test_a_box_with_ids_from_0_in_the_order_of_the_template(self) -> None:
        results = [marked(Box(10, 20, 30, 5, label="ant")), marked(number=2)]
        files, losses = written(results, ANIMALS)
        images = files.pop("images.jsonl").splitlines()
        assert losses == {}
        assert files == {
            "data.yaml": 'train: images/train\nval: images/train\nnames:\n  0: "zebra"\n'
            '  1: "ant"\n',
            "labels/train/1.txt": "1 0.25 0.45 0.3 0.1\n",
            "labels/train/2.txt": "",
        }
        assert [json.loads(line) for line in images] == [
            {"file": f"images/train/{n}.jpg", "image": f"images/{n}.jpg", **size}
            for n, size in ((1, {"width": 100, "height": 50}), (2, {"width": 100, "height": 50}))
        ]

    def test_the_classes_can_be_those_of_another_data_set(self) -> None:
        result = marked(Box(10, 20, 30, 5, label="ant"))
        files, _ = written([result], ANIMALS, classes=["bee", "zebra", "ant"])
        assert '  0: "bee"\n  1: "zebra"\n  2: "ant"\n' in files["data.yaml"]
        assert files["labels/train/1.txt"].startswith("2 ")

    def test_names_are_in_quotes_so_that_yaml_takes_them_for_texts(self) -> None:
        names = ["no", "a: b", 'say "x"', "猫", "\U0001f600", "#1"]
        files, _ = written([], templates.object_detection(names))
        lines = files["data.yaml"].splitlines()[3:]
        assert lines == [
            '  0: "no"',
            '  1: "a: b"',
            '  2: "say \\"x\\""',
            '  3: "猫"',
            '  4: "\U0001f600"',  # as two halves, YAML would have two characters
            '  5: "#1"',
        ]

    def test_an_outline_is_its_corners(self) -> None:
        roof = Polygon([(0, 0), (50, 0), (50, 25)], labels={"Single-choice": "roof"})
        files, losses = written([marked(roof)], AREAS, task="segment")
        assert (files["labels/train/1.txt"], losses) == ("1 0 0 0.5 0 0.5 0.5\n", {})

    def test_an_image_that_nobody_has_answered_is_not_one_with_nothing_on_it(self) -> None:
        files, _ = written([a_result(None), marked(number=2)], ANIMALS)
        assert list(files) == ["data.yaml", "labels/train/2.txt", "images.jsonl"]

    def test_the_same_results_are_the_same_bytes(self, tmp_path: Any) -> None:
        results = [marked(Box(10, 20, 30, 5, label="ant"))]
        content, _ = write(results, ANIMALS)
        formats.write("yolo", results, tmp_path / "a.zip", template=ANIMALS)
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as outer:
            place: Any = zipfile.Path(outer, "x")
            formats.write("yolo", results, place, template=ANIMALS)
        with zipfile.ZipFile(tmp_path / "b.zip") as outer:
            assert (tmp_path / "a.zip").read_bytes() == outer.read("x") == content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                assert entry.date_time == (1980, 1, 1, 0, 0, 0)
                assert (entry.create_system, entry.external_attr >> 16) == (3, 0o100644)
                # readers of streams know no sizes that follow a file which is not compressed
                assert not entry.flag_bits & 8

    def test_a_turned_box_is_its_four_corners(self) -> None:
        box = RotatedBox(50, 25, 20, 10, 90, label="ant")
        files, losses = written([marked(box)], ANIMALS, task="obb")
        line = "1 0.55 0.3 0.55 0.7 0.45 0.7 0.45 0.3"
        numbers = [float(each) for each in files["labels/train/1.txt"].split()]
        assert (numbers, losses) == (pytest.approx([float(each) for each in line.split()]), {})

    def test_keypoints_follow_the_box_around_them_in_the_order_of_the_template(self) -> None:
        cat = Keypoints([Keypoint("tail", 60, 45, 1), Keypoint("nose", 20, 5)], label="cat")
        files, losses = written([marked(cat)], BODIES, task="pose")
        assert files["labels/train/1.txt"] == "0 0.4 0.5 0.4 0.8 0.2 0.1 2 0 0 0 0.6 0.9 1\n"
        assert "kpt_shape: [3, 3]\nnames:\n" in files["data.yaml"]
        assert losses == {}


class TestNames:
    def test_of_two_images_are_never_the_same(self) -> None:
        names = SafeNames()
        given = ["a/1.jpg", "b/1.jpg", "c/1.PNG", "1-2.jpg", "A.jpg", "a.jpg"]
        chosen = [names.choose(name, number) for number, name in enumerate(given, 1)]
        assert chosen == ["1.jpg", "1-2.jpg", "1-3.PNG", "1-2-4.jpg", "A.jpg", "a-6.jpg"]

    @pytest.mark.parametrize(
        ("name", "safe"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\images\\1.jpg", "1.jpg"),
            ("https://example.org/a/1.jpg?size=3/4#x", "1.jpg"),
            ("a/b\n\0?.jpg", "b___.jpg"),
            ("nul.jpg", "_nul.jpg"),
            ("", "_"),
            ("..", "_"),
            ("/", "_"),
            ("a/", "a"),
            (".jpg", "jpg"),
            ("猫" * 100 + ".jpg", "猫" * 53 + ".jpg"),
            ("x." + "y" * 300, "x." + "y" * 158),
        ],
    )
    def test_are_safe_on_every_system(self, name: str, safe: str) -> None:
        assert make_safe(name) == safe

    def test_are_kept_beside_the_safe_ones(self) -> None:
        names = ["a/1.jpg", "b/1.jpg", "../\ud800.jpg"]
        results = [marked(number=n, name=name) for n, name in enumerate(names, 1)]
        content, _ = write(results, ANIMALS)
        assert [each["data"]["source"] for each in read(content, None)] == names


HOLED = Polygon([(0, 0), (9, 0), (9, 9)], [[(1, 1), (2, 1), (2, 2)]], labels=LABELED)
MASK = Mask([0, 9, 72], labels=LABELED)
JOINTS = Keypoints([Keypoint("nose", 3, 4)], labels=LABELED)
OUTSIDE = "regions outside of the image, or without an extent"
CUT = "parts of regions outside of the image"
AROUND = "shapes other than boxes (written as the boxes around them)"


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("task", "region", "lost", "line"),
        [
            ("detect", HOLED, AROUND, "0 0.5 0.5 1 1\n"),
            ("detect", RotatedBox(4.5, 4.5, 9, 9, 90, labels=LABELED), AROUND, "0 0.5 0.5 1 1\n"),
            ("detect", MASK, AROUND, "0 0.0555555555556 0.5 0.111111111111 1\n"),
            ("detect", Mask([81], labels=LABELED), "masks without a pixel", ""),
            ("detect", JOINTS, "keypoints, lines and single points", ""),
            ("detect", Box(-9, 0, 18, 9, labels=LABELED), CUT, "0 0.5 0.5 1 1\n"),
            ("detect", Box(9, 0, 9, 9, labels=LABELED), OUTSIDE, ""),
            ("detect", Box(0, 0, 1, 1), "regions of no class", ""),
            ("detect", Box(0, 0, 9, 9, labels={**LABELED, "State": "new"}), "further labels of re",
             "0 0.5 0.5 1 1\n"),
            ("obb", HOLED, AROUND, "0 0 0 1 0 1 1 0 1\n"),
            ("obb", JOINTS, "keypoints, lines and single points", ""),
            ("obb", RotatedBox(4.5, 4.5, 9, 9, 45, labels=LABELED), "boxes that leave the im", ""),
            ("segment", HOLED, "holes of polygons", "0 0 0 1 0 1 1\n"),
            ("segment", Box(0, 0, 9, 9, labels=LABELED), "boxes (written as outlines)",
             "0 0 0 1 0 1 1 0 1\n"),
            ("segment", MASK, "masks", ""),
            ("segment", Polyline([(0, 0), (1, 1)], labels=LABELED), "keypoints, lines and si", ""),
            ("segment", Point(1, 1, labels=LABELED), "keypoints, lines and single points", ""),
            ("segment", Polygon([(0, 0), (18, 0), (0, 18)], labels=LABELED), CUT,
             "0 0 1 0 0 1 0 1 1\n"),
            ("segment", Polygon([(0, 10), (9, 10), (9, 12)], labels=LABELED), OUTSIDE, ""),
            ("segment", Box(0, 0, 1, 1, label="sea"), "regions of a class that the template", ""),
        ],
    )  # fmt: skip
    def test_is_counted_or_refused(self, task: str, region: Any, lost: str, line: str) -> None:
        result = marked(region, width=9, height=9)
        files, losses = written([result], AREAS, task=task)
        ((what, number),) = losses.items()
        assert (what.startswith(lost), number) == (True, 1)
        assert files["labels/train/1.txt"] == line
        with pytest.raises(InvalidData, match="task 1: "):
            written([result], AREAS, task=task, lossy="error")

    def test_an_image_of_unknown_size_is_left_out(self) -> None:
        files, losses = written([marked(width=0)], ANIMALS)
        assert (files["images.jsonl"], losses) == ("", {"images of unknown size": 1})

    def test_a_template_without_regions_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="has no PICTURE question"):
            written([], templates.image_classification(["cat"]))

    def test_an_image_without_a_name_is_refused(self) -> None:
        with pytest.raises(InvalidData, match=r"task 1: data\.url: must be the name of the image"):
            written([marked()], ANIMALS, image="url")

    def test_another_task_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="task: must be 'detect' or 'segment' or 'obb' or 'p"):
            written([], ANIMALS, task="depth")

    def test_keypoints_that_the_template_does_not_name_are_refused(self) -> None:
        for use in (written, read):
            given: Any = [] if use is written else zipped(dict(GOOD))
            with pytest.raises(InvalidData, match="task 'pose': needs keypoints of 'Object det"):
                use(given, ANIMALS, task="pose")


def shoelace(points: Sequence[tuple[float, float]]) -> float:
    pairs = zip(points, (*points[1:], *points[:1]), strict=True)
    return abs(sum(x * down - across * y for (x, y), (across, down) in pairs)) / 2


@quiet
@given(*[st.tuples(st.integers(-9, 9), st.integers(1, 9))] * 2)
def test_what_is_cut_off_is_what_is_outside(across: Any, down: Any) -> None:
    (left, width), (top, height) = across, down
    kept = clip(Box(left, top, width, height).points, 5, 7)
    wide = max(0, min(5, left + width) - max(0, left))
    high = max(0, min(7, top + height) - max(0, top))
    assert shoelace(kept) == wide * high
    assert all(0 <= x <= 5 and 0 <= y <= 7 for x, y in kept)


def test_an_outline_that_leaves_the_image_twice_has_the_right_area() -> None:
    comb = ((0, 0), (10, 0), (10, 2), (4, 2), (4, 4), (10, 4), (10, 6), (0, 6))
    assert shoelace(clip(comb, 8, 6)) == 40


@pytest.mark.parametrize(
    ("region", "lost"),
    [
        (Box(0, 0, 1, 1, label="cat"), "regions other than keypoints"),
        (Keypoints([Keypoint("nose", 3, 99)], label="cat"), "objects with keypoints outside of"),
        (Keypoints([Keypoint("nose", visibility=0)], label="cat"), "objects of other keypoints"),
        (Keypoints([Keypoint("hand", 3, 4)], label="cat"), "objects of other keypoints"),
    ],
)
def test_objects_that_are_no_pose_are_counted(region: Any, lost: str) -> None:
    files, losses = written([marked(region)], BODIES, task="pose")
    ((what, number),) = losses.items()
    assert (what.startswith(lost), number) == (True, 1)
    assert files["labels/train/1.txt"] == ""


@quiet
@given(data=st.data())
def test_keypoints_come_back(data: st.DataObject) -> None:
    reply = data.draw(replies(BODIES))["1"]
    absent = Keypoint("ear", visibility=0)
    objects = [attrs.evolve(each, keypoints=[*each.keypoints, absent]) for each in reply.regions]
    said = {"1": attrs.evolve(reply, regions=objects)}
    content, losses = write([a_result(said)], BODIES, task="pose")
    (found,) = read(content, BODIES, task="pose")
    assert losses == {}
    assert flat(found["1"]) == pytest.approx(flat(said["1"]), abs=1e-5)
    for back, each in zip(found["1"].regions, objects, strict=True):
        kinds = [{point.name: point.visibility for point in one.keypoints} for one in (back, each)]
        assert kinds[0] == kinds[1]


corners = st.builds(
    RotatedBox,
    st.integers(40, 60),
    st.integers(20, 30),
    st.integers(1, 19),
    st.integers(1, 19),
    st.floats(-720, 720),
    label=st.just("ant"),
)


@quiet
@given(boxes=st.lists(corners, max_size=3))
def test_turned_boxes_come_back(boxes: Any) -> None:
    content, losses = write([marked(*boxes)], ANIMALS, task="obb")
    (found,) = read(content, ANIMALS, task="obb")
    assert losses == {}
    # the corners, since an angle can be written with full turns, too
    assert flat(found["1"]) == pytest.approx(flat(marked(*boxes).replies["1"]), abs=1e-5)
    assert {type(each) for each in found["1"].regions} <= {Box, RotatedBox}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("1 0 0 1 0 1 1 0 1", Box),
        ("1 0.5 0 1 0.5 0.5 1 0 0.5", RotatedBox),
        ("1 0 0 1 0 1 1 0.5 0.9", Polygon),
        ("1 0 0 0 1 1 1 1 0", Polygon),  # against the clock
    ],
)
def test_four_corners_of_no_box_are_an_outline(line: str, kind: type) -> None:
    content = zipped({**GOOD, "labels/train/7.txt": line})
    (found,) = read(content, ANIMALS, task="obb")
    assert [type(each) for each in found["1"].regions] == [kind]


def is_kept(region: Any, task: str) -> bool:
    return isinstance(region, Box if task == "detect" else Polygon)


@pytest.mark.parametrize(
    ("template", "task"), [(ANIMALS, "detect"), (AREAS, "segment")], ids=["boxes", "areas"]
)
@quiet
@given(data=st.data())
def test_what_comes_out_goes_in_again(template: Template, task: str, data: st.DataObject) -> None:
    said = [data.draw(replies(template)) for _ in range(2)]
    for reply in said:
        regions = reply["1"].regions
        kept = [attrs.evolve(each, id=None, color=None) for each in regions if is_kept(each, task)]
        reply["1"] = attrs.evolve(reply["1"], regions=kept)
    once, _ = write([a_result(each, n) for n, each in enumerate(said, 1)], template, task=task)
    found = read(once, template, task=task)
    # what was cut off stays away: the second time nothing changes any more
    again, losses = write(
        [a_result(each, n) for n, each in enumerate(found, 1)], template, task=task
    )
    assert (losses, read(again, template, task=task)) == ({}, found)
    for reply, back in zip(said, found, strict=True):
        on_image = [each for each in reply["1"].regions if is_on(each, reply["1"])]
        assert len(back["1"].regions) <= len(reply["1"].regions)
        if len(on_image) == len(reply["1"].regions):
            assert flat(back["1"]) == pytest.approx(flat(reply["1"]), abs=1e-5)
            assert [each.label for each in back["1"].regions] == [
                each.labels["Single-choice"] for each in on_image
            ]


def is_on(region: Any, reply: Regions) -> bool:
    bounds: Bounds = region.bounds
    inside = bounds.left >= 0 and bounds.right <= reply.width
    return inside and bounds.top >= 0 and bounds.bottom <= reply.height


def flat(reply: Regions) -> list[float]:
    """The size of an image, and all corners on it."""
    outlines = [each.points for each in reply.regions if not isinstance(each, Mask)]
    corners = [number for outline in outlines for point in outline for number in point]
    return [reply.width, reply.height, reply.rotation, *corners]


def test_an_export_becomes_a_finished_job_with_the_same_regions() -> None:
    content, _ = write([marked(Box(10, 20, 30, 5, label="ant"), rotation=90)], ANIMALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=ANIMALS, data=io.BytesIO(content), format="yolo", by="ada"
        )
        (result,) = flow.results.list(job)
        reply = (result.replies or {})["1"]
        assert isinstance(reply, Regions)
        (box,) = reply.regions
        assert isinstance(box, Box)
        assert (box.x, box.y, box.width, box.height, box.label) == (10, 20, 30, 5, "ant")
        assert reply.rotation == 90
        again = io.BytesIO()
        flow.results.export(job, "yolo", again)
        assert again.getvalue() == content


GOOD = {
    "data.yaml": "path: .\r\nnames:\r\n  0: zebra\r\n  1: 'ant'\r\nnc: 2\r\n".replace("'", ""),
    "labels/train/7.txt": "1 0.5 0.5 1 1",
    "images.jsonl": '{"file": "images/train/7.jpg", "image": "7.jpg", "width": 9, "height": 9}',
}


def zipped(files: dict[str, str | None], **more: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **more) as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return file.getvalue()


class TestWhatOthersWrite:
    def test_names_without_quotes_and_a_compressed_file(self) -> None:
        (reply,) = read(zipped(dict(GOOD), compression=zipfile.ZIP_DEFLATED), ANIMALS)
        assert reply["1"].regions == (Box(0, 0, 9, 9, labels={"Single-choice": "ant"}),)

    def test_without_a_template_there_are_rows_only(self) -> None:
        (row,) = formats.read("yolo", io.BytesIO(zipped(dict(GOOD))))
        assert isinstance(row, Row)
        assert json.loads(row.text) == {"data": {"source": "7.jpg"}}

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"data.yaml": None}, "data.yaml: is missing"),
            ({"data.yaml": "names: cat"}, "data.yaml: must have names"),
            ({"data.yaml": 'names:\n  0: "a'}, "data.yaml: has names that cannot be read"),
            ({"images.jsonl": None}, "images.jsonl: is missing"),
            ({"images.jsonl": "[]"}, "images.jsonl, line 1: must be an object"),
            ({"images.jsonl": "{"}, "images.jsonl, line 1: is not JSON"),
            ({"images.jsonl": '{"file": 5}'}, "images.jsonl, line 1, file: must be a text"),
            ({"images.jsonl": '{"file": "../x", "image": ""}'}, "images.jsonl, line 1, file: must"),
            ({"images.jsonl": '{"file": "images/train/7.jpg", "image": ""}'},
             "images.jsonl, line 1, width: must be the size"),
            ({"images.jsonl": GOOD["images.jsonl"][:-1] + ', "rotation": 5}'},
             "images.jsonl, rotation: must be 0, 90"),
            ({"labels/train/7.txt": None}, "labels/train/7.txt: is missing"),
            ({"labels/train/7.txt": "ant 0.5 0.5 1 1"}, "labels/train/7.txt, line 1: must be the"),
            ({"labels/train/7.txt": "1 nan 0.5 1 1"}, "labels/train/7.txt, line 1: must be the id"),
            ({"labels/train/7.txt": "1.5 0.5 0.5 1 1"}, "labels/train/7.txt, line 1: must be the"),
            ({"labels/train/7.txt": "1 0.5 0.5 1 1\n2 0.5 0.5 1 1"},
             "labels/train/7.txt, line 2: must begin with the id of a class"),
            ({"labels/train/7.txt": "1 0.5 0.5 1 1.1"}, "labels/train/7.txt, line 1: must have nu"),
            ({"labels/train/7.txt": "1 0 0 1 0 1 1"}, "labels/train/7.txt, line 1: must have the"),
            ({"labels/train/7.txt": "1 0.5 0.5 0 1"}, "labels/train/7.txt, line 1, width: must be"),
        ],
    )  # fmt: skip
    def test_what_is_broken_is_a_problem_with_its_place(
        self, changes: dict[str, str | None], said: str
    ) -> None:
        (problem,) = read(zipped({**GOOD, **changes}), ANIMALS)
        assert problem.startswith(said)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("0 0 0 1 1 0 0 2", "must have a box, and x, y and visibility of 3 keypoints"),
            ("0 0 0 1 1 0 0 3 0 0 0 0 0 0", "must have keypoints from 0 to 1 with visibility 0"),
            ("0 0 0 1 1 0 2 2 0 0 0 0 0 0", "must have keypoints from 0 to 1 with visibility 0"),
            ("1 0 0 1 1 0 0 2 0 0 0 0 0 0", "must begin with the id of a class"),
        ],
    )
    def test_a_pose_that_is_broken(self, line: str, said: str) -> None:
        files = {"data.yaml": "names:\n  0: cat\n", "labels/train/7.txt": line}
        (problem,) = read(zipped({**GOOD, **files}), BODIES, task="pose")
        assert problem.startswith(f"labels/train/7.txt, line 1: {said}")

    def test_a_turned_box_that_is_broken(self) -> None:
        (problem,) = read(zipped(dict(GOOD)), ANIMALS, task="obb")
        assert problem == "labels/train/7.txt, line 1: must have x and y of four corners"

    @pytest.mark.parametrize("line", ["1 0 0 1 0 1", "1 0 0 1 0"])
    def test_an_outline_has_three_corners(self, line: str) -> None:
        content = zipped({**GOOD, "labels/train/7.txt": line})
        (problem,) = read(content, AREAS, task="segment")
        assert problem.endswith("must have x and y of at least three corners")

    @pytest.mark.parametrize("content", [b"", b"PK\3\4", b"{}", b"\x1f\x8b" * 50])
    def test_what_is_no_zip_file_is_one_problem(self, content: bytes) -> None:
        (problem,) = read(content, ANIMALS)
        assert problem.startswith("the file: is no zip file that can be read")

    def test_a_file_that_is_cut_off_or_changed_is_a_problem(self) -> None:
        content = zipped(dict(GOOD))
        for place in range(0, len(content), 7):
            assert read(content[:place], ANIMALS)[-1].startswith("the file: ")
            changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
            assert read(changed, ANIMALS) is not None

    def test_a_file_in_it_that_would_fill_the_memory_is_not_read(self) -> None:
        large: dict[str, str | None] = {**GOOD, "labels/train/7.txt": " " * (MAX_ROW_BYTES + 1)}
        content = zipped(large, compression=zipfile.ZIP_DEFLATED)
        assert len(content) < 100_000
        assert read(content, ANIMALS) == [
            "labels/train/7.txt: cannot be read: labels/train/7.txt is too large"
        ]

    def test_a_source_that_is_no_file_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("yolo", "https://example.org/labels.zip"))
