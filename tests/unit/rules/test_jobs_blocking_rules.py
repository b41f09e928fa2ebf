"""Which packages nobody can go on with, and why."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    Assignment,
    AssignmentState,
    Crew,
    Inspect,
    Label,
    PackageState,
    Stage,
    Workflow,
)
from itagflow.claiming.decision import Situation, decide
from itagflow.jobs.blocking_rules import (
    MAX_NAMED,
    Need,
    Workers,
    explain_open_lot,
    find_blocked,
    find_untaken,
)
from itagflow.model import BlockedPackage, LotEntry, LotState, Purpose
from itagflow.testing.builders import AT, make_assignment, make_job, make_member, make_package

BEN, CY = make_member(id=2, account="ben"), make_member(id=7, account="cy")
JOB = make_job(workflow=Workflow(Label(votes=2, max_total=1), Inspect()), closes_at=AT)
HELD = make_assignment(member=2, lease_until=AT)


def workers(ben: Any = None, cy: Any = None) -> Workers:
    """Who is there, with what a decision about them is made by."""
    situations = [(BEN, ben or {}), (CY, cy or {})]
    decisions = {
        stage: [
            decide(Situation(job=JOB, member=member, stage=stage, **fields))
            for member, fields in situations
        ]
        for stage in JOB.workflow.stages
    }
    return Workers(job=JOB, decisions=decisions, at=AT)


NOT_NAMED = {"policy_refusal": "not named"}
AT_INSPECT = {"state": PackageState.INSPECT}


@pytest.mark.parametrize(
    ("there", "package", "assignments", "words"),
    [
        (workers(), {"free": 2}, [], ""),
        (workers(), {"free": 1}, [HELD], ""),
        (workers({"is_paused": True}), {"free": 2}, [], "1 more member must label it"),
        (workers({"is_paused": True}), {"free": 2}, [], "ben is paused"),
        (workers({"total": 1}), {"free": 2}, [], "ben has got 1 of 1 package"),
        (workers({"is_closed": True}), {"free": 2}, [], "the job is closed to new work"),
        (workers(NOT_NAMED, NOT_NAMED), {"free": 1}, [], "nobody may work at LABEL"),
        (workers({"is_paused": True}), {"free": 0}, [HELD], ""),
        (workers({"is_paused": True}, {"is_paused": True}), {"free": 0}, [HELD], "cy is paused"),
        (workers({"is_paused": True}, {"is_closed": True}), {"free": 0}, [HELD], ""),
        (
            workers({"is_paused": True}),
            {"free": 0},
            [attrs.evolve(HELD, lease_until=None)],
            "it is held by a member who cannot go on, and has no lease: reassign it",
        ),
        (
            workers(),
            {"free": 0},
            [attrs.evolve(HELD, member=99, lease_until=None, state=AssignmentState.OFFERED)],
            "it is offered to a member who was removed",
        ),
        (
            workers(None, NOT_NAMED),
            {"free": 1, **AT_INSPECT},
            [attrs.evolve(HELD, state=AssignmentState.DONE, authored=True)],
            "it is ben's own work",
        ),
        (
            workers(None, NOT_NAMED),
            {"free": 1},
            [attrs.evolve(HELD, state=AssignmentState.DONE)],
            "nobody votes twice",
        ),
        (workers(), {"free": 0}, [attrs.evolve(HELD, member=None)], ""),
    ],
)
def test_a_package_is_blocked_when_too_few_can_go_on_with_it(
    there: Workers, package: dict[str, Any], assignments: list[Assignment], words: str
) -> None:
    found = find_blocked(there, make_package(**package), assignments)
    if not words:
        assert found is None
        return
    assert found is not None
    assert words in found.reason
    assert found.stage is make_package(**package).stage


OFFER = attrs.evolve(HELD, member=None, state=AssignmentState.OFFERED, lease_until=None, scope=(1,))
REST = attrs.evolve(OFFER, id=8, purpose=Purpose.REST)
ESCALATION = attrs.evolve(OFFER, id=9, purpose=Purpose.ESCALATION, scope=(2,))
EXPERT = {"crews": frozenset({Crew.EXPERTS})}
LAPSED_PART = attrs.evolve(ESCALATION, member=7, state=AssignmentState.HELD, lease_until=AT)


@pytest.mark.parametrize(
    ("there", "assignments", "words"),
    [
        (workers(), [REST], ""),
        (workers(NOT_NAMED, NOT_NAMED), [REST], "nobody may work at LABEL: name somebody for it"),
        (workers({"is_closed": True}), [REST], ""),
        (workers({"total": 1}, {"is_paused": True}), [REST], "the rest of it waits"),
        (workers(), [ESCALATION], "nobody may work as one of the experts"),
        (workers({**EXPERT, **NOT_NAMED}), [ESCALATION], ""),
        (workers(EXPERT), [attrs.evolve(HELD, lease_until=None), ESCALATION], "an expert's answer"),
        (workers(EXPERT), [LAPSED_PART], ""),
        (workers(None, {**EXPERT, "is_paused": True}), [LAPSED_PART], "cy is paused"),
        (
            workers(None, NOT_NAMED),
            [attrs.evolve(LAPSED_PART, lease_until=None)],
            "it (an expert's answer to a part of it) is held by a member who cannot go on",
        ),
    ],
)
def test_a_part_that_waits_needs_somebody_too(
    there: Workers, assignments: list[Assignment], words: str
) -> None:
    found = find_blocked(there, make_package(free=0), assignments)
    assert (found is None) == (not words)
    assert found is None or words in found.reason


def test_code_that_is_missing_is_named_and_no_member() -> None:
    there = workers({"missing_validator": "no_dogs"}, {"missing_validator": "no_dogs"})
    found = find_blocked(there, make_package(free=1), [])
    assert found is not None
    assert found.reason == (
        "the job's validator 'no_dogs' is not registered here: give it to itagflow.open"
    )


@pytest.mark.parametrize(
    ("parts", "able", "votes", "untaken"),
    [
        # votes: everything is for different members
        ((False, False), [{1, 2}, {1, 2}], 2, []),
        ((False, False), [{1}, {1}], 2, [1]),
        ((False, True), [{1, 2}, {1}], 2, []),
        ((False, False, True), [{1, 2}, {1, 2}, {1, 2}], 2, [2]),
        ((False, True, True), [{1, 2, 3}, {1}, {2}], 3, []),
        ((True,), [set()], 2, [0]),
        # one vote: one member may do several parts, but none beside the whole
        ((True, True), [{1}, {1}], 1, []),
        ((False, True), [{1}, {1}], 1, [0]),
        ((False, True), [{1, 2}, {1}], 1, []),
        ((False, True), [{1, 2}, {1, 2}], 1, []),
        ((False, True), [{1}, set()], 1, [1]),
    ],
)
def test_as_much_as_possible_is_taken(
    parts: tuple[bool, ...], able: list[set[int]], votes: int, untaken: list[int]
) -> None:
    needs = [Need(make_package(), REST if is_part else None) for is_part in parts]
    found = find_untaken(needs, able, votes=votes)
    assert [each is needs[number] for each, number in zip(found, untaken, strict=True)] == [
        True
    ] * len(untaken)


def test_a_sentence_names_a_few_reasons_and_counts_the_rest() -> None:
    many = [
        decide(
            Situation(
                job=JOB,
                member=attrs.evolve(BEN, id=number, account=f"m{number}"),
                stage=Stage.LABEL,
                is_paused=True,
            )
        )
        for number in range(MAX_NAMED + 3)
    ]
    there = Workers(job=JOB, decisions={Stage.LABEL: many}, at=AT)
    found = find_blocked(there, make_package(free=1), [])
    assert isinstance(found, BlockedPackage)
    assert found.reason.count("is paused") == MAX_NAMED
    assert found.reason.endswith("and 3 more reasons")
    assert there.find(Stage.LABEL, 99) is None


def test_who_has_it_is_named_where_that_is_no_secret() -> None:
    away = workers({"is_paused": True})
    alone = attrs.evolve(JOB, workflow=Workflow(Label(), Inspect()))
    held = attrs.evolve(HELD, lease_until=None)
    found = find_blocked(attrs.evolve(away, job=alone), make_package(free=0), [held])
    assert found is not None
    assert found.reason == "it is held by ben and has no lease, but ben is paused: reassign it"


def test_what_waits_for_its_lot_is_blocked_only_if_the_lot_does_not_close() -> None:
    at_accept: dict[str, Any] = {"state": PackageState.ACCEPT, "free": 0}
    gathering = make_package(lot_entry=LotEntry(), **at_accept)
    decided = make_package(lot_entry=LotEntry(lot=1, state=LotState.CLOSED), **at_accept)
    assert find_blocked(workers(), gathering, []) is None
    reason = explain_open_lot(2)
    assert reason.startswith("its lot does not close with 2 packages, and no other is on its way")
    found = find_blocked(workers(), gathering, [], lot_reason=reason)
    assert found == BlockedPackage(1, Stage.ACCEPT, reason)
    assert find_blocked(workers(), decided, [], lot_reason=reason) is None
