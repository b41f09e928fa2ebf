"""Packages with all that was done on their tasks, read from a store a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import attrs

from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_pages
from itagflow.core.visibility import require_readable
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several
from itagflow.model.job import Job
from itagflow.model.package import Package
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results.histories import read_cases
from itagflow.results.rules import Case
from itagflow.storage.port import Query, Reader, Span

PACKAGES = 50
"""How many packages are read in one transaction."""


@attrs.frozen
class PackageWork:
    """A package, and all that was done on those of its tasks that may be seen."""

    job: Job
    """The job."""
    package: Package
    """The package."""
    cases: Sequence[Case]
    """Its tasks by number, each with every answer."""


def is_one_job(jobs: object) -> bool:
    """Return whether a job is named, and not several of them."""
    # a tuple is a workspace and the name of a job in it
    return isinstance(jobs, tuple) or not is_several(jobs)


def find_jobs(
    engine: Engine, name: str, jobs: JobRef | Sequence[JobRef], by: MemberRef | None
) -> list[tuple[Job, Template]]:
    """Return one job or several, each once, with its template, if *by* may call *name* there.

    Raises:
        InvalidData: when none is named.
        NotFound: when there is no such job, or *by* is nobody in its workspace.
        NotAllowed: when *by* may not read there, or was removed.
    """
    refs = [cast("JobRef", jobs)] if is_one_job(jobs) else list(cast("Sequence[JobRef]", jobs))
    if not refs:
        raise InvalidData(name, [Problem("job", "is an empty list: name at least one job")])
    found = dict[int, tuple[Job, Template]]()
    with engine.store.read() as reader:
        for ref in refs:
            job, _ = require_readable(engine, reader, name, ref, by)
            found[job.id] = (job, reader.get(Template, (job.template,)))
    return list(found.values())


def begin_steps(engine: Engine, jobs: Iterable[Job], progress: Wrap | None) -> Steps:
    """Return a step for each package of *jobs*, all of which are to be read."""
    total = 0
    if progress is not None:
        where: dict[str, Any] = {"job": tuple(job.id for job in jobs)}
        with engine.store.read() as reader:
            total = reader.count(Query(Package, where))
    return Steps.begin(total, progress)


def iter_packages(
    engine: Engine, name: str, job: Job, by: MemberRef | None, steps: Steps
) -> Iterator[PackageWork]:
    """Yield the packages of *job* by number, each as it is at one moment and as one of *steps*.

    The policy is asked for every page: a member may be removed while a large job is read.
    """

    def read_page(reader: Reader, first: int) -> tuple[list[PackageWork], int | None]:
        stored_job, access = require_readable(engine, reader, name, job, by)
        where: dict[str, Any] = {"job": stored_job.id, "number": Span(first, None)}
        packages = list(reader.find(Query(Package, where, order=("number",), limit=PACKAGES)))
        numbers = tuple(package.number for package in packages)
        within: dict[str, Any] = {"job": stored_job.id, "package": numbers}
        tasks = list(reader.find(Query(Task, within, order=("number",)))) if numbers else []
        cases: dict[int, list[Case]] = defaultdict(list)
        for case in read_cases(reader, stored_job, tasks, access):
            if access.can_see_work_of(each.member for each in case.assignments):
                cases[case.package.number].append(case)
        works = [PackageWork(stored_job, each, cases[each.number]) for each in packages]
        if len(packages) < PACKAGES:
            return works, None
        return works, numbers[-1] + 1

    for work in iterate_pages(engine.store, read_page, 1):
        yield work
        steps.advance(1)


def read_members(engine: Engine, keys: Iterable[int]) -> dict[int, Member]:
    """Return members by their keys."""
    ids = tuple(set(keys))
    if not ids:
        return {}
    with engine.store.read() as reader:
        return {one.id: one for one in reader.find(Query(Member, {"id": ids}))}
