"""More votes are asked for on chosen tasks."""

from __future__ import annotations

import pytest
from support.scenes import cats, labeled, taken, verbs

from itagflow import (
    Choice,
    Flow,
    Inspect,
    Job,
    Label,
    NotAllowed,
    NotFound,
    PackageState,
    PreLabel,
    Stage,
    Workflow,
)
from itagflow.errors import InvalidData
from itagflow.model import Purpose

VOTES = Workflow(Label(votes=2, min_votes=2), Inspect())
RATERS = ("ben", "cy", "eve", "fay")


def ratings(flow: Flow) -> Job:
    return cats(flow, tasks=2, workflow=VOTES, label=RATERS)


def test_one_more_rating_on_a_chosen_task(flow: Flow) -> None:
    job = ratings(flow)
    labeled(flow, "ben", job, "cat")
    (offer,) = flow.packages.ask_again([(job.id, 2)], by="ada")
    assert (offer.purpose, offer.scope, offer.member) == (Purpose.EXTRA_VOTE, (2,), None)
    # what is offered comes before what waits
    second = taken(flow, "cy", job)
    assert second.id == offer.id
    flow.release(second)
    flow.assignments.assign((job.id, 1), "cy", by="ada")
    labeled(flow, "cy", job, "dog")
    assert flow.packages.get((job.id, 1)).state is PackageState.LABEL
    for voter in ("ben", "cy"):
        assert flow.claim(voter, job, Stage.LABEL) is None, "nobody votes twice"
    extra = taken(flow, "eve", job)
    assert (extra.purpose, extra.scope) == (Purpose.EXTRA_VOTE, (2,))
    flow.save(extra, 2, Choice("dog"))
    flow.submit(extra)
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, (1,))
    (first, second) = flow.tasks(taken(flow, "di", job, Stage.INSPECT))
    assert len(first.votes) == 2
    assert second.submitted is not None
    assert second.submitted.replies == {"1": Choice("dog")}, "two of three"


def test_a_claim_of_the_package_at_another_stage_does_not_get_the_vote(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, min_votes=2), Inspect(limit=1))
    job = cats(flow, tasks=2, workflow=workflow, label=RATERS, inspect=["eve"])
    flow.packages.ask_again([(job.id, 2)], by="ada")
    assert flow.claim("eve", job, Stage.INSPECT, package=1) is None
    offer = flow.claim("eve", job, Stage.LABEL, package=1)
    assert offer is not None
    assert (offer.purpose, offer.stage) == (Purpose.EXTRA_VOTE, Stage.LABEL)


def test_the_extra_vote_may_come_before_the_others(flow: Flow) -> None:
    job = ratings(flow)
    flow.packages.ask_again([(job, 1), (job, 2)], votes=2, by="ada")
    for voter in ("ben", "cy"):
        extra = taken(flow, voter, job)
        assert extra.purpose is Purpose.EXTRA_VOTE
        flow.save_many(extra, {1: Choice("cat"), 2: Choice("cat")})
        flow.submit(extra)
    assert flow.claim("ben", job, Stage.LABEL) is None
    labeled(flow, "eve", job, "dog")
    labeled(flow, "fay", job, "cat")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.disputes) == (PackageState.INSPECT, ())


def test_an_extra_vote_that_is_given_back_waits_for_another(flow: Flow) -> None:
    job = ratings(flow)
    flow.packages.ask_again([(job.id, 2)], by="ada")
    extra = taken(flow, "ben", job)
    flow.save(extra, 2, Choice("cat"))
    flow.release(extra)
    again = taken(flow, "cy", job)
    assert (again.purpose, again.scope) == (Purpose.EXTRA_VOTE, (2,))
    (item,) = flow.tasks(again)
    assert item.previous is None, "a vote is secret, also one that was given back"


def test_there_must_be_enough_voters(flow: Flow) -> None:
    job = ratings(flow)
    flow.packages.ask_again([(job.id, 1)], by="ada")
    with pytest.raises(NotAllowed, match="5 different members"):
        flow.packages.ask_again([(job.id, 2)], votes=2, by="ada")


def test_it_is_refused_where_nothing_is_voted_on(flow: Flow) -> None:
    job = ratings(flow)
    labeled(flow, "ben", job, "cat")
    labeled(flow, "cy", job, "cat")
    with pytest.raises(NotAllowed, match="not at LABEL, but inspect"):
        flow.packages.ask_again([(job.id, 1)], by="ada")
    with pytest.raises(NotFound):
        flow.packages.ask_again([(job.id, 3)], by="ada")
    with pytest.raises(NotAllowed):
        flow.packages.ask_again([(job.id, 1)], by="ben")
    with pytest.raises(InvalidData):
        flow.packages.ask_again([(job.id, 1)], votes=0, by="ada")
    assert "ask_again" not in verbs(flow, job)


def test_it_is_for_jobs_with_votes(flow: Flow) -> None:
    job = cats(flow)
    with pytest.raises(NotAllowed, match="takes one answer to each task"):
        flow.packages.ask_again([(job.id, 1)], by="ada")


def test_tasks_of_several_packages_are_asked_for_together_or_not_at_all(flow: Flow) -> None:
    job = cats(flow, tasks=4, workflow=VOTES, label=RATERS)
    labeled(flow, "ben", job, "cat")
    labeled(flow, "cy", job, "cat")
    with pytest.raises(NotAllowed):
        flow.packages.ask_again([(job.id, 3), (job.id, 1)], by="ada")
    assert list(flow.assignments.list(None, job=job)) == []
    offers = flow.packages.ask_again([(job.id, 3), (job.id, 4)], by="ada")
    assert [(offer.package, offer.scope) for offer in offers] == [(2, (3, 4))]


def test_only_tasks_that_are_voted_on_again_in_rework(flow: Flow) -> None:
    job = ratings(flow)
    labeled(flow, "ben", job, "cat")
    labeled(flow, "cy", job, "cat")
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[2], comment="no cat")
    with pytest.raises(InvalidData, match="task 1: is not voted on"):
        flow.packages.ask_again([(job.id, 1)], by="ada")
    flow.packages.ask_again([(job.id, 2)], by="ada")
    labeled(flow, "ben", job, "dog")
    labeled(flow, "cy", job, "cat")
    extra = taken(flow, "eve", job)
    flow.save(extra, 2, Choice("dog"))
    flow.submit(extra)
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT


def test_a_package_with_an_open_part_gets_no_pre_labels(flow: Flow) -> None:
    job = ratings(flow)
    flow.packages.ask_again([(job.id, 1)], by="ada")
    predictions = [PreLabel(Choice("cat"))] * 2
    report = flow.jobs.prelabel(job, lambda _: predictions, min_confidence=True, by="ada")
    assert (report.accepted, report.in_progress) == (0, 2)
    assert flow.packages.get((job.id, 1)).state is PackageState.LABEL
