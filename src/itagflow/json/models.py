"""Values as types of pydantic, which FastAPI asks: pydantic is imported only for them.

pydantic asks a class for a core schema; the JSON Schema hangs on that.  Each class has a reference
of its own, so that an OpenAPI document describes it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, get_args

from itagflow.json import kinds
from itagflow.json.schemas import Schema, SchemaBuilder

Write = Callable[[Any], Any]
Read = Callable[[Any, Any], Any]


def build_core_schema(hint: Any, write: Write, read: Read) -> Any:
    """Return what pydantic knows of values of a type.

    Args:
        hint: A kind of value, or another type with kinds in it, such as ``list[Job]``.
        write: Makes JSON of such a value.
        read: Makes a value of a kind of JSON.
    """
    core = _import_core()
    return core.no_info_plain_validator_function(
        partial(_check, hint, read),
        serialization=core.plain_serializer_function_ser_schema(write),
        metadata=_describe_by(lambda handler: _make_builder(handler).build(hint)),
    )


def build_class_schema(kind: type[Any], write: Write, read: Read) -> Any:
    """Return the same for a class of values, which others may refer to."""
    core = _import_core()
    return core.no_info_plain_validator_function(
        partial(_check, kind, read),
        ref=_name_reference(kind),
        serialization=core.plain_serializer_function_ser_schema(write),
        metadata=_describe_by(lambda handler: _make_builder(handler, kind).define(kind)),
    )


def _import_core() -> Any:
    return import_module("pydantic_core").core_schema


def _name_reference(kind: type[Any]) -> str:
    return f"itagflow.{kind.__name__}"


def _describe_by(describe: Callable[[Any], Schema]) -> Mapping[str, Any]:
    def describe_within(_: object, handler: Any) -> Schema:
        return describe(handler)

    return {"pydantic_js_functions": [describe_within]}


def _make_builder(handler: Any, described: type[Any] | None = None) -> SchemaBuilder:
    """Return what builds a schema within a document of pydantic; *described* is being defined."""
    core = _import_core()

    def refer(kind: type[Any]) -> Schema:
        reference: Schema
        if kind is described:
            reference = handler(core.definition_reference_schema(_name_reference(kind)))
            return reference
        schema = build_class_schema(kind, _refuse, _refuse)
        # the schema of a list is asked for, since only that defines what it refers to
        reference = handler(core.list_schema(schema))["items"]
        return reference

    return SchemaBuilder(refer)


def _refuse(*_: object) -> Any:
    raise TypeError("this schema is only there to be described")


def _check(hint: Any, read: Read, value: Any) -> Any:
    """Return a value of a type, which may have come as JSON.

    Raises:
        ValueError: when it is none: pydantic collects that.
    """
    is_known = any(hint is kind or hint == kind for kind in kinds.KINDS.values())
    if not is_known:  # several, or one of several: as the application returns it
        return value
    classes = tuple(kind for kind in (hint, *get_args(hint)) if isinstance(kind, type))
    if isinstance(value, classes):
        return value
    return read(hint, value)
