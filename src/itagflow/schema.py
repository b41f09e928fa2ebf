"""Answers as JSON, for screens: a template as JSON Schema, and replies to JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error, require_kind, require_mapping
from itagflow.model.number import MOST
from itagflow.model.pattern import compile_pattern
from itagflow.model.region import MAX_SIDE
from itagflow.model.reply import Replies, Reply, Tie
from itagflow.model.template import (
    WRITING,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
)
from itagflow.model.text import require_text
from itagflow.model.validators import MAX_FLOAT
from itagflow.storage import codec
from itagflow.validation.geometry import MIN_SIZE
from itagflow.validation.parsing import parse_reply
from itagflow.validation.values import MAX_TEXT

Schema = dict[str, Any]

MAX_LISTED_STEPS = 1_000
"""How many numbers of a scale the schema lists; of a finer scale it tells the ends."""

# JSON can write numbers that no float holds
_NUMBER: Schema = {"type": "number", "minimum": -MAX_FLOAT, "maximum": MAX_FLOAT}
_PLACE: Schema = {"type": "array", "prefixItems": [_NUMBER, _NUMBER], "minItems": 2, "maxItems": 2}
# not every database keeps NUL, and half of a surrogate pair cannot be written as UTF-8
_TEXT: Schema = {"type": "string", "not": {"pattern": "[\\u0000\\ud800-\\udfff]"}}
_NULL: Schema = {"type": "null"}


def _build_line(min_points: int) -> Schema:
    return {"type": "array", "items": _PLACE, "minItems": min_points}


_LENGTH: Schema = {**_NUMBER, "exclusiveMinimum": MIN_SIZE}
_SIDES: Schema = {"x": _NUMBER, "y": _NUMBER, "width": _LENGTH, "height": _LENGTH}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": MOST}
_SHAPES: Mapping[Shape, tuple[str, Schema]] = {
    Shape.BOX: ("box", _SIDES),
    Shape.ROTATED_BOX: ("rotatedbox", {**_SIDES, "angle": _NUMBER}),
    Shape.POLYGON: (
        "polygon",
        {"points": _build_line(3), "holes": {"type": "array", "items": _build_line(3)}},
    ),
    Shape.POLYLINE: ("polyline", {"points": _build_line(2)}),
    Shape.POINT: ("point", {"x": _NUMBER, "y": _NUMBER}),
    # the first run is outside of the mask: with one run nothing is inside
    Shape.MASK: ("mask", {"counts": {"type": "array", "items": _COUNT, "minItems": 2}}),
}
_OPTIONAL = frozenset({"holes", "text", "relations", "duration", "rotation", "degree", "tie"})
"""What may be left out because it has a default."""


def answer_schema(template: Template) -> Schema:
    """Return the JSON Schema (draft 2020-12) of answers to *template*, for `replies_from_json`.

    It accepts what `replies_from_json` and saving accept, as far as the format of a schema can say
    it.  What needs the data, such as the length of a text, or needs to calculate, such as whether a
    region has an area and lies on its image, is checked when an answer is saved.

    >>> from itagflow.templates import image_classification
    >>> answer_schema(image_classification(["cat", "dog"]))["properties"]["1"]["properties"]["key"]
    {'enum': ['cat', 'dog']}
    """
    require_kind("answer_schema", "template", template, Template, "a Template")
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

    Raises:
        InvalidData: when they are not replies.

    >>> from itagflow import Choice
    >>> replies_to_json({"1": Choice("cat")})
    {'1': {'key': 'cat', 'kind': 'choice'}}
    """
    verb = "replies_to_json"
    require_mapping(verb, "replies", replies, "from question ids to replies")
    for id, reply in replies.items():
        require_text(verb, "replies", id)
        if not isinstance(cast(object, reply), Reply):
            place = f"the reply to question {id!r}"
            raise make_error(verb, place, "must be a reply, such as a Choice", reply)
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
    replies: dict[str, Reply] = {}
    problems: list[Problem] = []
    for id, content in cast("Mapping[str, Any]", value).items():
        reply, found = parse_reply(str(id), content)
        problems += found
        if reply is not None:
            replies[str(id)] = reply
    if problems:
        raise InvalidData("the answer", problems)
    return replies


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
            return _build_object("rating", {"value": _build_scale(question.scale or Scale())})
        case QuestionKind.PREFERENCE:
            return _build_preference(question)
        case _:
            return _build_object("text", {"text": _build_value(question)}, ("text",))


def _build_scale(scale: Scale) -> Schema:
    ends: Schema = {"type": "number", "minimum": scale.low, "maximum": scale.high}
    if not scale.step or scale.high - scale.low > scale.step * MAX_LISTED_STEPS:
        return ends
    count = int((scale.high - scale.low) / scale.step + 1e-9)
    # rounded as people write them: 3 * 0.1 is 0.30000000000000004
    return {
        "type": "number",
        "enum": [round(scale.low + number * scale.step, 9) for number in range(count + 1)],
    }


def _build_preference(question: Question) -> Schema:
    max_degree: float = 1
    if question.scale:
        max_degree = question.scale.high
    degree = {"type": "integer", "minimum": 1, "maximum": max_degree}
    ties = [*(tie.value for tie in Tie), None]
    better = {"enum": [*_collect_keys(question), None]}
    schema = _build_object(
        "preference", {"better": better, "degree": degree, "tie": {"enum": ties}}
    )
    return {
        **schema,
        "if": {"properties": {"better": _NULL}},
        "then": {"properties": {"degree": {"const": 1}}},
        "else": {"properties": {"tie": _NULL}},
    }


def _collect_keys(question: Question) -> list[str]:
    return [option.key for top in question.options for option in top.every]


def _build_value(question: Question) -> Schema:
    """Return the schema of a key, of keys, or of a text."""
    if question.kind in WRITING:
        return _build_text(question)
    if question.kind is QuestionKind.RADIO:
        return {"enum": _collect_keys(question)}
    counts = _build_counts(question)
    # an empty list is no reply to a required question
    if question.required:
        counts["minItems"] = max(1, question.min_count)
    return {
        "type": "array",
        "items": {"enum": _collect_keys(question)},
        "uniqueItems": True,
        **counts,
    }


def _build_counts(question: Question) -> Schema:
    """Return how many parts or options there may be."""
    counts: Schema = {}
    if question.min_count:
        counts["minItems"] = question.min_count
    if question.max_count is not None:
        counts["maxItems"] = question.max_count
    return counts


def _build_text(question: Question) -> Schema:
    conditions: list[Schema] = []
    longest = MAX_TEXT
    if question.required:
        # a text of nothing but spaces is empty as well
        conditions.append({"pattern": "\\S"})
    if question.rule:
        longest = min(longest, compile_pattern(question.rule).max_length)
        # a pattern of JSON Schema is searched for anywhere: a rule has to match the whole text, to
        # its very end, where "$" would allow a line break to follow in some languages
        form: Schema = {"pattern": f"^(?:{question.rule})(?![\\s\\S])"}
        if not question.required:
            form = {"anyOf": [{"const": ""}, form]}
        conditions.append(form)
    text: Schema = {**_TEXT, "maxLength": longest}
    # left out when empty: draft 2020-12 refuses an empty "allOf"
    if conditions:
        text["allOf"] = conditions
    return text


def _build_regions(question: Question) -> Schema:
    shapes = {**_SHAPES, Shape.KEYPOINTS: ("keypoints", _build_keypoints(question))}
    allowed = [shapes[shape] for shape in dict.fromkeys(question.shapes or Shape)]
    region = {"oneOf": [_build_annotation(question.children, own, kind) for kind, own in allowed]}
    size = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE}
    turned = {"enum": [0, 90, 180, 270]}
    many = {"type": "array", "items": region, **_build_counts(question)}
    return _build_object(
        "regions", {"regions": many, "width": size, "height": size, "rotation": turned}
    )


def _build_keypoints(question: Question) -> Schema:
    absent: Schema = {"properties": {"visibility": {"const": 0}}, "required": ["visibility"]}
    name = _TEXT
    if question.keypoints:
        name = {"enum": list(question.keypoints)}
    own = {"name": name, "x": _NUMBER, "y": _NUMBER, "visibility": {"enum": [0, 1, 2]}}
    keypoint: Schema = {**_close_object(own), "required": ["name"]}
    # the coordinates of what is not on the image mean nothing
    keypoint["if"] = absent
    keypoint["then"] = {"properties": {"x": {"const": 0}, "y": {"const": 0}}}
    # one at least is on the image
    keypoints: Schema = {"type": "array", "items": keypoint, "contains": {"not": absent}}
    if question.keypoints:
        keypoints["allOf"] = [
            {
                "contains": {"properties": {"name": {"const": each}}, "required": ["name"]},
                "minContains": 0,
                "maxContains": 1,
            }
            for each in question.keypoints
        ]
    return {"keypoints": keypoints}


def _build_spans(question: Question) -> Schema:
    end = {"type": "integer", "minimum": 1, "maximum": MOST}
    span = _build_annotation(question.children, {"start": _COUNT, "end": end, "text": _TEXT})
    spans = {"type": "array", "items": span, **_build_counts(question)}
    relations: Schema = {"type": "array", "maxItems": 0}
    if question.relations:
        relation = _build_annotation(question.relations, {"source": _COUNT, "target": _COUNT})
        relations = {"type": "array", "items": relation}
    return _build_object("spans", {"spans": spans, "relations": relations})


def _build_segments(question: Question) -> Schema:
    start, end = {**_NUMBER, "minimum": 0}, {**_NUMBER, "exclusiveMinimum": 0}
    segment = _build_annotation(question.children, {"start": start, "end": end})
    segments = {"type": "array", "items": segment, **_build_counts(question)}
    return _build_object("segments", {"segments": segments, "duration": {**_NUMBER, "minimum": 0}})


def _build_annotation(children: tuple[Question, ...], own: Schema, kind: str = "") -> Schema:
    """Return the schema of a part; its answers are in `labels`, or the only one in `label`."""
    questions = [child for top in children for child in top.every]
    required = [child.title for child in children if child.required]
    optional_text: Schema = {"anyOf": [_TEXT, _NULL]}
    answers = {
        "labels": _close_object({child.title: _build_value(child) for child in questions}),
        "label": {"anyOf": [*_build_short_labels(children), _NULL]},
    }
    tag: Schema = {}
    if kind:
        tag["kind"] = {"const": kind}
    in_full: Schema = {"required": required}
    rules = [
        _build_dependence(parent.title, child.title, child, _build_value_condition(parent, child))
        for parent in questions
        for child in parent.dependents
    ]
    if rules:
        in_full["allOf"] = rules
    without_label: Schema = {"properties": {"labels": in_full}}
    if required:
        without_label["required"] = ["labels"]
    drawing = {"id": optional_text, "color": optional_text}
    return {
        **_close_object({**tag, **own, **answers, **drawing}),
        "required": [*tag, *(name for name in own if name not in _OPTIONAL)],
        "if": {"properties": {"label": {"type": "string"}}, "required": ["label"]},
        "then": {"properties": {"labels": {"maxProperties": 0}}},
        "else": without_label,
    }


def _build_short_labels(children: tuple[Question, ...]) -> list[Schema]:
    """Return what the short label of a part may be, which answers the one question about it."""
    if len(children) != 1:
        return []
    child = children[0]
    if child.kind in WRITING:
        return [_build_text(child)]
    # a key that leads to a required question leaves that one without a reply
    leading = [
        set(dependent.when) or child.keys for dependent in child.dependents if dependent.required
    ]
    keys = [key for key in _collect_keys(child) if not any(key in each for each in leading)]
    if child.min_count > 1 or not keys:
        return []
    return [{"enum": keys}]


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
