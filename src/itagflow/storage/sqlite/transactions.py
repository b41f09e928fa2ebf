"""Transactions on SQLite: in a file that processes share, and in the memory of one process."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Generator
from io import FileIO
from typing import Any, Literal, TypeVar

from itagflow.errors import StoreFailed
from itagflow.storage._sql.forks import keep_for_ever, replace_by_nothing
from itagflow.storage._sql.transaction import Mode, State, Transaction
from itagflow.storage._sql.transactions import IDLE, Transactions, View
from itagflow.storage.sqlite.failures import failure_of
from itagflow.storage.sqlite.schema import check_schema, upgrade_schema

V = TypeVar("V", bound=View)
SqliteTransaction = Transaction[sqlite3.Connection]
SqliteState = State[sqlite3.Connection]

if sys.platform == "win32":  # no such lock there: polling for SQLite's own one has to do
    LOCK_EX, LOCK_NB, LOCK_UN = 2, 4, 8

    def flock(descriptor: int, how: int) -> None:
        """Do nothing: SQLite's own lock has to do."""
        del descriptor, how

else:
    from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock

WRITER_CACHE = 32 * 1_024
"""How many KiB of pages the writing connection keeps at the most.

A bulk change, such as new priorities, touches the indexes all over. With the 2 MiB that SQLite
keeps by itself, a page that is needed again comes from the file again each time.
"""

FORKED_INSIDE = (
    (
        "this process was forked inside a transaction on this file, "
        "and SQLite cannot be used in such a child"
    ),
    "Fork outside of transactions, or start processes with 'spawn' or 'forkserver'",
)
OF_ANOTHER_PROCESS = (
    "a store in memory belongs to the process that has opened it",
    "Open a store in a file, which processes can share",
)

_unusable_files: set[tuple[int, int]] = set()
"""Files (device, inode) whose locks SQLite records wrongly in this process after a fork.

By what the system knows them, since a store opened later may have another path to the same file.
Nothing makes them usable again in this process.
"""


class FileTransactions(Transactions[sqlite3.Connection]):
    """Transactions on one file, in WAL mode: many readers and one writer among all processes."""

    is_closed_at_forks = True
    _lock_file: FileIO | None = None
    """The lock file, while it is open."""
    _file: tuple[int, int] | None = None
    """By what the system knows the file that was opened."""

    def __init__(self, name: str, path: str, synchronous: Literal["FULL", "NORMAL"]) -> None:
        """Open transactions on the file at *path*."""
        # Any number reads at the same time, on connections of their own.  SQLite has one writer:
        # those of this process wait for each other here, in order, and only the first for other
        # processes.
        super().__init__(name, reading=None, writing=1)
        self._path = path
        self._synchronous = synchronous

    def _refusal_in_child(self, was_open: bool) -> tuple[str, str] | None:
        if self._lock_file is not None and not self._lock_file.closed:
            replace_by_nothing(self._lock_file.fileno())
        self._lock_file = None
        file = self._file or _identify(self._path)  # it may just be being opened
        if was_open and file is not None:
            _unusable_files.add(file)
        return None

    def _disable(self, connection: sqlite3.Connection, *, is_own: bool) -> None:
        if is_own:  # one of another thread may stay locked, and nobody is there to use it
            connection.set_authorizer(_deny)

    def _lend(
        self,
        transaction: SqliteTransaction,
        state: SqliteState,
        view: Callable[[SqliteTransaction], V],
    ) -> Generator[V]:
        writes = transaction.is_writing
        idle = state.idle[writes]
        try:
            try:
                # a transaction that reads costs too little for one more system call
                if writes or _unusable_files:
                    self._must_be_the_file()
                if not transaction.take(idle):
                    self._connect(transaction, state)
                self._begin(transaction.usable_connection(), transaction, state)
                lent = view(transaction)
                self._must_go_on(transaction)
                yield lent
                if writes:
                    lent.settle()
                    self._commit(transaction)
            finally:
                # a child that is forked from here on sees it empty in the transaction
                connections = transaction.connections
                if connections and (not transaction.is_long or transaction.has_claim()):
                    connection = connections[0]
                    try:
                        connection.rollback()  # does nothing after a commit
                    except sqlite3.Error:
                        self._drop_if_own(connection, state)  # which rolls back as well
                    else:
                        transaction.connections = []
                        idle.append(connection)
                        if len(idle) > IDLE:
                            self._close_idle(state, keep=IDLE)
        finally:
            # what could not be taken back is closed: one call in C, so it comes to that however
            # often exceptions strike
            connections = transaction.connections
            if connections and not state.is_inherited:
                transaction.connections = []  # it may begin again behind a fork
                try:
                    connections[0].close()
                except sqlite3.ProgrammingError:
                    connections.clear()  # it was interrupted before it was opened

    def _begin(
        self, connection: sqlite3.Connection, transaction: SqliteTransaction, state: SqliteState
    ) -> None:
        if transaction.is_writing:
            self._begin_writing(connection, transaction, state)
            return
        try:
            connection.execute("BEGIN")
            # its view starts now, and not with its first question
            if transaction.mode is Mode.SNAPSHOT:
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error

    def _begin_writing(
        self, connection: sqlite3.Connection, transaction: SqliteTransaction, state: SqliteState
    ) -> None:
        """Wait for other processes: the holder of the file lock gets SQLite's write lock next.

        SQLite's own waiting polls, so that under load somebody may wait for long.  Here everybody
        polls for the file lock, but who has just written must queue up behind it, so nobody
        starves.  It is held only until the transaction has begun.  Neither wait transactions: an
        exception or a fork can come in between.
        """
        lock_file = self._open_lock_file()  # kept here, so that its descriptor stays open
        descriptor = lock_file.fileno()
        try:
            try:
                # Before it is taken, so that the outer clause releases it wherever an exception
                # strikes; releasing what was not taken does nothing.
                transaction.has_file_lock = True
                while not _try_lock(descriptor):
                    self._pause_before_begin(transaction, state)
                while not _try_begin(connection, transaction):
                    self._pause_before_begin(transaction, state)
            finally:
                flock(descriptor, LOCK_UN)
                transaction.has_file_lock = False
        finally:
            if transaction.has_file_lock:
                flock(descriptor, LOCK_UN)

    def _connect(self, transaction: SqliteTransaction, state: SqliteState) -> None:
        """Make a connection.  A writing one never waits inside SQLite: nothing interrupts it."""
        self._must_be_the_file()  # SQLite would make a new one
        writes = transaction.is_writing
        try:
            connection = _Connection(
                transaction,
                self._path,
                timeout=0.0 if writes else self.timeout,
                isolation_level=None,  # else the driver begins and commits by itself
                check_same_thread=False,  # the next thread may get it: one at a time has it
                cached_statements=512,  # the usual 128 may not hold all texts
            )
            try:
                # before anything is changed: it may be a file of another program
                version = self._check(connection, transaction, state)
                if writes and version == 0:
                    self._switch_to_wal(connection, transaction, state)
                pragma = "query_only = 1"
                if writes:
                    pragma = f"synchronous = {self._synchronous}"
                connection.execute(f"PRAGMA {pragma}")
                if writes:
                    connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE}")
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error
        if self._file is None:
            self._file = _identify(self._path)

    def _check(
        self, connection: sqlite3.Connection, transaction: SqliteTransaction, state: SqliteState
    ) -> int:
        """Return the schema version, before the first change to a file that may not be ours.

        Whoever is the first or the last to have the file open holds all of it for a moment, for its
        log.
        """
        while True:
            try:
                return check_schema(self.name, connection)
            except sqlite3.OperationalError as error:
                if not _is_busy(error):
                    raise
            self._pause_before_begin(transaction, state)

    def _switch_to_wal(
        self, connection: sqlite3.Connection, transaction: SqliteTransaction, state: SqliteState
    ) -> None:
        """Let readers and one writer work at the same time; the file remembers it."""
        # It needs the file for itself for a moment, and does not wait for that by itself.
        while not _try_run(connection, "PRAGMA journal_mode = WAL"):
            self._pause_before_begin(transaction, state)

    def _commit(self, transaction: SqliteTransaction) -> None:
        try:
            # there is none in a child that was forked meanwhile
            transaction.usable_connection().execute("COMMIT")
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error

    def _must_be_the_file(self) -> None:
        """Check that the path still leads to the file that was opened.

        SQLite goes on with a file that was deleted: what is stored there is lost.

        Raises:
            StoreFailed: when it does not, or when this process cannot use the file.
        """
        if self._file is None and not _unusable_files:
            return  # it is being opened
        current = _identify(self._path)
        if current in _unusable_files:
            raise StoreFailed(self.name, *FORKED_INSIDE)
        if self._file is not None and current != self._file:
            what = "was replaced by another one"
            if current is None:
                what = "was deleted"
            raise StoreFailed(
                self.name, f"the file {what} while it was open", "Put it back, or open it again"
            )

    def _open_lock_file(self) -> FileIO:
        """Return the lock file; only the writer whose turn it is in this process uses it."""
        # The file is never deleted: who has the deleted one open would not see who locks a new one.
        lock_file = self._lock_file
        if lock_file is None:
            try:
                lock_file = self._lock_file = FileIO(f"{self._path}-lock", "a")
            except OSError as error:
                hint = "Check that its folder exists and can be written"
                raise StoreFailed(
                    self.name, f"the lock file cannot be opened: {error.strerror}", hint
                ) from error
        return lock_file

    def _drop(self, connection: sqlite3.Connection) -> None:
        try:
            connection.close()
        except sqlite3.ProgrammingError:
            return  # it was interrupted before it was opened

    def _drop_if_own(self, connection: sqlite3.Connection, state: SqliteState) -> None:
        if not state.is_inherited:  # closing it in a child could give up locks of the parent
            self._drop(connection)

    def _close_idle(self, state: SqliteState, keep: int = 0) -> None:
        super()._close_idle(state, keep)
        lock_file = self._lock_file
        if lock_file is not None and not state.running and not state.is_inherited:
            self._lock_file = None
            lock_file.close()


class MemoryTransactions(Transactions[sqlite3.Connection]):
    """Transactions on a database in memory, on its one connection: one at a time.

    A snapshot is a copy of the whole database, made while nobody writes.
    """

    _connection: sqlite3.Connection | None = None
    """The connection: None in a forked child."""

    def __init__(self, name: str) -> None:
        """Make an empty database."""
        # One queue for both, since there is one connection.
        super().__init__(name, reading=1, writing=1)
        self.commits = 0
        self._connection = _connect_memory()
        upgrade_schema(name, self._connection)

    def _refusal_in_child(self, was_open: bool) -> tuple[str, str] | None:
        del was_open
        keep_for_ever(self._connection)
        self._connection = None
        return OF_ANOTHER_PROCESS

    def _disable(self, connection: sqlite3.Connection, *, is_own: bool) -> None:
        if is_own:
            connection.set_authorizer(_deny)

    def _lend(
        self,
        transaction: SqliteTransaction,
        state: SqliteState,
        view: Callable[[SqliteTransaction], V],
    ) -> Generator[V]:
        if transaction.mode is Mode.SNAPSHOT:
            yield from self._lend_copy(transaction, state, view)
            return
        connection = self._connection
        if connection is None:
            raise StoreFailed(self.name, *OF_ANOTHER_PROCESS)
        try:
            # a generator of its own: an exception that strikes anywhere in it comes back here
            yield from self._lend_in_turn(connection, transaction, view)
        finally:
            # interrupted in there, while this thread still has the turn
            if transaction.connections:
                connection.rollback()

    def _lend_in_turn(
        self,
        connection: sqlite3.Connection,
        transaction: SqliteTransaction,
        view: Callable[[SqliteTransaction], V],
    ) -> Generator[V]:
        try:
            transaction.connections.append(connection)
            self._begin(connection, transaction)
            lent = view(transaction)
            self._must_go_on(transaction)
            yield lent
            if transaction.is_writing:
                lent.settle()
                self._commit(transaction)
        finally:
            if transaction.connections:  # else this is a forked child
                try:
                    connection.rollback()  # does nothing after a commit
                except sqlite3.Error as error:
                    raise failure_of(transaction, error) from error
                transaction.connections = []

    def _begin(self, connection: sqlite3.Connection, transaction: SqliteTransaction) -> None:
        try:
            connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error

    def _commit(self, transaction: SqliteTransaction) -> None:
        try:
            # there is none in a child that was forked meanwhile
            transaction.usable_connection().execute("COMMIT")
            self.commits += 1  # nobody else commits at the same time
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error

    def _lend_copy(
        self,
        transaction: SqliteTransaction,
        state: SqliteState,
        view: Callable[[SqliteTransaction], V],
    ) -> Generator[V]:
        try:
            transaction.connections.append(self._copy_database(transaction, state))
            lent = view(transaction)
            self._must_go_on(transaction)
            yield lent
        finally:
            # whoever closes the store may do so at the same time, which does no harm
            connections = transaction.connections
            if connections:
                transaction.connections = []
                connections[0].close()

    def _copy_database(
        self, transaction: SqliteTransaction, state: SqliteState
    ) -> sqlite3.Connection:
        """Return a copy of the database, taken in turn with everybody who writes.

        Raises:
            StoreFailed: when this very thread is writing: what it has not stored yet is no moment
                to look at.
        """
        own = state.owners.get(transaction.thread)
        if own is None:
            with self.open(Mode.READ, _Copier) as copier:
                return copier.copy()
        if own.is_writing:
            hint = "Open it before the transaction that writes, or after it"
            raise StoreFailed(
                self.name, "a snapshot in memory cannot begin in a transaction that writes", hint
            )
        return _Copier(own).copy()

    def _drop(self, connection: sqlite3.Connection) -> None:
        # that one may be in the hands of another transaction by now
        if connection is not self._connection:
            connection.close()

    def _close_idle(self, state: SqliteState, keep: int = 0) -> None:
        del keep
        connection = self._connection
        if (
            connection is not None
            and state.is_closed
            and not state.running
            and not state.is_inherited
        ):
            connection.close()


class _Connection(sqlite3.Connection):
    """A connection that its transaction owns before it is opened: it cannot be lost in between."""

    def __init__(self, transaction: SqliteTransaction, *arguments: Any, **options: Any) -> None:
        transaction.connections.append(self)
        super().__init__(*arguments, **options)


class _Copier:
    """A view that copies the database."""

    def __init__(self, transaction: SqliteTransaction) -> None:
        self._transaction = transaction

    def copy(self) -> sqlite3.Connection:
        copy = _connect_memory()
        self._transaction.usable_connection().backup(copy)
        return copy

    def settle(self) -> None:
        return


def _connect_memory() -> sqlite3.Connection:
    return sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, cached_statements=512
    )


def _identify(path: str) -> tuple[int, int] | None:
    """Return by what the system knows the file at *path*; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _deny(*request: object) -> int:
    """Let a connection do nothing any more, not even begin or end a transaction."""
    del request
    return sqlite3.SQLITE_DENY


def _try_lock(descriptor: int) -> bool:
    """Lock the file, and return whether that was possible: False when somebody else has it."""
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_begin(connection: sqlite3.Connection, transaction: SqliteTransaction) -> bool:
    """Begin to write, and return whether that was possible: False when somebody else writes."""
    try:
        return _try_run(connection, "BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise failure_of(transaction, error) from error


def _try_run(connection: sqlite3.Connection, statement: str) -> bool:
    """Run a statement, and return whether that was possible: False when somebody else is in it."""
    try:
        connection.execute(statement)
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        return False
    return True


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the lower byte is the kind
