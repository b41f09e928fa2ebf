"""Regions of an image in iTAG's ``results``.

``image/polygon`` is iTAG's; the other types, and ``holes`` and ``box`` beside it, are ours.  A
rectangle is a polygon of four points there, and a turned one carries its numbers as ``box`` as
well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from operator import itemgetter
from typing import Any

import attrs

from itagflow.errors import Problem
from itagflow.formats._labels import PartQuestions, find_label_problems, parse_labels
from itagflow.formats._plain import (
    build_each,
    find_non_texts,
    is_a,
    is_counts,
    is_line,
    is_number,
    is_numbers,
    is_strings,
    parse_whole,
)
from itagflow.model.region import (
    Box,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Region,
    Regions,
    RotatedBox,
    Visibility,
    turn_corners,
)
from itagflow.model.template import Question

IMAGE = "image"
POLYGON, POLYLINE, POINT = "image/polygon", "image/polyline", "image/point"
KEYPOINTS, MASK = "image/keypoints", "image/mask"
RECTANGLE = "image/rectangleLabel"
"""The rectangle of the format before the present one: read here, and written by `itag_v1`."""
Element = dict[str, Any]
RegionId = Callable[[str, int], str | None]
"""Names a region by the id of its question and its index; None: it gets no name."""


@attrs.define(eq=False)
class RegionIds:
    """Names the regions of a task that have no id of their own, the same in every export.

    An id is a UUID of version 8: a hash of numbers that never change, so that two exports of a job
    can be compared line by line, and the index of the region as its last group.
    """

    job: int
    """The job."""
    task: int
    """The number of the task."""
    _question: str = attrs.field(default="", init=False)
    _start: str = attrs.field(default="", init=False)

    def __call__(self, question: str, index: int) -> str:
        """Return the id of a region."""
        # one hash for all regions of an answer
        if not self._start or question != self._question:
            self._question, self._start = question, self._hash(question)
        return f"{self._start}{index:012x}"

    def _hash(self, question: str) -> str:
        digits = sha256(f"itagflow:{self.job}/{self.task}/{question}".encode()).hexdigest()
        # where RFC 9562 has the version and the variant: 8, and the two bits 10
        return f"{digits[:8]}-{digits[8:12]}-8{digits[12:15]}-a{digits[15:18]}-"


def render_image(
    question: Question, parts: PartQuestions, reply: Mapping[str, Any], region_id: RegionId
) -> Element:
    """Return the element of an image, with iTAG's keys in iTAG's order.

    Args:
        question: The question that is answered.
        parts: What it asks about regions.
        reply: The regions as plain JSON.
        region_id: Names the regions that have no id of their own.
    """
    data: list[Element] = []
    for index, region in enumerate(reply["regions"]):
        id = region.get("id")
        if id is None:
            id = region_id(question.id, index)
        element = {"id": id, **_SHAPES[region["kind"]](region)}
        element["labels"] = parts.render_labels(region)
        color = region.get("color")
        if color is not None:
            element["color"] = color
        data.append(element)
    return {
        "questionId": question.id,
        "data": data,
        "rotation": reply.get("rotation", 0),
        "markTitle": question.title,
        "width": reply["width"],
        "type": IMAGE,
        "height": reply["height"],
    }


def _render_box(region: Mapping[str, Any]) -> Element:
    # written out: most regions are boxes, and there are many
    left, top = float(region["x"]), float(region["y"])
    right, bottom = float(region["x"] + region["width"]), float(region["y"] + region["height"])
    return {"type": POLYGON, "value": [[left, top], [right, top], [right, bottom], [left, bottom]]}


def _render_rotated_box(region: Mapping[str, Any]) -> Element:
    numbers = [region[name] for name in ("x", "y", "width", "height", "angle")]
    # the outline comes first: a program that does not know `box` still sees the right shape
    outline = _render_line(turn_corners(*numbers))
    return {"type": POLYGON, "value": outline, "box": [float(number) for number in numbers]}


def _render_polygon(region: Mapping[str, Any]) -> Element:
    element: Element = {"type": POLYGON, "value": _render_line(region["points"])}
    # left out when empty: iTAG's own polygons have no such field
    if region.get("holes"):
        element["holes"] = [_render_line(hole) for hole in region["holes"]]
    return element


def _render_polyline(region: Mapping[str, Any]) -> Element:
    return {"type": POLYLINE, "value": _render_line(region["points"])}


def _render_point(region: Mapping[str, Any]) -> Element:
    return {"type": POINT, "value": [float(region["x"]), float(region["y"])]}


def _render_keypoints(region: Mapping[str, Any]) -> Element:
    keypoints = region["keypoints"]
    value = [
        [
            float(keypoint.get("x", 0)),
            float(keypoint.get("y", 0)),
            keypoint.get("visibility", int(Visibility.VISIBLE)),
        ]
        for keypoint in keypoints
    ]
    return {"type": KEYPOINTS, "value": value, "names": [each["name"] for each in keypoints]}


def _render_mask(region: Mapping[str, Any]) -> Element:
    return {"type": MASK, "value": list(region["counts"])}


def _render_line(points: Iterable[Sequence[float]]) -> list[list[float]]:
    return [[float(x), float(y)] for x, y in points]


_SHAPES: Mapping[str, Callable[[Mapping[str, Any]], Element]] = {
    "box": _render_box,
    "rotatedbox": _render_rotated_box,
    "polygon": _render_polygon,
    "polyline": _render_polyline,
    "point": _render_point,
    "keypoints": _render_keypoints,
    "mask": _render_mask,
}
"""What writes each kind of region, which is plain JSON; see `itagflow.storage.codec`."""


def parse_image(question: Question, element: Element) -> Regions:
    """Return the regions of a valid element."""
    size = {name: parse_whole(element[name]) or 0 for name in ("width", "height", "rotation")}
    regions = build_each("data", element["data"], partial(_parse_region, question))
    return Regions(regions, **size)


def _parse_region(question: Question, region: Element) -> Region:
    common: dict[str, Any] = {
        "labels": parse_labels(question.part_questions, region["labels"]),
        "id": region["id"],
        "color": region.get("color"),
    }
    value = region["value"]
    match region["type"]:
        case "image/polyline":
            return Polyline(value, **common)
        case "image/point":
            return Point(*value, **common)
        case "image/keypoints":
            pairs = zip(region["names"], value, strict=True)
            return Keypoints(
                [Keypoint(name, x, y, int(visibility)) for name, (x, y, visibility) in pairs],
                **common,
            )
        case "image/mask":
            return Mask(value, **common)
        case "image/rectangleLabel":
            return _parse_rectangle(value, common)
        # a polygon for iTAG; its four points would lose the angle
        case _ if "box" in region:
            return RotatedBox(*region["box"], **common)
        case _:
            return Polygon(value, region.get("holes", ()), **common)


def _parse_rectangle(value: Element, common: dict[str, Any]) -> Box | RotatedBox:
    left, top, width, height, angle = _get_rectangle(value)
    if not angle:
        return Box(left, top, width, height, **common)
    # its corner stays where it is when it is turned
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    x = left + width / 2 * cos - height / 2 * sin
    y = top + width / 2 * sin + height / 2 * cos
    return RotatedBox(x, y, width, height, angle, **common)


def render_rectangle(
    left: float, top: float, width: float, height: float, angle: float = 0
) -> Element:
    """Return a rectangle as the format before the present one has it.

    Args:
        left: Where its corner is that is at the top left at angle 0.
        top: The same, from the top.
        width: How wide it is.
        height: How high it is.
        angle: By how many degrees it is turned.
    """
    return {"rotation": angle, "x": left, "width": width, "y": top, "height": height}


_RECTANGLE = ("x", "y", "width", "height", "rotation")
_get_rectangle = itemgetter(*_RECTANGLE)


def find_image_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from saying regions."""
    for name in ("width", "height", "rotation"):
        # some programs write 1000.0 or "1000"
        if parse_whole(element.get(name)) is None:
            yield Problem(f"{where}.{name}", "must be a whole number")
    if not is_a(element.get("data"), list):
        yield Problem(f"{where}.data", "must be a list of regions")
        return
    for index, region in enumerate(element["data"]):
        # the place is written out only where there is a problem: an image has many regions
        for problem in _find_region_problems(question, region):
            yield Problem(f"{where}.data[{index}]{problem.where}", problem.reason)


def _find_region_problems(question: Question, region: Any) -> Iterator[Problem]:
    """Yield everything that keeps a region from being one, with the place in it."""
    kind = region.get("type") if is_a(region, dict) else None
    if kind not in (POLYGON, POLYLINE, POINT, KEYPOINTS, MASK, RECTANGLE):
        yield Problem("", f"must be an object with the type {POLYGON!r} or another that is known")
        return
    if "id" not in region:
        yield Problem(".id", "must be a string or null")
    yield from find_non_texts("", region, "id", "color")
    yield from _find_value_problems(kind, region)
    for problem in find_label_problems(question.part_questions, region.get("labels")):
        yield Problem(f".labels{problem.where}", problem.reason)


def _find_value_problems(kind: str, region: Element) -> Iterator[Problem]:
    value = region.get("value")
    if kind in (POLYGON, POLYLINE):
        min_points, number_word = 2, "two"
        if kind == POLYGON:
            min_points, number_word = 3, "three"
        if not is_line(value, min_points):
            yield Problem(".value", f"must be a list of at least {number_word} points [x, y]")
        yield from _find_extra_problems(region)
    elif kind == POINT and not is_numbers(value, 2):
        yield Problem(".value", "must be a point [x, y]")
    elif kind == MASK and not is_counts(value):
        yield Problem(".value", "must be a list of counts of pixels")
    elif kind == RECTANGLE and not _is_rectangle(value):
        yield Problem(".value", f"must be an object with the numbers {', '.join(_RECTANGLE)}")
    elif kind == KEYPOINTS:
        names = region.get("names")
        if not is_line(value, 0, 3) or any(
            keypoint[2] not in (0, 1, 2) for keypoint in region["value"]
        ):
            yield Problem(".value", "must be a list of [x, y, visibility], the last 0, 1 or 2")
        elif not is_strings(names) or len(region["names"]) != len(region["value"]):
            yield Problem(".names", "must be a list with a name for each place")


def _is_rectangle(value: Any) -> bool:
    if not is_a(value, dict):
        return False
    try:
        return all(map(is_number, _get_rectangle(value)))
    except KeyError:
        return False


def _find_extra_problems(region: Element) -> Iterator[Problem]:
    holes = region.get("holes", [])
    if not (is_a(holes, list) and all(is_line(hole, 3) for hole in holes)):
        reason = "must be a list of outlines, each of at least three points [x, y]"
        yield Problem(".holes", reason)
    if "box" in region and not is_numbers(region["box"], 5):
        yield Problem(".box", "must be [x, y, width, height, angle]")
