"""What the verbs return, as mypy and pyright see it: `tests/typing/test_types.py` has both check this file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import itagflow
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
    StoreFailed,
    Template,
    WorkItem,
    Workspace,
    maintenance,
    templates,
)
from itagflow.access import Permission
from itagflow.formats import WriteReport
from itagflow.model import BatchResult, Inconsistency, JobPartition, LoadReport
from itagflow.typing import JobRef, MemberRef


def labeling(flow: Flow, job: JobRef, ben: MemberRef) -> None:
    assignment = flow.claim(ben, job, Stage.LABEL)
    assert_type(assignment, Assignment | None)
    assert_type(flow.claim_many(ben, job, "label", 3), list[Assignment])
    assert assignment is not None
    assert_type(flow.tasks(assignment), Iterator[WorkItem])
    for item in flow.tasks(assignment):
        assert_type(item, WorkItem)
        assert_type(item.data, dict[str, Any])
        assert_type(flow.save(assignment, item, Choice("cat")), Answer)
    assert_type(flow.submit(assignment), Assignment)
    assert_type(flow.release_many([assignment]), list[BatchResult])
    assert_type(flow.can(ben, "export", "street"), Permission)
    assert_type(flow.explain(ben, job, Stage.LABEL), str)
    assert_type(flow.close(), bool)


def managing(flow: Flow, workspace: Workspace) -> None:
    assert_type(flow.workspaces.list(), Iterator[Workspace])
    assert_type(flow.members.add(workspace, "ben", Role.OPERATOR, by="ada"), Member)
    template = templates.image_classification(["cat", "dog"])
    assert_type(template, Template)
    job = flow.jobs.create(workspace, "cats", template=template, by="ada", draft=True)
    assert_type(job, Job)
    assert_type(flow.jobs.load(job, [], by="ada"), LoadReport)
    assert_type(flow.jobs.load_report(job), LoadReport)
    assert_type(flow.jobs.clone(job, "again", by="ada"), Job)
    assert_type(flow.jobs.progress(job), Progress)
    assert_type(flow.jobs.list(workspace), Iterator[Job])
    assert_type(flow.packages.list(job), Iterator[Package])
    assert_type(flow.events.list(job), Iterator[Event])


def reading(flow: Flow, job: Job) -> None:
    assert_type(flow.results.list(job), Iterator[Result])
    assert_type(flow.results.rows(job), Iterator[dict[str, Any]])
    assert_type(flow.results.partition(job, 2), tuple[JobPartition, ...])
    assert_type(flow.results.export(job, "itag", "cats.manifest"), WriteReport)
    assert_type(maintenance.verify(flow, job), Iterator[Inconsistency])


def opening() -> None:
    assert_type(itagflow.open("memory:"), Flow)
    with itagflow.open("memory:") as flow:
        assert_type(flow, Flow)
    assert issubclass(StoreFailed, Exception)
