"""The events of exports: each file is one, and which files hold a task is found by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard, cast

import attrs

from itagflow.access import Action
from itagflow.core.engine import Engine
from itagflow.core.lookup import EVERYTHING, JobRef, MemberRef, Page, TaskRef, begin_behind
from itagflow.core.visibility import require_readable
from itagflow.errors import NotFound
from itagflow.model.change import record
from itagflow.model.event import Event
from itagflow.model.export import Export
from itagflow.model.job import Job
from itagflow.model.selection import Selection
from itagflow.model.task import Task, WorkItem
from itagflow.results.export_rules import (
    TYPE,
    WrittenFile,
    build_export,
    build_export_data,
    holds_task,
)
from itagflow.results.service import EventViewer, find_position, find_task_to_read, read_events
from itagflow.storage.port import Query

READER = "results.exports"


@attrs.frozen
class WrittenJob:
    """Which tasks of a job a file has, and how they were selected."""

    job: Job
    tasks: Sequence[int]
    """Their numbers, in order."""
    where: Selection


def record_export(
    engine: Engine, file: WrittenFile, jobs: Sequence[WrittenJob], by: MemberRef | None
) -> None:
    """Store an event for each of the jobs that *file* has tasks of.

    Raises:
        NotAllowed: when *by* may not export any more.
    """
    with engine.transaction() as transaction:
        for written in jobs:
            job = transaction.job(written.job.id)
            ctx = transaction.make_context(job.workspace)
            if by is not None:
                ctx = transaction.authorize(job.workspace, by, Action.EXPORT, job)
            data = build_export_data(file, job.name, written.tasks, written.where)
            transaction.apply(record(ctx, TYPE, about=job, data=data))


def list_exports(
    engine: Engine,
    job: JobRef | Task | WorkItem | tuple[JobRef, int],
    task: TaskRef | None = None,
    *,
    key: str | int | None = None,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Export]:
    """Yield the exports of a job, or those whose files hold a task, oldest first."""
    given: Any = job
    number = None
    with engine.store.read() as reader:
        if task is not None or key is not None or _is_task(given):
            place = (given, task, key)
            stored_job, _, stored_task = find_task_to_read(engine, reader, READER, place, by)
            number = stored_task.number
        else:
            stored_job, _ = require_readable(engine, reader, READER, given, by)
    where: Mapping[str, Any] = {"job": stored_job.id, "type": TYPE}
    query = Query(Event, where, order=("position",))
    if page.after is not None:
        query = begin_behind(query, (_find_position(page.after, stored_job),))
    events = read_events(engine, query, EventViewer(READER, stored_job.workspace, by))
    return page.cut(
        build_export(event) for event in events if number is None or holds_task(event, number)
    )


def _is_task(given: object) -> bool:
    if isinstance(given, Task | WorkItem):
        return True
    # a pair is a task by its number, or a job by its name
    return _is_pair(given) and not isinstance(given[1], str)


def _is_pair(given: object) -> TypeGuard[tuple[object, object]]:
    return isinstance(given, tuple) and len(cast("tuple[object, ...]", given)) == 2


def _find_position(after: Any, job: Job) -> int:
    """Return the position that a page begins behind.

    Raises:
        NotFound: when it is an export of another job.
        InvalidData: when it is neither an export nor a position of one.
    """
    if not isinstance(after, Export):
        return find_position(after)
    if after.job != job.id:
        raise NotFound("Export", after.position)
    return after.position
