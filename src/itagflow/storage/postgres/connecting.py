"""How connections of our own are made and canceled: a fork in the middle does no harm.

A signal handler may fork while this process connects, and the child then goes on from there.
`psycopg.connect` is not safe against that, for two reasons.  It waits with epoll, and a child
shares the epoll descriptor of its parent: what the child registers there changes what the parent
waits for.  And nobody else knows the unfinished connection, so the child goes on with it, reads the
answer that the server has sent to the parent, and the parent waits until its timeout.

So an unfinished connection is in the list of its transaction from its first moment on, where a fork
finds it, and it is waited for with `select.poll`, which has no descriptor.  Before each step on it,
`Process.generation` tells whether this process is still the one that began.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Generator
from contextlib import suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any, cast

import attrs
import psycopg
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo
from psycopg.pq import PGconn, PollingStatus

from itagflow.storage._sql.forks import keep_for_ever, process, replace_by_nothing

AnyConnection = psycopg.Connection[Any]

INTERVAL = 0.1
"""Seconds after which a wait looks up: an exception from another thread arrives only then."""


@attrs.frozen
class _Call:
    """One call of `connect`."""

    held: list[AnyConnection]
    generation: int
    """The generation of the process that connects."""


_CALL: ContextVar[_Call] = ContextVar("_CALL")
"""The running `connect`: psycopg makes the connection in a class method that knows only the URL."""


class IsOfParent(psycopg.OperationalError):
    """A child was forked while its parent connected or canceled, and must not go on with that."""


def connect(url: str, held: list[AnyConnection], generation: int) -> None:
    """Connect, and have the connection in *held* from when it has a socket.

    Args:
        url: Where the server is.
        held: The empty list of the transaction.
        generation: `Process.generation` as it was when the list belonged to this process.

    Raises:
        psycopg.Error: when the server cannot be reached or refuses; *held* is empty then.
        IsOfParent: in a child that was forked since.
    """
    before = _CALL.set(_Call(held, generation))
    try:
        OwnConnection.connect(url, autocommit=True)
    finally:
        _CALL.reset(before)


class OwnConnection(AnyConnection):
    """A connection that this store has made."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "", **given: Any) -> Generator[Any, Any, OwnConnection]:
        """Connect to one address.

        psycopg calls this for each address of the server, and waits for what the generator yields.
        It yields nothing: psycopg would wait with epoll.
        """
        del given  # some versions pass the timeout here; it is in *conninfo* as well
        connection = _connect_to_one(cls, conninfo, _CALL.get())
        yield from ()
        return connection

    def cancel_safe(self, *, timeout: float = 30.0) -> None:
        """Cancel what runs; psycopg calls this too, when a statement is interrupted."""
        cancel(self, timeout)


def cancel(connection: AnyConnection, timeout: float) -> None:
    """Ask the server to stop what runs on *connection*.

    Raises:
        psycopg.Error: when the server cannot be reached in time.
        IsOfParent: in a child that was forked meanwhile.
    """
    generation, until = process.generation, monotonic() + timeout
    if not psycopg.capabilities.has_cancel_safe():
        connection.cancel()  # one call in C: nothing can be forked in the middle
        return
    canceling = connection.pgconn.cancel_conn()
    try:
        canceling.start()
        if not _has_finished(canceling.poll, lambda: canceling.socket, generation, until):
            raise psycopg.OperationalError(f"cancellation failed: {canceling.get_error_message()}")
    finally:
        # there is no call between this look and what follows, so no signal handler can fork between
        if process.generation == generation:
            canceling.finish()
        else:
            keep_for_ever(canceling)
            replace_by_nothing(canceling.socket)


def disable(connection: AnyConnection) -> None:
    """Cut an inherited connection off from the server, in this process only."""
    with suppress(psycopg.Error):  # it is closed
        replace_by_nothing(connection.fileno())


def is_ready(socket: int, seconds: float, *, to_write: bool = False) -> bool:
    """Wait until *socket* can be read, or written to; return whether it can.

    Not by `selectors.DefaultSelector`: that is epoll, which a forked child would share.
    """
    if not hasattr(select, "poll"):  # Windows, where nothing forks
        to_read, to_write_to = ((), (socket,)) if to_write else ((socket,), ())
        return any(select.select(to_read, to_write_to, (), seconds))
    waiting = select.poll()
    waiting.register(socket, select.POLLOUT if to_write else select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _connect_to_one(kind: type[OwnConnection], conninfo: str, call: _Call) -> OwnConnection:
    """Connect to one address; the connection is the only one in the list of the call."""
    held = call.held
    until = monotonic() + timeout_from_conninfo(conninfo_to_dict(conninfo))
    _must_be_of(call.generation)
    # one call in C, so an exception cannot strike between "begun" and "in the list"
    held.extend(map(kind, map(PGconn.connect_start, (conninfo.encode(),))))
    connection = cast(OwnConnection, held[-1])
    pgconn = connection.pgconn
    try:
        if not _has_finished(pgconn.connect_poll, lambda: pgconn.socket, call.generation, until):
            raise psycopg.OperationalError(f"connection failed: {pgconn.get_error_message()}")
    except BaseException:
        if process.generation == call.generation:
            pgconn.finish()
            held.clear()
        else:
            # it may have been forked right before the connection came into the list
            keep_for_ever(connection)
            disable(connection)
        raise
    pgconn.nonblocking = 1  # as psycopg needs it
    return connection


def _has_finished(
    step: Callable[[], int], socket: Callable[[], int], generation: int, until: float
) -> bool:
    """Take all steps of connecting or canceling, and return whether the last one succeeded.

    *socket* is asked before each wait: libpq takes another one when it tries another address.
    """
    while True:
        # there is no call between this look and the step, so no signal handler can fork between
        if process.generation != generation:
            raise IsOfParent("the process was forked meanwhile")
        status = step()
        if status == PollingStatus.OK:
            return True
        if status not in (PollingStatus.READING, PollingStatus.WRITING):
            return False
        to_write = status == PollingStatus.WRITING
        while not is_ready(socket(), INTERVAL, to_write=to_write):
            _must_be_of(generation)
            if monotonic() > until:
                raise psycopg.errors.ConnectionTimeout("connection timeout expired")


def _must_be_of(generation: int) -> None:
    """Check that this process is still the one that began.

    Raises:
        IsOfParent: when it is a child of that one.
    """
    if process.generation != generation:
        raise IsOfParent("the process was forked meanwhile")
