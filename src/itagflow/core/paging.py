"""Pages of a list: at most so many entities, behind the last one of the page before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import attrs

from itagflow.model.entity import E, Key
from itagflow.model.number import require_whole_number
from itagflow.storage.fields import FIELDS
from itagflow.storage.port import Query

T = TypeVar("T")
PAGE = 500
"""How many entities an iterator fetches in one short read transaction."""
LEAST_PAGE = 50
"""How many are fetched at the least, also for a shorter page.

What the reader may not see is left out after it was read; by tens, a list of which they may see
little would take many transactions.
"""


def _to_limit(limit: int | None) -> int | None:
    if limit is None:
        return None
    # not 0: a program that asks for pages of nothing until one is empty would miss everything
    return require_whole_number("the list", "limit", limit, least=1)


@attrs.frozen
class Page:
    """Which page of a list is asked for."""

    limit: int | None = attrs.field(default=None, converter=_to_limit)
    """How many entities at the most; None: all."""
    after: Any = None
    """The last entity of the page before, or its key; None: from the beginning."""

    @property
    def size(self) -> int:
        """How many entities are fetched in one read transaction."""
        if self.limit is None:
            return PAGE
        return min(PAGE, max(LEAST_PAGE, self.limit))

    def cut(self, items: Iterator[T]) -> Iterator[T]:
        """Return *items*, but at most so many."""
        if self.limit is None:
            return items
        return _take(items, self.limit)


EVERYTHING = Page()
"""The whole list."""


def _take(items: Iterator[T], limit: int) -> Iterator[T]:
    """Yield at most so many items.

    Not `itertools.islice`, which keeps *items* after the last one: an iterator over a snapshot
    would keep its transaction open for as long as the caller keeps the list.
    """
    for _ in range(limit):
        try:
            item = next(items)
        except StopIteration:
            return
        yield item


def begin_behind(query: Query[E], key: Key) -> Query[E]:
    """Return *query*, which sorts by fields of the key, from behind the entity with this *key*.

    By the key and not by a number of entities that are skipped: what comes or goes before it
    meanwhile shifts nothing, and nothing is missed or repeated.
    """
    names = [field.name for field in FIELDS[query.kind].key]
    values: dict[str, Any] = dict(zip(names, key, strict=True))
    return attrs.evolve(query, after=tuple(values[name] for name in (*query.order, *names)))
