"""Votes are secret until the package leaves LABEL."""

from __future__ import annotations

import pytest

from itagflow import Inspect, JobState, Label, PackageState, Role, Stage, Workflow
from itagflow.access import default_policy
from itagflow.core.secrecy import are_votes_open, is_given, is_vote, may_see_votes, reason
from itagflow.model import Outcome, Purpose
from itagflow.model.job import StageWorkers
from itagflow.testing import make_assignment, make_job, make_member, make_package

VOTED = make_job(workflow=Workflow(Label(votes=3), Inspect()))


@pytest.mark.parametrize("state", list(PackageState))
def test_votes_are_open_only_at_label(state: PackageState) -> None:
    assert are_votes_open(VOTED, make_package(state=state, votes=2)) is (
        state is PackageState.LABEL
    )


def test_one_vote_is_no_secret_and_an_archived_job_has_none() -> None:
    assert not are_votes_open(VOTED, make_package(votes=1))
    archived = make_job(workflow=VOTED.workflow, state=JobState.ARCHIVED)
    assert not are_votes_open(archived, make_package(votes=2))


def test_who_may_still_vote_sees_nothing() -> None:
    leader = make_member(role=Role.LEADER)
    labels = make_job(workflow=VOTED.workflow, workforce={Stage.LABEL: StageWorkers((2,))})
    assert not may_see_votes(default_policy, leader, labels, has_voted=False)
    assert may_see_votes(default_policy, leader, labels, has_voted=True)


def test_who_reads_results_but_cannot_label_sees_them() -> None:
    viewer = make_member(role=Role.VIEWER)
    assert may_see_votes(default_policy, viewer, VOTED, has_voted=False)


def test_who_may_not_read_results_sees_no_vote_after_voting() -> None:
    operator = make_member()
    named = make_job(workflow=VOTED.workflow, workforce={Stage.LABEL: StageWorkers((2,))})
    assert not may_see_votes(default_policy, operator, named, has_voted=True)


def test_a_vote_is_of_a_member_at_label_in_this_round() -> None:
    assert is_vote(make_assignment(), 1)
    assert not is_vote(make_assignment(), 2)
    assert not is_vote(make_assignment(stage=Stage.INSPECT), 1)
    assert not is_vote(make_assignment(member=None), 1)


def test_what_waits_for_an_expert_tells_votes_and_what_waits_for_a_voter_none() -> None:
    open_offer = {"member": None, "scope": (1,)}
    assert is_vote(make_assignment(purpose=Purpose.ESCALATION, **open_offer), 1)
    assert not is_vote(make_assignment(purpose=Purpose.ESCALATION, **open_offer), 2)
    assert not is_vote(make_assignment(purpose=Purpose.EXTRA_VOTE, **open_offer), 1)


def test_a_vote_is_given_when_it_is_submitted() -> None:
    assert is_given(make_assignment(outcome=Outcome.SUBMITTED), 1)
    assert not is_given(make_assignment(), 1)
    assert not is_given(make_assignment(outcome=Outcome.SUBMITTED, round=2), 1)


def test_the_reason_names_the_package() -> None:
    assert reason(make_assignment(package=7)) == "votes are secret until package 7 leaves LABEL"
