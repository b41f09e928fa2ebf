"""Members of an enum, which callers may also give by value: ``"label"`` for ``Stage.LABEL``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, cast

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several
from itagflow.printing import format_repr

M = TypeVar("M", bound=Enum)
V = TypeVar("V")


class IdentityHash:
    """An enum whose members are hashed by what they are, in C.

    `Enum` hashes the name of a member in Python, at each look into a dict with members as keys: of
    a result that is written to a file, this was a tenth of the time.
    """

    __slots__ = ()
    __hash__ = object.__hash__


def parse_enum(kind: type[M], value: M | str) -> M:
    """Return the member of *kind* that *value* is, or whose value it is.

    Raises:
        InvalidData: when there is none; it lists those that there are.

    >>> from itagflow import Stage
    >>> parse_enum(Stage, "label") is parse_enum(Stage, Stage.LABEL) is Stage.LABEL
    True
    """
    if isinstance(value, kind):
        return value
    # not `kind(value)`, which would take more: what equals a value, such as 1.0 for 1; and no enum
    # of another program, even one of texts: that it spells a value alike is chance
    is_text = isinstance(value, str) and not isinstance(cast(object, value), Enum)
    matches = [member for member in kind if is_text and member.value == value]
    if not matches:
        known = ", ".join(format_repr(member.value) for member in kind)
        reason = f"there is no {kind.__name__} {format_repr(value)}; there are {known}"
        raise InvalidData(kind.__name__, [Problem("", reason)])
    return matches[0]


def parse_optional_enum(kind: type[M], value: M | str | None) -> M | None:
    """Return the same, or None for None."""
    if value is None:
        return None
    return parse_enum(kind, value)


def parse_enums(kind: type[M], what: str, values: object) -> tuple[M, ...]:
    """Return the member that each of *values* is, or whose value it is.

    Raises:
        InvalidData: when there is none for one of them, or *values* is a single text.
    """
    # a text is iterable too: "label" would become five stages
    if not is_several(values):
        reason = f"must be several of {kind.__name__}, not {format_repr(values)}"
        raise InvalidData(what, [Problem("", reason)])
    return tuple(parse_enum(kind, value) for value in cast("Any", values))


def parse_enum_keys(kind: type[M], what: str, values: Mapping[Any, V]) -> dict[M, V]:
    """Return *values* with the members of *kind* as its keys.

    Raises:
        InvalidData: when a key is no member and no value of one, when two are the same, or *values*
            is no mapping.
    """
    if not isinstance(cast(object, values), Mapping):
        reason = f"must be a mapping by {kind.__name__}, not {format_repr(values)}"
        raise InvalidData(what, [Problem("", reason)])
    by_member: dict[M, V] = {}
    for key, value in values.items():
        member = parse_enum(kind, key)
        if member in by_member:
            raise InvalidData(what, [Problem(str(member.value), "is given twice")])
        by_member[member] = value
    return by_member
