"""Image folders are read back by the libraries that people train with."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from support.exported import a_result

from itagflow import Choice, formats, templates

datasets = pytest.importorskip("datasets", reason="nox -s interop runs this")
supervision = pytest.importorskip("supervision")
image = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.filterwarnings("ignore")
ANIMALS = templates.image_classification(["zebra", "ant", "cow"])
SAID = {"a/1.jpg": "zebra", "b/1.jpg": "ant"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folders, with each image in its place."""
    results = [
        a_result({"1": Choice(key)}, number, {"source": name})
        for number, (name, key) in enumerate(SAID.items(), 1)
    ]
    formats.write("image_folder", results, tmp_path / "a.zip", template=ANIMALS, lossy="error")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path / "set")
    for line in (tmp_path / "set" / "images.jsonl").read_text("utf-8").splitlines():
        place = tmp_path / "set" / json.loads(line)["file"]
        image.new("RGB", (10, 5)).save(place)
    return tmp_path / "set"


def test_datasets_reads_images_and_classes(folder: Path, tmp_path: Path) -> None:
    data = datasets.load_dataset(
        "imagefolder", data_dir=str(folder), cache_dir=str(tmp_path / "cache")
    )["train"]
    assert {row["label"] for row in data} == set(SAID.values())
    assert [row["image"].size for row in data] == [(10, 5), (10, 5)]


def test_supervision_takes_the_folders_from_a_to_z(folder: Path) -> None:
    found = supervision.ClassificationDataset.from_folder_structure(str(folder / "train"))
    # also the class that no image has
    assert found.classes == ["ant", "cow", "zebra"]
    assert {Path(path).name: found.classes[classes.class_id[0]] for path, _, classes in found} == {
        "1.jpg": "zebra",
        "1-2.jpg": "ant",
    }
