"""Transactions on PostgreSQL: connections are made, lent, and returned as they were."""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, suppress
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg
from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import TextLoader

from itagflow.errors import StoreFailed
from itagflow.storage._sql.forks import keep_for_ever, replace_by_nothing
from itagflow.storage._sql.transaction import Mode, State, Transaction
from itagflow.storage._sql.transactions import Transactions, View
from itagflow.storage.postgres.failures import failure_of, translated, translating

V = TypeVar("V", bound=View)
AnyConnection = Connection[Any]
PgTransaction = Transaction[AnyConnection]
PgState = State[AnyConnection]
Run = Cursor[tuple[Any, ...]]

Connect = Callable[[], AbstractContextManager[AnyConnection]]
"""Gives a connection for one transaction, to be given back at its end."""

RETRY = 0.2
"""Seconds between two attempts to reconnect to a server, which may be restarting."""

_BEGIN = {
    Mode.READ: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    Mode.SNAPSHOT: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    Mode.LATEST: "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    Mode.WRITE: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
}


class PgTransactions(Transactions[AnyConnection]):
    """Transactions on one database, on connections of our own or of the application.

    Our own are kept in this process and not in a pool of the driver: an exception that strikes
    inside such a pool can leave a connection in nobody's hands, and the pool then counts it for
    ever.
    """

    timeout = 30.0

    def __init__(self, name: str, source: str | Connect, news: str, connections: int) -> None:
        """Open transactions on the database at *source*; those with *news* notify that channel."""
        most = None if callable(source) else connections
        super().__init__(name, reading=most, writing=most)
        self._source = source
        self._news = news
        self._has_connected = False

    def _refusal_in_child(self, was_open: bool) -> tuple[str, str] | None:
        del was_open
        return None  # a child makes connections of its own

    def _explain_busy(self) -> tuple[str, str]:
        return "no connection came free in time", "Check the server, or allow more connections"

    def _disable(self, connection: AnyConnection, *, is_own: bool) -> None:
        # what a statement that was under way would still send must not reach the server either
        del is_own
        with suppress(psycopg.Error):  # it is closed
            replace_by_nothing(connection.fileno())

    def _drop(self, connection: AnyConnection) -> None:
        connection.pgconn.finish()

    def _lend(
        self, transaction: PgTransaction, state: PgState, view: Callable[[PgTransaction], V]
    ) -> Generator[V]:
        if callable(self._source):
            yield from self._lend_foreign(self._source, transaction, state, view)
            return
        idle = state.idle[False]
        try:
            if transaction.is_long:  # it may stay open for long, so it takes none from the others
                transaction.connections.append(self._connect(self._source))
            elif not _take_alive(transaction, idle):
                transaction.connections.append(
                    self._connect_again(self._source, transaction, state)
                )
            yield from self._run_on(transaction, view)
        finally:
            # a child that is forked from here on sees it empty in the transaction
            connections = transaction.connections
            if connections and (not transaction.is_long or transaction.has_claim()):
                connection = connections[0]
                try:
                    is_clean = _is_rolled_back(connection)
                except BaseException:  # it was interrupted: it is not lent again
                    connection.pgconn.finish()
                    raise
                if is_clean and not transaction.is_long:
                    transaction.connections = []
                    idle.append(connection)
                else:
                    connection.pgconn.finish()
                    transaction.connections = []

    def _lend_foreign(
        self,
        source: Connect,
        transaction: PgTransaction,
        state: PgState,
        view: Callable[[PgTransaction], V],
    ) -> Generator[V]:
        """Borrow a connection from the application, and give it back as it was, or closed."""
        with ExitStack() as stack:
            with translating(self.name):
                connection = stack.enter_context(source())
                had_autocommit = connection.autocommit
                if not had_autocommit:
                    connection.autocommit = True  # where transactions begin and end is left to us
            try:
                transaction.connections.append(connection)
                yield from self._run_on(transaction, view)
            finally:
                # this is a forked child: giving it back would be done to the parent
                if state.is_inherited:
                    keep_for_ever(stack.pop_all())
                elif transaction.connections and (
                    not transaction.is_long or transaction.has_claim()
                ):
                    transaction.connections = []
                    if transaction.mode is Mode.LISTEN:
                        with suppress(psycopg.Error):  # it is lost, and hears nothing anyway
                            connection.execute(f"UNLISTEN {self._news}".encode())
                    if not _is_rolled_back(connection):
                        connection.close()
                    elif not had_autocommit:
                        connection.autocommit = False

    def _run_on(
        self, transaction: PgTransaction, view: Callable[[PgTransaction], V]
    ) -> Generator[V]:
        """Begin, yield the view, and commit.  Long ones end with their connection instead."""
        mode = transaction.mode
        if mode is Mode.LISTEN:
            self._execute(transaction, f"LISTEN {self._news}")
        else:
            self._execute(transaction, _BEGIN[mode])
        if mode is Mode.SNAPSHOT:  # its view starts now, and not with its first question
            self._execute(transaction, "SELECT 1")
        seen = view(transaction)
        self._must_go_on(transaction)
        yield seen
        if transaction.is_long:
            return
        seen.settle()
        # the news come behind the transaction, so that nobody else's has to wait for them to reach
        # the disk
        end = f"COMMIT; NOTIFY {self._news}" if transaction.has_new_events else "COMMIT"
        if self._execute(transaction, end) != "COMMIT":
            raise StoreFailed(
                self.name, "a statement of this transaction had failed", "Nothing of it was stored"
            )

    def _execute(self, transaction: PgTransaction, text: str) -> str | None:
        """Run a statement, and return what the server says it was."""
        try:
            # there is no connection in a child that was forked meanwhile
            return (
                transaction.usable_connection().execute(text.encode(), prepare=False).statusmessage
            )
        except psycopg.Error as error:
            raise failure_of(transaction, error) from error

    def _connect_again(self, url: str, transaction: PgTransaction, state: PgState) -> AnyConnection:
        """Connect; retry for a while with a known server, which may be restarting."""
        while True:
            try:
                return self._connect(url)
            except StoreFailed:
                if not self._has_connected or monotonic() + RETRY > transaction.until:
                    raise
            self._must_wait_no_longer(transaction, state)
            sleep(RETRY)

    def _connect(self, url: str) -> AnyConnection:
        try:
            connection: AnyConnection = psycopg.connect(url, autocommit=True)
        except psycopg.Error as error:
            raise translated(self.name, error) from error
        self._has_connected = True
        return connection


def cursor_of(connection: AnyConnection) -> Run:
    """Return a cursor that gives rows as they are stored, whatever the connection is set to."""
    cursor = connection.cursor(row_factory=tuple_row)
    cursor.adapters.register_loader("jsonb", TextLoader)
    cursor.adapters.register_dumper(int, Int8Dumper)
    return cursor


def _is_rolled_back(connection: AnyConnection) -> bool:
    """Roll back what is open, and return whether the connection can be used again.

    When the connection is lost, the server rolls back by itself.
    """
    status = connection.pgconn.transaction_status
    if status == TransactionStatus.IDLE:
        return True  # it was committed
    try:
        # a statement was interrupted: the server must not go on with it
        if status == TransactionStatus.ACTIVE:
            connection.cancel_safe(timeout=1.0)
            return False
        connection.execute(b"ROLLBACK", prepare=False)
    except psycopg.Error:
        return False
    return connection.pgconn.transaction_status == TransactionStatus.IDLE


def _take_alive(transaction: PgTransaction, idle: deque[AnyConnection]) -> bool:
    """Take an idle connection that the server has not closed; return whether there was one."""
    while transaction.take(idle):
        if _is_alive(transaction.connections[0]):
            return True
        transaction.connections.pop().close()
    return False


def _is_alive(connection: AnyConnection) -> bool:
    """Ask the server only when it has sent something unasked, as when it closes the connection."""
    try:
        with selectors.DefaultSelector() as waiting:
            waiting.register(connection, selectors.EVENT_READ)
            if waiting.select(0):
                connection.execute(b"SELECT 1", prepare=False)
    except (psycopg.Error, OSError, ValueError):
        return False
    return connection.pgconn.transaction_status == TransactionStatus.IDLE
