"""Which packages and tasks are reviewed: samples by name, fresh draws, packages that skip a stage."""

from __future__ import annotations

import itertools

import pytest
from support import invariants
from support.scenes import cats, labeled, taken

from itagflow import (
    Accept,
    Assignment,
    Choice,
    Flow,
    Inspect,
    Job,
    JobState,
    Label,
    PackageState,
    Stage,
    Workflow,
)
from itagflow.reviewing.sampling import Draw, draw_tasks, is_package_drawn

EVERY = tuple(range(1, 7))
ONE_PACKAGE = {"tasks": 6, "size": 6}


def drawn(job: Job, stage: Stage, count: int, round: int = 1) -> tuple[int, ...]:
    """The sample of the first package."""
    return draw_tasks(Draw(seed=job.seed, stage=stage, package=1, round=round), EVERY, count)


def scope_of(flow: Flow, assignment: Assignment) -> tuple[int, ...]:
    return tuple(item.task.number for item in flow.tasks(assignment))


def state_of(flow: Flow, job: Job, package: int = 1) -> PackageState:
    return flow.packages.get((job.id, package)).state


def test_whole_rework_is_reviewed_by_a_fresh_sample_with_what_was_rejected(flow: Flow) -> None:
    workflow = Workflow(Label(redo_all=True), Inspect(task_count=2))
    job = cats(flow, workflow=workflow, **ONE_PACKAGE)
    labeled(flow, "ben", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    first = drawn(job, Stage.INSPECT, 2)
    assert scope_of(flow, review) == first
    flow.judge(review, first[0], wrong="blurred")
    flow.reject(review)
    labeled(flow, "ben", job)
    again = taken(flow, "di", job, Stage.INSPECT)
    fresh = drawn(job, Stage.INSPECT, 2, round=2)
    assert scope_of(flow, again) == tuple(sorted({*fresh, first[0]}))
    invariants.check(flow)


def test_partial_rework_is_reviewed_at_exactly_what_was_sent_back(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect(), Accept(task_count=1)), **ONE_PACKAGE)
    labeled(flow, "ben", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    assert scope_of(flow, review) == EVERY
    flow.judge(review, 2, wrong="blurred")
    flow.judge(review, 5, wrong="blurred")
    flow.reject(review)
    labeled(flow, "ben", job)
    again = taken(flow, "di", job, Stage.INSPECT)
    assert scope_of(flow, again) == (2, 5)
    flow.review(again)
    # the first look at ACCEPT: the sample, and what was rejected before
    accepting = taken(flow, "ada", job, Stage.ACCEPT)
    assert scope_of(flow, accepting) == tuple(sorted({*drawn(job, Stage.ACCEPT, 1), 2, 5}))
    flow.judge(accepting, 5, wrong="still blurred")
    flow.reject(accepting)
    labeled(flow, "ben", job)
    last = taken(flow, "di", job, Stage.INSPECT)
    assert scope_of(flow, last) == (5,)
    flow.review(last)
    assert scope_of(flow, taken(flow, "ada", job, Stage.ACCEPT)) == (5,)
    invariants.check(flow)


def test_a_reopened_package_is_reviewed_whole_at_every_stage(flow: Flow) -> None:
    workflow = Workflow(Label(), Inspect(task_count=1), Accept(task_count=1))
    job = cats(flow, workflow=workflow, **ONE_PACKAGE)
    labeled(flow, "ben", job)
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
    flow.packages.reopen((job.id, 1), by="ada")
    inspecting = taken(flow, "di", job, Stage.INSPECT)
    assert scope_of(flow, inspecting) == EVERY
    flow.review(inspecting)
    assert scope_of(flow, taken(flow, "ada", job, Stage.ACCEPT)) == EVERY
    invariants.check(flow)


class TestPackages:
    WORKFLOW = Workflow(Label(), Inspect(package_share=0.5), Accept(package_share=0.5))

    def test_packages_that_are_not_drawn_skip_the_stage(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=12, size=1, seed=7)
        expected = dict[int, PackageState]()
        for number in range(1, 13):
            labeled(flow, "ben", job)
            shares = {
                stage: is_package_drawn(Draw(seed=7, stage=stage, package=number, round=1), 0.5)
                for stage in (Stage.INSPECT, Stage.ACCEPT)
            }
            stops = [stage for stage, is_drawn in shares.items() if is_drawn]
            expected[number] = PackageState.at(stops[0]) if stops else PackageState.DONE
        states = {package.number: package.state for package in flow.packages.list(job)}
        assert states == expected
        # all three ends are reached: at INSPECT, at ACCEPT, and neither
        assert set(states.values()) == {
            PackageState.INSPECT,
            PackageState.ACCEPT,
            PackageState.DONE,
        }
        invariants.check(flow)

    RARE = Workflow(Label(), Inspect(package_share=1e-9), Accept())

    def test_the_history_says_what_was_skipped(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.RARE, tasks=2)
        labeled(flow, "ben", job)
        (submitted,) = [e for e in flow.events.list(job) if e.type == "submit"]
        moves = {
            change.field: change.after for change in submitted.changes if change.kind == "package"
        }
        assert (moves["skipped"], moves["state"]) == ("inspect", "accept")
        assert state_of(flow, job) is PackageState.ACCEPT
        assert flow.packages.get((job.id, 1)).skipped == (Stage.INSPECT,)
        invariants.check(flow)

    def test_what_was_skipped_has_a_result_that_nobody_inspected(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.RARE, tasks=2)
        labeled(flow, "ben", job)
        result = flow.results.get(job, 1)
        assert not result.stages[Stage.INSPECT].inspected
        assert result.replies == {"1": Choice("cat")}
        assert Stage.ACCEPT not in result.stages

    def test_a_rejected_package_is_reviewed_at_the_stage_that_it_skipped(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.RARE, tasks=2)
        labeled(flow, "ben", job)
        accepting = taken(flow, "ada", job, Stage.ACCEPT)
        flow.judge(accepting, 1, wrong="a dog")
        flow.reject(accepting)
        labeled(flow, "ben", job, "dog")
        assert state_of(flow, job) is PackageState.INSPECT
        assert scope_of(flow, taken(flow, "di", job, Stage.INSPECT)) == (1, 2)
        invariants.check(flow)

    def test_a_reopened_package_is_reviewed_at_the_stage_that_it_skipped(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.RARE, tasks=2)
        labeled(flow, "ben", job)
        flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
        assert state_of(flow, job) is PackageState.DONE
        flow.packages.reopen((job.id, 1), by="ada")
        assert state_of(flow, job) is PackageState.INSPECT
        assert flow.packages.get((job.id, 1)).skipped == ()
        invariants.check(flow)

    def test_a_disputed_package_is_always_reviewed(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2), Inspect(package_share=1e-9))
        job = cats(flow, workflow=workflow, tasks=4)
        for member, answer in (("ben", "cat"), ("cy", "dog")):
            labeled(flow, member, job, answer)
        assert state_of(flow, job) is PackageState.INSPECT
        for member in ("ben", "cy"):
            labeled(flow, member, job)
        assert state_of(flow, job, 2) is PackageState.DONE
        assert flow.jobs.get(job).state is JobState.RUNNING  # the first one is still open
        review = taken(flow, "di", job, Stage.INSPECT)
        for task in (1, 2):
            flow.modify(review, task, Choice("dog"))
        flow.review(review)
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)

    @pytest.mark.parametrize("votes", [1, 2])
    def test_the_job_finishes_when_its_last_package_skips_every_review(
        self, flow: Flow, votes: int
    ) -> None:
        workflow = Workflow(Label(votes=votes), Inspect(package_share=1e-9))
        job = cats(flow, workflow=workflow, tasks=2)
        for member in itertools.islice(("ben", "cy"), votes):
            labeled(flow, member, job)
        assert state_of(flow, job) is PackageState.DONE
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)
