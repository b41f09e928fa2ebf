"""Every reader of a workspace, as an application uses them after somebody passed a wrong value."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from itagflow import delivery, maintenance
from itagflow.errors import InvalidData
from values.callables import P

FORMATS = ("itag", "csv", "itag_v1")
FEW = 2
"""How many elements of a list are asked for one by one: it would take long for all."""


Reading = tuple[str, Callable[[], Any]]
"""The name of a reader, and what reads with it."""


def readings(flow: Any, home: Any, known: set[int]) -> Iterator[Reading]:
    """Yield every reader with its name; what it reads is used by the next ones.

    Jobs that are known are only listed; the others are read, and known then.
    """
    yield "workspaces.list", lambda: _shown(flow.workspaces.list())
    yield "workspaces.get", lambda: _shown([flow.workspaces.get(home.id)])
    members: list[Any] = []
    yield "members.list", lambda: members.extend(_shown(flow.members.list(home)))
    yield "members.get", lambda: _shown(flow.members.get(home, one.account) for one in members)
    yield "templates.list", lambda: _shown(flow.templates.list(home))
    jobs: list[Any] = []
    yield "jobs.list", lambda: jobs.extend(_shown(flow.jobs.list(home)))
    assignments: list[Any] = []
    for member in members:
        listed = lambda member=member: flow.assignments.list(member, workspace=home, live=False)  # noqa: E731
        yield "assignments.list", lambda listed=listed: assignments.extend(_shown(listed()))
    for member in _few(members):
        yield "available", lambda member=member: _shown(flow.available(member, workspace=home))
    unknown = [job for job in jobs if job.id not in known]
    for assignment in assignments:
        if assignment.job in known:
            continue
        yield "assignments.get", lambda one=assignment: flow.assignments.get(one.key)
        yield "tasks", lambda one=assignment: _shown(flow.tasks(one))
    for job in unknown:
        yield from _of_job(flow, job, members)
    if known:
        for job in unknown:
            yield "verify", lambda job=job: _nothing(maintenance.verify(flow, job))
    else:
        yield "events.since", lambda: _shown(flow.events.since(workspace=home))
        yield "verify", lambda: _nothing(maintenance.verify(flow, home))
    for name in delivery.list_names(flow):
        yield "delivery.status", lambda name=name: _shown([delivery.status(flow, name)])
        yield (
            "delivery.list_dead_letters",
            lambda name=name: _shown(delivery.list_dead_letters(flow, name)),
        )
    known.update(job.id for job in jobs)


def _of_job(flow: Any, job: Any, members: list[Any]) -> Iterator[Reading]:
    yield "jobs.get", lambda: flow.jobs.get(job.id)
    yield "jobs.progress", lambda: str(flow.jobs.progress(job))
    yield "jobs.load_report", lambda: str(flow.jobs.load_report(job))
    yield "jobs.queue", lambda: str(flow.jobs.queue(job))
    yield "lots.list", lambda: _shown(flow.lots.list(job))
    yield "lots.get", lambda: [flow.lots.get(job, one.number) for one in _few(flow.lots.list(job))]
    yield "jobs.blocked", lambda: _shown(flow.jobs.blocked(job))
    yield "templates.get", lambda: P.answer_schema(flow.templates.get(job))
    yield "packages.list", lambda: _shown(flow.packages.list(job))
    yield (
        "packages.get",
        lambda: [flow.packages.get(one.key) for one in _few(flow.packages.list(job))],
    )
    yield "comments.list", lambda: _shown(flow.comments.list(job))
    yield "events.list", lambda: _shown(flow.events.list(job))
    yield "results.list", lambda: _shown(flow.results.list(job))
    yield (
        "results.get",
        lambda: [flow.results.get(one.task.key) for one in _few(flow.results.list(job))],
    )
    yield "results.rows", lambda: _shown(flow.results.rows(job))
    yield "results.find", lambda: _shown(flow.results.find(job, label="cat"))
    yield "results.partition", lambda: _shown(flow.results.partition(job, 2))
    for member in _few(members):
        for stage in job.workflow.stages:
            yield "explain", lambda member=member, stage=stage: flow.explain(member, job, stage)
    for name in FORMATS:
        yield f"export to {name}", lambda name=name: _exported(flow, job, name)


def _few(values: Any) -> list[Any]:
    return list(islice(values, FEW))


def _shown(values: Any) -> list[Any]:
    """Return all values, each of which can be written in a log."""
    found = []
    for value in values:
        str(value)
        repr(value)
        found.append(value)
    return found


def _exported(flow: Any, job: Any, name: str) -> None:
    try:
        flow.results.export(job, name, io.BytesIO())
    except InvalidData:
        if name != "itag_v1":  # that format has no shape for every reply, and says so
            raise


def _nothing(found: Any) -> None:
    differences = [str(one) for one in found]
    if differences:
        raise Unsound("; ".join(differences[:3]))


class Unsound(Exception):
    """`verify` found something."""
