"""Plain JSON types to values: every problem is found, at its place in the document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.json import fields
from itagflow.json.fields import list_fields
from itagflow.json.kinds import PARTS_OF_REPLIES, tag
from itagflow.json.writing import find_inner, find_mapping
from itagflow.model.job import Route, Workflow
from itagflow.model.reply import Replies, Reply
from itagflow.model.validators import show_value
from itagflow.validation.parsing import Kinds, join, parse_object, parse_whole

M = TypeVar("M", bound=Enum)

_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
"""A time of RFC 3339; `datetime.fromisoformat` takes other texts, too."""
_DIGITS = re.compile(r"-?[0-9]{1,30}", re.ASCII)


class _Missing(Enum):
    """What a reader returns where there is no value: the problem is noted."""

    MISSING = "missing"


MISSING = _Missing.MISSING


@attrs.define
class Reader:
    """Reads values, and collects everything that is wrong."""

    problems: list[Problem] = attrs.field(factory=list[Problem])

    def refuse(self, place: str, reason: str) -> Any:
        """Note a problem."""
        self.problems.append(Problem(place, reason))
        return MISSING

    def read(self, value: Any, hint: Any, place: str) -> Any:
        """Return the value declared as *hint* that JSON *value* is, or `MISSING`."""
        special = _BY_HINT.get(hint)
        if special is not None:
            return special(self, value, place)
        origin = get_origin(hint)
        if origin in (Union, UnionType):
            return self._read_union(value, get_args(hint), place)
        if origin is tuple:
            return self._read_several(value, hint, place)
        if origin in (Mapping, dict):
            return self._read_mapping(value, hint, place)
        if issubclass(hint, Enum):
            return self._read_enum(value, hint, place)
        if hint in PARTS_OF_REPLIES:
            return self._read_part(value, hint, place)
        if attrs.has(hint):
            return self._read_object(value, hint, place)
        return self._read_plain(value, hint, place)

    def _read_union(self, value: Any, choices: tuple[Any, ...], place: str) -> Any:
        if value is None and type(None) in choices:
            return None
        others = [each for each in choices if each is not type(None)]
        if all(map(tag, others)):  # one of those that say their kind
            return self._read_tagged(value, others, place)
        fitting = [each for each in others if _may_be(value, each)]
        if len(others) == 1 or fitting:
            return self.read(value, (fitting or others)[0], place)
        wanted = " or ".join(_NOUNS.get(_find_form(each), "another value") for each in others)
        return self.refuse(place, f"must be {wanted}, not {show_value(value)}")

    def _read_tagged(self, value: Any, choices: list[Any], place: str) -> Any:
        kinds = {cast(str, tag(kind)): kind for kind in choices}
        if set(choices) <= set(PARTS_OF_REPLIES):
            return self._read_part(value, kinds, place)
        if not isinstance(value, Mapping):
            return self.refuse(place, f"must be an object, not {show_value(value)}")
        content = cast("Mapping[str, Any]", value)
        name, known = content.get("kind", MISSING), ", ".join(kinds)
        if name is MISSING:
            return self.refuse(join(place, "kind"), f"is missing; it is one of {known}")
        if not isinstance(name, str) or name not in kinds:
            reason = f"must be one of {known}, not {show_value(name)}"
            return self.refuse(join(place, "kind"), reason)
        return self._read_object(content, kinds[name], place)

    def _read_part(self, value: Any, kind: type[Any] | Kinds, place: str) -> Any:
        kind_tag = tag(kind) if isinstance(kind, type) else None
        given: type[Any] | Kinds = {kind_tag: cast("type[Any]", kind)} if kind_tag else kind
        part = parse_object(place, value, given, self.problems)
        return MISSING if part is None else part

    def _read_several(self, value: Any, hint: Any, place: str) -> Any:
        if not is_list(value):
            return self.refuse(place, f"must be a list, not {show_value(value)}")
        inner = find_inner(hint)
        read = [self.read(each, inner, f"{place}[{at}]") for at, each in enumerate(value)]
        return MISSING if _is_missing(read) else tuple(read)

    def _read_mapping(self, value: Any, hint: Any, place: str) -> Any:
        if not isinstance(value, Mapping):
            return self.refuse(place, f"must be an object, not {show_value(value)}")
        _, inner = find_mapping(hint)
        content = cast("Mapping[str, Any]", value)
        read = {
            str(name): self.read(each, inner, join(place, str(name)))
            for name, each in content.items()
        }
        return MISSING if _is_missing(read.values()) else read

    def _read_enum(self, value: Any, kind: type[M], place: str) -> Any:
        matches = [member for member in kind if type(value) is str and member.value == value]
        if matches:
            return matches[0]
        known = ", ".join(str(member.value) for member in kind)
        return self.refuse(place, f"must be one of {known}, not {show_value(value)}")

    def _read_object(self, value: Any, kind: Any, place: str) -> Any:
        if not isinstance(value, Mapping):
            return self.refuse(place, f"must be an object, not {show_value(value)}")
        given = cast("Mapping[str, Any]", value)
        found = len(self.problems)
        content = self._read_fields(given, kind, place)
        if len(self.problems) > found:
            return MISSING
        try:
            return _make(kind, content)
        except InvalidData as error:
            for each in error.problems:
                self.refuse(join(place, each.where), each.reason)
            return MISSING

    def _read_fields(self, given: Mapping[str, Any], kind: Any, place: str) -> dict[str, Any]:
        described = {field.name: field for field in list_fields(kind) if not field.is_computed}
        known = {*described, *(["kind"] if tag(kind) else [])}
        for name in given:
            if name not in known:
                reason = f"is not known here; known are {', '.join(sorted(known))}"
                self.refuse(join(place, str(name)), reason)
        if "kind" in known - set(described) and given.get("kind", tag(kind)) != tag(kind):
            self.refuse(join(place, "kind"), f"must be {tag(kind)}")
        content: dict[str, Any] = {}
        for name, field in described.items():
            if name not in given:
                if field.is_required:
                    self.refuse(join(place, name), "is missing")
                continue
            read = self.read(given[name], field.hint, join(place, name))
            content[name] = 0 if read is None and field.is_zero_nothing else read
        return content

    def _read_plain(self, value: Any, kind: type[Any], place: str) -> Any:
        if kind is int:
            value = parse_whole(value)
        is_flag = isinstance(value, bool)
        if is_flag is (kind is bool) and isinstance(value, _PLAIN[kind]):
            return value
        return self.refuse(place, f"must be {_NOUNS[kind]}, not {show_value(value)}")


def _is_missing(values: Iterable[Any]) -> bool:
    """Return whether one of the values could not be read."""
    # not `in`, which would compare them, and not everything likes to be compared
    return any(value is MISSING for value in values)


def is_list(value: object) -> bool:
    """Return whether a value is a list in JSON."""
    return isinstance(value, list | tuple)


def _make(kind: type[Any], content: Mapping[str, Any]) -> Any:
    if kind is Workflow:  # its rules have no names
        return Workflow(*(rule for rule in content.values() if rule is not None))
    return kind(**content)


_PLAIN: Mapping[type[Any], Any] = {int: int, float: int | float, str: str, bool: bool}
_NOUNS: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def _find_form(hint: Any) -> Any:
    """Return which form of JSON a type has."""
    origin = get_origin(hint)
    if origin is tuple:
        return list
    if origin in (Mapping, dict) or attrs.has(hint):
        return dict
    if issubclass(hint, Enum):
        return str
    return hint


def _may_be(value: Any, hint: Any) -> bool:
    """Return whether *value* has the form in which a type is in JSON."""
    form = _find_form(hint)
    if form is list:
        return is_list(value)
    if form is dict:
        return isinstance(value, Mapping)
    return isinstance(value, _PLAIN.get(form, ()))


def _read_time(reader: Reader, value: Any, place: str) -> Any:
    wanted = "must be a time such as 2026-11-28T09:30:00Z"
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return reader.refuse(place, f"{wanted}, not {show_value(value)}")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # February 30, or the year 0
        return reader.refuse(place, f"{wanted}, not {show_value(value)}")


def _read_duration(reader: Reader, value: Any, place: str) -> Any:
    reason = f"must be a number of seconds, not {show_value(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return reader.refuse(place, reason)
    try:
        return timedelta(seconds=value)
    except (OverflowError, ValueError):  # more than three million years, or NaN
        return reader.refuse(place, reason)


def _read_key(reader: Reader, value: Any, place: str) -> Any:
    key = parse_digits(value)
    if key is None:
        return reader.refuse(place, f"must be a key, a text of digits, not {show_value(value)}")
    return key


def parse_digits(value: object) -> int | None:
    """Return the integer that is given as such or as a text of digits, or None."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return None


def _read_member(reader: Reader, value: Any, place: str) -> Any:
    reason = f"must be an account, or an object with the id of a member, not {show_value(value)}"
    if isinstance(value, str):
        return value
    given = cast("Mapping[str, Any]", value if isinstance(value, Mapping) else {})
    if "id" in given:
        return _read_key(reader, given["id"], join(place, "id"))
    return reader.refuse(place, reason)


def _read_route(reader: Reader, value: Any, place: str) -> Any:
    if isinstance(value, str) and value in (Route.AUTHOR.value, Route.QUEUE.value):
        return Route(value)
    return _read_member(reader, value, place)


def _read_package(reader: Reader, value: Any, place: str) -> Any:
    return reader.read(value, int, place)


def _read_replies(reader: Reader, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        return reader.refuse(place, "must be an object: replies by question id")
    given = cast("Mapping[str, Any]", value)
    read = {str(id): reader.read(each, Reply, join(place, str(id))) for id, each in given.items()}
    return MISSING if _is_missing(read.values()) else read


def _read_one_or_more(reader: Reader, value: Any, place: str) -> Any:
    # a reply says its kind; with replies by question id, even one called so holds an object
    if not isinstance(value, Mapping):
        return _read_replies(reader, value, place)
    given = cast("Mapping[str, Any]", value)
    is_one = isinstance(given.get("kind"), str)
    return reader.read(given, Reply if is_one else Replies, place)


_BY_HINT: Mapping[Any, Callable[[Reader, Any, str], Any]] = {
    datetime: _read_time,
    timedelta: _read_duration,
    fields.KeyText: _read_key,
    fields.MemberKey: _read_member,
    fields.MemberName: _read_member,
    fields.RouteOrMember: _read_route,
    fields.PackageNumber: _read_package,
    fields.OneOrMoreReplies: _read_one_or_more,
    Replies: _read_replies,
}
"""How what is neither an object nor plain is read."""
