"""Answers as JSON, for screens: a template as JSON Schema, and replies to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from cattrs import BaseValidationError, transform_error

from itagflow.errors import InvalidData, Problem
from itagflow.model.reply import Replies, Reply
from itagflow.model.template import (
    WRITING,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
)
from itagflow.storage import codec

Schema = dict[str, Any]

_NUMBER: Schema = {"type": "number"}
_PLACE: Schema = {"type": "array", "prefixItems": [_NUMBER, _NUMBER], "minItems": 2, "maxItems": 2}
_KEYPOINT: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "x": _NUMBER,
        "y": _NUMBER,
        "visibility": {"enum": [0, 1, 2]},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def _build_line(min_points: int) -> Schema:
    return {"type": "array", "items": _PLACE, "minItems": min_points}


_LENGTH: Schema = {"type": "number", "exclusiveMinimum": 0}
_SIDES: Schema = {"x": _NUMBER, "y": _NUMBER, "width": _LENGTH, "height": _LENGTH}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SHAPES: Mapping[Shape, tuple[str, Schema]] = {
    Shape.BOX: ("box", _SIDES),
    Shape.ROTATED_BOX: ("rotatedbox", {**_SIDES, "angle": _NUMBER}),
    Shape.POLYGON: (
        "polygon",
        {"points": _build_line(3), "holes": {"type": "array", "items": _build_line(3)}},
    ),
    Shape.POLYLINE: ("polyline", {"points": _build_line(2)}),
    Shape.POINT: ("point", {"x": _NUMBER, "y": _NUMBER}),
    Shape.KEYPOINTS: ("keypoints", {"keypoints": {"type": "array", "items": _KEYPOINT}}),
    Shape.MASK: ("mask", {"counts": {"type": "array", "items": _COUNT}}),
}
_OPTIONAL = frozenset({"holes", "text", "relations", "duration", "rotation", "degree"})
"""What may be left out because it has a default."""


def answer_schema(template: Template) -> Schema:
    """Return the JSON Schema (draft 2020-12) of answers to *template*, for `replies_from_json`.

    It says all that the format of a schema can say; what needs the data, such as the size of an
    image or the length of a text, is checked when an answer is saved.

    >>> from itagflow.templates import image_classification
    >>> answer_schema(image_classification(["cat", "dog"]))["properties"]["1"]["properties"]["key"]
    {'enum': ['cat', 'dog']}
    """
    questions = template.asked
    schema: Schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {question.id: _build_reply(question) for question in questions},
        "required": [question.id for question in template.questions if question.required],
        "additionalProperties": False,
    }
    rules = [
        _build_dependence(question.id, child.id, child, _build_reply_condition(question, child))
        for question in questions
        for child in question.dependents
    ]
    # left out when empty: draft 2020-12 refuses an empty "allOf"
    if rules:
        schema["allOf"] = rules
    return schema


def replies_to_json(replies: Replies) -> dict[str, Any]:
    """Return replies as plain JSON types, by question id.

    >>> from itagflow import Choice
    >>> replies_to_json({"1": Choice("cat")})
    {'1': {'key': 'cat', 'kind': 'choice'}}
    """
    return {id: codec.encoder(Reply)(reply) for id, reply in replies.items()}


def replies_from_json(value: object) -> Replies:
    """Return replies that came as JSON; saving checks whether they fit a template.

    Raises:
        InvalidData: when they are not replies; it lists every problem with its path.

    >>> replies_from_json({"1": {"kind": "choice", "key": "cat"}})
    {'1': Choice('cat')}
    """
    if not isinstance(value, Mapping):
        raise InvalidData("the answer", [Problem("", "must be an object: replies by question id")])
    replies, problems = dict[str, Reply](), list[Problem]()
    decode = codec.decoder(Reply)
    for id, reply in cast("Mapping[str, Any]", value).items():
        try:
            replies[str(id)] = decode(reply)
        # cattrs collects all problems of a reply, with the path of each
        except BaseValidationError as error:
            problems += [
                _parse_problem(str(id), message) for message in transform_error(error, path=str(id))
            ]
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            problems.append(Problem(str(id), f"is not a reply that is known: {error}"))
    if problems:
        raise InvalidData("the answer", problems)
    return replies


def _parse_problem(id: str, message: str) -> Problem:
    reason, _, where = message.rpartition(" @ ")
    # cattrs ends a message with " @ " and the path
    if not reason:
        return Problem(id, message)
    return Problem(where, reason)


def _build_object(kind: str, properties: Schema, also_required: tuple[str, ...] = ()) -> Schema:
    required = ["kind", *(name for name in properties if name not in _OPTIONAL), *also_required]
    return {**_close_object({"kind": {"const": kind}, **properties}), "required": required}


def _close_object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _build_reply(question: Question) -> Schema:
    match question.kind:
        case QuestionKind.RADIO:
            return _build_object("choice", {"key": _build_value(question)})
        case QuestionKind.CHECKBOX:
            return _build_object("choices", {"keys": _build_value(question)})
        case QuestionKind.PICTURE:
            return _build_regions(question)
        case QuestionKind.SLOT:
            return _build_spans(question)
        case QuestionKind.VIDEO:
            return _build_segments(question)
        case _:
            return _build_comparison(question)


def _build_comparison(question: Question) -> Schema:
    keys = _collect_keys(question)
    match question.kind:
        case QuestionKind.RANKING:
            items: Schema = {"type": "array", "items": {"enum": keys}, "uniqueItems": True}
            return _build_object(
                "ranking", {"keys": {**items, "minItems": len(keys), "maxItems": len(keys)}}
            )
        case QuestionKind.RATING:
            scale = question.scale or Scale()
            return _build_object(
                "rating", {"value": {**_NUMBER, "minimum": scale.low, "maximum": scale.high}}
            )
        case QuestionKind.PREFERENCE:
            max_degree: float = 1
            if question.scale:
                max_degree = question.scale.high
            degree = {"type": "integer", "minimum": 1, "maximum": max_degree}
            return _build_object(
                "preference", {"better": {"enum": [*keys, None]}, "degree": degree}
            )
        case _:
            return _build_object("text", {"text": _build_value(question)})


def _collect_keys(question: Question) -> list[str]:
    return [option.key for top in question.options for option in top.every]


def _build_value(question: Question) -> Schema:
    """Return the schema of a key, of keys, or of a text."""
    if question.kind in WRITING:
        text: Schema = {"type": "string"}
        if question.rule:
            # a pattern of JSON Schema is searched for anywhere: a rule has to match the whole text
            text["pattern"] = f"^(?:{question.rule})$"
        if question.required:
            text["minLength"] = 1
        return text
    if question.kind is QuestionKind.RADIO:
        return {"enum": _collect_keys(question)}
    min_items: Schema = {}
    if question.required:
        min_items["minItems"] = 1
    return {
        "type": "array",
        "items": {"enum": _collect_keys(question)},
        "uniqueItems": True,
        **min_items,
    }


def _build_regions(question: Question) -> Schema:
    shapes = [_SHAPES[shape] for shape in question.shapes or Shape]
    region = {"oneOf": [_build_annotation(question.children, own, kind) for kind, own in shapes]}
    size = {"type": "integer", "minimum": 1}
    turned = {"enum": [0, 90, 180, 270]}
    many = {"type": "array", "items": region}
    return _build_object(
        "regions", {"regions": many, "width": size, "height": size, "rotation": turned}
    )


def _build_spans(question: Question) -> Schema:
    own = {"start": _COUNT, "end": {"type": "integer", "minimum": 1}, "text": {"type": "string"}}
    spans = {"type": "array", "items": _build_annotation(question.children, own)}
    if not question.relations:
        return _build_object("spans", {"spans": spans})
    relation = _build_annotation(question.relations, {"source": _COUNT, "target": _COUNT})
    return _build_object(
        "spans", {"spans": spans, "relations": {"type": "array", "items": relation}}
    )


def _build_segments(question: Question) -> Schema:
    segment = _build_annotation(
        question.children, {"start": {**_NUMBER, "minimum": 0}, "end": _LENGTH}
    )
    duration = {**_NUMBER, "minimum": 0}
    return _build_object(
        "segments", {"segments": {"type": "array", "items": segment}, "duration": duration}
    )


def _build_annotation(children: tuple[Question, ...], own: Schema, kind: str = "") -> Schema:
    questions = [child for top in children for child in top.every]
    required = [child.title for child in children if child.required]
    labels = {
        **_close_object({child.title: _build_value(child) for child in questions}),
        "required": required,
    }
    rules = [
        _build_dependence(parent.title, child.title, child, _build_value_condition(parent, child))
        for parent in questions
        for child in parent.dependents
    ]
    if rules:
        labels["allOf"] = rules
    drawing = {"id": {"type": "string"}, "color": {"type": "string"}}
    tag: Schema = {}
    if kind:
        tag["kind"] = {"const": kind}
    needed = [*tag, *(name for name in own if name not in _OPTIONAL)]
    if required:
        needed.append("labels")
    return {**_close_object({**tag, **own, "labels": labels, **drawing}), "required": needed}


def _build_reply_condition(parent: Question, child: Question) -> Schema:
    """Return when *child* is asked, as a schema of the reply to *parent*."""
    return {
        "properties": {
            "key" if parent.kind is QuestionKind.RADIO else "keys": _build_value_condition(
                parent, child
            )
        }
    }


def _build_value_condition(parent: Question, child: Question) -> Schema:
    """Return when *child* is asked, as a schema of the value of *parent*."""
    allowed = {"enum": list(child.when) or _collect_keys(parent)}
    if parent.kind is QuestionKind.RADIO:
        return allowed
    return {"contains": allowed}


def _build_dependence(parent: str, child: str, question: Question, when: Schema) -> Schema:
    rule: Schema = {
        "if": {"properties": {parent: when}, "required": [parent]},
        "else": {"not": {"required": [child]}},
    }
    if question.required:
        rule["then"] = {"required": [child]}
    return rule
