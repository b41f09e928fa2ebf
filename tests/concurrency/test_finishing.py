"""A job finishes with its last package, never too early, also when several end at once."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.finishers import TIMEOUT, Step, walk, walk_in_process
from support.scenes import rows

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Job,
    JobState,
    Label,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)

SPAWN = multiprocessing.get_context("spawn")
PEOPLE = ("p0", "p1", "p2")
ROUNDS = 12
"""Twice as many as there are things that a fourth can do: each is done in two rounds."""


def walk_in_processes(url: str, walks: Sequence[Sequence[Step]]) -> None:
    with SPAWN.Manager() as manager, SPAWN.Pool(len(walks)) as pool:
        barrier = manager.Barrier(len(walks))
        given = [(url, steps, barrier) for steps in walks]
        pool.map_async(walk_in_process, given, 1).get(TIMEOUT + ROUNDS)


def walk_in_threads(flow: Flow, walks: Sequence[Sequence[Step]]) -> None:
    barrier, failed = threading.Barrier(len(walks)), list[BaseException]()

    def work(steps: Sequence[Step]) -> None:
        try:
            walk(flow, steps, lambda: barrier.wait(TIMEOUT))
        except BaseException as error:
            failed.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(steps,)) for steps in walks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT + ROUNDS)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if failed:
        raise failed[0]


def lay_out(flow: Flow, number: int) -> Job:
    """A job with a package for each of the three, which they hold, with everything answered."""
    return flow.jobs.create(
        "street",
        f"job-{number}",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(len(PEOPLE)),
        workflow=Workflow(Label(limit=1)) if number % 2 else Workflow(Label()),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: PEOPLE},
        by="ada",
    )


def begun(flow: Flow, job: Job) -> list[int]:
    """What the three hold of *job*."""
    held = list[int]()
    for name in PEOPLE:
        assignment = flow.claim(name, job, Stage.LABEL)
        assert assignment
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Choice("cat"))
        held.append(assignment.id)
    return held


Also = Callable[[Flow, Job], Step]
"""What a fourth does in the same round."""


def with_nothing(_: Flow, job: Job) -> Step:
    return "nothing", job.id, 0


def with_append(_: Flow, job: Job) -> Step:
    return "append", job.id, 0


def with_discard(flow: Flow, job: Job) -> Step:
    """A package is discarded that nobody holds."""
    flow.jobs.append(job, rows(1), by="ada")
    return "discard", job.id, len(PEOPLE) + 1


def with_reopen(flow: Flow, job: Job) -> Step:
    """A package is opened again that was discarded before."""
    flow.jobs.append(job, rows(1), by="ada")
    flow.packages.discard((job.id, len(PEOPLE) + 1), by="ada")
    return "reopen", job.id, len(PEOPLE) + 1


def with_finish(_: Flow, job: Job) -> Step:
    return "finish", job.id, 0


def with_pause(_: Flow, job: Job) -> Step:
    return "pause", job.id, 0


ALSO: list[Also] = [with_nothing, with_append, with_discard, with_reopen, with_finish, with_pause]


def is_open(flow: Flow, job: Job) -> bool:
    return any(package.stage for package in flow.packages.list(job))


def check(flow: Flow, jobs: Sequence[Job]) -> None:
    """Each job has finished exactly if nothing is open, and does so when the rest is done."""
    for job in jobs:
        still = is_open(flow, job)
        assert flow.jobs.get(job).state is (JobState.RUNNING if still else JobState.FINISHED)
        while assignment := flow.claim("p0", job, Stage.LABEL):
            for item in flow.tasks(assignment):
                flow.save(assignment, item, Choice("dog"))
            flow.submit(assignment)
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert list(maintenance.verify(flow, job)) == []


@contextmanager
def house(url: str) -> Iterator[Flow]:
    with itagflow.open(url) as flow:
        flow.workspaces.create("street", admin="ada")
        for name in PEOPLE:
            flow.members.add("street", name, Role.OPERATOR, by="ada")
        yield flow


@pytest.fixture(params=["sqlite", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request, tmp_path)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory:" if request.param == "memory" else url_of(request, tmp_path)


def url_of(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/labels.db?synchronous=normal"


def walks_of(flow: Flow, jobs: Sequence[Job]) -> list[list[Step]]:
    """The steps of each: three submit their last packages, and a fourth does something else."""
    held = [begun(flow, job) for job in jobs]
    walks: list[list[Step]] = [
        [("submit", job.id, ids[at]) for job, ids in zip(jobs, held, strict=True)]
        for at in range(len(PEOPLE))
    ]
    return [*walks, [ALSO[number % len(ALSO)](flow, job) for number, job in enumerate(jobs)]]


def test_the_last_packages_end_at_the_same_moment_in_processes(shared_url: str) -> None:
    with house(shared_url) as flow:
        jobs = [lay_out(flow, number) for number in range(ROUNDS)]
        walk_in_processes(shared_url, walks_of(flow, jobs))
        check(flow, jobs)


def test_and_in_threads(any_url: str) -> None:
    with house(any_url) as flow:
        jobs = [lay_out(flow, number) for number in range(ROUNDS)]
        walk_in_threads(flow, walks_of(flow, jobs))
        check(flow, jobs)


def test_rows_that_are_appended_by_many_get_numbers_of_their_own(shared_url: str) -> None:
    """Also to a job that has finished: one of them brings it back."""
    with house(shared_url) as flow:
        jobs = [lay_out(flow, number) for number in range(ROUNDS)]
        for job in jobs:
            for assignment in begun(flow, job):
                flow.submit((job.id, assignment))
            assert flow.jobs.get(job).state is JobState.FINISHED
        walk_in_processes(shared_url, [[("append", job.id, 0) for job in jobs]] * len(PEOPLE))
        for job in jobs:
            assert [package.number for package in flow.packages.list(job)] == [
                *range(1, 2 * len(PEOPLE) + 1)
            ]
            assert flow.jobs.progress(job).total == 2 * len(PEOPLE)
        check(flow, jobs)


def test_the_row_of_a_running_job_is_left_alone(shared_url: str) -> None:
    """Claims lock and compare it: what packages and rows change is not in it."""
    with house(shared_url) as flow:
        job = lay_out(flow, 0)
        before = flow.jobs.get(job)
        first, *_ = begun(flow, job)
        flow.jobs.append(job, rows(2), by="ada")
        flow.submit((job.id, first))
        flow.packages.discard((job.id, len(PEOPLE) + 1), by="ada")
        flow.packages.reopen((job.id, len(PEOPLE) + 1), by="ada")
        assert flow.jobs.get(job) == before
