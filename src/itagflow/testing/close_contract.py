"""A part of the store contract: how transactions end, and what a closed store does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic
from typing import Any

from itagflow.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreFailed,
)
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.storage import (
    Query,
    Reader,
    Store,
    Writer,
)
from itagflow.testing.builders import (
    change,
    make_assignment,
    make_event,
    make_job,
    make_member,
    make_package,
    make_task,
    make_template,
    make_workspace,
)
from itagflow.testing.counters import within
from itagflow.testing.part import ContractPart, expect_refusal
from itagflow.testing.threads import TIMEOUT, Running, start

PACKAGES = Query(Package, order=("number",))
"""All packages in order."""
LATE_VERBS: dict[str, Callable[[Any], object]] = {
    "get": lambda writer: writer.get(Package, (4, 1)),
    "find": lambda writer: list(writer.find(PACKAGES)),
    "count": lambda writer: writer.count(PACKAGES),
    "tally": lambda writer: writer.tally(PACKAGES, by=("state",)),
    "add": lambda writer: writer.add(make_package(9)),
    "save": lambda writer: writer.save(change(make_package(1))),
    "lock_first": lambda writer: writer.lock_first(PACKAGES),
    "lock": lambda writer: writer.lock(Package, (4, 1)),
    "remove": lambda writer: writer.remove(PACKAGES, 1),
}
"""Every verb, to be tried when its transaction has ended."""


class Stop(Exception):
    """An exception of the application inside a transaction."""


class CloseContract(ContractPart):
    """A transaction ends as a whole with its reader and writer; a closed store stays closed."""

    def _with_three(self) -> Store:
        store = self.open_store()
        with store.write() as writer:
            writer.add(make_package(1), make_package(2), make_package(3))
        return store

    def test_any_exception_leaves_nothing(self) -> None:
        """Any exception passes through unchanged; meanwhile others use up no event positions."""
        store = self._with_three()
        # also those that are no `Exception`, which a store may have forgotten to catch
        for error in (Stop("stop"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()):
            try:
                with store.write() as writer:
                    writer.save(change(make_package(1), free=0))
                    writer.add(make_package(4), make_event())
                    writer.remove(Query(Package, {"number": (2, 3)}), 2)
                    raise error
            except BaseException as raised:
                assert raised is error, (
                    f"{raised!r} came out of the transaction instead of {error!r}"
                )
            with store.read() as reader:
                left = list(reader.find(PACKAGES))
                assert left == [make_package(n) for n in (1, 2, 3)], f"{error!r} left {left}"
                # a position that was given out and taken back would be a gap, where followers wait
                assert reader.count(Query(Event)) == 0, f"{error!r} left an event"
        store.close()

    def test_an_exception_in_a_read_block_passes_through(self) -> None:
        """And the thread can go on."""
        store = self._with_three()
        for snapshot in (False, True):
            error = Stop("stop")
            try:
                with store.read(snapshot=snapshot):
                    raise error
            except Stop as raised:
                assert raised is error
        with store.write() as writer:
            writer.add(make_package(4))
        store.close()

    def test_a_refusal_may_be_caught_inside(self) -> None:
        """What was done before and after a refused call is kept."""
        store = self._with_three()
        with store.write() as writer:
            writer.add(make_package(4))
            with expect_refusal(AlreadyExists):
                writer.add(make_package(5), make_package(1))
            with expect_refusal(NotFound):
                writer.save(change(make_package(9)))
            writer.save(change(make_package(2), free=0))
        with store.read() as reader:
            assert [(p.number, p.free) for p in reader.find(PACKAGES)] == [
                (1, 1),
                (2, 0),
                (3, 1),
                (4, 1),
            ]
        store.close()

    def test_several_saves_are_all_or_none(self) -> None:
        """When the last is refused, the first are not saved, or the transaction cannot commit."""
        store = self._with_three()
        for kind, wrong in (
            (Conflict, change(change(make_package(2)))),
            (NotFound, change(make_package(9))),
        ):
            try:
                with store.write() as writer, expect_refusal(kind):
                    writer.save(change(make_package(1), free=0), wrong)
            # a database may not go on after a refused statement; then the whole must not be stored
            except StoreFailed:
                continue
        with store.read() as reader:
            left = list(reader.find(PACKAGES))
            assert left == [make_package(n) for n in (1, 2, 3)], (
                f"a refused save has saved something: {left}"
            )
        store.close()

    def test_a_key_belongs_to_a_kind_and_a_job(self) -> None:
        """Entities with the same numbers in other kinds and jobs are not mixed up."""
        store = self.open_store()
        packages: list[Entity] = [
            make_package(number, job=job, size=10 * job + number)
            for job in (4, 5)
            for number in (1, 4)
        ]
        others: list[Entity] = [
            make_task(1, row_key_text="k"),
            make_assignment(1, package=9),
            make_job(id=1),
            make_template(id=1),
            make_workspace(id=1),
        ]
        with store.write() as writer:
            writer.add(*packages, *others, make_member(id=1))
        with store.read() as reader:
            for entity in (*packages, *others, make_member(id=1)):
                found = reader.get(type(entity), entity.key)
                assert found == entity, f"get({type(entity).__name__}, {entity.key}) gave {found}"
        store.close()

    def test_what_is_read_is_not_disturbed_by_what_is_written(self) -> None:
        """A writer may change what it is reading."""
        store = self._with_three()
        with store.write() as writer:
            seen: list[int] = []
            # the result may be read row by row, from the very table that is written here
            for package in writer.find(Query(Package, {"waiting": True}, order=("number",))):
                seen.append(package.number)
                writer.save(change(package, free=0))
                writer.add(make_package(package.number + 10))
            assert seen == [1, 2, 3]
        store.close()

    def test_what_is_not_kept_yet_is_not_seen(self) -> None:
        """Others read what was there before, or wait, until the transaction has ended."""
        store = self._with_three()
        with store.write() as writer:
            writer.save(change(make_package(1), free=0))
            writer.add(make_package(4))
            writer.remove(Query(Package, {"number": 3}), 1)
            other = start(lambda: _read_numbers(store))
            is_early = other.ended.wait(0.1)
        numbers = other.result("a reader")
        expected = [(1, 0), (2, 1), (4, 1)]
        if is_early:  # the reader did not wait, so it must have seen what was there before
            expected = [(1, 1), (2, 1), (3, 1)]
        assert numbers == expected, (
            f"a reader has seen {numbers} of a transaction that had not ended"
        )
        assert _read_numbers(store) == [(1, 0), (2, 1), (4, 1)]
        store.close()

    def test_a_read_block_sees_one_moment(self) -> None:
        """What others write meanwhile is not seen in it, or they wait."""
        store = self._with_three()
        with store.read() as reader:
            before = list(reader.find(PACKAGES))
            other = start(lambda: _save_and_add(store))
            other.ended.wait(0.1)
            assert list(reader.find(PACKAGES)) == before, (
                "a read transaction sees what others have written meanwhile"
            )
            assert reader.count(PACKAGES) == 3, (
                "a read transaction counts what others have written meanwhile"
            )
            assert reader.get(Package, (4, 1)) == make_package(1), (
                "a read transaction gets what others have saved meanwhile"
            )
        other.result("a writer")
        store.close()

    def test_a_writer_ends_with_its_block(self) -> None:
        """Every verb raises our error afterwards, and does nothing; what it gave before stays."""
        store = self._with_three()
        for name, verb in LATE_VERBS.items():
            with store.write() as writer:
                found = list(writer.find(PACKAGES))
            _refuse_late(name, verb, writer)
            assert found == [make_package(n) for n in (1, 2, 3)]
        with store.read() as reader:
            assert list(reader.find(PACKAGES)) == [make_package(n) for n in (1, 2, 3)], (
                "a writer wrote after its transaction"
            )
        store.close()

    def test_a_reader_ends_with_its_block(self) -> None:
        """Every verb raises our error then; a half-read iterator gives what it had, or raises."""
        store = self._with_three()
        for snapshot in (False, True):
            with store.read(snapshot=snapshot) as reader:
                half = reader.find(PACKAGES)
                first = next(half)
            with store.write() as writer:
                writer.remove(Query(Package, {"number": 3}), 1)
                writer.add(make_package(3, size=9))
            for name in ("get", "find", "count", "tally"):
                _refuse_late(name, LATE_VERBS[name], reader)
            assert [first, *_rest(half)] in ([make_package(n) for n in (1, 2, 3)], [first])
            with store.write() as writer:
                writer.remove(Query(Package, {"number": 3}), 1)
                writer.add(make_package(3))
        store.close()

    def test_closing_says_whether_all_has_ended(self) -> None:
        """True when nothing runs; also the second time, and in another thread."""
        store = self._with_three()
        assert store.is_closed is False
        assert store.close() is True
        assert store.is_closed is True
        assert store.close() is True
        assert start(lambda: store.close(timeout=0)).result() is True

    def test_after_closing_nothing_opens(self) -> None:
        """In no thread, and nothing is told about what was stored."""
        store = self._with_three()
        store.close()
        acts: dict[str, Callable[[], object]] = {
            "read": lambda: _enter(store.read()),
            "read(snapshot=True)": lambda: _enter(store.read(snapshot=True)),
            "write": lambda: _enter(store.write()),
            "high_water_mark": store.high_water_mark,
        }
        for name, act in acts.items():
            for run in (act, partial(_run_in_thread, act)):
                try:
                    run()
                except StoreFailed:
                    continue
                raise AssertionError(f"{name}() works after the store was closed")

    def test_closing_waits_for_who_writes(self) -> None:
        """For as long as told; who was inside goes on to the end, and what it wrote is kept."""
        store = self._with_three()
        inside, end, other = _hold_open(store.write, _add_fourth)
        before = monotonic()
        assert store.close(timeout=0.2) is False, (
            "close returned True while a write transaction was open"
        )
        assert monotonic() - before < 0.2 + 5, "close waited for much longer than told"
        with expect_refusal(StoreFailed), store.read():
            raise AssertionError("a transaction was opened while the store was closing")
        closing = start(lambda: store.close(timeout=TIMEOUT))
        assert not closing.ended.wait(0.1), "close did not wait for the write transaction"
        end.set()
        assert closing.result("close") is True
        assert other.result("who was inside") is None
        assert inside.is_set()

    def test_closing_waits_for_who_reads(self) -> None:
        """A read transaction that is not a snapshot goes on to its end too."""
        store = self._with_three()
        _, end, other = _hold_open(store.read, lambda reader: reader.count(PACKAGES))
        assert store.close(timeout=0.1) is False, (
            "close returned True while a read transaction was open"
        )
        end.set()
        assert store.close() is True
        assert other.result("who was inside") is None

    def test_closing_from_inside_a_transaction(self) -> None:
        """It says at once, or after its timeout, that a transaction is open; that one commits."""
        store = self._with_three()
        with store.write() as writer:
            writer.add(make_package(4))
            with within(TIMEOUT):
                assert store.close(timeout=0.2) is False, (
                    "close returned True inside an open transaction"
                )
            assert writer.count(PACKAGES) == 4
            writer.add(make_package(5))
        assert store.close() is True
        connector = store.connector()
        if connector is not None:
            again = connector()
            with again.read() as reader:
                assert reader.count(PACKAGES) == 5, (
                    "what was written while the store was closed is lost"
                )
            again.close()

    def test_who_waits_for_its_turn_is_refused(self) -> None:
        """A writer that has not begun when the store is closed does not begin any more."""
        store = self._with_three()
        _, end, _ = _hold_open(store.write, lambda writer: writer.lock(Package, (4, 1)))
        waiting = start(lambda: _enter(store.write()))
        waiting.ended.wait(0.1)
        store.close(timeout=0.1)
        # asked before the other one ends: where writers do not wait, it may have begun in time
        begun = waiting.ended.is_set()
        end.set()
        if not begun:
            try:
                waiting.result("who waited")
            except StoreFailed:
                pass
            else:
                raise AssertionError(
                    "a transaction that had waited began after the store was closed"
                )
        assert store.close() is True

    def test_closing_ends_snapshots(self) -> None:
        """They may stay open for long and are not waited for: their next step raises our error."""
        store = self._with_three()
        with store.read(snapshot=True) as reader:
            assert reader.count(PACKAGES) == 3
            assert start(store.close).result("close") is True
            for name in ("get", "find", "count", "tally"):
                _refuse_late(name, LATE_VERBS[name], reader, "the store was closed")

    def test_closing_ends_what_is_read_page_by_page(self) -> None:
        """An iterator over a snapshot that is half read raises our error at its next page."""
        store = self._with_three()

        def pages() -> Iterator[Package]:
            with store.read(snapshot=True) as reader:
                for number in (1, 2, 3):
                    yield from reader.find(Query(Package, {"number": number}))

        half = pages()
        assert next(half).number == 1
        assert store.close() is True
        with expect_refusal(StoreFailed):
            next(half)

    def test_closing_ends_a_half_read_iterator(self) -> None:
        """Its next step raises our error, whatever it had found before."""
        store = self._with_three()
        with store.read(snapshot=True) as reader:
            half = reader.find(PACKAGES)
            assert next(half).number == 1
            assert store.close() is True
            try:
                next(half)
            except StoreFailed as error:
                assert "closed" in str(error)
            else:
                raise AssertionError("a half-read iterator went on after the store was closed")


def _run_in_thread(act: Callable[[], object]) -> object:
    return start(act).result()


def _read_numbers(store: Store) -> list[tuple[int, int]]:
    with store.read() as reader:
        return [(package.number, package.free) for package in reader.find(PACKAGES)]


def _save_and_add(store: Store) -> None:
    with store.write() as writer:
        writer.save(change(make_package(1), free=0))
        writer.add(make_package(4))


def _refuse_late(
    name: str,
    verb: Callable[[Any], object],
    reader: Reader,
    when: str = "its transaction had ended",
) -> None:
    """Check that a verb is refused with our error."""
    try:
        verb(reader)
    except StoreFailed:
        return
    except Exception as error:
        raise AssertionError(f"{name} raised {error!r} after {when}, and no StoreFailed") from error
    raise AssertionError(f"{name} works after {when}")


def _rest(half: Iterator[Package]) -> list[Package]:
    try:
        return list(half)
    except StoreFailed:
        return []


def _enter(transaction: Any) -> None:
    with transaction:
        return


def _add_fourth(writer: Writer) -> None:
    writer.add(make_package(4))


def _hold_open(
    open_transaction: Callable[[], Any], act: Callable[[Any], object]
) -> tuple[threading.Event, threading.Event, Running]:
    """Open a transaction in a thread; return: set once it acted, what ends it, and the thread."""
    inside, end = threading.Event(), threading.Event()

    def work() -> None:
        with open_transaction() as transaction:
            act(transaction)
            inside.set()
            assert end.wait(TIMEOUT), "nobody let the transaction end"

    running = start(work)
    assert inside.wait(TIMEOUT), "the transaction could not be opened"
    return inside, end, running
