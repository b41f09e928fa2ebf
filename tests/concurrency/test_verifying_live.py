"""A store is verified while people work: what an act has half done, and goes on with, is no difference."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from support.corruptions import altered, at
from support.scenes import Clock, cats, labeled, taken

from itagflow import (
    Assignment,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.storage import Writer


class Watch:
    """Verifies the store before each of its write transactions, so between any two of an act."""

    def __init__(self, flow: Flow, snapshot: bool) -> None:
        self.flow, self.snapshot = flow, snapshot
        self.looks = 0
        self.found = list[str]()
        self.open = flow.store.write

    def __call__(self) -> AbstractContextManager[Writer]:
        self.looks += 1
        self.found += map(str, maintenance.verify(self.flow, snapshot=self.snapshot))
        return self.open()


def busy(flow: Flow) -> Job:
    """A job of which ben holds three packages and has done one, and di inspects that."""
    job = cats(flow, tasks=10, workflow=Workflow(Label(limit=5), Inspect()), packaging=FixedSize(2))
    labeled(flow, "ben", job)
    taken(flow, "di", job, Stage.INSPECT)
    for _ in range(3):
        assignment = taken(flow, "ben", job)
        flow.save(assignment, next(flow.tasks(assignment)), Choice("cat"))
    flow.assignments.assign((job.id, 5), "ben", by="ada")
    return job


def archived_and_deleted(flow: Flow, job: Job) -> None:
    flow.jobs.archive(job, by="ada")
    flow.jobs.delete(job, by="ada")


def removed_and_erased(flow: Flow, job: Job) -> None:
    flow.members.remove(job.workspace, "ben", by="ada")
    maintenance.erase_member(flow, job.workspace, "ben", by="ada")


@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize(
    "act",
    [
        removed_and_erased,
        archived_and_deleted,
        lambda flow, job: flow.jobs.finish(job, by="ada", discard_open=True),
        lambda flow, job: maintenance.erase_task(flow, (job.id, 3), by="ada"),
    ],
    ids=["remove a member", "archive and delete", "finish", "erase a task"],
)
def test_what_is_half_done_is_no_difference(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, act: Callable[[Flow, Job], object], snapshot: bool
) -> None:
    job = busy(flow)
    watch = Watch(flow, snapshot)
    with monkeypatch.context() as patch:
        patch.setattr(flow.store, "write", watch)
        act(flow, job)
    assert watch.found == []
    assert watch.looks > 0
    assert list(maintenance.verify(flow)) == []


def test_a_removal_that_broke_off_is_gone_on_with(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = busy(flow)
    with monkeypatch.context() as patch:
        patch.setattr("itagflow.workspaces.service.recall_all", lambda *args, **more: None)
        flow.members.remove(job.workspace, "ben", by="ada")
    assert list(maintenance.verify(flow)) == []
    assert len(list(flow.assignments.list("ben"))) == 4
    flow.members.remove(job.workspace, "ben", by="ada")
    assert list(flow.assignments.list("ben")) == []


def test_an_assignment_that_was_made_later_is_one(
    flow: Flow, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = busy(flow)
    (assignment, *_) = flow.assignments.list("ben")
    with monkeypatch.context() as patch:
        for module in ("workspaces", "jobs"):
            patch.setattr(f"itagflow.{module}.service.recall_all", lambda *args, **more: None)
        flow.members.remove(job.workspace, "ben", by="ada")
        flow.jobs.archive(job, by="ada")
    clock.forward(seconds=1)
    altered(flow, at(flow, Assignment, *assignment.key), made_at=clock())
    assert sorted(str(difference) for difference in maintenance.verify(flow)) == [
        (
            f"assignment {assignment.id} of job {job.id}: "
            f"member is {assignment.member}, and should be one who was not removed"
        ),
        f"package {assignment.package} of job {job.id}: live assignments is 1, and should be 0",
    ]
    altered(flow, at(flow, Assignment, *assignment.key), made_at=assignment.made_at)
