"""The store in a PostgreSQL database, on psycopg 3: for any number of machines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from itertools import groupby
from typing import Any, cast

import attrs
import psycopg
from psycopg_pool import ConnectionPool

from itagflow.errors import InvalidData, Problem, StoreFailed
from itagflow.model.entity import E, Entity
from itagflow.model.event import Event
from itagflow.store import Query, Reader, Unless, Writer
from itagflow.stores._blocks import Change, Decoded, Found, Look
from itagflow.stores._guard import Guard
from itagflow.stores._layout import LAYOUTS, Layout
from itagflow.stores._pg_connections import AnyConnection, Connect, Run, by_hand, cursor_of, name_of, new_pool
from itagflow.stores._pg_failures import translating
from itagflow.stores._pg_schema import migrate
from itagflow.stores._schema import migrations
from itagflow.stores._secrets import Opener
from itagflow.stores._sql import Sql

FEW = 8
"""Up to how many entities are inserted one by one; more are copied in bulk."""

READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""Begins a block that sees one moment."""
NOW = b"BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
"""Begins a block that asks, and in which every statement sees what others have stored until then."""
WRITE = b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Begins a block that writes; every statement sees what others have stored until then."""

_LIST = "= ANY("
"""What is in a text that takes a list."""


@attrs.define
class _Open:
    """A transaction that is open."""

    cursor: Run
    """Runs its statements."""
    end: bytes = b"COMMIT"
    """What ends it when all went well."""


@cache
def _sql(schema: str) -> Sql:
    return Sql(
        mark="%s",
        place=f"{schema}.",
        whole_lists=True,
        hold=" FOR UPDATE",
        share=" FOR SHARE",
        take=" FOR UPDATE SKIP LOCKED",
        apart=" OFFSET 0",
        slots=32,
    )


class _Look(Look):
    """A read block in one transaction."""

    def __init__(self, store: PostgresStore, cursor: Run) -> None:
        super().__init__(store.sql, store.decoded)
        self._name, self._cursor = store.name, cursor

    def rows(self, text: str, values: Sequence[Any]) -> list[Found]:
        return self._run(text, values).fetchall()

    def _run(self, text: str, values: Sequence[Any] = ()) -> Run:
        with translating(self._name):
            # a plan for any list would be one for a short one
            return self._cursor.execute(text.encode(), values, prepare=False if _LIST in text else None)


class _Change(_Look, Change):
    """A write block in one transaction."""

    tells = False
    """Whether it adds to the history."""

    def run(self, text: str, values: Sequence[Any]) -> int:
        return self._run(text, values).rowcount

    def take(self, query: Query[E]) -> E | None:
        """Return the first match that no other writer holds, and hold it.

        The row is kept from others only after it was found: what `Query.unless` asks for may have come beside
        it in between, so that is asked once more.
        """
        while (found := super().take(query)) is not None:
            if query.unless is None or not self._is_beside(query.unless, found):
                return found
        return None

    def _is_beside(self, unless: Unless, found: Entity) -> bool:
        layout: Layout[Any] = LAYOUTS[type(found)]
        place = {theirs: layout.value(found, ours) for ours, theirs in unless.same.items()}
        return self.count(Query(cast(Any, unless.kind), {**unless.where, **place})) > 0

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        if len(entities) > FEW:
            return self._add_many(entities)
        added = list[Entity]()
        for entity in entities:
            stored = self._add(entity)
            if stored is None:
                for done in added:
                    self._run(self.sql.drop(LAYOUTS[type(done)]), done.key)
                raise self._taken(entity)
            added.append(stored)
        self._counted(entities)
        return tuple(added)

    def update(self, entity: Entity, places: tuple[int, ...], values: Sequence[Any]) -> int:
        layout: Layout[Any] = LAYOUTS[type(entity)]
        text = self.sql.update(layout, places)
        names = {column.name for at, column in enumerate(layout.stored) if at in places}
        if names.isdisjoint(layout.unique):
            return self.run(text, values)
        with self._taken_back_when_refused(lambda: self._taken(entity)):
            return self.run(text, values)

    def _add(self, entity: Entity) -> Entity | None:
        """Insert an entity and return it as stored, or None when it is taken."""
        layout: Layout[Any] = LAYOUTS[type(entity)]
        row = layout.row(entity)
        if isinstance(entity, Event):
            self.tells = True
            ((position,),) = self.rows(f"{self.sql.insert(layout)} RETURNING position", row[1:])
            return attrs.evolve(entity, position=position)
        return entity if self.run(f"{self.sql.insert(layout)} ON CONFLICT DO NOTHING", row) else None

    def _add_many(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        """Copy in bulk, kind by kind; when one row is refused, all of them are taken out again."""
        with self._taken_back_when_refused(lambda: self._first_taken(entities)):
            for kind, group in groupby(entities, type):
                if kind is not Event:
                    self._copy(kind, list(group))
            positions = iter(self._positions([entity for entity in entities if isinstance(entity, Event)]))
        self._counted(entities)
        return tuple(attrs.evolve(e, position=next(positions)) if isinstance(e, Event) else e for e in entities)

    def _copy(self, kind: type[Entity], entities: list[Entity]) -> None:
        layout: Layout[Any] = LAYOUTS[kind]
        with translating(self._name), self._cursor.copy(self.sql.copy(layout).encode()) as copy:
            for entity in entities:
                copy.write_row(layout.row(entity))

    def _positions(self, events: list[Event]) -> list[int]:
        """Insert events and return the position of each."""
        layout: Layout[Any] = LAYOUTS[Event]
        self.tells |= bool(events)
        text, positions = f"{self.sql.insert(layout)} RETURNING position", list[int]()
        with translating(self._name):
            self._cursor.executemany(text.encode(), [layout.row(event)[1:] for event in events], returning=True)
            for _ in events:
                positions += [position for (position,) in self._cursor.fetchall()]
                self._cursor.nextset()
        return positions

    @contextmanager
    def _taken_back_when_refused(self, refused: Callable[[], Exception]) -> Generator[None]:
        """Take back what the inner block did when a key or a unique column is taken; the outer one goes on."""
        self._run("SAVEPOINT refused")
        try:
            yield
        except StoreFailed as error:
            if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise
            self._run("ROLLBACK TO refused")
            raise refused() from error.__cause__
        self._run("RELEASE refused")


class PostgresStore:
    """Keeps everything in one schema of a PostgreSQL database; any number of machines may share it.

    >>> from itagflow.stores.postgres import PostgresStore
    >>> PostgresStore("mysql://localhost/labels")
    Traceback (most recent call last):
    itagflow.errors.InvalidData: the URL: must be like postgresql://user:p%40ss@host/name
    """

    def __init__(self, source: str | Connect, *, schema: str = "itagflow", connections: int = 10) -> None:
        """Connect to the database, and bring the schema up to date, making it if need be.

        Args:
            source: A URL such as ``postgresql://user@host/name``, for a pool of connections that is this store's own;
                or a callable that gives a connection as a context manager, such as ``pool.connection`` or
                ``lambda: psycopg.connect(…)``: credentials, tracing and the size of the pool are then yours.  It
                is called for each block, and twice at once while a snapshot is open.
            schema: Where the tables are: lower-case letters, digits and ``_``.
            connections: How many connections the store's own pool opens at the most, in each process.

        Raises:
            InvalidData: when the URL or the schema is none.
            StoreFailed: when the server cannot be reached, refuses, or has a schema of a newer version.
        """
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
            raise InvalidData("the schema", [Problem(schema, "must be of lower-case letters, digits and _")])
        self.name = name_of(source)
        self.sql = _sql(schema)
        self.decoded = Decoded()
        self.guard = Guard(self.name)
        self._source = source
        self._schema = schema
        self._connections = connections
        self._pools: dict[int, ConnectionPool[AnyConnection]] = {}
        with translating(self.name):
            migrate(self.name, schema, self._migrating, migrations("postgres"))

    def opener(self) -> Callable[[], PostgresStore]:
        """Return what opens the same database in another process; a callable that was passed must be picklable."""
        return Opener(PostgresStore, self._source, {"schema": self._schema, "connections": self._connections})

    def read(self, *, snapshot: bool = False) -> AbstractContextManager[Reader]:
        """Open a block that only asks; see `itagflow.store.Store`."""
        return self._frozen() if snapshot else self._reading()

    @contextmanager
    def write(self) -> Generator[Writer]:
        """Open a block that is kept when it ends, and dropped when it raises."""
        with self._inside(), self._transaction(self._shared, WRITE) as block:
            change = _Change(self, block.cursor)
            yield change
            change.settle()
            if change.tells:  # behind the block, so that nobody else's has to wait for it to reach the disk
                block.end = f"COMMIT; NOTIFY {self._schema}".encode()

    def settled(self) -> int:
        """Return a position up to which the history is complete; see `itagflow.store.Store`."""
        with self._inside(), self._transaction(self._shared, NOW) as block, translating(self.name):
            # first the last position, then who may still put something before it: in this order none is overlooked
            last = block.cursor.execute(f"SELECT last_value FROM {self._schema}.event_position".encode()).fetchone()
            pending = block.cursor.execute(f"SELECT {self._schema}.first_pending()".encode()).fetchone()
        return min(int(row[0]) for row in (last, pending) if row and row[0] is not None)

    @contextmanager
    def listening(self) -> Generator[Callable[[float], object]]:
        """Begin to listen, on a connection of its own; see `itagflow.store.Waking`."""
        self.guard.must_be_open()
        with ExitStack() as stack:
            with translating(self.name):
                connection = stack.enter_context(self._alone())
                stack.enter_context(by_hand(connection))
                connection.execute(f"LISTEN {self._schema}".encode())

            def wait(seconds: float) -> None:
                with translating(self.name):
                    for _ in connection.notifies(timeout=seconds, stop_after=1):
                        return

            try:
                yield wait
            finally:
                with suppress(psycopg.Error):  # a connection that is lost hears nothing anyway
                    connection.execute(f"UNLISTEN {self._schema}".encode())

    def close(self) -> None:
        """Close the connections of this process."""
        self.guard.closed = True
        if pool := self._pools.pop(os.getpid(), None):
            pool.close()

    @contextmanager
    def _reading(self) -> Generator[Reader]:
        with self._inside(), self._transaction(self._shared, READ) as block:
            yield _Look(self, block.cursor)

    @contextmanager
    def _frozen(self) -> Generator[Reader]:
        self.guard.must_be_open()
        with self._transaction(self._alone, READ) as block:
            with translating(self.name):
                block.cursor.execute("SELECT 1")  # the view starts with the first look
            yield _Look(self, block.cursor)

    @contextmanager
    def _migrating(self) -> Generator[Run]:
        with self._transaction(self._alone, WRITE) as block:
            yield block.cursor

    @contextmanager
    def _inside(self) -> Generator[None]:
        self.guard.enter()
        try:
            yield
        finally:
            self.guard.leave()

    @contextmanager
    def _transaction(self, connect: Connect, begin: bytes) -> Generator[_Open]:
        """Run the block in a transaction of its own; nothing of it is stored when it raises."""
        with ExitStack() as stack:
            with translating(self.name):
                connection = stack.enter_context(connect())
                stack.enter_context(by_hand(connection))
                cursor = stack.enter_context(cursor_of(connection))
                cursor.execute(begin, prepare=False)
            block = _Open(cursor)
            try:
                yield block
                with translating(self.name):
                    ended = cursor.execute(block.end, prepare=False).statusmessage
            except BaseException:
                with suppress(psycopg.Error):  # when the connection is lost, the server drops the block itself
                    cursor.execute("ROLLBACK", prepare=False)
                raise
            if ended != "COMMIT":
                raise StoreFailed(self.name, "a statement of this block had failed", "Nothing of it was stored")

    def _shared(self) -> AbstractContextManager[AnyConnection]:
        """Return a connection for a short block."""
        return self._alone() if callable(self._source) else self._own_pool(self._source).connection()

    def _alone(self) -> AbstractContextManager[AnyConnection]:
        """Return a connection for a block that may stay open for long."""
        return self._source() if callable(self._source) else psycopg.connect(self._source, autocommit=True)

    def _own_pool(self, url: str) -> ConnectionPool[AnyConnection]:
        """Return the pool of this process: one that it was forked from keeps its own, and nobody closes that here."""
        process = os.getpid()
        pool = self._pools.get(process)
        if pool is None:
            new = new_pool(url, self._connections)
            pool = self._pools.setdefault(process, new)
            if pool is not new:
                new.close()  # another thread was faster
        return pool
