"""JSON Schemas (draft 2020-12) of values: what is written fits them, and what is read has to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin

import attrs

from itagflow.errors import ItagflowError
from itagflow.json import fields
from itagflow.json.fields import JsonField, list_fields
from itagflow.json.kinds import INPUTS, KINDS, PARTS_OF_REPLIES, tag
from itagflow.json.writing import find_mapping, is_name
from itagflow.model.reply import Replies, Reply

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Schema = {"type": "string"}
_KEY: Schema = {"type": "string", "pattern": "^-?[0-9]+$"}
_NULL: Schema = {"type": "null"}
_INTEGER: Schema = {"type": "integer"}
# beyond 2**53 as a text, which a pattern says without forbidding numbers
_ANY_INTEGER: Schema = {"type": ["integer", "string"], "pattern": "^-?[0-9]{16,}$"}
_MEMBER: Schema = {
    "type": "object",
    "properties": {"id": _KEY, "account": {"type": ["string", "null"]}},
    "required": ["id"],
    "additionalProperties": False,
}
_SPECIAL: Mapping[Any, Schema] = {
    Any: {},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    str: _TEXT,
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "number", "exclusiveMinimum": 0, "description": "Seconds."},
    range: {
        "type": "object",
        "properties": {"first": _INTEGER, "last": _INTEGER},
        "required": ["first", "last"],
        "additionalProperties": False,
    },
    fields.KeyText: _KEY,
    fields.MemberKey: _MEMBER,
    fields.MemberName: {"anyOf": [_TEXT, _MEMBER]},
    # the words of a route are texts, as accounts are
    fields.RouteOrMember: {"anyOf": [_TEXT, _MEMBER]},
    fields.PackageNumber: _ANY_INTEGER,
}
_PROBLEM_DETAILS: Schema = {
    "title": "Problem details (RFC 9457)",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
    },
    "required": ["type", "title", "status", "detail"],
}


@attrs.define
class SchemaBuilder:
    """Builds schemas; what refers to the class of another value is made by `refer`."""

    refer: Callable[[Any], Schema]
    """Returns a reference to the schema of a class."""

    def define(self, kind: Any) -> Schema:
        """Return the schema of a class, with references to those that it mentions."""
        if issubclass(kind, ItagflowError):
            return _PROBLEM_DETAILS
        is_input = kind in INPUTS.values() or kind in PARTS_OF_REPLIES
        described = list_fields(kind)
        properties: Schema = {}
        kind_tag = tag(kind)
        if kind_tag:
            properties["kind"] = {"const": kind_tag}
        for field in described:
            properties[field.name] = self._build_field(field, is_input=is_input)
        required = [field.name for field in described if field.is_required or not is_input]
        return {
            "title": kind.__name__,
            "description": (kind.__doc__ or "").partition("\n")[0],
            "type": "object",
            "properties": properties,
            "required": [*(["kind"] if kind_tag else []), *required],
            "additionalProperties": False,
        }

    def _build_field(self, field: JsonField, *, is_input: bool) -> Schema:
        # the library's own counts stay small; numbers that users choose need not
        return self.build(field.hint, is_input or field.name == "priority")

    def build(self, hint: Any, is_large: bool = True) -> Schema:
        """Return the schema of what is declared as *hint*; *is_large*: integers may be."""
        if hint in _SPECIAL:
            return _SPECIAL[hint]
        if hint is int:
            return _ANY_INTEGER if is_large else _INTEGER
        if hint in (object, None, type(None)):
            return {} if hint is object else _NULL
        if hint == fields.OneOrMoreReplies:
            return _join_schemas([self.build(Reply), self.build(Replies)])
        if get_origin(hint) is None and isinstance(hint, type):
            return self._build_class(hint)
        return self._build_generic(hint, is_large)

    def _build_class(self, hint: type[Any]) -> Schema:
        if issubclass(hint, Enum):
            return {"enum": [member.value for member in hint]}
        return self.refer(hint)

    def _build_generic(self, hint: Any, is_large: bool) -> Schema:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return _join_schemas([self.build(each, is_large) for each in arguments])
        if origin in (Mapping, dict):
            return self._build_mapping(hint, is_large)
        if len(arguments) == 2 and arguments[1] is not Ellipsis:
            pair = [self.build(each, is_large) for each in arguments]
            return {"type": "array", "prefixItems": pair, "minItems": 2, "maxItems": 2}
        return {"type": "array", "items": self.build(arguments[0], is_large)}

    def _build_mapping(self, hint: Any, is_large: bool) -> Schema:
        keys, values = find_mapping(hint)
        content = self.build(values, is_large)
        by_name: Schema = {"type": "object", "additionalProperties": content}
        pair: Schema = {
            "type": "object",
            "properties": {"key": self.build(keys, is_large), "value": content},
            "required": ["key", "value"],
            "additionalProperties": False,
        }
        pairs: Schema = {"type": "array", "items": pair}
        if keys is Any:
            return _join_schemas([by_name, pairs])
        return by_name if is_name(keys) else pairs


def _name(kind: Any) -> str:
    return next((name for name, known in KINDS.items() if known is kind), kind.__name__)


def _join_schemas(schemas: list[Schema]) -> Schema:
    """Return a schema for any of several, each of them named once."""
    different: list[Schema] = []
    for schema in schemas:
        if schema not in different:
            different.append(schema)
    return different[0] if len(different) == 1 else {"anyOf": different}


def build_document(kind: Any) -> Schema:
    """Return the schema of a kind of value, with all that it mentions."""
    definitions: dict[str, Schema] = {}

    def refer(mentioned: Any) -> Schema:
        name = _name(mentioned)
        if name not in definitions:
            definitions[name] = {}  # one that mentions itself finds it
            definitions[name] = builder.define(mentioned)
        return {"$ref": f"#/$defs/{name}"}

    builder = SchemaBuilder(refer)
    document: Schema = {"$schema": DIALECT, **builder.build(kind)}
    if definitions:
        document["$defs"] = definitions
    return document
