"""What is gone through once, and how much of it there is: so that a progress bar has a total."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import length_hint
from typing import Any, Generic, TypeVar

import attrs

T = TypeVar("T")
Wrap = Callable[[Iterable[Any]], Iterable[Any]]
"""Wraps an iterable to show how far it is, such as ``tqdm`` or ``rich.progress.track``."""


@attrs.frozen(eq=False)
class Counted(Generic[T]):
    """An iterable with a length, which may be a bit off where others add to it meanwhile.

    >>> counted = Counted(iter("abc"), 3)
    >>> len(counted), list(counted)
    (3, ['a', 'b', 'c'])
    """

    items: Iterable[T]
    total: int

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return self.total


@attrs.define(eq=False)
class Remaining(Generic[T]):
    """An iterator that knows how many items are left, as those of lists do.

    >>> remaining = Remaining(iter("abc"), 3)
    >>> next(remaining), length_hint(remaining)
    ('a', 2)
    """

    items: Iterator[T]
    left: int

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        item = next(self.items)
        self.left -= 1
        return item

    def __length_hint__(self) -> int:
        return max(self.left, 0)


def show(items: Iterable[T], total: int, progress: Wrap | None) -> Iterable[T]:
    """Return *items* as *progress* shows them, which is told how many there are.

    >>> list(show(iter("abc"), 3, lambda shown: [len(shown), *shown]))
    [3, 'a', 'b', 'c']
    """
    return items if progress is None else progress(Counted(items, total))


def show_rest(items: Iterator[T], progress: Wrap | None) -> Iterable[T]:
    """Return *items* as *progress* shows them: with how many there are, if they know it.

    >>> list(show_rest(iter([4, 2]), lambda shown: [len(shown), *shown]))
    [2, 4, 2]
    """
    if progress is None:
        return items
    left = length_hint(items, -1)
    return progress(items if left < 0 else Counted(items, left))


@attrs.define(eq=False)
class Steps:
    """The steps of what goes on in blocks, shown one by one as they are done.

    >>> steps = Steps.begin(3, lambda shown: map(print, shown))
    >>> steps.advance(2)
    0
    1
    >>> steps.end()
    2
    """

    shown: Iterator[object]

    @classmethod
    def begin(cls, total: int, progress: Wrap | None) -> Steps:
        """Return so many steps, none of which is done."""
        return cls(iter(show(range(total), total, progress)))

    def advance(self, count: int) -> None:
        """Show that so many more are done."""
        deque(islice(self.shown, count), maxlen=0)

    def end(self) -> None:
        """Show that all are done, also where there were fewer than was thought."""
        deque(self.shown, maxlen=0)
