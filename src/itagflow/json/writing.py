"""Values to plain JSON types."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, cast, get_args, get_origin

import attrs

from itagflow.errors import InvalidData, ItagflowError, Problem
from itagflow.json import fields
from itagflow.json.fields import JsonField, list_fields
from itagflow.json.kinds import PARTS_OF_REPLIES, tag
from itagflow.json.problems import describe_error
from itagflow.model.job import Route
from itagflow.model.package import Package
from itagflow.model.workspace import Member
from itagflow.printing import format_repr

SAFE = 2**53 - 1
"""The largest integer that JavaScript tells from its neighbors."""


@attrs.define
class Writer:
    """Writes values, and remembers the members in them."""

    people: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """The JSON of each member key that was written: `add_accounts` completes it."""

    def write(self, value: Any, hint: Any = Any) -> Any:
        """Return the JSON of *value*, declared as *hint*.

        Raises:
            InvalidData: when it has none.
        """
        by_hint = _BY_HINT.get(_without_none(hint))
        if by_hint is not None and value is not None:
            return by_hint(self, value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return self.write(value.value)
        if isinstance(value, str):
            return str(value)
        if isinstance(value, int | float):
            return _write_number(value, is_rounded=_without_none(hint) is float)
        return self._write_large(value, hint)

    def _write_large(self, value: Any, hint: Any) -> Any:
        if isinstance(value, datetime):
            return write_time(value)
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, range):
            return {"first": value.start, "last": value.stop - 1}
        if isinstance(value, ItagflowError):
            return self.write(describe_error(value))
        kind = cast(Any, type(value))
        if attrs.has(kind):
            return self._write_attrs(value, kind)
        if issubclass(kind, Mapping):
            return self._write_mapping(value, hint)
        is_binary = issubclass(kind, bytes | bytearray | memoryview)
        if issubclass(kind, Sequence | AbstractSet | Iterator) and not is_binary:
            return self._write_several(value, hint)
        reason = f"there is no JSON for {format_repr(value)}"
        raise InvalidData("to_json", [Problem("value", reason)])

    def _write_attrs(self, value: Any, kind: Any) -> dict[str, Any]:
        written: dict[str, Any] = {}
        kind_tag = tag(kind)
        if kind_tag:
            written["kind"] = kind_tag
        is_part = kind in PARTS_OF_REPLIES
        for field in list_fields(kind):
            # an answer may hold thousands of parts, most of whose fields say nothing
            if not (is_part and _has_default(value, field)):
                written[field.name] = self._write_field(value, field)
        return written

    def _write_field(self, value: Any, field: JsonField) -> Any:
        content = getattr(value, field.name)
        if field.is_zero_nothing and content == 0:
            return None
        return self.write(content, field.hint)

    def _write_mapping(self, value: Any, hint: Any) -> Any:
        key_hint, value_hint = find_mapping(hint)
        if is_name(key_hint) or (
            key_hint is Any and all(isinstance(key, str | Enum) for key in value)
        ):
            return {
                str(self.write(key)): self.write(content, value_hint)
                for key, content in value.items()
            }
        return [
            {"key": self.write(key, key_hint), "value": self.write(content, value_hint)}
            for key, content in value.items()
        ]

    def _write_several(self, values: Any, hint: Any) -> list[Any]:
        inner = find_inner(hint)
        return [self.write(each, inner) for each in values]

    def write_member(self, key: int) -> dict[str, Any]:
        """Return the JSON of the key of a member; the account follows."""
        person = {"id": str(key), "account": None}
        self.people.append(person)
        return person


def write_time(at: datetime) -> str:
    """Return a time in UTC as RFC 3339 has it.

    >>> write_time(datetime(2026, 11, 28, 9, 30, tzinfo=UTC))
    '2026-11-28T09:30:00Z'
    """
    if at.utcoffset() is None:
        return f"{at.isoformat()}Z"
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def _has_default(value: Any, field: JsonField) -> bool:
    default = field.default
    if hasattr(default, "factory"):
        default = default.factory(value) if default.takes_self else default.factory()
    return not field.is_required and bool(getattr(value, field.name) == default)


def _write_number(number: float, *, is_rounded: bool) -> Any:
    if isinstance(number, int):
        # what is declared as a float is one for every reader, and may be rounded
        is_safe = is_rounded or -SAFE <= number <= SAFE
        return int(number) if is_safe else str(int(number))
    if not math.isfinite(number):  # JSON has no infinity
        return None
    return float(number)


def _write_key(_: Writer, key: Any) -> str:
    return str(int(key))


def _write_name(writer: Writer, member: Member | int | str) -> Any:
    if isinstance(member, str):
        return str(member)
    return writer.write_member(member.id if isinstance(member, Member) else member)


def _write_route(writer: Writer, route: Route | int | str) -> Any:
    if isinstance(route, Route):
        return route.value
    return _write_name(writer, route)


def _write_package(writer: Writer, package: Package | int) -> Any:
    return writer.write(package.number if isinstance(package, Package) else package)


def _write_replies(writer: Writer, replies: Any) -> Any:
    return writer.write(replies)


_BY_HINT: Mapping[Any, Any] = {
    fields.KeyText: _write_key,
    fields.MemberKey: Writer.write_member,
    fields.MemberName: _write_name,
    fields.RouteOrMember: _write_route,
    fields.PackageNumber: _write_package,
    fields.OneOrMoreReplies: _write_replies,
}
"""How what only a field's declaration tells is written."""


def _without_none(hint: Any) -> Any:
    """Return *hint* without None in its union, if one type is left."""
    others = [each for each in get_args(hint) if each is not type(None)]
    if len(others) == 1 and get_origin(hint) not in (tuple, list):
        return others[0]
    return hint


def find_mapping(hint: Any) -> tuple[Any, Any]:
    """Return what a mapping has as keys and values; also of one in a union.

    >>> find_mapping(Mapping[str, int] | None)
    (<class 'str'>, <class 'int'>)
    """
    for each in (hint, *get_args(hint)):
        if get_origin(each) in (Mapping, dict):
            return cast("tuple[Any, Any]", get_args(each))
    return Any, Any


def find_inner(hint: Any) -> Any:
    """Return what several values are; also of those in a union."""
    for each in (hint, *get_args(hint)):
        if get_origin(each) in (tuple, list, Sequence):
            return get_args(each)[0]
    return Any


def is_name(hint: Any) -> bool:
    """Return whether keys of this type are names, so that a mapping is an object in JSON."""
    if get_args(hint):
        return all(map(is_name, get_args(hint)))
    return isinstance(hint, type) and issubclass(hint, str | Enum)
