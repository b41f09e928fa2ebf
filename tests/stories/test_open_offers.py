"""Parts of packages that wait: claimed by package, counted, and named where nobody can take them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support import invariants
from support.scenes import Clock, cats, labeled, taken

from itagflow import (
    Assignment,
    Choice,
    Crew,
    Flow,
    Inspect,
    Job,
    JobState,
    Label,
    NotAllowed,
    PackageState,
    Role,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.model import Purpose

VOTES = Workflow(Label(votes=2, min_votes=2), Inspect())
PARTIAL = Workflow(Label(allow_partial=True, lease=timedelta(hours=1)), Inspect())


def with_crew(flow: Flow, crew: Crew, *names: str, **more: Any) -> Job:
    job = cats(flow, **more)
    for name in names:
        flow.members.add("street", name, Role.OPERATOR, by="ada", exist_ok=True)
    return flow.jobs.set_workforce(job, {crew: names}, by="ada")


def disputed(flow: Flow, *adjudicators: str) -> Job:
    """A package on which two votes differ, so that it waits for an adjudicator."""
    job = with_crew(flow, Crew.ADJUDICATORS, *adjudicators, tasks=2, size=1, workflow=VOTES)
    for name, answer in (("ben", "cat"), ("cy", "dog")):
        labeled(flow, name, job, answer)
    return job


def escalated(flow: Flow, *experts: str, **more: Any) -> Job:
    """A package of two tasks of which ben has handed in one, and the other to the experts."""
    job = with_crew(flow, Crew.EXPERTS, *experts, tasks=2, **more)
    assignment = taken(flow, "ben", job)
    flow.save(assignment, 1, Choice("cat"))
    flow.escalate(assignment, 2)
    flow.submit(assignment)
    return job


def reason_of(flow: Flow, job: Job) -> str:
    (blocked,) = flow.jobs.blocked(job)
    assert (blocked.package, blocked.stage) == (1, Stage.LABEL)
    return blocked.reason


class TestClaims:
    def test_a_claim_that_names_the_package_takes_a_part_of_it(self, flow: Flow) -> None:
        job = disputed(flow, "eve")
        assert flow.claim("eve", job, Stage.LABEL, package=2) is None
        part = flow.claim("eve", job, Stage.LABEL, package=1, token="t")
        assert part is not None
        assert (part.purpose, part.scope) == (Purpose.ADJUDICATION, (1,))
        assert flow.claim("eve", job, Stage.LABEL, package=1, token="t") == part
        assert flow.claim("eve", job, Stage.LABEL, package=1) is None
        assert flow.claim("eve", job, Stage.LABEL, package=1, resume=True) == part

    def test_who_may_not_have_the_part_gets_nothing_of_the_package(self, flow: Flow) -> None:
        job = disputed(flow, "eve")
        for voter in ("ben", "cy"):
            assert flow.claim(voter, job, Stage.LABEL, package=1) is None
            assert taken(flow, voter, job).package == 2

    def test_the_rest_is_claimed_by_package_and_taken_over(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=4, size=4, workflow=PARTIAL)
        first = taken(flow, "ben", job)
        flow.save(first, 1, Choice("cat"))
        flow.submit(first, rest="release")
        rest = flow.claim("cy", job, Stage.LABEL, package=1)
        assert rest is not None
        assert (rest.purpose, rest.scope) == (Purpose.REST, (2, 3, 4))
        assert flow.claim("ben", job, Stage.LABEL, package=1) is None
        clock.forward(hours=2)
        over = flow.claim("ben", job, Stage.LABEL, package=1)
        assert over is not None
        assert (over.purpose, over.scope) == (Purpose.REST, (2, 3, 4))

    def test_a_part_that_is_offered_to_a_member_comes_first(self, flow: Flow) -> None:
        job = disputed(flow, "eve", "fay")
        (offer,) = flow.assignments.list(None, job=job)
        to_fay = flow.assignments.reassign(offer, "fay", by="ada")
        assert flow.claim("eve", job, Stage.LABEL, package=1) is None
        part = flow.claim("fay", job, Stage.LABEL, package=1)
        assert part is not None
        assert part.id == to_fay.id


class TestBlocked:
    def test_an_escalation_without_experts(self, flow: Flow) -> None:
        job = escalated(flow, "eve")
        assert not list(flow.jobs.blocked(job)), "eve may have it"
        flow.members.remove("street", "eve", by="ada")
        said = reason_of(flow, job)
        assert said.startswith("an expert's answer to a part of it waits, and nobody can take it")
        assert said.endswith('name somebody with jobs.add_workers(job, "experts", …)')
        flow.jobs.add_workers(job, Crew.EXPERTS, ["cy"], by="ada")
        assert not list(flow.jobs.blocked(job))
        flow.jobs.set_workforce(job, {Crew.EXPERTS: ["ben"]}, by="ada")
        assert "ben has, or had, an assignment on it in this round" in reason_of(flow, job)

    def test_an_adjudication_when_the_only_adjudicator_is_away(self, flow: Flow) -> None:
        job = disputed(flow, "eve")
        flow.members.pause("street", "eve", by="ada")
        assert reason_of(flow, job) == (
            "the decision between its votes waits, and nobody can take it: eve is paused"
        )
        flow.members.resume("street", "eve", by="ada")
        assert not list(flow.jobs.blocked(job))

    def test_an_extra_vote_when_a_voter_has_gone(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, workflow=VOTES, label=["ben", "cy", "eve"])
        flow.packages.ask_again([(job, 1)], by="ada")
        for name in ("ben", "cy"):
            assignment = flow.assignments.assign((job, 1), name, by="ada")
            flow.save(taken(flow, name, job), 1, Choice("cat"))
            flow.submit(assignment)
        assert not list(flow.jobs.blocked(job)), "eve may give it"
        flow.jobs.remove_workers(job, Stage.LABEL, ["eve"], by="ada")
        flow.members.pause("street", "ada", by="ada")  # who may label everywhere
        said = reason_of(flow, job)
        assert said.startswith("one more vote on a part of it waits, and nobody can take it")
        assert "ben" not in said, "who has voted is secret"

    def test_the_rest_when_the_job_has_nobody_left(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=PARTIAL, label=["ben"])
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        flow.submit(assignment, rest="release")
        assert not list(flow.jobs.blocked(job)), "ben may go on with it"
        flow.members.remove("street", "ben", by="ada")
        flow.members.pause("street", "ada", by="ada")  # who may label everywhere
        assert reason_of(flow, job).startswith("the rest of it waits, and nobody can take it")

    def test_a_part_that_is_held_without_a_lease_by_who_left_the_crew(self, flow: Flow) -> None:
        workflow = Workflow(Label(lease=None, offer_lease=None), Inspect())
        job = escalated(flow, "eve", workflow=workflow)
        taken(flow, "eve", job)
        flow.jobs.set_workforce(job, {Crew.EXPERTS: ["cy"]}, by="ada")
        assert reason_of(flow, job) == (
            "it (an expert's answer to a part of it) is held by eve and has no lease, "
            "but eve is not among the experts any more: reassign it"
        )

    def test_two_needs_and_one_member(self, flow: Flow) -> None:
        job = cats(flow, tasks=1, workflow=VOTES, label=["ben", "cy", "eve"])
        flow.packages.ask_again([(job, 1)], by="ada")
        flow.members.pause("street", "ada", by="ada")  # who may label everywhere
        assert not list(flow.jobs.blocked(job)), "three may give the three votes"
        flow.members.pause("street", "eve", by="ada")
        said = reason_of(flow, job)
        assert said.startswith("one more vote on a part of it waits, and nobody can take it")
        assert said.endswith("ada is paused; eve is paused")

    def test_who_has_not_read_the_guideline_can_do_so(self, flow: Flow) -> None:
        workflow = Workflow(Label(acknowledge=True), Inspect())
        job = cats(flow, workflow=workflow, guideline="look twice")
        assert not list(flow.jobs.blocked(job))


class TestProgress:
    def test_what_waits_with_the_experts_is_counted(self, flow: Flow) -> None:
        job = escalated(flow, "eve")
        progress = flow.jobs.progress(job)
        assert (progress.with_experts, progress.with_adjudicators) == (1, 0)
        assert str(progress).endswith("1 task with experts")
        expert = taken(flow, "eve", job)
        assert flow.jobs.progress(job).with_experts == 1, "also while an expert is at it"
        flow.save(expert, 2, Choice("dog"))
        flow.submit(expert)
        assert flow.jobs.progress(job).with_experts == 0

    def test_what_waits_with_the_adjudicators_is_counted(self, flow: Flow) -> None:
        job = disputed(flow, "eve")
        progress = flow.jobs.progress(job)
        assert (progress.with_experts, progress.with_adjudicators) == (0, 1)
        assert str(progress).endswith("1 task disputed, 1 task with adjudicators")
        flow.packages.discard((job, 1), by="ada")
        assert flow.jobs.progress(job).with_adjudicators == 0


class TestMoreVotes:
    def test_raised_while_a_package_is_decided_they_hold_for_the_others(self, flow: Flow) -> None:
        job = with_crew(
            flow, Crew.ADJUDICATORS, "eve", tasks=2, size=1, workflow=VOTES,
            label=["ben", "cy", "fay"],
        )  # fmt: skip
        for name, answer in (("ben", "cat"), ("cy", "dog")):
            labeled(flow, name, job, answer)
        more = Workflow(Label(votes=3, min_votes=2), Inspect())
        flow.jobs.update(job, workflow=more, by="ada")
        assert [(each.votes, each.free) for each in flow.packages.list(job)] == [(2, 0), (3, 3)]
        part = taken(flow, "eve", job)
        flow.save(part, 1, Choice("dog"))
        flow.submit(part)
        assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
        rejected = taken(flow, "di", job, Stage.INSPECT)
        flow.reject(rejected, whole=True, comment="again")
        package = flow.packages.get((job.id, 1))
        assert (package.votes, package.state) == (3, PackageState.LABEL), "its next round has them"
        invariants.check(flow)

    def test_raised_while_an_expert_is_at_it_the_package_is_voted_on(self, flow: Flow) -> None:
        job = escalated(flow, "eve", workflow=Workflow(Label(), Inspect()))
        expert = taken(flow, "eve", job)
        more = Workflow(Label(votes=2), Inspect())
        flow.jobs.update(job, workflow=more, by="ada")
        assert flow.packages.get((job.id, 1)).free == 1
        assert flow.claim("eve", job, Stage.LABEL, package=1) is None, "she has seen the vote"
        flow.save(expert, 2, Choice("dog"))
        flow.submit(expert)
        assert flow.packages.get((job.id, 1)).state is PackageState.LABEL, "a vote is missing"
        second = taken(flow, "cy", job)
        flow.save(second, 1, Choice("cat"))
        flow.save(second, 2, Choice("cat"))
        flow.submit(second)
        assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert flow.results.get(job, 2).stages[Stage.LABEL].replies == {"1": Choice("dog")}
        invariants.check(flow)


class TestDisputes:
    """What is stored of disputes is what the votes and those who decide them say."""

    def test_an_adjudicator_hands_a_dispute_to_the_experts(self, flow: Flow) -> None:
        job = disputed(flow, "eve")
        flow.members.add("street", "fay", Role.OPERATOR, by="ada")
        flow.jobs.set_workforce(job, {Crew.EXPERTS: ["fay"]}, by="ada")
        third = taken(flow, "eve", job)
        flow.escalate(third, 1)
        assert flow.packages.get((job.id, 1)).disputes == (1,), "eve has not handed it in"
        invariants.check(flow)
        flow.submit(third)
        assert flow.packages.get((job.id, 1)).disputes == ()
        invariants.check(flow)
        flow.save(taken(flow, "fay", job), 1, Choice("dog"))

    @pytest.mark.parametrize("is_voted_out", [True, False])
    def test_a_package_is_discarded_while_a_task_waits_for_an_expert(
        self, flow: Flow, is_voted_out: bool
    ) -> None:
        job = with_crew(flow, Crew.EXPERTS, "eve", tasks=1, workflow=VOTES)
        labeled(flow, "ben", job)
        second = taken(flow, "cy", job)
        flow.escalate(second, 1)
        if is_voted_out:
            flow.submit(second)
        flow.packages.discard((job, 1), by="ada")
        assert flow.packages.get((job.id, 1)).disputes == ()

    @pytest.mark.parametrize("on_dispute", ["keep", "review"])
    def test_a_disputed_task_is_erased(self, flow: Flow, on_dispute: str) -> None:
        label = Label(votes=2, min_votes=2, on_dispute=on_dispute)
        job = cats(flow, tasks=1, workflow=Workflow(label, Inspect()))
        for name, answer in (("ben", "cat"), ("cy", "dog")):
            labeled(flow, name, job, answer)
        maintenance.erase_task(flow, (job, 1), by="ada")


def test_a_part_is_given_to_nobody_who_may_not_have_it(flow: Flow) -> None:
    job = disputed(flow, "eve")
    offer: Assignment
    (offer,) = flow.assignments.list(None, job=job)
    for name in ("ben", "di"):
        with pytest.raises(NotAllowed):
            flow.assignments.reassign(offer, name, by="ada")
