"""Transactions of one process: each has its own connection while it runs, in any failure.

A transaction is a generator (`itagflow.contexts`) in layers.  Each layer takes one thing before its
inner layer runs, and gives it back in a ``finally`` clause that begins with one call of a function
written in C:

1. `Transactions._run`: the thread's mark that it has a transaction open;
2. `Transactions._run_in_turn`: a place in the queue, where only so many may run at once;
3. `Transactions._run_registered`: the entry in `State.running`, for which `close` and forks wait;
4. ``_lend`` of each database: the connection, and on it the transaction.  To roll back and to lend
   it again takes more than one call; where that is interrupted, an outer clause closes it.

Around all of them, when something was raised, `Transactions._end` gives back once more what a layer
did not get to give back.  A function in Python can be struck at its first line, so no layer relies
on it.

What threads share (`State`) is changed by single calls of dicts and deques, which are atomic; there
are no locks that an exception could leave locked.
"""

from __future__ import annotations

from _thread import LockType, allocate_lock, get_ident
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from time import monotonic, sleep
from typing import Generic, Protocol, TypeVar

from itagflow.contexts import SafeContext
from itagflow.errors import StoreFailed
from itagflow.model.number import require_number
from itagflow.storage._sql import forks
from itagflow.storage._sql.forks import PAUSE
from itagflow.storage._sql.transaction import (
    IS_CLOSED,
    IS_OF_PARENT,
    C,
    Mode,
    State,
    Transaction,
)

IDLE = 16
"""How many idle connections of a kind are kept: so many threads that read at once open none."""
WAKE = 0.05
"""After how many seconds a waiting transaction looks again: its waker may be interrupted.

Long against the time of a transaction, so that looking costs nothing; short enough that nobody
notices the rare case.
"""


class View(Protocol):
    """**Protocol:** what a caller gets to work with."""

    def settle(self) -> None:
        """Do what comes last before a commit."""
        ...


V = TypeVar("V", bound=View)


class Transactions(ABC, Generic[C]):
    """Opens transactions on one database, for all threads of this process."""

    timeout = 60.0
    """For how many seconds a transaction waits before it begins.

    Operations take milliseconds: after a minute somebody has forgotten to end something.
    """
    is_closed_at_forks = False
    """Whether no connection may be open at a fork."""

    def __init__(self, name: str, *, reading: int | None, writing: int | None) -> None:
        """Open transactions on the database that errors call *name*.

        Args:
            name: What errors call the database.
            reading: How many that read may run at once in this process; None: any number.
            writing: How many that write.
        """
        self.name = name
        self._reading, self._writing = reading, writing
        self.state: State[C] = State()
        forks.watch(self)

    def __del__(self) -> None:
        """Close the connections of a store that was dropped without being closed."""
        self.state.is_closed = True
        self.close_idle()

    def threads(self) -> list[int]:
        """Return the threads that have a transaction open, or close connections: one for each."""
        return [*self.state.running.values(), *self.state.closing.values()]

    def is_at_work(self, but: int) -> bool:
        """Return whether another thread than *but* is in something that will end soon.

        A long transaction that runs no statement is not: nobody knows when it goes on.
        """
        running = list(self.state.running.items())
        at_work = [
            thread
            for transaction, thread in running
            if transaction.is_busy or not transaction.is_long
        ]
        return any(thread != but for thread in (*at_work, *list(self.state.closing.values())))

    def open(self, mode: Mode, view: Callable[[Transaction[C]], V]) -> SafeContext[V]:
        """Return a transaction as a context manager that gives *view* of it.

        Raises:
            StoreFailed: when the store is closed, this thread has a transaction open already, or
                the database refuses.
        """
        return SafeContext(partial(self._run, mode, view))

    def close(self, timeout: float) -> bool:
        """Refuse new transactions, end idle long ones, wait for the others, close all connections.

        Transactions that go on close their connection at their end.  There is nothing here to wait
        for or to lose when it is called from a signal handler, a finalizer or inside a transaction:
        then one of this very thread goes on.

        Returns:
            Whether all have ended.

        Raises:
            InvalidData: when *timeout* is not a number of seconds; nothing is closed then.
        """
        timeout = require_number("close", "timeout", timeout, least=0)
        state, thread, until = self.state, get_ident(), monotonic() + timeout
        # First, so that nothing begins behind this; then those that run, until none is left.  It
        # polls: a condition variable has a lock, and a signal handler may have interrupted its
        # owner.
        state.is_closed = True
        while True:
            self._end_idle(state)
            self._close_idle(state)
            threads = self.threads()
            if not threads:
                return True
            if thread in threads or monotonic() >= until:
                return False
            sleep(PAUSE)

    def close_idle(self) -> None:
        """Close the connections that nobody uses."""
        self._close_idle(self.state)

    def begin_in_child(self) -> None:
        """Forget, in a forked child, all that belongs to its parent."""
        old, thread = self.state, get_ident()
        # The order matters: the thread that forked may go on with its transaction here, at whatever
        # statement it was.  Before anything else it must see that nothing is its own.
        old.is_inherited = True
        was_open = bool(old.running or old.closing or old.idle[False] or old.idle[True])
        running = list(old.running)
        forks.keep_for_ever((old, [transaction.connections for transaction in running]))
        for transaction in running:
            transaction.refusal = IS_OF_PARENT
            for connection in transaction.connections:
                # the thread that forked may stand right before its next statement, with the
                # connection in hand
                self._disable(connection, is_own=transaction.thread == thread)
            transaction.connections = []
        for connection in (*old.idle[False], *old.idle[True]):
            self._disable(connection, is_own=False)
        self.state = State(self._refusal_in_child(was_open))
        self.state.is_closed = old.is_closed

    # -- one transaction, layer by layer --

    def _run(self, mode: Mode, view: Callable[[Transaction[C]], V]) -> Generator[V]:
        """Allow one transaction per thread: a nested one would see half of an operation."""
        state, thread = self.state, get_ident()
        owners = state.owners
        transaction: Transaction[C] = Transaction(
            self.name, mode, thread, monotonic() + self.timeout
        )
        self._must_be_open(state)
        if thread in owners and not transaction.is_long:
            hint = (
                "End it first: a verb inside another's transaction would see half of an operation"
            )
            raise StoreFailed(self.name, "this thread has a transaction open already", hint)
        try:
            # a long one runs beside others of its thread: no mark, and no place in the queue
            if transaction.is_long:
                yield from self._run_registered(transaction, state, view)
            else:
                try:
                    owners[thread] = transaction
                    yield from self._run_in_turn(transaction, state, view)
                finally:
                    owners.pop(thread, None)
        except BaseException:
            # only then: where nothing was raised, each layer has come to its end
            self._end(transaction, state)
            raise
        if state.is_closed:
            self._close_idle(state)

    def _run_in_turn(
        self, transaction: Transaction[C], state: State[C], view: Callable[[Transaction[C]], V]
    ) -> Generator[V]:
        """Let only so many run at once, first come, first served.

        To stand among the first in the queue *is* to have the turn, so there is nothing else to
        keep in step.
        """
        width = self._reading
        if transaction.is_writing:
            width = self._writing
        if width is None:
            yield from self._run_registered(transaction, state, view)
            return
        queue = state.queue
        waiter = transaction.waiter = allocate_lock()
        waiter.acquire()  # the next `acquire` waits, until whoever goes before releases it
        try:
            queue.append(waiter)
            while queue.index(waiter) >= width:
                self._must_wait_no_longer(transaction, state)
                waiter.acquire(True, WAKE)
            yield from self._run_registered(transaction, state, view)
        finally:
            # it may not be in there: an exception can strike before it is appended
            if waiter in queue:
                queue.remove(waiter)
            if len(queue) >= width:
                _wake(queue, width)

    def _run_registered(
        self, transaction: Transaction[C], state: State[C], view: Callable[[Transaction[C]], V]
    ) -> Generator[V]:
        """Show up as running, so that `close` and forks wait for this transaction."""
        running = state.running
        while True:
            try:
                running[transaction] = transaction.thread
                # first show up, then look: a fork does it the other way round, so one of the two
                # sees the other
                if self.is_closed_at_forks and forks.must_wait(transaction.thread, transaction):
                    raise _ForkIsPending
                if state.is_closed:
                    self._must_be_open(state)
                transaction.is_busy = True  # until it has begun: nobody ends it before
                yield from self._lend(transaction, state, view)
                break
            except _ForkIsPending:
                # out of the fork's sight before it waits: the fork waits for what is in there
                running.pop(transaction, None)
                self._pause(transaction, state)
            finally:
                running.pop(transaction, None)

    @abstractmethod
    def _lend(
        self, transaction: Transaction[C], state: State[C], view: Callable[[Transaction[C]], V]
    ) -> Generator[V]:
        """Lend a connection to *transaction*, begin, yield the view, commit, and take it back.

        When the transaction raises, or is interrupted, everything is rolled back.
        """

    @abstractmethod
    def _refusal_in_child(self, was_open: bool) -> tuple[str, str] | None:
        """Return why a forked child cannot use the database; *was_open*: a connection was open."""

    @abstractmethod
    def _disable(self, connection: C, *, is_own: bool) -> None:
        """Make an inherited connection refuse all; *is_own*: the thread that forked has it."""

    @abstractmethod
    def _drop(self, connection: C) -> None:
        """Close a connection at once, whatever it is doing."""

    def _end(self, transaction: Transaction[C], state: State[C]) -> None:
        """Give back what a layer could not; usually nothing is left."""
        # Each step asks first, and does nothing where a layer has done it.  The connection is
        # closed and not lent again: nobody knows at which statement the layer was interrupted.
        connections = transaction.connections
        if connections and not state.is_inherited:
            # in this order: what is still in there can be closed by the next one who looks
            self._drop(connections[0])
            transaction.connections = []
        transaction.is_busy = False
        state.running.pop(transaction, None)
        if transaction.waiter is not None and transaction.waiter in state.queue:
            state.queue.remove(transaction.waiter)
        if state.owners.get(transaction.thread) is transaction:
            state.owners.pop(transaction.thread, None)
        if state.is_closed:
            self._close_idle(state)

    def _must_go_on(self, transaction: Transaction[C]) -> None:
        """Note that a transaction has begun, and check that it was not ended meanwhile.

        Raises:
            StoreFailed: when the store was closed while a long one began.
        """
        transaction.is_busy = False
        if transaction.has_been_ended:
            raise StoreFailed(self.name, *transaction.refusal)

    # -- waiting --

    def _must_be_open(self, state: State[C]) -> None:
        if state.is_inherited:  # whom this transaction would wait for is not in this process
            raise StoreFailed(self.name, *IS_OF_PARENT)
        if state.is_closed:
            raise StoreFailed(self.name, *IS_CLOSED)
        if state.refusal:
            raise StoreFailed(self.name, *state.refusal)

    def _must_wait_no_longer(self, transaction: Transaction[C], state: State[C]) -> None:
        """Check that there is any sense in waiting.

        Raises:
            StoreFailed: when the store was closed meanwhile, or the time is up.
        """
        self._must_be_open(state)
        if monotonic() > transaction.until:
            raise StoreFailed(self.name, *self._explain_busy())

    def _explain_busy(self) -> tuple[str, str]:
        """Return what is said when a transaction has waited for too long, and what to do."""
        return "the database is busy", "Another program holds it for long: end that, then try again"

    def _pause(self, transaction: Transaction[C], state: State[C]) -> None:
        """Wait for a moment for another thread or process."""
        self._must_wait_no_longer(transaction, state)
        sleep(PAUSE)

    def _pause_before_begin(self, transaction: Transaction[C], state: State[C]) -> None:
        """Wait a moment, with a connection that has not begun: it must not be open at a fork."""
        self._pause(transaction, state)
        if forks.must_wait(transaction.thread, transaction):
            raise _ForkIsPending

    # -- connections that nobody uses --

    def _close_idle(self, state: State[C], keep: int = 0) -> None:
        """Close idle connections; who waits until none is open waits for this, too."""
        if state.is_inherited:
            return
        # Shown before the first connection is taken out: else `close` or a fork might find none
        # that is idle, and go on while this thread still has one open.
        entry = object()
        try:
            state.closing[entry] = get_ident()
            for idle in state.idle.values():
                while len(idle) > keep:
                    self._drop(idle.popleft())
        except IndexError:
            return  # another thread has just taken the last one
        finally:
            state.closing.pop(entry, None)

    def _end_idle(self, state: State[C]) -> None:
        """End the long transactions that run no statement now; others end at their next one."""
        for transaction in list(state.running):
            if not transaction.is_long:
                continue
            # first say that it has ended, then look whether a statement runs: see `has_been_ended`
            transaction.refusal = IS_CLOSED
            transaction.has_been_ended = True
            connections = transaction.connections
            if not connections or transaction.is_busy or not transaction.has_claim():
                continue
            transaction.connections = []
            self._drop(connections[0])
            state.running.pop(transaction, None)


class _ForkIsPending(Exception):
    """A fork waits until no connection is open: this transaction begins after it."""


def _wake(queue: deque[LockType], width: int) -> None:
    """Wake the one whose turn it is now; it looks by itself, too, once in a while."""
    try:
        # The last of those who have their turn: the ones before it had it already.
        queue[width - 1].release()
    except (IndexError, RuntimeError):
        return  # that one has gone meanwhile, or was woken before
