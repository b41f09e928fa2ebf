"""Columns: how one field, or property, of an entity is kept so that a query can name it, and read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any

import attrs

from itagflow.model.text import nfc

Decode = Callable[[Any], Any]
Encode = Callable[[Any], Any]

NEVER = 2**63 - 1
"""Stands for "no time limit" in a column, which is never NULL: it sorts after every time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return a time as whole microseconds since 1970."""
    return (at - _EPOCH) // _TICK


def moment(value: int) -> datetime:
    """Return the time that `micros` made this number of."""
    return _EPOCH + timedelta(microseconds=value)


def plain(value: Any) -> Any:
    """Return *value* as a column keeps it: enums by value, times in microseconds, booleans as 0 and 1."""
    if value.__class__ is int or value.__class__ is str:
        return value
    if isinstance(value, Enum):
        return value.value
    return micros(value) if isinstance(value, datetime) else int(value)


@attrs.frozen
class Column:
    """One index column: how a field, or a property, is kept in it and read back."""

    name: str
    """The field or property of the entity, and the column's name."""
    store: Callable[[Any], Any]
    """From the field's value to the column's."""
    load: Callable[[Any], Any] | None
    """From the column's value to the field's; None when it is a property, and not read back."""


def same(value: Any) -> Any:
    """Return *value*: a column that keeps it as it is."""
    return value


def whole(name: str) -> Column:
    """Return a column of integers."""
    return Column(name, same, same)


def maybe_whole(name: str) -> Column:
    """Return a column of integers with 0 for None."""
    return Column(name, lambda value: value or 0, lambda value: value or None)


def thousandths(name: str) -> Column:
    """Return a column of numbers with three decimals, kept as integers, so that sums of them are exact."""
    return Column(name, lambda value: round(value * 1_000), lambda value: value / 1_000)


def word(name: str, *, derived: bool = False) -> Column:
    """Return a column of texts; a *derived* one is a property."""
    return Column(name, same, None if derived else same)


def named(name: str) -> Column:
    """Return a column of names, compared in Unicode's form NFC; the body keeps one that was typed otherwise."""
    return Column(name, nfc, same)


def flag(name: str, *, derived: bool = False) -> Column:
    """Return a column of booleans; a *derived* one is a property."""
    return Column(name, int, None if derived else bool)


def sum_of(name: str) -> Column:
    """Return a column of integers that is a property."""
    return Column(name, same, None)


def choice(name: str, kind: type[Enum]) -> Column:
    """Return a column that holds an enum by value."""
    by_value = {member.value: member for member in kind}
    return Column(name, attrgetter("_value_"), by_value.__getitem__)  # an attribute; `value` is a property in Python


def maybe_choice(name: str, kind: type[Enum]) -> Column:
    """Return a column that holds an enum by value, empty for None."""
    by_value = {"": None, **{member.value: member for member in kind}}
    return Column(name, lambda value: value.value if value else "", by_value.__getitem__)


def time(name: str) -> Column:
    """Return a column of times."""
    return Column(name, micros, moment)


def time_limit(name: str) -> Column:
    """Return a column of times with `NEVER` for None."""
    return Column(
        name,
        lambda at: NEVER if at is None else micros(at),
        lambda value: None if value == NEVER else moment(value),
    )
