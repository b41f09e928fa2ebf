"""A part of the store contract: sums over packages equal what is stored, at once."""

from __future__ import annotations

from typing import Any

from itagflow.errors import AlreadyExists, StoreFailed
from itagflow.model.package import Package, PackageState
from itagflow.storage import Query, Store
from itagflow.testing.builders import change, make_package
from itagflow.testing.part import ContractPart, expect_refusal

SUMMED = ("size", "wrong", "disputed")


class SumContract(ContractPart):
    """What packages in each state come to, whatever came, moved, was refused, dropped or went."""

    def _with_twenty(self) -> Store:
        store = self.open_store()
        with store.write() as writer:
            writer.add(
                *(make_package(n, size=n) for n in range(1, 21)), make_package(7, job=5, size=70)
            )
        return store

    def test_what_moves_is_summed_where_it_went(self) -> None:
        """A transaction that sums what it has changed sees its own changes."""
        store = self._with_twenty()
        assert sums(store) == {("label",): (20, 210, 0, 0)}
        with store.write() as writer:
            # three of twenty: a sum that is made again and one that is moved come to the same
            moved = [writer.lock(Package, (4, n)) for n in (1, 2, 3)]
            writer.save(*(change(package, state=PackageState.ACCEPT, wrong=2) for package in moved))
            assert writer.tally(Query(Package, {"job": 4}), by=("state",)) == {
                ("accept",): (3,),
                ("label",): (17,),
            }
        assert sums(store) == {("accept",): (3, 6, 6, 0), ("label",): (17, 204, 0, 0)}
        store.close()

    def test_what_is_saved_again_is_summed_once(self) -> None:
        """Held again, or simply saved again."""
        store = self._with_twenty()
        with store.write() as writer:
            writer.save(change(writer.lock(Package, (4, 4)), size=41))
            again = change(writer.lock(Package, (4, 4)), disputes=(2,))
            writer.save(again)
            writer.save(change(again, size=44))
        assert sums(store) == {("label",): (20, 250, 0, 1)}
        with store.write() as writer:
            # never held in this transaction
            writer.save(change(change(again, size=44), size=4, disputes=()))
        assert sums(store) == {("label",): (20, 210, 0, 0)}
        store.close()

    def test_what_was_refused_or_dropped_is_not_summed(self) -> None:
        """One by one, and in bulk."""
        store = self._with_twenty()
        with expect_refusal(StoreFailed), store.write() as writer:
            writer.add(make_package(21))
            writer.save(change(writer.lock(Package, (4, 5)), size=500))
            raise StoreFailed("test", "stop", "")
        with store.write() as writer:
            with expect_refusal(AlreadyExists):
                writer.add(make_package(22), make_package(1))
            with expect_refusal(AlreadyExists):
                writer.add(*(make_package(n) for n in range(40, 19, -1)))
        assert sums(store) == {("label",): (20, 210, 0, 0)}
        store.close()

    def test_what_went_is_summed_no_more(self) -> None:
        """Some of them, then all; a number that is used again counts again."""
        store = self._with_twenty()
        with store.write() as writer:
            assert writer.remove(Query(Package, {"job": 4}), 15) == 15
        assert sums(store)["label",][0] == 5
        with store.write() as writer:
            writer.remove(Query(Package, {"job": 4}), 100)
            writer.add(make_package(3))
        assert sums(store) == {("label",): (1, 2, 0, 0)}
        store.close()


def sums(store: Store) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Return the sums of job 4 by state, checked against what is there."""
    with store.read() as reader:
        packages = list(reader.find(Query(Package, {"job": 4})))
        found = reader.tally(Query(Package, {"job": 4}), by=("state",), add=SUMMED)
    counted: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for package in packages:
        more = (1, *(getattr(package, name) for name in SUMMED))
        before = counted.get((package.state.value,), (0,) * len(more))
        counted[package.state.value,] = tuple(map(sum, zip(before, more, strict=True)))
    assert found == counted
    return found
