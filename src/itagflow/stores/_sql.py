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


def update(layout: Layout[Any]) -> str:
    """Return the text that replaces a row: first the values without the key, then the key and the old version."""
    columns = [column.name for column in layout.stored[len(layout.key) :]]
    sets = ", ".join(f"{name} = ?" for name in (*columns, "body"))
    return f"UPDATE {layout.table} SET {sets} WHERE {_key(layout)} AND version = ?"


def get(layout: Layout[Any]) -> str:
    """Return the text that reads a row by its key."""
    return f"SELECT {_columns(layout)} FROM {layout.table} WHERE {_key(layout)}"


def drop(layout: Layout[Any]) -> str:
    """Return the text that deletes a row by its key."""
    return f"DELETE FROM {layout.table} WHERE {_key(layout)}"


def find(query: Query[Any]) -> Statement:
    """Return what reads the matches of *query* in order."""
    layout = check(query)
    shape, values = _conditions(query)
    limit = () if query.limit is None else (query.limit,)
    after, later = _after(query)
    text = _find_text(layout, shape, _unless(query), query.order, after, bool(limit))
    return Statement(text, (*values, *_unless_values(query), *later, *limit))


def count(query: Query[Any]) -> Statement:
    """Return what counts the matches of *query*."""
    layout = check(query)
    shape, values = _conditions(query)
    text = f"SELECT COUNT(*) FROM {layout.table}{_where(layout, shape, _unless(query))}"
    return Statement(text, (*values, *_unless_values(query)))


def tally(query: Query[Any], by: tuple[str, ...], add: tuple[str, ...]) -> Statement:
    """Return what counts and sums the matches of *query* by groups."""
    layout = check(Query(query.kind, query.where, order=(*by, *add)))
    shape, values = _conditions(query)
    sums = "".join(f", SUM({name})" for name in add)
    where = _where(layout, shape, _unless(query))
    text = f"SELECT {', '.join(by)}, COUNT(*){sums} FROM {layout.table}{where} GROUP BY {', '.join(by)}"
    return Statement(text, (*values, *_unless_values(query)))


def remove(query: Query[Any], limit: int) -> Statement:
    """Return what deletes at most *limit* matches of *query*."""
    layout = check(query)
    shape, values = _conditions(query)
    key = ", ".join(column.name for column in layout.key)
    inner = f"SELECT {key} FROM {layout.table}{_where(layout, shape, None)} LIMIT ?"
    return Statement(f"DELETE FROM {layout.table} WHERE ({key}) IN ({inner})", (*values, limit))


def _conditions(query: Query[Any]) -> tuple[Shape, list[Any]]:
    return _rendered(query.where)


def _rendered(where: Mapping[str, Condition]) -> tuple[Shape, list[Any]]:
    shape, values = list[tuple[str, str]](), list[Any]()
    for name, condition in where.items():
        how, given = _comparison(condition)
        shape.append((name, how))
        values += given
    return tuple(shape), values


def _comparison(condition: Condition) -> tuple[str, Sequence[Any]]:
    """Return how a column is compared, as text, and with what."""
    match condition:
        case bool():
            return f"= {int(condition)}", ()  # a literal, so that an index over part of the rows is used
        case Span(low, high):
            ends = [(">= ?", low)] * (low is not None) + [("<= ?", high)] * (high is not None)
            return " AND {} ".join(how for how, _ in ends), [plain(end) for _, end in ends]
        case tuple():
            return _any_of(list(map(plain, condition)))
        case _:
            return "= ?", (plain(condition),)


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


def _unless(query: Query[Any]) -> Any:
    if query.unless is None:
        return None
    return query.unless.kind, tuple(query.unless.same.items()), _rendered(query.unless.where)[0]


def _unless_values(query: Query[Any]) -> list[Any]:
    return [] if query.unless is None else _rendered(query.unless.where)[1]


@cache
def _find_text(
    layout: Layout[Any], shape: Shape, unless: Any, order: tuple[str, ...], after: str, limited: bool
) -> str:
    where = _where(layout, shape, unless)
    later = f"{' AND' if where else ' WHERE'} {after}" if after else ""
    sort = f" ORDER BY {', '.join(map(_sort, _full_order(layout, order)))}" if order else ""
    return f"SELECT {_columns(layout)} FROM {layout.table}{where}{later}{sort}{' LIMIT ?' if limited else ''}"


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
