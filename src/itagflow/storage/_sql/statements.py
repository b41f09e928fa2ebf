"""Queries as SQL text: written once, for every store that speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Any

import attrs

from itagflow.model.event import Event
from itagflow.model.number import LEAST, MOST, is_storable
from itagflow.storage._sql.layout import LAYOUTS, Layout, Sums
from itagflow.storage.fields import check_names, check_query, encode_value
from itagflow.storage.port import (
    Condition,
    Query,
    Scalar,
    Span,
)

FEW = 8
"""Up to how many values are spelled out; more are passed as one JSON list."""

EVERYTHING = Span()
"""A condition that is open on both sides."""
NOTHING, SOMETHING = "IS NULL", "IS NOT NULL"
"""What no value of a column fulfills, and what each does: columns are never NULL."""

Shape = tuple[tuple[str, str], ...]
"""What the text of conditions depends on: the names, and how each is compared."""


@attrs.frozen
class Statement:
    """SQL text and its parameters."""

    text: str
    """The text, with a mark for each parameter."""
    values: tuple[Any, ...]
    """The parameters."""


@attrs.frozen(eq=False)
class Sql:
    """How one database wants it said; the text of each shape of a query is built once."""

    mark: str = "?"
    """What stands for a parameter."""
    place: str = ""
    """What comes before the name of a table: its schema with a dot."""
    whole_lists: bool = False
    """Whether several values are one parameter, a list; else up to `FEW` are spelled out."""
    lock: str = ""
    """What ends a query whose rows are kept from other writers."""
    share: str = ""
    """What ends a query whose rows are kept as they are, together with others who want that."""
    skip_locked: str = ""
    """What ends a query for rows that no other writer holds."""
    slots: int = 1
    """In how many rows each kept sum is spread, so that writers seldom wait for each other."""
    apart: str = ""
    """The end of a subquery that is to run row by row, in the order of the rows."""

    def insert(self, layout: Layout[Any]) -> str:
        """Return the INSERT of a row; for events without the key, which the database makes."""
        return _insert_text(self, layout)

    def copy(self, layout: Layout[Any]) -> str:
        """Return the text that begins to insert rows in bulk, where the database can."""
        return f"COPY {self.place}{layout.table} ({_columns(layout)}) FROM STDIN"

    def update(self, layout: Layout[Any], places: tuple[int, ...]) -> str:
        """Return the UPDATE of these columns: the values, then the key and the old version."""
        return _update_text(self, layout, places)

    def get(self, layout: Layout[Any]) -> str:
        """Return the text that reads a row by its key."""
        return _get_text(self, layout)

    def drop(self, layout: Layout[Any]) -> str:
        """Return the text that deletes a row by its key."""
        return f"DELETE FROM {self.place}{layout.table} WHERE {_key(self, layout)}"

    def find(self, query: Query[Any]) -> Statement:
        """Return what reads the matches of *query* in order."""
        shape, unless, values = _conditions(self, query)
        after, later = _after(self, query)
        # the one is spelled out: a plan for any number of rows may begin with sorting all of them
        limit = "" if query.limit is None else "1" if query.limit == 1 else self.mark
        text = _find_text(self, LAYOUTS[query.kind], shape, unless, query.order, after, limit)
        most = (min(query.limit or 0, MOST),) if limit == self.mark else ()
        return Statement(text, (*values, *later, *most))

    def count(self, query: Query[Any]) -> Statement:
        """Return what counts the matches of *query*."""
        shape, unless, values = _conditions(self, query)
        return Statement(_count_text(self, LAYOUTS[query.kind], shape, unless), tuple(values))

    def tally(self, query: Query[Any], by: tuple[str, ...], add: tuple[str, ...]) -> Statement:
        """Return what counts and sums the matches of *query* by groups."""
        shape, unless, values = _conditions(self, query)
        return Statement(
            _tally_text(self, LAYOUTS[query.kind], shape, unless, by, add), tuple(values)
        )

    def sums(
        self, query: Query[Any], sums: Sums, by: tuple[str, ...], add: tuple[str, ...]
    ) -> Statement:
        """Return what reads counts and sums by groups where they are kept."""
        shape, _, values = _conditions(self, query)
        return Statement(_sums_text(self, LAYOUTS[query.kind], sums, shape, by, add), tuple(values))

    def add_up(self, sums: Sums, groups: int) -> str:
        """Return the UPSERT of the kept sums of groups: columns, slot, and increments."""
        return _add_up_text(self, sums, groups)

    def remove(self, query: Query[Any], limit: int) -> Statement:
        """Return what deletes at most *limit* matches of *query*."""
        check_query(query)
        layout = LAYOUTS[query.kind]
        shape, unless, values = _conditions(self, query)
        key, table = ", ".join(column.name for column in layout.key), f"{self.place}{layout.table}"
        inner = f"SELECT {key} FROM {table}{_where(self, layout, shape, unless)} LIMIT {self.mark}"
        columns = f" RETURNING {_columns(layout)}" if layout.sums else ""
        return Statement(
            f"DELETE FROM {table} WHERE ({key}) IN ({inner}){columns}", (*values, limit)
        )

    def marks(self, count: int) -> str:
        """Return *count* marks."""
        return ", ".join([self.mark] * count)


SQLITE = Sql()
"""SQLite: one writer at a time, so that every row that a transaction sees is its own."""


def _conditions(sql: Sql, query: Query[Any]) -> tuple[Shape, Any, list[Any]]:
    """Return the shapes of the conditions and of what must not exist, and both's parameters."""
    shape, values = _rendered(sql, LAYOUTS[query.kind], query.where)
    if query.unless is None:
        return shape, None, values
    inner, more = _rendered(sql, LAYOUTS[query.unless.kind], query.unless.where)
    return shape, (query.unless.kind, tuple(query.unless.same.items()), inner), values + more


def _rendered(
    sql: Sql, layout: Layout[Any], where: Mapping[str, Condition]
) -> tuple[Shape, list[Any]]:
    shape: list[tuple[str, str]] = []
    values: list[Any] = []
    equal = f"= {sql.mark}"
    for name, condition in where.items():
        if type(condition) is int and LEAST <= condition <= MOST:  # by far the most
            shape.append((name, equal))
            values.append(condition)
            continue
        if isinstance(condition, Span) and condition == EVERYTHING:
            continue
        # what is one of a few, some of which are rare, is a literal: only then an index over part
        # of the rows is used
        literals = _literals(condition)
        if literals:
            shape.append((name, literals))
            continue
        # an index over the filled ones is only used when the text itself says that they are
        filled = " AND {} <> ''" if name in layout.sparse and not _may_be_empty(condition) else ""
        if isinstance(condition, Span):
            how, ends = _within(sql, condition)
            if how:  # else no column can reach either end: all values match
                shape.append((name, how + filled))
                values += ends
        else:
            several = condition if isinstance(condition, tuple) else (condition,)
            known = [encode_value(value) for value in several if is_storable(value)]
            how, given = _any_of(sql, known) if known else (NOTHING, ())
            shape.append((name, how + filled))
            values += given
    return tuple(shape), values


def _may_be_empty(condition: Condition) -> bool:
    """Return whether an empty text meets the condition."""
    if isinstance(condition, Span):
        return condition.low is None or condition.low == ""
    return "" in condition if isinstance(condition, tuple) else condition == ""


def _literals(condition: Condition) -> str:
    """Return how a column is compared with words of ours, or with a truth value; else nothing."""
    if condition is True or condition is False:
        return f"= {condition:d}"
    if isinstance(condition, Enum):
        return f"= {_literal(condition)}"
    if isinstance(condition, tuple) and condition and isinstance(condition[0], Enum):
        return _in_literals(condition)
    return ""


@lru_cache(maxsize=256, typed=True)  # few, and asked for by every claim
def _literal(word: Scalar) -> str:
    """Return a word of ours as SQL text."""
    return f"'{encode_value(word)}'"


@lru_cache(maxsize=256, typed=True)
def _in_literals(words: tuple[Scalar, ...]) -> str:
    """Return how a column is compared with several words of ours; nothing if one is not."""
    if not all(isinstance(word, Enum) for word in words):
        return ""
    return f"IN ({', '.join(map(_literal, words))})"


def _within(sql: Sql, span: Span) -> tuple[str, list[Any]]:
    """Return how a column is compared with the ends of *span*, except unreachable ones."""
    low, high = (None if end is None else encode_value(end) for end in (span.low, span.high))
    if (isinstance(low, int) and low > MOST) or (isinstance(high, int) and high < LEAST):
        return NOTHING, []
    ends = [
        (f"{sign} {sql.mark}", end) for sign, end in ((">=", low), ("<=", high)) if end is not None
    ]
    ends = [(how, end) for how, end in ends if is_storable(end)]
    return " AND {} ".join(how for how, _ in ends), [end for _, end in ends]


def _any_of(sql: Sql, values: list[Any]) -> tuple[str, Sequence[Any]]:
    if len(values) == 1:
        return f"= {sql.mark}", values
    if sql.whole_lists:
        return f"= ANY({sql.mark})", (values,)
    if len(values) > FEW:
        return f"IN (SELECT value FROM json_each({sql.mark}))", (json.dumps(values),)
    return f"IN ({sql.marks(len(values))})", values


def _where(sql: Sql, layout: Layout[Any], shape: Shape, unless: Any) -> str:
    parts = [_condition(name, how) for name, how in shape]
    if unless is not None:
        kind, same, inner = unless
        parts.append(_not_beside(sql, layout, LAYOUTS[kind], same, inner))
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _condition(name: str, how: str, table: str = "") -> str:
    return f"{table}{name} {how.format(table + name)}"


def _not_beside(
    sql: Sql, layout: Layout[Any], other: Layout[Any], same: Shape, inner: Shape
) -> str:
    joined = [f"beside.{theirs} = {sql.place}{layout.table}.{ours}" for ours, theirs in same]
    parts = " AND ".join([*joined, *(_condition(name, how, "beside.") for name, how in inner)])
    return f"NOT EXISTS (SELECT 1 FROM {sql.place}{other.table} AS beside WHERE {parts}{sql.apart})"


@cache
def _insert_text(sql: Sql, layout: Layout[Any]) -> str:
    names = (*(column.name for column in layout.stored), "body")[1 if layout.kind is Event else 0 :]
    columns, values = ", ".join(names), sql.marks(len(names))
    return f"INSERT INTO {sql.place}{layout.table} ({columns}) VALUES ({values})"


@cache
def _get_text(sql: Sql, layout: Layout[Any]) -> str:
    return f"SELECT {_columns(layout)} FROM {sql.place}{layout.table} WHERE {_key(sql, layout)}"


@cache
def _update_text(sql: Sql, layout: Layout[Any], places: tuple[int, ...]) -> str:
    names = (*(column.name for column in layout.stored), "body")
    sets = ", ".join(f"{names[at]} = {sql.mark}" for at in places)
    where = f"{_key(sql, layout)} AND version = {sql.mark}"
    return f"UPDATE {sql.place}{layout.table} SET {sets} WHERE {where}"


@cache
def _find_text(
    sql: Sql,
    layout: Layout[Any],
    shape: Shape,
    unless: Any,
    order: tuple[str, ...],
    after: str,
    limit: str,
) -> str:
    _check(layout, shape, order)
    where = _where(sql, layout, shape, unless)
    where += f"{' AND' if where else ' WHERE'} {after}" if after else ""
    sort = f" ORDER BY {', '.join(map(_sort, _full_order(layout, order)))}" if order else ""
    end = f" LIMIT {limit}" if limit else ""
    return f"SELECT {_columns(layout)} FROM {sql.place}{layout.table}{where}{sort}{end}"


@cache
def _count_text(sql: Sql, layout: Layout[Any], shape: Shape, unless: Any) -> str:
    _check(layout, shape)
    return f"SELECT COUNT(*) FROM {sql.place}{layout.table}{_where(sql, layout, shape, unless)}"


@cache
def _tally_text(
    sql: Sql,
    layout: Layout[Any],
    shape: Shape,
    unless: Any,
    by: tuple[str, ...],
    add: tuple[str, ...],
) -> str:
    _check(layout, shape, (*by, *add))
    sums = "".join(f", CAST(SUM({name}) AS BIGINT)" for name in add)
    groups, table = ", ".join(by), f"{sql.place}{layout.table}"
    where = _where(sql, layout, shape, unless)
    return f"SELECT {groups}, COUNT(*){sums} FROM {table}{where} GROUP BY {groups}"


@cache
def _sums_text(
    sql: Sql,
    layout: Layout[Any],
    sums: Sums,
    shape: Shape,
    by: tuple[str, ...],
    add: tuple[str, ...],
) -> str:
    added = "".join(f", CAST(SUM({name}) AS BIGINT)" for name in ("number", *add))
    groups, where = ", ".join(by), _where(sql, layout, shape, None)
    return (
        f"SELECT {groups}{added} FROM {sql.place}{sums.table}{where} "
        f"GROUP BY {groups} HAVING SUM(number) <> 0"
    )


@cache
def _add_up_text(sql: Sql, sums: Sums, groups: int) -> str:
    key, added = (*sums.by, "slot"), ("number", *sums.add)
    rows = ", ".join([f"({sql.marks(len(key) + len(added))})"] * groups)
    more = ", ".join(f"{name} = {sums.table}.{name} + excluded.{name}" for name in added)
    into = f"{sql.place}{sums.table} ({', '.join((*key, *added))})"
    return f"INSERT INTO {into} VALUES {rows} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {more}"


def _check(layout: Layout[Any], shape: Shape, names: tuple[str, ...] = ()) -> None:
    check_names(layout.fields, (*(name for name, _ in shape), *names))


def _full_order(layout: Layout[Any], order: tuple[str, ...]) -> tuple[str, ...]:
    named = {name.removeprefix("-") for name in order}
    return (*order, *(column.name for column in layout.key if column.name not in named))


def _sort(name: str) -> str:
    return f"{name[1:]} DESC" if name[0] == "-" else name


def _after(sql: Sql, query: Query[Any]) -> tuple[str, list[Any]]:
    """Return the condition that a row comes after the last page, and its parameters."""
    if query.after is None:
        return "", []
    layout = LAYOUTS[query.kind]
    ends = dict(
        zip(
            (*query.order, *(column.name for column in layout.key)),
            map(encode_value, query.after),
            strict=True,
        )
    )
    names = _full_order(layout, query.order)
    if not any(name[0] == "-" for name in names) and all(map(is_storable, query.after)):
        return f"({', '.join(names)}) > ({sql.marks(len(names))})", [ends[name] for name in names]
    steps, values = list[str](), list[Any]()
    for at, name in enumerate(names):
        same = [f"{earlier.removeprefix('-')} = {sql.mark}" for earlier in names[:at]]
        how, end = _beyond(sql, name, ends[name])
        beyond = f"{name.removeprefix('-')} {how}"
        steps.append(f"({' AND '.join([*same, beyond])})")
        values += [*(ends[earlier] for earlier in names[:at]), *end]
        if not end:
            break  # no row has this value, so that no column behind it matters
    return f"({' OR '.join(steps)})", values


def _beyond(sql: Sql, name: str, end: Any) -> tuple[str, list[Any]]:
    """Return how a column is compared with the end of the last page, if a row can be there."""
    if is_storable(end):
        return f"{'<' if name[0] == '-' else '>'} {sql.mark}", [end]
    return (SOMETHING if (end < LEAST) == (name[0] != "-") else NOTHING), []


@cache
def _columns(layout: Layout[Any]) -> str:
    return ", ".join((*(column.name for column in layout.stored), "body"))


def _key(sql: Sql, layout: Layout[Any]) -> str:
    return " AND ".join(f"{column.name} = {sql.mark}" for column in layout.key)
