"""The workflow of a job that runs is changed; what was given out before keeps its rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import invariants
from support.scenes import Clock, cats, labeled, taken

import itagflow
from itagflow import (
    Accept,
    Choice,
    Crew,
    Flow,
    Inspect,
    InvalidData,
    JobState,
    Label,
    NotAllowed,
    Route,
    Stage,
    Workflow,
)


def test_a_lease_holds_for_later_claims_and_renewals(flow: Flow, clock: Clock) -> None:
    job = cats(flow, workflow=Workflow(Label(lease=None), Inspect()))
    before = taken(flow, "ben", job)
    hour = timedelta(hours=1)
    flow.jobs.update(job, workflow=Workflow(Label(lease=hour), Inspect()), by="ada")
    assert flow.assignments.get(before).lease_until is None
    assert taken(flow, "cy", job).lease_until == clock.now + hour
    assert flow.renew(before).lease_until == clock.now + hour
    invariants.check(flow)


def test_a_sample_holds_for_packages_that_come_later(flow: Flow) -> None:
    job = cats(flow, tasks=8, size=4, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    flow.jobs.update(job, workflow=Workflow(Label(), Inspect(task_count=1)), by="ada")
    labeled(flow, "ben", job)
    inspected = [len(list(flow.tasks(taken(flow, "di", job, Stage.INSPECT)))) for _ in range(2)]
    assert inspected == [4, 1]
    invariants.check(flow)


def test_a_share_of_packages_holds_for_those_that_come_later(flow: Flow) -> None:
    job = cats(flow, tasks=8, size=1, workflow=Workflow(Label(), Inspect(package_share=1e-9)))
    for _ in range(4):
        labeled(flow, "ben", job)
    flow.jobs.update(job, workflow=Workflow(Label(), Inspect()), by="ada")
    for _ in range(4):
        labeled(flow, "ben", job)
    states = [package.state.value for package in flow.packages.list(job)]
    assert states == ["done"] * 4 + ["inspect"] * 4
    invariants.check(flow)


def test_rework_goes_where_the_rule_of_now_says(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job)
    queue = Workflow(Label(rework=Route.QUEUE), Inspect())
    flow.jobs.update(job, workflow=queue, by="ada")
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="again", whole=True)
    assert not list(flow.assignments.list("ben", job=job))
    invariants.check(flow)


def test_a_limit_becomes_another_number(flow: Flow) -> None:
    job = cats(flow, tasks=8, size=1, workflow=Workflow(Label(limit=1), Inspect()))
    taken(flow, "ben", job)
    assert flow.claim("ben", job, "label") is None
    flow.jobs.update(job, workflow=Workflow(Label(limit=2), Inspect()), by="ada")
    assert flow.claim("ben", job, "label") is not None
    assert flow.claim("ben", job, "label") is None
    invariants.check(flow)


@pytest.mark.parametrize(
    ("workflow", "reason"),
    [
        (Workflow(Label(), Accept()), "must have the same stages as before: label, inspect"),
        (Workflow(Label(limit=3), Inspect()), "label, limit: can be another number, but not be"),
        (Workflow(Label(), Inspect(max_total=3)), "inspect, max_total: can be another number"),
    ],
)
def test_what_cannot_change_is_refused(flow: Flow, workflow: Workflow, reason: str) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    with pytest.raises(InvalidData, match=reason):
        flow.jobs.update(job, workflow=workflow, by="ada")
    assert flow.jobs.get(job) == job


def test_a_workflow_that_could_not_finish_is_refused(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(rework=Route.QUEUE), Inspect()))
    gone = Workflow(Label(rework="di"), Inspect())
    with pytest.raises(NotAllowed, match="change the workflow"):
        flow.jobs.update(job, workflow=gone, by="ada")
    assert flow.jobs.get(job) == job


def test_it_is_one_event_with_both_workflows_and_sent_again_none(flow: Flow) -> None:
    job = cats(flow, workflow=Workflow(Label(), Inspect()))
    other = Workflow(Label(redo_all=True), Inspect(reasons=("blurred",)))
    changed = flow.jobs.update(job, workflow=other, by="ada")
    assert changed.workflow == other
    assert flow.jobs.update(job, workflow=other, by="ada") == changed
    (event,) = [event for event in flow.events.list(job) if event.type == "update_job"]
    assert event.data["workflow"]["after"]["inspect"]["reasons"] == ["blurred"]
    assert "inspect" in event.data["workflow"]["before"]


@pytest.mark.parametrize("how", ["rest", "escalation"])
def test_what_is_handed_in_already_is_a_vote_when_votes_are_raised(flow: Flow, how: str) -> None:
    """A package waits for a part of it, and what was said of the other is not merged yet."""
    workflow = Workflow(Label(allow_partial=True), Inspect())
    job = cats(flow, tasks=2, workflow=workflow, label=["ben", "cy", "eve"])
    flow.jobs.set_workforce(job, {Crew.EXPERTS: ["eve"]}, by="ada")
    labeled(flow, "ben", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="again", whole=True)
    again = taken(flow, "ben", job)
    flow.save(again, 1, Choice("dog"))
    if how == "escalation":
        flow.escalate(again, 2, comment="?")
        flow.submit(again)
    else:
        flow.submit(again, rest="release")
    assert flow.packages.get((job, 1)).wrong < 2
    flow.jobs.update(job, workflow=Workflow(Label(votes=2), Inspect()), by="ada")
    assert flow.packages.get((job, 1)).wrong == 2
    invariants.check(flow)
    for name in ("eve", "cy"):
        assignment = taken(flow, name, job)
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Choice("dog"))
        flow.submit(assignment)
    assert flow.packages.get((job, 1)).wrong == 0
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    assert flow.jobs.get(job).state is JobState.FINISHED
    invariants.check(flow)


def test_a_draft_may_be_changed_before_it_is_published(flow: Flow) -> None:
    street = flow.workspaces.create("street", admin="ada")
    job = flow.jobs.create(
        street,
        "cats",
        template=itagflow.templates.image_classification(["cat", "dog"]),
        workflow=Workflow(Label()),
        draft=True,
        by="ada",
    )
    changed = flow.jobs.update(job, workflow=Workflow(Label(redo_all=True)), by="ada")
    assert changed.workflow_changes == 0
