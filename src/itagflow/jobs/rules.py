"""What a job may do next, and whether its set-up can ever finish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

from itagflow.access import (
    Action,
    Policy,
    is_in_crew,
    refusal,
    working_refusal,
)
from itagflow.core.change import Saved
from itagflow.errors import (
    InvalidData,
    NotAllowed,
    Problem,
)
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.job import Crew, CrewKey, Job, JobState, Stage, StageWorkers
from itagflow.model.number import require_whole_number
from itagflow.model.partition import JobPartition
from itagflow.model.template import Template
from itagflow.model.workspace import Member


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
    names = list[str]()
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


def find_workers(job: Job, stage: Stage, members: Sequence[Member], policy: Policy) -> set[int]:
    """Return the keys of the members of *stage*: those that it names, or else all who may."""
    able = [
        member
        for member in members
        if refusal(policy, member, Action.at(stage), job, stage) is None
    ]
    crew = job.crew(stage)
    if not crew.members and not crew.groups:
        return {member.id for member in able}
    # who is named, but may not work there, is nobody to count on
    return {member.id for member in able if is_in_crew(crew, member)}


def find_crew_hindrance(job: Job, members: Sequence[Member], policy: Policy) -> str:
    """Return why the crews of *job* could leave it unfinished, or an empty string.

    A crew that names nobody is none: without adjudicators disputes go to the next review.
    """
    votes = job.workflow.label.votes
    labelers = find_workers(job, Stage.LABEL, members, policy)
    for crew in Crew:
        named = job.crew(crew)
        if not named.members and not named.groups:
            continue
        able = find_crew_members(job, crew, members, policy)
        name = f"Crew.{crew.name}"
        if not able:
            return f"nobody may work in {name}: name somebody for it"
        # who has voted decides nothing, and who labels a package does not answer as its expert
        if all(len(labelers - {member}) < votes for member in able):
            return (
                f"whoever is in {name} must label too, and nobody decides what they labeled: "
                "name somebody else"
            )
        for stage in job.workflow.stages[1:]:
            reviewers = find_workers(job, stage, members, policy)
            if not job.workflow.rule(stage).allow_own_work and len(reviewers | able) == 1:
                return (
                    f"whoever may work at {stage.name} must work in {name} too, "
                    "and nobody reviews their own work: name somebody else"
                )
    return ""


def find_crew_members(job: Job, crew: Crew, members: Sequence[Member], policy: Policy) -> set[int]:
    """Return the keys of those of *members* who may work in *crew*."""
    return {member.id for member in members if working_refusal(policy, member, job, crew) is None}


def find_hindrance(job: Job, members: Sequence[Member], policy: Policy) -> str:
    """Return why *job* could never finish with these members, or an empty string."""
    labelers = find_workers(job, Stage.LABEL, members, policy)
    votes = job.workflow.label.votes
    if len(labelers) < votes:
        voters = "1 member" if votes == 1 else f"{votes} different members"
        able = str(len(labelers)) if labelers else "nobody"
        return f"{voters} must label each package, but only {able} may: name more for LABEL"
    for stage in job.workflow.stages[1:]:
        reviewers = find_workers(job, stage, members, policy)
        if not reviewers:
            return f"nobody may work at {stage.name}: name somebody for it"
        if job.workflow.rule(stage).allow_own_work:
            continue
        # Each reviewer leaves too few labelers when set aside: whoever reviews a package, one of
        # those who must label it would be the same person.
        if all(len(labelers - {reviewer}) < votes for reviewer in reviewers):
            return (
                f"whoever may work at {stage.name} must label too, "
                "and nobody reviews their own work: "
                f"name somebody else, or set allow_own_work=True for {stage.name}"
            )
    return find_crew_hindrance(job, members, policy)


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
