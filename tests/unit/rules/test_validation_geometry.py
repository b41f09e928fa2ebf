"""Shapes have an extent, and holes are inside their outline, within what rounding may take."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import (
    Box,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    RotatedBox,
)
from itagflow.model import Visibility
from itagflow.validation.geometry import (
    EDGE_PIXELS,
    MIN_SIZE,
    find_edge_tolerance,
    find_extent_error,
    find_outside_holes,
)

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
# open at the top: between its two arms is nothing
ARMS = [(0, 0), (3, 0), (3, 7), (7, 7), (7, 0), (10, 0), (10, 10), (0, 10)]
LINE = [(2, 2), (3, 3), (5, 5)]
GONE = Keypoint("nose", 0, 0, Visibility.ABSENT)


def rectangle(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


@pytest.mark.parametrize(
    ("side", "pixels"),
    [(0, 0.01), (1, 0.01), (10_000, 0.01), (20_000, 0.02), (1_000_000, 1.0)],
)
def test_a_region_may_reach_over_the_edge_by_what_rounding_takes(side: int, pixels: float) -> None:
    assert find_edge_tolerance(side) == pytest.approx(pixels, rel=1e-12)


@pytest.mark.parametrize(
    "region",
    [
        Point(0, 0),
        Box(0, 0, 2 * MIN_SIZE, 5),
        Box(1e9, 1e9, 1, 1),
        RotatedBox(5, 5, 2 * MIN_SIZE, 2 * MIN_SIZE, 45),
        Polygon(SQUARE),
        Polygon(SQUARE[::-1]),
        Polygon(rectangle(0, 0, 1000, 3 * MIN_SIZE)),
        Polygon(SQUARE, holes=[rectangle(1, 1, 2, 2)]),
        Polyline([(1, 1), (1, 1), (1, 1 + 2 * MIN_SIZE)]),
        Keypoints([GONE, Keypoint("tail", 0, 0, Visibility.HIDDEN)]),
        Mask([0, 1]),
        Mask([3, 1]),
    ],
)
def test_what_can_be_seen_has_an_extent(region: Any) -> None:
    assert find_extent_error(region) is None


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Box(0, 0, MIN_SIZE, 5), "must have an area, not 1e-06 x 5 pixels"),
        (Box(0, 0, 5, MIN_SIZE / 2), "must have an area, not 5 x 5e-07 pixels"),
        (RotatedBox(5, 5, MIN_SIZE, 5, 45), "must have an area, not 1e-06 x 5 pixels"),
        (Polygon(LINE), "its points lie on one line, or it crosses itself"),
        (Polygon([(1, 1), (1, 1), (1, 1)]), "its points lie on one line"),
        (Polygon([(0, 0), (4, 4), (4, 0), (0, 4)]), "or it crosses itself"),
        (Polygon(rectangle(0, 0, 1000, MIN_SIZE / 2)), "its points lie on one line"),
        (Polygon(SQUARE, holes=[rectangle(1, 1, 2, 2), LINE]), "must have an area in holes[1] too"),
        (Polygon(SQUARE, holes=[SQUARE]), "its holes take away all of it"),
        (
            Polygon(SQUARE, holes=[rectangle(0, 0, 5, 10), rectangle(5, 0, 10, 10)]),
            "its holes take away all of it",
        ),
        (Polyline([(1, 1), (1, 1)]), "must have a length: all its points are in one place"),
        (Polyline([(0, 0), (MIN_SIZE, 0)]), "must have a length"),
        (Keypoints([GONE]), "must have a keypoint that is on the image"),
        (Mask([9]), "must have a pixel inside"),
    ],
)
def test_what_cannot_be_seen_is_told_why(region: Any, words: str) -> None:
    error = find_extent_error(region)
    assert error is not None
    assert words in error


@pytest.mark.parametrize(
    ("outline", "hole"),
    [
        (SQUARE, rectangle(1, 1, 9, 9)),
        (SQUARE[::-1], rectangle(1, 1, 9, 9)),
        # it touches a side, a corner, the whole outline, or goes over by what rounding takes
        (SQUARE, rectangle(0, 2, 2, 4)),
        (SQUARE, rectangle(0, 0, 2, 2)),
        (SQUARE, SQUARE),
        (SQUARE, rectangle(-EDGE_PIXELS * 0.9, 2, 2, 4)),
        # level with corners of the outline, each of which two sides share
        ([(0, 5), (5, 0), (10, 5), (5, 10)], [(3, 5), (5, 3), (7, 5), (5, 7)]),
        (ARMS, rectangle(1, 1, 2, 9)),
        (ARMS, rectangle(1, 7, 9, 9)),
    ],
)
def test_a_hole_may_be_anywhere_inside(outline: Any, hole: Any) -> None:
    assert list(find_outside_holes(Polygon(outline, holes=[hole]))) == []


@pytest.mark.parametrize(
    ("outline", "hole"),
    [
        (SQUARE, rectangle(20, 20, 30, 30)),
        (SQUARE, rectangle(20, 4, 30, 6)),
        # its corners lie on two sides made longer
        (SQUARE, rectangle(20, 0, 30, 10)),
        (SQUARE, rectangle(-5, 4, -1, 6)),
        (SQUARE, rectangle(5, 5, 15, 6)),
        (SQUARE, rectangle(-1, -1, 11, 11)),
        (SQUARE, rectangle(-EDGE_PIXELS * 1.1, 2, 2, 4)),
        # every corner is inside an arm, and between them it is outside
        (ARMS, rectangle(1, 1, 9, 2)),
        # between the arms
        (ARMS, rectangle(4, 1, 6, 6)),
    ],
)
def test_a_hole_that_is_not_inside_is_found(outline: Any, hole: Any) -> None:
    inside = rectangle(1, 8, 2, 9)
    assert list(find_outside_holes(Polygon(outline, holes=[inside, hole, inside]))) == [1]


def test_an_outline_without_holes_has_none_outside() -> None:
    assert list(find_outside_holes(Polygon(SQUARE))) == []
