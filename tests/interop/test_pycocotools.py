"""Files in COCO are read back, and judged, by the tools that are the reference for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from itagflow import (
    Box,
    Keypoint,
    Keypoints,
    Mask,
    Polygon,
    Regions,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    formats,
    templates,
)
from itagflow.model import StageResult

coco = pytest.importorskip("pycocotools.coco")
cocoeval = pytest.importorskip("pycocotools.cocoeval")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pycocotools")
ANIMALS = templates.object_detection(["zebra", "ant"])
AREAS = templates.segmentation(["road", "roof"])
JOINTS = templates.keypoints(["nose", "ear", "tail"], ["cat"])
BOXES = [Box(10, 20, 30, 5, label="ant"), Box(50.5, 2, 40, 40, label="zebra")]


def marked(number: int, *regions: Any, width: int = 100, height: int = 50) -> Result:
    said = {"1": Regions(regions, width=width, height=height)}
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
    row = json.dumps({"data": {"source": f"{number}.jpg"}})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made)


def opened(path: Path, results: list[Result], template: Template, **more: Any) -> Any:
    formats.write("coco", results, path, template=template, lossy="error", **more)
    return coco.COCO(str(path))


@pytest.mark.parametrize(
    ("kind", "template", "regions"),
    [
        ("bbox", ANIMALS, BOXES),
        (
            "segm",
            AREAS,
            [
                Polygon([(1, 1), (40, 1), (40, 30), (1, 30)], label="road"),
                Mask([505, 300, 1_000, 200, 2_995], label="roof"),
            ],
        ),
        (
            "keypoints",
            JOINTS,
            [Keypoints([Keypoint("nose", 3, 4), Keypoint("tail", 60, 44, 1)], label="cat")],
        ),
    ],
)
def test_perfect_results_score_one(
    tmp_path: Path, kind: str, template: Template, regions: list[Any]
) -> None:
    results = [marked(1, *regions), marked(2), marked(3, *regions[:1])]
    truth = opened(tmp_path / "truth.json", results, template)
    formats.write("coco", results, tmp_path / "found.json", template=template, kind="results")
    found = truth.loadRes(str(tmp_path / "found.json"))
    judge = cocoeval.COCOeval(truth, found, kind)
    if kind == "keypoints":
        import numpy as np

        judge.params.kpt_oks_sigmas = np.full(3, 0.05)
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def test_images_classes_and_geometry_are_those_that_people_marked(tmp_path: Path) -> None:
    truth = opened(tmp_path / "truth.json", [marked(1, *BOXES), marked(2)], ANIMALS)
    assert truth.getImgIds() == [1, 2]
    assert [each["name"] for each in truth.loadCats(truth.getCatIds())] == ["zebra", "ant"]
    found = truth.loadAnns(truth.getAnnIds(imgIds=[1]))
    assert [each["bbox"] for each in found] == [[10, 20, 30, 5], [50.5, 2, 40, 40]]


def test_a_mask_has_its_pixels(tmp_path: Path) -> None:
    mask = Mask([6, 1, 40, 4, 5, 4, 5, 4, 21], label="roof")
    outline = Polygon([(1, 1), (7, 1), (7, 6), (1, 6)], label="road")
    truth = opened(tmp_path / "t.json", [marked(1, mask, outline, width=10, height=9)], AREAS)
    first, second = truth.loadAnns(truth.getAnnIds())
    pixels = truth.annToMask(first)
    assert (pixels.shape, int(pixels.sum())) == ((9, 10), mask.area)
    # down the columns, as run lengths count
    flat = [int(pixel) for pixel in pixels.T.ravel()]
    inside = [index for index, pixel in enumerate(flat) if pixel]
    assert inside[0] == 6
    assert inside[1] == 47
    across, down = pixels.any(axis=0).nonzero()[0], pixels.any(axis=1).nonzero()[0]
    left, top, width, height = first["bbox"]
    assert (across[0], down[0]) == (left, top)
    assert (across[-1] + 1, down[-1] + 1) == (left + width, top + height)
    assert int(truth.annToMask(second).sum()) == second["area"] == 30
