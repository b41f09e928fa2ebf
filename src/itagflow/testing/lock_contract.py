"""A part of the store contract: what one writer has locked, no other changes or takes.

A store may let one write transaction in at a time, or several; the tests find out which, and ask of
each what it owes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.storage import (
    Query,
    Span,
    Store,
    Writer,
)
from itagflow.storage.port import SupportsLockAll, SupportsReplaceAll
from itagflow.testing.builders import change, make_event, make_package
from itagflow.testing.part import ContractPart
from itagflow.testing.threads import (
    MOMENT,
    TIMEOUT,
    Running,
    often_switched,
    start,
)

FREE = Query(Package, {"job": 4, "waiting": True}, order=("number",))
"""The packages that nobody has taken, in order."""


def take_first(writer: Writer) -> int | None:
    """Take the first free package for good, and return its number."""
    found = writer.lock_first(FREE)
    if found is None:
        return None
    writer.save(change(found, free=0))
    return found.number


class LockContract(ContractPart):
    """What one writer holds is kept from the others."""

    def _with_packages(self, count: int) -> Store:
        store = self.open_store()
        with store.write() as writer:
            writer.add(*(make_package(number, size=0) for number in range(1, count + 1)))
        return store

    def test_lock_first_locks_what_it_gives(self) -> None:
        """While one transaction has the first package, another one is given the next, or waits."""
        store = self._with_packages(3)
        with store.write() as writer:
            first = writer.lock_first(FREE)
            assert first is not None
            assert first.number == 1
            other = start(lambda: _in_a_transaction(store, lambda writer: writer.lock_first(FREE)))
            # long enough for a store that does not wait to give the same package away
            other.ended.wait(MOMENT)
            writer.save(change(first, free=0))
        second = other.result("who takes another package")
        assert second is not None
        assert second.number == 2, (
            f"lock_first gave package {second.number}, which another transaction had taken"
        )
        store.close()

    def test_lock_first_gives_each_match_once(self) -> None:
        """Eight threads take fifty packages: each package goes to one of them."""
        store = self._with_packages(50)
        taken: list[int] = []

        def work() -> None:
            while (number := _in_a_transaction(store, take_first)) is not None:
                taken.append(number)

        # two threads meet in the few steps between finding and locking only when switched often
        with often_switched():
            for thread in [start(work) for _ in range(8)]:
                thread.result("who takes packages")
        assert sorted(taken) == list(range(1, 51)), (
            f"lock_first gave packages twice, or not at all: {sorted(taken)}"
        )
        store.close()

    def test_lock_waits_for_who_has_it(self) -> None:
        """And then sees what the other one has saved."""
        self._second_waits(lambda writer: writer.lock(Package, (4, 1)), "lock")

    def test_a_shared_lock_waits_for_who_has_it(self) -> None:
        """And then sees what the other one has saved."""
        self._second_waits(
            lambda writer: writer.lock(Package, (4, 1), shared=True), "lock(shared=True)"
        )

    def test_lock_all_waits_for_who_has_it(self) -> None:
        """And then sees what the other one has saved."""

        def lock(writer: Writer) -> Package:
            if isinstance(writer, SupportsLockAll):
                return writer.lock_all(FREE)[0]
            return writer.lock(Package, (4, 1))

        self._second_waits(lock, "lock_all")

    def test_replace_all_waits_for_who_has_it(self) -> None:
        """And then is given what the other one has saved."""

        def replace(writer: Writer) -> Package:
            given: list[Package] = []

            def note(package: Package) -> Package:
                given.append(package)
                return change(package, priority=1)

            if isinstance(writer, SupportsReplaceAll):
                writer.replace_all(FREE, lambda _: note)
                return given[0]
            return writer.lock(Package, (4, 1))

        self._second_waits(replace, "replace_all")

    def _second_waits(self, lock: Callable[[Writer], Package], name: str) -> None:
        store = self._with_packages(1)
        with store.write() as writer:
            held = writer.lock(Package, (4, 1))
            other = start(lambda: _in_a_transaction(store, lambda other: lock(other).size))
            # a wait cannot be seen; that it has not ended after a moment can
            is_early = other.ended.wait(MOMENT)
            writer.save(change(held, size=9))
        assert not is_early, f"{name} did not wait for the transaction that holds the package"
        assert other.result(name) == 9, (
            f"{name} gave what the package was before the other transaction ended"
        )
        store.close()

    def test_a_shared_lock_keeps_it_as_it_is(self) -> None:
        """A transaction that changes it waits until the transaction that shares it has ended."""
        store = self._with_packages(1)
        with store.write() as writer:
            held = writer.lock(Package, (4, 1), shared=True)
            other = start(lambda: _in_a_transaction(store, _enlarge))
            is_early = other.ended.wait(MOMENT)
            assert writer.get(Package, (4, 1)) == held, (
                "what is held with shared=True was changed meanwhile"
            )
        assert not is_early, "lock(shared=True) did not keep the package from another writer"
        other.result("who wants to change it")
        assert _size(store) == 1
        store.close()

    def test_a_shared_lock_is_shared(self) -> None:
        """If two write transactions can be open at once, both can lock an entity in shared mode."""
        store = self._with_packages(2)
        with store.write() as writer:
            is_parallel = start(lambda: _in_a_transaction(store, lambda _: None)).ended.wait(MOMENT)
            writer.lock(Package, (4, 1), shared=True)
            other = start(
                lambda: _in_a_transaction(
                    store, lambda other: other.lock(Package, (4, 1), shared=True)
                )
            )
            is_shared = other.ended.wait(MOMENT)
        other.result("who shares it")
        assert is_shared or not is_parallel, "lock(shared=True) excluded another lock(shared=True)"
        store.close()

    def test_what_is_held_is_not_changed_unseen(self) -> None:
        """Threads that hold, read and save lose none of their changes."""
        store = self._with_packages(1)

        def work() -> None:
            for _ in range(10):
                _in_a_transaction(store, _enlarge)

        with often_switched():
            for thread in [start(work) for _ in range(4)]:
                thread.result("who holds a package and saves it")
        assert _size(store) == 40
        store.close()

    def test_the_high_water_mark_is_below_what_may_still_come(self) -> None:
        """While a transaction with an event is open, and that event is not there yet."""
        store = self.open_store()
        with store.write() as writer:
            writer.add(make_event("first"))
        added, end = threading.Event(), threading.Event()
        one = start(
            lambda: _in_a_transaction(store, lambda writer: _add_and_wait(writer, added, end))
        )
        assert added.wait(TIMEOUT), "no event could be added"
        other = start(
            lambda: _in_a_transaction(store, lambda writer: writer.add(make_event("beside")))
        )
        asked = start(lambda: _ask_high_water_mark(store))
        for running in (other, asked):
            running.ended.wait(MOMENT)
        end.set()
        _end_all(one, other)
        position, seen = asked.result("high_water_mark")
        with store.read() as reader:
            there = _verbs_up_to(reader, position)
        assert seen == there, (
            f"high_water_mark gave {position} and {seen} were there; then {there} came below it"
        )
        assert store.high_water_mark() >= 3
        store.close()


def _in_a_transaction(store: Store, act: Callable[[Writer], Any]) -> Any:
    with store.write() as writer:
        return act(writer)


def _enlarge(writer: Writer) -> None:
    held = writer.lock(Package, (4, 1))
    writer.save(change(held, size=held.size + 1))


def _size(store: Store) -> int:
    with store.read() as reader:
        return reader.get(Package, (4, 1)).size


def _add_and_wait(writer: Writer, added: threading.Event, end: threading.Event) -> None:
    writer.add(make_event("open"))
    added.set()
    assert end.wait(TIMEOUT)


def _ask_high_water_mark(store: Store) -> tuple[int, list[str]]:
    """Return the high-water mark and the events up to it, as readers of the log do."""
    position = store.high_water_mark()
    with store.read() as reader:
        return position, _verbs_up_to(reader, position)


def _verbs_up_to(reader: Any, position: int) -> list[str]:
    query = Query(Event, {"position": Span(None, position)}, order=("position",))
    return [event.type for event in reader.find(query)]


def _end_all(*running: Running) -> None:
    for each in running:
        each.result("a writer")
