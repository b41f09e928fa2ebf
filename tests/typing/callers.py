"""Code as callers write it: mypy and pyright check its types, and a test runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

import itagflow
from itagflow import (
    Assignment,
    Choice,
    Event,
    Flow,
    Inspect,
    Job,
    Label,
    Member,
    Result,
    Role,
    Stage,
    Workflow,
    WorkItem,
    Workspace,
    templates,
)


def create(flow: Flow) -> Job:
    """Create a job of two packages."""
    pets = flow.workspaces.create("pets", admin="ada")
    assert_type(pets, Workspace)
    assert_type(flow.members.add(pets, "ben", Role.OPERATOR, by="ada"), Member)
    job = flow.jobs.create(
        pets,
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=[{"data": {"source": f"{number}.jpg"}} for number in range(2)],
        workflow=Workflow(Label(), Inspect()),
        workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["ada"]},
        by="ada",
    )
    assert_type(job, Job)
    return job


def label(flow: Flow, job: Job) -> Assignment:
    """Label a package; a claim may give nothing, and the checkers insist on asking."""
    assignment = flow.claim("ben", job, Stage.LABEL)
    assert_type(assignment, Assignment | None)
    assert assignment is not None
    for item in flow.tasks(assignment):
        assert_type(item, WorkItem)
        flow.save(assignment, item, Choice("cat"))
    return flow.submit(assignment)


def read(flow: Flow, job: Job) -> list[Result]:
    """Read the results and the events."""
    events = flow.events.list(job)
    assert_type(events, Iterator[Event])
    return list(flow.results.list(job))


def main() -> list[Result]:
    """Do all of it on the memory store."""
    with itagflow.open("memory:") as flow:
        job = create(flow)
        label(flow, job)
        return read(flow, job)
