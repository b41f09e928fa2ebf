"""What the async verbs return, as mypy and pyright see it: see `checked_types.py`."""

from __future__ import annotations

from typing import Any, assert_type

import itagflow.aio
from itagflow import (
    Answer,
    Assignment,
    Choice,
    Event,
    Flow,
    Job,
    Member,
    Package,
    Progress,
    Result,
    Role,
    Stage,
    Template,
    WorkItem,
    Workspace,
    maintenance,
    templates,
)
from itagflow.access import Permission
from itagflow.aio import AsyncFlow, AsyncItems, AsyncOpening
from itagflow.formats import WriteReport
from itagflow.model import BatchResult, Inconsistency, JobPartition, LoadReport
from itagflow.typing import JobRef, MemberRef


async def labeling(flow: AsyncFlow, job: JobRef, ben: MemberRef) -> None:
    assignment = await flow.claim(ben, job, Stage.LABEL)
    assert_type(assignment, Assignment | None)
    assert_type(await flow.claim_many(ben, job, "label", 3), list[Assignment])
    assert assignment is not None
    assert_type(flow.tasks(assignment), AsyncItems[WorkItem])
    async for item in flow.tasks(assignment):
        assert_type(item, WorkItem)
        assert_type(await flow.save(assignment, item, Choice("cat")), Answer)
    assert_type(await anext(flow.tasks(assignment)), WorkItem)
    assert_type(await flow.submit(assignment), Assignment)
    assert_type(await flow.release_many([assignment]), list[BatchResult])
    assert_type(await flow.can(ben, "export", "street"), Permission)
    assert_type(await flow.explain(ben, job, Stage.LABEL), str)
    assert_type(await flow.close(), bool)


async def managing(flow: AsyncFlow, workspace: Workspace) -> None:
    assert_type(flow.workspaces.list(), AsyncItems[Workspace])
    assert_type([each async for each in flow.workspaces.list()], list[Workspace])
    assert_type(await flow.members.add(workspace, "ben", Role.OPERATOR, by="ada"), Member)
    template = templates.image_classification(["cat", "dog"])
    assert_type(template, Template)
    job = await flow.jobs.create(workspace, "cats", template=template, by="ada", tags=["night"])
    assert_type(job, Job)
    assert_type(await flow.jobs.load(job, [], by="ada"), LoadReport)
    assert_type(await flow.jobs.update(job, by="ada", remark="soon"), Job)
    assert_type(await flow.jobs.progress(job), Progress)
    assert_type(flow.packages.list(job), AsyncItems[Package])
    await flow.jobs.delete(job, by="ada")


async def reading(flow: AsyncFlow, job: Job) -> None:
    assert_type(flow.results.list(job), AsyncItems[Result])
    assert_type(flow.results.rows(job), AsyncItems[dict[str, Any]])
    assert_type(await flow.results.partition(job, 2), tuple[JobPartition, ...])
    assert_type(await flow.results.export(job, "csv", "cats.csv", bom=True), WriteReport)
    async with flow.events.follow(after=7) as events:
        assert_type(events, AsyncItems[Event])
        async for event in events:
            assert_type(event, Event)


def count(flow: Flow, job: JobRef, *, by: MemberRef | None = None) -> int:
    return sum(1 for _ in flow.results.list(job, by=by))


async def running(flow: AsyncFlow, job: Job) -> None:
    assert_type(await flow.run(count, job, by="ada"), int)
    assert_type(flow.iterate(maintenance.verify, job), AsyncItems[Inconsistency])
    assert_type(flow.sync, Flow)


async def opening() -> None:
    assert_type(itagflow.aio.open("memory:"), AsyncOpening)
    assert_type(await itagflow.aio.open("memory:", threads=2), AsyncFlow)
    async with itagflow.aio.open("memory:") as flow:
        assert_type(flow, AsyncFlow)
    async with AsyncFlow(itagflow.open("memory:"), threads=2) as flow:
        assert_type(flow, AsyncFlow)
