"""Simulated members vote on the real Flow: how often they are right, and how many votes it takes.

The numbers are those that follow from the rules alone, by counting over 200,000 tasks or exactly.
"""

from __future__ import annotations

import math
from random import Random

import attrs
import pytest
from support.scenes import rows, street

import itagflow
from itagflow import Choice, FixedSize, Flow, Inspect, Job, Label, PackageState, Stage, Workflow
from itagflow.templates import image_classification

pytestmark = pytest.mark.simulation
TASKS, SIZE, SEED = 2_000, 100, 17
MEMBERS = ("ann", "bob", "cid", "dee", "eli")


@attrs.frozen
class Outcome:
    """What the votes on all tasks came to."""

    votes: float
    """How many a task has."""
    labels: tuple[str | None, ...]
    """The label of each task; None where they are disputed."""

    @property
    def right(self) -> float:
        return sum(label == "0" for label in self.labels) / len(self.labels)

    @property
    def undecided(self) -> float:
        return self.labels.count(None) / len(self.labels)


def say(member: str, task: int, labels: int, accuracy: float) -> str:
    """What a member says of a task, whenever they are asked; "0" is right."""
    luck = Random(f"{SEED}/{member}/{task}")
    return "0" if luck.random() < accuracy else str(luck.randrange(1, labels))


def vote(flow: Flow, job: Job, labels: int, accuracy: float) -> Outcome:
    """Let the members vote, each as soon as there is something, until nothing is left."""
    waiting = True
    while waiting:
        waiting = False
        for member in MEMBERS:
            assignment = flow.claim(member, job, Stage.LABEL)
            while assignment is not None:
                waiting = True
                said = {
                    item.task.number: say(member, item.task.number, labels, accuracy)
                    for item in flow.tasks(assignment)
                }
                flow.save_many(assignment, {task: Choice(key) for task, key in said.items()})
                flow.submit(assignment)
                assignment = flow.claim(member, job, Stage.LABEL)
    assert {package.state for package in flow.packages.list(job)} == {PackageState.INSPECT}
    votes, found = 0, list[str | None]()
    for result in flow.results.list(job):
        votes += len(result.votes)
        reply = result.replies.get("1")
        found.append(reply.key if isinstance(reply, Choice) else None)
    return Outcome(votes / len(found), tuple(found))


def simulate(label: Label, *, labels: int = 2, accuracy: float = 0.8) -> Outcome:
    """A job of which members label each task right with this probability, all errors alike."""
    with itagflow.open("memory:") as flow:
        street(flow, *MEMBERS)
        job = flow.jobs.create(
            "street",
            "votes",
            template=image_classification([str(number) for number in range(labels)]),
            data=rows(TASKS),
            workflow=Workflow(label, Inspect()),
            packaging=FixedSize(SIZE),
            workforce={Stage.LABEL: MEMBERS, Stage.INSPECT: ["ada"]},
            by="ada",
        )
        return vote(flow, job, labels, accuracy)


def is_near(share: float, expected: float) -> bool:
    """Whether a share of the tasks is within three standard errors of what is expected."""
    return abs(share - expected) <= 3 * math.sqrt(expected * (1 - expected) / TASKS)


@pytest.mark.parametrize(("labels", "tied"), [(2, 0), (10, 0.090)])
def test_two_votes_are_enough_where_a_third_changes_nothing(labels: int, tied: float) -> None:
    fixed = simulate(Label(votes=3), labels=labels)
    early = simulate(Label(votes=3, stop_early=True), labels=labels)
    assert fixed.votes == 3
    assert is_near(fixed.right, 0.896)
    assert is_near(fixed.undecided, tied)
    assert early.labels == fixed.labels, "the same outcome, task by task"
    # a third vote where the first two differ: 2p(1-p) of the tasks with two labels
    expected = 0.32 if labels == 2 else 0.355
    assert is_near(early.votes - 2, expected)


def test_three_votes_are_enough_where_two_more_change_nothing() -> None:
    fixed = simulate(Label(votes=5))
    early = simulate(Label(votes=5, stop_early=True))
    assert is_near(fixed.right, 0.94208)
    assert early.labels == fixed.labels
    assert early.votes == pytest.approx(3.632, abs=0.05)


@pytest.mark.parametrize(("labels", "votes", "short"), [(2, 2.32, 0), (10, 2.537, 0.090)])
def test_more_votes_until_two_thirds_agree(labels: int, votes: float, short: float) -> None:
    found = simulate(Label(votes=2, max_votes=5, agree=2 / 3), labels=labels)
    assert found.votes == pytest.approx(votes, abs=0.06)
    assert is_near(found.right, 0.897)
    # three of five are fewer than two thirds: a review decides
    assert is_near(found.undecided, short)
