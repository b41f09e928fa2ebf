"""What a job may do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

import attrs

from itagflow.errors import (
    InvalidData,
    NotAllowed,
    Problem,
)
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.change import Saved
from itagflow.model.job import CrewKey, Job, JobState, StageWorkers
from itagflow.model.number import require_whole_number
from itagflow.model.package import Package
from itagflow.model.partition import JobPartition
from itagflow.model.template import Template


def advance_job(
    job: Job, operation: str, *, tasks: int = 0, hindrance: str = "", open_package: int = 0
) -> Job:
    """Return *job* as it is after *operation*.

    Raises:
        WrongState: when it cannot do that from where it is.
        Incomplete: when something stands against it.
    """
    command = JobCommand(job=job, tasks=tasks, blocking_reason=hindrance, open_package=open_package)
    state = JOB.advance(job.state, operation, command, f"job {job.name!r}")
    return attrs.evolve(job, state=state)


def reopen_finished(job: Job, operation: str) -> tuple[Saved, ...]:
    """Return *job* with its running form after *operation*, if it has finished; else nothing.

    Raises:
        WrongState: when it cannot do that from where it is.
    """
    after = advance_job(job, operation)
    # A job that runs is not written: each claim locks its row, and would wait for this transaction.
    return () if after.state is job.state else ((job, after),)


def find_differences(
    job: Job, requested: Job, arguments: Iterable[str], used: Template, given: Template
) -> tuple[str, ...]:
    """Return the names of the arguments of `create` in which *job* is not what is *requested*.

    Args:
        job: The job that there is.
        requested: The job that would be made.
        arguments: The arguments that are compared, beside the template.
        used: The template of the job.
        given: The template that was passed.
    """
    names: list[str] = []
    if not _is_same_template(used, given):
        names.append("template")
    for name in arguments:
        current, wanted = getattr(job, name), getattr(requested, name)
        if name == "workforce":
            current, wanted = _crews_as_sets(current), _crews_as_sets(wanted)
        if current != wanted:
            names.append(name)
    return tuple(names)


def _is_same_template(used: Template, given: Template) -> bool:
    """Return whether these are one template, or ask the same if *given* is not stored."""
    if used.id == given.id:
        return True
    if given.name:
        return False  # both are stored: two templates, even if they ask the same today
    same_place = attrs.evolve(
        used, id=given.id, workspace=given.workspace, name="", version=given.version
    )
    return same_place == attrs.evolve(given, name="")


def _crews_as_sets(
    workforce: Mapping[CrewKey, StageWorkers],
) -> dict[CrewKey, tuple[set[int], set[str]]]:
    """Return who is named for each stage, as sets; a stage that names nobody is left out."""
    crews = {stage: (set(crew.members), set(crew.groups)) for stage, crew in workforce.items()}
    return {stage: crew for stage, crew in crews.items() if any(crew)}


def must_not_be_archived(job: Job, operation: str) -> None:
    """Check that *job* can still be changed.

    Raises:
        NotAllowed: when it is archived.
    """
    if job.state is JobState.ARCHIVED:
        raise NotAllowed("", operation, f"job {job.name!r} is archived, and read-only")


def must_have_tasks_left(package: Package, operation: str) -> None:
    """Check that there is something in *package* that can be worked on.

    Raises:
        NotAllowed: when all of its tasks were withdrawn or erased.
    """
    if package.size and len(package.excluded) >= package.size:
        reason = f"all tasks of {package} were withdrawn or erased"
        raise NotAllowed("", operation, reason)


def must_not_be_a_draft(job: Job, operation: str) -> None:
    """Check that *job* was published.

    Raises:
        NotAllowed: when it is a draft.
    """
    if job.state is JobState.DRAFT:
        raise NotAllowed(
            "",
            operation,
            f"job {job.name!r} is a draft: delete it and load other data, or publish it",
        )


def must_be_archived(job: Job, operation: str) -> None:
    """Check that *job* is archived.

    Raises:
        NotAllowed: when it is not.
    """
    if job.state is not JobState.ARCHIVED:
        reason = f"job {job.name!r} is {job.state.value}: archive it first"
        raise NotAllowed("", operation, reason)


def cut(whole: JobPartition, count: int) -> tuple[JobPartition, ...]:
    """Return up to *count* partitions of *whole*, in order; their sizes differ by one at most.

    Without any task there is one partition, which is empty.

    Raises:
        InvalidData: when *count* is less than one.

    >>> [(part.first, part.last) for part in cut(JobPartition(job=4, first=1, last=10), 3)]
    [(1, 3), (4, 6), (7, 10)]
    """
    require_whole_number("partitions", "", count, least=1)
    of = max(1, min(count, len(whole)))
    tasks = _cut_range((whole.first, whole.last), of)
    # Packages are cut apart from tasks: a package whose tasks are in two partitions is verified
    # with one of them.
    packages = _cut_range(whole.packages, of) if whole.packages else [None] * of
    return tuple(
        JobPartition(job=whole.job, first=first, last=last, index=index, of=of, packages=numbers)
        for index, ((first, last), numbers) in enumerate(zip(tasks, packages, strict=True), 1)
    )


def _cut_range(whole: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Return the first and the last number of each of *count* ranges that make up *whole*."""
    first, length = whole[0], whole[1] + 1 - whole[0]
    # multiplied before it is divided: the remainder is spread over the ranges, one each
    firsts = [first + length * index // count for index in range(count + 1)]
    return [(start, after - 1) for start, after in pairwise(firsts)]


def packages_of(partition: JobPartition) -> range:
    """Return the numbers of the packages that are verified with *partition*.

    Raises:
        InvalidData: when it does not say, since it was not cut from a job.
    """
    if partition.packages is None:
        reason = "are not named: pass a part that flow.results.partition(job, …) gives"
        raise InvalidData("part", [Problem("packages", reason)])
    first, last = partition.packages
    return range(first, last + 1)
