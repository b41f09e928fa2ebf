"""How an operation runs: one write transaction that reads, decides and stores; then listeners."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NoReturn, TypeVar

from itagflow.access import Policy
from itagflow.contexts import safe_context
from itagflow.core.ids import Ids
from itagflow.core.lookup import EntityCache
from itagflow.core.registry import Registry
from itagflow.core.transaction import Transaction
from itagflow.errors import AlreadyExists, InvalidData, NotFound, RuleError, StoreFailed
from itagflow.model.batch import BatchResult
from itagflow.model.event import Event
from itagflow.model.moment import to_utc
from itagflow.model.package import Assignment
from itagflow.storage.port import Store

Clock = Callable[[], datetime]
"""Tells the time, with its time zone."""
Listener = Callable[[Event], object]
"""Receives each event after it is stored; what it returns is ignored."""

T = TypeVar("T")
RACES = 3
"""How many times somebody else may be faster, and what they have created be gone again."""
BLOCK = 200
"""How many operations of a bulk verb share a transaction, while other writers wait."""


def find_or_create(act: Callable[[], T]) -> T:
    """Return what *act* returns: it looks for something by name, and creates it when there is none.

    Between the look and the creation another process may create the same.  Then the database
    refuses the name, the transaction is undone, and *act* is called again: now it finds it.

    Raises:
        AlreadyExists: when what is there cannot be returned.
    """
    for _ in range(RACES):
        try:
            return act()
        except AlreadyExists as error:
            if error.differences:
                raise
    return act()


class Engine:
    """What every service uses: a store, a policy, a clock, ids, and the listeners."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        ids: Ids,
        listeners: Sequence[Listener],
        registry: Registry,
    ) -> None:
        """Put these together; `Flow` documents them."""
        self.store = store
        self.policy = policy
        self.clock = clock
        self.ids = ids
        self.listeners = tuple(listeners)
        self.registry = registry
        self._cache = EntityCache()

    @safe_context
    def transaction(self) -> Generator[Transaction]:
        """Open a write transaction for one operation; then call the listeners."""
        with self.store.write() as writer:
            transaction = Transaction(
                writer, self.now(), self.policy, self.ids, self._cache, self.registry
            )
            yield transaction
        for event in transaction.events if self.listeners else ():
            self._tell(event)

    def run_batch(
        self,
        keys: Iterable[tuple[int, int]],
        lock: Callable[[Transaction, Sequence[tuple[int, int]]], object],
        act: Callable[[Transaction, tuple[int, int]], Assignment],
    ) -> list[BatchResult]:
        """Run *act* with each key and return each outcome; *lock* locks the rows of a batch.

        An act decides before it stores anything, so one that is refused leaves no trace.  A
        transaction goes job by job, in the order in which everybody locks jobs.
        """
        asked, results = iter(list(keys)), list[BatchResult]()
        while some := list(islice(asked, BLOCK)):
            with self.transaction() as transaction:
                lock(transaction, some)
                order = sorted(range(len(some)), key=lambda at: some[at][0])
                done = dict[int, BatchResult]()
                for at in order:
                    transaction.begin_operation()
                    done[at] = _attempted(transaction, some[at], act)
            results += map(done.__getitem__, range(len(some)))
        return results

    def now(self) -> datetime:
        """Return the time of the clock, in UTC."""
        return to_utc("the clock", "now", self.clock())

    def __reduce__(self) -> NoReturn:
        """Refuse to be sent to another process, alone or as part of a Flow.

        Raises:
            StoreFailed: always; it says what to do instead.
        """
        hint = (
            "Open one there, with itagflow.open(url); "
            "a store in memory can only be shared by threads"
        )
        raise StoreFailed(self.store.name, "a Flow cannot be sent to another process", hint)

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                import logging  # loaded when there is something to say

                logging.getLogger("itagflow").exception(
                    "a listener failed on %s; the act is stored all the same", event
                )


def _attempted(
    transaction: Transaction,
    key: tuple[int, int],
    act: Callable[[Transaction, tuple[int, int]], Assignment],
) -> BatchResult:
    try:
        return BatchResult(key, act(transaction, key))
    except (RuleError, InvalidData, NotFound) as error:
        return BatchResult(key, error=error.with_traceback(None))
