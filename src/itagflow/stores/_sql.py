"""Queries as SQL text: the same for every store that speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import attrs

from itagflow.store import Condition, Query, Span
from itagflow.stores._layout import LAYOUTS, Layout, check, plain

FEW = 8
"""Up to how many values are spelled out; more are passed as one JSON list, so that no limit is met."""

Shape = tuple[tuple[str, str], ...]
"""What the text of conditions depends on: the names, and how each is compared."""


@attrs.frozen
class Statement:
    """SQL text and its parameters."""

    text: str
    """The text, with ``?`` for each parameter."""
    values: tuple[Any, ...]
    """The parameters."""


def insert(layout: Layout[Any], *, given: bool = True) -> str:
    """Return the text that inserts a row; without *given* the database makes the key."""
    columns = (*layout.stored, None)[0 if given else len(layout.key) :]
    names = ", ".join(column.name if column else "body" for column in columns)
    return f"INSERT INTO {layout.table} ({names}) VALUES ({', '.join('?' * len(columns))})"


@cache
def update(layout: Layout[Any], places: tuple[int, ...]) -> str:
    """Return the text that replaces these places of a row: first their values, then the key and the old version."""
    names = (*(column.name for column in layout.stored), "body")
    sets = ", ".join(f"{names[at]} = ?" for at in places)
    return f"UPDATE {layout.table} SET {sets} WHERE {_key(layout)} AND version = ?"


def get(layout: Layout[Any]) -> str:
    """Return the text that reads a row by its key."""
    return f"SELECT {_columns(layout)} FROM {layout.table} WHERE {_key(layout)}"


def drop(layout: Layout[Any]) -> str:
    """Return the text that deletes a row by its key."""
    return f"DELETE FROM {layout.table} WHERE {_key(layout)}"


def find(query: Query[Any]) -> Statement:
    """Return what reads the matches of *query* in order."""
    shape, unless, values = _conditions(query)
    after, later = _after(query)
    limited = query.limit is not None
    text = _find_text(LAYOUTS[query.kind], shape, unless, query.order, after, limited)
    return Statement(text, (*values, *later, query.limit) if limited else (*values, *later))


def count(query: Query[Any]) -> Statement:
    """Return what counts the matches of *query*."""
    shape, unless, values = _conditions(query)
    return Statement(_count_text(LAYOUTS[query.kind], shape, unless), tuple(values))


def tally(query: Query[Any], by: tuple[str, ...], add: tuple[str, ...]) -> Statement:
    """Return what counts and sums the matches of *query* by groups."""
    shape, unless, values = _conditions(query)
    return Statement(_tally_text(LAYOUTS[query.kind], shape, unless, by, add), tuple(values))


def remove(query: Query[Any], limit: int) -> Statement:
    """Return what deletes at most *limit* matches of *query*."""
    layout = check(query)
    shape, unless, values = _conditions(query)
    key = ", ".join(column.name for column in layout.key)
    inner = f"SELECT {key} FROM {layout.table}{_where(layout, shape, unless)} LIMIT ?"
    return Statement(f"DELETE FROM {layout.table} WHERE ({key}) IN ({inner})", (*values, limit))


def _conditions(query: Query[Any]) -> tuple[Shape, Any, list[Any]]:
    """Return the shape of the conditions, that of what must not be beside, and the parameters of both."""
    shape, values = _rendered(query.where)
    if query.unless is None:
        return shape, None, values
    inner, more = _rendered(query.unless.where)
    return shape, (query.unless.kind, tuple(query.unless.same.items()), inner), values + more


def _rendered(where: Mapping[str, Condition]) -> tuple[Shape, list[Any]]:
    shape, values = list[tuple[str, str]](), list[Any]()
    for name, condition in where.items():
        if condition is True or condition is False:
            shape.append((name, f"= {condition:d}"))  # a literal, so that an index over part of the rows is used
        elif isinstance(condition, tuple):
            how, given = _any_of(list(map(plain, condition)))
            shape.append((name, how))
            values += given
        elif isinstance(condition, Span):
            shape.append((name, _ends(condition)))
            values += [plain(end) for end in (condition.low, condition.high) if end is not None]
        else:
            shape.append((name, "= ?"))
            values.append(plain(condition))
    return tuple(shape), values


def _ends(span: Span) -> str:
    low, high = ">= ?" if span.low is not None else "", "<= ?" if span.high is not None else ""
    return " AND {} ".join(end for end in (low, high) if end)


def _any_of(values: list[Any]) -> tuple[str, Sequence[Any]]:
    if len(values) > FEW:
        return "IN (SELECT value FROM json_each(?))", (json.dumps(values),)
    return f"IN ({', '.join('?' * len(values))})", values


def _where(layout: Layout[Any], shape: Shape, unless: Any) -> str:
    parts = [_condition(layout, name, how) for name, how in shape if how]
    if unless is not None:
        kind, same, inner = unless
        parts.append(_not_beside(layout, LAYOUTS[kind], same, inner))
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _condition(layout: Layout[Any], name: str, how: str, table: str = "") -> str:
    text = f"{table}{name} {how.format(table + name)}"
    # an index over the filled ones is only used when the text itself says that they are
    return f"{text} AND {table}{name} <> ''" if name in layout.sparse and how != "= ''" else text


def _not_beside(layout: Layout[Any], other: Layout[Any], same: Shape, inner: Shape) -> str:
    joined = [f"beside.{theirs} = {layout.table}.{ours}" for ours, theirs in same]
    parts = " AND ".join([*joined, *(_condition(other, name, how, "beside.") for name, how in inner)])
    return f"NOT EXISTS (SELECT 1 FROM {other.table} AS beside WHERE {parts})"


@cache
def _find_text(
    layout: Layout[Any], shape: Shape, unless: Any, order: tuple[str, ...], after: str, limited: bool
) -> str:
    _check(layout, shape, order)
    where = _where(layout, shape, unless)
    later = f"{' AND' if where else ' WHERE'} {after}" if after else ""
    sort = f" ORDER BY {', '.join(map(_sort, _full_order(layout, order)))}" if order else ""
    return f"SELECT {_columns(layout)} FROM {layout.table}{where}{later}{sort}{' LIMIT ?' if limited else ''}"


@cache
def _count_text(layout: Layout[Any], shape: Shape, unless: Any) -> str:
    _check(layout, shape)
    return f"SELECT COUNT(*) FROM {layout.table}{_where(layout, shape, unless)}"


@cache
def _tally_text(layout: Layout[Any], shape: Shape, unless: Any, by: tuple[str, ...], add: tuple[str, ...]) -> str:
    _check(layout, shape, (*by, *add))
    sums = "".join(f", SUM({name})" for name in add)
    groups = ", ".join(by)
    return f"SELECT {groups}, COUNT(*){sums} FROM {layout.table}{_where(layout, shape, unless)} GROUP BY {groups}"


def _check(layout: Layout[Any], shape: Shape, names: tuple[str, ...] = ()) -> None:
    check(Query(layout.kind, dict(shape), order=names))


def _full_order(layout: Layout[Any], order: tuple[str, ...]) -> tuple[str, ...]:
    named = {name.removeprefix("-") for name in order}
    return (*order, *(column.name for column in layout.key if column.name not in named))


def _sort(name: str) -> str:
    return f"{name[1:]} DESC" if name[0] == "-" else name


def _after(query: Query[Any]) -> tuple[str, list[Any]]:
    """Return the condition that a row comes after the place where the last page ended, and its parameters."""
    if query.after is None:
        return "", []
    layout = LAYOUTS[query.kind]
    ends = dict(zip((*query.order, *(column.name for column in layout.key)), map(plain, query.after), strict=True))
    names = _full_order(layout, query.order)
    if not any(name[0] == "-" for name in names):
        return f"({', '.join(names)}) > ({', '.join('?' * len(names))})", [ends[name] for name in names]
    steps, values = list[str](), list[Any]()
    for at, name in enumerate(names):
        same = [f"{earlier.removeprefix('-')} = ?" for earlier in names[:at]]
        beyond = f"{name[1:]} < ?" if name[0] == "-" else f"{name} > ?"
        steps.append(f"({' AND '.join([*same, beyond])})")
        values += [ends[earlier] for earlier in names[: at + 1]]
    return f"({' OR '.join(steps)})", values


@cache
def _columns(layout: Layout[Any]) -> str:
    return ", ".join((*(column.name for column in layout.stored), "body"))


def _key(layout: Layout[Any]) -> str:
    return " AND ".join(f"{column.name} = ?" for column in layout.key)
