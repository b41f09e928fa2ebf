"""Shapes of CVAT and LabelMe are read back by the programs that people train with."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.exported import marked

from itagflow import (
    Box,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    RotatedBox,
    formats,
    templates,
)

datumaro = pytest.importorskip("datumaro")
globox = pytest.importorskip("globox")
supervision = pytest.importorskip("supervision")
image = pytest.importorskip("PIL.Image")

pytestmark = pytest.mark.filterwarnings("ignore")
ANIMALS = templates.object_detection(["zebra", "ant"])
BODIES = templates.keypoints(["nose", "ear", "tail"], ["ant"])
OUTLINE = [(1, 1), (9, 1), (9, 8)]
# rows 0 and 1 of the mask are 1111 0 and 0 1111, with the top left corner at (1, 2)
PIXELS = [(1, 2), (2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (4, 3), (5, 3)]


def make_counts(width: int, height: int) -> list[int]:
    """Count the pixels of the mask down the first column, then the next."""
    inside = [(x, y) in PIXELS for x in range(width) for y in range(height)]
    counts = [0]
    for pixel in inside:
        if pixel == (len(counts) % 2 == 0):
            counts[-1] += 1
        else:
            counts.append(1)
    return counts


def read_cvat(path: Path, *regions: object, template: object = ANIMALS) -> list[object]:
    results = [marked(*regions, name="a b.jpg"), marked(number=2, name="c.jpg")]
    (path / "images").mkdir()
    formats.write("cvat", results, path / "a.xml", template=template, lossy="error")  # type: ignore[arg-type]
    for name in ("a b", "c"):
        image.new("RGB", (100, 50)).save(path / "images" / f"{name}.jpg")
    data = datumaro.Dataset.import_from(str(path), "cvat")
    found = {item.id: item for item in data}
    assert set(found) == {"a b", "c"}
    assert found["c"].annotations == []
    names = [each.name for each in data.categories()[datumaro.AnnotationType.label]]
    assert [name for name in names if name in ("zebra", "ant")] == (
        ["zebra", "ant"] if template is ANIMALS else ["ant"]
    )
    for each in found["a b"].annotations:
        each.attributes["class"] = names[each.label]
    return list(found["a b"].annotations)


def test_datumaro_reads_each_kind_of_shape_from_cvat(tmp_path: Path) -> None:
    box, turned, outline, line, point, mask = read_cvat(
        tmp_path,
        Box(10, 20, 30, 5, label="ant"),
        RotatedBox(25, 15, 30, 20, 30, label="zebra"),
        Polygon(OUTLINE, label="ant"),
        Polyline([(1, 1), (9, 1)], label="ant"),
        Point(3, 4, label="ant"),
        Mask(make_counts(100, 50), label="ant"),
    )
    assert (box.x, box.y, box.w, box.h, box.attributes["class"]) == (10, 20, 30, 5, "ant")
    assert (turned.cx, turned.cy, turned.w, turned.h, turned.r) == (25, 15, 30, 20, 30)
    assert turned.attributes["class"] == "zebra"
    assert outline.points == [1, 1, 9, 1, 9, 8]
    assert line.points == [1, 1, 9, 1]
    assert point.points == [3, 4]
    rows, columns = np.nonzero(mask.image)
    assert sorted(zip(columns.tolist(), rows.tolist(), strict=True)) == sorted(PIXELS)


def test_datumaro_reads_keypoints_from_cvat(tmp_path: Path) -> None:
    body = Keypoints([Keypoint("nose", 3, 4), Keypoint("ear", 5, 6, 1)], label="ant")
    found = read_cvat(tmp_path, body, template=BODIES)
    assert found


def unpack(path: Path) -> Path:
    regions = [Box(10, 20, 30, 5, label="ant"), Polygon(OUTLINE, label="zebra")]
    results = [marked(*regions, name="x/a b.jpg"), marked(number=2, name="c.jpg")]
    formats.write("labelme", results, path / "a.zip", template=ANIMALS, lossy="error")
    with zipfile.ZipFile(path / "a.zip") as archive:
        archive.extractall(path / "work")
    for name in ("a b", "c"):
        image.new("RGB", (100, 50)).save(path / "work" / f"{name}.jpg")
    return path / "work"


def test_supervision_reads_boxes_and_outlines_from_labelme(tmp_path: Path) -> None:
    folder = str(unpack(tmp_path))
    found = supervision.DetectionDataset.from_labelme(folder, folder, force_masks=True)
    by_name = {Path(path).name: detections for path, _, detections in found}
    assert sorted(found.classes) == ["ant", "zebra"]
    detections = by_name["a b.jpg"]
    assert {
        found.classes[kind]: tuple(map(float, sides))
        for kind, sides in zip(detections.class_id, detections.xyxy, strict=True)
    } == {"ant": (10, 20, 40, 25), "zebra": (1, 1, 9, 8)}
    assert len(by_name["c.jpg"]) == 0


def test_globox_reads_boxes_from_labelme(tmp_path: Path) -> None:
    found = globox.AnnotationSet.from_labelme(unpack(tmp_path))
    (box,) = found["a b.jpg"].boxes
    assert (box.label, box.xmin, box.ymin, box.xmax, box.ymax) == ("ant", 10, 20, 40, 25)
    assert found["c.jpg"].image_size == (100, 50)
