"""A part of the store contract: ``lock(create=)`` inserts a missing entity exactly once."""

from __future__ import annotations

from typing import Any

from itagflow.errors import AlreadyExists, NotFound, StoreFailed
from itagflow.model.job import Stage
from itagflow.model.package import ClaimCounter, Package
from itagflow.model.task import Task
from itagflow.storage.port import Query, Store
from itagflow.testing.builders import change, make_package, make_task
from itagflow.testing.part import ContractPart, expect_refusal
from itagflow.testing.sum_contract import sums
from itagflow.testing.threads import often_switched, start

COUNTER = ClaimCounter(job=4, stage=Stage.LABEL, member=2)
"""What the tests create."""


class CreateContract(ContractPart):
    """An entity that is created when it is locked."""

    def test_what_is_missing_is_created(self) -> None:
        """It is stored with the transaction, and dropped with it."""
        store = self.open_store()
        with expect_refusal(StoreFailed), store.write() as writer:
            assert writer.lock(ClaimCounter, COUNTER.key, create=COUNTER) == COUNTER
            raise StoreFailed("test", "stop", "")
        with expect_refusal(NotFound), store.write() as writer:
            writer.lock(ClaimCounter, COUNTER.key)
        with store.write() as writer:
            assert writer.lock(ClaimCounter, COUNTER.key, create=COUNTER) == COUNTER
            assert writer.lock(ClaimCounter, COUNTER.key, create=COUNTER) == COUNTER
            writer.save(change(COUNTER, active=1))
        assert _counters(store) == [change(COUNTER, active=1)]
        store.close()

    def test_what_exists_is_returned_and_not_created(self) -> None:
        """Also when it differs from what would be created; shared or not."""
        store = self.open_store()
        stored = ClaimCounter(job=4, stage=Stage.LABEL, member=2, active=7)
        with store.write() as writer:
            writer.add(stored)
        for shared in (False, True):
            with store.write() as writer:
                assert (
                    writer.lock(ClaimCounter, COUNTER.key, shared=shared, create=COUNTER) == stored
                )
        assert _counters(store) == [stored]
        store.close()

    def test_what_is_created_can_be_shared(self) -> None:
        """A shared lock creates what is missing like any other."""
        store = self.open_store()
        with store.write() as writer:
            assert writer.lock(ClaimCounter, COUNTER.key, shared=True, create=COUNTER) == COUNTER
        assert _counters(store) == [COUNTER]
        store.close()

    def test_many_create_it_once(self) -> None:
        """Threads that create the same entity at once and count in it lose nothing."""
        store = self.open_store()

        def count_one_up() -> None:
            with store.write() as writer:
                held = writer.lock(ClaimCounter, COUNTER.key, create=COUNTER)
                writer.save(change(held, active=held.active + 1))

        with often_switched():
            for thread in [start(count_one_up) for _ in range(8)]:
                thread.result("who creates a counter and counts in it")
        assert [counter.active for counter in _counters(store)] == [8]
        store.close()

    def test_what_is_created_is_summed(self) -> None:
        """The kept sums of its kind count it once, and an existing one is not counted again."""
        store = self.open_store()
        for _ in range(2):
            with store.write() as writer:
                writer.lock(Package, (4, 1), create=make_package(1, size=5))
        assert sums(store) == {("label",): (1, 5, 0, 0)}
        with store.write() as writer:
            writer.save(
                change(writer.lock(Package, (4, 2), create=make_package(2, size=1)), size=3)
            )
        assert sums(store) == {("label",): (2, 8, 0, 0)}
        store.close()

    def test_a_unique_column_that_is_taken_is_refused(self) -> None:
        """Nothing is created then, and the transaction goes on."""
        store = self.open_store()
        with store.write() as writer:
            writer.add(make_task(1, row_key_text="k"))
        with store.write() as writer:
            with expect_refusal(AlreadyExists):
                writer.lock(Task, (4, 2), create=make_task(2, row_key_text="k"))
            with expect_refusal(NotFound):
                writer.get(Task, (4, 2))
            writer.lock(Task, (4, 3), create=make_task(3, row_key_text="l"))
        with store.read() as reader:
            assert [
                task.number for task in reader.find(Query(Task, {"job": 4}, order=("number",)))
            ] == [1, 3]
        store.close()


def _counters(store: Store) -> list[Any]:
    with store.read() as reader:
        return list(reader.find(Query(ClaimCounter, {"job": 4})))
