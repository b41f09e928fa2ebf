"""Spans of a text and segments of a recording in iTAG's ``results``.

iTAG writes neither the question's id nor its title there.  A span's ``end`` is its last character
in these files, and the one after it in Python.  ``relations`` is ours; of a segment, iTAG's
documents show ``result`` and ``color`` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from itagflow.errors import Problem
from itagflow.formats._labels import PartQuestions, find_label_problems, parse_labels
from itagflow.formats._plain import (
    build_each,
    find_non_texts,
    is_a,
    is_number,
    is_whole,
)
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.model.template import Question

Element = dict[str, Any]


def render_spans(
    parts: PartQuestions, relations: PartQuestions, reply: Mapping[str, Any]
) -> Element:
    """Return the element of a text.

    Args:
        parts: What is asked about spans.
        relations: What is asked about relations.
        reply: The spans as plain JSON.
    """
    objects = [
        {
            "result": parts.render_labels(span, lists=True),
            **_render_origin(span),
            "text": span.get("text", ""),
            "start": span["start"],
            # iTAG's end is the last character, Python's the one behind it
            "end": span["end"] - 1,
        }
        for span in reply["spans"]
    ]
    # iTAG's sign for a text that was labeled and has nothing in it
    element: Element = {"objects": objects, "empty": not objects}
    if reply.get("relations"):
        element["relations"] = [
            {
                "result": relations.render_labels(relation),
                **_render_origin(relation),
                "source": relation["source"],
                "target": relation["target"],
            }
            for relation in reply["relations"]
        ]
    return element


def render_segments(parts: PartQuestions, reply: Mapping[str, Any]) -> Element:
    """Return the element of a recording; the arguments are as those of `render_spans`."""
    objects = [
        {
            "result": parts.render_labels(segment),
            **_render_origin(segment),
            "start": segment["start"],
            "end": segment["end"],
        }
        for segment in reply["segments"]
    ]
    return {"duration": reply.get("duration", 0), "objects": objects}


def _render_origin(part: Mapping[str, Any]) -> Element:
    """Return what a part was called, and how it was drawn, where it came from."""
    return {"color": part.get("color"), "id": part.get("id")}


def parse_spans(question: Question, element: Element) -> Spans:
    """Return the spans of a valid element."""
    spans = build_each("objects", element["objects"], partial(_parse_span, question))
    relations = build_each(
        "relations", element.get("relations", ()), partial(_parse_relation, question)
    )
    return Spans(spans, relations)


def _parse_span(question: Question, span: Element) -> TextSpan:
    return TextSpan(
        span["start"],
        # iTAG's end is the last character, Python's the one behind it
        span["end"] + 1,
        span.get("text") or "",
        **_parse_annotation(question.part_questions, span),
    )


def _parse_relation(question: Question, relation: Element) -> Relation:
    return Relation(
        relation["source"],
        relation["target"],
        **_parse_annotation(question.relation_questions, relation),
    )


def parse_segments(question: Question, element: Element) -> Segments:
    """Return the segments of a valid element."""
    segments = build_each("objects", element["objects"], partial(_parse_segment, question))
    return Segments(segments, duration=element["duration"])


def _parse_segment(question: Question, segment: Element) -> Segment:
    return Segment(
        segment["start"], segment["end"], **_parse_annotation(question.part_questions, segment)
    )


def _parse_annotation(by_title: Mapping[str, Question], element: Element) -> dict[str, Any]:
    return {
        "labels": parse_labels(by_title, element["result"]),
        "id": element.get("id"),
        "color": element.get("color"),
    }


def find_spans_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from saying spans."""
    for path, span in _iter_objects(where, element, "objects"):
        yield from _find_annotation_problems(path, question.part_questions, span, lists=True)
        yield from find_non_texts(path, span, "text")
        yield from _find_non_integers(path, span, "start", "end")
    if "relations" in element:
        for path, relation in _iter_objects(where, element, "relations"):
            yield from _find_annotation_problems(path, question.relation_questions, relation)
            yield from _find_non_integers(path, relation, "source", "target")
    yield from _find_broken_lists(where, element, "objects", "relations")


def find_segments_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from saying segments."""
    if not is_number(element.get("duration")):
        yield Problem(f"{where}.duration", "must be a number of seconds")
    for path, segment in _iter_objects(where, element, "objects"):
        yield from _find_annotation_problems(path, question.part_questions, segment)
        for name in ("start", "end"):
            if not is_number(segment.get(name)):
                yield Problem(f"{path}.{name}", "must be a number of seconds")
    yield from _find_broken_lists(where, element, "objects")


def _iter_objects(where: str, element: Element, name: str) -> Iterator[tuple[str, Element]]:
    if not is_a(element.get(name), list):
        return
    objects: list[Any] = element[name]
    for index, item in enumerate(objects):
        if is_a(item, dict):
            yield f"{where}.{name}[{index}]", item


def _find_broken_lists(where: str, element: Element, *names: str) -> Iterator[Problem]:
    for name in names:
        objects = element.get(name, [])
        if not (is_a(objects, list) and all(is_a(item, dict) for item in objects)):
            yield Problem(f"{where}.{name}", "must be a list of objects")


def _find_annotation_problems(
    where: str, by_title: Mapping[str, Question], element: Element, *, lists: bool = False
) -> Iterator[Problem]:
    yield from find_non_texts(where, element, "id", "color")
    for problem in find_label_problems(by_title, element.get("result"), lists=lists):
        yield Problem(f"{where}.result{problem.where}", problem.reason)


def _find_non_integers(where: str, element: Element, *names: str) -> Iterator[Problem]:
    for name in names:
        if not is_whole(element.get(name)):
            yield Problem(f"{where}.{name}", "must be a whole number")
