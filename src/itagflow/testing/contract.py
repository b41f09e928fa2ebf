"""What every store promises, as tests that pytest collects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from itagflow.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreFailed,
)
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import STAGES, Job
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Package,
    PackageState,
)
from itagflow.model.task import Task
from itagflow.model.workspace import Workspace
from itagflow.storage import (
    Query,
    Span,
    Store,
    Unless,
    cursor,
)
from itagflow.testing.builders import (
    AT,
    change,
    make_assignment,
    make_event,
    make_job,
    make_member,
    make_one_of_each,
    make_package,
    make_task,
    make_template,
    make_workspace,
)
from itagflow.testing.close_contract import CloseContract
from itagflow.testing.create_contract import CreateContract
from itagflow.testing.lock_contract import LockContract
from itagflow.testing.many_contract import ManyContract
from itagflow.testing.overlap_contract import OverlapContract
from itagflow.testing.part import expect_refusal
from itagflow.testing.query_contract import QueryContract
from itagflow.testing.sum_contract import SumContract


class StoreContract(
    QueryContract,
    LockContract,
    CreateContract,
    ManyContract,
    CloseContract,
    OverlapContract,
    SumContract,
):
    """What every store promises; subclass it and give `open_store`."""

    def open_filled(self, *entities: Entity) -> Store:
        """Return a new store that holds *entities*."""
        store = self.open_store()
        with store.write() as writer:
            writer.add(*entities)
        return store

    def test_every_kind_comes_back_as_it_was(self) -> None:
        """Every field of every kind survives, the defaults too."""
        store = self.open_store()
        with store.write() as writer:
            stored = [writer.add(entity)[0] for entity in make_one_of_each()]
        with store.read() as reader:
            for entity in stored:
                assert reader.get(type(entity), entity.key) == entity
        store.close()

    def test_numbers_come_back_as_they_were(self) -> None:
        """Floats stay floats and integers integers, of any size; texts like numbers stay texts."""
        store = self.open_store()
        numbers = [
            1e16,
            -1.5e16,
            2**53 + 0.0,
            1e300,
            1.7976931348623157e308,
            5e-324,
            1e-5,
            10**16,
            -(2**70),
            7.0,
            7,
        ]
        said = make_event(
            data={"numbers": numbers, "texts": ["1e16", 'a "1e16', "\\1E+16\\"], "2e16": [[3e16]]}
        )
        with store.write() as writer:
            (stored,) = writer.add(said)
        with store.read() as reader:
            found = reader.get(Event, stored.key)
        assert found == stored
        assert repr(found.data["numbers"]) == repr(numbers)
        store.close()

    def test_bulk_is_the_same_as_one_by_one(self) -> None:
        """Entities of several kinds are added at once, and events get positions in order."""
        store = self.open_store()
        tasks = [make_task(number) for number in range(1, 51)]
        with store.write() as writer:
            added = writer.add(*tasks, make_event("load"), make_event("publish"))
            assert added[:50] == tuple(tasks)
            assert [event.position for event in added[50:] if isinstance(event, Event)] == [1, 2]
        with store.read() as reader:
            assert list(reader.find(Query(Task, {"job": 4}, order=("number",)))) == tasks
        store.close()

    def test_what_is_not_there_is_not_found(self) -> None:
        """Reading, holding and saving of nothing is refused."""
        store = self.open_store()
        with store.write() as writer:
            for act in (
                lambda: writer.get(Job, (9,)),
                lambda: writer.lock(Job, (9,)),
                lambda: writer.save(make_job()),
            ):
                with expect_refusal(NotFound):
                    act()
        store.close()

    def test_a_key_is_taken_only_once(self) -> None:
        """A second entity with the same key is refused, and nothing of its call is added."""
        store = self.open_filled(make_package(1))
        with store.write() as writer:
            with expect_refusal(AlreadyExists):
                writer.add(make_package(2), make_package(1))
            with expect_refusal(AlreadyExists):
                writer.add(*(make_package(number) for number in range(20, 0, -1)))
            assert writer.count(Query(Package)) == 1
            assert writer.add(make_package(2)) == (make_package(2),)
        store.close()

    def test_names_are_taken_only_once(self) -> None:
        """Unique columns are; of those that may be empty, any number is."""
        store = self.open_filled(
            make_job(),
            make_member(),
            make_task(1, row_key_text="k"),
            make_task(2),
            make_task(3),
            make_template(),
        )
        with store.write() as writer:
            for entity in (make_job(id=9), make_member(id=9), make_task(9, row_key_text="k")):
                with expect_refusal(AlreadyExists):
                    writer.add(entity)
            with expect_refusal(AlreadyExists):
                writer.add(
                    *(make_task(number, row_key_text=f"k{number % 15}") for number in range(10, 40))
                )
            writer.add(
                make_job(id=9, workspace=2), make_task(9, row_key_text="l"), make_template(id=9)
            )
            assert writer.count(Query(Task)) == 4
            with expect_refusal(AlreadyExists):
                writer.save(change(make_task(9, row_key_text="l"), row_key_text="k"))
        store.close()

    def test_a_save_must_know_the_stored_version(self) -> None:
        """A writer who read an older one is refused."""
        store = self.open_filled(make_package())
        newer = change(make_package(), free=0)
        with store.write() as writer:
            writer.save(newer)
            with expect_refusal(Conflict):
                writer.save(newer)
            with expect_refusal(Conflict):
                writer.save(change(change(newer)))
            assert writer.get(Package, (4, 1)) == newer
        store.close()

    def test_a_block_that_raises_leaves_nothing(self) -> None:
        """Adding, saving, removing and positions of events are taken back."""
        store = self.open_filled(make_package(1), make_package(2), make_event())
        with expect_refusal(StoreFailed), store.write() as writer:
            writer.add(make_package(3), make_event())
            writer.save(change(make_package(1), free=0))
            writer.remove(Query(Package, {"number": 2}), 1)
            raise StoreFailed("test", "stop", "")
        with store.read() as reader:
            assert list(reader.find(Query(Package, order=("number",)))) == [
                make_package(1),
                make_package(2),
            ]
            assert reader.count(Query(Event)) == 1
        store.close()

    def test_what_was_taken_back_is_never_seen_again(self) -> None:
        """What a rolled-back transaction made, or was removed, is not taken for later entities."""
        store = self.open_filled(make_job())
        with expect_refusal(StoreFailed), store.write() as writer:
            writer.save(change(make_job(), remark="dropped"))
            assert writer.get(Job, (4,)).remark == "dropped"
            raise StoreFailed("test", "stop", "")
        with store.write() as writer:
            writer.remove(Query(Job), 1)
            writer.add(make_job(remark="new", version=1))
        with store.read() as reader:
            assert reader.get(Job, (4,)).remark == "new"
        store.close()

    def test_conditions(self) -> None:
        """A value, any of several, a span, and all of them together."""
        packages = [
            make_package(
                n, size=n, state=PackageState.at(STAGES[n % 3]), free=n % 2, priority=n // 4
            )
            for n in range(1, 21)
        ]
        store = self.open_filled(*packages)

        def numbers(**where: Any) -> list[int]:
            with store.read() as reader:
                query = Query(Package, where, order=("number",))
                found = [package.number for package in reader.find(query)]
                assert reader.count(query) == len(found)
                return found

        assert numbers() == list(range(1, 21))
        assert numbers(waiting=True) == list(range(1, 21, 2))
        assert numbers(waiting=(True, False), size=Span(3, 5)) == [3, 4, 5]
        assert numbers(state=PackageState.LABEL, waiting=False) == [6, 12, 18]
        assert numbers(size=Span(None, 2)) == [1, 2]
        assert numbers(size=Span(19, None)) == [19, 20]
        assert numbers(size=Span(), number=(5, 1, 99)) == [1, 5]
        assert numbers(number=tuple(range(2, 40, 2))) == list(range(2, 21, 2))
        assert numbers(number=()) == []
        assert numbers(job=5) == []
        assert numbers(
            waiting_since=Span(AT, AT), state=(PackageState.LABEL, PackageState.ACCEPT), priority=0
        ) == [
            2,
            3,
        ]
        store.close()

    def test_only_index_columns_can_be_asked_for(self) -> None:
        """A store that could look into bodies would be one that others cannot replace."""
        store = self.open_store()
        with store.read() as reader:
            for query in (Query(Package, {"scope": 1}), Query(Package, order=("disputes",))):
                try:
                    list(reader.find(query))
                except ValueError:
                    continue
                raise AssertionError("ValueError was not raised")
        store.close()

    def test_order_and_pages(self) -> None:
        """Ascending and descending, ties by key, and pages that neither skip nor repeat."""
        packages = [make_package(n, priority=n % 3, size=n % 2) for n in range(1, 30)]
        store = self.open_filled(*reversed(packages))
        for order in (
            ("number",),
            ("-priority", "size"),
            ("size", "-number"),
            ("size", "priority"),
            ("-size",),
        ):
            expected = sorted(packages, key=_sorting(order))
            with store.read() as reader:
                assert list(reader.find(Query(Package, {"job": 4}, order=order))) == expected, order
                query, seen = Query(Package, {"job": 4}, order=order, limit=4), list[Package]()
                while page := list(reader.find(query)):
                    seen += page
                    assert len(seen) <= len(packages), (
                        f"pages repeat: {[package.number for package in seen]}"
                    )
                    query = attrs.evolve(query, after=cursor(query, page[-1]))
            assert seen == expected, order
        store.close()

    def test_words_sort_by_code_point(self) -> None:
        """Whatever the language of the system is."""
        names = ["a", "B", "b", "é", "z", "猫", "😀", "Ä", "10", "9"]
        store = self.open_filled(
            *(make_workspace(id=n, name=name) for n, name in enumerate(names, 1))
        )
        with store.read() as reader:
            assert [w.name for w in reader.find(Query(Workspace, order=("name",)))] == sorted(names)
        store.close()

    def test_unless_something_is_beside_it(self) -> None:
        """The queue leaves out what a member has labeled, in any round or in the same."""
        packages = [make_package(n, round=2) for n in (1, 2, 3, 4)]
        assignments = [
            make_assignment(1, package=1, round=1, state=AssignmentState.DONE),
            make_assignment(2, package=2, round=2),
            make_assignment(3, package=3, member=9),
            make_assignment(4, package=4, state=AssignmentState.RETURNED),
        ]
        store = self.open_filled(*packages, *assignments)
        mine: dict[str, Any] = {"member": 2, "state": (AssignmentState.HELD, AssignmentState.DONE)}
        place = {"job": "job", "number": "package"}

        def left(same: dict[str, str]) -> list[int]:
            with store.read() as reader:
                query = Query(
                    Package,
                    {"job": 4, "state": PackageState.LABEL, "waiting": True},
                    order=("-priority", "due", "waiting_since", "number"),
                    unless=Unless(Assignment, mine, same),
                )
                found = [package.number for package in reader.find(query)]
                assert reader.count(query) == len(found)
                return found

        assert left(place) == [3, 4]
        assert left({**place, "round": "round"}) == [1, 3, 4]
        store.close()

    def test_tally_counts_and_sums_by_groups(self) -> None:
        """Values are as stored: enums by value, booleans as numbers."""
        states = [PackageState.LABEL, PackageState.LABEL, PackageState.DONE]
        store = self.open_filled(
            *(make_package(n, state=s, size=n, free=n % 2) for n, s in enumerate(states, 1))
        )
        with store.read() as reader:
            found = reader.tally(Query(Package, {"job": 4}), by=("state",), add=("size", "wrong"))
            assert found == {("label",): (2, 3, 0), ("done",): (1, 3, 0)}
            assert reader.tally(Query(Package), by=("waiting", "size")) == {
                (1, 1): (1,),
                (0, 2): (1,),
                (1, 3): (1,),
            }
            assert reader.tally(Query(Package, {"job": 9}), by=("state",)) == {}
        store.close()

    def test_lock_first_gives_the_first_or_nothing(self) -> None:
        """In the order of the query."""
        store = self.open_filled(make_package(1), make_package(2, priority=1))
        with store.write() as writer:
            first = writer.lock_first(Query(Package, {"job": 4}, order=("-priority", "number")))
            assert first == make_package(2, priority=1)
            assert writer.lock_first(Query(Package, {"job": 9})) is None
        store.close()

    def test_remove_deletes_no_more_than_told(self) -> None:
        """And says how many."""
        store = self.open_filled(*(make_task(n) for n in range(1, 8)))
        with store.write() as writer:
            assert [writer.remove(Query(Task, {"job": 4}), 3) for _ in range(4)] == [3, 3, 1, 0]
            writer.add(make_task(1))
        store.close()

    def test_positions_rise(self) -> None:
        """In the order of the transactions, also after one that raised; numbers may be left out."""
        store = self.open_store()
        positions: list[int] = []
        for verb in ("a", "b", "c"):
            with store.write() as writer:
                (event,) = writer.add(make_event(verb))
                assert isinstance(event, Event)
                positions.append(event.position)
            with expect_refusal(StoreFailed), store.write() as writer:
                writer.add(make_event("lost"))
                raise StoreFailed("test", "stop", "")
        assert store.high_water_mark() >= positions[-1]
        with store.read() as reader:
            found = list(
                reader.find(
                    Query(Event, {"position": Span(positions[0] + 1, None)}, order=("position",))
                )
            )
        assert [(event.position, event.type) for event in found] == [
            (positions[1], "b"),
            (positions[2], "c"),
        ]
        assert 0 < positions[0] < positions[1] < positions[2]
        store.close()

    def test_a_block_in_a_block_is_refused(self) -> None:
        """A verb inside another's transaction would see half of an operation."""
        store = self.open_store()
        for outer in (store.read, store.write):
            for inner in (store.read, store.write):
                with outer(), expect_refusal(StoreFailed), inner():
                    raise AssertionError("the inner transaction was opened")
            with outer(), expect_refusal(StoreFailed):
                store.high_water_mark()
        with store.write() as writer:
            writer.add(make_job())
        store.close()

    def test_a_snapshot_stays_as_it_was(self) -> None:
        """While others go on writing, also in the same thread."""
        store = self.open_filled(make_package(1))
        with store.read(snapshot=True) as reader:
            with store.write() as writer:
                writer.save(change(make_package(1), free=0))
                writer.add(make_package(2))
            assert list(reader.find(Query(Package))) == [make_package(1)]
        with store.read() as reader:
            assert reader.count(Query(Package)) == 2
        store.close()

    def test_a_closed_store_says_so(self) -> None:
        """And does nothing else."""
        store = self.open_store()
        store.close()
        with expect_refusal(StoreFailed), store.read():
            raise AssertionError("a transaction was opened")
        with expect_refusal(StoreFailed), store.write():
            raise AssertionError("a transaction was opened")
        with expect_refusal(StoreFailed), store.read(snapshot=True):
            raise AssertionError("a transaction was opened")

    def test_large_values(self) -> None:
        """A row of some megabytes is kept."""
        row = '{"data": {"text": "' + "猫" * 1_000_000 + '"}}'
        store = self.open_filled(make_task(row=row))
        with store.read() as reader:
            assert reader.get(Task, (4, 1)).row == row
        store.close()


def _sorting(order: tuple[str, ...]) -> Callable[[Package], tuple[int, ...]]:
    """Return a sort key for packages, whose columns here are numbers, as *order* says."""

    def key(package: Package) -> tuple[int, ...]:
        signs = [(-1, name[1:]) if name[0] == "-" else (1, name) for name in order]
        return (*(sign * int(getattr(package, name)) for sign, name in signs), package.number)

    return key
