"""The store in memory: the reference that the others are compared with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cmp_to_key
from itertools import islice
from types import TracebackType
from typing import Any, Generic

import attrs

from itagflow.errors import AlreadyExists, Conflict, NotFound
from itagflow.model.entity import E, Entity, Key
from itagflow.model.event import Event
from itagflow.store import Query, Reader, Scalar, Span, Unless, Writer
from itagflow.stores._columns import plain
from itagflow.stores._guard import Guard
from itagflow.stores._index import Index, best, by_order, fits, is_later, keys_in, stored
from itagflow.stores._layout import LAYOUTS, Layout, check
from itagflow.stores._sorted import Item

Undo = tuple["_Table[Any]", Key, Entity | None]
"""How to take one step back: the table, the key, and what was there."""


class _Table(Generic[E]):
    """All entities of one kind, with their indexes."""

    def __init__(self, layout: Layout[E]) -> None:
        self.layout = layout
        self.rows: dict[Key, E] = {}
        self.taken: dict[Item, Key] = {}
        own = tuple(column.name for column in layout.key)
        self.indexes = [Index(layout, columns) for columns in (own, *layout.indexes)]

    def copy(self) -> _Table[E]:
        other = _Table(self.layout)
        other.rows = dict(self.rows)
        for mine, theirs in zip(self.indexes, other.indexes, strict=True):
            theirs.rows = mine.rows.copy()
        return other

    def values(self, entity: E) -> dict[str, Any]:
        return {column.name: column.store(getattr(entity, column.name)) for column in self.layout.stored}

    def put(self, key: Key, entity: E | None) -> None:
        """Have *entity* under *key*, or nothing."""
        old = self.rows.pop(key, None)
        if old is not None:
            self._unlist(key, self.values(old))
        if entity is not None:
            self.rows[key] = entity
            self._list(key, self.values(entity))

    def clash(self, entity: E) -> AlreadyExists | None:
        """Return the error if the unique columns of *entity* are another's."""
        mark = self._mark(self.values(entity))
        holder = self.taken.get(mark) if mark else None
        return None if holder in (None, entity.key) or not mark else AlreadyExists(self.layout.kind.__name__, mark[-1])

    def _mark(self, values: Mapping[str, Any]) -> Item | None:
        mark = tuple(values[name] for name in self.layout.unique)
        return mark if mark and mark[-1] != "" else None

    def _list(self, key: Key, values: Mapping[str, Any]) -> None:
        for index in self.indexes:
            index.rows.add(index.item(values, key))
        if mark := self._mark(values):
            self.taken[mark] = key

    def _unlist(self, key: Key, values: Mapping[str, Any]) -> None:
        for index in self.indexes:
            index.rows.remove(index.item(values, key))
        if mark := self._mark(values):
            del self.taken[mark]


Tables = Mapping[type[Any], _Table[Any]]


class _Look:
    """A read block: finds rows through the index that fits best."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, kind: type[E], key: Key) -> E:
        table: _Table[E] = self._tables[kind]
        found = table.rows.get(key)
        if found is None:
            raise NotFound(kind.__name__, key)
        return found

    def find(self, query: Query[E]) -> Iterator[E]:
        check(query)
        table: _Table[E] = self._tables[query.kind]
        found, sorted_already = self._matches(table, _narrowed(query))
        if query.order and not sorted_already:
            found = iter(sorted(found, key=cmp_to_key(by_order(query.order))))
        if query.after is not None:
            names = (*query.order, *(column.name for column in table.layout.key))
            last = tuple(map(plain, query.after))
            found = (row for row in found if is_later(names, row[0], last))
        return iter([entity for _, entity in islice(found, query.limit)])

    def count(self, query: Query[E]) -> int:
        check(query)
        table: _Table[E] = self._tables[query.kind]
        return sum(1 for _ in self._matches(table, query)[0])

    def tally(
        self, query: Query[E], by: tuple[str, ...], add: tuple[str, ...] = ()
    ) -> dict[tuple[Scalar, ...], tuple[int, ...]]:
        check(Query(query.kind, query.where, order=(*by, *add)))
        sums: dict[tuple[Scalar, ...], list[int]] = {}
        for values, _ in self._matches(self._tables[query.kind], query)[0]:
            total = sums.setdefault(tuple(values[name] for name in by), [0] * (1 + len(add)))
            total[0] += 1
            for at, name in enumerate(add, 1):
                total[at] += values[name]
        return {group: tuple(total) for group, total in sums.items()}

    def _matches(self, table: _Table[E], query: Query[E]) -> tuple[Iterator[tuple[dict[str, Any], E]], bool]:
        """Return what matches, each with its columns, and whether it comes in the order of the query."""
        where = {name: stored(condition) for name, condition in query.where.items()}
        index, depth, ordered = best(table.indexes, where, query.order)
        found = _rows(table, index, depth, where)
        if query.unless is None:
            return found, ordered
        is_beside = self._beside(query.unless)
        return (row for row in found if not is_beside(row[0])), ordered

    def _beside(self, unless: Unless) -> Callable[[Mapping[str, Any]], bool]:
        """Return what tells whether something is there that *unless* names, beside a row with these columns."""
        table: _Table[Any] = self._tables[unless.kind]
        where = {name: stored(condition) for name, condition in unless.where.items()}
        index, depth, _ = best(table.indexes, {**where, **dict.fromkeys(unless.same.values(), 0)}, ())

        def is_beside(values: Mapping[str, Any]) -> bool:
            here = {**where, **{theirs: values[ours] for ours, theirs in unless.same.items()}}
            return next(_rows(table, index, depth, here), None) is not None

        return is_beside


def _rows(table: _Table[E], index: Index, depth: int, where: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], E]]:
    """Yield the rows in a part of *index* that match, each with its columns."""
    for key in keys_in(index, depth, where):
        entity = table.rows[key]
        values = table.values(entity)
        if all(fits(values[name], condition) for name, condition in where.items()):
            yield values, entity


class _Change(_Look):
    """A write block: the same, with a journal of how to take everything back."""

    def __init__(self, tables: Tables, position: int) -> None:
        super().__init__(tables)
        self.journal: list[Undo] = []
        self.position = position

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        mark = len(self.journal)
        try:
            return tuple(self._add(entity) for entity in entities)
        except AlreadyExists:
            self.undo(mark)
            raise

    def save(self, *entities: Entity) -> None:
        for entity in entities:
            table = self._tables[type(entity)]
            old = table.rows.get(entity.key)
            if old is None:
                raise NotFound(type(entity).__name__, entity.key)
            if entity.version != old.version + 1:
                raise Conflict(type(entity).__name__, entity.key)
            if error := table.clash(entity):
                raise error
            self._put(table, entity.key, entity)

    def take(self, query: Query[E]) -> E | None:
        return next(self.find(attrs.evolve(query, limit=1)), None)

    def hold(self, kind: type[E], key: Key, *, shared: bool = False) -> E:
        del shared  # there is one writer, and nobody to share with
        return self.get(kind, key)

    def remove(self, query: Query[E], limit: int) -> int:
        found = list(self.find(attrs.evolve(query, limit=limit)))
        for entity in found:
            self._put(self._tables[query.kind], entity.key, None)
        return len(found)

    def undo(self, mark: int = 0) -> None:
        """Take everything back that was done since the journal had *mark* entries."""
        while len(self.journal) > mark:
            table, key, old = self.journal.pop()
            table.put(key, old)

    def _add(self, entity: Entity) -> Entity:
        if isinstance(entity, Event):
            self.position += 1
            entity = attrs.evolve(entity, position=self.position)
        table = self._tables[type(entity)]
        if entity.key in table.rows:
            raise AlreadyExists(type(entity).__name__, entity.key)
        if error := table.clash(entity):
            raise error
        self._put(table, entity.key, entity)
        return entity

    def _put(self, table: _Table[Any], key: Key, entity: Entity | None) -> None:
        self.journal.append((table, key, table.rows.get(key)))
        table.put(key, entity)


class _Reading:
    """Opens and closes a read block."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __enter__(self) -> Reader:
        self._store.guard.enter()
        self._store.lock.acquire()
        return _Look(self._store.tables)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.lock.release()
        self._store.guard.leave()


class _Frozen:
    """Opens a snapshot: a copy that no later write touches."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __enter__(self) -> Reader:
        self._store.guard.must_be_open()
        with self._store.lock:
            return _Look({kind: table.copy() for kind, table in self._store.tables.items()})

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class _Writing:
    """Opens a write block, and at its end keeps or takes back what it did."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __enter__(self) -> Writer:
        self._store.guard.enter()
        self._store.lock.acquire()
        self._change = _Change(self._store.tables, self._store.position)
        return self._change

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._store.position = self._change.position
            else:
                self._change.undo()
        finally:
            self._store.lock.release()
            self._store.guard.leave()


class MemoryStore:
    """Keeps everything in memory, for as long as the process lives; threads may share it.

    >>> store = MemoryStore()
    >>> with store.read() as reader:
    ...     reader.count(Query(Event))
    0
    """

    def __init__(self) -> None:
        """Start empty."""
        self.tables = _empty()
        self.lock = threading.Lock()
        self.guard = Guard(self.name)
        self.position = 0

    @property
    def name(self) -> str:
        """What errors call it."""
        return "memory"

    def opener(self) -> None:
        """Return nothing: no other process can open it."""

    def read(self, *, snapshot: bool = False) -> _Reading | _Frozen:
        """Open a block that only asks; see `itagflow.store.Store`."""
        return _Frozen(self) if snapshot else _Reading(self)

    def write(self) -> _Writing:
        """Open a block that is kept when it ends, and dropped when it raises."""
        return _Writing(self)

    def settled(self) -> int:
        """Return the position of the last event: positions follow the order of commits."""
        with self.read():
            return self.position

    def close(self) -> None:
        """Forget everything."""
        self.guard.closed = True
        self.tables = _empty()


def _empty() -> Tables:
    tables: dict[type[Any], _Table[Any]] = {}
    for kind, layout in LAYOUTS.items():
        tables[kind] = _Table(layout)
    return tables


def _narrowed(query: Query[E]) -> Query[E]:
    """Return *query* with what `after` says about its first column as a condition, so that an index can use it."""
    if query.after is None or not query.order or query.order[0] in query.where or query.order[0][0] == "-":
        return query
    return attrs.evolve(query, where={**query.where, query.order[0]: Span(query.after[0], None)})
