"""The store in a SQLite file, on the standard library's driver: for any number of processes on one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from types import TracebackType
from typing import Any, Literal, cast

import attrs

from itagflow.errors import AlreadyExists, Conflict, NotFound
from itagflow.model.entity import E, Entity, Key
from itagflow.model.event import Event
from itagflow.store import Query, Reader, Scalar, Writer
from itagflow.stores import _sql
from itagflow.stores._failures import translated
from itagflow.stores._gate import Gate
from itagflow.stores._guard import Guard
from itagflow.stores._layout import LAYOUTS, Layout
from itagflow.stores._schema import migrate

PATIENCE = 60.0
"""For how many seconds a block waits for a program that does not use this library."""
FEW = 8
"""Up to how many entities are inserted one by one; more go in bulk."""
CACHED = 4_096
"""How many decoded entities of the kinds that seldom change are kept."""

_INHERITED: list[object] = []
"""Connections of the process that this one was forked from: never used, and never closed, here."""

_INSERT: Mapping[type[Any], str] = {
    kind: _sql.insert(layout, given=kind is not Event) for kind, layout in LAYOUTS.items()
}
_GET: Mapping[type[Any], str] = {kind: _sql.get(layout) for kind, layout in LAYOUTS.items()}
_DROP: Mapping[type[Any], str] = {kind: _sql.drop(layout) for kind, layout in LAYOUTS.items()}


class _Look:
    """A read block on one connection."""

    def __init__(self, store: SqliteStore, connection: sqlite3.Connection) -> None:
        self._store = store
        self._connection = connection

    def get(self, kind: type[E], key: Key) -> E:
        row = self._run(_GET[kind], key).fetchone()
        if row is None:
            raise NotFound(kind.__name__, key)
        return self._store.decoded(cast("Layout[E]", LAYOUTS[kind]), row)

    def find(self, query: Query[E]) -> Iterator[E]:
        statement = _sql.find(query)
        layout = cast("Layout[E]", LAYOUTS[query.kind])
        rows = self._run(statement.text, statement.values, fetch=True)
        return (self._store.decoded(layout, row) for row in rows)

    def count(self, query: Query[E]) -> int:
        statement = _sql.count(query)
        return int(self._run(statement.text, statement.values).fetchone()[0])

    def tally(
        self, query: Query[E], by: tuple[str, ...], add: tuple[str, ...] = ()
    ) -> dict[tuple[Scalar, ...], tuple[int, ...]]:
        statement = _sql.tally(query, by, add)
        rows = self._run(statement.text, statement.values, fetch=True)
        return {tuple(row[: len(by)]): tuple(row[len(by) :]) for row in rows}

    def _run(self, text: str, values: Sequence[Any], *, fetch: bool = False) -> Any:
        try:
            cursor = self._connection.execute(text, values)
            return cursor.fetchall() if fetch else cursor
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise translated(self._store.name, error) from error


class _Change(_Look):
    """A write block on one connection."""

    def __init__(self, store: SqliteStore, connection: sqlite3.Connection) -> None:
        super().__init__(store, connection)
        self._held: dict[tuple[type[Any], Key], tuple[Any, ...]] = {}

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        if len(entities) > FEW:
            return self._add_many(entities)
        added = list[Entity]()
        for entity in entities:
            try:
                added.append(self._add(entity))
            except sqlite3.IntegrityError as error:
                for done in added:
                    self._run(_DROP[type(done)], done.key)
                raise self._taken(entity) from error
        return tuple(added)

    def save(self, *entities: Entity) -> None:
        for entity in entities:
            layout: Layout[Any] = LAYOUTS[type(entity)]
            row, keys = layout.row(entity), len(layout.key)
            places = self._changed(entity, row, keys)
            values = (*(row[at] for at in places), *row[:keys], entity.version - 1)
            try:
                done = self._run(_sql.update(layout, places), values)
            except sqlite3.IntegrityError as error:
                raise self._taken(entity) from error
            if done.rowcount != 1:
                self.get(type(entity), entity.key)
                raise Conflict(type(entity).__name__, entity.key)

    def take(self, query: Query[E]) -> E | None:
        statement = _sql.find(attrs.evolve(query, limit=1))
        row = self._run(statement.text, statement.values).fetchone()
        return None if row is None else self._hold(cast("Layout[E]", LAYOUTS[query.kind]), row)

    def hold(self, kind: type[E], key: Key) -> E:
        row = self._run(_GET[kind], key).fetchone()
        if row is None:
            raise NotFound(kind.__name__, key)
        return self._hold(cast("Layout[E]", LAYOUTS[kind]), row)

    def remove(self, query: Query[E], limit: int) -> int:
        statement = _sql.remove(query, limit)
        return int(self._run(statement.text, statement.values).rowcount)

    def _hold(self, layout: Layout[E], row: tuple[Any, ...]) -> E:
        self._held[layout.kind, row[: len(layout.key)]] = row
        return self._store.decoded(layout, row)

    def _changed(self, entity: Entity, row: tuple[Any, ...], keys: int) -> tuple[int, ...]:
        """Return the places of *row* to be written: the indexes of columns that stay are not touched."""
        old = self._held.pop((type(entity), row[:keys]), None)
        return tuple(at for at in range(keys, len(row)) if old is None or old[at] != row[at])

    def _add(self, entity: Entity) -> Entity:
        layout: Layout[Any] = LAYOUTS[type(entity)]
        row = layout.row(entity)
        if isinstance(entity, Event):
            done = self._run(_INSERT[Event], row[1:])
            return attrs.evolve(entity, position=done.lastrowid)
        self._run(_INSERT[type(entity)], row)
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
        return added

    def _insert(self, kind: type[Entity], entities: list[Entity]) -> None:
        try:
            self._connection.executemany(_INSERT[kind], map(LAYOUTS[kind].row, entities))
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise translated(self._store.name, error) from error

    def _taken(self, entity: Entity) -> AlreadyExists:
        """Return the error that tells what of *entity* was taken: its key, or its name."""
        layout: Layout[Any] = LAYOUTS[type(entity)]
        stored = self._run(_GET[type(entity)], entity.key).fetchone()
        if stored is None or (layout.unique and stored[len(layout.key)] == entity.version - 1):
            return AlreadyExists(type(entity).__name__, layout.value(entity, layout.unique[-1]))
        return AlreadyExists(type(entity).__name__, entity.key)

    def _first_taken(self, entities: tuple[Entity, ...]) -> AlreadyExists:
        """Return the error for the first of *entities* that the store or an earlier one is in the way of."""
        seen = set[object]()
        for entity in entities:
            layout: Layout[Any] = LAYOUTS[type(entity)]
            marks: list[object] = [] if isinstance(entity, Event) else [(type(entity), entity.key)]
            unique = tuple(layout.value(entity, name) for name in layout.unique)
            if unique and unique[-1] != "":
                marks.append((type(entity), ("unique", *unique)))
                query: Query[Any] = Query(cast(Any, type(entity)), dict(zip(layout.unique, unique, strict=True)))
                if self.count(query):
                    return AlreadyExists(type(entity).__name__, unique[-1])
            if self._run(_GET[type(entity)], entity.key).fetchone() or seen.intersection(marks):
                return AlreadyExists(type(entity).__name__, entity.key)
            seen.update(marks)
        return AlreadyExists("entity", "among those added")


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
        return _Change(store, self._connection)

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
        self.name = os.fspath(path)
        self.guard = Guard(self.name)
        self.gate = Gate(f"{self.name}-lock")
        self._synchronous = synchronous
        self._connections: dict[int, sqlite3.Connection] = {}
        self._process = os.getpid()
        self._decoded: dict[tuple[type[Any], Key], tuple[tuple[Any, ...], Any]] = {}
        migrate(self, os.path.exists(self.name))

    def read(self, *, snapshot: bool = False) -> _Reading | _Frozen:
        """Open a block that only asks; see `itagflow.store.Store`."""
        return _Frozen(self) if snapshot else _Reading(self)

    def write(self) -> _Writing:
        """Open a block that is kept when it ends, and dropped when it raises."""
        return _Writing(self)

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
            connection: sqlite3.Connection = sqlite3.connect(self.name, timeout=PATIENCE, **given)
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

    def decoded(self, layout: Layout[E], row: tuple[Any, ...]) -> E:
        """Return the entity of a row; a row of a kind that seldom changes is decoded once while it stays the same."""
        if not layout.cached:
            return layout.entity(row)
        mark = (layout.kind, row[: len(layout.key)])
        known, entity = self._decoded.get(mark, ((), None))
        if known != row:  # the whole row: a version may be taken back, or a key used again
            if len(self._decoded) >= CACHED:
                self._decoded.clear()
            entity = layout.entity(row)
            self._decoded[mark] = (row, entity)
        return cast(E, entity)

    def _close_orphans(self) -> None:
        """Close the connections of threads that have ended."""
        alive = {thread.ident for thread in threading.enumerate()}
        for thread in [thread for thread in self._connections if thread not in alive]:
            if not self._connections[thread].in_transaction:
                self._connections.pop(thread).close()
