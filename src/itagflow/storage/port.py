"""The storage port: nine verbs inside ``read()`` and ``write()`` transactions.

How to write your own store, and what it must promise, is a page of the documentation;
`itagflow.testing.StoreContract` proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum
from typing import Generic, Protocol, runtime_checkable

import attrs

from itagflow.model.entity import E, Entity, Key

Scalar = str | int | float | bool | datetime | Enum
"""What an index column holds, as Python sees it."""


@attrs.frozen
class Span:
    """A condition: from *low* to *high*, both included; None leaves a side open.

    >>> Span(1, 100).high
    100
    """

    low: Scalar | None = None
    """The least value that matches."""
    high: Scalar | None = None
    """The greatest value that matches."""


Condition = Scalar | tuple[Scalar, ...] | Span
"""A value, a tuple (any of these), or a `Span`."""


@attrs.frozen
class Unless:
    """A condition on a query: no entity of *kind* in the same place matches *where*."""

    kind: type[Entity]
    """The kind that must not be there."""
    where: Mapping[str, Condition] = attrs.field(hash=False)
    """What it would match."""
    same: Mapping[str, str] = attrs.field(hash=False)
    """The join: the query's column on the left, the equal column of *kind* on the right."""


@attrs.frozen
class Query(Generic[E]):
    """Which entities, in which order.  Only index columns can be named, in every store."""

    kind: type[E]
    """The kind that is looked for."""
    where: Mapping[str, Condition] = attrs.field(factory=dict[str, Condition], hash=False)
    """What must hold, by column; all of it."""
    order: tuple[str, ...] = ()
    """The columns to sort by, ``-name`` for descending; the key breaks ties.  Empty: any order."""
    limit: int | None = None
    """How many at the most; None: all."""
    after: tuple[Scalar, ...] | None = None
    """Where the last page ended: the order columns and the key of its last entity."""
    unless: Unless | None = None
    """What must not be there beside it."""


class Reader(Protocol):
    """**Protocol:** queries inside a transaction, whose answers are consistent."""

    def get(self, kind: type[E], key: Key) -> E:
        """Return the entity with this key.

        Raises:
            NotFound: when there is none.
        """
        ...

    def find(self, query: Query[E]) -> Iterator[E]:
        """Yield every match in order."""
        ...

    def count(self, query: Query[E]) -> int:
        """Return how many match; order, limit and after are ignored."""
        ...

    def tally(
        self, query: Query[E], by: tuple[str, ...], add: tuple[str, ...] = ()
    ) -> dict[tuple[Scalar, ...], tuple[int, ...]]:
        """Return the count and the sums of the columns *add* for each combination of *by*.

        Values are as stored: enums by value, times in microseconds, booleans as 0 and 1.
        """
        ...


class Writer(Reader, Protocol):
    """**Protocol:** what can be done inside a write transaction, all or nothing."""

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        """Insert new entities and return them as stored: events with their position.

        Raises:
            AlreadyExists: when a key or a unique column is taken; none is added then.
        """
        ...

    def save(self, *entities: Entity) -> None:
        """Replace entities; each must be exactly one version newer than the stored one.

        Raises:
            Conflict: when one is not; none is saved then.  A store that has saved others before it
                finds out may refuse to keep the transaction instead, with `StoreFailed` at its end.
        """
        ...

    def lock_first(self, query: Query[E]) -> E | None:
        """Lock the first match that no other writer has locked, and return it; this never waits."""
        ...

    def lock(self, kind: type[E], key: Key, *, shared: bool = False, create: E | None = None) -> E:
        """Wait for other writers, lock the entity until this transaction ends, and return it.

        With *shared* it only stays as it is: other transactions may hold it in that way too, and
        none may save it. With *create*, an entity with this key, that one is inserted first if
        there is none.  When several transactions create the same entity at once, one inserts it and
        the others return what it has stored.

        Raises:
            NotFound: when there is none, and *create* is not given.
            AlreadyExists: when a unique column of *create* is taken by an entity with another key.
        """
        ...

    def remove(self, query: Query[E], limit: int) -> int:
        """Delete at most *limit* matches, return how many; order, limit and after are ignored."""
        ...


class Store(Protocol):
    """**Protocol:** keeps entities.  One store may be shared by threads."""

    @property
    def name(self) -> str:
        """What errors call it, such as the path of its file."""
        ...

    def connector(self) -> Callable[[], Store] | None:
        """Return a picklable function that opens this store in another process, or None."""
        ...

    def read(self, *, snapshot: bool = False) -> AbstractContextManager[Reader]:
        """Open a read transaction; one with *snapshot* may stay open and has its own connection.

        Raises:
            StoreFailed: when the store is closed, or this thread has a transaction open already (a
                snapshot is not refused for that, but in memory it is inside a transaction that
                writes).
        """
        ...

    def write(self) -> AbstractContextManager[Writer]:
        """Open a transaction that is kept when it ends, and dropped when it raises.

        Raises:
            StoreFailed: when this thread has a transaction open already.
        """
        ...

    def high_water_mark(self) -> int:
        """Return a position up to which the event log is complete: no later commit adds below it.

        Whoever follows the history asks this first, and reads up to there in a transaction that
        begins later.
        """
        ...

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        ...

    def close(self, timeout: float = 10.0) -> bool:
        """Refuse new transactions from now on, and give back what the store holds.

        Idle snapshots end at once: their next question raises `StoreFailed`.  Transactions that run
        go on to their end, and are waited for, for *timeout* seconds at most; a transaction of the
        calling thread is not waited for.  It may be called from any thread, inside a transaction,
        from a signal handler or a finalizer, and more than once.

        Returns:
            Whether all transactions have ended.
        """
        ...


@runtime_checkable
class SupportsLockAll(Protocol):
    """**Protocol:** a writer that locks several rows at once; others are asked for each."""

    def lock_all(self, query: Query[E]) -> list[E]:
        """Wait for other writers, lock all matches in the order of *query*, and return them."""
        ...


@runtime_checkable
class SupportsReplaceAll(Protocol):
    """**Protocol:** a writer that replaces many entities one by one, as it reads them.

    With other writers all are locked first, and then saved together: they are in memory at once.
    """

    def replace_all(self, query: Query[E], prepare: Callable[[int], Callable[[E], E]]) -> None:
        """Wait for other writers, lock all matches, and replace each.

        Args:
            query: What finds them, in which order.
            prepare: Is called with their number when all are locked, and may use this transaction.
                It returns a function that is given each match and returns its next version, or the
                very entity that it was given where nothing changes; that function must not use this
                transaction.

        Raises:
            Conflict: when it returns anything else; the transaction must roll back then, as after
                any other error.
        """
        ...


@runtime_checkable
class SupportsFindFirsts(Protocol):
    """**Protocol:** a reader that looks into many groups at once; others are asked for each."""

    def find_firsts(
        self, query: Query[E], by: tuple[str, ...], groups: Sequence[tuple[Scalar, ...]]
    ) -> Iterator[E]:
        """Yield the first match of *query* in each of *groups*, and those in its order.

        A group is what the columns *by* hold, which *query* does not name; none is given twice.
        Limit and after are ignored.
        """
        ...


@runtime_checkable
class SupportsStatistics(Protocol):
    """**Protocol:** a store whose database plans by statistics, which a large load makes wrong."""

    def gather_statistics(self) -> None:
        """Let the database see how much there is now; nothing that is stored changes."""
        ...


@runtime_checkable
class SupportsNotify(Protocol):
    """**Protocol:** a store that can wake waiting readers of events; other stores are polled."""

    def subscribe(self) -> AbstractContextManager[Callable[[float], object]]:
        """Begin to listen; the result waits until a transaction stored events, or some seconds."""
        ...
