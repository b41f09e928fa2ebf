"""Stores that are broken, each in one way, to prove the kit: every one of them must fail the tests that it names."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import sleep
from typing import Any

import attrs
from toy_store import (
    State,
    ToyReader,
    ToySnapshot,
    ToyStore,
    ToyWriter,
    in_order,
)

from itagflow.contexts import safe_context
from itagflow.errors import Conflict
from itagflow.model.entity import E, Entity, Key
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.storage import Query, Span, encode_value, field_value


@attrs.frozen
class Broken:
    """A broken store: what it is, which tests of the kit find it, and the store without the fault."""

    store: type[ToyStore]
    tests: tuple[str, ...]
    sound: type[ToyStore]

    def __str__(self) -> str:
        return self.store.__name__


BROKEN: list[Broken] = []


def found_by(
    *tests: str, sound: type[ToyStore] = ToyStore
) -> Callable[[type[ToyStore]], type[ToyStore]]:
    def note(store: type[ToyStore]) -> type[ToyStore]:
        BROKEN.append(Broken(store, tests, sound))
        return store

    return note


# ---- Queries ----


@found_by("test_lock_first_heeds_unless", "test_lock_first_heeds_everything_at_once")
class LockFirstIgnoresUnless(ToyStore):
    """lock_first gives what `unless` rules out."""

    class writer(ToyWriter):
        def lock_first(self, query: Query[Any]) -> Any:
            return super().lock_first(attrs.evolve(query, unless=None))


@found_by("test_lock_first_heeds_after")
class LockFirstIgnoresAfter(ToyStore):
    """lock_first begins at the front, wherever the last page ended."""

    class writer(ToyWriter):
        def lock_first(self, query: Query[Any]) -> Any:
            return super().lock_first(attrs.evolve(query, after=None))


@found_by("test_lock_first_heeds_any_of_several_values")
class LockFirstReadsFirstOfTuple(ToyStore):
    """lock_first looks at the first of several values only."""

    class writer(ToyWriter):
        def lock_first(self, query: Query[Any]) -> Any:
            where = {n: c[0] if isinstance(c, tuple) and c else c for n, c in query.where.items()}
            return super().lock_first(attrs.evolve(query, where=where))


@found_by("test_lock_first_heeds_an_order", "test_lock_first_gives_the_first_or_nothing")
class LockFirstIgnoresOrder(ToyStore):
    """lock_first gives any match."""

    class writer(ToyWriter):
        def lock_first(self, query: Query[Any]) -> Any:
            return super().lock_first(attrs.evolve(query, order=(), after=None))


@found_by("test_find_in_a_writer_heeds_unless")
class FindInWriterIgnoresUnless(ToyStore):
    """find gives what `unless` rules out, in a write transaction."""

    class writer(ToyWriter):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            return super().find(attrs.evolve(query, unless=None))


@found_by("test_find_in_a_writer_heeds_a_limit")
class FindInWriterIgnoresLimit(ToyStore):
    """find gives every match, in a write transaction."""

    class writer(ToyWriter):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            return super().find(attrs.evolve(query, limit=None))

        def lock_first(self, query: Query[Any]) -> Any:
            return next(super().find(query), None)


@found_by("test_find_in_a_snapshot_heeds_unless")
class FindInSnapshotIgnoresUnless(ToyStore):
    """find gives what `unless` rules out, in a snapshot."""

    class snapshot(ToySnapshot):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            return super().find(attrs.evolve(query, unless=None))


@found_by("test_find_heeds_an_order", "test_order_and_pages")
class FindSortsUpwardOnly(ToyStore):
    """find takes a descending column for an ascending one."""

    class reader(ToyReader):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            order = tuple(name.removeprefix("-") for name in query.order)
            return super().find(attrs.evolve(query, order=order))


@found_by("test_find_heeds_after", "test_order_and_pages")
class PagesRepeat(ToyStore):
    """find begins a page with the entity that the last one ended with."""

    class reader(ToyReader):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            if query.after is None:
                return super().find(query)
            every = list(super().find(attrs.evolve(query, after=None, limit=None)))
            left = list(super().find(attrs.evolve(query, limit=None)))
            return iter(every[len(every) - len(left) - 1 :][: query.limit])


@found_by("test_find_heeds_an_order")
class TiesInAnyOrder(ToyStore):
    """find leaves the order of ties to chance."""

    class reader(ToyReader):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            if not query.order or query.after is not None:
                return super().find(query)
            found = in_order(self.matches(query), query.order)
            ties: dict[Any, list[Any]] = {}
            for entity in found:
                ties.setdefault(
                    tuple(field_value(entity, n.removeprefix("-")) for n in query.order), []
                ).insert(0, entity)
            return iter([entity for tie in ties.values() for entity in tie][: query.limit])


@found_by("test_find_heeds_an_empty_tuple", "test_count_heeds_an_empty_tuple")
class EmptyTupleMatchesAll(ToyStore):
    """A condition of no values is no condition."""

    class reader(ToyReader):
        def matches(self, query: Query[Any]) -> list[Any]:
            return super().matches(
                attrs.evolve(query, where={n: c for n, c in query.where.items() if c != ()})
            )


@found_by("test_find_heeds_a_span", "test_tally_heeds_a_span")
class SpanLeavesOutItsEnd(ToyStore):
    """The greatest value of a span does not match."""

    class reader(ToyReader):
        def matches(self, query: Query[Any]) -> list[Any]:
            ends = {
                n: c.high
                for n, c in query.where.items()
                if isinstance(c, Span) and c.high is not None
            }
            at_end = [Query(query.kind, {name: end}) for name, end in ends.items()]
            gone = [entity for each in at_end for entity in super(type(self), self).matches(each)]
            return [entity for entity in super().matches(query) if entity not in gone]


@found_by("test_find_heeds_one_value", "test_find_heeds_any_of_several_values")
class EmptyTextIsNotFound(ToyStore):
    """An empty text matches nothing, as where an index leaves it out."""

    class reader(ToyReader):
        def matches(self, query: Query[Any]) -> list[Any]:
            names = [n for n in query.where if n in ("value", "row_key_text", "token")]
            return [
                entity
                for entity in super().matches(query)
                if all(field_value(entity, n) != "" for n in names)
            ]


@found_by("test_find_heeds_unless", "test_unless_something_is_beside_it")
class UnlessIgnoresItsConditions(ToyStore):
    """Whatever is in the same place rules an entity out."""

    class reader(ToyReader):
        def is_ruled_out(self, entity: Any, query: Query[Any]) -> bool:
            unless = query.unless
            return super().is_ruled_out(
                entity, attrs.evolve(query, unless=unless and attrs.evolve(unless, where={}))
            )


@found_by("test_find_heeds_unless", "test_unless_something_is_beside_it")
class UnlessLooksAtOneColumn(ToyStore):
    """What is in the same place in one column only rules an entity out."""

    class reader(ToyReader):
        def is_ruled_out(self, entity: Any, query: Query[Any]) -> bool:
            if query.unless is None:
                return False
            same = dict(list(query.unless.same.items())[-1:])
            return super().is_ruled_out(
                entity, attrs.evolve(query, unless=attrs.evolve(query.unless, same=same))
            )


@found_by("test_count_heeds_unless", "test_unless_something_is_beside_it")
class CountIgnoresUnless(ToyStore):
    """count counts what `unless` rules out."""

    class reader(ToyReader):
        def count(self, query: Query[Any]) -> int:
            return super().count(attrs.evolve(query, unless=None))


@found_by("test_count_ignores_a_limit")
class CountHeedsLimit(ToyStore):
    """count counts no more than the limit."""

    class reader(ToyReader):
        def count(self, query: Query[Any]) -> int:
            return len(list(self.find(query)))


@found_by("test_count_in_a_writer_heeds_one_value")
class CountMissesOwnChanges(ToyStore):
    """count, in a write transaction, does not see what that has added."""

    class writer(ToyWriter):
        def count(self, query: Query[Any]) -> int:
            mine, self.tables = self.tables, self.store.state.tables
            found = super().count(query)
            self.tables = mine
            return found


@found_by("test_tally_heeds_one_value", "test_tally_heeds_several_conditions")
class TallyIgnoresConditions(ToyStore):
    """tally counts entities that do not match."""

    class reader(ToyReader):
        def tally(self, query: Query[Any], by: tuple[str, ...], add: tuple[str, ...] = ()) -> Any:
            return super().tally(attrs.evolve(query, where={}), by, add)


@found_by("test_tally_in_a_writer_heeds_unless")
class TallyIgnoresUnless(ToyStore):
    """tally counts what `unless` rules out, in a write transaction."""

    class writer(ToyWriter):
        def tally(self, query: Query[Any], by: tuple[str, ...], add: tuple[str, ...] = ()) -> Any:
            return super().tally(attrs.evolve(query, unless=None), by, add)


class LooksIntoGroups(ToyStore):
    """A store whose reader finds the first of each group in one question."""

    class reader(ToyReader):
        def find_firsts(
            self, query: Query[Any], by: tuple[str, ...], groups: Sequence[tuple[Any, ...]]
        ) -> Iterator[Any]:
            first = dict[tuple[Any, ...], Any]()
            for entity in self.find(attrs.evolve(query, after=None, limit=None)):
                first.setdefault(tuple(field_value(entity, name) for name in by), entity)
            asked = [tuple(map(encode_value, group)) for group in groups]
            found = [first[group] for group in asked if group in first]
            return iter(in_order(found, query.order))


@found_by("test_find_firsts_heeds_an_order", sound=LooksIntoGroups)
class GroupsComeAsTheyWereAsked(LooksIntoGroups):
    """find_firsts gives the first of each group in the order of the groups."""

    class reader(LooksIntoGroups.reader):
        def find_firsts(
            self, query: Query[Any], by: tuple[str, ...], groups: Sequence[tuple[Any, ...]]
        ) -> Iterator[Any]:
            for group in groups:
                yield from super().find_firsts(query, by, [group])


@found_by("test_find_firsts_heeds_unless", "test_find_firsts_ignores_after", sound=LooksIntoGroups)
class GroupsHeedTheConditionsOnly(LooksIntoGroups):
    """find_firsts forgets what `unless` rules out, and begins behind a place."""

    class reader(LooksIntoGroups.reader):
        def find_firsts(
            self, query: Query[Any], by: tuple[str, ...], groups: Sequence[tuple[Any, ...]]
        ) -> Iterator[Any]:
            whole = attrs.evolve(query, unless=None, after=None)
            found = list(super().find_firsts(whole, by, groups))
            return iter([each for each in found if query.after is None or each.key > found[0].key])


Prepare = Callable[[int], Callable[[Any], Any]]


class TakesMany(ToyStore):
    """A store whose writer locks and replaces many in one question."""

    class writer(ToyWriter):
        def lock_all(self, query: Query[E]) -> list[E]:
            return list(self.find(query))

        def replace_all(self, query: Query[E], prepare: Callable[[int], Callable[[E], E]]) -> None:
            found = list(self.find(query))
            change = prepare(len(found))
            changed = [(before, change(before)) for before in found]
            if any(before.key != after.key for before, after in changed):
                raise Conflict(query.kind.__name__, ())
            self.save(*(after for before, after in changed if after is not before))


@found_by("test_lock_all_heeds_a_limit", sound=TakesMany)
class LockAllIgnoresLimit(TakesMany):
    """lock_all locks every match."""

    class writer(TakesMany.writer):
        def lock_all(self, query: Query[Any]) -> list[Any]:
            return super().lock_all(attrs.evolve(query, limit=None))


@found_by(
    "test_replace_all_heeds_an_order",
    "test_replace_all_replaces_what_changes",
    sound=TakesMany,
)
class ReplaceAllIgnoresOrder(TakesMany):
    """replace_all gives the matches by their keys."""

    class writer(TakesMany.writer):
        def replace_all(self, query: Query[Any], prepare: Prepare) -> None:
            super().replace_all(attrs.evolve(query, order=(), after=None), prepare)


@found_by("test_an_error_while_replacing_leaves_nothing", sound=TakesMany)
class ReplaceAllKeepsWhatCameBefore(TakesMany):
    """replace_all keeps what it has replaced before an error."""

    class writer(TakesMany.writer):
        def replace_all(self, query: Query[Any], prepare: Prepare) -> None:
            found = list(self.find(query))
            change = prepare(len(found))
            for before in found:
                after = change(before)
                if after is not before:
                    self.save(after)


@found_by("test_replace_all_takes_the_next_version_only", sound=TakesMany)
class ReplaceAllTakesAnyVersion(TakesMany):
    """replace_all stores whatever version it is given."""

    class writer(TakesMany.writer):
        def replace_all(self, query: Query[Any], prepare: Prepare) -> None:
            def force(change: Callable[[Any], Any], before: Any) -> Any:
                after = change(before)
                if after is before:
                    return before
                return attrs.evolve(after, version=before.version + 1)

            super().replace_all(query, lambda count: partial(force, prepare(count)))


@found_by("test_remove_heeds_several_conditions")
class RemoveReadsFirstCondition(ToyStore):
    """remove looks at the first condition only."""

    class writer(ToyWriter):
        def remove(self, query: Query[Any], limit: int) -> int:
            return super().remove(
                attrs.evolve(query, where=dict(list(query.where.items())[:1])), limit
            )


@found_by("test_remove_heeds_one_value", "test_remove_deletes_no_more_than_told")
class RemoveIgnoresLimit(ToyStore):
    """remove deletes every match."""

    class writer(ToyWriter):
        def remove(self, query: Query[Any], limit: int) -> int:
            return super().remove(query, 10**9)


@found_by("test_remove_heeds_unless")
class RemoveIgnoresUnless(ToyStore):
    """remove deletes what `unless` rules out."""

    class writer(ToyWriter):
        def remove(self, query: Query[Any], limit: int) -> int:
            return super().remove(attrs.evolve(query, unless=None), limit)


@found_by("test_what_is_read_is_not_disturbed_by_what_is_written")
class FindReadsLate(ToyStore):
    """find, in a write transaction, looks for each match when it is asked for it."""

    class writer(ToyWriter):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            at = 0
            while True:
                found = list(super().find(query))
                if at >= len(found):
                    return
                yield found[at]
                at += 1


# ---- What is stored ----


@found_by("test_numbers_come_back_as_they_were")
class FloatsBecomeIntegers(ToyStore):
    """Floats without a fraction come back as integers."""

    class writer(ToyWriter):
        def add(self, *entities: Entity) -> tuple[Entity, ...]:
            return super().add(
                *(
                    attrs.evolve(e, data=whole(e.data)) if isinstance(e, Event) else e
                    for e in entities
                )
            )


def whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@found_by("test_words_sort_by_code_point", "test_find_heeds_an_order")
class WordsSortAsInALanguage(ToyStore):
    """Upper and lower case are sorted together, as a locale does."""

    class reader(ToyReader):
        def find(self, query: Query[Any]) -> Iterator[Any]:
            found = list(super().find(query))
            if query.order and query.order[0] in ("name", "account"):
                found.sort(key=lambda entity: field_value(entity, query.order[0]).casefold())
            return iter(found)


@found_by("test_bulk_is_the_same_as_one_by_one")
class PositionsRepeat(ToyStore):
    """Two events of one call get the same position."""

    class writer(ToyWriter):
        def add(self, *entities: Entity) -> tuple[Entity, ...]:
            added = super().add(*entities)
            last = max([self.position, *(e.position for e in added if isinstance(e, Event))])
            return tuple(
                attrs.evolve(e, position=last) if isinstance(e, Event) else e for e in added
            )


@found_by("test_positions_rise")
class PositionsFall(ToyStore):
    """Later events get smaller positions."""

    class writer(ToyWriter):
        def add(self, *entities: Entity) -> tuple[Entity, ...]:
            self.position = 10**6 - 2 - self.position if self.position == 0 else self.position - 2
            return super().add(*entities)


@found_by("test_a_key_belongs_to_a_kind_and_a_job")
class JobsMixedUp(ToyStore):
    """get looks at the last number of a key only."""

    class reader(ToyReader):
        def get(self, kind: type[Any], key: Key) -> Any:
            same = [e for k, e in self.table(kind).items() if kind is Package and k[-1] == key[-1]]
            return same[0] if same else super().get(kind, key)


@found_by("test_a_save_must_know_the_stored_version")
class SaveAcceptsOldVersions(ToyStore):
    """save overwrites what somebody else has saved meanwhile."""

    class writer(ToyWriter):
        def save(self, *entities: Entity) -> None:
            for entity in entities:
                self.get(type(entity), entity.key)
                self.tables = {
                    **self.tables,
                    type(entity): {**self.table(type(entity)), entity.key: entity},
                }


@found_by("test_names_are_taken_only_once")
class SaveTakesTakenNames(ToyStore):
    """save does not look whether a unique column is taken."""

    class writer(ToyWriter):
        def save(self, *entities: Entity) -> None:
            for entity in entities:
                kind = type(entity)
                mine, others = (
                    self.tables,
                    {k: e for k, e in self.table(kind).items() if k != entity.key},
                )
                self.tables = {
                    **mine,
                    kind: {k: e for k, e in mine[kind].items() if k == entity.key},
                }
                try:
                    super().save(entity)
                finally:
                    self.tables = {**mine, kind: {**others, **self.tables[kind]}}


@found_by("test_a_key_is_taken_only_once", "test_a_refusal_may_be_caught_inside")
class AddKeepsTheEarlierOnes(ToyStore):
    """add leaves what it had added when it comes to one that it refuses."""

    class writer(ToyWriter):
        def add(self, *entities: Entity) -> tuple[Entity, ...]:
            return tuple(super(type(self), self).add(entity)[0] for entity in entities)


@found_by("test_several_saves_are_all_or_none")
class SaveKeepsTheEarlierOnes(ToyStore):
    """save leaves what it had saved when it comes to one that it refuses."""

    class writer(ToyWriter):
        def save(self, *entities: Entity) -> None:
            for entity in entities:
                super().save(entity)


# ---- Transactions ----


class OwnWrite(ToyStore):
    """Where a fault is in `write`: what begins and ends a write transaction is replaced by a subclass."""

    @safe_context
    def write(self) -> Iterator[ToyWriter]:
        writer = self.writer(self)
        try:
            self.begin(writer)
            with self.lock:
                self.check_open()
                writer.tables, writer.position = self.state.tables, self.state.position
                yield from self.work(writer)
        finally:
            self.running.pop(writer, None)

    def work(self, writer: ToyWriter) -> Iterator[ToyWriter]:
        yield writer
        self.publish(writer)

    def publish(self, writer: ToyWriter) -> None:
        self.check_process()
        self.state = State(writer.tables, writer.position)


@found_by(
    "test_a_block_that_raises_leaves_nothing", "test_any_exception_leaves_nothing", sound=OwnWrite
)
class ExceptionsKeep(OwnWrite):
    """A transaction that raises is kept."""

    def work(self, writer: ToyWriter) -> Iterator[ToyWriter]:
        try:
            yield writer
        finally:
            self.publish(writer)


@found_by("test_any_exception_leaves_nothing", sound=OwnWrite)
class InterruptsKeep(OwnWrite):
    """A transaction that is interrupted is kept."""

    def work(self, writer: ToyWriter) -> Iterator[ToyWriter]:
        try:
            yield writer
        except Exception:
            raise
        except BaseException:
            self.publish(writer)
            raise
        self.publish(writer)


@found_by(
    "test_any_exception_leaves_nothing", "test_a_block_that_raises_leaves_nothing", sound=OwnWrite
)
class EventsStay(OwnWrite):
    """A transaction that raises leaves its events in the history."""

    def work(self, writer: ToyWriter) -> Iterator[ToyWriter]:
        try:
            yield writer
        except BaseException:
            self.state = State({**self.state.tables, Event: writer.tables[Event]}, writer.position)
            raise
        self.publish(writer)


@found_by("test_a_refusal_may_be_caught_inside", sound=OwnWrite)
class RefusalsDropEverything(OwnWrite):
    """When a call is refused, and the application goes on, the whole transaction is dropped in silence."""

    class writer(ToyWriter):
        failed = False

        def add(self, *entities: Entity) -> tuple[Entity, ...]:
            self.failed, failed = True, self.failed
            added = super().add(*entities)
            self.failed = failed
            return added

    def publish(self, writer: ToyWriter) -> None:
        if not writer.failed:
            super().publish(writer)


@found_by("test_a_block_in_a_block_is_refused")
class TransactionsNest(ToyStore):
    """A thread may open a read transaction inside another one."""

    def check_alone(self) -> None:
        return


@found_by("test_a_snapshot_stays_as_it_was")
class SnapshotsMove(ToyStore):
    """A snapshot shows what is written later."""

    class snapshot(ToySnapshot):
        def table(self, kind: type[Any]) -> Any:
            super().table(kind)
            return self.store.state.tables[kind]


@found_by("test_a_read_block_sees_one_moment")
class ReadsMove(ToyStore):
    """A read transaction shows what is written meanwhile."""

    class reader(ToyReader):
        def table(self, kind: type[Any]) -> Any:
            super().table(kind)
            return self.store.state.tables[kind]


@found_by("test_what_is_not_kept_yet_is_not_seen", sound=OwnWrite)
class WritesShowEarly(OwnWrite):
    """What a transaction writes is seen before it ends."""

    class writer(ToyWriter):
        def save(self, *entities: Entity) -> None:
            super().save(*entities)
            self.store.state = State(self.tables, self.position)


@found_by("test_a_reader_ends_with_its_block", "test_a_writer_ends_with_its_block")
class ReadersOutliveTheirBlock(ToyStore):
    """A reader goes on after its transaction has ended."""

    class reader(ToyReader):
        def table(self, kind: type[Any]) -> Any:
            return self.tables[kind]

    class writer(ToyWriter):
        def table(self, kind: type[Any]) -> Any:
            return self.tables[kind]


# ---- Locks ----


class ParallelWriter(ToyWriter):
    """Locks the store when it first locks or changes something."""

    def acquire(self, *, shared: bool = False) -> None:
        self.store.lock_for(self, shared=shared)

    def add(self, *entities: Entity) -> tuple[Entity, ...]:
        self.acquire()
        return super().add(*entities)

    def save(self, *entities: Entity) -> None:
        self.acquire()
        super().save(*entities)

    def lock_first(self, query: Query[Any]) -> Any:
        self.acquire()
        return super().lock_first(query)

    def lock(self, kind: type[Any], key: Key, *, shared: bool = False, create: Any = None) -> Any:
        self.acquire(shared=shared and create is None)
        return super().lock(kind, key, create=create)

    def remove(self, query: Query[Any], limit: int) -> int:
        self.acquire()
        return super().remove(query, limit)


class ParallelStore(ToyStore):
    """Lets several write transactions in at once, until one of them locks something."""

    writer = ParallelWriter

    def __init__(self, *, backwards: bool = False) -> None:
        super().__init__(backwards=backwards)
        self.holders: dict[Any, bool] = {}
        self.changed = threading.Condition()

    @safe_context
    def write(self) -> Iterator[ToyWriter]:
        writer = self.writer(self)
        try:
            self.begin(writer)
            writer.tables, writer.position = self.state.tables, self.state.position
            yield writer
            if self.holders.get(writer) is False:
                self.state = State(writer.tables, writer.position)
        finally:
            self.running.pop(writer, None)
            with self.changed:
                self.holders.pop(writer, None)
                self.changed.notify_all()

    def lock_for(self, writer: Any, *, shared: bool) -> None:
        with self.changed:
            while any(
                other is not writer and not (shared and theirs)
                for other, theirs in self.holders.items()
            ):
                self.changed.wait()
            if writer not in self.holders:
                writer.tables, writer.position = self.state.tables, self.state.position
            self.holders[writer] = shared and self.holders.get(writer, True)


@found_by("test_lock_first_locks_what_it_gives", sound=ParallelStore)
class LockFirstDoesNotLock(ParallelStore):
    """lock_first gives what another transaction has taken and not yet saved."""

    class writer(ParallelWriter):
        def lock_first(self, query: Query[Any]) -> Any:
            return ToyWriter.lock_first(self, query)


@found_by("test_lock_waits_for_who_has_it", sound=ParallelStore)
class LockDoesNotWait(ParallelStore):
    """lock gives what another transaction has locked."""

    class writer(ParallelWriter):
        def lock(
            self, kind: type[Any], key: Key, *, shared: bool = False, create: Any = None
        ) -> Any:
            return ToyWriter.lock(self, kind, key, create=create)


@found_by("test_a_shared_lock_is_shared", sound=ParallelStore)
class SharedLockExcludes(ParallelStore):
    """lock(shared=True) keeps out others who want to share."""

    class writer(ParallelWriter):
        def acquire(self, *, shared: bool = False) -> None:
            super().acquire(shared=False)


@found_by(
    "test_a_shared_lock_keeps_it_as_it_is",
    "test_a_shared_lock_waits_for_who_has_it",
    sound=ParallelStore,
)
class SharedLockDoesNotLock(ParallelStore):
    """lock(shared=True) lets others change what is held."""

    class writer(ParallelWriter):
        def acquire(self, *, shared: bool = False) -> None:
            if not shared:
                super().acquire()


@found_by("test_what_exists_is_returned_and_not_created", "test_many_create_it_once")
class CreateReplaces(ToyStore):
    """lock(create=) puts the new entity in the place of one that exists."""

    class writer(ToyWriter):
        def lock(
            self, kind: type[Any], key: Key, *, shared: bool = False, create: Any = None
        ) -> Any:
            if create is not None:
                self.tables = {**self.tables, kind: {**self.table(kind), key: create}}
            return super().lock(kind, key, shared=shared)


@found_by(
    "test_what_is_missing_is_created",
    "test_what_is_created_can_be_shared",
    "test_what_is_created_is_summed",
)
class CreateIsIgnored(ToyStore):
    """lock(create=) creates nothing."""

    class writer(ToyWriter):
        def lock(
            self, kind: type[Any], key: Key, *, shared: bool = False, create: Any = None
        ) -> Any:
            return super().lock(kind, key, shared=shared)


@found_by("test_a_unique_column_that_is_taken_is_refused")
class CreateIgnoresUnique(ToyStore):
    """lock(create=) creates an entity whose unique columns are taken."""

    class writer(ToyWriter):
        def lock(
            self, kind: type[Any], key: Key, *, shared: bool = False, create: Any = None
        ) -> Any:
            if create is not None and key not in self.table(kind):
                self.tables = {**self.tables, kind: {**self.table(kind), key: create}}
            return super().lock(kind, key, shared=shared)


class SlowWriter(ToyWriter):
    """A writer that takes a moment between reading and writing."""

    def lock(self, kind: type[E], key: Key, *, shared: bool = False, create: E | None = None) -> E:
        sleep(0.001)  # long enough for another thread to begin
        return super().lock(kind, key, shared=shared, create=create)


@found_by(
    "test_what_is_held_is_not_changed_unseen", "test_threads_lose_nothing", "test_threads_count_up"
)
class WritersOverwrite(ToyStore):
    """Two transactions write at once, and the later one drops what the earlier one wrote."""

    writer = SlowWriter

    def __init__(self, *, backwards: bool = False) -> None:
        super().__init__(backwards=backwards)
        self.lock = contextlib.nullcontext()


@found_by("test_the_high_water_mark_is_below_what_may_still_come")
class HighWaterMarkTooHigh(ToyStore):
    """high_water_mark counts events of transactions that are still open."""

    def high_water_mark(self) -> int:
        return max(
            [
                super().high_water_mark(),
                *(each.position for each in list(self.running) if isinstance(each, ToyWriter)),
            ]
        )


# ---- Closing ----


@found_by("test_closing_waits_for_who_writes", "test_closing_from_inside_a_transaction")
class CloseDoesNotWait(ToyStore):
    """close says that all has ended while a transaction runs."""

    def close(self, timeout: float = 10) -> bool:
        super().close(0)
        return True


@found_by("test_closing_waits_for_who_reads")
class CloseForgetsReaders(ToyStore):
    """close waits for writers only."""

    def close(self, timeout: float = 10) -> bool:
        for each in list(self.running):
            if not isinstance(each, ToyWriter):
                self.running.pop(each, None)
        return super().close(timeout)


@found_by("test_closing_ends_snapshots", "test_closing_ends_what_is_read_page_by_page")
class CloseLeavesSnapshots(ToyStore):
    """A snapshot goes on after close has returned True."""

    class snapshot(ToySnapshot):
        def table(self, kind: type[Any]) -> Any:
            return self.tables[kind]

        def steps(self, found: list[Any]) -> Iterator[Any]:
            return iter(found)


@found_by("test_closing_ends_a_half_read_iterator")
class CloseLeavesIterators(ToyStore):
    """A half-read iterator goes on after close has returned True."""

    class snapshot(ToySnapshot):
        def steps(self, found: list[Any]) -> Iterator[Any]:
            return iter(found)


@found_by("test_after_closing_nothing_opens", "test_a_closed_store_says_so")
class ReadsAfterClose(ToyStore):
    """A closed store can still be read."""

    def check_open(self) -> None:
        return


@found_by("test_closing_waits_for_who_writes", sound=OwnWrite)
class CloseStopsWriters(OwnWrite):
    """A transaction that runs when the store is closed is refused at its end."""

    def publish(self, writer: ToyWriter) -> None:
        self.check_open()
        super().publish(writer)


@found_by("test_who_waits_for_its_turn_is_refused")
class WaitersBegin(ToyStore):
    """A writer that waits when the store is closed begins all the same."""

    @safe_context
    def write(self) -> Iterator[ToyWriter]:
        writer = self.writer(self)
        try:
            self.begin(writer)
            with self.lock:
                writer.tables, writer.position = self.state.tables, self.state.position
                yield writer
                self.state = State(writer.tables, writer.position)
        finally:
            self.running.pop(writer, None)


@found_by("test_closing_says_whether_all_has_ended")
class ForgetsThatItIsClosed(ToyStore):
    """is_closed stays False."""

    @property
    def is_closed(self) -> bool:
        return False


# ---- Threads, interruptions, forks ----


@found_by("test_a_transaction_of_a_thread_that_python_does_not_know_goes_on")
class DropsUnknownThreads(ToyStore):
    """Takes threads that `threading` does not know for threads that have ended, and gives up their transactions."""

    def begin(self, transaction: ToyReader) -> None:
        known = {thread.ident for thread in threading.enumerate()} | {0}
        for each, thread in list(self.running.items()):
            if thread not in known:
                self.running.pop(each, None)
        super().begin(transaction)


class Acquiring:
    """A context as it is often written: it acquires before its `try`, and gives back in `__exit__`."""

    def __init__(self, store: ToyStore) -> None:
        self.store = store

    def __enter__(self) -> ToyWriter:
        self.writer = self.store.writer(self.store)
        self.store.lock.acquire()
        try:
            self.store.begin(self.writer)
        except BaseException:
            self.store.lock.release()
            raise
        self.writer.tables, self.writer.position = (
            self.store.state.tables,
            self.store.state.position,
        )
        return self.writer

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.store.state = State(self.writer.tables, self.writer.position)
        finally:
            self.store.lock.release()
            self.store.running.pop(self.writer, None)


@found_by("test_a_write_may_be_struck_at_any_point")
class StrikeLeavesLock(ToyStore):
    """An exception between acquiring the lock and the `try` leaves it locked for ever."""

    def write(self) -> Acquiring:
        return Acquiring(self)


@found_by("test_a_write_may_be_struck_at_any_point")
class TracebackKeepsLock(ToyStore):
    """An exception that strikes while a transaction ends keeps it open for as long as its traceback is kept."""

    @contextlib.contextmanager
    def write(self) -> Iterator[ToyWriter]:
        writer = self.writer(self)
        try:
            self.begin(writer)
            with self.lock:
                writer.tables, writer.position = self.state.tables, self.state.position
                yield writer
                self.state = State(writer.tables, writer.position)
        finally:
            self.running.pop(writer, None)


@found_by("test_what_is_taken_back_may_be_struck_at_any_point", sound=OwnWrite)
class UndoMayStop(OwnWrite):
    """Writes in place and takes back step by step: an exception meanwhile leaves half of it."""

    class writer(ToyWriter):
        def save(self, *entities: Entity) -> None:
            super().save(*entities)
            self.store.state = State(self.tables, self.position)

    def work(self, writer: ToyWriter) -> Iterator[ToyWriter]:
        before = self.state
        try:
            yield writer
        except BaseException:
            for key, package in before.tables[Package].items():
                self.take_back(key, package)
            raise
        self.publish(writer)

    def take_back(self, key: Key, package: Package) -> None:
        packages = {**self.state.tables[Package], key: package}
        self.state = State({**self.state.tables, Package: packages}, self.state.position)


@found_by("test_a_snapshot_may_be_struck_at_any_point")
class SnapshotsLeaveLock(ToyStore):
    """A snapshot that an exception strikes leaves the writers locked out."""

    @safe_context
    def read(self, *, snapshot: bool = False) -> Iterator[ToyReader]:
        reader = self.snapshot(self) if snapshot else self.reader(self)
        try:
            self.begin(reader)
            if snapshot:
                self.lock.acquire()
                reader.tables = dict(self.state.tables)
                self.lock.release()
            reader.tables = self.state.tables
            yield reader
        finally:
            self.running.pop(reader, None)


@found_by("test_a_child_of_a_quiet_process_works_or_refuses")
class ChildWritesForItself(ToyStore):
    """A forked child is told that it has written, and its parent does not see it."""

    def check_process(self) -> None:
        return


@found_by("test_a_child_forked_while_others_write_works_or_refuses")
class ChildHangs(ToyStore):
    """A forked child waits for a lock that a thread of its parent held."""

    def begin(self, transaction: ToyReader) -> None:
        self.lock.acquire()
        self.lock.release()
        super().begin(transaction)


@found_by("test_a_child_forked_inside_a_write_does_not_keep_it", sound=OwnWrite)
class ChildKeepsTransaction(OwnWrite):
    """A forked child is told that it has kept the transaction of its parent."""

    def publish(self, writer: ToyWriter) -> None:
        self.state = State(writer.tables, writer.position)


@found_by("test_a_child_forked_inside_a_snapshot_does_not_use_it")
class ChildUsesSnapshot(ToyStore):
    """A forked child goes on reading a snapshot of its parent."""

    class snapshot(ToySnapshot):
        def table(self, kind: type[Any]) -> Any:
            return self.tables[kind]
