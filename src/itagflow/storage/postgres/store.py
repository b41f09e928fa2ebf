"""The store in a PostgreSQL database, on psycopg 3: for any number of machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from itertools import groupby
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from itagflow.contexts import SafeContext, safe_context
from itagflow.errors import InvalidData, Problem, StoreFailed
from itagflow.model.arguments import require_flag
from itagflow.model.entity import E, Entity, Key
from itagflow.model.event import Event
from itagflow.model.number import LEAST, MOST, require_whole_number
from itagflow.model.package import Package
from itagflow.model.task import Task
from itagflow.model.text import require_text
from itagflow.reprs import show_line
from itagflow.storage._secrets import Connector, is_clear, safe_name
from itagflow.storage._sql.layout import LAYOUTS, Layout
from itagflow.storage._sql.migrations import migrations
from itagflow.storage._sql.statements import Sql
from itagflow.storage._sql.transaction import Mode
from itagflow.storage._sql.verbs import (
    Row,
    RowCache,
    SqlReader,
    SqlWriter,
    Update,
)
from itagflow.storage.port import (
    Query,
    Reader,
    Unless,
    Writer,
)
from itagflow.storage.postgres.connecting import AnyConnection
from itagflow.storage.postgres.failures import (
    failure_of,
    in_pipeline,
    translate_errors,
    translate_errors_in,
)
from itagflow.storage.postgres.schema import migrate
from itagflow.storage.postgres.transactions import (
    Connect,
    PgTransaction,
    PgTransactions,
    RowCursor,
    cursor_of,
)

MAX_SINGLE_INSERTS = 8
"""Up to how many entities are inserted one by one; more are copied in bulk."""

_LIST = "= ANY("
"""What is in the text of a statement that takes a list."""


@cache
def _sql(schema: str) -> Sql:
    return Sql(
        placeholder="%s",
        schema=f"{schema}.",
        has_array_parameters=True,
        lock=" FOR UPDATE",
        share=" FOR SHARE",
        skip_locked=" FOR UPDATE SKIP LOCKED",
        has_lateral_queries=True,
        subquery_end=" OFFSET 0",
        slots=32,
    )


class _Reader(SqlReader):
    """A reader in one transaction."""

    def __init__(self, sql: Sql, row_cache: RowCache, transaction: PgTransaction) -> None:
        super().__init__(sql, row_cache, transaction)
        self._transaction = transaction
        self._cursor = cursor_of(transaction.usable_connection())

    def rows(self, text: str, values: Sequence[Any]) -> list[Row]:
        return self._run(text, values).fetchall()

    def _find_row(self, text: str, key: Key) -> Row | None:
        # the driver sends an integer of any size, and fails with an error of its own at the largest
        for value in key:
            if type(value) is int and not LEAST <= value <= MOST:
                return None
        return super()._find_row(text, key)

    def _run(self, text: str, values: Sequence[Any] = ()) -> RowCursor:
        transaction = self._transaction
        try:
            transaction.is_busy = True  # so that nobody closes the connection under the statement
            transaction.usable_connection()
            # Prepared, the server may keep one plan for lists of any length, and it takes them for
            # short: a list of thousands would be looked up one by one.  So each list gets a plan.
            return self._cursor.execute(
                text.encode(), values, prepare=False if _LIST in text else None
            )
        except psycopg.Error as error:
            raise failure_of(transaction, error) from error
        finally:
            transaction.is_busy = False


class _Writer(_Reader, SqlWriter):
    """A writer in one transaction."""

    def run(self, text: str, values: Sequence[Any]) -> int:
        return self._run(text, values).rowcount

    def lock_first(self, query: Query[E]) -> E | None:
        """Return the first match that no other writer holds, and hold it.

        The row is kept from others only after it was found: what `Query.unless` asks for may have
        come beside it in between, so that is asked once more.
        """
        while (found := super().lock_first(query)) is not None:
            if query.unless is None or not self._is_beside(query.unless, found):
                return found
        return None

    def _is_beside(self, unless: Unless, found: Entity) -> bool:
        layout: Layout[Any] = LAYOUTS[type(found)]
        place = {theirs: layout.value(found, ours) for ours, theirs in unless.same.items()}
        return self.count(Query(cast(Any, unless.kind), {**unless.where, **place})) > 0

    def add_all(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        if len(entities) > MAX_SINGLE_INSERTS:
            return self._add_many(entities)
        added: list[Entity] = []
        for entity in entities:
            stored = self._add(entity)
            if stored is None:
                # the transaction may go on after the refusal, and this call must have added nothing
                for done in added:
                    self._run(self.sql.drop(LAYOUTS[type(done)]), done.key)
                raise self._make_taken_error(entity)
            added.append(stored)
        self._count_added(entities)
        return tuple(added)

    def update(self, entity: Entity, columns: tuple[int, ...], values: Sequence[Any]) -> int:
        layout: Layout[Any] = LAYOUTS[type(entity)]
        text = self.sql.update(layout, columns)
        names = {column.name for at, column in enumerate(layout.stored) if at in columns}
        # only a change of a unique column can be refused; a savepoint costs two more statements
        if names.isdisjoint(layout.unique):
            return self.run(text, values)
        with self._taken_back_when_refused(lambda: self._make_taken_error(entity)):
            return self.run(text, values)

    def update_all(self, layout: Layout[Any], updates: Iterable[Update]) -> int:
        # In a pipeline nobody waits for the server, which replaces rows while the next are made.
        cursors = list[RowCursor]()
        connection = self._transaction.usable_connection()
        with in_pipeline(self._transaction), _open_pipeline(connection):
            for columns, rows in updates:
                text, values = self.sql.update_many(layout, columns, rows)
                cursors.append(cursor_of(connection).execute(text.encode(), values))
        return sum(cursor.rowcount for cursor in cursors)

    def _add(self, entity: Entity) -> Entity | None:
        """Insert an entity and return it as stored, or None when it is taken."""
        layout: Layout[Any] = LAYOUTS[type(entity)]
        row = layout.row(entity)
        if isinstance(entity, Event):
            self._transaction.has_new_events = True
            # the server gives the position, so the first value of the row is left out
            ((position,),) = self.rows(f"{self.sql.insert(layout)} RETURNING position", row[1:])
            return entity.at_position(position)
        return (
            entity if self.run(f"{self.sql.insert(layout)} ON CONFLICT DO NOTHING", row) else None
        )

    def _add_many(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        """Copy in bulk, kind by kind; when one row is refused, all of them are taken out again."""
        with self._taken_back_when_refused(lambda: self._make_first_taken_error(entities)):
            for kind, group in groupby(entities, type):
                if kind is not Event:
                    self._copy(kind, list(group))
            positions = iter(
                self._positions([entity for entity in entities if isinstance(entity, Event)])
            )
        self._count_added(entities)
        return tuple(
            e.at_position(next(positions)) if isinstance(e, Event) else e for e in entities
        )

    def _copy(self, kind: type[Entity], entities: list[Entity]) -> None:
        layout: Layout[Any] = LAYOUTS[kind]
        self._transaction.usable_connection()
        with (
            translate_errors_in(self._transaction),
            self._cursor.copy(self.sql.copy(layout).encode()) as copy,
        ):
            for entity in entities:
                copy.write_row(layout.row(entity))

    def _positions(self, events: list[Event]) -> list[int]:
        """Insert events and return the position of each."""
        layout: Layout[Any] = LAYOUTS[Event]
        self._transaction.has_new_events |= bool(events)
        text, positions = f"{self.sql.insert(layout)} RETURNING position", list[int]()
        connection = self._transaction.usable_connection()
        with in_pipeline(self._transaction), _open_pipeline(connection):
            self._cursor.executemany(
                text.encode(), [layout.row(event)[1:] for event in events], returning=True
            )
        with translate_errors_in(self._transaction):
            for _ in events:
                positions += [position for (position,) in self._cursor.fetchall()]
                self._cursor.nextset()
        return positions

    @safe_context
    def _taken_back_when_refused(self, refused: Callable[[], Exception]) -> Generator[None]:
        """Roll the inner transaction back when a key or unique column is taken, not the outer."""
        # after an error, a transaction can only go on from a savepoint
        self._run("SAVEPOINT refused")
        try:
            yield
        except StoreFailed as error:
            if not isinstance(error.__cause__, psycopg.errors.UniqueViolation):
                raise
            self._run("ROLLBACK TO refused")
            raise refused() from error.__cause__
        self._run("RELEASE refused")


def _open_pipeline(connection: AnyConnection) -> AbstractContextManager[object]:
    """Let statements go to the server without waiting for it, where the driver can."""
    if psycopg.Pipeline.is_supported():
        return connection.pipeline()
    return nullcontext()  # with a libpq before 14


class PostgresStore:
    """Keeps everything in one schema of a PostgreSQL database; any number of machines may share it.

    >>> from itagflow.storage import PostgresStore
    >>> PostgresStore("mysql://localhost/labels")
    Traceback (most recent call last):
    itagflow.InvalidData: the URL: must be like postgresql://user:p%40ss@host/name
    """

    def __init__(
        self, source: str | Connect, *, schema: str = "itagflow", connections: int = 10
    ) -> None:
        """Connect to the database, and bring the schema up to date, making it if need be.

        Args:
            source: A URL such as ``postgresql://user@host/name``, for a pool of connections that is
                this store's own; or a callable that gives a connection as a context manager, such
                as ``pool.connection`` or ``lambda: psycopg.connect(…)``: credentials, tracing and
                the size of the pool are then yours.  It is called for each transaction, and twice
                at once while a snapshot is open.
            schema: Where the tables are: lower-case letters, digits and ``_``.
            connections: How many connections the store's own pool opens at the most, in each
                process.

        Raises:
            InvalidData: when the URL or the schema is none, or *connections* no whole number of at
                least 1.
            StoreFailed: when the server cannot be reached, refuses, or has a schema of a newer
                version.
        """
        name = name_of(source)
        schema = require_text("the store", "schema", schema)
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
            raise InvalidData(
                "the schema", [Problem(schema, "must be of lower-case letters, digits and _")]
            )
        connections = require_whole_number("the store", "connections", connections, least=1)
        self._source = source
        self._schema = schema
        self._connections = connections
        self._sql = _sql(schema)
        self._row_cache = RowCache()
        self._transactions = PgTransactions(name, source, schema, connections)
        with translate_errors(self.name):
            migrate(
                self.name,
                schema,
                partial(self._transactions.open, Mode.WRITE, _Opening),
                migrations("postgres"),
            )

    @property
    def name(self) -> str:
        """What errors call it: its URL without the password."""
        return self._transactions.name

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._transactions.state.is_closed

    def connector(self) -> Callable[[], PostgresStore]:
        """Return what opens the same database in another process; a callable must be picklable."""
        return Connector(
            PostgresStore, self._source, {"schema": self._schema, "connections": self._connections}
        )

    def read(self, *, snapshot: bool = False) -> SafeContext[Reader]:
        """Open a transaction that only asks; see `itagflow.storage.port.Store`."""
        mode = Mode.READ
        if require_flag("read", "snapshot", snapshot):
            mode = Mode.SNAPSHOT
        return self._transactions.open(mode, partial(_Reader, self._sql, self._row_cache))

    def write(self) -> SafeContext[Writer]:
        """Open a transaction that is kept when it ends, and dropped when it raises."""
        return self._transactions.open(Mode.WRITE, partial(_Writer, self._sql, self._row_cache))

    def high_water_mark(self) -> int:
        """Return a position up to which the log is complete; see `itagflow.storage.port.Store`."""
        with self._transactions.open(
            Mode.LATEST, partial(_Reader, self._sql, self._row_cache)
        ) as reader:
            # first the last position, then who may still put something before it: in this order
            # none is overlooked
            last = reader.rows(f"SELECT last_value FROM {self._schema}.event_position", ())
            pending = reader.rows(f"SELECT {self._schema}.first_pending()", ())
        return min(int(position) for (position,) in (*last, *pending) if position is not None)

    def gather_statistics(self) -> None:
        """Let the server see how many rows there are now.

        It does so by itself, but only once a minute: until then, it would take a job that was just
        loaded for a small one, and go through all of it instead of using an index.  See
        `itagflow.storage.port.SupportsStatistics`.
        Source: PostgreSQL, *Populating a Database*, "Run ANALYZE Afterwards".
        """
        tables = ", ".join(f"{self._schema}.{LAYOUTS[kind].table}" for kind in (Package, Task))
        with self.write() as writer:
            # where somebody else owns the tables, the server only warns
            cast(_Writer, writer).run(f"ANALYZE {tables}", ())

    def subscribe(self) -> SafeContext[Callable[[float], object]]:
        """Begin to listen, on its own connection; see `itagflow.storage.port.SupportsNotify`."""
        return self._transactions.open(Mode.LISTEN, _Listening)

    def close(self, timeout: float = 10.0) -> bool:
        """Close the connections of this process; see `itagflow.storage.port.Store`."""
        return self._transactions.close(timeout)

    def __repr__(self) -> str:
        return show_line(self, self.name)


class _Listening:
    """A view that waits for news."""

    def __init__(self, transaction: PgTransaction) -> None:
        self._transaction = transaction

    def __call__(self, seconds: float) -> None:
        """Wait until something was stored, or so many seconds."""
        transaction = self._transaction
        try:
            transaction.is_busy = True
            connection = transaction.usable_connection()
            for _ in connection.notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error as error:
            raise failure_of(transaction, error) from error
        finally:
            transaction.is_busy = False

    def settle(self) -> None:
        return


class _Opening:
    """A view of a database that is being opened."""

    def __init__(self, transaction: PgTransaction) -> None:
        self.cursor = cursor_of(transaction.usable_connection())

    def settle(self) -> None:
        return


def name_of(source: str | Connect) -> str:
    """Return what errors call the store: its URL without the password.

    Raises:
        InvalidData: when it is neither a URL nor a callable.
    """
    if callable(source):
        return "postgresql"
    source = require_text("the store", "source", source)
    is_understood = is_clear(source)
    try:
        conninfo_to_dict(source)
    except psycopg.Error:  # its words may have the password in them
        is_understood = False
    if not is_understood:
        raise InvalidData(
            "the URL", [Problem("", "must be like postgresql://user:p%40ss@host/name")]
        )
    return safe_name(source)
