"""What formats of images make of regions: corners, and the boxes around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from itagflow.formats._port import Counts
from itagflow.model.region import Mask, Points, list_corners, measure_bounds, turn_corners
from itagflow.model.task import Task
from itagflow.storage.codec import decode_region

Plain = Mapping[str, Any]
"""A reply or a region as plain JSON."""
Sides = tuple[float, float, float, float]
"""The left, the top, the right and the bottom of a region, in pixels."""
SMALLEST = 1e-6
"""How many pixels are the least that a region has in width and height: less is rounded away."""
DECIMALS = 6
"""To how many places pixels are rounded: what division has left over goes away."""


def find_sides(region: Plain, reply: Plain, task: Task, counts: Counts) -> Sides | None:
    """Return the box that stands for a region; None where none can.

    Shapes other than boxes are counted as lost.

    Args:
        region: The region as plain JSON.
        reply: The regions that it is one of.
        task: Where it is.
        counts: Where losses are counted.
    """
    kind = region["kind"]
    if kind == "box":
        left, top = region["x"], region["y"]
        return left, top, left + region["width"], top + region["height"]
    if kind == "mask":
        mask = decode_region(region)
        if not (isinstance(mask, Mask) and mask.area):
            counts.lose(task, "masks without a pixel")
            return None
        bounds = mask.measure_bounds(reply["height"])
    elif kind in ("polygon", "rotatedbox"):
        bounds = measure_bounds(find_corners(region))
    else:
        counts.lose(task, "keypoints, lines and single points")
        return None
    counts.lose(task, "shapes other than boxes (written as the boxes around them)")
    return bounds.left, bounds.top, bounds.right, bounds.bottom


def find_corners(region: Plain) -> Points:
    """Return the corners of a box, of a turned box or of an outline."""
    match region["kind"]:
        case "box":
            return list_corners(region["x"], region["y"], region["width"], region["height"])
        case "rotatedbox":
            numbers = [region[name] for name in ("x", "y", "width", "height", "angle")]
            return turn_corners(*numbers)
        case _:
            return tuple((x, y) for x, y in region["points"])
