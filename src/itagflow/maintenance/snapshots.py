"""What verifying looks at: packages with everything that there is of them, read in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, cast

from itagflow.core.lookup import first, get_or_none, iterate_in_transaction
from itagflow.maintenance.checks import PackageSnapshot
from itagflow.model.entity import E, Key
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.results.rules import sort_assignments
from itagflow.storage.port import Query, Reader, Span


def read_snapshots(
    reader: Reader, job: Job, packages: list[Package], numbers: range, last: int
) -> list[PackageSnapshot]:
    """Return snapshots of *packages*, which have these *numbers* up to *last*, in one read."""
    # a range, and not the numbers of *packages*: what belongs to a missing package is found too
    where: dict[str, Any] = {"job": job.id, "package": Span(numbers[0], numbers[-1])}
    template = get_or_none(reader, Template, (job.template,))
    tasks = _group_by_package(reader.find(Query(Task, where, order=("package", "number"))))
    by_package = _group_by_package(reader.find(Query(Assignment, where)))
    assignments = list(chain.from_iterable(by_package.values()))
    answers = defaultdict[int, list[Answer]](list)
    for number, answer in _read_answers(reader, job, tasks, assignments, last).values():
        answers[number].append(answer)
    drafts = _group_by_package(
        reader.find(Query(Draft, where, order=("package", "task", "assignment")))
    )
    holders = {a.member for a in assignments if a.member is not None}
    members = {member.id: member for member in read_members(reader, holders)}
    live = [assignment for assignment in assignments if assignment.live]
    removed = {assignment.member for assignment in live}
    removed &= {id for id, member in members.items() if not member.active}
    removed_at = _read_removals(reader, job, removed)
    archived_at = None
    if live:  # only then it matters when the job was archived
        archived_at = _read_archived_at(reader, job)
    return [
        PackageSnapshot(
            job,
            template,
            package,
            {task.number: task for task in tasks[package.number]},
            sort_assignments(by_package[package.number]),
            answers[package.number],
            members,
            removed_at,
            archived_at,
            drafts[package.number],
        )
        for package in packages
    ]


def _read_removals(
    reader: Reader, job: Job, removed: Collection[int | None]
) -> dict[int, datetime]:
    """Return when each of these members of the job's workspace was removed, by its events."""
    if not removed:
        return {}
    where: dict[str, Any] = {"job": 0, "workspace": job.workspace, "type": "remove_member"}
    removals: dict[int, datetime] = {}
    # in order of position: of a member who was removed twice, the last time counts
    for event in iterate_in_transaction(reader, Query(Event, where, order=("position",))):
        for change in event.changes:
            if change.kind == "member" and int(change.key[0]) in removed:
                removals[int(change.key[0])] = event.at
    return removals


def _read_archived_at(reader: Reader, job: Job) -> datetime | None:
    """Return when *job* was archived, by its events; None when it is not."""
    if job.state is not JobState.ARCHIVED:
        return None
    archivings = Query(
        Event, {"job": job.id, "package": 0, "type": "archive"}, order=("-position",), limit=1
    )
    event = first(reader, archivings)
    if event is None:
        return None
    return event.at


def _read_answers(
    reader: Reader,
    job: Job,
    tasks: dict[int, list[Task]],
    assignments: list[Assignment],
    last: int,
) -> dict[Key, tuple[int, Answer]]:
    """Return every answer of *assignments* or about *tasks*, each with the number of its package.

    That of its assignment comes first: the answer of an assignment of another package to one of
    *tasks* is checked there.
    """
    task_packages = {task.number: task.package for task in chain.from_iterable(tasks.values())}
    packages = {assignment.id: assignment.package for assignment in assignments}
    about_tasks = _find_answers(reader, job, "task", task_packages)
    foreign = {answer.assignment for answer in about_tasks} - packages.keys()
    elsewhere = _find_assignments(reader, job, foreign, last)
    by_key: dict[Key, tuple[int, Answer]] = {
        answer.key: (task_packages[answer.task], answer)
        for answer in about_tasks
        if answer.assignment not in elsewhere
    }
    # an answer found both ways belongs to the package of its assignment
    for answer in _find_answers(reader, job, "assignment", packages):
        by_key[answer.key] = (packages[answer.assignment], answer)
    return by_key


def _find_assignments(reader: Reader, job: Job, ids: Collection[int], last: int) -> set[int]:
    """Return those of *ids* that are assignments on packages of the job, up to the *last* one."""
    if not ids:
        return set()
    where: dict[str, Any] = {"job": job.id, "id": tuple(ids), "package": Span(1, last)}
    return {assignment.id for assignment in reader.find(Query(Assignment, where))}


def _group_by_package(entities: Iterable[E]) -> dict[int, list[E]]:
    by_package = defaultdict[int, list[E]](list)
    for entity in entities:
        by_package[cast(Any, entity).package].append(entity)
    return by_package


def read_members(reader: Reader, keys: set[int]) -> Iterator[Member]:
    """Return the members with these keys."""
    if not keys:
        return iter(())
    return reader.find(Query(Member, {"id": tuple(keys)}))


def _find_answers(reader: Reader, job: Job, field: str, keys: Iterable[int]) -> list[Answer]:
    """Return the answers with one of *keys* as their *field*, in the order of the tasks."""
    values = tuple(keys)
    if not values:
        return []
    return list(reader.find(Query(Answer, {"job": job.id, field: values}, order=("task",))))
