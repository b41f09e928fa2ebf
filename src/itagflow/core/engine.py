"""How an operation runs: one write transaction that reads, decides and stores; then listeners.

Also where the time and new keys come from, unless an application brings its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import NoReturn, TypeVar

from itagflow.access import Policy
from itagflow.contexts import SafeContext
from itagflow.core.calls import running_call
from itagflow.core.lookup import EntityCache
from itagflow.core.registry import Registry
from itagflow.core.transaction import Ids, Transaction
from itagflow.errors import AlreadyExists, InvalidData, NotFound, Problem, RuleError, StoreFailed
from itagflow.model.arguments import call
from itagflow.model.batch import BatchResult
from itagflow.model.event import Event
from itagflow.model.moment import to_utc
from itagflow.model.package import Assignment
from itagflow.storage.port import Store

Clock = Callable[[], datetime]
"""Tells the time, with its time zone."""
Listener = Callable[[Event], object]
"""Receives each event after it is stored, as readers get it; what it returns is ignored."""

Settle = Callable[["Engine", int], object]
"""Closes and decides lots of a job, behind each transaction that has moved a package in lots."""

T = TypeVar("T")
RACES = 3
"""How many times somebody else may be faster, and what they have created be gone again.

Once is what happens.  A second time needs a third process that deletes it in between; after three
the name is taken by something that the search does not find, and the error says what.
"""
BLOCK = 200
"""How many elements of a bulk operation share a transaction, while other writers wait.

A commit costs the same for one operation and for many, so more in one are faster; but on SQLite
nobody else writes meanwhile, and on PostgreSQL their packages stay locked.
"""


def now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


# 63 bits together, as a signed column of 64 bits holds: 41 bits of milliseconds reach to 2089, and
# 22 are enough for four million keys in one millisecond before they run into the next one.
MOMENT_BITS = 41
RANDOM_BITS = 22
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = _EPOCH + (2**MOMENT_BITS - 1) * _MILLISECOND


class TimeOrdered:
    """Makes keys: 41 bits of milliseconds since 2020, then a count that starts at 22 random bits.

    Each count is one step in C, so no lock is needed that an exception, or a fork, could leave
    locked.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Start with the time that *clock* tells."""
        self._clock = clock
        self._latest = 0
        self._counts = _make_counter()
        self._process = os.getpid()

    def __call__(self) -> int:
        """Return the next key; never one that this object has returned before, in any thread.

        Raises:
            InvalidData: when the clock is before 2020 or after 2089, or tells no time.
        """
        # The largest time so far: a clock that is set back must not lead to keys that were drawn
        # before.  Two threads may both store theirs; either is right, since the count goes on.
        moment = self._latest = max(
            self._latest, _count_milliseconds(to_utc("the clock", "now", self._clock()))
        )
        process = os.getpid()
        if self._process != process:  # a child of a fork would draw what its parent draws
            self._counts = _make_counter()
            self._process = process
        # added and not or-ed: a count that outgrows its bits carries into the milliseconds, and the
        # keys stay different
        return (moment << RANDOM_BITS) + next(self._counts)


def _make_counter() -> Iterator[int]:
    # at random, so that processes that start in the same millisecond draw different keys; not by
    # `secrets`, which loads much more
    return count(int.from_bytes(os.urandom(4)) % 2**RANDOM_BITS)


def _count_milliseconds(at: datetime) -> int:
    """Return the milliseconds since 2020, which 41 bits hold until 2089."""
    if not _EPOCH <= at <= _LAST:
        reason = (
            f"is {at:%Y-%m-%d}: keys count the time from {_EPOCH:%Y-%m-%d} to {_LAST:%Y-%m-%d}; "
            "pass others as ids="
        )
        raise InvalidData("the clock", [Problem("now", reason)])
    return (at - _EPOCH) // _MILLISECOND


def find_or_create(operation: Callable[[], T]) -> T:
    """Return what *operation* returns: it finds something by name, or creates it.

    Between the search and the creation another process may create the same.  Then the database
    refuses the name, the transaction is undone, and *operation* is called again: now it finds it.

    Raises:
        AlreadyExists: when what is there cannot be returned.
    """
    for _ in range(RACES):
        try:
            return operation()
        except AlreadyExists as error:
            # it was found, and is not what was to be created: to search again changes nothing
            if error.differences:
                raise
    return operation()


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
        settle: Settle | None = None,
    ) -> None:
        """Put these together; `Flow` documents them.  *settle* is called as `Settle` says."""
        self.store = store
        self.policy = policy
        self.clock = clock
        self.ids = ids
        self.listeners = tuple(listeners)
        self.registry = registry
        self.settle = settle
        self.cache = EntityCache()

    def transaction(self) -> SafeContext[Transaction]:
        """Open a write transaction for one operation; then call the listeners."""
        # without the wrapper of `safe_context`: one is opened for every operation
        return SafeContext(self._run_transaction)

    def _run_transaction(self) -> Generator[Transaction]:
        with self.store.write() as writer:
            transaction = Transaction(
                writer, self.now(), self.policy, self.ids, self.cache, self.registry
            )
            yield transaction
            call = running_call.get()
            if call is not None:
                # the last moment: what is not committed yet is rolled back, as if never called
                call.require_wanted()
            # in the transaction: what it has changed itself, such as a name that was erased, counts
            events: list[Event] = []
            if self.listeners and transaction.events:
                events = transaction.events_as_read()
        if call is not None:
            call.note_committed(transaction.events)
        # after the commit: a listener must not learn of what is rolled back, nor hold locks while
        # it runs, and may call the Flow itself
        if events or transaction.changed_lots:
            # What listeners do is not part of the call: it is not given up with that.
            token = running_call.set(None)
            try:
                for event in events:
                    self._notify(event)
                for job in sorted(transaction.changed_lots):
                    self._settle(job)
            finally:
                running_call.reset(token)

    def run_batch(
        self,
        keys: Iterable[tuple[int, int]],
        lock: Callable[[Transaction, Sequence[tuple[int, int]]], object],
        operation: Callable[[Transaction, tuple[int, int]], Assignment],
    ) -> list[BatchResult]:
        """Run *operation* with each key and return each outcome; *lock* locks the rows of a batch.

        An operation decides before it stores anything, so one that is refused leaves no trace.
        """
        remaining, results = iter(list(keys)), list[BatchResult]()
        while batch := list(islice(remaining, BLOCK)):
            with self.transaction() as transaction:
                # All packages and assignments first.  One operation after the other would lock a
                # package behind the job of the operation before, which is out of order.
                lock(transaction, batch)
                # Job by job, in the order in which everybody locks jobs; the results are in the
                # order of the caller.
                by_job = sorted(range(len(batch)), key=lambda index: batch[index][0])
                outcomes: dict[int, BatchResult] = {}
                for index in by_job:
                    transaction.begin_operation()
                    outcomes[index] = _attempt(transaction, batch[index], operation)
            results += [outcomes[index] for index in range(len(batch))]
        return results

    def now(self) -> datetime:
        """Return the time of the clock, in UTC."""
        return to_utc("the clock", "now", call("the clock", "now", self.clock))

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

    def _settle(self, job: int) -> None:
        if self.settle is None:
            return
        try:
            self.settle(self, job)
        except Exception:
            # as with a listener: the operation is stored; the next one, or a tick, settles the lots
            import logging

            logging.getLogger("itagflow").exception(
                "lots of job %s were not settled; the act is stored all the same", job
            )

    def _notify(self, event: Event) -> None:
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                # The operation is stored, and its caller must learn that: an error from here would
                # say that it failed.  Nor may one listener keep the event from the next.
                import logging  # loaded when there is something to say

                logging.getLogger("itagflow").exception(
                    "a listener failed on %s; the act is stored all the same", event
                )


def _attempt(
    transaction: Transaction,
    key: tuple[int, int],
    operation: Callable[[Transaction, tuple[int, int]], Assignment],
) -> BatchResult:
    try:
        return BatchResult(key, operation(transaction, key))
    except (RuleError, InvalidData, NotFound) as error:
        # Refusals of this one; what the store raises ends the batch.  The traceback would keep the
        # frames alive, and with them the transaction and everything that it has read.
        return BatchResult(key, error=error.with_traceback(None))
