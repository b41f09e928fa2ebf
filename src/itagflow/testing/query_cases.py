"""Entities of several kinds, queries, and the expected matches in plain Python over a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import attrs

from itagflow.model.entity import Entity, Key
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
    PackageState,
)
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.workspace import Member
from itagflow.storage import (
    FIELDS,
    Condition,
    Query,
    Span,
    Unless,
    cursor,
    encode_value,
    field_value,
)
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_event,
    make_job,
    make_member,
    make_package,
    make_task,
)

MINUTE = timedelta(minutes=1)
Values = dict[str, Any]


def some_entities() -> list[Entity]:
    """Return entities of eight kinds, whose columns take several values in many combinations."""
    entities: list[Entity] = [*_packages(), *_assignments(), *_answers(), *_others()]
    # a store that gives back the order of insertion must not look sorted
    return entities[::2] + entities[1::2]  # not in the order of their keys


def _packages() -> Iterator[Package]:
    states, values = tuple(PackageState), ("", '"left"', '"right"')
    for n in range(1, 25):
        yield make_package(
            n,
            job=4 if n < 20 else 5,
            state=states[n % 5],
            free=n % 2,
            # also fractions, which a database must not round
            priority=n % 4 - 1 if n % 3 else n % 4 - 0.5,
            waiting_since=AT + n % 3 * MINUTE,
            size=n % 6,
            round=1 + n // 9,
            wrong=n % 2,
            disputes=tuple(range(n % 3)),
            value=values[n % 3],
        )


def _assignments() -> Iterator[Assignment]:
    states, stages = tuple(AssignmentState), tuple(Stage)
    for n in range(1, 20):
        yield make_assignment(
            n,
            package=1 + n % 8,
            stage=stages[n % 3],
            round=1 + n % 2,
            member=(2, 3, None)[n % 3],
            state=states[n // 2 % 4],
            lease_until=None if n % 4 else AT + n * MINUTE,
            token="" if n % 3 else f"t{n % 2}",
        )


def _answers() -> Iterator[Answer]:
    verdicts = (None, *Verdict)
    for n in range(1, 20):
        yield make_answer(
            1 + n % 7,
            assignment=1 + n // 7,
            package=1 + n % 3,
            member=(2, 3, None)[n % 3],
            replies={} if n % 2 else None,
            abandon_reason="dark" if n % 5 == 0 else None,
            verdict=verdicts[n % len(verdicts)],
        )


def _others() -> Iterator[Entity]:
    yield from (
        make_task(
            n, job=4 if n % 5 else 5, package=1 + n % 3, row_key_text=f"k{n}" if n % 2 else ""
        )
        for n in range(1, 15)
    )
    # capitals, accents and digits: the order must be that of code points, in every database
    names = ("Ben", "ada", "é", "z", "10", "9", "猫")
    yield from (
        make_member(id=n, account=name, workspace=1 + n % 2, active=n % 3 > 0)
        for n, name in enumerate(names, 1)
    )
    yield from (
        ClaimCounter(job=4, stage=stage, member=n, active=n % 3)
        for stage in Stage
        for n in (2, 3, 4)
    )
    yield from (
        make_job(id=n, name=f"job-{n}", workspace=1 + n % 2, state=tuple(JobState)[n % 4])
        for n in range(1, 9)
    )
    verbs = ("claim", "save", "submit")
    yield from (
        make_event(verbs[n % 3], at=AT + n % 4 * MINUTE, package=n % 3, member=n % 2 + 1)
        for n in range(12)
    )


def rewritten(entity: Entity) -> Entity:
    """Return *entity* before its last save, if packages and answers count as saved once."""
    if isinstance(entity, Package):
        state: Values = {
            "state": PackageState.DISCARDED,
            "free": 7,
            "priority": 7,
            "round": 7,
            "waiting_since": AT - MINUTE,
        }
        return attrs.evolve(entity, size=70, wrong=7, disputes=(), value='"old"', **state)
    if isinstance(entity, Answer):
        return attrs.evolve(
            entity, replies={}, abandon_reason=None, verdict=None, member=7, package=7
        )
    return entity


def meets(entity: Entity, where: Mapping[str, Condition]) -> bool:
    """Return whether the columns of *entity* meet all conditions."""
    return all(_fits(column(entity, name), condition) for name, condition in where.items())


def _fits(value: Any, condition: Condition) -> bool:
    if isinstance(condition, tuple):
        return any(value == encode_value(each) for each in condition)
    if isinstance(condition, Span):
        low, high = condition.low, condition.high
        return not (low is not None and value < encode_value(low)) and not (
            high is not None and value > encode_value(high)
        )
    return bool(value == encode_value(condition))


def column(entity: Entity, name: str) -> Any:
    """Return what an index column holds for *entity*."""
    return field_value(entity, name)


def matches(query: Query[Any], there: Sequence[Entity]) -> list[Any]:
    """Return the matches of *query* in *there*, without those with an excluded neighbor."""
    found = [
        entity for entity in there if isinstance(entity, query.kind) and meets(entity, query.where)
    ]
    unless = query.unless
    if unless is None:
        return found
    others = [
        entity
        for entity in there
        if isinstance(entity, unless.kind) and meets(entity, unless.where)
    ]

    def is_beside(entity: Entity, other: Entity) -> bool:
        return all(
            column(entity, ours) == column(other, theirs) for ours, theirs in unless.same.items()
        )

    return [entity for entity in found if not any(is_beside(entity, other) for other in others)]


def page(query: Query[Any], there: Sequence[Entity]) -> list[Any]:
    """Return the matches in the order of *query*, only those after its place, up to its limit."""
    found = sorted(matches(query, there), key=lambda entity: entity.key)
    # sorts are stable: the last column first, and the first column decides
    for name in reversed(query.order):
        found.sort(
            key=lambda entity: column(entity, name.removeprefix("-")), reverse=name[0] == "-"
        )
    if query.after is not None:
        places = [cursor(query, entity) for entity in found]
        found = found[places.index(tuple(query.after)) + 1 :]
    return found[: query.limit]


def groups(
    query: Query[Any], there: Sequence[Entity], by: tuple[str, ...], add: tuple[str, ...]
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Return the counts and sums of the matches of *query* by groups."""
    members: dict[tuple[Any, ...], list[Entity]] = {}
    for entity in matches(query, there):
        members.setdefault(tuple(column(entity, name) for name in by), []).append(entity)
    return {
        group: (len(found), *(sum(column(entity, name) for entity in found) for name in add))
        for group, found in members.items()
    }


def firsts(query: Query[Any], there: Sequence[Entity], by: tuple[str, ...]) -> list[Any]:
    """Return the first match of *query* in each group, and those in its order."""
    ordered = page(attrs.evolve(query, after=None, limit=None), there)
    first: dict[tuple[Any, ...], Any] = {}
    for entity in ordered:
        first.setdefault(tuple(column(entity, name) for name in by), entity)
    return list(first.values())


GROUPINGS: Mapping[type[Any], tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    Package: (
        (("state",), ("size", "wrong", "disputed")),
        (("waiting", "round"), ()),
        (("job", "state"), ("size",)),
    ),
    Assignment: ((("stage", "live"), ("package",)), (("member",), ())),
    Answer: ((("verdict",), ("task",)), (("is_resolved", "is_abandoned"), ())),
    Task: ((("package",), ("number",)),),
    Member: ((("active",), ("id",)),),
    ClaimCounter: ((("stage",), ("active",)),),
    Job: ((("state",), ()),),
    Event: ((("type",), ("package",)), (("member", "package"), ())),
}
"""By which columns matches are counted, and which columns are added up then."""


def name_key_columns(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of the columns of a key."""
    return tuple(column.name for column in FIELDS[kind].key)


def name_keys(found: Sequence[Any]) -> list[Key]:
    """Return the keys, which are shorter to read than the entities."""
    return [entity.key for entity in found]


def _packages_where(**where: Any) -> Query[Package]:
    return Query(Package, where)


def _one_value(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    for where in _VALUES:
        yield _packages_where(**where)
    for member in (2, 0):
        yield Query(Assignment, {"member": member})
    yield from (
        Query(Assignment, where) for where in ({"token": ""}, {"token": "t1"}, {"live": True})
    )
    yield from (
        Query(Answer, where)
        for where in ({"verdict": Verdict.WRONG}, {"verdict": ""}, {"is_resolved": True})
    )
    yield from (
        Query(Task, where)
        for where in ({"row_key_text": "k3"}, {"row_key_text": ""}, {"package": 2})
    )
    yield from (
        Query(Member, where) for where in ({"active": False}, {"account": "é"}, {"account": "Ada"})
    )
    yield from (
        Query(Job, {"state": JobState.RUNNING}),
        Query(ClaimCounter, {"stage": Stage.LABEL}),
        Query(ClaimCounter, {"active": 2}),
    )
    yield from (
        Query(Event, where) for where in ({"type": "save"}, {"at": AT + MINUTE}, {"member": 9})
    )


_VALUES: tuple[Values, ...] = (
    {},
    {"state": PackageState.LABEL},
    {"waiting": True},
    {"waiting": False},
    {"open": False},
    {"priority": -1},
    {"priority": 0.5},
    {"waiting_since": AT + MINUTE},
    {"disputed": 2},
    {"value": '"left"'},
    {"value": ""},
    {"job": 99},
)


def _several_values(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    yield _packages_where(state=(PackageState.DONE,))
    yield _packages_where(state=(PackageState.DONE, PackageState.LABEL, PackageState.DONE))
    yield _packages_where(number=(3, 1, 99))
    yield _packages_where(number=tuple(range(2, 60, 3)))  # more than are spelled out
    yield _packages_where(waiting=(False, True))
    yield _packages_where(waiting_since=(AT - MINUTE, AT, AT + 2 * MINUTE))
    yield _packages_where(priority=(7, 2, -1))
    yield _packages_where(priority=(7, 0.5, -1))
    yield _packages_where(value=('"right"', '"none"', '"left"'))
    yield _packages_where(value=("", '"left"'))
    yield Query(Assignment, {"state": (AssignmentState.OFFERED, AssignmentState.HELD)})
    yield Query(Assignment, {"member": (9, 0, 3)})
    yield Query(Answer, {"verdict": (Verdict.WRONG, "")})
    yield Query(Task, {"row_key_text": tuple(f"k{n}" for n in range(20, 2, -1))})
    yield Query(Member, {"account": ("9", "猫", "b")})
    yield Query(Event, {"type": ("none", "submit", "claim")})


def _no_value(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    nothing: tuple[Any, ...] = ()
    for name in ("job", "state", "waiting", "waiting_since", "value", "number"):
        yield _packages_where(**{name: nothing})
    yield from (Query(Assignment, {"member": nothing}), Query(Task, {"row_key_text": nothing}))
    yield from (
        Query(Event, {"type": nothing}),
        Query(Member, {"active": True, "account": nothing}),
    )


def _spans(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    yield _packages_where(priority=Span(-0.5, 1.5))
    yield _packages_where(priority=Span(0.5000000000000001, None))
    for ends in ((None, 2), (3, None), (2, 4), (3, 3), (4, 2), (None, None)):
        yield _packages_where(size=Span(*ends))
        yield _packages_where(priority=Span(*ends))
    yield _packages_where(waiting_since=Span(AT, AT + MINUTE))
    yield _packages_where(waiting_since=Span(None, AT))
    yield _packages_where(value=Span(None, '"left"'))
    yield _packages_where(value=Span('"l', None))
    yield Query(Assignment, {"lease_until": Span(AT, AT + 9 * MINUTE)})
    yield Query(Assignment, {"lease_until": Span(AT + 5 * MINUTE, None)})
    yield Query(Member, {"account": Span("9", "a")})
    yield from (
        Query(Task, {"number": Span(9, None)}),
        Query(Event, {"at": Span(None, AT + MINUTE)}),
    )


def _together(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    yield _packages_where(job=4, state=PackageState.LABEL, waiting=True)
    yield _packages_where(waiting=(True, False), size=Span(3, 5))
    yield _packages_where(size=Span(), number=(5, 1, 99))
    yield _packages_where(job=(4, 5), priority=Span(0, None), value=("", '"left"'), open=True)
    yield _packages_where(waiting=False, job=4, wrong=1)
    yield _packages_where(
        state=(PackageState.LABEL, PackageState.ACCEPT), waiting_since=Span(AT, AT), priority=0
    )
    yield Query(
        Assignment, {"job": 4, "live": True, "stage": Stage.INSPECT, "lease_until": Span(AT, None)}
    )
    yield Query(Assignment, {"member": (2, 3), "state": AssignmentState.DONE, "job": 4})
    yield Query(Answer, {"job": 4, "task": Span(2, 5), "is_resolved": True})
    yield Query(Task, {"job": 4, "package": (1, 2), "number": Span(2, 9)})
    yield Query(Event, {"job": 4, "package": 1, "type": ("save", "claim")})


def _orders(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    yield from (Query(Package, {"job": 4}, order=order) for order in _PACKAGE_ORDERS)
    yield from (Query(Package, {"waiting": True}, order=order) for order in _PACKAGE_ORDERS[:3])
    yield from (
        Query(Assignment, order=order)
        for order in (("lease_until", "id"), ("-stage", "member"), ("-id",))
    )
    yield from (
        Query(Task, order=order)
        for order in (("number",), ("-row_key_text",), ("package", "-number"))
    )
    yield from (
        Query(Member, order=order)
        for order in (("account",), ("-account",), ("active", "-account"))
    )
    yield from (
        Query(Answer, order=("-verdict", "task")),
        Query(ClaimCounter, order=("-active", "stage")),
    )
    yield from (
        Query(Event, order=order) for order in (("position",), ("-position",), ("type", "-at"))
    )
    yield Query(
        Package,
        {"size": Span(1, 4), "state": (PackageState.LABEL, PackageState.DONE)},
        order=("-size",),
    )


_PACKAGE_ORDERS = (
    ("number",),
    ("-number",),
    ("-priority", "waiting_since", "number"),
    ("size", "-number"),
    ("size", "priority"),
    ("-size", "-wrong"),
    ("-value", "state", "-number"),
    ("waiting",),
)


def _pages(there: Sequence[Entity]) -> Iterator[Query[Any]]:
    for query in _orders(there):
        found = page(query, there)
        for at in sorted({0, 1, len(found) // 2, len(found) - 2, len(found) - 1}):
            after = cursor(query, found[at])
            yield attrs.evolve(query, after=after)
            yield attrs.evolve(query, after=after, limit=2)


def _limits(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    for limit in (0, 1, 3, 1000):
        yield Query(Package, {"job": 4}, order=("-priority", "number"), limit=limit)
        yield Query(Package, {"waiting": True}, limit=limit)
        yield Query(Assignment, order=("-id",), limit=limit)
        yield Query(Event, {"type": "save"}, order=("position",), limit=limit)


_HERE = {"job": "job", "number": "package"}
_RULES: tuple[tuple[Values, dict[str, str]], ...] = (
    ({"member": 2}, _HERE),
    ({"member": 2, "state": (AssignmentState.HELD, AssignmentState.DONE)}, _HERE),
    (
        {"member": 2, "state": (AssignmentState.HELD, AssignmentState.DONE)},
        {**_HERE, "round": "round"},
    ),
    ({"member": 3, "stage": Stage.LABEL, "live": True}, _HERE),
    ({"id": Span(5, 9)}, _HERE),
    ({"lease_until": Span(AT, AT + 9 * MINUTE)}, _HERE),
    ({}, _HERE),
    ({"member": ()}, _HERE),
    ({"token": Span(), "lease_until": Span(AT, None)}, _HERE),
    ({"member": 9}, _HERE),
    ({"token": ("t0", "t1")}, {"job": "job"}),
    ({"token": ("", "t1"), "state": AssignmentState.RETURNED}, _HERE),
)


def _unless(_: Sequence[Entity]) -> Iterator[Query[Any]]:
    for where, same in _RULES:
        yield Query(Package, unless=Unless(Assignment, where, same))
        unless = Unless(Assignment, where, same)
        pool: Values = {
            "job": 4,
            "waiting": True,
            "state": (PackageState.LABEL, PackageState.INSPECT),
        }
        yield Query(
            Package, pool, order=("-priority", "due", "waiting_since", "number"), unless=unless
        )
        yield Query(Package, {"size": Span(1, 4)}, order=("-size",), limit=3, unless=unless)
    said = {"job": "job", "number": "task"}
    yield Query(
        Task, {"job": 4}, order=("-number",), unless=Unless(Answer, {"is_resolved": True}, said)
    )
    yield Query(
        Task,
        {"package": (1, 3)},
        unless=Unless(Answer, {"verdict": (Verdict.WRONG, Verdict.RIGHT)}, said),
    )
    yield Query(
        Assignment,
        {"state": AssignmentState.DONE},
        unless=Unless(Answer, {}, {"job": "job", "id": "assignment"}),
    )
    yield Query(
        Package,
        {},
        unless=Unless(Package, {"state": PackageState.DONE}, {"size": "size", "job": "job"}),
    )


def _everything(there: Sequence[Entity]) -> Iterator[Query[Any]]:
    for query in _unless(there):
        ordered = attrs.evolve(query, order=query.order or ("-job",))
        found = page(attrs.evolve(ordered, limit=None), there)
        for at in sorted({0, len(found) // 2} if found else ()):
            yield attrs.evolve(ordered, after=cursor(ordered, found[at]), limit=2)


CASES: Mapping[str, Callable[[Sequence[Entity]], Iterator[Query[Any]]]] = {
    "one_value": _one_value,
    "any_of_several_values": _several_values,
    "an_empty_tuple": _no_value,
    "a_span": _spans,
    "several_conditions": _together,
    "an_order": _orders,
    "after": _pages,
    "a_limit": _limits,
    "unless": _unless,
    "everything_at_once": _everything,
}
"""All that a query can ask for, over given entities: a store that ignores any of it fails."""
