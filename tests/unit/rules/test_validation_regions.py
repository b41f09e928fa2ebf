"""Regions lie on their image, spans in their text, segments in their recording."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import (
    Box,
    InvalidData,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    Relation,
    Segment,
    Segments,
    Spans,
    TextSpan,
)
from itagflow.templates import Question, QuestionKind, Shape
from itagflow.validation.regions import (
    find_regions_problems,
    find_segments_problems,
    find_spans_problems,
)

MARKS = Question("1", QuestionKind.PICTURE, "Q")
SLOTS = Question("1", QuestionKind.SLOT, "Q")
RECORDING = Question("1", QuestionKind.VIDEO, "Q")


def places(found: Any) -> list[str]:
    return [problem.where for problem in found]


def on_image(*regions: Any, width: Any = 10, height: Any = 10, rotation: int = 0) -> list[str]:
    reply = Regions(regions, width=width, height=height, rotation=rotation)
    return places(find_regions_problems(MARKS, reply))


@pytest.mark.parametrize(
    ("region", "where"),
    [
        (Box(0, 0, 10, 10), []),
        (Box(5, 5, 9, 1), ["1.regions[0]"]),
        (Point(10, 10), []),
        (Point(-2, 1), ["1.regions[0]"]),
        (Polygon([(0, 0), (5, 0), (5, 5)]), []),
        (Polyline([(0, 0), (99, 0)]), ["1.regions[0]"]),
        (Mask([50, 25, 25]), []),
        (Mask([1]), ["1.regions[0]"]),
        (Mask([50, 49]), ["1.regions[0].counts"]),
        (Mask([50, 51]), ["1.regions[0].counts"]),
    ],
)
def test_a_region_lies_on_its_image(region: Any, where: list[str]) -> None:
    assert on_image(region) == where


def test_an_image_whose_size_is_not_known_is_not_saved() -> None:
    assert on_image(Box(0, 0, 99, 99), width=0) == ["1.width"]
    assert on_image(height=0) == ["1.height"]


def test_an_image_is_rotated_by_quarters() -> None:
    assert on_image(rotation=270) == []
    with pytest.raises(InvalidData, match="0, 90, 180 or 270 degrees, not 45"):
        on_image(rotation=45)


def test_only_the_shapes_of_the_question_are_marked() -> None:
    boxes = Question("1", QuestionKind.PICTURE, "Q", shapes=(Shape.BOX,))
    (problem,) = find_regions_problems(boxes, Regions([Point(1, 1)], width=9, height=9))
    assert problem.reason == "must be a box, not a point"


@pytest.mark.parametrize(
    ("span", "text", "where"),
    [
        (TextSpan(0, 2, "ab"), "abc", []),
        (TextSpan(0, 2), "abc", []),
        (TextSpan(0, 3, "abc"), None, []),
        (TextSpan(0, 2, "xx"), "abc", ["1.spans[0].text"]),
        (TextSpan(1, 4), "abc", ["1.spans[0].end"]),
    ],
)
def test_a_span_lies_in_its_text(span: TextSpan, text: str | None, where: list[str]) -> None:
    assert places(find_spans_problems(SLOTS, Spans([span]), text)) == where


def test_a_relation_links_two_spans_where_it_is_asked() -> None:
    holds = Question("2", QuestionKind.INPUT, "R", required=False)
    related = Question("1", QuestionKind.SLOT, "Q", relations=(holds,))
    two = [TextSpan(0, 1), TextSpan(1, 2)]

    def found(relation: Relation, question: Question = related) -> list[str]:
        return places(find_spans_problems(question, Spans(two, [relation]), "ab"))

    assert found(Relation(0, 1)) == []
    assert found(Relation(0, 2)) == ["1.relations[0].target"]
    assert found(Relation(2, 1)) == ["1.relations[0].source"]
    assert found(Relation(3, 2)) == ["1.relations[0].source", "1.relations[0].target"]
    assert found(Relation(0, 1), SLOTS) == ["1.relations[0]"]


@pytest.mark.parametrize(
    ("segment", "duration", "where"),
    [
        (Segment(0, 5), 5, []),
        (Segment(0, 99), 0, []),
        (Segment(0, 6), 5, ["1.segments[0].end"]),
    ],
)
def test_a_segment_lies_in_its_recording(
    segment: Segment, duration: float, where: list[str]
) -> None:
    assert (
        places(find_segments_problems(RECORDING, Segments([segment], duration=duration))) == where
    )
