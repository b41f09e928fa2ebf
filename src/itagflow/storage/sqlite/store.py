"""The stores on SQLite, with the standard library's driver: in a file, and in memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import groupby
from typing import Any, Literal, cast

from itagflow.contexts import SafeContext
from itagflow.errors import StoreFailed
from itagflow.model.arguments import make_error, require_flag
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.reprs import show_line
from itagflow.storage._sql.layout import LAYOUTS, Layout
from itagflow.storage._sql.statements import SQLITE
from itagflow.storage._sql.transaction import WRITE, Mode
from itagflow.storage._sql.transactions import Transactions
from itagflow.storage._sql.verbs import (
    Row,
    RowCache,
    SqlReader,
    SqlWriter,
)
from itagflow.storage.port import Query, Reader, Writer
from itagflow.storage.sqlite.failures import failure_of, path_of
from itagflow.storage.sqlite.schema import is_up_to_date, upgrade_schema
from itagflow.storage.sqlite.transactions import (
    FileTransactions,
    MemoryTransactions,
    SqliteTransaction,
)
from itagflow.storage.sqlite.watching import ChangeWait, describe_file

MAX_SINGLE_INSERTS = 8
"""Up to how many entities are inserted one by one; more go in bulk.

What operations add is a few, of several kinds; a savepoint and a call of `executemany` for each
kind would cost more than they save.
"""


class _Reader(SqlReader):
    """A reader in one transaction.

    It gives out rows and never cursors: those would go on after the transaction.
    `Transaction.is_busy` is set while a statement runs, so that nobody closes the connection under
    it.
    """

    transaction: SqliteTransaction

    def rows(self, text: str, values: Sequence[Any]) -> list[Row]:
        transaction = self.transaction
        try:
            transaction.is_busy = True
            return transaction.usable_connection().execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error
        finally:
            transaction.is_busy = False


class _Writer(_Reader, SqlWriter):
    """A writer in one transaction.

    It does not note that a statement runs: nobody ends a transaction that writes from outside.
    """

    def rows(self, text: str, values: Sequence[Any]) -> list[Row]:
        try:
            return self.transaction.usable_connection().execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise failure_of(self.transaction, error) from error

    def run(self, text: str, values: Sequence[Any]) -> int:
        return self._run(text, values).rowcount

    def add_all(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        if len(entities) > MAX_SINGLE_INSERTS:
            return self._add_many(entities)
        added: list[Entity] = []
        for entity in entities:
            try:
                added.append(self._add(entity))
            except sqlite3.IntegrityError as error:
                # As if nothing had been added, since the caller may try another key.  The statement
                # that failed has undone itself; a savepoint for each call would cost two more.
                for earlier in added:
                    self._run(SQLITE.drop(LAYOUTS[type(earlier)]), earlier.key)
                raise self._make_taken_error(entity) from error
        self._count_added(entities)
        return tuple(added)

    def update(self, entity: Entity, columns: tuple[int, ...], values: Sequence[Any]) -> int:
        try:
            return self._run(SQLITE.update(LAYOUTS[type(entity)], columns), values).rowcount
        except sqlite3.IntegrityError as error:
            raise self._make_taken_error(entity) from error

    def update_many(
        self, layout: Layout[Any], columns: tuple[int, ...], rows: Sequence[Sequence[Any]]
    ) -> int:
        transaction = self.transaction
        try:
            transaction.is_busy = True
            text = SQLITE.update(layout, columns)
            return transaction.usable_connection().executemany(text, rows).rowcount
        except sqlite3.Error as error:
            raise failure_of(transaction, error) from error
        finally:
            transaction.is_busy = False

    def _add(self, entity: Entity) -> Entity:
        layout: Layout[Any] = LAYOUTS[type(entity)]
        row = layout.row(entity)
        if isinstance(entity, Event):
            # the position is the row id, which the database counts up: see the schema
            inserted = self._run(SQLITE.insert(layout), row[1:])
            return entity.at_position(inserted.lastrowid or 0)
        self._run(SQLITE.insert(layout), row)
        return entity

    def _add_many(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        """Insert in bulk, kind by kind; when one row is refused, none is inserted."""
        self._run("SAVEPOINT adding", ())
        try:
            for kind, group in groupby(entities, type):
                if kind is not Event:
                    self._insert(kind, list(group))
            # events one by one: `executemany` does not tell their positions
            added = tuple(self._add(e) if isinstance(e, Event) else e for e in entities)
        except sqlite3.IntegrityError as error:
            # rolling back leaves the savepoint open
            self._run("ROLLBACK TO adding", ())
            self._run("RELEASE adding", ())
            raise self._make_first_taken_error(entities) from error
        self._run("RELEASE adding", ())
        self._count_added(entities)
        return added

    def _insert(self, kind: type[Entity], entities: list[Entity]) -> None:
        try:
            self.transaction.usable_connection().executemany(
                SQLITE.insert(LAYOUTS[kind]), map(LAYOUTS[kind].row, entities)
            )
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise failure_of(self.transaction, error) from error

    def _run(self, text: str, values: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self.transaction.usable_connection().execute(text, values)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise failure_of(self.transaction, error) from error


class _SqliteStore:
    """What both stores on SQLite have in common."""

    def __init__(self, transactions: Transactions[sqlite3.Connection]) -> None:
        self._transactions = transactions
        self._row_cache = RowCache()
        # once for all transactions: one begins with every operation
        self._make_reader = partial(_Reader, SQLITE, self._row_cache)
        self._make_writer = partial(_Writer, SQLITE, self._row_cache)

    @property
    def name(self) -> str:
        """What errors call it."""
        return self._transactions.name

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._transactions.state.is_closed

    def read(self, *, snapshot: bool = False) -> SafeContext[Reader]:
        """Open a transaction that only asks; see `itagflow.storage.port.Store`."""
        mode = Mode.READ
        if require_flag("read", "snapshot", snapshot):
            mode = Mode.SNAPSHOT
        return self._transactions.open(mode, self._make_reader)

    def write(self) -> SafeContext[Writer]:
        """Open a transaction that is kept when it ends, and dropped when it raises."""
        return self._transactions.open(WRITE, self._make_writer)

    def high_water_mark(self) -> int:
        """Return the position of the last event: positions follow the order of commits."""
        # One writer at a time, so no position below the last one can still appear.
        with self.read() as reader:
            last = Query(Event, order=("-position",), limit=1)
            return next((event.position for event in reader.find(last)), 0)

    def close(self, timeout: float = 10.0) -> bool:
        """Close the connections of this process; see `itagflow.storage.port.Store`."""
        return self._transactions.close(timeout)

    def __repr__(self) -> str:
        return show_line(self, self.name)


class SqliteStore(_SqliteStore):
    """Keeps everything in one SQLite file; threads and processes of one machine may share it.

    Each transaction has its own connection.  Beside the file lie ``-wal`` and ``-shm``, which
    belong to it, and ``-lock``, by which writers wait in turn.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "NORMAL"] = "FULL"
    ) -> None:
        """Open the file, or make it.

        Args:
            path: Where the file is; its folder must exist, on a disk of this machine.
            synchronous: ``"FULL"``: what was stored survives a power cut.  ``"NORMAL"``:
                several times faster; a power cut, but no crash of a process, may take the last
                operations with it, whole.

        Raises:
            InvalidData: when *path* is no path, or *synchronous* neither of these words.
            StoreFailed: when the file cannot be opened, or belongs to another program or a newer
                version.
        """
        name = path_of(path)
        given = cast(object, synchronous)
        if not isinstance(given, str) or given not in ("FULL", "NORMAL"):
            raise make_error("the store", "synchronous", "must be 'FULL' or 'NORMAL'", given)
        if name == ":memory:":
            raise StoreFailed(name, "is not a file", "Use 'memory:', which threads can share")
        self._path = os.path.abspath(name)  # whatever folder the program goes to
        self._synchronous: Literal["FULL", "NORMAL"] = synchronous
        super().__init__(FileTransactions(name, self._path, synchronous))
        with self._transactions.open(Mode.READ, _SchemaView) as opening:
            # reading first: who only opens a file that is ready waits for no writer
            is_ready = opening.is_up_to_date()
        if not is_ready:
            with self._transactions.open(Mode.WRITE, _SchemaView) as opening:
                opening.upgrade_schema()

    def subscribe(self) -> AbstractContextManager[Callable[[float], object]]:
        """Begin to watch the file; see `itagflow.storage.port.SupportsNotify`."""
        return nullcontext(ChangeWait(self, partial(describe_file, f"{self._path}-wal")))

    def connector(self) -> Callable[[], SqliteStore]:
        """Return what opens the same file in another process of this machine."""
        return partial(SqliteStore, self._path, synchronous=self._synchronous)


class MemoryStore(_SqliteStore):
    """Keeps everything in memory, for as long as the process lives; threads may share it.

    It is a SQLite database without a file, so it behaves like `SqliteStore` except for two things.
    There is one connection, so that transactions run one after the other.  A snapshot is a copy,
    and cannot begin in a transaction that writes.

    >>> store = MemoryStore()
    >>> with store.read() as reader:
    ...     reader.count(Query(Event))
    0
    """

    def __init__(self) -> None:
        """Start empty."""
        transactions = MemoryTransactions("memory")
        super().__init__(transactions)
        self._count_commits = partial(getattr, transactions, "commits")

    def subscribe(self) -> AbstractContextManager[Callable[[float], object]]:
        """Begin to watch for commits; see `itagflow.storage.port.SupportsNotify`."""
        return nullcontext(ChangeWait(self, self._count_commits))

    def connector(self) -> None:
        """Return nothing: no other process can open it."""


class _SchemaView:
    """A view of a database that is being opened."""

    def __init__(self, transaction: SqliteTransaction) -> None:
        self._transaction = transaction

    def is_up_to_date(self) -> bool:
        try:
            return is_up_to_date(self._transaction.store, self._transaction.usable_connection())
        except sqlite3.Error as error:
            raise failure_of(self._transaction, error) from error

    def upgrade_schema(self) -> None:
        try:
            upgrade_schema(self._transaction.store, self._transaction.usable_connection())
        except sqlite3.Error as error:
            raise failure_of(self._transaction, error) from error

    def settle(self) -> None:
        return
