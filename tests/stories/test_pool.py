"""The queue when much of what waits is one's own work: the look at it begins behind that, and nothing is left lying."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import invariants
from support.scenes import Clock, cats, labeled, taken

import itagflow
from itagflow import (
    Flow,
    Inspect,
    Job,
    Label,
    Stage,
    Workflow,
)
from itagflow.model.package import ClaimCounter, Package, QueueCursor
from itagflow.storage import Query


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory:", "labels.db"])
def flow(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Flow]:
    url = request.param if request.param == "memory:" else tmp_path / request.param
    with itagflow.open(url, clock=clock) as opened:
        yield opened
        invariants.check(opened)


def much_own_work(flow: Flow, clock: Clock) -> Job:
    """Packages 1 to 20 labeled by ben, 21 to 30 by cy, five minutes each; both may inspect."""
    job = cats(flow, tasks=30, size=1, workflow=Workflow(Label(), Inspect()), inspect=("ben", "cy"))
    for number in range(30):
        clock.forward(minutes=5)
        labeled(flow, "ben" if number < 20 else "cy", job)
    return job


def counter(flow: Flow, job: Job, name: str) -> ClaimCounter | None:
    (member,) = (member for member in flow.members.list("street") if member.account == name)
    where = {"job": job.id, "stage": Stage.INSPECT, "member": member.id}
    with flow.store.read() as reader:
        return next(iter(reader.find(Query(ClaimCounter, where))), None)


def since(flow: Flow, job: Job, number: int) -> QueueCursor:
    with flow.store.read() as reader:
        package = reader.get(Package, (job.id, number))
    return QueueCursor(package.priority, package.waiting_since)


def test_the_next_look_begins_behind_own_work(flow: Flow, clock: Clock) -> None:
    job = much_own_work(flow, clock)
    there = since(flow, job, 21)
    assert taken(flow, "ben", job, Stage.INSPECT).package == 21
    remembered = counter(flow, job, "ben")
    assert remembered is not None
    assert (remembered.cursor, remembered.active) == (there, 0)
    assert [taken(flow, "ben", job, Stage.INSPECT).package for _ in range(9)] == list(range(22, 31))
    assert flow.claim("ben", job, Stage.INSPECT) is None
    assert flow.explain("ben", job, Stage.INSPECT).startswith(
        "20 waiting packages are ben's own work"
    )


def test_who_finds_the_first_package_remembers_nothing(flow: Flow, clock: Clock) -> None:
    job = much_own_work(flow, clock)
    assert taken(flow, "cy", job, Stage.INSPECT).package == 1
    assert counter(flow, job, "cy") is None


def test_what_comes_to_the_front_comes_first_all_the_same(flow: Flow, clock: Clock) -> None:
    job = much_own_work(flow, clock)
    taken(flow, "ben", job, Stage.INSPECT)
    flow.packages.prioritize(job, 5, packages=[25, 3], by="ada")
    assert taken(flow, "ben", job, Stage.INSPECT).package == 25
    assert taken(flow, "ben", job, Stage.INSPECT).package == 22


def test_nothing_that_lies_before_the_place_is_left_lying(flow: Flow, clock: Clock) -> None:
    job = much_own_work(flow, clock)
    flow.packages.prioritize(job, 9, packages=[29, 3], by="ada")
    assert taken(flow, "ben", job, Stage.INSPECT).package == 29, (
        "the place is now among those of priority 9"
    )
    assert taken(flow, "ben", job, Stage.INSPECT).package == 21
    flow.packages.prioritize(job, 0, packages=[3], by="ada")
    assert [taken(flow, "ben", job, Stage.INSPECT).package for _ in range(8)] == [
        *range(22, 29),
        30,
    ]


def test_what_is_put_behind_others_may_come_to_lie_before_the_place(
    flow: Flow, clock: Clock
) -> None:
    job = much_own_work(flow, clock)
    flow.packages.prioritize(job, -1, packages=[22], by="ada")
    assert taken(flow, "ben", job, Stage.INSPECT).package == 21
    assert [taken(flow, "ben", job, Stage.INSPECT).package for _ in range(5)] == [
        23,
        24,
        25,
        26,
        27,
    ]
    flow.packages.prioritize(job, 0, packages=[22], by="ada")
    assert {taken(flow, "ben", job, Stage.INSPECT).package for _ in range(4)} == {22, 28, 29, 30}


def test_a_voter_is_not_shown_again_what_they_have_voted_on(flow: Flow, clock: Clock) -> None:
    workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
    job = cats(flow, tasks=30, size=1, workflow=workflow, label=("ben", "cy"))
    for _ in range(20):
        clock.forward(minutes=5)
        labeled(flow, "ben", job)
    clock.forward(minutes=5)
    assert taken(flow, "ben", job).package == 21
    assert taken(flow, "cy", job).package == 1
    assert taken(flow, "ben", job).package == 22
