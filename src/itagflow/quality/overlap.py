"""How much two annotations overlap, from 0 to 1.

- Outlines and masks: their common area divided by the area of both (intersection over union).
- Spans and segments: the same with characters and seconds.
- Points, lines and keypoints have no area: 1 at the same place, 0.5 at a given distance.

The common area of two outlines is exact, and needs no clipping: an outline is the sum of the areas
between each of its sides and the upper edge, with the sign of the side's direction; so the common
area is the sum, over every two sides, of the area above the higher one of the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

import attrs

from itagflow.model.region import (
    Bounds,
    Box,
    Keypoints,
    Mask,
    Point,
    Points,
    Polygon,
    Polyline,
    Region,
    RotatedBox,
)
from itagflow.model.segment import Segment
from itagflow.model.span import TextSpan

AnyAnnotation = Region | TextSpan | Segment
"""A part of an image, a text or a recording."""
Side = tuple[float, float, float, float, float]
"""A side from its left to its right end, and the sign of its direction: x1, y1, x2, y2, s."""
Area = Box | RotatedBox | Polygon | Mask


@attrs.frozen
class Shape:
    """An annotation with what is needed to compare it with many others."""

    part: AnyAnnotation
    bounds: Bounds
    """The length of a span or segment: from its start to its end."""
    height: int = 0
    """How many pixels high its image is."""


def make_shape(part: AnyAnnotation, height: int = 0) -> Shape:
    """Return what is compared; *height* is that of the image."""
    if isinstance(part, TextSpan | Segment):
        return Shape(part, Bounds(part.start, 0, part.end, 0))
    if isinstance(part, Mask):
        return Shape(part, part.measure_bounds(height), height)
    return Shape(part, part.bounds, height)


def measure_overlap(first: Shape, second: Shape, distance: float = 0) -> float:
    """Return how much two annotations overlap; *distance* is that of places at 0.5, in pixels.

    >>> boxes = Box(0, 0, 10, 10), Box(1, 0, 10, 10)
    >>> round(measure_overlap(*map(make_shape, boxes)), 4)
    0.8182
    """
    one, other = first.part, second.part
    if isinstance(one, Area) and isinstance(other, Area):
        try:
            return _measure_areas(first, second)
        except OverflowError:  # whole numbers beyond all floats
            return 0.0
    if isinstance(one, TextSpan | Segment) and isinstance(other, TextSpan | Segment):
        common = min(one.end, other.end) - max(one.start, other.start)
        if common <= 0:
            return 0.0
        return common / (max(one.end, other.end) - min(one.start, other.start))
    apart = _measure_distance(one, other)
    if apart is None:
        return 0.0
    if distance <= 0:
        return 1.0 if apart == 0 else 0.0
    return max(0.0, 1 - apart / (2 * distance))


def _measure_areas(first: Shape, second: Shape) -> float:
    a, b = first.bounds, second.bounds
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    one, other = first.part, second.part
    if isinstance(one, Box) and isinstance(other, Box):
        common = width * height
    elif isinstance(one, Mask) and isinstance(other, Mask):
        common = _count_common(one, other)
    else:
        top = min(a.top, b.top)
        common = _measure_common(_list_sides(first, top), _list_sides(second, top))
    # both have an area: `measure_overlap` has asked
    areas = [part.area for part in (one, other) if isinstance(part, Area)]
    together = sum(areas) - common
    if together <= 0:
        return 0.0
    return min(1.0, max(0.0, common / together))


def _count_common(first: Mask, second: Mask) -> int:
    """Return how many pixels two masks of one image have in common."""
    common, at = 0, 0
    others = _list_runs(second)
    for start, end in _list_runs(first):
        while at < len(others) and others[at][1] <= start:
            at += 1
        following = at
        while following < len(others) and others[following][0] < end:
            common += min(end, others[following][1]) - max(start, others[following][0])
            following += 1
    return common


def _list_runs(mask: Mask) -> list[tuple[int, int]]:
    """Return the runs of pixels that are inside, as first and behind the last."""
    ends = list(accumulate(mask.counts))
    return [(ends[at] - mask.counts[at], ends[at]) for at in range(1, len(ends), 2)]


def _list_sides(shape: Shape, top: float) -> list[Side]:
    """Return the sides of an outline, with y counted from *top*."""
    part = shape.part
    if isinstance(part, Mask):
        return _list_mask_sides(part, shape.height, top)
    if not isinstance(part, Box | RotatedBox | Polygon):
        return []
    sides = _orient(part.points, top, 1)
    if isinstance(part, Polygon):
        for hole in part.holes:
            sides += _orient(hole, top, -1)
    return sides


def _orient(outline: Points, top: float, sign: int) -> list[Side]:
    """Return the sides of one outline, so that the area inside has this sign."""
    sides = list[Side]()
    total = 0.0
    for (x1, y1), (x2, y2) in zip(outline, (*outline[1:], outline[0]), strict=True):
        total += (x2 - x1) * (y1 + y2 - 2 * top) / 2
        if x1 < x2:
            sides.append((x1, y1 - top, x2, y2 - top, sign))
        elif x2 < x1:
            sides.append((x2, y2 - top, x1, y1 - top, -sign))
    if total >= 0:
        return sides
    return [(x1, y1, x2, y2, -s) for x1, y1, x2, y2, s in sides]


def _list_mask_sides(mask: Mask, height: int, top: float) -> list[Side]:
    """Return the upper and lower side of every run of pixels in every column."""
    sides = list[Side]()
    for start, end in _list_runs(mask):
        for column in range(start // height, (end - 1) // height + 1):
            upper = max(start - column * height, 0) - top
            lower = min(end - column * height, height) - top
            sides.append((column, lower, column + 1, lower, 1))
            sides.append((column, upper, column + 1, upper, -1))
    return sides


def _measure_common(first: Iterable[Side], second: Sequence[Side]) -> float:
    return sum(_measure_above(one, other) for one in first for other in second)


def _measure_above(first: Side, second: Side) -> float:
    """Return the area above the higher one of two sides, where they are below each other."""
    left, right = max(first[0], second[0]), min(first[2], second[2])
    width = right - left
    if width <= 0:
        return 0.0
    starts = _find_y(first, left), _find_y(second, left)
    ends = _find_y(first, right), _find_y(second, right)
    sign = first[4] * second[4]
    before, after = starts[0] - starts[1], ends[0] - ends[1]
    if before * after >= 0:
        return sign * width * (min(starts) + min(ends)) / 2
    # they cross: up to there one is higher, then the other
    share = before / (before - after)
    y = starts[0] + share * (ends[0] - starts[0])
    return sign * width * (share * (min(starts) + y) + (1 - share) * (y + min(ends))) / 2


def _find_y(side: Side, x: float) -> float:
    x1, y1, x2, y2, _ = side
    if x == x2:
        return y2
    return y1 + (y2 - y1) * (x - x1) / (x2 - x1)


def _measure_distance(first: AnyAnnotation, second: AnyAnnotation) -> float | None:
    """Return how far two places are apart, or None where they cannot be compared.

    Of keypoints the mean over their names; of lines the farthest corner from the other line.
    """
    if isinstance(first, Point) and isinstance(second, Point):
        return math.hypot(first.x - second.x, first.y - second.y)
    if isinstance(first, Keypoints) and isinstance(second, Keypoints):
        places, others = _name_places(first), _name_places(second)
        if places.keys() != others.keys() or not places:
            return None
        distances = [math.dist(place, others[name]) for name, place in places.items()]
        return math.fsum(distances) / len(distances)
    if isinstance(first, Polyline) and isinstance(second, Polyline):
        return max(
            *(_measure_to_line(point, second.points) for point in first.points),
            *(_measure_to_line(point, first.points) for point in second.points),
        )
    return None


def _name_places(keypoints: Keypoints) -> dict[str, tuple[float, float]]:
    return {at.name: (at.x, at.y) for at in keypoints.keypoints if at.visibility}


def _measure_to_line(point: tuple[float, float], line: Points) -> float:
    return min(_measure_to_side(point, start, end) for start, end in pairwise(line))


def _measure_to_side(
    point: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    across, down = end[0] - start[0], end[1] - start[1]
    squared = across * across + down * down
    along = 0.0
    if squared:
        along = ((point[0] - start[0]) * across + (point[1] - start[1]) * down) / squared
        along = min(1.0, max(0.0, along))
    return math.dist(point, (start[0] + along * across, start[1] + along * down))
