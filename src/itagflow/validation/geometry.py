"""Whether shapes have an extent, and lie where they must: on their image, in their outline.

Two tolerances, for two kinds of rounding:

- `MIN_SIZE`: coordinates that were written with six decimals are off by up to half a millionth of a
  pixel each.  What is not thicker, or longer, than a millionth of a pixel could as well be nothing.
- `find_edge_tolerance`: files that count from 0 to 1 across the image with six decimals, as YOLO's
  do, are off by up to half a millionth of its side in the center and a quarter in half the size;
  files in pixels are often written with two decimals, and then ``x + width`` is off by up to a
  hundredth.  Both are less than anybody can see, so that it is no mistake of a person.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from itagflow.model.region import (
    Box,
    Keypoints,
    Mask,
    Points,
    Polygon,
    Polyline,
    Region,
    RotatedBox,
)

MIN_SIZE = 1e-6
"""How many pixels an outline is thick, or a line long, at least: see above."""
_RECTANGLES = (Box, RotatedBox)
"""Not ``Box | RotatedBox``, which takes as long to make as all else that is asked of a box."""
EDGE_PIXELS = 0.01
"""How many pixels a region may reach over the edge of any image."""
EDGE_SHARE = 1e-6
"""Which share of the side of an image a region may reach over its edge, where that is more."""


def find_edge_tolerance(side: int) -> float:
    """Return by how many pixels a region may reach over the edge of an image with this side."""
    return max(EDGE_PIXELS, EDGE_SHARE * side)


def find_extent_error(region: Region) -> str | None:
    """Return why *region* has nothing to see, or None.

    An outline has an area, a line a length, keypoints one that is on the image, a mask a pixel.
    """
    if isinstance(region, Polygon):
        return _find_polygon_error(region)
    if isinstance(region, _RECTANGLES) and min(region.width, region.height) <= MIN_SIZE:
        return f"must have an area, not {region.width:g} x {region.height:g} pixels"
    if isinstance(region, Polyline) and region.length <= MIN_SIZE:
        return "must have a length: all its points are in one place"
    if isinstance(region, Keypoints) and not region.points:
        return "must have a keypoint that is on the image"
    if isinstance(region, Mask) and not region.area:
        return "must have a pixel inside"
    return None


def _find_polygon_error(polygon: Polygon) -> str | None:
    bounds = polygon.bounds
    # an area of less than a millionth of a pixel times its longest side is as good as a line
    least = MIN_SIZE * max(bounds.width, bounds.height)
    if Polygon(polygon.points).area <= least:
        return "must have an area: its points lie on one line, or it crosses itself"
    for index, hole in enumerate(polygon.holes):
        if Polygon(hole).area <= least:
            return f"must have an area in holes[{index}] too: its points lie on one line"
    if polygon.area <= least:
        return "must have an area: its holes take away all of it"
    return None


def find_outside_holes(polygon: Polygon) -> Iterator[int]:
    """Yield the indexes of the holes that are not inside the outline.

    A hole may touch the outline, within the tolerance at the edge of an image.
    """
    for index, hole in enumerate(polygon.holes):
        is_inside = all(_is_within(x, y, polygon.points) for x, y in hole)
        if not is_inside or _do_cross(hole, polygon.points):
            yield index


def _list_sides(outline: Points) -> list[tuple[float, float, float, float]]:
    following = (*outline[1:], outline[0])
    return [(x1, y1, x2, y2) for (x1, y1), (x2, y2) in zip(outline, following, strict=True)]


def _is_within(x: float, y: float, outline: Points) -> bool:
    """Return whether a place is inside an outline or on it, by counting the sides to its right."""
    inside = False
    for x1, y1, x2, y2 in _list_sides(outline):
        if _measure_distance((x, y), (x1, y1), (x2, y2)) <= EDGE_PIXELS:
            return True
        # each side has its upper end and not its lower one: a corner is counted once
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def _measure_distance(
    place: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    """Return how far *place* is from the line between two others."""
    (x, y), (x1, y1), (x2, y2) = place, start, end
    across, down = x2 - x1, y2 - y1
    squared = across * across + down * down
    along: float = 0
    if squared:
        along = min(1, max(0, ((x - x1) * across + (y - y1) * down) / squared))
    dx, dy = x - x1 - along * across, y - y1 - along * down
    return math.hypot(dx, dy)


def _do_cross(first: Points, second: Points) -> bool:
    """Return whether a side of one outline goes through a side of the other, and not only to it."""
    others = _list_sides(second)
    for side in _list_sides(first):
        left, right = sorted((side[0], side[2]))
        # most sides are far away: that is told faster than whether two cross
        near = (other for other in others if _overlaps(left, right, other[0], other[2]))
        if any(_is_crossing(side, other) for other in near):
            return True
    return False


def _overlaps(left: float, right: float, first: float, second: float) -> bool:
    return min(first, second) <= right and max(first, second) >= left


def _is_crossing(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> bool:
    return _is_split(first, second) and _is_split(second, first)


def _is_split(
    line: tuple[float, float, float, float], side: tuple[float, float, float, float]
) -> bool:
    """Return whether the ends of *side* lie clearly on the two sides of *line*, made endless."""
    x1, y1, x2, y2 = line
    length = math.hypot(x2 - x1, y2 - y1)
    distances = (
        (x2 - x1) * (side[1] - y1) - (y2 - y1) * (side[0] - x1),
        (x2 - x1) * (side[3] - y1) - (y2 - y1) * (side[2] - x1),
    )
    # the cross product is the distance times the length; an end that only touches does not cross
    clearly = EDGE_PIXELS * length
    return min(distances) < -clearly and max(distances) > clearly
