"""Image folders: the classes of images go out as places for them, and come back."""

from __future__ import annotations

import io
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.amounts import amount
from support.exported import a_result, read, unzip, write, zipped

import itagflow
from itagflow import Choice, Choices, InvalidData, Template, formats, templates

quiet = settings(
    deadline=None, max_examples=amount(10, 300), suppress_health_check=list(HealthCheck)
)
KEYS = ["zebra", "a/ant", "猫"]
ANIMALS = templates.image_classification(KEYS)
SEVERAL = templates.image_classification(KEYS, multiple=True)
BOTH = pytest.mark.parametrize("template", [ANIMALS, SEVERAL], ids=["one", "several"])


def chosen(template: Template, *keys: str) -> Any:
    return {"1": Choices(keys) if template is SEVERAL else Choice(*keys)}


def shown(key: str, number: int = 1, name: str = "images/1.jpg", template: Any = ANIMALS) -> Any:
    return a_result(chosen(template, key), number, {"source": name})


class TestWhatGoesOut:
    def test_an_image_belongs_into_the_folder_of_its_class(self) -> None:
        content, losses = write(
            "image_folder", [shown("zebra"), shown("a/ant", 2, "b/1.png")], ANIMALS
        )
        assert losses == {}
        assert unzip(content) == {
            "classes.txt": "zebra\na/ant\n猫\n",
            "train/zebra/": "",
            "train/ant/": "",
            "train/猫/": "",
            "train/metadata.jsonl": '{"file_name":"zebra/1.jpg","label":"zebra"}\n'
            '{"file_name":"ant/1-2.png","label":"a/ant"}\n',
            "images.jsonl": '{"file":"train/zebra/1.jpg","image":"images/1.jpg"}\n'
            '{"file":"train/ant/1-2.png","image":"b/1.png"}\n',
        }
        assert read("image_folder", content, ANIMALS) == [
            chosen(ANIMALS, "zebra"),
            chosen(ANIMALS, "a/ant"),
        ]
        assert [row["data"]["source"] for row in read("image_folder", content, None)] == [
            "images/1.jpg", "b/1.png",
        ]  # fmt: skip

    def test_the_split_is_the_folder_around_them(self) -> None:
        content, _ = write("image_folder", [shown("zebra")], ANIMALS, split="val")
        assert "val/zebra/" in unzip(content)
        assert read("image_folder", content, ANIMALS, split="train") == []
        assert read("image_folder", content, ANIMALS, split="val") == [chosen(ANIMALS, "zebra")]

    @pytest.mark.parametrize("split", ["../x", "a/b", "", "a\nb"])
    def test_a_split_that_no_folder_can_be_called_is_refused(self, split: str) -> None:
        with pytest.raises(InvalidData, match="split: must be a name that a folder can have"):
            write("image_folder", [], ANIMALS, split=split)

    def test_an_image_that_nobody_has_answered_has_no_place(self) -> None:
        content, losses = write("image_folder", [a_result(None), shown("zebra", 2)], ANIMALS)
        assert (losses, unzip(content)["images.jsonl"].count("\n")) == ({}, 1)

    def test_the_same_results_are_the_same_bytes(self) -> None:
        results = [shown("zebra")]
        one, other = (write("image_folder", results, ANIMALS) for _ in range(2))
        assert one == other


class TestWhatItCannotHold:
    @pytest.mark.parametrize(
        ("keys", "lost"),
        [((), "images of no class"), (("zebra", "猫"), "images of several classes")],
    )
    def test_is_counted_or_refused(self, keys: tuple[str, ...], lost: str) -> None:
        result = a_result(chosen(SEVERAL, *keys))
        content, losses = write("image_folder", [result], SEVERAL)
        assert (losses, unzip(content)["images.jsonl"]) == ({lost: 1}, "")
        with pytest.raises(InvalidData, match="task 1: "):
            write("image_folder", [result], SEVERAL, lossy="error")

    def test_classes_must_have_folders_that_can_be_told_apart(self) -> None:
        with pytest.raises(InvalidData, match="has options that are written alike"):
            write("image_folder", [], templates.image_classification(["a/b", "b"]))
        with pytest.raises(InvalidData, match="differ in upper and lower case only"):
            write("image_folder", [], templates.image_classification(["Cat", "cat"]))
        with pytest.raises(InvalidData, match="has no RADIO or CHECKBOX question"):
            write("image_folder", [], templates.object_detection(["cat"]))
        with pytest.raises(InvalidData, match=r"data\.source: must be the name of the image"):
            write("image_folder", [shown("zebra", name=7)], ANIMALS)  # type: ignore[arg-type]


@BOTH
@quiet
@given(keys=st.lists(st.sampled_from(KEYS), max_size=5), name=st.text(min_size=1, max_size=9))
def test_what_comes_out_goes_in_again(template: Any, keys: list[str], name: str) -> None:
    results = [shown(key, number, name, template) for number, key in enumerate(keys, 1)]
    content, losses = write("image_folder", results, template)
    said = [chosen(template, key) for key in keys]
    assert (losses, read("image_folder", content, template)) == ({}, said)
    rows = read("image_folder", content, None)
    assert [row["data"]["source"] for row in rows] == [name] * len(keys)


def test_an_export_becomes_a_finished_job_with_the_same_classes() -> None:
    content, _ = write("image_folder", [shown("a/ant")], ANIMALS)
    with itagflow.open("memory:") as flow:
        flow.workspaces.create("street", admin="ada")
        job = flow.jobs.import_results(
            "street", "pets", template=ANIMALS, data=io.BytesIO(content), format="image_folder",
            by="ada",
        )  # fmt: skip
        again = io.BytesIO()
        flow.results.export(job, "image_folder", again)
        assert again.getvalue() == content


class TestWhatOthersWrite:
    def test_a_folder_of_images_needs_no_list(self) -> None:
        files = {
            "read.me": "", "set/train/zebra/1.jpg": b"\xff", "set/train/ant/2.jpg": "",
            "set/train/metadata.jsonl": "", "set/val/zebra/": "", "set/val/zebra/3.jpg": "",
        }  # fmt: skip
        content = zipped(dict(files))
        assert read("image_folder", content, ANIMALS) == [
            chosen(ANIMALS, "zebra"), chosen(ANIMALS, "a/ant"), chosen(ANIMALS, "zebra"),
        ]  # fmt: skip
        assert read("image_folder", content, None, split="val") == [
            {"data": {"source": "set/val/zebra/3.jpg"}}
        ]

    def test_a_folder_that_is_no_class_is_told_when_it_is_imported(self) -> None:
        content = zipped({"train/cow/1.jpg": ""})
        assert read("image_folder", content, ANIMALS) == [chosen(ANIMALS, "cow")]

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("{", "images.jsonl, line 1: is not JSON"),
            ('{"file": "train/zebra/1.jpg"}', "images.jsonl, line 1, image: must be a text"),
            (
                '{"file": "1.jpg", "image": "a"}',
                "images.jsonl, line 1, file: must be in the folder",
            ),
        ],
    )
    def test_a_broken_line_of_the_list_is_a_problem(self, line: str, problem: str) -> None:
        good = '{"file":"train/zebra/1.jpg","image":"1"}'
        found, kept = read("image_folder", zipped({"images.jsonl": f"{line}\n{good}"}), ANIMALS)
        assert found.startswith(problem)
        assert kept == chosen(ANIMALS, "zebra")

    def test_what_is_no_zip_file_is_a_problem(self) -> None:
        (problem,) = read("image_folder", b"zebra", ANIMALS)
        assert problem.startswith("the file: is no zip file")
        (problem,) = read("image_folder", zipped({"1.jpg": ""}), ANIMALS)
        assert problem.startswith("the file: has neither images.jsonl nor images")

    def test_an_address_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="is a URL"):
            list(formats.read("image_folder", "https://example.org/a.zip"))
