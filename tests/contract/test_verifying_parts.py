"""A job is verified in parts: together they find what is found in the job as a whole, and nothing twice."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial

import pytest
from support.corruptions import CORRUPTIONS, a_busy_job, altered, at, found, removed, spoiled
from support.scenes import Clock, cats, labeled, rows
from support.workers import unsound

import itagflow
from itagflow import (
    FixedSize,
    Flow,
    GroupByField,
    InvalidData,
    Job,
    NotFound,
    Package,
    PackageCount,
    Task,
    maintenance,
)
from itagflow.model import JobPartition
from itagflow.model.jobcounter import JobCounter

IN_A_JOB = [each for each in CORRUPTIONS if each.id != "job gone"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        yield processes


@pytest.fixture
def numbered(url: str, clock: Clock) -> Iterator[Flow]:
    """A store whose keys are 1, 2, 3 …, and which may be spoiled."""
    with itagflow.open(url, clock=clock, ids=itertools.count(1).__next__) as flow:
        yield flow


def in_parts(flow: Flow, job: Job | JobPartition, count: int) -> list[str]:
    return [line for part in flow.results.partition(job, count) for line in found(flow, part)]


@pytest.mark.parametrize("url", ["memory"], indirect=True)
@pytest.mark.parametrize(("scene", "corrupt", "lines"), IN_A_JOB)
def test_the_parts_find_what_the_whole_finds(
    numbered: Flow, scene: Callable[[Flow], Job], corrupt: Callable[[Flow], None], lines: list[str]
) -> None:
    job = scene(numbered)
    corrupt(numbered)
    whole = found(numbered, job)
    assert set(whole) <= set(lines)
    for count in (1, 2, 3, 10):
        assert sorted(in_parts(numbered, job, count)) == sorted(whole)
    twice = [
        line for part in numbered.results.partition(job, 2) for line in in_parts(numbered, part, 3)
    ]
    assert sorted(twice) == sorted(whole)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("scene", "corrupt", "lines"), IN_A_JOB)
def test_processes_find_what_the_whole_finds(
    numbered: Flow,
    pool: Executor,
    url: str,
    scene: Callable[[Flow], Job],
    corrupt: Callable[[Flow], None],
    lines: list[str],
) -> None:
    job = scene(numbered)
    corrupt(numbered)
    together = itertools.chain(*pool.map(partial(unsound, url), numbered.results.partition(job, 3)))
    assert sorted(together) == sorted(found(numbered, job))


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_processes_find_much_that_is_wrong_at_once(
    numbered: Flow, pool: Executor, url: str
) -> None:
    job = a_busy_job(numbered)
    assert list(pool.map(partial(unsound, url), numbered.results.partition(job, 4))) == [[]] * 4
    spoiled(numbered, job)
    whole = found(numbered, job)
    assert len(whole) == 9
    together = itertools.chain(*pool.map(partial(unsound, url), numbered.results.partition(job, 4)))
    assert sorted(together) == sorted(whole)


@pytest.mark.parametrize("packaging", [FixedSize(10), PackageCount(10), GroupByField("group")])
def test_every_part_has_its_share_of_the_packages(numbered: Flow, packaging: PackageCount) -> None:
    data = [{"data": {"source": f"{n}.jpg", "group": n % 10}} for n in range(100)]
    job = cats(numbered, data=data, packaging=packaging)
    for package in list(numbered.packages.list(job)):
        altered(numbered, package, wrong=9)
    shares = [found(numbered, part) for part in numbered.results.partition(job, 5)]
    assert [len(share) for share in shares] == [2] * 5
    assert list(itertools.chain(*shares)) == found(numbered, job)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_what_comes_later_is_in_no_part_and_moves_nothing_to_another(
    numbered: Flow, count: int
) -> None:
    job = cats(numbered, tasks=8)
    first, *others = numbered.results.partition(job, count)
    before = found(numbered, first)
    numbered.jobs.append(job, rows(20), by="ada")
    for package in list(numbered.packages.list(job)):
        altered(numbered, package, wrong=9)
    again = [line for part in (first, *others) for line in found(numbered, part)]
    assert before == []
    assert again == [
        f"package {n} of job {job.id}: wrong is 9, and should be 0" for n in range(1, 5)
    ]


def test_what_is_gone_since_the_job_was_cut_is_found(numbered: Flow) -> None:
    job = a_busy_job(numbered)
    parts = numbered.results.partition(job, 3)
    removed(numbered, at(numbered, Task, job.id, 10))
    removed(numbered, at(numbered, Package, job.id, 5))
    whole = found(numbered, job)
    assert len(whole) == 4
    assert sorted(line for part in parts for line in found(numbered, part)) == sorted(whole)


def test_a_part_may_show_one_moment(numbered: Flow) -> None:
    job = a_busy_job(numbered)
    spoiled(numbered, job)
    for part in numbered.results.partition(job, 2):
        assert [
            str(difference) for difference in maintenance.verify(numbered, part, snapshot=True)
        ] == found(numbered, part)


def test_a_job_without_tasks_has_one_part_and_that_is_sound(numbered: Flow) -> None:
    job = cats(numbered, tasks=0, draft=True)
    (part,) = numbered.results.partition(job, 8)
    assert found(numbered, part) == []
    altered(numbered, at(numbered, JobCounter, job.id), tasks=7)
    assert found(numbered, part) == found(numbered, job) != []


def test_people_may_go_on_while_a_part_is_looked_at(numbered: Flow) -> None:
    job = cats(numbered, tasks=40)
    for part in numbered.results.partition(job, 3):
        labeled(numbered, "ben", job)
        assert found(numbered, part) == []


def test_a_part_of_no_job_is_refused(numbered: Flow) -> None:
    job = a_busy_job(numbered)
    part = numbered.results.partition(job, 2)[1]
    numbered.jobs.archive(job, by="ada")
    numbered.jobs.delete(job, by="ada")
    with pytest.raises(NotFound):
        maintenance.verify(numbered, part)


def test_a_part_that_names_no_packages_is_refused(numbered: Flow) -> None:
    job = a_busy_job(numbered)
    with pytest.raises(
        InvalidData,
        match=r"packages: are not named: pass a part that flow\.results\.partition\(job, …\) gives",
    ):
        maintenance.verify(numbered, JobPartition(job=job.id, first=1, last=10))
