"""What all formats of regions on images have to get right, in each of them alike."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import attrs
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.exported import a_result, marked, read, unzip, write
from support.scenes import cats, taken

from itagflow import (
    Box,
    Choice,
    Flow,
    Inspect,
    Job,
    Label,
    Regions,
    Stage,
    Workflow,
    formats,
    templates,
)
from itagflow.templates import (
    AddOption,
    DropOption,
    Option,
    Question,
    QuestionKind,
    RenameOption,
)

quiet = settings(deadline=None, max_examples=amount(5, 60), suppress_health_check=list(HealthCheck))
FORMATS = ("coco", "cvat", "label_studio", "labelme", "voc", "yolo")
EACH = pytest.mark.parametrize("format", FORMATS)
ANIMALS = templates.object_detection(["zebra", "ant"])
CLASS = ANIMALS.questions[0].children[0].title
ANT = Box(10, 20, 30, 5, labels={CLASS: "ant"})
ROTATION = {
    "coco": (',"rotation":90', ""),
    "cvat": (' rotation="90"', ""),
    "label_studio": ('"image_rotation":90', '"image_rotation":0'),
    "labelme": (',"rotation":90', ""),
    "voc": ("  <rotation>90</rotation>\n", ""),
    "yolo": (',"rotation":90', ""),
}
"""How a format says that a photograph is turned, and what it has where it is not."""


def read_text(content: bytes) -> str:
    """Return the text of a file, or of all files in a zip file."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(f"{name}\n{archive.read(name).decode()}" for name in archive.namelist())


class TestATurnedPhotograph:
    """Some programs show it as it is stored, others as it was taken: people saw the latter."""

    @EACH
    def test_has_the_size_and_the_boxes_that_people_saw(self, format: str) -> None:
        turned, losses = write(format, [marked(ANT, rotation=90)], ANIMALS)
        upright, _ = write(format, [marked(ANT)], ANIMALS)
        said, unsaid = ROTATION[format]
        assert losses == {}
        assert read_text(turned).count(said) == 1
        # sizes and places are those of an upright one: neither sides nor axes change places
        assert read_text(turned).replace(said, unsaid) == read_text(upright)

    @EACH
    def test_comes_back_turned(self, format: str) -> None:
        said = [{"1": Regions([ANT], width=100, height=50, rotation=angle)} for angle in (0, 90)]
        content, _ = write(format, [a_result(each, n) for n, each in enumerate(said, 1)], ANIMALS)
        for reply, meant in zip(read(format, content, ANIMALS), said, strict=True):
            assert attrs.evolve(reply["1"], regions=[]) == attrs.evolve(meant["1"], regions=[])
            assert list_sides(reply) == pytest.approx(list_sides(meant))


def list_sides(reply: dict[str, Any]) -> list[float]:
    return [side for box in reply["1"].regions for side in (box.x, box.y, box.width, box.height)]


def list_classes(reply: dict[str, Any]) -> list[str]:
    return [box.labels[CLASS] for box in reply["1"].regions]


@st.composite
def boxes(draw: st.DrawFn, least: int = 0) -> Regions:
    """Boxes on an image of 100 by 50, one of which may be on top of another."""
    found: list[Box] = []
    for _ in range(draw(st.integers(least, 4))):
        left, top = draw(st.integers(0, 99)), draw(st.integers(0, 49))
        width, height = draw(st.integers(1, 100 - left)), draw(st.integers(1, 50 - top))
        label = draw(st.sampled_from(["zebra", "ant"]))
        found.append(Box(left, top, width, height, labels={CLASS: label}))
    return Regions(found, width=100, height=50)


@pytest.mark.parametrize("last", FORMATS)
@EACH
@quiet
@given(data=st.data())
def test_from_one_format_to_another_no_box_is_lost_moved_or_doubled(
    format: str, last: str, data: st.DataObject
) -> None:
    # Label Studio has the size of an image beside each region only
    some = boxes(least=1 if format == "label_studio" else 0)
    said = data.draw(st.lists(some, min_size=1, max_size=3))
    given_results = [a_result({"1": each}, number) for number, each in enumerate(said, 1)]
    first, losses = write(format, given_results, ANIMALS)
    assert losses == {}
    between = [a_result(each, n) for n, each in enumerate(read(format, first, ANIMALS), 1)]
    found = read(last, write(last, between, ANIMALS)[0], ANIMALS)
    assert len(found) == len(said)
    for reply, meant in zip(found, said, strict=True):
        assert list_classes(reply) == list_classes({"1": meant})
        assert list_sides(reply) == pytest.approx(list_sides({"1": meant}), abs=1e-4)


SCENE = Question("9", QuestionKind.RADIO, "Scene", [Option("dusk"), Option("dawn")])


@pytest.mark.parametrize("format", [each for each in FORMATS if each != "label_studio"])
def test_choices_about_an_image_are_no_classes_of_its_boxes(format: str) -> None:
    template = attrs.evolve(ANIMALS, questions=(*ANIMALS.questions, SCENE))
    said = {"1": Regions([ANT], width=100, height=50), "9": Choice("dusk")}
    content, losses = write(format, [a_result(said)], template)
    text = read_text(content)
    assert losses == {"answers of further questions": 1}
    assert "zebra" in text or format == "labelme", "a class that no box has is one all the same"
    assert "dusk" not in text
    assert "dawn" not in text


WRITE_AND_READ = r"""
import json, locale, sys
from pathlib import Path
from support.exported import marked
from itagflow import Box, formats, templates
assert "utf" not in locale.getpreferredencoding(False).lower()
template = templates.object_detection(["\u732b", "ant"])
box = Box(10, 20, 30, 5, labels={template.questions[0].children[0].title: "\u732b"})
path = Path(sys.argv[1]) / "a"
formats.write(sys.argv[2], [marked(box, name="\u732b \xe9/\u732b \xe9.jpg")], path,
              template=template, lossy="error")
(row,) = formats.read(sys.argv[2], path, template=template)
assert json.loads(row.text)["data"]["source"] == "\u732b \xe9/\u732b \xe9.jpg", row
(reply,) = (each for each in [formats.kit.parse_row(row, template)])
((answer,),) = ([each for each in reply.values()],)
assert list(answer["1"].regions[0].labels.values()) == ["\u732b"]
"""


@EACH
def test_names_of_any_script_where_the_system_does_not_use_utf_8(
    format: str, tmp_path: Path
) -> None:
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environ["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, "-c", WRITE_AND_READ, str(tmp_path), format]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = read_text((tmp_path / "a").read_bytes())
    assert "\u732b" in text or "\\u732b" in text


class TestClasses:
    """A model is trained with the numbers of classes: they mean the same in every export."""

    @pytest.mark.parametrize("format", ["coco", "yolo"])
    def test_stay_when_one_is_added_or_renamed_while_people_work(
        self, flow: Flow, format: str
    ) -> None:
        job = order(flow, 2)
        label(flow, job, ANT, Box(1, 2, 3, 4, label="zebra"))
        before = export(flow, job, format)
        flow.jobs.change_template(job, AddOption("1", "bee", about=CLASS), by="ada")
        after = export(flow, job, format)
        assert list_classes_of(format, before) == ["zebra", "ant"]
        assert list_classes_of(format, after) == ["zebra", "ant", "bee"]
        assert list_numbers(format, after) == list_numbers(format, before)
        flow.jobs.change_template(job, RenameOption("1", "zebra", "horse", about=CLASS), by="ada")
        renamed = export(flow, job, format)
        assert list_classes_of(format, renamed) == ["horse", "ant", "bee"]
        assert list_numbers(format, renamed) == list_numbers(format, before)

    @pytest.mark.parametrize("format", ["coco", "yolo"])
    def test_stay_when_one_is_dropped_if_the_list_is_given(self, flow: Flow, format: str) -> None:
        job = order(flow, 2)
        label(flow, job, ANT, ANT)
        before = export(flow, job, format)
        flow.jobs.change_template(job, DropOption("1", "zebra", about=CLASS), by="ada")
        after = export(flow, job, format, classes=["zebra", "ant"])
        assert list_numbers(format, after) == list_numbers(format, before)
        assert list_classes_of(format, after) == ["zebra", "ant"]


@EACH
def test_what_is_exported_is_the_answer_that_holds_now(flow: Flow, format: str) -> None:
    job = order(flow, 1, Inspect())
    label(flow, job, Box(1, 2, 3, 4, label="zebra"))
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, 1, wrong="that is an ant")
    flow.reject(review)
    label(flow, job, ANT)
    (reply,) = read(format, export(flow, job, format), ANIMALS)
    assert list_classes(reply) == ["ant"]
    assert list_sides(reply) == pytest.approx([10, 20, 30, 5])
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.modify(review, 1, Regions([Box(50, 5, 20, 10, label="ant")], width=100, height=50))
    flow.review(review)
    (reply,) = read(format, export(flow, job, format), ANIMALS)
    assert list_sides(reply) == pytest.approx([50, 5, 20, 10])


def order(flow: Flow, images: int, *stages: Any) -> Job:
    """A job that asks for boxes on so many images."""
    return cats(flow, tasks=images, template=ANIMALS, workflow=Workflow(Label(), *stages))


def label(flow: Flow, job: Job, *each: Box) -> None:
    """Hand in a box on each image."""
    assignment = taken(flow, "ben", job)
    for number, box in enumerate(each, 1):
        flow.save(assignment, number, Regions([box], width=100, height=50))
    flow.submit(assignment)


def export(flow: Flow, job: Job, format: str, **options: Any) -> bytes:
    target = io.BytesIO()
    flow.results.export(job, format, target, lossy="error", **options)
    return target.getvalue()


def list_classes_of(format: str, content: bytes) -> list[str]:
    """Return the classes that a file lists, in the order of their numbers."""
    if format == "coco":
        listed = json.loads(content)["categories"]
        assert [each["id"] for each in listed] == list(range(1, len(listed) + 1))
        return [each["name"] for each in listed]
    lines = unzip(content)["data.yaml"].partition("names:\n")[2].splitlines()
    return [json.loads(line.partition(": ")[2]) for line in lines]


def list_numbers(format: str, content: bytes) -> list[int]:
    """Return the number of the class of each box."""
    if format == "coco":
        numbers = [each["category_id"] for each in json.loads(content)["annotations"]]
        assert all(type(number) is int for number in numbers)
        return numbers
    files = unzip(content)
    labels = [text for name, text in files.items() if name.startswith("labels/")]
    return [int(line.split()[0]) for text in labels for line in text.splitlines()]


class _Nowhere(io.RawIOBase):
    def write(self, data: Any, /) -> int:
        return len(data)


@EACH
def test_memory_hardly_grows_with_the_number_of_images(format: str) -> None:
    def peak(count: int) -> int:
        images = (marked(*[ANT] * 100, number=n) for n in range(1, count + 1))
        tracemalloc.start()
        target: Any = _Nowhere()
        formats.write(format, images, target, template=ANIMALS)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded once
    less, more = peak(100), peak(500)
    # the names that files in a zip file have must differ, so they are kept; what is in them is not
    assert (more - less) / 400 < 1_000
