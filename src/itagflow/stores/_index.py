"""How the store in memory finds rows: which index fits a query, and what part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from itagflow.model.entity import Key
from itagflow.store import Condition, Span
from itagflow.stores._columns import plain
from itagflow.stores._layout import Layout
from itagflow.stores._sorted import Item, Sorted

Found = tuple[dict[str, Any], Any]
"""The columns of a row, and its entity."""


class Index:
    """One combination of columns, sorted; the key settles ties."""

    def __init__(self, layout: Layout[Any], columns: tuple[str, ...]) -> None:
        """Start empty."""
        named = {name.removeprefix("-") for name in columns}
        self.key = tuple(column.name for column in layout.key)
        self.columns = (*columns, *(name for name in self.key if name not in named))
        self.rows = Sorted()

    def item(self, values: Mapping[str, Any], key: Key) -> Item:
        """Return a row's place in the index, with its key at the end."""
        return (*(-values[name[1:]] if name[0] == "-" else values[name] for name in self.columns), key)


def stored(condition: Condition) -> Any:
    """Return a condition on what columns hold."""
    if isinstance(condition, Span):
        return Span(*(None if end is None else plain(end) for end in (condition.low, condition.high)))
    return frozenset(map(plain, condition)) if isinstance(condition, tuple) else plain(condition)


def fits(value: Any, condition: Any) -> bool:
    """Return whether what a column holds fits."""
    if isinstance(condition, Span):
        low, high = cast(Any, condition.low), cast(Any, condition.high)
        return bool((low is None or value >= low) and (high is None or value <= high))
    if isinstance(condition, frozenset):
        return value in cast(Any, condition)
    return bool(value == condition)


def best(indexes: list[Index], where: Mapping[str, Any], order: tuple[str, ...]) -> tuple[Index, int, bool]:
    """Return the index that leaves least to look at, how many of its columns are fixed, and if it sorts right."""
    chosen = (indexes[0], 0, False)
    score = (-1, False)
    for index in indexes:
        depth = 0
        while depth < len(index.columns) and _is_fixed(where, index.columns[depth].removeprefix("-")):
            depth += 1
        full = (*order, *(name for name in index.key if name not in order))
        rest = tuple(name for name in full if not _is_fixed(where, name.removeprefix("-")))
        ordered = bool(order) and index.columns[depth : depth + len(rest)] == rest
        narrowed = depth < len(index.columns) and index.columns[depth].removeprefix("-") in where
        if (2 * depth + narrowed, ordered) > score:  # a fixed column leaves less than one of several values
            score, chosen = (2 * depth + narrowed, ordered), (index, depth, ordered)
    return chosen


def _is_fixed(where: Mapping[str, Any], name: str) -> bool:
    return name in where and not isinstance(where[name], Span | frozenset)


def keys_in(index: Index, depth: int, where: Mapping[str, Any]) -> Iterator[Key]:
    """Yield the keys of the part of *index* that conditions on its first columns leave."""
    prefix = tuple(_wanted(where, name) for name in index.columns[:depth])
    following = _wanted(where, index.columns[depth]) if depth < len(index.columns) else None
    if isinstance(following, frozenset):
        for value in sorted(cast(Any, following)):
            yield from _under(index, (*prefix, value))
    elif isinstance(following, Span):
        start = prefix if following.low is None else (*prefix, following.low)
        for item in index.rows.since(start):
            beyond = following.high is not None and item[depth] > following.high
            if item[:depth] != prefix or beyond:
                return
            yield item[-1]
    else:
        yield from _under(index, prefix)


def _wanted(where: Mapping[str, Any], name: str) -> Any:
    """Return the condition on a column of an index; one that sorts downward holds negative numbers."""
    if name[0] != "-":
        return where.get(name)
    condition = where.get(name[1:])
    if isinstance(condition, Span):
        return Span(*(None if end is None else -cast(int, end) for end in (condition.high, condition.low)))
    if isinstance(condition, frozenset):
        return frozenset(-number for number in cast("frozenset[int]", condition))
    return None if condition is None else -condition


def _under(index: Index, prefix: Item) -> Iterator[Key]:
    for item in index.rows.since(prefix):
        if item[: len(prefix)] != prefix:
            return
        yield item[-1]


def by_order(order: tuple[str, ...]) -> Callable[[Found, Found], int]:
    """Return a comparison by columns, some descending; ties by key."""

    def compare(one: Found, other: Found) -> int:
        for name in order:
            column = name.removeprefix("-")
            a, b = one[0][column], other[0][column]
            if a != b:
                return -1 if (a < b) == (name == column) else 1
        return -1 if one[1].key < other[1].key else 1

    return compare


def is_later(names: tuple[str, ...], values: Mapping[str, Any], last: Item) -> bool:
    """Return whether a row comes after the place where the last page ended."""
    for name, end in zip(names, last, strict=True):
        value = values[name.removeprefix("-")]
        if value != end:
            return bool((value > end) == (name[0] != "-"))
    return False
