"""What the transactions of every store that speaks SQL have in common."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import compress, islice
from operator import ne
from typing import Any, cast

import attrs

from itagflow.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreFailed,
)
from itagflow.model.entity import E, Entity, Key
from itagflow.model.event import Event
from itagflow.storage._sql.layout import LAYOUTS, Layout, Sums
from itagflow.storage._sql.statements import Sql
from itagflow.storage._sql.transaction import Transaction
from itagflow.storage.port import Query, Scalar

MAX_DECODED = 4_096
"""How many decoded entities are kept of each kind that is read again and again.

As many as an `itagflow.core.lookup.EntityCache` has of one kind: what is in use at a time.
"""

MANY = 20
"""From how many entities of a kind on they are saved together: what a driver saves by it is less
than what it costs to sort a few."""

SAVED_AT_ONCE = 500
"""How many are saved by a statement at the most: a server is at work while the next are made."""
Row = tuple[Any, ...]
"""A row as it is stored."""
Replacement = tuple[Row | None, Row]
"""A row as it is stored, or None when that is not known, and as it is to be."""
Update = tuple[tuple[int, ...], Sequence[Row]]
"""The indexes of the columns that change, and for each row their values, the key and the version
that it has."""
_NOTHING_KNOWN: tuple[Row, Any] = ((), None)


class RowCache:
    """The entities of rows; rows of a kind that is read often are decoded once per version."""

    # All threads of a store share it without a lock: each access is one call of a dict.  It cannot
    # be out of date, since every row is read from the database first, and only its decoding is
    # saved.

    def __init__(self) -> None:
        """Start empty."""
        # kind by kind: many assignments come and go, and jobs and templates are to stay
        self._decoded: dict[type[Any], dict[Key, tuple[Row, Any]]] = {
            layout.kind: {} for layout in LAYOUTS.values() if layout.cached
        }

    def find_decoder(self, layout: Layout[E]) -> Callable[[Row], E]:
        """Return what makes the entities of many rows: most kinds are decoded each time."""
        if layout.kind in self._decoded:
            return partial(self.entity, layout)
        return layout.entity

    def entity(self, layout: Layout[E], row: Row) -> E:
        """Return the entity of *row*."""
        decoded = self._decoded.get(layout.kind)
        if decoded is None:
            return layout.entity(row)
        key = row[: len(layout.key)]
        known, entity = decoded.get(key, _NOTHING_KNOWN)
        # The whole row and not the version: a transaction that decodes what it has saved itself may
        # be rolled back, and a key may be used again.
        if known != row:
            if len(decoded) >= MAX_DECODED:
                decoded.clear()
            entity = layout.entity(row)
            decoded[key] = (row, entity)
        found: E = entity
        return found


class SqlReader(ABC):
    """A read transaction; how a statement is run is left to the store."""

    are_sums_current = True
    """Whether the kept sums are up to date; in a write transaction they are not, until it ends."""

    def __init__(self, sql: Sql, row_cache: RowCache, transaction: Transaction[Any]) -> None:
        """Ask in this *sql*."""
        self.sql = sql
        self.transaction = transaction
        self._row_cache = row_cache

    @abstractmethod
    def rows(self, text: str, values: Sequence[Any]) -> list[Row]:
        """Run a query and return what it finds."""

    def get(self, kind: type[E], key: Key) -> E:
        """Return the entity with this key."""
        layout: Layout[E] = LAYOUTS[kind]
        return self._row_cache.entity(layout, self._require_row(layout, self.sql.get(layout), key))

    def find(self, query: Query[E]) -> Iterator[E]:
        """Yield every match in order."""
        statement = self.sql.find(query)
        layout: Layout[E] = LAYOUTS[query.kind]
        return self._decode(layout, self.rows(statement.text, statement.values))

    def find_firsts(
        self, query: Query[E], by: tuple[str, ...], groups: Sequence[tuple[Scalar, ...]]
    ) -> Iterator[E]:
        """Yield the first match in each group, in order."""
        statement = self.sql.find_firsts(query, by, groups)
        layout: Layout[E] = LAYOUTS[query.kind]
        return self._decode(layout, self.rows(statement.text, statement.values))

    def count(self, query: Query[E]) -> int:
        """Return how many match."""
        statement = self.sql.count(query)
        return int(self.rows(statement.text, statement.values)[0][0])

    def tally(
        self, query: Query[E], by: tuple[str, ...], add: tuple[str, ...] = ()
    ) -> dict[tuple[Scalar, ...], tuple[int, ...]]:
        """Return counts and sums by groups."""
        # From the kept sums where they have the answer: they have some rows for each job, where the
        # table has one for each package.
        sums = LAYOUTS[query.kind].sums
        if sums and self.are_sums_current and sums.can_answer(query, by, add):
            statement = self.sql.sums(query, sums, by, add)
        else:
            statement = self.sql.tally(query, by, add)
        rows = self.rows(statement.text, statement.values)
        return {tuple(row[: len(by)]): tuple(row[len(by) :]) for row in rows}

    def settle(self) -> None:
        """Do what comes last before a commit: nothing, in a transaction that only asks."""
        return

    def _decode(self, layout: Layout[E], rows: list[Row]) -> Iterator[E]:
        transaction = self.transaction
        decode = self._row_cache.find_decoder(layout)
        for row in rows:
            if transaction.has_been_ended:  # the store was closed since the last step
                raise StoreFailed(transaction.store, *transaction.refusal)
            yield decode(row)

    def _require_row(self, layout: Layout[Any], text: str, key: Key) -> Row:
        row = self._find_row(text, key)
        if row is None:
            raise NotFound(layout.kind.__name__, key)
        return row

    def _find_row(self, text: str, key: Key) -> Row | None:
        """Return the row that *text* reads by its key, or None."""
        try:
            rows = self.rows(text, key)
        except OverflowError:
            return None  # no column holds such an integer
        if not rows:
            return None
        return rows[0]


class SqlWriter(SqlReader):
    """A write transaction; how rows are inserted and replaced is left to the store."""

    are_sums_current = False

    _is_partly_saved = False
    """Whether an error has left some of several entities stored: `settle` refuses to commit then,
    whatever the caller does."""

    def __init__(self, sql: Sql, row_cache: RowCache, transaction: Transaction[Any]) -> None:
        """Ask and write in this *sql*."""
        super().__init__(sql, row_cache, transaction)
        self._locked_rows: dict[type[Any], dict[Key, Row]] = defaultdict(dict)
        """The rows as they were locked, by kind: `save` updates only what differs from them."""
        self._sums: dict[Sums, dict[Row, list[int]]] = {}
        """What is to be added to each kept sum, by group, when the transaction ends."""

    @abstractmethod
    def run(self, text: str, values: Sequence[Any]) -> int:
        """Run a statement and return how many rows it touched."""

    @abstractmethod
    def update(self, entity: Entity, columns: tuple[int, ...], values: Sequence[Any]) -> int:
        """Update these columns of a row that has the old version; return 1, or 0 without one.

        Raises:
            AlreadyExists: when a unique column is taken.
        """

    @abstractmethod
    def add_all(self, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
        """Insert entities and return them as stored.

        Raises:
            AlreadyExists: when a key or a unique column is taken; none is added then.
        """

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        """Insert new entities and return them as stored: events with their position."""
        try:
            return self.add_all(entities)
        except AlreadyExists:
            raise  # none was added, and the caller may try another key
        except BaseException:
            self._is_partly_saved = True
            raise

    def save(self, *entities: Entity) -> None:
        """Replace entities, each by one version; after an error the transaction must roll back."""
        if len(entities) > MANY and _are_alike(entities):
            self._save_alike(LAYOUTS[type(entities[0])], entities)
            return
        for number, entity in enumerate(entities):
            try:
                self._save(entity)
            except (AlreadyExists, Conflict, NotFound):
                # The caller may catch the error and go on.  When nothing was saved before, that is
                # as if it had not tried.
                if number > 0:
                    self._is_partly_saved = True
                raise
            except BaseException:
                self._is_partly_saved = True
                raise

    def _save(self, entity: Entity) -> None:
        layout: Layout[Any] = LAYOUTS[type(entity)]
        row, keys = layout.row(entity), len(layout.key)
        # taken out: once it is saved, the row is not as it was locked any more
        old = self._locked_rows[layout.kind].pop(row[:keys], None)
        columns = _find_changed(old, row, keys)
        update = layout.find_update(columns)
        if update.moves_sums and old is None:
            # before the update: the sums need to know which group the entity leaves
            old = self._require_row(layout, self.sql.get(layout), row[:keys])
        values = (*update.get_values(row), entity.version - 1)
        if self.update(entity, columns, values) != 1:
            self.get(type(entity), entity.key)  # raises `NotFound` if it is gone
            raise Conflict(type(entity).__name__, entity.key)
        if update.moves_sums and old is not None:
            self._count_moved(layout, old, row)

    def update_many(
        self, layout: Layout[Any], columns: tuple[int, ...], rows: Sequence[Sequence[Any]]
    ) -> int:
        """Update the same columns of several rows; return how many had the old version."""
        return self.run(*self.sql.update_many(layout, columns, rows))

    def _save_alike(self, layout: Layout[Any], entities: Sequence[Entity]) -> None:
        """Replace many entities of a kind that has no unique columns, in few calls of the driver.

        Raises:
            Conflict: when one is not exactly one version newer than the stored one.
        """
        if self._replace_rows(layout, self._pair_with_locked(layout, entities)) != len(entities):
            self._is_partly_saved = True
            # asked only now which one it was; one that was saved before looks like the others
            wrong = [each for each in entities if self.get(layout.kind, each.key) != each]
            raise Conflict(layout.kind.__name__, (wrong or entities)[0].key)

    def _pair_with_locked(
        self, layout: Layout[Any], entities: Iterable[Entity]
    ) -> Iterator[Replacement]:
        """Yield each of *entities* as a row, with the row that was locked."""
        keys, locked = len(layout.key), self._locked_rows[layout.kind]
        for entity in entities:
            row = layout.row(entity)
            # taken out: once it is saved, the row is not as it was locked any more
            yield locked.pop(row[:keys], None), row

    def replace_all(self, query: Query[E], prepare: Callable[[int], Callable[[E], E]]) -> None:
        """Lock all matches, and replace each by what a function makes of it."""
        layout: Layout[E] = LAYOUTS[query.kind]
        if layout.unique:  # a value may be taken, and single updates alone show whose that is
            self._change_and_save(query, prepare)
            return
        statement = self.sql.find(query)
        rows = self.rows(statement.text + self.sql.lock, statement.values)
        change = prepare(len(rows))
        self._forget_locked(layout)
        # From here on the rows go through one by one: none waits in memory for the others, where
        # the garbage collector would go through all of them again and again.
        self._replace_rows(layout, self._change_rows(layout, rows, change))

    def _change_and_save(self, query: Query[E], prepare: Callable[[int], Callable[[E], E]]) -> None:
        found = self.lock_all(query)
        change = prepare(len(found))
        changes = [(before, _make_next(before, change)) for before in found]
        self.save(*(after for before, after in changes if after is not before))

    def _change_rows(
        self, layout: Layout[E], rows: Iterable[Row], change: Callable[[E], E]
    ) -> Iterator[Replacement]:
        """Yield locked rows with what *change* makes of them, where that is something else."""
        decode = self._row_cache.find_decoder(layout)
        for row in rows:
            before = decode(row)
            after = _make_next(before, change)
            if after is not before:
                yield row, layout.row(after)

    def _replace_rows(self, layout: Layout[Any], replacements: Iterable[Replacement]) -> int:
        """Replace rows, block by block, and return how many had the old version."""
        try:
            return self.update_all(layout, self._make_updates(layout, replacements))
        except BaseException:
            self._is_partly_saved = True
            raise

    def update_all(self, layout: Layout[Any], updates: Iterable[Update]) -> int:
        """Run updates, which are made one by one, and return how many rows had the old version."""
        return sum(self.update_many(layout, columns, rows) for columns, rows in updates)

    def _make_updates(
        self, layout: Layout[Any], replacements: Iterable[Replacement]
    ) -> Iterator[Update]:
        """Yield what replaces rows, block by block, and by the columns that change."""
        keys, left = len(layout.key), iter(replacements)
        while block := list(islice(left, SAVED_AT_ONCE)):
            changes = defaultdict[tuple[int, ...], list[Row]](list)
            for old, row in block:
                columns = _find_changed(old, row, keys)
                update = layout.find_update(columns)
                if update.moves_sums:
                    # before the update: the sums need to know which group the entity leaves
                    before = old or self._require_row(layout, self.sql.get(layout), row[:keys])
                    self._count_moved(layout, before, row)
                # the version is the first column behind the key
                changes[columns].append((*update.get_values(row), row[keys] - 1))
            yield from changes.items()

    def _count_moved(self, layout: Layout[Any], old: Row, new: Row) -> None:
        """Note that an entity of a kind with kept sums has changed what it adds to them."""
        before, after = layout.split_for_sums(old), layout.split_for_sums(new)
        if layout.sums and before != after:
            self._count(layout.sums, *before, -1)
            self._count(layout.sums, *after, 1)

    def lock_all(self, query: Query[E]) -> list[E]:
        """Wait for other writers, lock all matches in the order of *query*, and return them."""
        statement = self.sql.find(query)
        layout: Layout[E] = LAYOUTS[query.kind]
        rows = self.rows(statement.text + self.sql.lock, statement.values)
        keys = len(layout.key)
        self._locked_rows[layout.kind].update({row[:keys]: row for row in rows})
        return list(map(self._row_cache.find_decoder(layout), rows))

    def lock_first(self, query: Query[E]) -> E | None:
        """Lock the first match that no other writer has locked, and return it."""
        # without the limit, PostgreSQL would lock every match that it finds on the way
        if query.limit != 1:
            query = attrs.evolve(query, limit=1)
        statement = self.sql.find(query)
        rows = self.rows(statement.text + self.sql.skip_locked, statement.values)
        if not rows:
            return None
        layout: Layout[E] = LAYOUTS[query.kind]
        return self._note_locked(layout, rows[0])

    def lock(self, kind: type[E], key: Key, *, shared: bool = False, create: E | None = None) -> E:
        """Lock the entity and return it; insert *create* first if there is none."""
        layout: Layout[E] = LAYOUTS[kind]
        mode = self.sql.share if shared else self.sql.lock
        text = self.sql.get(layout) + mode
        row = self._find_row(text, key)
        if row is None and create is not None:
            self._insert_missing(layout, create)
            row = self._find_row(text, key)
        if row is None:
            raise NotFound(kind.__name__, key)
        if shared:  # nobody saves it
            return self._row_cache.entity(layout, row)
        return self._note_locked(layout, row)

    def _insert_missing(self, layout: Layout[E], entity: E) -> None:
        """Insert an entity unless its key is taken.

        The row is asked for first and inserted only when it is missing: it almost always exists,
        and an insert that does nothing would cost a write.  Where another transaction inserts the
        same key at this moment, the statement waits until that one has ended, so afterwards the row
        can be read and locked.

        Raises:
            AlreadyExists: when a unique column is taken.
        """
        text, row = f"{self.sql.insert(layout)} ON CONFLICT DO NOTHING", layout.row(entity)
        try:
            inserted = self.run(text, row)
            if inserted:
                self._count_added([entity])
        except BaseException:
            self._is_partly_saved = True
            raise
        if not inserted and not self.rows(self.sql.get(layout), entity.key):
            raise self._make_taken_error(entity)

    def remove(self, query: Query[E], limit: int) -> int:
        """Delete at most *limit* matches and return how many were deleted."""
        statement = self.sql.remove(query, limit)
        layout = LAYOUTS[query.kind]
        self._forget_locked(layout)
        try:
            if layout.sums is None:
                return self.run(statement.text, statement.values)
            removed = self.rows(statement.text, statement.values)
            for row in removed:
                self._count(layout.sums, *layout.split_for_sums(row), -1)
        except BaseException:
            self._is_partly_saved = True
            raise
        return len(removed)

    def settle(self) -> None:
        """Flush the kept sums: the last step of a transaction, in the order that everybody uses.

        Raises:
            StoreFailed: when several entities were to be stored and only some of them were.
        """
        if self._is_partly_saved:
            hint = "Nothing of the transaction was stored: begin again"
            raise StoreFailed(
                self.transaction.store, "some of several entities could not be stored", hint
            )
        # Last, so that rows which many transactions update are locked as shortly as possible, and
        # sorted, so that two transactions lock them in the same order.  A thread always takes the
        # same slot: threads that work at the same time rarely meet in one.
        for sums, groups in self._sums.items():
            slot = threading.get_native_id() % self.sql.slots
            rows = [(*group, slot, *added) for group, added in sorted(groups.items()) if any(added)]
            if rows:
                self.run(self.sql.add_up(sums, len(rows)), [value for row in rows for value in row])

    def _count(self, sums: Sums, group: Row, values: Row, sign: int) -> None:
        """Note that an entity of *group* has come, or gone, for the kept sums."""
        added = self._sums.setdefault(sums, {}).setdefault(group, [0] * (1 + len(values)))
        added[0] += sign
        for index, value in enumerate(values, 1):
            added[index] += sign * value

    def _count_added(self, entities: Sequence[Entity]) -> None:
        """Note that *entities* were added, for the kept sums."""
        for entity in entities:
            layout: Layout[Any] = LAYOUTS[type(entity)]
            if layout.sums:
                self._count(layout.sums, *layout.split_for_sums(layout.row(entity)), 1)

    def _note_locked(self, layout: Layout[E], row: Row) -> E:
        """Return the entity of a row that was locked, and keep the row for `save`."""
        self._locked_rows[layout.kind][row[: len(layout.key)]] = row
        return self._row_cache.entity(layout, row)

    def _forget_locked(self, layout: Layout[Any]) -> None:
        """Forget how rows of a kind were when they were locked: some of them will not be so now."""
        self._locked_rows.pop(layout.kind, None)

    def _make_taken_error(self, entity: Entity) -> AlreadyExists:
        """Return the error that tells what of *entity* was taken: its key, or its name."""
        layout: Layout[Any] = LAYOUTS[type(entity)]
        # Databases name the constraint in words that differ by version and language, so the reason
        # is looked up.  It was no conflict of keys if there is none, or if it is the row to
        # replace.
        stored = self.rows(self.sql.get(layout), entity.key)
        if layout.unique and (not stored or stored[0][len(layout.key)] == entity.version - 1):
            return AlreadyExists(type(entity).__name__, layout.value(entity, layout.unique[-1]))
        return AlreadyExists(type(entity).__name__, entity.key)

    def _make_first_taken_error(self, entities: Sequence[Entity]) -> AlreadyExists:
        """Return the error for the first of *entities* that conflicts with the store or another."""
        # a bulk insert only says that one of its rows was refused
        seen: set[object] = set()
        for entity in entities:
            layout: Layout[Any] = LAYOUTS[type(entity)]
            marks: list[object] = []
            if not isinstance(entity, Event):  # new events have no position yet, so all are equal
                marks.append((type(entity), entity.key))
            unique = tuple(layout.value(entity, name) for name in layout.unique)
            if unique and unique[-1] != "":
                marks.append((type(entity), ("unique", *unique)))
                query: Query[Any] = Query(
                    cast(Any, type(entity)), dict(zip(layout.unique, unique, strict=True))
                )
                if self.count(query):
                    return AlreadyExists(type(entity).__name__, unique[-1])
            if self.rows(self.sql.get(layout), entity.key) or seen.intersection(marks):
                return AlreadyExists(type(entity).__name__, entity.key)
            seen.update(marks)
        return AlreadyExists("entity", "among those added")


def _find_changed(stored: Row | None, row: Row, keys: int) -> tuple[int, ...]:
    """Return the changed columns of *row*, and its version: the others are not touched."""
    # SQLite writes an index again when one of its columns is in the UPDATE, also with the same
    # value. The comparison itself runs in C.
    columns = range(keys, len(row))
    if stored is None:
        return tuple(columns)
    changed = tuple(compress(columns, map(ne, stored[keys:], row[keys:])))
    # The version is the first column behind the key.  Where it is not the next one, the update
    # finds no row; without any column it would be no statement.
    if row[keys] == stored[keys]:
        return (keys, *changed)
    return changed


def _are_alike(entities: Sequence[Entity]) -> bool:
    """Return whether entities can be saved together: of one kind, none of them twice.

    Not where columns are unique: single updates alone show whose value is taken.
    """
    kind = type(entities[0])
    if LAYOUTS[kind].unique or any(type(each) is not kind for each in entities):
        return False
    return len({each.key for each in entities}) == len(entities)


def _make_next(before: E, change: Callable[[E], E]) -> E:
    """Return what *change* makes of an entity: its next version, or itself.

    Raises:
        Conflict: when it is anything else.
    """
    after = change(before)
    if after is before:
        return before
    if after.version != before.version + 1 or after.key != before.key:
        raise Conflict(type(before).__name__, before.key)
    return after
