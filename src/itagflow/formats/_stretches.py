"""Spans of a text and segments of a recording in iTAG's ``results``.

iTAG writes neither the question's id nor its title there.  A span's ``end`` is its last character
in these files, and the one after it in Python.  ``relations`` is ours; of a segment, iTAG's
documents show ``result`` and ``color`` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from itagflow.errors import Problem
from itagflow.formats._labels import label_problems, labels_in, labels_out
from itagflow.formats._plain import (
    is_a,
    is_number,
    is_whole,
    text_or_null,
)
from itagflow.model.annotation import Annotation
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.template import Question

Element = dict[str, Any]


def spans_out(question: Question, reply: Spans) -> Element:
    """Return the element of a text."""
    objects = [
        {
            **_part_out(question.children, span, lists=True),
            "text": span.text,
            "start": span.start,
            "end": span.end - 1,
        }
        for span in reply.spans
    ]
    relations = [
        {
            **_part_out(question.relations, relation),
            "source": relation.source,
            "target": relation.target,
        }
        for relation in reply.relations
    ]
    return {
        "objects": objects,
        "empty": not objects,
        **({"relations": relations} if relations else {}),
    }


def segments_out(question: Question, reply: Segments) -> Element:
    """Return the element of a recording."""
    objects = [
        {**_part_out(question.children, segment), "start": segment.start, "end": segment.end}
        for segment in reply.segments
    ]
    return {"duration": reply.duration, "objects": objects}


def _part_out(children: tuple[Question, ...], part: Annotation, *, lists: bool = False) -> Element:
    return {"result": labels_out(children, part, lists=lists), "color": part.color, "id": part.id}


def spans_in(question: Question, element: Element) -> Spans:
    """Return the spans that a sound element says."""
    spans = [
        TextSpan(
            span["start"],
            span["end"] + 1,
            span.get("text") or "",
            **_part_in(question.children, span),
        )
        for span in element["objects"]
    ]
    relations = [
        Relation(relation["source"], relation["target"], **_part_in(question.relations, relation))
        for relation in element.get("relations", ())
    ]
    return Spans(spans, relations)


def segments_in(question: Question, element: Element) -> Segments:
    """Return the segments that a sound element says."""
    segments = [
        Segment(at["start"], at["end"], **_part_in(question.children, at))
        for at in element["objects"]
    ]
    return Segments(segments, duration=element["duration"])


def _part_in(children: tuple[Question, ...], part: Element) -> dict[str, Any]:
    return {
        "labels": labels_in(children, part["result"]),
        "id": part.get("id"),
        "color": part.get("color"),
    }


def spans_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from saying spans."""
    for path, span in _each(where, element, "objects"):
        yield from _part_problems(path, question.children, span, lists=True)
        yield from text_or_null(path, span, "text")
        yield from _whole_numbers(path, span, "start", "end")
    if "relations" in element:
        for path, relation in _each(where, element, "relations"):
            yield from _part_problems(path, question.relations, relation)
            yield from _whole_numbers(path, relation, "source", "target")
    yield from _broken_lists(where, element, "objects", "relations")


def segments_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from saying segments."""
    if not is_number(element.get("duration")):
        yield Problem(f"{where}.duration", "must be a number of seconds")
    for path, segment in _each(where, element, "objects"):
        yield from _part_problems(path, question.children, segment)
        for name in ("start", "end"):
            if not is_number(segment.get(name)):
                yield Problem(f"{path}.{name}", "must be a number of seconds")
    yield from _broken_lists(where, element, "objects")


def _each(where: str, element: Element, name: str) -> Iterator[tuple[str, Element]]:
    given: list[Any] = element[name] if is_a(element.get(name), list) else []
    for index, part in enumerate(given):
        if is_a(part, dict):
            yield f"{where}.{name}[{index}]", part


def _broken_lists(where: str, element: Element, *names: str) -> Iterator[Problem]:
    for name in names:
        given = element.get(name, [])
        if not (is_a(given, list) and all(is_a(part, dict) for part in given)):
            yield Problem(f"{where}.{name}", "must be a list of objects")


def _part_problems(
    where: str, children: tuple[Question, ...], part: Element, *, lists: bool = False
) -> Iterator[Problem]:
    yield from text_or_null(where, part, "id", "color")
    yield from label_problems(f"{where}.result", children, part.get("result"), lists=lists)


def _whole_numbers(where: str, part: Element, *names: str) -> Iterator[Problem]:
    for name in names:
        if not is_whole(part.get(name)):
            yield Problem(f"{where}.{name}", "must be a whole number")
