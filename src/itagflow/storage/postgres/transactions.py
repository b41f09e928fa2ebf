"""Transactions on PostgreSQL: connections are made, lent, and returned as they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, suppress
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import TextLoader

from itagflow.errors import StoreFailed
from itagflow.storage._sql.forks import keep_for_ever, process
from itagflow.storage._sql.transaction import IS_OF_PARENT, Mode, State, Transaction
from itagflow.storage._sql.transactions import Transactions, View
from itagflow.storage.postgres.connecting import AnyConnection, cancel, connect, disable, is_ready
from itagflow.storage.postgres.failures import failure_of, translate_errors

V = TypeVar("V", bound=View)
PgTransaction = Transaction[AnyConnection]
PgState = State[AnyConnection]
RowCursor = Cursor[tuple[Any, ...]]

Connect = Callable[[], AbstractContextManager[AnyConnection]]
"""Gives a connection for one transaction, to be given back at its end."""

RETRY = 0.2
"""Seconds between two attempts to reconnect to a server, which may be restarting."""
CANCEL = 1.0
"""For how many seconds the server is asked to stop a statement; then its connection is closed."""

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
    """For as long as a pool of psycopg waits, too."""

    def __init__(self, name: str, source: str | Connect, channel: str, connections: int) -> None:
        """Open transactions on the database at *source*.

        Args:
            name: What errors call the database.
            source: Its URL, or a function of the application that gives a connection.
            channel: Whom those that add to the history notify.
            connections: How many transactions run at once on connections of our own.
        """
        # how many run on the application's connections is for its own pool to say
        limit = None if callable(source) else connections
        super().__init__(name, reading=limit, writing=limit)
        self._source = source
        self._channel = channel
        self._has_connected = False

    def _refusal_in_child(self, was_open: bool) -> tuple[str, str] | None:
        del was_open
        return None  # a child makes connections of its own

    def _explain_busy(self) -> tuple[str, str]:
        return "no connection came free in time", "Check the server, or allow more connections"

    def _disable(self, connection: AnyConnection, *, is_own: bool) -> None:
        # what a statement that was under way would still send must not reach the server either
        del is_own
        disable(connection)

    def _drop(self, connection: AnyConnection) -> None:
        connection.pgconn.finish()

    def _lend(
        self, transaction: PgTransaction, state: PgState, view: Callable[[PgTransaction], V]
    ) -> Generator[V]:
        if callable(self._source):
            yield from self._lend_foreign(self._source, transaction, state, view)
            return
        try:
            yield from self._lend_own(self._source, transaction, state, view)
        finally:
            # What is not given back is closed: one call in C, so it comes to that however often
            # exceptions strike.  The server rolls back behind it.
            connections = transaction.connections
            if connections and not state.is_inherited:
                transaction.connections = []
                connections[0].pgconn.finish()

    def _lend_own(
        self,
        url: str,
        transaction: PgTransaction,
        state: PgState,
        view: Callable[[PgTransaction], V],
    ) -> Generator[V]:
        idle = state.idle[False]  # a connection here reads and writes, so there is one kind
        try:
            if transaction.is_long:  # it may stay open for long, so it takes none from the others
                self._connect(url, transaction, state)
            elif not _take_usable(transaction, idle):
                self._connect_again(url, transaction, state)
            yield from self._run_on(transaction, view)
        finally:
            # a child that a signal handler forks from here on goes on with the list of its parent
            connections = transaction.connections
            if connections and (not transaction.is_long or transaction.has_claim()):
                self._give_back(connections[0], transaction, state)

    def _give_back(
        self, connection: AnyConnection, transaction: PgTransaction, state: PgState
    ) -> None:
        """Roll back what is open, and keep the connection for the next one; else it is closed."""
        is_clean = _is_rolled_back(connection) and not transaction.is_in_pipeline
        if is_clean and not transaction.is_long:
            transaction.connections = []
            state.idle[False].append(connection)
        if state.is_inherited:
            # a signal handler has forked, and this is the child: the fork may have been where the
            # connection was neither in the transaction nor among the idle ones
            keep_for_ever(connection)
            disable(connection)

    def _lend_foreign(
        self,
        source: Connect,
        transaction: PgTransaction,
        state: PgState,
        view: Callable[[PgTransaction], V],
    ) -> Generator[V]:
        """Borrow a connection from the application, and give it back as it was, or closed."""
        try:
            with ExitStack() as stack:
                try:
                    yield from self._run_borrowed(stack, source, transaction, state, view)
                finally:
                    # in a forked child, giving it back would be done to the parent
                    if state.is_inherited:
                        keep_for_ever(stack.pop_all())
        finally:
            # Not before the application has it again, so that a child that is forked meanwhile is
            # cut off from it; and not later, so that `_end` does not close it.
            transaction.connections = []

    def _run_borrowed(
        self,
        stack: ExitStack,
        source: Connect,
        transaction: PgTransaction,
        state: PgState,
        view: Callable[[PgTransaction], V],
    ) -> Generator[V]:
        """Borrow a connection, to be given back by *stack*, and leave it as it was, or closed."""
        with translate_errors(self.name):
            connection = stack.enter_context(source())
            had_autocommit = connection.autocommit
            if not had_autocommit:
                connection.autocommit = True  # where transactions begin and end is left to us
        try:
            transaction.connections.append(connection)
            if state.is_inherited:  # a signal handler has forked before it was in there
                self._leave_to_parent(connection, transaction)
            yield from self._run_on(transaction, view)
        finally:
            held = transaction.connections
            try:
                if held and (not transaction.is_long or transaction.has_claim()):
                    self._restore(held[0], transaction, had_autocommit=had_autocommit)
            except BaseException:  # it was interrupted, and may be in a transaction still
                if held and not state.is_inherited:
                    held[0].pgconn.finish()
                raise

    def _restore(
        self, connection: AnyConnection, transaction: PgTransaction, *, had_autocommit: bool
    ) -> None:
        """Leave a borrowed connection without a transaction and as it was, or closed."""
        if transaction.mode is Mode.LISTEN:
            with suppress(psycopg.Error):  # it is lost, and hears nothing anyway
                connection.execute(f"UNLISTEN {self._channel}".encode())
        is_clean = _is_rolled_back(connection) and not transaction.is_in_pipeline
        if transaction.refusal is IS_OF_PARENT:
            return  # a signal handler has forked, and this is the child
        if not is_clean:
            connection.close()
        elif not had_autocommit:
            connection.autocommit = False

    def _leave_to_parent(self, connection: AnyConnection, transaction: PgTransaction) -> None:
        """Refuse a connection that was made by the parent, in a child forked while it was made.

        Raises:
            StoreFailed: always.
        """
        transaction.connections = []
        keep_for_ever(connection)
        disable(connection)
        raise StoreFailed(self.name, *IS_OF_PARENT)

    def _run_on(
        self, transaction: PgTransaction, view: Callable[[PgTransaction], V]
    ) -> Generator[V]:
        """Begin, yield the view, and commit.  Long ones end with their connection instead."""
        mode = transaction.mode
        if mode is Mode.LISTEN:
            self._execute(transaction, f"LISTEN {self._channel}")
        else:
            self._execute(transaction, _BEGIN[mode])
        if mode is Mode.SNAPSHOT:
            # PostgreSQL takes the snapshot at the first statement, and not at BEGIN
            self._execute(transaction, "SELECT 1")
        opened = view(transaction)
        self._must_go_on(transaction)
        yield opened
        if transaction.is_long:
            return
        opened.settle()
        # A transaction that notifies holds a lock of the whole server while it commits.  So the
        # notification is one of its own behind it, and others need not wait until this one has
        # reached the disk.  When it is lost with the connection, listeners notice at their timeout.
        end = f"COMMIT; NOTIFY {self._channel}" if transaction.has_new_events else "COMMIT"
        if self._execute(transaction, end) != "COMMIT":
            raise StoreFailed(
                self.name, "a statement of this transaction had failed", "Nothing of it was stored"
            )

    def _execute(self, transaction: PgTransaction, text: str) -> str | None:
        """Run a statement, and return what the server says it was."""
        try:
            # there is no connection in a child that was forked meanwhile
            connection = transaction.usable_connection()
            # not prepared: these statements have no plan that could be used again
            return connection.execute(text.encode(), prepare=False).statusmessage
        except psycopg.Error as error:
            raise failure_of(transaction, error) from error

    def _connect_again(self, url: str, transaction: PgTransaction, state: PgState) -> None:
        """Connect; retry for a while with a known server, which may be restarting."""
        while True:
            try:
                self._connect(url, transaction, state)
            except StoreFailed:
                if not self._has_connected or monotonic() + RETRY > transaction.until:
                    raise
            else:
                return
            self._must_wait_no_longer(transaction, state)
            sleep(RETRY)

    def _connect(self, url: str, transaction: PgTransaction, state: PgState) -> None:
        """Put a new connection into *transaction*, where a fork finds it from the beginning."""
        held = transaction.connections
        generation = process.generation
        if state.is_inherited:  # this is a child already, and the list is not that of the parent
            raise StoreFailed(self.name, *IS_OF_PARENT)
        try:
            connect(url, held, generation)
        except psycopg.Error as error:
            raise failure_of(transaction, error) from error
        self._has_connected = True


def cursor_of(connection: AnyConnection) -> RowCursor:
    """Return a cursor that gives rows as they are stored, whatever the connection is set to."""
    cursor = connection.cursor(row_factory=tuple_row)
    # our own codec decodes them
    cursor.adapters.register_loader("json", TextLoader)
    # psycopg chooses the type by the size of the number, and each choice is another prepared
    # statement with a plan of its own
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
            cancel(connection, CANCEL)
            return False
        connection.execute(b"ROLLBACK", prepare=False)
    except psycopg.Error:
        return False
    return connection.pgconn.transaction_status == TransactionStatus.IDLE


def _take_usable(transaction: PgTransaction, idle: deque[AnyConnection]) -> bool:
    """Take an idle connection that the server has not closed; return whether there was one.

    Raises:
        StoreFailed: in a child that was forked meanwhile.
    """
    while transaction.take(idle):
        connection = transaction.usable_connection()
        if _is_alive(connection):
            return True
        transaction.usable_connection()  # in a child it is the parent's, and stays as it is
        transaction.connections = []
        connection.close()
    return False


def _is_alive(connection: AnyConnection) -> bool:
    """Ask the server only when it has sent something unasked, as when it closes the connection."""
    try:
        if is_ready(connection.fileno(), 0):
            connection.execute(b"SELECT 1", prepare=False)
    except (psycopg.Error, OSError, ValueError):
        return False
    return connection.pgconn.transaction_status == TransactionStatus.IDLE
