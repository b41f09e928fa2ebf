"""What a transaction is, and what the threads of one process share of them."""

from __future__ import annotations

from _thread import LockType
from collections import deque
from enum import Enum
from itertools import islice
from typing import Generic, TypeVar

from itagflow.errors import StoreFailed

C = TypeVar("C")
"""What a database calls a connection."""


class Mode(Enum):
    """What a transaction is for."""

    READ = "read"
    """Asks, and sees one moment."""
    LATEST = "latest"
    """Asks, and each question sees what is stored by then."""
    WRITE = "write"
    """Asks and writes."""
    SNAPSHOT = "snapshot"
    """Asks, sees one moment, and may stay open for long."""
    LISTEN = "listen"
    """Waits for new events, for as long as somebody listens."""


_LONG = (Mode.SNAPSHOT, Mode.LISTEN)
WRITE = Mode.WRITE
"""A global: Python 3.11 takes ten times as long to find a member of an enum in its class."""


HAS_ENDED = ("this transaction has ended", "Open another one")
IS_CLOSED = ("the store is closed", "Open it again")
IS_OF_PARENT = (
    "this transaction belongs to the process that this one was forked from",
    "Open another one; better still, fork outside of a transaction",
)


class Transaction(Generic[C]):
    """One open transaction.

    A plain class with defaults that cost nothing: one is made for every verb.
    """

    refusal: tuple[str, str] = HAS_ENDED
    """Why it runs no statements without a connection, and what to do."""
    is_busy: bool = False
    """Whether a statement runs."""
    has_been_ended: bool = False
    """Whether it was ended from outside.

    A statement first sets `is_busy` and then looks at this; who ends it does it the other way
    round.  So one of the two sees the other, and no connection is closed under a statement.
    """
    waiter: LockType | None = None
    """Its lock in the queue: what it waits for, and what is released to wake it."""
    has_file_lock: bool = False
    """Whether it holds, or is about to take, the file lock by which processes write in turn."""
    is_in_pipeline: bool = False
    """Whether it has begun a pipeline that has not come to its end: after an
    exception at a bad moment, the driver may go on treating the connection as in a pipeline."""
    has_new_events: bool = False
    """Whether it adds to the history, so that those who listen are to be woken."""

    def __init__(self, store: str, mode: Mode, thread: int, until: float) -> None:
        """Begin without a connection.

        Args:
            store: The name of the store, for errors.
            mode: What it is for.
            thread: The thread that opens it.
            until: When it gives up waiting, by the monotonic clock.
        """
        self.store = store
        self.mode = mode
        self.thread = thread
        self.until = until
        self.is_long = mode in _LONG
        """Whether its thread may have another one open, and closing the store ends it."""
        self.is_writing = mode is WRITE
        """Whether it writes."""
        self.connections: list[C] = []
        """Its connection, in here alone from when it is made or taken until it is given back."""
        self._claims = [None] if self.is_long else []
        """Whoever takes the item in here gives the connection of a long transaction back.

        Its own thread may end at the moment at which another one closes the store; a list gives its
        only item to one of them.
        """

    def usable_connection(self) -> C:
        """Return the connection for a statement.

        Raises:
            StoreFailed: when the transaction has ended.
        """
        connections = self.connections
        if not connections or self.has_been_ended:
            raise StoreFailed(self.store, *self.refusal)
        return connections[0]

    def take(self, idle: deque[C]) -> bool:
        """Take an idle connection, and return whether there was one.

        This is one call in C, so that an exception cannot strike between "taken" and "held".
        """
        # The one that was used last, whose statements and pages are still in its caches.
        try:
            self.connections.extend(islice(iter(idle.pop, None), 1))
        except IndexError:
            return False
        return True

    def has_claim(self) -> bool:
        """Take the right to give the connection of a long one back; return whether it was free."""
        try:
            self._claims.pop()
        except IndexError:
            return False
        return True


class State(Generic[C]):
    """What the threads of one process share; a forked child begins with a new one."""

    def __init__(self, refusal: tuple[str, str] | None = None) -> None:
        """Begin without connections; *refusal* says why none may be opened, and what to do."""
        self.idle: dict[bool, deque[C]] = {False: deque(), True: deque()}
        """Connections that nobody uses, by whether they write."""
        self.running: dict[Transaction[C], int] = {}
        """Everything that has a connection, or is about to get one, with its thread."""
        self.owners: dict[int, Transaction[C]] = {}
        """The transaction that each thread has open; long ones are not in here."""
        self.closing: dict[object, int] = {}
        """Who is closing idle connections, with the thread."""
        self.queue: deque[LockType] = deque()
        """Those who wait for their turn, and behind whom: the first ones have it."""
        self.is_closed = False
        self.is_inherited = False
        """Whether all this belongs to the process that this one was forked from."""
        self.refusal = refusal
