"""Which packages nobody can go on with, and why."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Assignment, AssignmentState, Inspect, Label, PackageState, Stage, Workflow
from itagflow.claiming.decision import Situation, decide
from itagflow.jobs.blocking_rules import MAX_NAMED, Workers, find_blocked
from itagflow.model import BlockedPackage
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
