"""What is gone through once, and how much of it there is: so that a progress bar has a total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

import attrs

T = TypeVar("T")


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
