"""What becomes of a package and of its assignments when tasks are withdrawn."""

from __future__ import annotations

from typing import Any

import attrs

from itagflow import (
    AssignmentState,
    Inspect,
    Label,
    Package,
    PackageState,
    Stage,
    Workflow,
)
from itagflow.jobs import withdrawing_rules as rules
from itagflow.model import Outcome
from itagflow.model.change import Context
from itagflow.testing.builders import AT, make_assignment, make_job, make_package

CTX = Context(AT, 1, 1)
JOB = make_job(workflow=Workflow(Label(), Inspect()))
TASKS = (1, 2, 3)
HELD = make_assignment(5, state=AssignmentState.HELD)


def package(**fields: Any) -> Package:
    given: dict[str, Any] = {"size": 3, "scope": None, "free": 1} | fields
    return make_package(1, **given)


def withdrawn(before: Package, *tasks: int, assignments: Any = ()) -> Package:
    return rules.withdraw_tasks(
        JOB, before, tasks, CTX, tasks=TASKS[: before.size], assignments=assignments
    )


def test_only_what_is_not_out_yet_is_new() -> None:
    assert rules.list_new(package(withdrawals=(2,)), {3, 2, 1}) == (1, 3)
    assert rules.list_new(package(withdrawals=(2,)), {2}) == ()
    assert rules.list_new(package(withdrawals=(2,), erased=(3,)), {3, 2, 1}) == (1,)


def test_the_rest_stays_due() -> None:
    after = withdrawn(package(), 2)
    assert (after.withdrawals, after.scope, after.state) == ((2,), (1, 3), PackageState.LABEL)
    again = withdrawn(after, 1)
    assert (again.withdrawals, again.scope) == ((1, 2), (3,))


def test_with_nothing_left_it_is_discarded() -> None:
    after = withdrawn(package(erased=(1,), scope=(2, 3)), 2, 3)
    assert (after.state, after.free) == (PackageState.DISCARDED, 0)
    assert after.excluded == (1, 2, 3)


def test_one_that_has_ended_only_notes_it() -> None:
    done = package(state=PackageState.DONE, free=0)
    assert withdrawn(done, 1, 2, 3) == attrs.evolve(
        done, withdrawals=(1, 2, 3), excluded_revisions=(1, 1, 1)
    )


def test_with_nothing_left_to_do_it_goes_on_unless_somebody_has_it() -> None:
    rework = package(round=2, scope=(2,), rejects=(2,))
    after = withdrawn(rework, 2)
    assert (after.state, after.scope) == (PackageState.INSPECT, (1, 3)), (
        "the others, for the first time"
    )
    held = withdrawn(rework, 2, assignments=[attrs.evolve(HELD, round=2, scope=(2,))])
    assert (held.state, held.scope) == (PackageState.LABEL, ())


def test_a_review_that_was_done_is_none_that_was_skipped() -> None:
    reviewed = make_assignment(
        6, stage=Stage.INSPECT, state=AssignmentState.DONE, outcome=Outcome.REVIEWED
    )
    at_review = package(state=PackageState.INSPECT, scope=(2,))
    assert withdrawn(at_review, 2, assignments=[reviewed]).skipped == ()
    assert withdrawn(at_review, 2).skipped == (Stage.INSPECT,)


def test_live_assignments_lose_it_and_ended_ones_keep_it() -> None:
    after = withdrawn(package(), 2, assignments=[HELD])
    ended = attrs.evolve(HELD, id=4, state=AssignmentState.DONE)
    apart = attrs.evolve(HELD, id=6, scope=(3,))
    ((before, narrowed),) = rules.narrow(after, [ended, HELD, apart], TASKS)
    assert before is HELD
    assert narrowed == attrs.evolve(HELD, scope=(1, 3))
