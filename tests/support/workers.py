"""What other processes do in the tests; a module that they can import."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import itagflow
from itagflow import (
    AlreadyExists,
    Assignment,
    Choice,
    Flow,
    InvalidData,
    NotFound,
    Role,
    Stage,
    maintenance,
)
from itagflow.errors import RuleError
from itagflow.jobs import loading_rules
from itagflow.model import JobPartition
from itagflow.model.event import Event
from itagflow.model.package import Package
from itagflow.storage import Query, SqliteStore, Store
from itagflow.testing import make_event, make_package
from itagflow.testing.builders import change


def open_and_add(given: tuple[str, int]) -> None:
    store = itagflow.open(given[0]).store
    with store.write() as writer:
        writer.add(make_package(given[1]))
    store.close()


def count_up(path: str) -> None:
    store = SqliteStore(path, synchronous="NORMAL")
    for _ in range(50):
        with store.write() as writer:
            held = writer.lock(Package, (4, 1))
            writer.save(change(held, size=held.size + 1))
    store.close()


def write(store: SqliteStore) -> None:
    with store.write() as writer:
        writer.add(make_package(9))


def write_in_child(store: Store) -> None:
    with store.write() as writer:
        writer.add(make_event("child"))
    store.close()


def look(store: SqliteStore) -> None:
    with store.read() as reader:
        reader.count(Query(Event))


def claim_all(flow: Flow, job: int, name: str) -> list[tuple[int, int]]:
    """Claim until nothing is there, and return (assignment, package) of each."""
    assignments = iter(lambda: flow.claim(name, job, Stage.LABEL), None)
    return [(assignment.id, assignment.package) for assignment in assignments]


def claim_in_process(given: tuple[str, int, str]) -> list[tuple[int, int]]:
    url, job, name = given
    with itagflow.open(url) as flow:
        return claim_all(flow, job, name)


def finish_in_process(given: tuple[str, int, str]) -> int:
    url, job, name = given
    done = 0
    with itagflow.open(url) as flow:
        while assignment := flow.claim(name, job, Stage.LABEL):
            for item in flow.tasks(assignment):
                flow.save(assignment, item, Choice("cat"))
            flow.submit(assignment)
            done += 1
    return done


def unsound(url: str, partition: JobPartition) -> list[str]:
    """Verify a partition of a job, and return the inconsistencies."""
    with itagflow.open(url) as flow:
        return [str(found) for found in maintenance.verify(flow, partition)]


def count_cats(path: Path, partition: JobPartition) -> int:
    with itagflow.open(path) as flow:
        return sum(1 for _ in flow.results.find(partition, label="cat"))


def wander(given: tuple[str, int, str, int]) -> dict[str, int]:
    """Do random work, and return how often each function succeeded; refusals are counted too."""
    url, job, name, seed = given
    draw, done = random.Random(seed), Counter[str]()
    with itagflow.open(url) as flow:
        while sum(done.values()) < STEPS:
            verb = draw.choice(VERBS)
            try:
                verb(flow, job, name, draw)
                done[verb.__name__] += 1
            except (RuleError, InvalidData, AlreadyExists, NotFound):
                done["refused"] += 1
    return dict(done)


STEPS = 60
PEOPLE = ("ben", "cy", "di", "eva")


def _any_assignment(flow: Flow, job: int, draw: random.Random) -> Assignment:
    assignments = [
        assignment for name in PEOPLE for assignment in flow.assignments.list(name, job=job)
    ]
    if not assignments:
        raise NotFound("Assignment", "any")
    return draw.choice(assignments)


def work(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    """Claim, and do what is to be done."""
    stage = draw.choice(list(Stage))
    assignment = flow.claim(name, job, stage, token=draw.choice(["", "", f"{draw.random()}"]))
    if assignment is not None:
        complete(flow, assignment, draw)


def go_on(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    """Do what is to be done in somebody's assignment, who may be doing it at this moment."""
    complete(flow, _any_assignment(flow, job, draw), draw)


def complete(flow: Flow, assignment: Assignment, draw: random.Random) -> None:
    if assignment.stage is Stage.LABEL:
        flow.save_many(
            assignment,
            [(item, Choice(draw.choice(["cat", "dog"]))) for item in flow.tasks(assignment)],
        )
        flow.submit(assignment)
    elif draw.random() < 0.3:
        flow.reject(assignment, comment="again", whole=True)
    else:
        for item in flow.tasks(assignment):
            flow.modify(assignment, item, Choice("dog"))
        flow.review(assignment) if assignment.stage is Stage.INSPECT else flow.accept(assignment)


def give_back(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    flow.release(_any_assignment(flow, job, draw))


def hand_on(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    flow.assignments.reassign(_any_assignment(flow, job, draw), draw.choice(PEOPLE), by="ada")


def give(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    flow.assignments.assign((job, draw.randint(1, 8)), draw.choice(PEOPLE), by="ada")


def give_up(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    flow.packages.discard((job, draw.randint(1, 8)), by="ada")


def open_again(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    flow.packages.reopen((job, draw.randint(1, 8)), by="ada")


def look_after(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    flow.assignments.expire(job, by="ada")
    flow.packages.prioritize(job, draw.randint(0, 9), by="ada")


def claim_several(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    """Claim up to three; most of them are left to others."""
    for assignment in flow.claim_many(name, job, draw.choice(list(Stage)), draw.randint(1, 3))[:1]:
        complete(flow, assignment, draw)


def end_several(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    """End assignments of anybody, in any order, in which each may be refused."""
    assignments = [_any_assignment(flow, job, draw) for _ in range(draw.randint(1, 5))]
    match draw.choice(["release", "reject", "review", "accept", "assign"]):
        case "release":
            flow.release_many(assignments, by="ada")
        case "reject":
            flow.reject_many(assignments, comment="again", whole=True)
        case "review":
            flow.review_many(assignments)
        case "accept":
            flow.accept_many(assignments)
        case _:
            flow.assignments.assign_many(
                [(job, assignment.package) for assignment in assignments],
                draw.choice(PEOPLE),
                by="ada",
            )


def erase(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    maintenance.erase_task(flow, (job, draw.randint(1, 16)), by="ada")


def come_and_go(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    account = draw.choice(PEOPLE)
    flow.members.remove("street", account, by="ada")
    flow.members.add("street", account, Role.OPERATOR, by="ada")


def steer(flow: Flow, job: int, name: str, draw: random.Random) -> None:
    if draw.random() < 0.5:
        flow.jobs.append(job, [{"data": {"source": "more.jpg"}}], by="ada")
    else:
        flow.jobs.pause(job, by="ada")
        flow.jobs.resume(job, by="ada")


VERBS = (
    work,
    work,
    work,
    work,
    go_on,
    go_on,
    give_back,
    hand_on,
    give,
    give_up,
    open_again,
    look_after,
    claim_several,
    end_several,
    end_several,
    erase,
    come_and_go,
    steer,
)


class StartTogether:
    """Where processes wait for each other before they begin."""

    barrier: Any = None


def wait_with(barrier: Any) -> None:
    StartTogether.barrier = barrier


def create_the_same(url: str) -> tuple[int, ...]:
    """Create a workspace, a member, a template and a job, each as others do at the same moment; return their keys."""
    loading_rules.ROWS_PER_TRANSACTION = 10
    with itagflow.open(url) as flow:
        StartTogether.barrier.wait(60)
        street = flow.workspaces.create("street", admin="ada", exist_ok=True)
        StartTogether.barrier.wait(60)
        ben = flow.members.add(street, "ben", Role.OPERATOR, by="ada", exist_ok=True)
        StartTogether.barrier.wait(60)
        cats = itagflow.templates.image_classification(["cat", "dog"])
        asked = flow.templates.add(street, cats, name="cats", by="ada", exist_ok=True)
        StartTogether.barrier.wait(60)
        job = flow.jobs.create(
            street,
            "cats",
            template="cats",
            data=({"data": {"source": f"{n}.jpg"}} for n in range(300)),
            packaging=itagflow.FixedSize(3),
            by="ada",
            exist_ok=True,
        )
        assert job.state is itagflow.JobState.RUNNING
    return street.id, ben.id, asked.id, job.id
