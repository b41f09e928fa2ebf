"""A sorted list that stays fast when it is long."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

Item = tuple[Any, ...]

LOAD = 512
"""About how many items a chunk has; twice as many are split."""


class Sorted:
    """Tuples in order, in chunks, so that adding and removing one moves few others."""

    def __init__(self) -> None:
        """Start empty."""
        self._chunks: list[list[Item]] = []
        self._lasts: list[Item] = []

    def copy(self) -> Sorted:
        """Return a copy that later changes do not touch."""
        other = Sorted()
        other._chunks, other._lasts = [chunk[:] for chunk in self._chunks], self._lasts[:]
        return other

    def add(self, item: Item) -> None:
        """Put *item* in its place."""
        if not self._chunks:
            self._chunks, self._lasts = [[item]], [item]
            return
        at = min(bisect_left(self._lasts, item), len(self._lasts) - 1)
        chunk = self._chunks[at]
        insort(chunk, item)
        self._lasts[at] = chunk[-1]
        if len(chunk) > 2 * LOAD:
            self._chunks[at : at + 1] = [chunk[:LOAD], chunk[LOAD:]]
            self._lasts[at : at + 1] = [chunk[LOAD - 1], chunk[-1]]

    def remove(self, item: Item) -> None:
        """Take *item*, which is there, out."""
        at = bisect_left(self._lasts, item)
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, item)]
        if chunk:
            self._lasts[at] = chunk[-1]
        else:
            del self._chunks[at], self._lasts[at]

    def since(self, start: Item) -> Iterator[Item]:
        """Yield the items that are not less than *start*, in order."""
        at = bisect_left(self._lasts, start)
        if at == len(self._chunks):
            return
        yield from self._chunks[at][bisect_left(self._chunks[at], start) :]
        for later in range(at + 1, len(self._chunks)):
            yield from self._chunks[later]
