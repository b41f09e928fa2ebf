"""Several schedulers tick at once, while people work: each due time is applied once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import invariants
from support.scenes import START, Clock, cats

import itagflow
from itagflow import Choice, Flow, Inspect, JobState, Label, Workflow

PACKAGES = 40


@pytest.fixture(params=["sqlite", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store that several Flows share."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'labels.db'}"


def tick_often(flow: Flow, job: int) -> None:
    for _ in range(5):
        flow.tick(job=job)


def label_some(flow: Flow, job: int, member: str) -> list[int]:
    """Claim and submit packages until there are none; return which."""
    done: list[int] = []
    while (assignment := flow.claim(member, job, "label")) is not None:
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Choice("cat"))
        flow.submit(assignment)
        done.append(assignment.package)
    return done


@pytest.mark.parametrize("rule", ["notify", "default"])
def test_each_due_time_is_applied_once(shared_url: str, rule: str) -> None:
    clock = Clock()
    on_overdue = "notify" if rule == "notify" else {"1": Choice("dog")}
    with itagflow.open(shared_url, clock=clock) as flow:
        workflow = Workflow(Label(on_overdue=on_overdue, order="due"))
        job = cats(flow, tasks=PACKAGES, size=1, workflow=workflow).id
        flow.packages.set_due(job, START, by="ada")
        clock.forward(hours=1)
        flows = [itagflow.open(shared_url, clock=clock) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            ticks = [pool.submit(tick_often, each, job) for each in flows[:2]]
            labels = [
                pool.submit(label_some, each, job, who)
                for each, who in zip(flows[2:], ("ben", "cy"), strict=True)
            ]
            for future in ticks:
                future.result()
            worked = [number for future in labels for number in future.result()]
        for each in flows:
            each.close()
        flow.tick(job=job)
        overdue = Counter(
            event.package for event in flow.events.list(job) if event.type == "overdue"
        )
        assert not overdue or max(overdue.values()) == 1
        by_default = {
            result.task.package
            for result in flow.results.list(job)
            if result.decided_by == "timeout"
        }
        assert by_default.isdisjoint(worked)
        assert len(worked) == len(set(worked))
        assert len(by_default) + len(worked) == PACKAGES
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)


def test_a_vote_is_taken_back_or_given(shared_url: str) -> None:
    """Nobody who is named is left for the third votes: ada gives some while others tick."""
    with itagflow.open(shared_url) as flow:
        workflow = Workflow(Label(votes=2, max_votes=3, limit=None), Inspect())
        job = cats(flow, tasks=PACKAGES, size=1, workflow=workflow, label=("ben", "cy", "eve")).id
        for who, word in (("ben", "cat"), ("cy", "dog")):
            for assignment in flow.claim_many(who, job, "label", PACKAGES):
                flow.save_many(assignment, {item: Choice(word) for item in flow.tasks(assignment)})
                flow.submit(assignment)
        flow.members.remove("street", "eve", by="ada")
        flows = [itagflow.open(shared_url) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            voted = pool.submit(label_some, flows[2], job, "ada")
            ticks = [pool.submit(flow.tick, job=job) for flow in flows[:2]]
            taken_back = sum(future.result().votes for future in ticks)
            given = voted.result()
        for each in flows:
            each.close()
        flow.tick(job=job)
        closed = [event.package for event in flow.events.list(job) if event.type == "close_vote"]
        assert sorted([*closed, *given]) == list(range(1, PACKAGES + 1))
        assert taken_back == len(closed)
        disputed = [package.number for package in flow.packages.list(job) if package.disputes]
        assert disputed == sorted(closed)
        invariants.check(flow)
