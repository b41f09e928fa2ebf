"""The job's own acts, and whether a set-up can ever finish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

from itagflow.access import (
    Action,
    Policy,
    belongs,
    refusal,
)
from itagflow.core.change import Saved
from itagflow.errors import (
    InvalidData,
    NotAllowed,
    Problem,
)
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.job import Job, JobState, Stage, StageWorkers
from itagflow.model.number import require_whole_number
from itagflow.model.partition import JobPartition
from itagflow.model.template import Template
from itagflow.model.workspace import Member


def stepped(
    job: Job, verb: str, *, tasks: int = 0, hindrance: str = "", open_package: int = 0
) -> Job:
    """Return *job* as it is after *verb*.

    Raises:
        WrongState: when it cannot do that from where it is.
        Incomplete: when something stands against it.
    """
    command = JobCommand(job=job, tasks=tasks, blocking_reason=hindrance, open_package=open_package)
    return attrs.evolve(job, state=JOB.advance(job.state, verb, command, f"job {job.name!r}"))


def brought_back(job: Job, verb: str) -> tuple[Saved, ...]:
    """Return *job* and its running form after *verb*, if it has finished; else it is unchanged.

    The row of a running job is left alone: claims wait for whoever changes it.

    Raises:
        WrongState: when it cannot do that from where it is.
    """
    after = stepped(job, verb)
    return () if after.state is job.state else ((job, after),)


def differences(
    job: Job, wanted: Job, given: Iterable[str], used: Template, asked: Template
) -> tuple[str, ...]:
    """Return the names of the arguments of `create` in which *job* is not what is *wanted*.

    Args:
        job: What there is.
        wanted: What would be made.
        given: The arguments that are compared, beside the template.
        used: The template of the job.
        asked: The template that was given.
    """
    found = list[str]()
    if not _asks_the_same(used, asked):
        found.append("template")
    for name in given:
        has, wants = getattr(job, name), getattr(wanted, name)
        if name == "workforce":
            has, wants = _crews_as_sets(has), _crews_as_sets(wants)
        if has != wants:
            found.append(name)
    return tuple(found)


def _asks_the_same(used: Template, asked: Template) -> bool:
    """Return whether these are one template, or ask the same if one is not stored."""
    if used.id == asked.id:
        return True
    return not asked.name and attrs.evolve(
        used, id=asked.id, workspace=asked.workspace, name="", version=asked.version
    ) == attrs.evolve(asked, name="")


def _crews_as_sets(
    workforce: Mapping[Stage, StageWorkers],
) -> dict[Stage, tuple[set[int], set[str]]]:
    """Return who is named for each stage, as sets; a stage that names nobody is left out."""
    crews = {stage: (set(crew.members), set(crew.groups)) for stage, crew in workforce.items()}
    return {stage: crew for stage, crew in crews.items() if any(crew)}


def must_not_be_archived(job: Job, act: str) -> None:
    """Check that *job* can still be changed.

    Raises:
        NotAllowed: when it is archived.
    """
    if job.state is JobState.ARCHIVED:
        raise NotAllowed("nobody", act, f"job {job.name!r} is archived, and read-only")


def must_not_be_a_draft(job: Job, act: str) -> None:
    """Check that *job* was published.

    Raises:
        NotAllowed: when it is a draft.
    """
    if job.state is JobState.DRAFT:
        raise NotAllowed(
            "nobody",
            act,
            f"job {job.name!r} is a draft: delete it and load other data, or publish it",
        )


def must_be_archived(job: Job, act: str) -> None:
    """Check that *job* is archived.

    Raises:
        NotAllowed: when it is not.
    """
    if job.state is not JobState.ARCHIVED:
        raise NotAllowed("nobody", act, f"job {job.name!r} is {job.state.value}: archive it first")


def workers(job: Job, stage: Stage, members: Sequence[Member], policy: Policy) -> set[int]:
    """Return the keys of the members of *stage*: those that it names, or else all who may."""
    able = [
        member
        for member in members
        if refusal(policy, member, Action.at(stage), job, stage) is None
    ]
    named = {member.id for member in able if belongs(job.crew(stage), member)}
    crew = job.crew(stage)
    return named if crew.members or crew.groups else {member.id for member in able}


def hindrance(job: Job, members: Sequence[Member], policy: Policy) -> str:
    """Return why *job* could never finish with these members, or an empty string."""
    labelers = workers(job, Stage.LABEL, members, policy)
    votes = job.workflow.label.votes
    if len(labelers) < votes:
        return (
            f"{votes} different members must label each package, but only {len(labelers)} may: "
            "name more for LABEL"
        )
    for stage in job.workflow.stages[1:]:
        reviewers = workers(job, stage, members, policy)
        if not reviewers:
            return f"nobody may work at {stage.name}: name somebody for it"
        own = job.workflow.rule(stage).allow_own_work
        if not own and all(len(labelers - {reviewer}) < votes for reviewer in reviewers):
            return (
                f"whoever may work at {stage.name} must label too, "
                "and nobody reviews their own work: "
                f"name somebody else, or set allow_own_work=True for {stage.name}"
            )
    return ""


def cut(whole: JobPartition, count: int) -> tuple[JobPartition, ...]:
    """Return up to *count* parts of *whole*, in order; their sizes differ by one at most.

    Without any task there is one part, which is empty.

    Raises:
        InvalidData: when *count* is less than one.

    >>> [(part.first, part.last) for part in cut(JobPartition(job=4, first=1, last=10), 3)]
    [(1, 3), (4, 6), (7, 10)]
    """
    require_whole_number("partitions", "", count, least=1)
    of = max(1, min(count, len(whole)))
    tasks = _stretches((whole.first, whole.last), of)
    packages = _stretches(whole.packages, of) if whole.packages else [None] * of
    return tuple(
        JobPartition(job=whole.job, first=first, last=last, index=index, of=of, packages=own)
        for index, ((first, last), own) in enumerate(zip(tasks, packages, strict=True), 1)
    )


def _stretches(whole: tuple[int, int], count: int) -> list[tuple[int, int]]:
    """Return the first and the last of each of *count* stretches of numbers."""
    first, length = whole[0], whole[1] + 1 - whole[0]
    firsts = [first + length * index // count for index in range(count + 1)]
    return [(one, after - 1) for one, after in pairwise(firsts)]


def packages_of(part: JobPartition) -> range:
    """Return the numbers of the packages that are verified with *part*.

    Raises:
        InvalidData: when it does not say, since it was not cut from a job.
    """
    if part.packages is None:
        raise InvalidData(
            "part",
            [
                Problem(
                    "packages",
                    "are not named: pass a part that flow.results.partition(job, …) gives",
                )
            ],
        )
    first, last = part.packages
    return range(first, last + 1)
