"""A part of the store contract: many entities are locked, replaced and saved together, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from itagflow.errors import AlreadyExists, Conflict, NotFound, StoreFailed
from itagflow.model.entity import E
from itagflow.model.package import Package, PackageState
from itagflow.model.workspace import Member
from itagflow.storage import Query, Store, Writer
from itagflow.storage.port import SupportsLockAll, SupportsReplaceAll
from itagflow.testing.builders import change, make_member, make_package
from itagflow.testing.part import ContractPart

MANY = 1_207
"""How many: more than any store sends at once, and no round number."""
PLACES = (1, MANY // 2, MANY)
"""Where something is wrong."""
PACKAGES = Query(Package, {"job": 4}, order=("number",))
"""All of them, in order."""
Change = Callable[[Package], Package]
Errors = type[Exception] | tuple[type[Exception], ...]


class ManyContract(ContractPart):
    """What is done to many entities at once is done to all of them, or to none.

    Of `SupportsLockAll` and `SupportsReplaceAll` it asks only stores that have them.
    """

    def _with_many(self) -> tuple[Store, list[Package]]:
        store = self.open_store()
        packages = [make_package(n, priority=n / 4, size=n) for n in range(1, MANY + 1)]
        with store.write() as writer:
            writer.add(*packages)
        return store, packages

    def test_many_are_saved_at_once_or_none(self) -> None:
        """A store may save many of a kind together: one that is out of date keeps all from it."""
        store, packages = self._with_many()
        saved = [
            change(each, priority=each.priority + 0.5, free=each.number % 2) for each in packages
        ]
        with store.write() as writer:
            writer.save(*saved)
        _expect(store, saved)
        again = [change(each, size=0) for each in saved[:-1]]
        _expect_error(
            store, Conflict, lambda writer: writer.save(*again, change(packages[-1], size=0))
        )
        _expect(store, saved)
        store.close()

    def test_many_are_not_saved_where_one_is_gone(self) -> None:
        """Whether they were locked before or not, and wherever it stands."""
        store, packages = self._with_many()
        for number in (1, MANY):
            with store.write() as writer:
                writer.remove(Query(Package, {"job": 4, "number": number}), 1)
            left = [each for each in packages if each.number != number]
            saved = [change(each, state=PackageState.DONE) for each in packages]
            for locked in ([], left):
                _expect_error(store, (Conflict, NotFound), partial(_save_after_lock, saved, locked))
                _expect(store, left)
            with store.write() as writer:
                writer.add(packages[number - 1])
        store.close()

    def test_what_a_store_cannot_hold_keeps_the_others_from_it(self) -> None:
        """Whoever catches the error cannot keep those that came before; a store may hold all."""
        for count in (3, 30, MANY):
            packages = [make_package(n) for n in range(1, count + 1)]
            # no database has integers of this size
            added = [*packages[:-1], make_package(count, first_task=2**70)]
            _expect_all_or_none(
                self.open_store(), [], added, lambda writer, each: writer.add(*each)
            )
            saved = [change(each, priority=1) for each in added]
            _expect_all_or_none(
                self.open_store(), packages, saved, lambda writer, each: writer.save(*each)
            )

    def test_what_is_saved_as_it_is_has_no_next_version(self) -> None:
        """One, a few or many; locked before or not."""
        store, packages = self._with_many()
        for count in (1, 3, MANY):
            _expect_error(store, Conflict, partial(_save_after_lock, packages[:count], []))
            _expect_error(
                store, Conflict, partial(_save_after_lock, packages[:count], packages[:count])
            )
        _expect(store, packages)
        store.close()

    def test_what_is_saved_twice_is_summed_once(self) -> None:
        """Two versions of each entity at once, of a few or of many."""
        store, packages = self._with_many()
        for count in (3, MANY):
            once = [change(each, state=PackageState.ACCEPT) for each in packages[:count]]
            twice = [change(each, state=PackageState.DONE, size=3) for each in once]
            both = [version for pair in zip(once, twice, strict=True) for version in pair]
            with store.write() as writer:
                writer.save(*both)
            packages = [*twice, *packages[count:]]
            _expect(store, packages)
        store.close()

    def test_what_came_again_is_saved_whole(self) -> None:
        """What was locked, removed, and added with other values is not as it was locked."""
        store = self.open_store()
        before = make_package(priority=1, size=7)
        with store.write() as writer:
            writer.add(before)
        with store.write() as writer:
            writer.lock(Package, before.key)
            writer.remove(PACKAGES, 1)
            writer.add(make_package(priority=2, size=9))
            writer.save(change(before))
        _expect(store, [change(before)])
        store.close()

    def test_lock_all_locks_what_it_gives(self) -> None:
        """In the order of the query; what was locked is saved as anything else."""
        store, packages = self._with_many()
        with store.write() as writer:
            if isinstance(writer, SupportsLockAll):
                assert writer.lock_all(PACKAGES) == packages
                writer.save(*(change(each, priority=0.5) for each in packages))
                packages = [change(each, priority=0.5) for each in packages]
        _expect(store, packages)
        store.close()

    def test_replace_all_replaces_what_changes(self) -> None:
        """In the order of the query; what stays as it is keeps its version."""
        store, packages = self._with_many()
        if not _can_replace(store):
            return
        expected = [_promote(each) for each in packages]
        given: list[int] = []
        counts: list[int] = []

        def promote(package: Package) -> Package:
            given.append(package.number)
            return _promote(package)

        with store.write() as writer:

            def prepare(count: int) -> Change:
                counts.append(count)
                # all are locked, and none is changed yet
                assert list(writer.find(PACKAGES)) == packages
                return promote

            _replace_all(writer, Query(Package, {"job": 4}, order=("-number",)), prepare)
            assert counts == [MANY]
            assert given == list(range(MANY, 0, -1))
            # what follows in the transaction sees them, and replaces them again
            assert list(writer.find(PACKAGES)) == expected
            first = change(expected[0], priority=packages[0].priority)
            writer.save(first)
        _expect(store, [first, *expected[1:]])
        store.close()

    def test_replace_all_of_what_has_unique_fields(self) -> None:
        """An account that another member has is refused, and nobody is renamed."""
        store = self.open_store()
        before = {n: f"old{n}" for n in range(1, 40)}
        new = {n: f"new{n}" for n in range(1, 40)}
        with store.write() as writer:
            writer.add(*(make_member(id=n, account=account) for n, account in before.items()))
        if not _can_replace(store):
            return
        taken = {**new, 38: "old39", 39: "old39"}
        _expect_error(store, AlreadyExists, lambda writer: _rename_all(writer, taken))
        assert _read_accounts(store) == before
        with store.write() as writer:
            _rename_all(writer, {**new, 7: "old7"})
        assert _read_accounts(store) == {**new, 7: "old7"}
        store.close()

    def test_replace_all_knows_no_older_version(self) -> None:
        """What was locked before, and is saved after, is as it was replaced in between."""
        store, packages = self._with_many()
        if not _can_replace(store):
            return
        with store.write() as writer:
            before = writer.lock(Package, (4, 1))
            _replace(lambda package: change(package, priority=0.5), writer)
            # with the priority that it had when it was locked
            last = change(change(before))
            writer.save(last)
        _expect(store, [last, *(change(each, priority=0.5) for each in packages[1:])])
        store.close()

    def test_replace_all_takes_the_next_version_only(self) -> None:
        """Another version or another key is refused, wherever it stands, and nothing is stored."""
        wrong: Sequence[Change] = (
            lambda package: change(change(package)),
            lambda package: make_package(package.number, priority=9, size=package.size),
            lambda package: change(make_package(package.number + 1)),
        )
        store, packages = self._with_many()
        if not _can_replace(store):
            return
        for replace in wrong:
            for place in PLACES:
                _expect_error(store, Conflict, partial(_replace, _at(place, replace)))
        _expect(store, packages)
        store.close()

    def test_an_error_while_replacing_leaves_nothing(self) -> None:
        """Whoever catches it cannot keep what was replaced before it."""

        def fail(package: Package) -> Package:
            raise RuntimeError(package.number)

        store, packages = self._with_many()
        if not _can_replace(store):
            return
        for place in PLACES:
            _expect_error(store, RuntimeError, partial(_replace, _at(place, fail)))
            with suppress(RuntimeError), store.write() as writer:
                _replace(_at(place, fail), writer)
        _expect(store, packages)
        store.close()


def _can_replace(store: Store) -> bool:
    """Return whether its writers replace many; a store that cannot be asked is closed."""
    with store.write() as writer:
        if isinstance(writer, SupportsReplaceAll):
            return True
    store.close()
    return False


def _replace_all(
    writer: Writer, query: Query[E], prepare: Callable[[int], Callable[[E], E]]
) -> None:
    assert isinstance(writer, SupportsReplaceAll)
    writer.replace_all(query, prepare)


def _replace(replace: Change, writer: Writer) -> None:
    """Replace all packages, and ask nothing when they are locked."""
    _replace_all(writer, PACKAGES, lambda _: replace)


MEMBERS = Query(Member, order=("id",))


def _rename_all(writer: Writer, accounts: Mapping[int, str]) -> None:
    def rename(member: Member) -> Member:
        if member.account == accounts[member.id]:
            return member
        return change(member, account=accounts[member.id])

    _replace_all(writer, MEMBERS, lambda _: rename)


def _read_accounts(store: Store) -> dict[int, str]:
    with store.read() as reader:
        return {member.id: member.account for member in reader.find(MEMBERS)}


def _promote(package: Package) -> Package:
    """Return the package with another priority, and perhaps in another state; some as they are."""
    if package.number % 3 == 0:
        return package
    if package.number % 5 == 0:
        return change(package, priority=-package.number, state=PackageState.ACCEPT)
    return change(package, priority=-package.number)


def _at(place: int, replace: Change) -> Change:
    """Return what treats one of many packages in another way."""

    def change_it(package: Package) -> Package:
        return replace(package) if package.number == place else _promote(package)

    return change_it


def _expect_all_or_none(
    store: Store,
    before: Sequence[Package],
    after: Sequence[Package],
    act: Callable[[Writer, Sequence[Package]], object],
) -> None:
    """Check that *act* has stored all, or nothing where it has failed."""
    with store.write() as writer:
        writer.add(*before)
    error: Exception | None = None
    with suppress(StoreFailed), store.write() as writer:
        try:
            act(writer, after)
        except Exception as caught:  # also one of the driver, or of Python
            error = caught
    _expect(store, before if error else after)
    store.close()


def _expect_error(store: Store, error: Errors, act: Callable[[Writer], object]) -> None:
    """Check that *act* raises an error, which is caught inside of the transaction.

    The transaction may then refuse to end well, but nothing else may go wrong before.
    """
    raised: BaseException | None = None
    with suppress(StoreFailed), store.write() as writer:
        try:
            act(writer)
        except Exception as caught:
            raised = caught
    assert isinstance(raised, error), f"{raised!r} came in place of {error}"


def _save_after_lock(saved: Sequence[Package], locked: Sequence[Package], writer: Writer) -> None:
    for each in locked:
        writer.lock(Package, each.key)
    writer.save(*saved)


def _expect(store: Store, packages: Sequence[Package]) -> None:
    """Check that the store holds these packages, and that its sums are theirs."""
    expected: dict[tuple[str], tuple[int, int]] = {}
    for package in packages:
        count, size = expected.get((package.state.value,), (0, 0))
        expected[(package.state.value,)] = (count + 1, size + package.size)
    with store.read() as reader:
        assert list(reader.find(PACKAGES)) == list(packages)
        assert reader.tally(Query(Package, {"job": 4}), by=("state",), add=("size",)) == expected
