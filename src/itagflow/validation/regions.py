"""Whether regions lie on their image, spans in their text, and segments in their recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from itagflow.errors import Problem
from itagflow.model.region import (
    Box,
    Keypoints,
    Mask,
    Point,
    Points,
    Polygon,
    Polyline,
    Region,
    Regions,
    RotatedBox,
    Visibility,
)
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.template import Question, Shape
from itagflow.model.text import format_value
from itagflow.printing import format_count
from itagflow.validation.values import find_string_problems, is_finite, is_integer

SLACK = 1e-6
"""By how many pixels a region may reach over the edge: room for rounding, not for a mistake."""

SHAPE: Mapping[type[Region], Shape] = {
    Box: Shape.BOX,
    RotatedBox: Shape.ROTATED_BOX,
    Polygon: Shape.POLYGON,
    Polyline: Shape.POLYLINE,
    Point: Shape.POINT,
    Keypoints: Shape.KEYPOINTS,
    Mask: Shape.MASK,
}
"""The shape of a region, by its class."""
MAX_SIDE = 2**31 - 1
"""How many pixels wide or high an image may be: what programs that show images count up to."""
_LEAST: Mapping[type[Region], int] = {Polygon: 3, Polyline: 2}
"""How many points an outline or a line needs."""


def find_regions_problems(question: Question, reply: Regions) -> Iterator[Problem]:
    """Yield everything that keeps regions from lying on their image."""
    for name in ("width", "height"):
        size = getattr(reply, name)
        # without the size nothing can be said about the regions: the first problem is the only one
        if not is_integer(size) or not 0 < size <= MAX_SIDE:
            limits = f"from 1 to {MAX_SIDE:,}"
            yield Problem(
                f"{question.id}.{name}",
                f"must be a whole number of pixels {limits}, not {format_value(size)}",
            )
            return
    if reply.rotation not in (0, 90, 180, 270):
        yield Problem(
            f"{question.id}.rotation",
            f"must be 0, 90, 180 or 270 degrees, not {format_value(reply.rotation)}",
        )
    for index, region in enumerate(reply.regions):
        path = f"{question.id}.regions[{index}]"
        if question.shapes and SHAPE[type(region)] not in question.shapes:
            allowed = " or ".join(shape.value for shape in question.shapes)
            yield Problem(path, f"must be a {allowed}, not a {SHAPE[type(region)].value}")
        else:
            yield from _find_region_problems(path, region, question, reply)


def _find_region_problems(
    path: str, region: Region, question: Question, image: Regions
) -> Iterator[Problem]:
    if isinstance(region, Mask):
        yield from _find_mask_problems(path, region, image)
        return
    if isinstance(region, Keypoints):
        yield from _find_keypoint_problems(path, region, question)
    numbers = dict(_iter_numbers(region))
    if bad := [name for name, number in numbers.items() if not is_finite(number)]:
        yield from (
            Problem(f"{path}.{name}", f"must be a finite number, not {format_value(numbers[name])}")
            for name in bad
        )
    elif isinstance(region, Box | RotatedBox) and (region.width <= 0 or region.height <= 0):
        yield Problem(path, f"must have an area, not {region.width} x {region.height} pixels")
    elif short := list(_find_short_lines(region)):
        yield from (Problem(f"{path}.{name}", reason) for name, reason in short)
    elif not all(
        _is_inside(x, image.width) and _is_inside(y, image.height)
        for line in _collect_lines(region).values()
        for x, y in line
    ):
        yield Problem(path, f"reaches outside the image of {image.width} x {image.height} pixels")


def _iter_numbers(region: Region) -> Iterator[tuple[str, Any]]:
    """Yield the numbers that say where a region is, by their path in it."""
    if isinstance(region, Box | RotatedBox | Point):
        names = ("x", "y", "width", "height", "angle")
        yield from ((name, getattr(region, name)) for name in names if hasattr(region, name))
        return
    for name, line in _collect_lines(region).items():
        for index, point in enumerate(line):
            yield from ((f"{name}[{index}].{n}", v) for n, v in zip("xy", point, strict=True))


def _collect_lines(region: Region) -> dict[str, Points]:
    """Return the lines that a region is made of, by their path in it."""
    if isinstance(region, Mask):
        return {}
    holes: tuple[Points, ...] = ()
    if isinstance(region, Polygon):
        holes = region.holes
    return {
        "points": region.points,
        **{f"holes[{index}]": hole for index, hole in enumerate(holes)},
    }


def _find_short_lines(region: Region) -> Iterator[tuple[str, str]]:
    min_points = _LEAST.get(type(region), 0)
    for name, line in _collect_lines(region).items():
        if len(line) < min_points:
            shape = SHAPE[type(region)].value
            yield name, f"a {shape} needs at least {min_points} points, not {len(line)}"


def _is_inside(number: float, size: int) -> bool:
    # a tolerance on both sides: a screen that scales images returns 639.9999999 and 640.0000001
    return -SLACK <= number <= size + SLACK


def _find_mask_problems(path: str, mask: Mask, image: Regions) -> Iterator[Problem]:
    pixels = image.width * image.height
    bad = [
        index
        for index, count in enumerate(mask.counts)
        if not is_integer(count) or not 0 <= count <= pixels
    ]
    if bad:
        reasons = (
            (i, f"must be a count of pixels, not {format_value(mask.counts[i])}") for i in bad
        )
        yield from (Problem(f"{path}.counts[{i}]", reason) for i, reason in reasons)
    # only now: what is no number cannot be added up
    elif sum(mask.counts) != pixels:
        yield Problem(
            f"{path}.counts", f"must cover the {pixels} pixels of the image, not {sum(mask.counts)}"
        )
    elif not mask.area:
        yield Problem(f"{path}.counts", "must have a pixel inside")


def _find_keypoint_problems(path: str, region: Keypoints, question: Question) -> Iterator[Problem]:
    names = set[str]()
    for index, keypoint in enumerate(region.keypoints):
        where = f"{path}.keypoints[{index}]"
        yield from find_string_problems(f"{where}.name", keypoint.name)
        if question.keypoints and keypoint.name not in question.keypoints:
            yield Problem(
                f"{where}.name", f"{keypoint.name!r} is not one of {', '.join(question.keypoints)}"
            )
        if keypoint.name in names:
            yield Problem(f"{where}.name", f"{keypoint.name!r} is there twice")
        # COCO writes an absent keypoint as 0, 0, 0; other coordinates would be lost in its files
        if keypoint.visibility is Visibility.ABSENT and (keypoint.x, keypoint.y) != (0, 0):
            yield Problem(where, "is absent, so x and y must be 0")
        names.add(keypoint.name)


def find_spans_problems(question: Question, reply: Spans, text: str | None) -> Iterator[Problem]:
    """Yield spans that lie outside *text*, if it is known, and relations that join no spans."""
    for index, span in enumerate(reply.spans):
        path = f"{question.id}.spans[{index}]"
        yield from find_string_problems(f"{path}.text", span.text)
        yield from _find_span_problems(path, span, text)
    for index, relation in enumerate(reply.relations):
        path = f"{question.id}.relations[{index}]"
        if not question.relations:
            yield Problem(path, f"the question {question.title!r} does not ask for relations")
        yield from _find_relation_problems(path, relation, len(reply.spans))


def _find_span_problems(path: str, span: TextSpan, text: str | None) -> Iterator[Problem]:
    if not is_integer(span.start) or not is_integer(span.end) or not 0 <= span.start < span.end:
        actual = f"{format_value(span.start)} and {format_value(span.end)}"
        yield Problem(path, f"must be 0 <= start < end, in whole characters, not {actual}")
    elif text is None:
        if len(span.text) not in (0, span.end - span.start):
            length = format_count(span.end - span.start, "character")
            yield Problem(f"{path}.text", f"must have {length}, not {len(span.text)}")
    # characters are code points, as in Python; JavaScript counts an emoji as two
    elif span.end > len(text):
        reason = f"reaches outside the text of {format_count(len(text), 'character')}"
        yield Problem(f"{path}.end", reason + _hint_at_units(span, text))
    elif span.text and span.text != text[span.start : span.end]:
        reason = f"is {span.text!r}, and the data says {text[span.start : span.end]!r}"
        yield Problem(f"{path}.text", reason + _hint_at_units(span, text))


def _hint_at_units(span: TextSpan, text: str) -> str:
    """Return what to say of a span whose text stands where its offsets are in units of UTF-16."""
    # Nothing is converted: offsets of one file may be of both kinds where a text has no emoji.
    units = text.encode("utf-16-le", "surrogatepass")
    there = units[2 * span.start : 2 * span.end].decode("utf-16-le", "replace")
    if not span.text or there != span.text:
        return ""
    return (
        "; it fits where offsets count units of UTF-16, as JavaScript does: count characters (an "
        "emoji is one)"
    )


def _find_relation_problems(path: str, relation: Relation, spans: int) -> Iterator[Problem]:
    for name in ("source", "target"):
        index = getattr(relation, name)
        if not is_integer(index) or not 0 <= index < spans:
            reason = f"must be the index of one of {format_count(spans, 'span')}"
            yield Problem(f"{path}.{name}", f"{reason}, not {format_value(index)}")
    if relation.source == relation.target:
        yield Problem(path, "joins a span with itself")


def find_segments_problems(question: Question, reply: Segments) -> Iterator[Problem]:
    """Yield everything that keeps segments from lying in their recording."""
    if not is_finite(reply.duration) or reply.duration < 0:
        yield Problem(
            f"{question.id}.duration",
            f"must be seconds, or 0 for unknown, not {format_value(reply.duration)}",
        )
        return
    for index, segment in enumerate(reply.segments):
        yield from _find_segment_problems(
            f"{question.id}.segments[{index}]", segment, reply.duration
        )


def _find_segment_problems(path: str, segment: Segment, duration: float) -> Iterator[Problem]:
    bad = [name for name in ("start", "end") if not is_finite(getattr(segment, name))]
    if bad:
        yield from (Problem(f"{path}.{name}", "must be a finite number of seconds") for name in bad)
    elif not 0 <= segment.start < segment.end:
        yield Problem(path, f"must be 0 <= start < end, not {segment.start} and {segment.end}")
    elif duration and segment.end > duration + SLACK:
        yield Problem(
            f"{path}.end", f"reaches outside the recording of {format_count(duration, 'second')}"
        )
