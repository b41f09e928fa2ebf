"""Data sets of Hugging Face are loaded by the library that people train with."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.answering import ALL, a_row
from support.exported import a_result

from itagflow import Box, Choice, Regions, Spans, TextSpan, formats, templates
from itagflow.formats._columns import FIXED

datasets = pytest.importorskip("datasets", reason="nox -s interop runs this")
pq = pytest.importorskip("pyarrow.parquet", reason="nox -s interop runs this")

pytestmark = pytest.mark.filterwarnings("ignore")
CATS = templates.image_classification(["zebra", "ant"], title="Animal")


def unpack(path: Path, results: list[Any], template: Any, **more: Any) -> str:
    target = io.BytesIO()
    formats.write("hugging_face", results, target, template=template, lossy="error", **more)
    with zipfile.ZipFile(target) as archive:
        archive.extractall(path / "set")
    return str(path / "set")


def test_splits_in_one_folder_are_loaded_with_their_classes(tmp_path: Path) -> None:
    said = [a_result({"1": Choice(key)}, n) for n, key in enumerate(["ant", "zebra", "ant"], 1)]
    unpack(tmp_path, said, CATS, part_rows=2)
    folder = unpack(tmp_path, said[:1], CATS, split="validation")
    found = datasets.load_dataset(folder, cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in found.items()} == {"train": 3, "validation": 1}
    assert found["train"].column_names == [*FIXED, "source", "Animal"]
    classes = found["train"].features["Animal"]
    assert classes.names == ["zebra", "ant"]
    assert [classes.int2str(each) for each in found["train"]["Animal"]] == ["ant", "zebra", "ant"]
    assert found["validation"]["source"] == ["images/1.jpg"]


def test_regions_and_spans_are_loaded(tmp_path: Path) -> None:
    areas = templates.object_detection(["ant"])
    said = a_result({"1": Regions([Box(1, 2, 3, 4, label="ant")], width=9, height=9)})
    rows = datasets.load_dataset(
        unpack(tmp_path / "a", [said], areas), cache_dir=str(tmp_path / "cache")
    )["train"]
    (column,) = [name for name in rows.column_names if name not in (*FIXED, "source")]
    (region,) = rows[0][column]["regions"]
    assert (region["x"], region["height"], region["labels"]) == (1, 4, {"Single-choice": "ant"})

    names = templates.entity_recognition(["company"])
    said = a_result({"1": Spans([TextSpan(0, 4, "Acme", label="company")])})
    rows = datasets.load_dataset(
        unpack(tmp_path / "b", [said], names), cache_dir=str(tmp_path / "cache")
    )["train"]
    (column,) = [name for name in rows.column_names if name not in (*FIXED, "source")]
    assert rows[0][column]["spans"][0]["text"] == "Acme"


@pytest.mark.parametrize("name", ALL)
def test_the_card_says_what_the_files_have(name: str, tmp_path: Path) -> None:
    template = ALL[name]
    folder = unpack(tmp_path, [a_result(None, 1, a_row(template)["data"])], template)
    (file,) = Path(folder, "data").iterdir()
    card = datasets.load_dataset_builder(folder, cache_dir=str(tmp_path / "cache")).info.features
    schema = pq.read_schema(file)
    assert card.arrow_schema.equals(schema, check_metadata=False)
    found = datasets.load_dataset(folder, cache_dir=str(tmp_path / "cache"))["train"]
    assert len(found) == 1
