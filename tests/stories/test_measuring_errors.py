"""The error left in a job is found from its reviews, and the interval covers the truth."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

import attrs
import pytest
from support.scenes import cats, labeled, rows, street, taken

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    NotAllowed,
    Stage,
    Workflow,
    templates,
)

CATS = templates.image_classification(["cat", "dog"])
"""What is on every image is a cat."""


def review(flow: Flow, job: Job, *, most: int | None = None) -> None:
    """Look at the sample: correct what is wrong, or send all back when it is more than *most*."""
    assignment = taken(flow, "di", job, Stage.INSPECT)
    wrong = [
        item
        for item in flow.tasks(assignment)
        if item.submitted is not None and item.submitted.replies != {"1": Choice("cat")}
    ]
    if most is not None and len(wrong) > most:
        for item in wrong:
            flow.judge(assignment, item, wrong="a cat")
        flow.reject(assignment, whole=True, comment="too many")
        return
    for item in wrong:
        flow.modify(assignment, item, Choice("cat"))
    flow.review(assignment)


def label(flow: Flow, job: Job, wrong: set[int]) -> Assignment:
    """Label a package; the tasks at these places come out as dogs."""
    assignment = taken(flow, "ben", job)
    numbers = [item.task.number for item in flow.tasks(assignment)]
    answers = {
        number: Choice("dog" if place in wrong else "cat") for place, number in enumerate(numbers)
    }
    flow.save_many(assignment, answers)
    return flow.submit(assignment)


def test_errors_left_after_corrections(flow: Flow) -> None:
    """The worked numbers of `itagflow.quality.error_left`: what is found is corrected."""
    job = cats(
        flow, tasks=50, size=10, workflow=Workflow(Label(), Inspect(task_count=4)), label=["ben"]
    )
    nothing = flow.quality.error_left(job)
    assert (nothing.rate, nothing.why) == (None, "no task is accepted yet")
    for _ in range(5):
        label(flow, job, set(range(5)))
    found = list[int]()
    for _ in range(5):
        before = flow.jobs.progress(job).tasks
        review(flow, job)
        assert flow.jobs.progress(job).tasks != before
    for result in flow.results.list(job):
        stage = result.stages[Stage.INSPECT]
        found += [result.task.package] if stage.member != result.stages[Stage.LABEL].member else []
    by_package = [found.count(number) for number in range(1, 6)]
    expected = itagflow.quality.error_left(
        itagflow.quality.Inspection(10, 4, wrong) for wrong in by_package
    )
    left = flow.quality.error_left(job)
    assert (left.rate, left.low, left.high) == (expected.rate, expected.low, expected.high)
    assert left.sentence.startswith(f"{100 * (expected.rate or 0):.3g} % of 50 accepted tasks")
    assert left.assumptions[-1].startswith("a task is wrong when")
    with_detection = flow.quality.error_left(job, detection=0.5)
    assert with_detection.rate == pytest.approx(2 * (left.rate or 0))


def test_where_nobody_reviews_there_is_a_reason() -> None:
    flow = itagflow.open("memory:")
    job = cats(flow, label=["ben"])
    labeled(flow, "ben", job)
    found = flow.quality.error_left(job)
    assert found.sentence == (
        "It cannot be said how many errors are left: nobody reviews the work of job 'cats'."
    )
    with pytest.raises(NotAllowed):
        flow.quality.error_left(job, by="ben")


def test_packages_that_go_back_by_no_rule_count_as_if_they_had_passed() -> None:
    flow = itagflow.open("memory:")
    job = cats(
        flow, tasks=40, size=10, workflow=Workflow(Label(), Inspect(task_count=5)), label=["ben"]
    )
    everything = set(range(10))
    for most in (None, 0):
        label(flow, job, everything)
        review(flow, job, most=most)
    found = flow.quality.error_left(job)
    # five of ten errors were found each time, and one package of the two is accepted
    assert (found.tasks, found.rate, found.low) == (10, 1.0, 0.0)
    assert found.assumptions[-1].startswith("whole packages were sent back by no fixed number")


@attrs.frozen
class Kind:
    """A kind of job."""

    packages: int = 16
    size: int = 20
    sample: int = 8
    error: float = 0.05
    """The share of wrong tasks."""
    bad: float = 0.0
    """The share of packages in which a third is wrong."""
    most: int | None = None
    """With how many errors a package passes; None: it always does, once they are corrected."""
    share: float | None = None
    """The share of packages that is reviewed."""


KINDS = {
    "what is found is corrected": Kind(),
    "packages go back whole": Kind(most=1, bad=0.2),
    "some packages are reviewed": Kind(packages=40, share=0.4, size=10, sample=5),
}
JOBS = 25


def run_jobs(kind: Kind) -> Iterator[tuple[Flow, Job]]:
    """Yield jobs that are done, with simulated members on the real `Flow`."""
    flow = itagflow.open("memory:", ids=count(1).__next__)
    home = street(flow, "ben", "di")
    for number in range(JOBS):
        draws = random.Random(f"errors/{number}")
        rule = Inspect(task_count=kind.sample, package_share=kind.share)
        job = flow.jobs.create(
            home,
            f"job-{number}",
            template=CATS,
            data=rows(kind.packages * kind.size),
            workflow=Workflow(Label(limit=None), rule),
            packaging=FixedSize(kind.size),
            workforce={"label": ["ben"], "inspect": ["di"]},
            by="ada",
            seed=number,
        )
        while flow.jobs.get(job).state is itagflow.JobState.RUNNING:
            rate = 1 / 3 if draws.random() < kind.bad else kind.error
            label(flow, job, {at for at in range(kind.size) if draws.random() < rate})
            for package in flow.packages.list(job, state="inspect"):
                assert package.stage is Stage.INSPECT
                review(flow, job, most=kind.most)
        yield flow, job


@pytest.mark.simulation
@pytest.mark.parametrize("name", KINDS)
def test_the_interval_covers_the_true_error(name: str) -> None:
    """In 95 % of the jobs: of 25 it is in fewer than 21 once in 140 times; the seeds are fixed."""
    covered = above = 0
    rates, truths = list[float](), list[float]()
    for flow, job in run_jobs(KINDS[name]):
        results = list(flow.results.list(job))
        true = sum(result.replies != {"1": Choice("cat")} for result in results) / len(results)
        left = flow.quality.error_left(job)
        assert left.rate is not None
        assert left.low is not None
        assert left.high is not None
        assert left.tasks == len(results)
        covered += left.low <= true <= left.high
        above += true > left.high
        rates.append(left.rate)
        truths.append(true)
    assert covered >= 21
    assert above <= 3
    # the estimate is right on average
    mean, true_mean = sum(rates) / JOBS, sum(truths) / JOBS
    assert mean == pytest.approx(true_mean, rel=0.25)


def test_the_last_review_stage_counts(flow: Flow) -> None:
    workflow = Workflow(Label(), Inspect(), Accept(task_count=2))
    job = cats(flow, tasks=10, size=10, workflow=workflow, label=["ben"])
    label(flow, job, {0, 1, 2, 3})
    review(flow, job)
    assignment = taken(flow, "ada", job, Stage.ACCEPT)
    flow.accept(assignment)
    found = flow.quality.error_left(job)
    assert (found.inspections, found.checked, found.wrong, found.tasks) == (1, 2, 0, 10)


def test_two_jobs_with_shares_of_their_own_are_not_added() -> None:
    flow = itagflow.open("memory:")
    jobs = list(run_two(flow))
    found = flow.quality.error_left(jobs)
    assert found.why.startswith("packages of several jobs were drawn")
    for job in jobs:
        assert flow.quality.error_left(job).why == ""


def run_two(flow: Flow) -> Iterator[Job]:
    home = street(flow, "ben", "di")
    for name, share in (("one", 0.5), ("two", 0.4)):
        job = flow.jobs.create(
            home,
            name,
            template=CATS,
            data=rows(24),
            workflow=Workflow(Label(), Inspect(package_share=share)),
            packaging=FixedSize(2),
            workforce={"label": ["ben"], "inspect": ["di"]},
            by="ada",
            seed=3,
        )
        while flow.jobs.get(job).state is itagflow.JobState.RUNNING:
            label(flow, job, set())
            for _ in flow.packages.list(job, state="inspect"):
                review(flow, job)
        yield job
