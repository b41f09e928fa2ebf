"""The purpose of an assignment, and what events say became of tasks."""

from __future__ import annotations

from support.scenes import cats, labeled, taken

from itagflow import Assignment, Flow, Inspect, Job, Label, Stage, Workflow
from itagflow.model import Purpose
from itagflow.model.event import Event
from itagflow.storage.port import Query


def became(flow: Flow, job: Job) -> list[tuple[str, str]]:
    """The type of each event that ended or reopened a package, and what became of its tasks."""
    query = Query(
        Event, {"job": job.id, "became": ("abandoned", "final", "reopened")}, order=("position",)
    )
    with flow.store.read() as reader:
        found = [(event.type, event.became) for event in reader.find(query)]
    assert found == [(event.type, event.became) for event in flow.events.list(job) if event.became]
    return found


def test_an_assignment_says_what_it_is_for(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect()))
    assert labeled(flow, "ben", job).purpose is Purpose.LABEL
    review = taken(flow, "di", job, Stage.INSPECT)
    assert review.purpose is Purpose.REVIEW
    flow.reject(review, comment="look again", whole=True)
    assert taken(flow, "ben", job).purpose is Purpose.REWORK
    assert {assignment.purpose for assignment in flow.assignments.list("ben", job=job)} == {
        Purpose.REWORK
    }


def test_a_query_may_ask_for_it(flow: Flow) -> None:
    job = cats(flow, tasks=4, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    with flow.store.read() as reader:
        found = list(
            reader.find(Query(Assignment, {"job": job.id, "live": True, "purpose": Purpose.REVIEW}))
        )
    assert [assignment.id for assignment in found] == [review.id]


def test_events_say_what_became_of_the_tasks(flow: Flow) -> None:
    job = cats(flow, tasks=4)
    labeled(flow, "ben", job)
    flow.packages.discard((job.id, 2), by="ada")
    flow.packages.reopen((job.id, 1), by="ada")
    flow.packages.reopen((job.id, 2), by="ada")
    expected = [
        ("submit", "final"),
        ("discard", "abandoned"),
        ("reopen", "reopened"),
        ("reopen", "reopened"),
    ]
    assert became(flow, job) == expected


def test_events_of_work_that_goes_on_say_nothing(flow: Flow) -> None:
    job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="look again", whole=True)
    assert became(flow, job) == []
