"""Regions made of the numbers in a line of a data set for YOLO."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.formats._geometry import pair
from itagflow.formats._shapes import DECIMALS
from itagflow.model.region import Box, Keypoint, Keypoints, Polygon, Region, RotatedBox

DETECT, SEGMENT, OBB, POSE = "detect", "segment", "obb", "pose"
_TOLERANCE = 0.01
"""By how many pixels corners may miss a rectangle: what rounding leaves over."""


def parse_shape(
    task: str, numbers: list[float], size: tuple[int, int], names: tuple[str, ...], labels: Any
) -> Region:
    """Return the region that a line says.

    Args:
        task: What the file is for.
        numbers: The numbers behind the id of the class, as parts of the image.
        size: The width and the height of the image.
        names: The names of the keypoints, in their order.
        labels: The labels of the region.

    Raises:
        InvalidData: when they say none.
    """
    if task == POSE:
        return _parse_keypoints(numbers, size, names, labels)
    if not all(0 <= number <= 1 for number in numbers):
        raise _make_error("must have numbers from 0 to 1")
    return _PARSERS[task](numbers, size, labels)


def _parse_box(numbers: list[float], size: tuple[int, int], labels: Any) -> Box:
    if len(numbers) != 4:
        raise _make_error("must have the four numbers of a box; task='segment' reads outlines")
    (x, y), (across, down) = _scale(numbers, size)
    left, top = _round(x - across / 2, y - down / 2)
    return Box(left, top, *_round(across, down), labels=labels)


def _parse_outline(numbers: list[float], size: tuple[int, int], labels: Any) -> Polygon:
    if len(numbers) % 2 or len(numbers) < 6:
        raise _make_error("must have x and y of at least three corners")
    return Polygon([_round(*place) for place in _scale(numbers, size)], labels=labels)


def _parse_corners(
    numbers: list[float], size: tuple[int, int], labels: Any
) -> Box | RotatedBox | Polygon:
    """Return the box with four corners; where they are those of none, the outline."""
    if len(numbers) != 8:
        raise _make_error("must have x and y of four corners")
    first, second, third, fourth = corners = _scale(numbers, size)
    across = (second[0] - first[0], second[1] - first[1])
    down = (fourth[0] - first[0], fourth[1] - first[1])
    width, height = math.hypot(*across), math.hypot(*down)
    misses = math.hypot(first[0] + third[0] - second[0] - fourth[0],
                        first[1] + third[1] - second[1] - fourth[1])  # fmt: skip
    # how far the second side is from a right angle, and whether it turns clockwise
    leaning = abs(across[0] * down[0] + across[1] * down[1])
    turn = across[0] * down[1] - across[1] * down[0]
    if misses > _TOLERANCE or turn <= 0 or leaning > _TOLERANCE * max(width, height):
        return Polygon([_round(*place) for place in corners], labels=labels)
    angle = round(math.degrees(math.atan2(across[1], across[0])), DECIMALS) % 360
    if not angle:
        return Box(*_round(*first), *_round(width, height), labels=labels)
    x, y = (first[0] + third[0]) / 2, (first[1] + third[1]) / 2
    return RotatedBox(*_round(x, y), *_round(width, height), angle, labels=labels)


def _parse_keypoints(
    numbers: list[float], size: tuple[int, int], names: tuple[str, ...], labels: Any
) -> Keypoints:
    """Return keypoints; the box around them, which comes first, follows from them."""
    if len(numbers) != 4 + 3 * len(names):
        raise _make_error(f"must have a box, and x, y and visibility of {len(names)} keypoints")
    keypoints: list[Keypoint] = []
    for index, name in enumerate(names):
        x, y, visibility = numbers[4 + 3 * index : 7 + 3 * index]
        if visibility not in (0, 1, 2) or not (0 <= x <= 1 and 0 <= y <= 1):
            raise _make_error("must have keypoints from 0 to 1 with visibility 0, 1 or 2")
        if visibility:
            place = _round(x * size[0], y * size[1])
            keypoints.append(Keypoint(name, *place, int(visibility)))
        else:
            keypoints.append(Keypoint(name, visibility=0))
    return Keypoints(keypoints, labels=labels)


_PARSERS: Mapping[str, Callable[[list[float], tuple[int, int], Any], Region]] = {
    DETECT: _parse_box,
    SEGMENT: _parse_outline,
    OBB: _parse_corners,
}


def _scale(numbers: list[float], size: tuple[int, int]) -> list[tuple[float, float]]:
    return [(x * size[0], y * size[1]) for x, y in pair(numbers)]


def _round(x: float, y: float) -> tuple[float, float]:
    return round(x, DECIMALS), round(y, DECIMALS)


def _make_error(reason: str) -> InvalidData:
    return InvalidData("the line", [Problem("", reason)])
