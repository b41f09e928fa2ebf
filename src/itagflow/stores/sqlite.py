"""The store in a SQLite file, on the standard library's driver: for any number of processes on one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from types import TracebackType
from typing import Any, Literal

import attrs

from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.store import Query, Reader, Writer
from itagflow.stores._blocks import Change, Decoded, Found, Look
from itagflow.stores._failures import path_of, translated
from itagflow.stores._gate import Gate
from itagflow.stores._guard import Guard
from itagflow.stores._layout import LAYOUTS, Layout
from itagflow.stores._schema import migrate
from itagflow.stores._sql import SQLITE

PATIENCE = 60.0
"""For how many seconds a block waits for a program that does not use this library."""
FEW = 8
"""Up to how many entities are inserted one by one; more go in bulk."""

_INHERITED: list[object] = []
"""Connections of the process that this one was forked from: never used, and never closed, here."""


class _Look(Look):
    """A read block on one connection."""

    def __init__(self, store: SqliteStore, connection: sqlite3.Connection) -> None:
        super().__init__(SQLITE, store.decoded)
        self._name, self._connection = store.name, connection

    def rows(self, text: str, values: Sequence[Any]) -> list[Found]:
        try:
            return self._connection.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise translated(self._name, error) from error


class _Change(_Look, Change):
    """A write block on one connection."""

    def run(self, text: str, values: Sequence[Any]) -> int:
        return self._run(text, values).rowcount

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        if len(entities) > FEW:
            return self._add_many(entities)
        added = list[Entity]()
        for entity in entities:
            try:
                added.append(self._add(entity))
            except sqlite3.IntegrityError as error:
                for done in added:
                    self._run(SQLITE.drop(LAYOUTS[type(done)]), done.key)
                raise self._taken(entity) from error
        self._counted(entities)
        return tuple(added)

    def update(self, entity: Entity, places: tuple[int, ...], values: Sequence[Any]) -> int:
        try:
            return self._run(SQLITE.update(LAYOUTS[type(entity)], places), values).rowcount
        except sqlite3.IntegrityError as error:
            raise self._taken(entity) from error

    def _add(self, entity: Entity) -> Entity:
        layout: Layout[Any] = LAYOUTS[type(entity)]
        row = layout.row(entity)
        if isinstance(entity, Event):
            done = self._run(SQLITE.insert(layout), row[1:])
            return attrs.evolve(entity, position=done.lastrowid or 0)
        self._run(SQLITE.insert(layout), row)
        return entity

    def _add_many(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        """Insert in bulk, kind by kind; when one row is refused, all of them are taken out again."""
        self._run("SAVEPOINT adding", ())
        try:
            for kind, group in groupby(entities, type):
                if kind is not Event:
                    self._insert(kind, list(group))
            added = tuple(self._add(e) if isinstance(e, Event) else e for e in entities)
        except sqlite3.IntegrityError as error:
            self._run("ROLLBACK TO adding", ())
            self._run("RELEASE adding", ())
            raise self._first_taken(entities) from error
        self._run("RELEASE adding", ())
        self._counted(entities)
        return added

    def _insert(self, kind: type[Entity], entities: list[Entity]) -> None:
        try:
            self._connection.executemany(SQLITE.insert(LAYOUTS[kind]), map(LAYOUTS[kind].row, entities))
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise translated(self._name, error) from error

    def _run(self, text: str, values: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(text, values)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise translated(self._name, error) from error


class _Reading:
    """Opens and closes a read block: one view of the data, which writers do not disturb."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> Reader:
        self._store.guard.enter()
        try:
            self._connection = self._store.connection()
            self._store.run(self._connection, "BEGIN")
        except BaseException:
            self._store.guard.leave()
            raise
        return _Look(self._store, self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._store.run(self._connection, "COMMIT")
        finally:
            self._store.guard.leave()


class _Frozen:
    """Opens a snapshot: a read block on a connection of its own."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> Reader:
        self._store.guard.must_be_open()
        self._connection = self._store.connected()
        self._store.run(self._connection, "BEGIN")
        self._store.run(self._connection, "SELECT 1 FROM workspace LIMIT 1")  # the view starts with the first look
        return _Look(self._store, self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


class _Writing:
    """Opens a write block; at its end keeps what it did, or takes it back."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __enter__(self) -> Writer:
        store = self._store
        store.guard.enter()
        try:
            self._connection = store.connection()
            store.gate.__enter__()
            try:
                store.run(self._connection, "BEGIN IMMEDIATE")
            except BaseException:
                store.gate.__exit__()
                raise
        except BaseException:
            store.guard.leave()
            raise
        self._change = _Change(store, self._connection)
        return self._change

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._keep()
            else:
                self._take_back()
        finally:
            self._store.gate.__exit__()
            self._store.guard.leave()

    def _keep(self) -> None:
        try:
            self._change.settle()
            self._store.run(self._connection, "COMMIT")
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        if self._connection.in_transaction:  # SQLite has taken it back itself after some errors
            self._store.run(self._connection, "ROLLBACK")


class SqliteStore:
    """Keeps everything in one SQLite file; threads and processes of one machine may share it.

    Each thread has its own connection.  Beside the file lie ``-wal`` and ``-shm``, which belong to it, and
    ``-lock``, by which writers wait in turn.
    """

    def __init__(self, path: str | os.PathLike[str], *, synchronous: Literal["FULL", "NORMAL"] = "FULL") -> None:
        """Open the file, or make it.

        Args:
            path: Where the file is; its folder must exist, on a disk of this machine.
            synchronous: ``"FULL"``: what an act has stored survives a power cut.  ``"NORMAL"``: several times
                faster; a power cut, but no crash of a process, may take the last acts with it, whole.

        Raises:
            StoreFailed: when the file cannot be opened, or belongs to another program or a newer version.
        """
        self.name = path_of(path)
        self.guard = Guard(self.name)
        self._path = os.path.abspath(self.name)  # whatever folder the program goes to
        self.gate = Gate(f"{self._path}-lock")
        self._synchronous: Literal["FULL", "NORMAL"] = synchronous
        self._connections: dict[int, sqlite3.Connection] = {}
        self._process = os.getpid()
        self.decoded = Decoded()
        migrate(self, os.path.exists(self._path))

    def opener(self) -> Callable[[], SqliteStore]:
        """Return what opens the same file in another process of this machine."""
        return partial(SqliteStore, self._path, synchronous=self._synchronous)

    def read(self, *, snapshot: bool = False) -> _Reading | _Frozen:
        """Open a block that only asks; see `itagflow.store.Store`."""
        return _Frozen(self) if snapshot else _Reading(self)

    def write(self) -> _Writing:
        """Open a block that is kept when it ends, and dropped when it raises."""
        return _Writing(self)

    def settled(self) -> int:
        """Return the position of the last event: positions follow the order of commits."""
        with self.read() as reader:
            return next((e.position for e in reader.find(Query(Event, order=("-position",), limit=1))), 0)

    def close(self) -> None:
        """Close the connections of this process."""
        self.guard.closed = True
        if self._process == os.getpid():
            for connection in self._connections.values():
                connection.close()
        self._connections = {}
        self.gate.close()

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection in this process."""
        if self._process != os.getpid():
            _INHERITED.append(self._connections)
            self._connections, self._process = {}, os.getpid()
        thread = threading.get_ident()
        found = self._connections.get(thread)
        if found is None:
            self._close_orphans()
            found = self._connections[thread] = self.connected()
        return found

    def connected(self) -> sqlite3.Connection:
        """Return a new connection."""
        given: dict[str, Any] = {"isolation_level": None, "check_same_thread": False, "cached_statements": 512}
        try:
            connection: sqlite3.Connection = sqlite3.connect(self._path, timeout=PATIENCE, **given)
            try:
                connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            except sqlite3.Error:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise translated(self.name, error) from error
        return connection

    def run(self, connection: sqlite3.Connection, text: str) -> sqlite3.Cursor:
        """Run a statement without parameters.

        Raises:
            StoreFailed: when SQLite refuses.
        """
        try:
            return connection.execute(text)
        except sqlite3.Error as error:
            raise translated(self.name, error) from error

    def _close_orphans(self) -> None:
        """Close the connections of threads that have ended."""
        alive = {thread.ident for thread in threading.enumerate()}
        for thread in [thread for thread in self._connections if thread not in alive]:
            if not self._connections[thread].in_transaction:
                self._connections.pop(thread).close()
