"""Whether regions lie on their image, spans in their text, and segments in their recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from itagflow.errors import Problem
from itagflow.model.region import (
    Bounds,
    Box,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Region,
    Regions,
    RotatedBox,
    Visibility,
)
from itagflow.model.segment import Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.template import Question, Shape
from itagflow.printing import format_count
from itagflow.validation.geometry import (
    find_edge_tolerance,
    find_extent_error,
    find_outside_holes,
)
from itagflow.validation.values import find_count_problems

TIME_TOLERANCE = 0.001
"""By how many seconds a segment may reach over the end: recordings are measured in milliseconds."""

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


def find_regions_problems(question: Question, reply: Regions) -> Iterator[Problem]:
    """Yield everything that keeps regions from lying on their image."""
    for name in ("width", "height"):
        # without the size nothing can be said about the regions: the first problem is the only one
        if not getattr(reply, name):
            yield Problem(f"{question.id}.{name}", "is not known: it must be at least 1 pixel")
            return
    yield from find_count_problems(f"{question.id}.regions", question, len(reply.regions))
    edges = _find_edges(reply)
    for index, region in enumerate(reply.regions):
        # the place is written out only where there is a problem: an image has many regions
        for problem in _find_region_problems(region, question, reply, edges):
            yield Problem(f"{question.id}.regions[{index}]{problem.where}", problem.reason)


def _find_edges(image: Regions) -> Bounds:
    """Return how far regions may reach."""
    across, down = find_edge_tolerance(image.width), find_edge_tolerance(image.height)
    return Bounds(-across, -down, image.width + across, image.height + down)


def _find_region_problems(
    region: Region, question: Question, image: Regions, edges: Bounds
) -> Iterator[Problem]:
    """Yield everything that keeps one region from lying on its image, with the place in it."""
    if question.shapes and SHAPE[type(region)] not in question.shapes:
        allowed = " or ".join(shape.value for shape in question.shapes)
        yield Problem("", f"must be a {allowed}, not a {SHAPE[type(region)].value}")
        return
    if isinstance(region, Keypoints):
        yield from _find_keypoint_problems(region, question)
    if error := find_extent_error(region):
        yield Problem("", error)
    elif isinstance(region, Mask):
        yield from _find_mask_problems(region, image)
    elif not _is_within(region.bounds, edges):
        yield Problem("", f"reaches outside the image of {image.width} x {image.height} pixels")
    if isinstance(region, Polygon) and not error:
        yield from (
            Problem(f".holes[{index}]", "must be inside the outline")
            for index in find_outside_holes(region)
        )


def _is_within(bounds: Bounds, edges: Bounds) -> bool:
    return (
        bounds.left >= edges.left
        and bounds.top >= edges.top
        and bounds.right <= edges.right
        and bounds.bottom <= edges.bottom
    )


def _find_mask_problems(mask: Mask, image: Regions) -> Iterator[Problem]:
    pixels = image.width * image.height
    if sum(mask.counts) != pixels:
        yield Problem(
            ".counts", f"must cover the {pixels} pixels of the image, not {sum(mask.counts)}"
        )


def _find_keypoint_problems(region: Keypoints, question: Question) -> Iterator[Problem]:
    names: set[str] = set()
    for index, keypoint in enumerate(region.keypoints):
        where = f".keypoints[{index}]"
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
    yield from find_count_problems(f"{question.id}.spans", question, len(reply.spans))
    for index, span in enumerate(reply.spans):
        path = f"{question.id}.spans[{index}]"
        yield from _find_span_problems(path, span, text)
    for index, relation in enumerate(reply.relations):
        path = f"{question.id}.relations[{index}]"
        if not question.relations:
            yield Problem(path, f"the question {question.title!r} does not ask for relations")
        yield from _find_relation_problems(path, relation, len(reply.spans))


def _find_span_problems(path: str, span: TextSpan, text: str | None) -> Iterator[Problem]:
    if text is None:
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
        if index >= spans:
            reason = f"must be the index of one of {format_count(spans, 'span')}"
            yield Problem(f"{path}.{name}", f"{reason}, not {index}")


def find_segments_problems(question: Question, reply: Segments) -> Iterator[Problem]:
    """Yield everything that keeps segments from lying in their recording."""
    yield from find_count_problems(f"{question.id}.segments", question, len(reply.segments))
    for index, segment in enumerate(reply.segments):
        if reply.duration and segment.end > reply.duration + TIME_TOLERANCE:
            yield Problem(
                f"{question.id}.segments[{index}].end",
                f"reaches outside the recording of {format_count(reply.duration, 'second')}",
            )
