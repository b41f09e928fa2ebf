"""Who may go on with an assignment, and what others are told."""

from __future__ import annotations

import pytest
from itagflow.core.holding import (
    must_be_of,
    must_be_working,
    must_hold,
    must_not_be_returned,
    stage_of,
)

from itagflow import AssignmentState, JobState, NotAllowed, NotHeld, PackageState, Stage
from itagflow.model import Outcome
from itagflow.testing import make_assignment, make_job, make_member, make_package

RETURNED = make_assignment(
    state=AssignmentState.RETURNED, outcome=Outcome.RECALLED, comment="the job was archived"
)


def test_the_holder_goes_on_and_so_does_the_application() -> None:
    must_hold(make_assignment(), make_member())
    must_hold(make_assignment(), None)


def test_another_member_is_told_that_it_is_not_theirs() -> None:
    with pytest.raises(NotHeld, match="it is another member's, not cy's"):
        must_hold(make_assignment(), make_member(id=3, account="cy"))
    must_be_of(RETURNED, make_member())
    with pytest.raises(NotHeld, match="not cy's"):
        must_be_of(RETURNED, make_member(id=3, account="cy"))


def test_an_offer_is_to_be_claimed_first() -> None:
    with pytest.raises(NotHeld, match="it is offered: claim it first"):
        must_hold(make_assignment(state=AssignmentState.OFFERED), None)


def test_what_has_ended_says_how_and_why() -> None:
    with pytest.raises(NotHeld, match=r"it was recalled \(the job was archived\): claim anew"):
        must_hold(RETURNED, None)
    done = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
    with pytest.raises(NotHeld, match="it was submitted: claim anew"):
        must_hold(done, None)


def test_done_work_may_still_be_read_and_returned_work_not() -> None:
    must_not_be_returned(make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED))
    must_not_be_returned(make_assignment())
    with pytest.raises(NotHeld, match="it was recalled"):
        must_not_be_returned(RETURNED)


@pytest.mark.parametrize("state", list(JobState))
def test_work_goes_on_while_a_job_runs_or_is_paused(state: JobState) -> None:
    job = make_job(state=state)
    if state in (JobState.RUNNING, JobState.PAUSED):
        must_be_working(job, "save")
    else:
        with pytest.raises(NotAllowed, match=f"save.*job 'cats' is {state.value}"):
            must_be_working(job, "save")


@pytest.mark.parametrize("state", list(PackageState))
def test_a_package_has_a_stage_until_it_is_done_or_discarded(state: PackageState) -> None:
    package = make_package(state=state)
    if state in (PackageState.DONE, PackageState.DISCARDED):
        with pytest.raises(NotAllowed, match=f"is {state.value}: reopen it first"):
            stage_of(package)
    else:
        assert stage_of(package) is Stage(state.value)
