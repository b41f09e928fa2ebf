"""A part of the store contract: every verb heeds all of its query in every transaction.

The tests are made from two tables, one of verbs and one of what a query can ask for: a test for
each pair, such as ``test_lock_first_heeds_unless``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from itagflow.model.entity import Entity
from itagflow.storage import (
    Query,
    Reader,
    Store,
    Writer,
)
from itagflow.storage.port import SupportsFindFirsts, SupportsLockAll, SupportsReplaceAll
from itagflow.testing.part import ContractPart
from itagflow.testing.query_cases import (
    CASES,
    GROUPINGS,
    firsts,
    groups,
    matches,
    name_key_columns,
    name_keys,
    page,
    rewritten,
    some_entities,
)

Check = Callable[[Any, Query[Any], Sequence[Entity]], None]
"""Runs a query with a reader or writer, and compares with the expected result."""
Run = Callable[[Store, str, Check], None]
"""Checks a verb on all queries of a case."""


class RolledBack(Exception):
    """Ends a write transaction so that nothing of it stays."""


class QueryContract(ContractPart):
    """Every verb with a query heeds its conditions, order, limit, place, and exclusions."""


def _in_a_reader(store: Store, case: str, check: Check) -> None:
    there = _fill(store, some_entities())
    with store.read() as reader:
        for query in CASES[case](there):
            check(reader, query, there)


def _in_a_snapshot(store: Store, case: str, check: Check) -> None:
    there = _fill(store, some_entities())
    with store.read(snapshot=True) as reader:
        for query in CASES[case](there):
            check(reader, query, there)


def _in_a_writer(store: Store, case: str, check: Check) -> None:
    """Ask when part of what is there was added or saved in the same transaction."""
    entities = some_entities()
    # half is saved and half is added, so that a query sees both kinds of pending changes
    half = len(entities) // 2
    before = _fill(store, [rewritten(entity) for entity in entities[:half]])
    with store.write() as writer:
        there = [*_rewrite(writer, before, entities[:half]), *writer.add(*entities[half:])]
        for query in CASES[case](there):
            check(writer, query, there)


def _check_and_roll_back(store: Store, case: str, check: Check) -> None:
    """Use a transaction for each query and roll it back, so that the next finds everything."""
    there = _fill(store, some_entities())
    for query in CASES[case](there):
        try:
            with store.write() as writer:
                check(writer, query, there)
                raise RolledBack
        except RolledBack:
            continue


def _fill(store: Store, entities: Sequence[Entity]) -> list[Entity]:
    with store.write() as writer:
        return list(writer.add(*entities))


def _rewrite(writer: Writer, before: Sequence[Entity], after: Sequence[Entity]) -> list[Entity]:
    """Save what was stored in another state first, and return what is there then."""
    there: list[Entity] = []
    saved: list[Entity] = []
    for old, new in zip(before, after, strict=True):
        # kinds that `rewritten` leaves alone were stored as they are: there is nothing to save
        if rewritten(new) == new:
            there.append(old)
        else:
            saved.append(attrs.evolve(new, version=1))
            there.append(saved[-1])
    writer.save(*saved)
    return there


def _check_find(reader: Reader, query: Query[Any], there: Sequence[Entity]) -> None:
    _compare("find", query, list(reader.find(query)), there)


def _compare(
    verb: str, query: Query[Any], found: Sequence[Entity], there: Sequence[Entity]
) -> None:
    """Check that a verb gave the page of *query*."""
    expected = page(query, there)
    if query.order:
        assert name_keys(found) == name_keys(expected), _say(
            verb, query, name_keys(found), name_keys(expected)
        )
        assert found == expected, f"{verb}({query}) gave other entities than were stored"
        return
    # without an order a store may give any of the matches, but no other and none twice
    allowed = matches(query, there)
    is_right = len(found) == len(expected) and all(entity in allowed for entity in found)
    assert is_right, _say(verb, query, name_keys(found), name_keys(allowed))
    assert len({entity.key for entity in found}) == len(found), (
        f"{verb}({query}) gave an entity twice"
    )


def _check_count(reader: Reader, query: Query[Any], there: Sequence[Entity]) -> None:
    found, expected = reader.count(query), len(matches(query, there))
    assert found == expected, _say("count", query, found, expected)


def _check_tally(reader: Reader, query: Query[Any], there: Sequence[Entity]) -> None:
    for by, add in GROUPINGS[query.kind]:
        found, expected = reader.tally(query, by=by, add=add), groups(query, there, by, add)
        assert found == expected, _say(f"tally by {by} of {add}", query, found, expected)


def _check_lock_first(writer: Writer, query: Query[Any], there: Sequence[Entity]) -> None:
    found, expected = writer.lock_first(query), page(attrs.evolve(query, limit=None), there)
    if found is None or not expected:
        assert found is None, _say("lock_first", query, found.key, "nothing")
        assert not expected, _say("lock_first", query, "nothing", name_keys(expected[:1]))
    elif query.order:
        assert found == expected[0], _say("lock_first", query, found.key, expected[0].key)
    else:
        assert found in expected, _say("lock_first", query, found.key, name_keys(expected))


def _check_remove(writer: Writer, query: Query[Any], there: Sequence[Entity]) -> None:
    """Remove one match, then the others; order, limit and place of the query are ignored."""
    everything, same_kind = (
        Query(query.kind),
        [entity for entity in there if isinstance(entity, query.kind)],
    )
    gone = matches(query, there)
    # one first: a store that ignores the limit would delete all at once
    for limit, expected in ((1, min(1, len(gone))), (len(there), max(0, len(gone) - 1))):
        before = list(writer.find(everything))
        told = writer.remove(query, limit)
        left = list(writer.find(everything))
        assert told == expected, _say(f"remove of at most {limit}", query, told, expected)
        assert len(before) - len(left) == told, (
            f"remove({query}, {limit}) said {told}, {len(before) - len(left)} went"
        )
        wrongly = [entity for entity in same_kind if entity not in left and entity not in gone]
        assert not wrongly, (
            f"remove({query}, {limit}) deleted {name_keys(wrongly)}, which do not match"
        )
    assert not [entity for entity in left if entity in gone], (
        f"remove({query}) left matches: {name_keys(left)}"
    )


def _check_lock_all(writer: Writer, query: Query[Any], there: Sequence[Entity]) -> None:
    if isinstance(writer, SupportsLockAll):
        _compare("lock_all", query, writer.lock_all(query), there)


def _check_replace_all(writer: Writer, query: Query[Any], there: Sequence[Entity]) -> None:
    """Look at what it gives, and replace nothing."""
    given: list[Entity] = []
    counts: list[int] = []

    def leave(entity: Entity) -> Entity:
        given.append(entity)
        return entity

    def prepare(count: int) -> Callable[[Entity], Entity]:
        counts.append(count)
        return leave

    if isinstance(writer, SupportsReplaceAll):
        writer.replace_all(query, prepare)
        _compare("replace_all", query, given, there)
        assert counts == [len(given)], _say("replace_all", query, counts, len(given))


def _check_find_firsts(reader: Reader, query: Query[Any], there: Sequence[Entity]) -> None:
    if not isinstance(reader, SupportsFindFirsts):
        return  # then it is asked for each group by `find`
    if not query.order:  # else any of a group may be its first
        query = attrs.evolve(query, order=name_key_columns(query.kind), after=None)
    for by, _ in GROUPINGS[query.kind]:
        if not set(by).isdisjoint(query.where):
            continue
        expected = firsts(query, there, by)
        held = groups(Query(query.kind), there, by, ())
        # nothing is in the last one
        asked = [*held, tuple("none" if isinstance(value, str) else 99 for value in min(held))]
        found = list(reader.find_firsts(query, by, asked))
        assert found == expected, _say(
            f"find_firsts by {by}", query, name_keys(found), name_keys(expected)
        )


def _say(verb: str, query: Query[Any], found: object, expected: object) -> str:
    return f"{verb} of {query} gave {found}; right is {expected}"


VERBS: dict[str, tuple[Run, Check]] = {
    "find": (_in_a_reader, _check_find),
    "find_in_a_snapshot": (_in_a_snapshot, _check_find),
    "find_in_a_writer": (_in_a_writer, _check_find),
    "count": (_in_a_reader, _check_count),
    "count_in_a_writer": (_in_a_writer, _check_count),
    "tally": (_in_a_reader, _check_tally),
    "tally_in_a_writer": (_in_a_writer, _check_tally),
    "find_firsts": (_in_a_reader, _check_find_firsts),
    "find_firsts_in_a_writer": (_in_a_writer, _check_find_firsts),
    "lock_first": (_in_a_writer, _check_lock_first),
    "lock_all": (_in_a_writer, _check_lock_all),
    "replace_all": (_in_a_writer, _check_replace_all),
    "remove": (_check_and_roll_back, _check_remove),
}
"""Every verb with a query, by the transaction: how it is run, and the expected result."""
_PAGED = (
    *("find", "find_in_a_snapshot", "find_in_a_writer"),
    *("lock_first", "lock_all", "replace_all"),
)
HEEDED_BY: Mapping[str, tuple[str, ...]] = {
    "an_order": (*_PAGED, "find_firsts", "find_firsts_in_a_writer"),
    "after": _PAGED,
    "a_limit": _PAGED,
}
"""Which verbs look at what not all look at: those that give entities back."""


def _make_test(verb: str, case: str) -> Callable[[QueryContract], None]:
    run, check = VERBS[verb]

    def test(self: QueryContract) -> None:
        store = self.open_store()
        run(store, case, check)
        store.close()

    ignores = verb not in HEEDED_BY.get(case, (verb,))
    how = "heeds"
    if ignores:
        how = "ignores"
    # pytest finds tests by their names, and shows these when a store fails
    test.__name__ = f"test_{verb}_{how}_{case}"
    test.__qualname__ = f"QueryContract.{test.__name__}"
    test.__doc__ = f"{test.__name__[5:].replace('_', ' ').capitalize()}."
    return test


# a test for each pair, not one loop: a failing store sees all its faults in one run
for _verb in VERBS:
    for _case in CASES:
        _test = _make_test(_verb, _case)
        setattr(QueryContract, _test.__name__, _test)
