"""Events: what their changes tell, and how much room they take."""

from __future__ import annotations

import json
from typing import Any

import attrs
from support.scenes import cats, labeled, rows, taken

from itagflow import (
    Assignment,
    Event,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Stage,
    Workflow,
)
from itagflow.model import FieldChange
from itagflow.storage import Query, codec


def retold(flow: Flow, job: Job) -> dict[tuple[str, tuple[Any, ...]], dict[str, Any]]:
    """What everything is now, according to the changes in the history alone."""
    told = dict[tuple[str, tuple[Any, ...]], dict[str, Any]]()
    for event in flow.events.list(job):
        for change in event.all_changes():
            fields = told.setdefault((change.kind, change.key), {})
            assert fields.get(change.field) == change.before, (event, change)
            fields[change.field] = change.after
    return told


def test_its_changes_tell_the_present_state_of_every_package_and_assignment(
    flow: Flow,
) -> None:
    job = cats(flow, tasks=5, workflow=Workflow(Label(), Inspect()))
    flow.jobs.append(job, rows(3), by="ada")
    labeled(flow, "ben", job)
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="look again", whole=True)
    told = retold(flow, job)
    packages = list(flow.packages.list(job))
    assert len(packages) == 5
    for package in packages:
        assert told.pop(("package", package.key)) == {
            "state": package.state.value,
            "round": package.round,
            "whole_round": package.whole_round,
            "reopened_round": package.reopened_round,
            "reopenings": package.reopenings,
        }
    with flow.store.read() as reader:
        for assignment in reader.find(Query(Assignment, {"job": job.id})):
            fields = {
                "state": assignment.state.value,
                "member": assignment.member,
                "round": assignment.round,
            }
            assert told.pop(("assignment", assignment.key)) == fields
    assert told == {("job", job.key): {"state": "running"}}


def test_loading_takes_little_room_in_it_even_with_small_packages(flow: Flow) -> None:
    job = cats(flow, data=rows(5_000), packaging=FixedSize(1))
    (loaded,) = (event for event in flow.events.list(job) if event.type == "load")
    assert loaded.data == {"rows": [1, 5_000], "packages": [1, 5_000]}
    print(size := len(json.dumps(codec.to_json(loaded))))
    assert size < 1_000
    assert sum(1 for _ in loaded.all_changes()) == 25_000


def test_an_event_keeps_everything_at_its_position() -> None:
    fields: dict[str, Any] = {field.name: object() for field in attrs.fields(Event)}
    fields |= {
        "type": "claim",
        "changes": (FieldChange("job", (1,), "state", None, "x"),),
        "data": {"a": 1},
        "became_text": "final 1-2",
    }
    event = Event(**fields)
    kept = event.at_position(7)
    assert kept.position == 7
    assert all(getattr(kept, name) is value for name, value in fields.items() if name != "position")
