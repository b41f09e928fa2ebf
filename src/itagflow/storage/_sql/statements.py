"""Queries as SQL text: written once, for every store that speaks it.

The text of a statement depends on the names in a query and on how each is compared, hardly ever on
the values.  So texts are cached by these, and a store that runs the same query again finds both the
text and the statement that its driver has prepared for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Any, NamedTuple

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

MAX_SPELLED_OUT = 8
"""Up to how many values are spelled out; more are passed as one JSON list.

Each number of placeholders is a text of its own, which has to be cached and prepared: eight cover
what operations ask for, and a list of thousands stays below the database's limit of parameters.
"""

OPEN_SPAN = Span()
"""A condition that is open on both sides."""
MATCHES_NONE, MATCHES_ALL = "IS NULL", "IS NOT NULL"
"""What no value of a column fulfills, and what each does: columns are never NULL."""

Shape = tuple[str, ...]
"""What the text of conditions depends on: each name, and behind it how it is compared.

Flat, since every query looks up its text by it: pairs would be hashed and compared one by one.
"""


class _Absence(NamedTuple):
    """What the text of `Query.unless` depends on."""

    layout: Layout[Any]
    """The kind that must not be there."""
    same: tuple[tuple[str, str], ...]
    """The join: the query's column, and the equal column of this kind."""
    shape: Shape
    """The conditions on this kind."""


class _Filter(NamedTuple):
    """What the text of the conditions of a query depends on: everything but the values."""

    # A named tuple is hashed and compared in C.  The caches below do both for every statement, and
    # a class of Python would do them in Python.
    sql: Sql
    """The database."""
    layout: Layout[Any]
    """The kind that is looked for."""
    shape: Shape
    """The conditions on it."""
    absence: _Absence | None
    """What must not be there beside it."""


class Statement(NamedTuple):
    """SQL text and its parameters."""

    text: str
    """The text, with a placeholder for each parameter."""
    values: tuple[Any, ...]
    """The parameters."""


@attrs.frozen(eq=False)
class Sql:
    """How one database wants it said; the text of each shape of a query is built once."""

    placeholder: str = "?"
    """What stands for a parameter."""
    schema: str = ""
    """What comes before the name of a table: its schema with a dot."""
    has_array_parameters: bool = False
    """Whether several values are one parameter, a list; else see `MAX_SPELLED_OUT`."""
    lock: str = ""
    """What ends a query whose rows are kept from other writers."""
    share: str = ""
    """What ends a query whose rows are kept as they are, together with others who want that."""
    skip_locked: str = ""
    """What ends a query for rows that no other writer has locked."""
    slots: int = 1
    """In how many rows each kept sum is spread, so that writers rarely wait for each other."""
    has_lateral_queries: bool = False
    """Whether a subquery in FROM may depend on the row beside it."""
    subquery_end: str = ""
    """The end of a subquery that is to run row by row, in the order of the rows."""

    def insert(self, layout: Layout[Any]) -> str:
        """Return the INSERT of a row; for events without the key, which the database makes."""
        return _insert_text(self, layout)

    def copy(self, layout: Layout[Any]) -> str:
        """Return the text that begins to insert rows in bulk, where the database can."""
        return f"COPY {self.schema}{layout.table} ({_render_columns(layout)}) FROM STDIN"

    def update(self, layout: Layout[Any], columns: tuple[int, ...]) -> str:
        """Return the UPDATE of these columns: the values, then the key and the old version."""
        return _update_text(self, layout, columns)

    def update_many(
        self, layout: Layout[Any], columns: tuple[int, ...], rows: Sequence[Sequence[Any]]
    ) -> tuple[str, tuple[str]]:
        """Return one UPDATE of the same columns of several rows, for PostgreSQL, and its parameter.

        Each of *rows* is as `update` takes it: the values, the key and the old version.  The new
        version is one of the values, so the old one need not be sent.
        """
        names = (*(column.name for column in layout.stored), "body")
        fields = (*(names[index] for index in columns), *names[: len(layout.key)])
        made = [dict(zip(fields, row, strict=False)) for row in rows]
        return _update_many_text(self, layout, columns), (json.dumps(made),)

    def get(self, layout: Layout[Any]) -> str:
        """Return the text that reads a row by its key."""
        return _get_text(self, layout)

    def drop(self, layout: Layout[Any]) -> str:
        """Return the text that deletes a row by its key."""
        return f"DELETE FROM {self.schema}{layout.table} WHERE {_render_key(self, layout)}"

    def find(self, query: Query[Any]) -> Statement:
        """Return what reads the matches of *query* in order."""
        conditions, values = _render_query(self, query)
        after = ""
        if query.after is not None:
            after, ends = _render_after(self, query, query.after)
            values += ends
        limit = query.limit
        if limit is None:
            return Statement(_find_text(conditions, query.order, after, ""), tuple(values))
        if limit == 1:
            # the one is spelled out: a plan for any number of rows may begin with sorting all of
            # them
            return Statement(_find_text(conditions, query.order, after, "1"), tuple(values))
        text = _find_text(conditions, query.order, after, self.placeholder)
        # nothing has more rows than that, and a larger integer fits no database's parameter
        return Statement(text, (*values, min(limit, MOST)))

    def find_firsts(
        self, query: Query[Any], by: tuple[str, ...], groups: Sequence[tuple[Scalar, ...]]
    ) -> Statement:
        """Return what reads the first match of *query* in each group; *by* makes the groups."""
        conditions, values = _render_query(self, query)
        # no column holds an integer beyond 64 bits: such a group has no match
        made = [
            dict(zip(by, map(encode_value, group), strict=True))
            for group in groups
            if all(map(is_storable, group))
        ]
        # as in the conditions: for the index over the filled ones
        filled = tuple(
            name
            for name in by
            if name in conditions.layout.sparse and all(group[name] != "" for group in made)
        )
        text = _firsts_text(conditions, query.order, by, filled)
        return Statement(text, (json.dumps(made), *values))

    def count(self, query: Query[Any]) -> Statement:
        """Return what counts the matches of *query*."""
        conditions, values = _render_query(self, query)
        return Statement(_count_text(conditions), tuple(values))

    def tally(self, query: Query[Any], by: tuple[str, ...], add: tuple[str, ...]) -> Statement:
        """Return what counts and sums the matches of *query* by groups."""
        conditions, values = _render_query(self, query)
        return Statement(_tally_text(conditions, by, add), tuple(values))

    def sums(
        self, query: Query[Any], sums: Sums, by: tuple[str, ...], add: tuple[str, ...]
    ) -> Statement:
        """Return what reads counts and sums by groups where they are kept."""
        conditions, values = _render_query(self, query)
        return Statement(_sums_text(conditions, sums, by, add), tuple(values))

    def add_up(self, sums: Sums, groups: int) -> str:
        """Return the UPSERT of the kept sums of groups: columns, slot, and increments."""
        return _add_up_text(self, sums, groups)

    def remove(self, query: Query[Any], limit: int) -> Statement:
        """Return what deletes at most *limit* matches of *query*."""
        check_query(query)
        conditions, values = _render_query(self, query)
        layout = conditions.layout
        key, table = ", ".join(column.name for column in layout.key), f"{self.schema}{layout.table}"
        # DELETE takes no LIMIT, neither in PostgreSQL nor in SQLite as it is usually compiled: the
        # keys are limited in a subquery, and compared as row values
        where = _render_where(conditions)
        keys = f"SELECT {key} FROM {table}{where} LIMIT {self.placeholder}"
        text = f"DELETE FROM {table} WHERE ({key}) IN ({keys})"
        if layout.sums:
            # the rows are needed once more, to take them out of the kept sums
            text += f" RETURNING {_render_columns(layout)}"
        return Statement(text, (*values, limit))

    def placeholders(self, count: int) -> str:
        """Return *count* placeholders."""
        return ", ".join([self.placeholder] * count)


SQLITE = Sql()
"""SQLite has no row locks, and needs none: one writer at a time has the whole database."""


# -- conditions --


def _render_query(sql: Sql, query: Query[Any]) -> tuple[_Filter, list[Any]]:
    """Return the conditions of *query* and of what must not exist, and both's parameters."""
    layout = LAYOUTS[query.kind]
    shape, values = _render_conditions(sql, layout, query.where)
    unless = query.unless
    if unless is None:
        return _Filter(sql, layout, shape, None), values
    other = LAYOUTS[unless.kind]
    other_shape, other_values = _render_conditions(sql, other, unless.where)
    absence = _Absence(other, tuple(unless.same.items()), other_shape)
    return _Filter(sql, layout, shape, absence), values + other_values


def _render_conditions(
    sql: Sql, layout: Layout[Any], where: Mapping[str, Condition]
) -> tuple[Shape, list[Any]]:
    shape: list[str] = []
    values: list[Any] = []
    equal = f"= {sql.placeholder}"
    for name, condition in where.items():
        # by far the most are keys; an integer that no column can hold must not reach the driver
        if type(condition) is int and LEAST <= condition <= MOST:
            shape += name, equal
            values.append(condition)
            continue
        # What is one of a few, some of which are rare, is a literal.  An index over part of the
        # rows, such as those that wait, is only used when the text itself says that the condition
        # implies that of the index; a parameter could be anything.
        literals = _render_literals(condition)
        if literals:
            shape += name, literals
            continue
        if condition == OPEN_SPAN:
            continue
        # for the same reason: the index over the filled ones, see `Layout.sparse`
        filled = ""
        if name in layout.sparse and not _can_be_empty(condition):
            filled = " AND {} <> ''"
        if isinstance(condition, Span):
            comparison, ends = _compare_span(sql, condition)
            if comparison:  # else no column can reach either end: all values match
                shape += name, comparison + filled
                values += ends
        else:
            comparison, operands = _compare_values(sql, condition)
            shape += name, comparison + filled
            values += operands
    return tuple(shape), values


def _can_be_empty(condition: Condition) -> bool:
    """Return whether an empty text meets the condition."""
    if isinstance(condition, Span):
        return condition.low is None or condition.low == ""
    if isinstance(condition, tuple):
        return "" in condition
    return condition == ""


def _render_literals(condition: Condition) -> str:
    """Return how a column is compared with words of ours, or with a truth value; else nothing."""
    if isinstance(condition, Enum):
        return f"= {_render_literal(condition)}"
    if condition is True or condition is False:
        return f"= {condition:d}"
    if isinstance(condition, tuple) and condition and isinstance(condition[0], Enum):
        return _render_in_literals(condition)
    return ""


def _render_literal(word: Enum) -> str:
    """Return a word of ours as SQL text."""
    # an attribute, which is read in C; `value` is a property written in Python
    return f"'{word._value_}'"


# Every claim asks for the same few.  Enums never change, so no answer is ever out of date; the
# bound is only there because a query may name any combination of words.  Typed: a member of an
# IntEnum equals its number.
@lru_cache(maxsize=256, typed=True)
def _render_in_literals(words: tuple[Scalar, ...]) -> str:
    """Return how a column is compared with several words of ours; nothing if one is not."""
    literals = [_render_literal(word) for word in words if isinstance(word, Enum)]
    if len(literals) < len(words):
        return ""
    return f"IN ({', '.join(literals)})"


def _compare_span(sql: Sql, span: Span) -> tuple[str, list[Any]]:
    """Return how a column is compared with the ends of *span*, except unreachable ones."""
    comparisons: list[str] = []
    values: list[Any] = []
    if span.low is not None:
        low = encode_value(span.low)
        if isinstance(low, int) and low > MOST:
            return MATCHES_NONE, []
        if is_storable(low):
            comparisons.append(f">= {sql.placeholder}")
            values.append(low)
    if span.high is not None:
        high = encode_value(span.high)
        if isinstance(high, int) and high < LEAST:
            return MATCHES_NONE, []
        if is_storable(high):
            comparisons.append(f"<= {sql.placeholder}")
            values.append(high)
    return " AND {} ".join(comparisons), values


def _compare_values(sql: Sql, condition: Scalar | tuple[Scalar, ...]) -> tuple[str, Sequence[Any]]:
    """Return how a column is compared with one value, or with any of several."""
    several = condition if isinstance(condition, tuple) else (condition,)
    # no column holds an integer beyond 64 bits, and no driver takes it as a parameter
    values = [encode_value(value) for value in several if is_storable(value)]
    if not values:
        return MATCHES_NONE, ()
    if len(values) == 1:
        return f"= {sql.placeholder}", values
    if sql.has_array_parameters:
        if any(isinstance(value, float) for value in values):
            values = [float(value) for value in values]  # the driver takes arrays of one type only
        return f"= ANY({sql.placeholder})", (values,)
    if len(values) > MAX_SPELLED_OUT:
        # one text for every length, and no limit to it
        return f"IN (SELECT value FROM json_each({sql.placeholder}))", (json.dumps(values),)
    return f"IN ({sql.placeholders(len(values))})", values


def _render_where(conditions: _Filter) -> str:
    texts = [_render_condition(name, how) for name, how in _pair(conditions.shape)]
    if conditions.absence is not None:
        texts.append(_render_absence(conditions.sql, conditions.layout, conditions.absence))
    if not texts:
        return ""
    return f" WHERE {' AND '.join(texts)}"


def _pair(shape: Shape) -> Iterator[tuple[str, str]]:
    """Return each name with how it is compared."""
    return zip(shape[::2], shape[1::2], strict=True)


def _render_condition(name: str, comparison: str, table: str = "") -> str:
    # a comparison with two sides has ``{}`` where the name stands again
    return f"{table}{name} {comparison.format(table + name)}"


def _render_absence(sql: Sql, layout: Layout[Any], absence: _Absence) -> str:
    equalities = [
        f"beside.{theirs} = {sql.schema}{layout.table}.{ours}" for ours, theirs in absence.same
    ]
    conditions = [_render_condition(name, how, "beside.") for name, how in _pair(absence.shape)]
    where = " AND ".join([*equalities, *conditions])
    # Without the end, PostgreSQL may make a hash join of NOT EXISTS and read all rows of both
    # tables; with it, it looks beside one row after the other and stops at the first that fits.
    beside = f"SELECT 1 FROM {sql.schema}{absence.layout.table} AS beside"
    return f"NOT EXISTS ({beside} WHERE {where}{sql.subquery_end})"


# -- texts --
#
# These caches have no bound.  Callers choose values, not shapes: the queries of the library have a
# limited number of these, and names outside of `FIELDS` are refused before a text is made.


@cache
def _insert_text(sql: Sql, layout: Layout[Any]) -> str:
    names = [column.name for column in layout.stored]
    if layout.kind is Event:
        names = names[1:]  # the database makes the position
    names.append("body")
    columns, values = ", ".join(names), sql.placeholders(len(names))
    return f"INSERT INTO {sql.schema}{layout.table} ({columns}) VALUES ({values})"


@cache
def _get_text(sql: Sql, layout: Layout[Any]) -> str:
    columns, key = _render_columns(layout), _render_key(sql, layout)
    return f"SELECT {columns} FROM {sql.schema}{layout.table} WHERE {key}"


@cache
def _update_text(sql: Sql, layout: Layout[Any], columns: tuple[int, ...]) -> str:
    names = (*(column.name for column in layout.stored), "body")
    sets = ", ".join(f"{names[index]} = {sql.placeholder}" for index in columns)
    # the old version in the condition is the optimistic lock: no row is touched when another
    # transaction was faster
    where = f"{_render_key(sql, layout)} AND version = {sql.placeholder}"
    return f"UPDATE {sql.schema}{layout.table} SET {sets} WHERE {where}"


@cache
def _update_many_text(sql: Sql, layout: Layout[Any], columns: tuple[int, ...]) -> str:
    table = f"{sql.schema}{layout.table}"
    names = (*(column.name for column in layout.stored), "body")
    # The rows are parsed as rows of the table, so that each value has the type of its column. A
    # body comes as the text that it is, and not as JSON inside of JSON.
    made = {name: f"made.{name}" for name in names}
    if not layout.text:
        made["body"] = "CAST(made.body #>> '{}' AS json)"
    sets = ", ".join(f"{names[index]} = {made[names[index]]}" for index in columns)
    key = " AND ".join(f"{table}.{column.name} = made.{column.name}" for column in layout.key)
    # each version is the next one, so the old one need not be sent
    # JSON and not JSONB: each text is gone through once
    rows = f"json_populate_recordset(CAST(NULL AS {table}), CAST({sql.placeholder} AS json))"
    return (
        f"UPDATE {table} SET {sets} FROM {rows} AS made "
        f"WHERE {key} AND {table}.version = made.version - 1"
    )


@cache
def _find_text(conditions: _Filter, order: tuple[str, ...], after: str, limit: str) -> str:
    sql, layout = conditions.sql, conditions.layout
    _check_names(conditions, order)
    text = f"SELECT {_render_columns(layout)} FROM {sql.schema}{layout.table}"
    where = _render_where(conditions)
    text += where
    if after:
        text += f" AND {after}" if where else f" WHERE {after}"
    if order:
        text += f" ORDER BY {', '.join(map(_render_sort, _complete_order(layout, order)))}"
    if limit:
        text += f" LIMIT {limit}"
    return text


@cache
def _firsts_text(
    conditions: _Filter, order: tuple[str, ...], by: tuple[str, ...], filled: tuple[str, ...]
) -> str:
    sql, layout = conditions.sql, conditions.layout
    _check_names(conditions, (*order, *by))
    table = f"{sql.schema}{layout.table}"
    get = "wanted.{}" if sql.has_lateral_queries else "json_extract(wanted.value, '$.{}')"
    equal = [f"{name} = {get.format(name)}" for name in by]
    equal += [f"{name} <> ''" for name in filled]
    where = _render_where(conditions)
    where = " AND ".join([where, *equal]) if where else f" WHERE {' AND '.join(equal)}"
    names = _complete_order(layout, order)
    # Each subquery takes the first row of an index: one step for each group, however much is in it.
    rest = f"FROM {table}{where} ORDER BY {', '.join(map(_render_sort, names))} LIMIT 1"
    columns = _render_columns(layout)
    if sql.has_lateral_queries:
        # parsed as rows of the table, so that each value has the type of its column
        wanted = (
            f"jsonb_populate_recordset(CAST(NULL AS {table}), CAST({sql.placeholder} AS jsonb))"
        )
        text = f"{wanted} AS wanted CROSS JOIN LATERAL (SELECT {columns} {rest}) AS found"
    else:
        key = ", ".join(column.name for column in layout.key)
        found = ", ".join(f"found.{column.name}" for column in layout.key)
        # CROSS JOIN is what keeps SQLite to this order: first the groups
        text = f"json_each({sql.placeholder}) AS wanted CROSS JOIN {table} AS found"
        text += f" WHERE ({found}) = (SELECT {key} {rest})"
    read = ", ".join(f"found.{name}" for name in columns.split(", "))
    sort = ", ".join(_render_sort(name, "found.") for name in names)
    return f"SELECT {read} FROM {text} ORDER BY {sort}"


@cache
def _count_text(conditions: _Filter) -> str:
    _check_names(conditions)
    table = f"{conditions.sql.schema}{conditions.layout.table}"
    return f"SELECT COUNT(*) FROM {table}{_render_where(conditions)}"


@cache
def _tally_text(conditions: _Filter, by: tuple[str, ...], add: tuple[str, ...]) -> str:
    _check_names(conditions, (*by, *add))
    table = f"{conditions.sql.schema}{conditions.layout.table}"
    groups, sums = ", ".join(by), _render_sums(add)
    where = _render_where(conditions)
    return f"SELECT {groups}, COUNT(*){sums} FROM {table}{where} GROUP BY {groups}"


@cache
def _sums_text(conditions: _Filter, sums: Sums, by: tuple[str, ...], add: tuple[str, ...]) -> str:
    table = f"{conditions.sql.schema}{sums.table}"
    groups, totals = ", ".join(by), _render_sums(("number", *add))
    where = _render_where(conditions)
    # A group that was left by all has slots that add up to nothing, or to less in one slot than in
    # another; only the sum over the slots says whether the group exists.
    return f"SELECT {groups}{totals} FROM {table}{where} GROUP BY {groups} HAVING SUM(number) <> 0"


def _render_sums(names: tuple[str, ...]) -> str:
    # PostgreSQL's sum of BIGINT is NUMERIC, which the driver gives back as a Decimal
    return "".join(f", CAST(SUM({name}) AS BIGINT)" for name in names)


@cache
def _add_up_text(sql: Sql, sums: Sums, groups: int) -> str:
    key, added = (*sums.by, "slot"), ("number", *sums.add)
    rows = ", ".join([f"({sql.placeholders(len(key) + len(added))})"] * groups)
    # added in the database and not replaced by a value from here: two transactions may add to one
    # slot, and neither has read what the other has written
    more = ", ".join(f"{name} = {sums.table}.{name} + excluded.{name}" for name in added)
    into = f"{sql.schema}{sums.table} ({', '.join((*key, *added))})"
    return f"INSERT INTO {into} VALUES {rows} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {more}"


def _check_names(conditions: _Filter, names: tuple[str, ...] = ()) -> None:
    # names become part of the text, so none may come from outside; each shape is checked once,
    # when its text is made
    check_names(conditions.layout.fields, (*conditions.shape[::2], *names))


# -- order and pages --


def _complete_order(layout: Layout[Any], order: tuple[str, ...]) -> tuple[str, ...]:
    """Return *order* with the key behind it, so that no two rows are equal and pages fit."""
    ordered = {name.removeprefix("-") for name in order}
    return (*order, *(column.name for column in layout.key if column.name not in ordered))


def _render_sort(name: str, table: str = "") -> str:
    if name.startswith("-"):
        return f"{table}{name[1:]} DESC"
    return f"{table}{name}"


def _render_after(sql: Sql, query: Query[Any], after: tuple[Scalar, ...]) -> tuple[str, list[Any]]:
    """Return the condition that a row comes behind the last page, and its parameters."""
    layout = LAYOUTS[query.kind]
    columns = (*query.order, *(column.name for column in layout.key))
    ends = dict(zip(columns, map(encode_value, after), strict=True))
    names = _complete_order(layout, query.order)
    if not any(name.startswith("-") for name in names) and all(map(is_storable, after)):
        # a comparison of row values: the database goes to this place in an index at once, which it
        # does not for the longer form below
        row = f"({', '.join(names)}) > ({sql.placeholders(len(names))})"
        return row, [ends[name] for name in names]
    # Row values know no mixed directions: behind in the first column, or equal in it and behind in
    # the second, and so on.
    steps: list[str] = []
    values: list[Any] = []
    for index, name in enumerate(names):
        earlier = names[:index]
        equal = [f"{other.removeprefix('-')} = {sql.placeholder}" for other in earlier]
        comparison, end = _compare_end(sql, name, ends[name])
        beyond = f"{name.removeprefix('-')} {comparison}"
        steps.append(f"({' AND '.join([*equal, beyond])})")
        values += [*(ends[other] for other in earlier), *end]
        if not end:
            break  # no row has this value, so that no column behind it matters
    return f"({' OR '.join(steps)})", values


def _compare_end(sql: Sql, name: str, end: Any) -> tuple[str, list[Any]]:
    """Return how a column is compared with the end of the last page, if a row can be there."""
    is_descending = name.startswith("-")
    if is_storable(end):
        sign = "<" if is_descending else ">"
        return f"{sign} {sql.placeholder}", [end]
    # a page that ends beyond 64 bits ends before all rows or behind all of them
    is_before_all = (end < LEAST) != is_descending
    return (MATCHES_ALL if is_before_all else MATCHES_NONE), []


@cache
def _render_columns(layout: Layout[Any]) -> str:
    return ", ".join((*(column.name for column in layout.stored), "body"))


def _render_key(sql: Sql, layout: Layout[Any]) -> str:
    return " AND ".join(f"{column.name} = {sql.placeholder}" for column in layout.key)
