"""A whole store in plain dicts, from public names only: read it before you write your own.

A write transaction works on a draft, and publishes it by one assignment: an exception that strikes
anywhere else has changed nothing.  Nothing here is fast, for nothing here should be clever: every
query looks at every entity.

It passes both contracts of `itagflow.testing`.  The library's own stores are compared with it in
random histories, and the broken stores by which the contracts are proven are made of it.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, get_ident
from collections.abc import Generator, Iterable, Iterator, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar

import attrs

from itagflow import AlreadyExists, Event, NotFound, StoreFailed
from itagflow.contexts import safe_context
from itagflow.errors import Conflict
from itagflow.storage import (
    FIELDS,
    Condition,
    Entity,
    Key,
    Query,
    Scalar,
    Span,
    check_query,
    encode_value,
    field_value,
    unique_values,
)

E = TypeVar("E", bound=Entity)
Table = Mapping[Key, Any]
Tables = Mapping[type[Any], Table]


@attrs.frozen
class State:
    """All that is stored at one moment.  Never changed: a commit puts another one in its place."""

    tables: Tables = attrs.field(factory=lambda: {kind: {} for kind in FIELDS})
    position: int = 0


def meets(value: Any, condition: Condition) -> bool:
    """Return whether an encoded value meets the condition."""
    if isinstance(condition, tuple):
        return value in [encode_value(each) for each in condition]
    if isinstance(condition, Span):
        low, high = (
            None if end is None else encode_value(end) for end in (condition.low, condition.high)
        )
        return (low is None or value >= low) and (high is None or value <= high)
    return bool(value == encode_value(condition))


def meets_all(entity: Any, where: Mapping[str, Condition]) -> bool:
    """Return whether *entity* meets every condition."""
    return all(meets(field_value(entity, name), condition) for name, condition in where.items())


def in_order(entities: Iterable[E], order: tuple[str, ...]) -> list[E]:
    """Return *entities* sorted by fields, some descending; ties by key."""
    found = sorted(entities, key=lambda entity: entity.key)
    for name in reversed(order):
        found.sort(
            key=lambda entity: field_value(entity, name.removeprefix("-")), reverse=name[0] == "-"
        )
    return found


def is_after(entity: Any, query: Query[Any]) -> bool:
    """Return whether *entity* comes after the place where the last page ended."""
    names = (*query.order, *(key.name for key in FIELDS[query.kind].key))
    for name, end in zip(names, map(encode_value, query.after or ()), strict=True):
        value = field_value(entity, name.removeprefix("-"))
        if value != end:
            return bool((value > end) == (name[0] != "-"))
    return False


class ToyReader:
    """A transaction that reads one state, whatever is committed meanwhile.

    The verbs have the signatures and the promises of `itagflow.storage.Reader`.
    """

    is_snapshot = False

    def __init__(self, store: ToyStore) -> None:
        self.store = store
        self.tables: Tables = {}

    def get(self, kind: type[E], key: Key) -> E:
        """Return the entity with this key."""
        found: E | None = self.table(kind).get(key)
        if found is None:
            raise NotFound(kind.__name__, key)
        return found

    def find(self, query: Query[E]) -> Iterator[E]:
        """Yield every match in order; all are found before the first is given out, so that none moves meanwhile."""
        found = self.matches(query)
        if query.order:
            found = in_order(found, query.order)
        elif self.store.backwards:
            found.reverse()
        if query.after is not None:
            found = [entity for entity in found if is_after(entity, query)]
        return self.steps(found[: query.limit])

    def count(self, query: Query[E]) -> int:
        """Return how many match."""
        return len(self.matches(query))

    def tally(
        self, query: Query[E], by: tuple[str, ...], add: tuple[str, ...] = ()
    ) -> dict[tuple[Scalar, ...], tuple[int, ...]]:
        """Return how many match by groups, and sums."""
        # these must be fields that can be named, too
        check_query(Query(query.kind, query.where, order=(*by, *add)))
        sums: dict[tuple[Scalar, ...], tuple[int, ...]] = {}
        for entity in self.matches(query):
            group = tuple(field_value(entity, name) for name in by)
            more = (1, *(field_value(entity, name) for name in add))
            sums[group] = tuple(map(sum, zip(sums.get(group, (0,) * len(more)), more, strict=True)))
        return sums

    def matches(self, query: Query[E]) -> list[E]:
        """Return what meets the conditions of *query* and has nothing beside it that must not be there."""
        check_query(query)
        found = (
            entity for entity in self.table(query.kind).values() if meets_all(entity, query.where)
        )
        return [entity for entity in found if not self.is_ruled_out(entity, query)]

    def is_ruled_out(self, entity: Any, query: Query[Any]) -> bool:
        """Return whether something is beside *entity* that `Query.unless` does not want there."""
        if query.unless is None:
            return False
        place = {theirs: field_value(entity, ours) for ours, theirs in query.unless.same.items()}
        beside = self.table(query.unless.kind).values()
        return any(
            meets_all(other, place) and meets_all(other, query.unless.where) for other in beside
        )

    def steps(self, found: list[E]) -> Iterator[E]:
        """Yield what was found before; a half-read iterator ends with the store."""
        for entity in found:
            if self not in self.store.running:
                self.store.check_open()
            yield entity

    def table(self, kind: type[Any]) -> Table:
        """Return the entities of a kind, unless this transaction has ended: nobody may go on with one."""
        self.store.check_process()
        if self not in self.store.running:
            self.store.check_open()
            raise StoreFailed(self.store.name, "this transaction has ended", "Begin another one")
        return self.tables[kind]


class ToyWriter(ToyReader):
    """A transaction that changes a draft: each verb makes new tables and puts them into place by one assignment.

    So a verb that raises, or is interrupted, has changed nothing: not even the first of several
    entities.
    """

    position = 0

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        """Insert new entities; the store gives events their position."""
        added, tables, position = [], self.copies(map(type, entities)), self.position
        marks = {
            kind: {unique_values(entity) for entity in table.values()}
            for kind, table in tables.items()
        }
        for given in entities:
            entity = given
            if isinstance(given, Event):
                position += 1
                entity = attrs.evolve(given, position=position)
            kind, own = type(entity), unique_values(entity)
            if entity.key in tables[kind]:
                raise AlreadyExists(kind.__name__, entity.key)
            if own and own in marks[kind]:
                raise AlreadyExists(kind.__name__, own[-1])
            tables[kind][entity.key] = entity
            marks[kind].add(own)
            added.append(entity)
        self.tables, self.position = {**self.tables, **tables}, position
        return tuple(added)

    def save(self, *entities: Entity) -> None:
        """Replace entities, each by one version."""
        tables = self.copies(map(type, entities))
        for entity in entities:
            kind, own = type(entity), unique_values(entity)
            old = tables[kind].get(entity.key)
            if old is None:
                raise NotFound(kind.__name__, entity.key)
            if entity.version != old.version + 1:
                raise Conflict(kind.__name__, entity.key)
            if own and any(
                unique_values(other) == own and other.key != entity.key
                for other in tables[kind].values()
            ):
                raise AlreadyExists(kind.__name__, own[-1])
            tables[kind][entity.key] = entity
        self.tables = {**self.tables, **tables}

    def lock_first(self, query: Query[E]) -> E | None:
        """Return the first match."""
        # there is one writer: all is its own
        return next(self.find(attrs.evolve(query, limit=1)), None)

    def lock(self, kind: type[E], key: Key, *, shared: bool = False, create: E | None = None) -> E:
        """Return the entity; there is nobody to keep it from, as there is one writer."""
        if create is not None and key not in self.table(kind):
            self.add(create)
        return self.get(kind, key)

    def remove(self, query: Query[E], limit: int) -> int:
        """Delete at most *limit* matches and return how many."""
        gone = self.matches(query)[:limit]
        tables = self.copies([query.kind])
        for entity in gone:
            del tables[query.kind][entity.key]
        self.tables = {**self.tables, **tables}
        return len(gone)

    def copies(self, kinds: Iterable[type[Any]]) -> dict[type[Any], dict[Key, Any]]:
        """Return copies of the tables that a verb changes."""
        return {kind: dict(self.table(kind)) for kind in set(kinds)}


class ToySnapshot(ToyReader):
    """A transaction that may be open for long, beside another one of its thread."""

    is_snapshot = True


class ToyStore:
    """Keeps everything in dicts of this process; threads may share it, one writes at a time.

    Args:
        backwards: Whether what is asked for without an order comes backwards, so that nothing can
            rely on one.
    """

    reader, snapshot, writer = ToyReader, ToySnapshot, ToyWriter

    def __init__(self, *, backwards: bool = False) -> None:
        """Start empty."""
        self.backwards = backwards
        self.state = State()
        # not of `threading`: that has ends which an interruption could cut off
        self.lock: Any = allocate_lock()
        # who runs, with the thread; each step on it is one call in C
        self.running: dict[ToyReader, int] = {}
        self.process = os.getpid()
        self.closed = False

    @property
    def name(self) -> str:
        """What errors call it."""
        return "toy"

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def connector(self) -> None:
        """Return nothing: no other process can open it."""

    @safe_context
    def read(self, *, snapshot: bool = False) -> Generator[ToyReader]:
        """Open a transaction that reads; states never change, so that a snapshot is any other one."""
        reader = self.snapshot(self) if snapshot else self.reader(self)
        try:
            self.begin(reader)
            reader.tables = self.state.tables
            yield reader
        finally:
            self.running.pop(reader, None)

    @safe_context
    def write(self) -> Generator[ToyWriter]:
        """Open a transaction that writes: its draft becomes the state when it ends, unless it raises."""
        writer = self.writer(self)
        try:
            self.begin(writer)
            with self.lock:  # entered and left in C: nothing strikes in between
                self.check_open()
                writer.tables, writer.position = self.state.tables, self.state.position
                yield writer
                # a child that was forked in here must not write for its parent
                self.check_process()
                self.state = State(writer.tables, writer.position)
        finally:
            self.running.pop(writer, None)

    def high_water_mark(self) -> int:
        """Return the position of the last event: the one writer gives positions in the order of commits."""
        with self.read():
            return self.state.position

    def close(self, timeout: float = 10.0) -> bool:
        """Refuse new transactions, end snapshots, and wait for what other threads run."""
        self.closed = True
        if self.process != os.getpid():
            return True  # what runs is the parent's
        for each in list(self.running):
            if each.is_snapshot:
                self.running.pop(each, None)
        until, me = monotonic() + timeout, get_ident()
        while any(thread != me for thread in list(self.running.values())) and monotonic() < until:
            sleep(0.001)
        return not self.running

    def begin(self, transaction: ToyReader) -> None:
        """Show up as running, and only then see whether that is allowed: `close` does it the other way round."""
        self.check_process()
        if not transaction.is_snapshot:
            self.check_alone()
        self.running[transaction] = 0 if transaction.is_snapshot else get_ident()
        self.check_open()

    def check_alone(self) -> None:
        """Refuse a transaction inside another one of the same thread."""
        if get_ident() in list(self.running.values()):
            hint = "End it first: one transaction inside another would see half of what it does"
            raise StoreFailed(self.name, "this thread has a transaction open already", hint)

    def check_open(self) -> None:
        """Refuse what begins after `close`."""
        if self.closed:
            raise StoreFailed(self.name, "the store is closed", "Open it again")

    def check_process(self) -> None:
        """Refuse to work in a forked child, which has a copy that nobody else sees."""
        if self.process != os.getpid():
            raise StoreFailed(
                self.name,
                "this process was forked from the one that has it",
                "Use a store with a file",
            )


def open_toy(url: str) -> ToyStore:
    """Open ``toy://``: what a package names in its entry points, so that `itagflow.open` finds its store."""
    del url  # a store with an address has it in here
    return ToyStore()
