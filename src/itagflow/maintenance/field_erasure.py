"""Erasing what a field of the data names, such as a person, from all jobs of a workspace."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2s

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef, iterate_query
from itagflow.errors import NotFound
from itagflow.maintenance.erase_rules import REQUEST
from itagflow.maintenance.erasure import erase_task
from itagflow.model.erasing import EraseReport, TasksOfJob
from itagflow.model.event import Event
from itagflow.model.export import Export
from itagflow.model.job import Job, JobState
from itagflow.model.reports import join_ranges
from itagflow.model.selection import Selection
from itagflow.model.task import Task
from itagflow.model.workspace import Workspace
from itagflow.results import export_rules
from itagflow.results.selection_rules import is_task_selected
from itagflow.storage.port import Query

_Numbers = dict[int, "array[int]"]
"""The numbers of tasks by job: eight bytes for each."""


@attrs.frozen
class FieldOrder:
    """Which tasks are to be erased, by whom and why."""

    field: str
    equals: str
    by: MemberRef
    comment: str = ""
    dry_run: bool = False
    """Whether they are only to be found."""


def erase_where(
    engine: Engine, workspace: WorkspaceRef, order: FieldOrder, *, progress: Wrap | None = None
) -> EraseReport:
    """Erase the tasks of all jobs of a workspace that have a value in a field of their data."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace)
        caller = lookup.member(reader, home.id, order.by)
        access.check(engine.policy, caller, Action.ERASE, None, None)
        jobs = list(reader.find(Query(Job, {"workspace": home.id}, order=("id",))))
        total = sum(lookup.last_number(reader, Task, job.id) for job in jobs)
    request = _make_request(home, order)
    before = _find_erased_before(engine, jobs, request)
    found: _Numbers = defaultdict(partial(array, "q"))
    drafts = {job.id for job in jobs if job.state is JobState.DRAFT}
    where = Selection(field={order.field: order.equals})
    for task in show(_iter_tasks(engine, jobs), total, progress):
        if task.erased or not is_task_selected(where, task):
            continue
        found[task.job].append(task.number)
        if task.job not in drafts and not order.dry_run:
            # gone already where its job was deleted meanwhile
            with suppress(NotFound):
                erase_task(engine, task, by=order.by, comment=order.comment, request=request)
    left = {id: found.pop(id) for id in drafts & found.keys()}
    erased = {id: {*before[id], *found[id]} for id in [*before, *found]}
    return EraseReport(
        jobs=_list_tasks(jobs, erased),
        erased_before=sum(map(len, before.values())),
        drafts=_list_tasks(jobs, left),
        exports=tuple(_iter_exports(engine, erased)),
        dry_run=order.dry_run,
    )


def _make_request(workspace: Workspace, order: FieldOrder) -> str:
    """Return what the events of one erasure have in common, from which nobody learns the value."""
    key = bytes.fromhex(workspace.pseudonym_key)
    text = f"{order.field}\0{order.equals}".encode(errors="surrogatepass")
    return blake2s(text, key=key, digest_size=16).hexdigest()


def _iter_tasks(engine: Engine, jobs: Sequence[Job]) -> Iterator[Task]:
    for job in jobs:
        yield from iterate_query(engine.store, Query(Task, {"job": job.id}, order=("number",)))


def _find_erased_before(engine: Engine, jobs: Sequence[Job], request: str) -> _Numbers:
    """Return the tasks that earlier calls have erased: one that was killed told of none."""
    found: _Numbers = defaultdict(partial(array, "q"))
    for job in jobs:
        query = Query(Event, {"job": job.id, "type": "erase_task"}, order=("position",))
        for event in iterate_query(engine.store, query):
            if event.data.get(REQUEST) == request:
                found[job.id].append(event.task)
    return found


def _list_tasks(
    jobs: Sequence[Job], numbers: Mapping[int, Collection[int]]
) -> tuple[TasksOfJob, ...]:
    return tuple(
        TasksOfJob(
            job=job.id,
            name=job.name,
            tasks=join_ranges([range(number, number + 1) for number in sorted(numbers[job.id])]),
        )
        for job in jobs
        if job.id in numbers
    )


def _iter_exports(engine: Engine, erased: Mapping[int, Collection[int]]) -> Iterator[Export]:
    """Yield the exports whose files hold some of these tasks, by job and oldest first."""
    accounts: dict[int, str] = {}
    for job in sorted(erased):
        query = Query(Event, {"job": job, "type": export_rules.TYPE}, order=("position",))
        for event in iterate_query(engine.store, query):
            if set(erased[job]).isdisjoint(export_rules.parse_tasks(event.data["numbers"])):
                continue
            with engine.store.read() as reader:
                (told,) = lookup.with_accounts(reader, [event], accounts)
            yield export_rules.build_export(told)
