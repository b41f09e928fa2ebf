"""Workspaces, jobs and answers that many tests need."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import itagflow
from itagflow import (
    Assignment,
    Choice,
    FixedSize,
    Flow,
    Job,
    Label,
    Role,
    Stage,
    Workflow,
    templates,
)
from itagflow.formats import WriteReport
from itagflow.model import JobPartition

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until somebody moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"data": {"source": f"{n}.jpg"}} for n in range(1, count + 1)]


def street(flow: Flow, *people: str) -> itagflow.Workspace:
    """A workspace with ada, its administrator, and operators."""
    home = flow.workspaces.create("street", admin="ada")
    for name in people:
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    return home


def cats(
    flow: Flow,
    *,
    tasks: int = 4,
    size: int = 2,
    workflow: Workflow | None = None,
    label: Iterable[str] = ("ben", "cy"),
    inspect: Iterable[str] = ("di",),
    accept: Iterable[str] = ("ada",),
    **more: Any,
) -> Job:
    """A running job that asks for cat or dog; the people are made if they are not there."""
    flow_ = workflow or Workflow(Label())
    workforce = {Stage.LABEL: list(label), Stage.INSPECT: list(inspect), Stage.ACCEPT: list(accept)}
    everyone = dict.fromkeys(name for stage in flow_.stages for name in workforce[stage])
    home = street(flow, *(name for name in everyone if name != "ada"))
    return flow.jobs.create(
        home,
        "cats",
        template=more.pop("template", None) or templates.image_classification(["cat", "dog"]),
        data=more.pop("data", rows(tasks)),
        workflow=flow_,
        packaging=more.pop("packaging", FixedSize(size)),
        workforce={stage: workforce[stage] for stage in flow_.stages},
        by="ada",
        **more,
    )


def taken(flow: Flow, member: str, job: Job, stage: Stage = Stage.LABEL) -> Assignment:
    """The assignment that a claim gives, which must give one."""
    assignment = flow.claim(member, job, stage)
    assert assignment is not None, flow.explain(member, job, stage)
    return assignment


def labeled(flow: Flow, member: str, job: Job, answer: str = "cat") -> Assignment:
    """A package claimed, answered all alike, and submitted."""
    assignment = taken(flow, member, job)
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Choice(answer))
    return flow.submit(assignment)


def half_done(flow: Flow, tasks: int = 1_000) -> Job:
    """A job in which some packages are labeled, with cats, dogs and tasks that were given up."""
    job = cats(flow, tasks=tasks, size=100, label=["ben"])
    for _ in range(tasks // 200):
        assignment = taken(flow, "ben", job)
        numbers = [work.task.number for work in flow.tasks(assignment)]
        flow.save_many(
            assignment, {number: Choice("cat" if number % 3 else "dog") for number in numbers[1:]}
        )
        flow.abandon(assignment, numbers[0], "dark")
        flow.submit(assignment)
    return job


def exported(flow: Flow, job: Job | JobPartition, **how: Any) -> tuple[bytes, WriteReport]:
    """The manifest of a job or of a part of it, and the report about it."""
    target = io.BytesIO()
    report = flow.results.export(job, "itag", target, **how)
    return target.getvalue(), report


def peak(act: Callable[[], object]) -> int:
    """The peak of memory that a call used, in bytes."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def verbs(flow: Flow, job: Job) -> list[str]:
    return [event.type for event in flow.events.list(job)]


def on_writing_connection(store: Any, text: str) -> list[Any]:
    """Run a statement on the connection that writes; the next write transaction has it too."""
    with store.write() as writer:
        return list(writer.rows(text, ()))
