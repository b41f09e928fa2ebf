"""Data sets for YOLO are read back by programs that people train with."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.exported import marked

from itagflow import Box, Polygon, RotatedBox, formats, templates

supervision = pytest.importorskip("supervision")
readers = pytest.importorskip("labelformat.formats")
image = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.filterwarnings("ignore")
ANIMALS = templates.object_detection(["zebra", "ant"])


def unpack(path: Path, *regions: Any, **more: Any) -> Path:
    """Write two images, and unpack them as people do, with the pictures where they belong."""
    results = [marked(*regions, name="a.jpg"), marked(number=2, name="c.jpg")]
    formats.write("yolo", results, path / "yolo.zip", template=ANIMALS, lossy="error", **more)
    with zipfile.ZipFile(path / "yolo.zip") as archive:
        archive.extractall(path / "yolo")
    (path / "yolo" / "images" / "train").mkdir(parents=True)
    for name in ("a", "c"):
        image.new("RGB", (100, 50)).save(path / "yolo" / "images" / "train" / f"{name}.jpg")
    return path / "yolo"


def test_labelformat_reads_boxes_by_the_names_of_their_classes(tmp_path: Path) -> None:
    folder = unpack(tmp_path, Box(0, 0, 10, 5, label="ant"), Box(50, 2, 40, 40, label="zebra"))
    reader = readers.YOLOv8ObjectDetectionInput(
        input_file=folder / "data.yaml", input_split="train"
    )
    assert [each.name for each in reader.get_categories()] == ["zebra", "ant"]
    found = {label.image.filename: label.objects for label in reader.get_labels()}
    assert found["c.jpg"] == []
    assert {
        (each.category.name, *(round(side, 6) for side in _list_sides(each.box)))
        for each in found["a.jpg"]
    } == {("ant", 0, 0, 10, 5), ("zebra", 50, 2, 90, 42)}


def _list_sides(box: Any) -> list[float]:
    return [box.xmin, box.ymin, box.xmax, box.ymax]


def test_labelformat_reads_outlines(tmp_path: Path) -> None:
    corners = [(1, 1), (40, 1), (40, 30)]
    folder = unpack(tmp_path, Polygon(corners, label="ant"), task="segment")
    reader = readers.YOLOv8InstanceSegmentationInput(
        input_file=folder / "data.yaml", input_split="train"
    )
    found = {label.image.filename: label.objects for label in reader.get_labels()}
    (each,) = found["a.jpg"]
    (outline,) = each.segmentation.polygons
    assert [(round(x, 6), round(y, 6)) for x, y in outline] == corners


def test_supervision_reads_the_corners_of_turned_boxes(tmp_path: Path) -> None:
    box = RotatedBox(50, 25, 30, 10, 30, label="ant")
    folder = unpack(tmp_path, box, task="obb")
    data = supervision.DetectionDataset.from_yolo(
        images_directory_path=str(folder / "images" / "train"),
        annotations_directory_path=str(folder / "labels" / "train"),
        data_yaml_path=str(folder / "data.yaml"),
        is_obb=True,
    )
    assert data.classes == ["zebra", "ant"]
    found = {Path(path).name: detections for path, _, detections in data}
    (corners,) = found["a.jpg"].data["xyxyxyxy"]
    assert [tuple(map(float, place)) for place in corners] == [
        pytest.approx(place, abs=1e-3) for place in box.points
    ]
    assert len(found["c.jpg"]) == 0
