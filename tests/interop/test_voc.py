"""Files in Pascal VOC are read back by the programs that people train with."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.exported import marked

from itagflow import Box, formats, templates

datumaro = pytest.importorskip("datumaro")
globox = pytest.importorskip("globox")
pascal = pytest.importorskip("labelformat.formats")
supervision = pytest.importorskip("supervision")
image = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.filterwarnings("ignore")
ANIMALS = templates.object_detection(["zebra", "ant"])
BOXES = [Box(0, 0, 10, 5, label="ant"), Box(50, 2, 40, 40, label="zebra")]
SIDES = {("ant", 0, 0, 10, 5), ("zebra", 50, 2, 90, 42)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpack(tmp_path, one_based=False)


def unpack(path: Path, **more: Any) -> Path:
    """Write two images, and unpack them as people do: the pictures beside the files about them."""
    results = [marked(*BOXES, name="a b.jpg"), marked(number=2, name="c.jpg")]
    formats.write("voc", results, path / "voc.zip", template=ANIMALS, lossy="error", **more)
    with zipfile.ZipFile(path / "voc.zip") as archive:
        archive.extractall(path / "voc")
    (path / "voc" / "JPEGImages").mkdir()
    for name in ("a_b", "c"):
        image.new("RGB", (100, 50)).save(path / "voc" / "JPEGImages" / f"{name}.jpg")
    return path / "voc"


def test_datumaro_reads_images_names_and_edges(folder: Path) -> None:
    data = datumaro.Dataset.import_from(str(folder), "voc")
    found = {item.id: item for item in data}
    names = data.categories()[datumaro.AnnotationType.label]
    assert [each.name for each in names if each.name in ("zebra", "ant")] == ["zebra", "ant"]
    assert set(found) == {"a_b", "c"}
    assert found["c"].annotations == []
    sides = {
        (names[each.label].name, each.x, each.y, each.x + each.w, each.y + each.h)
        for each in found["a_b"].annotations
        if each.type is datumaro.AnnotationType.bbox
    }
    assert sides == SIDES


def test_globox_reads_names_and_edges(folder: Path) -> None:
    found = globox.AnnotationSet.from_pascal_voc(folder / "Annotations")
    sizes = {each.image_id: each.image_size for each in found}
    assert sizes == {"a_b.jpg": (100, 50), "c.jpg": (100, 50)}
    assert {
        (box.label, box.xmin, box.ymin, box.xmax, box.ymax) for box in found["a_b.jpg"].boxes
    } == SIDES


def test_labelformat_reads_names_and_edges(folder: Path) -> None:
    reader = pascal.PascalVOCObjectDetectionInput(
        input_folder=folder / "Annotations", category_names="zebra,ant"
    )
    found = {label.image.filename: label for label in reader.get_labels()}
    assert set(found) == {"a_b.jpg", "c.jpg"}
    assert {
        (each.category.name, each.box.xmin, each.box.ymin, each.box.xmax, each.box.ymax)
        for each in found["a_b.jpg"].objects
    } == SIDES


def test_supervision_counts_pixels_as_the_development_kit_does(tmp_path: Path) -> None:
    folder = unpack(tmp_path, one_based=True)
    found = supervision.DetectionDataset.from_pascal_voc(
        images_directory_path=str(folder / "JPEGImages"),
        annotations_directory_path=str(folder / "Annotations"),
    )
    by_name = {Path(path).name: detections for path, _, detections in found}
    # its classes are those that some object has
    assert sorted(found.classes) == ["ant", "zebra"]
    detections = by_name["a_b.jpg"]
    assert {
        (found.classes[kind], *map(float, sides))
        for kind, sides in zip(detections.class_id, detections.xyxy, strict=True)
    } == SIDES
    assert len(by_name["c.jpg"]) == 0
