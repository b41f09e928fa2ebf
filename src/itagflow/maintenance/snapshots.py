"""What verifying looks at: packages with everything that there is of them, read in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, cast

from itagflow.core.lookup import first, get_or_none, iterate_in_transaction
from itagflow.maintenance.checks import Dossier
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results.rules import sort_assignments
from itagflow.storage.port import Query, Reader, Span


def dossiers_of(
    reader: Reader, job: Job, packages: list[Package], numbers: range, last: int
) -> list[Dossier]:
    """Return the dossiers of *packages*, which have these *numbers* up to *last*, in one read."""
    own: dict[str, Any] = {"job": job.id, "package": Span(numbers[0], numbers[-1])}
    template = get_or_none(reader, Template, (job.template,))
    tasks = _by_package(reader.find(Query(Task, own, order=("package", "number"))))
    assignments = _by_package(reader.find(Query(Assignment, own)))
    homes = {
        assignment.id: assignment.package for found in assignments.values() for assignment in found
    }
    answers = defaultdict[int, list[Answer]](list)
    for home, answer in _answers(reader, job, tasks, homes, last).values():
        answers[home].append(answer)
    named = {
        assignment.member
        for found in assignments.values()
        for assignment in found
        if assignment.member is not None
    }
    members = {member.id: member for member in members_of(reader, named)}
    live = [assignment for found in assignments.values() for assignment in found if assignment.live]
    gone = _removals(
        reader,
        job,
        {assignment.member for assignment in live}
        & {id for id, m in members.items() if not m.active},
    )
    archived_at = _archived_at(reader, job) if live else None
    return [
        Dossier(
            job,
            template,
            package,
            {task.number: task for task in tasks[package.number]},
            sort_assignments(assignments[package.number]),
            answers[package.number],
            members,
            gone,
            archived_at,
        )
        for package in packages
    ]


def _removals(reader: Reader, job: Job, removed: Collection[int | None]) -> dict[int, datetime]:
    """Return when each of these members of the job's workspace was removed, by its events."""
    if not removed:
        return {}
    acts = Query(
        Event, {"job": 0, "workspace": job.workspace, "type": "remove_member"}, order=("position",)
    )
    moves = (
        (event.at, move) for event in iterate_in_transaction(reader, acts) for move in event.changes
    )
    return {
        id: at
        for at, move in moves
        if move.kind == "member" and (id := int(move.key[0])) in removed
    }


def _archived_at(reader: Reader, job: Job) -> datetime | None:
    """Return when *job* was archived, by what the history tells; None when it is not."""
    if job.state is not JobState.ARCHIVED:
        return None
    acts = Query(
        Event, {"job": job.id, "package": 0, "type": "archive"}, order=("-position",), limit=1
    )
    act = first(reader, acts)
    return act.at if act else None


def _answers(
    reader: Reader, job: Job, tasks: dict[int, list[Task]], homes: dict[int, int], last: int
) -> dict[Any, tuple[int, Answer]]:
    """Return every answer of an assignment of *homes* or about *tasks*, each with its package.

    That of its assignment comes first: what an assignment of another package says about one of
    *tasks* is checked there.
    """
    where = {task.number: task.package for found in tasks.values() for task in found}
    by_task = list(_said(reader, {"job": job.id, "task": tuple(where)})) if where else []
    by_assignment = _said(reader, {"job": job.id, "assignment": tuple(homes)}) if homes else ()
    other = {answer.assignment for answer in by_task} - homes.keys()
    elsewhere: dict[str, Any] = {"job": job.id, "id": tuple(other), "package": Span(1, last)}
    strange = (
        {assignment.id for assignment in reader.find(Query(Assignment, elsewhere))}
        if other
        else set[int]()
    )
    found = {
        answer.key: (where[answer.task], answer)
        for answer in by_task
        if answer.assignment not in strange
    }
    return {**found, **{answer.key: (homes[answer.assignment], answer) for answer in by_assignment}}


def _by_package(found: Iterable[E]) -> dict[int, list[E]]:
    sorted_out = defaultdict[int, list[E]](list)
    for each in found:
        sorted_out[cast(Any, each).package].append(each)
    return sorted_out


def members_of(reader: Reader, keys: set[int]) -> Iterator[Member]:
    """Return the members with these keys."""
    return reader.find(Query(Member, {"id": tuple(keys)})) if keys else iter(())


def _said(reader: Reader, where: dict[str, Any]) -> Iterator[Answer]:
    """Return answers task by task, whatever order the store has them in."""
    return reader.find(Query(Answer, where, order=("task",)))
