"""A labeler hands in what is done, and leaves the rest of the package to others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.scenes import Clock, cats, taken, verbs

from itagflow import (
    Assignment,
    Choice,
    Flow,
    Inspect,
    Job,
    Label,
    NotAllowed,
    PackageState,
    Stage,
    TaskState,
    Workflow,
)
from itagflow.errors import Incomplete, InvalidData, WrongState
from itagflow.model import Outcome, Purpose

PARTIAL = Workflow(Label(allow_partial=True), Inspect())


def half(flow: Flow, job: Job, member: str = "ben", *tasks: int) -> Assignment:
    """A package of which *member* hands in these tasks, or the first two."""
    assignment = taken(flow, member, job)
    flow.save_many(assignment, {number: Choice("cat") for number in tasks or (1, 2)})
    return flow.submit(assignment, rest="release", by=member)


def test_a_labeler_hands_in_half(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=4, workflow=PARTIAL)
    first = half(flow, job)
    assert (first.outcome, first.scope) == (Outcome.SUBMITTED, (1, 2))
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.free) == (PackageState.LABEL, 0)

    rest = taken(flow, "cy", job)
    assert (rest.purpose, rest.scope) == (Purpose.REST, (3, 4))
    assert [item.task.number for item in flow.tasks(rest, by="cy")] == [3, 4]
    flow.save_many(rest, {3: Choice("dog"), 4: Choice("dog")})
    flow.submit(rest, by="cy")
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT

    flow.review(taken(flow, "di", job, Stage.INSPECT))
    ben, cy = (flow.members.get("street", name).id for name in ("ben", "cy"))
    workers = [result.stages[Stage.LABEL].member for result in flow.results.list(job)]
    assert workers == [ben, ben, cy, cy], "each is credited with what they have labeled"
    assert {result.state for result in flow.results.list(job)} == {TaskState.FINAL}


def test_who_handed_in_a_part_may_take_the_rest(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=3, workflow=PARTIAL, label=["ben"])
    half(flow, job)
    rest = taken(flow, "ben", job)
    assert (rest.purpose, rest.scope) == (Purpose.REST, (3,))
    flow.save(rest, 3, Choice("dog"))
    flow.submit(rest)
    assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
    assert len(list(flow.assignments.list("ben", job=job, live=False))) == 2


def test_the_rest_may_be_handed_in_in_parts_too(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=3, workflow=PARTIAL)
    half(flow, job, "ben", 1)
    half(flow, job, "cy", 2)
    rest = taken(flow, "ben", job)
    assert rest.scope == (3,)
    flow.abandon(rest, 3, "dark")
    flow.submit(rest, rest="release")
    package = flow.packages.get((job.id, 1))
    assert (package.state, package.abandoned) == (PackageState.INSPECT, 1)


def test_who_takes_the_rest_sees_what_was_half_filled(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=3, workflow=PARTIAL)
    first = taken(flow, "ben", job)
    flow.save(first, 2, Choice("dog"), draft=True)
    flow.save(first, 1, Choice("cat"))
    flow.submit(first, rest="release")
    rest = taken(flow, "cy", job)
    drafts = {item.task.number: item.previous for item in flow.tasks(rest, by="cy")}
    assert drafts[2] is not None
    assert (drafts[2].reply, drafts[3]) == (Choice("dog"), None)
    flow.release(rest)
    again = taken(flow, "ben", job)
    assert [item.previous == drafts[2] for item in flow.tasks(again)] == [True, False]


def test_it_must_be_allowed(flow: Flow) -> None:
    job = cats(flow)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, Choice("cat"))
    with pytest.raises(NotAllowed, match="allow_partial=True"):
        flow.submit(assignment, rest="release")
    with pytest.raises(InvalidData, match="must be 'release' or None"):
        flow.submit(assignment, rest="keep")
    with pytest.raises(InvalidData, match="for one vote"):
        Label(votes=2, allow_partial=True)


def test_a_part_has_an_answer(flow: Flow) -> None:
    job = cats(flow, workflow=PARTIAL)
    assignment = taken(flow, "ben", job)
    with pytest.raises(Incomplete, match="no task is answered: release it instead"):
        flow.submit(assignment, rest="release")
    assert "submit" not in verbs(flow, job)


def test_a_review_is_not_handed_in_in_part(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=PARTIAL)
    half(flow, job)
    review = taken(flow, "di", job, Stage.INSPECT)
    with pytest.raises(WrongState):
        flow.submit(review, rest="release")


def test_sent_twice_it_is_one_act(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=3, workflow=PARTIAL)
    first = half(flow, job)
    assert flow.submit(first, rest="release", by="ben") == first
    assert verbs(flow, job).count("submit") == 1
    assert len(list(flow.assignments.list(None, job=job))) == 1


@pytest.mark.parametrize("end", ["release", "expire", "take over", "remove", "reassign"])
def test_the_rest_never_gets_lost(flow: Flow, clock: Clock, end: str) -> None:
    workflow = Workflow(Label(allow_partial=True, lease=timedelta(minutes=5)))
    job = cats(flow, tasks=3, size=3, workflow=workflow, label=["ben", "cy", "eve"])
    half(flow, job)
    rest = taken(flow, "cy", job)
    clock.forward(minutes=6)
    if end == "release":
        flow.release(rest)
    elif end == "expire":
        assert [each.id for each in flow.assignments.expire(job, by="ada")] == [rest.id]
    elif end == "remove":
        flow.members.remove("street", "cy", by="ada")
    elif end == "reassign":
        flow.assignments.reassign(rest, "eve", by="ada")
    again = taken(flow, "eve", job)
    assert (again.purpose, again.scope) == (Purpose.REST, (3,))
    flow.save(again, 3, Choice("dog"))
    flow.submit(again)
    assert flow.packages.get((job.id, 1)).state is PackageState.DONE


def test_rework_of_a_package_in_parts(flow: Flow) -> None:
    job = cats(flow, tasks=4, size=4, workflow=PARTIAL)
    half(flow, job)
    half(flow, job, "cy", 3, 4)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[1, 2, 3], comment="again")
    rework = taken(flow, "ben", job)
    assert (rework.purpose, rework.scope) == (Purpose.REWORK, (1, 2, 3))
    flow.save_many(rework, {1: Choice("dog"), 2: Choice("dog")})
    flow.submit(rework, rest="release")
    rest = taken(flow, "cy", job)
    assert (rest.purpose, rest.scope) == (Purpose.REST, (3,))
    flow.save(rest, 3, Choice("cat"))
    flow.submit(rest)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    replies = [result.replies for result in flow.results.list(job)]
    assert replies == [{"1": Choice(word)} for word in ("dog", "dog", "cat", "cat")]


def test_the_limit_counts_a_part(flow: Flow) -> None:
    workflow = Workflow(Label(allow_partial=True, limit=1))
    job = cats(flow, tasks=6, size=3, workflow=workflow)
    half(flow, job)
    taken(flow, "ben", job)
    assert flow.claim("ben", job, Stage.LABEL) is None
    assert "the limit is reached" in flow.explain("ben", job, Stage.LABEL)


def test_claim_many_takes_parts_and_packages(flow: Flow) -> None:
    job = cats(flow, tasks=6, size=2, workflow=PARTIAL)
    half(flow, job, "ben", 1)
    half(flow, job, "ben", 2)
    half(flow, job, "ben", 3)
    taken_now = flow.claim_many("cy", job, Stage.LABEL, 5)
    assert [(each.package, each.purpose) for each in taken_now] == [
        (2, Purpose.REST),
        (3, Purpose.LABEL),
    ]
