"""A past review, read again, shows what it judged; and so does every past assignment."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import invariants
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import Accept, Assignment, Choice, Flow, Inspect, Job, Label, Stage, Workflow

REVIEWED = Workflow(Label(), Inspect(), Accept())


def shown(flow: Flow, assignment: Assignment) -> list[Any]:
    """What the holder sees besides their own answers."""
    return [
        (item.task.number, item.submitted, item.comment, item.votes)
        for item in flow.tasks(assignment)
    ]


def test_after_rework_the_old_verdict_stands_beside_the_old_answer(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=REVIEWED)
    labeled(flow, "ben", job, "cat")
    review = taken(flow, "di", job, Stage.INSPECT)
    before = shown(flow, review)
    flow.judge(review, 1, wrong="that is a dog")
    flow.reject(review)
    labeled(flow, "ben", job, "dog")
    (item,) = flow.tasks(review)
    assert item.submitted is not None
    assert item.answer is not None
    assert (item.submitted.reply, item.answer.wrong) == (Choice("cat"), True)
    assert shown(flow, review) == before
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    flow.accept(taken(flow, "ada", job, Stage.ACCEPT))
    assert shown(flow, review) == before


def test_a_modification_does_not_take_the_place_of_what_was_judged(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=REVIEWED)
    labeled(flow, "ben", job, "cat")
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.modify(review, 1, Choice("dog"))
    flow.review(review)
    (item,) = flow.tasks(review)
    assert item.submitted is not None
    assert item.answer is not None
    assert (item.submitted.reply, item.answer.reply) == (Choice("cat"), Choice("dog"))
    acceptance = taken(flow, "ada", job, Stage.ACCEPT)
    flow.modify(acceptance, 1, Choice("cat"))
    flow.accept(acceptance)
    (item,) = flow.tasks(acceptance)
    assert item.submitted is not None
    assert item.submitted.reply == Choice("dog")


def test_a_past_rework_shows_what_was_sent_back(flow: Flow) -> None:
    job = cats(flow, tasks=1, workflow=Workflow(Label(), Inspect()))
    labeled(flow, "ben", job, "cat")
    flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="look again", whole=True)
    again = labeled(flow, "ben", job, "dog")
    (item,) = flow.tasks(again)
    assert item.submitted is not None
    assert (item.submitted.reply, item.comment) == (Choice("cat"), "look again")
    flow.review(taken(flow, "di", job, Stage.INSPECT))
    flow.packages.reopen((job.id, 1), by="ada")
    later = taken(flow, "di", job, Stage.INSPECT)
    flow.reject(later, comment="and again", whole=True)
    labeled(flow, "ben", job, "cat")
    (item,) = flow.tasks(again)
    assert item.submitted is not None
    assert (item.submitted.reply, item.comment) == (Choice("cat"), "look again")


def test_what_was_given_back_is_not_shown_as_what_was_there_before(flow: Flow) -> None:
    job = cats(flow, tasks=1)
    held = taken(flow, "ben", job)
    flow.save(held, 1, Choice("cat"))
    flow.release(held)
    again = taken(flow, "cy", job)
    (item,) = flow.tasks(held)
    assert item.answer is not None
    assert item.previous is None
    (item,) = flow.tasks(again)
    assert item.previous is not None
    assert item.previous.reply == Choice("cat")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("past")


class Walk:
    """Somebody works at random; what each assignment showed when it was taken is kept."""

    def __init__(self, flow: Flow, random_: random.Random) -> None:
        self.flow, self.random = flow, random_
        votes = random_.choice([1, 1, 2])
        label = Label(votes=votes, min_votes=votes)
        self.job: Job = cats(
            flow, tasks=3, size=2, workflow=Workflow(label, Inspect(task_count=1), Accept())
        )
        self.seen = dict[tuple[int, int], list[Any]]()

    def step(self) -> None:
        stage = self.random.choice([Stage.LABEL, Stage.LABEL, Stage.INSPECT, Stage.ACCEPT])
        people = {Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]}[stage]
        if self.random.random() < 0.1:
            self.reopen()
        held = self.flow.claim(self.random.choice(people), self.job, stage)
        if held is None:
            return
        self.seen[held.key] = shown(self.flow, held)
        if stage is Stage.LABEL:
            self.label(held)
        else:
            self.review(held)

    def label(self, held: Assignment) -> None:
        for item in list(self.flow.tasks(held)):
            if self.random.random() < 0.2:
                self.flow.abandon(held, item, "dark")
            else:
                self.flow.save(held, item, Choice(self.random.choice(["cat", "dog"])))
        if self.random.random() < 0.15:
            self.flow.release(held)
            del self.seen[held.key]  # nobody but the application reads it any more
        else:
            self.flow.submit(held)

    def review(self, held: Assignment) -> None:
        for item in list(self.flow.tasks(held)):
            act = self.random.random()
            if act < 0.3:
                self.flow.judge(held, item, wrong="no")
            elif act < 0.6 or (item.submitted is not None and item.submitted.disputed):
                self.flow.modify(held, item, Choice(self.random.choice(["cat", "dog"])))
        complete = self.flow.review if held.stage is Stage.INSPECT else self.flow.accept
        try:
            complete(held)
        except itagflow.Incomplete:
            self.flow.reject(held, comment="no", whole=True)

    def reopen(self) -> None:
        for package in self.flow.packages.list(self.job, state="done"):
            self.flow.packages.reopen(package, by="ada")
            return


@pytest.mark.parametrize("store", ["memory", "sqlite"])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_every_past_assignment_shows_what_it_showed(store: str, addresses: Path, seed: int) -> None:
    number = len(list(addresses.iterdir()))
    url = "memory:" if store == "memory" else str(addresses / f"{number}.db")
    with itagflow.open(url) as flow:
        walk = Walk(flow, random.Random(seed))
        for _ in range(12):
            walk.step()
        for key, before in walk.seen.items():
            assert shown(flow, flow.assignments.get(key)) == before
        invariants.check(flow)
