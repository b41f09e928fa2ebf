"""Random queues in every order: each claim gets what a sorted list says, and nothing is left out."""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from support.scenes import START, Clock, cats, labeled, taken

import itagflow
from itagflow import Flow, Inspect, Job, Label, Stage, Workflow
from itagflow.claiming import queue
from itagflow.claiming.decision import ClaimPlace
from itagflow.core.locking import lock_packages
from itagflow.model.job import QueueOrder
from itagflow.model.package import Package, PackageState
from itagflow.storage.port import Query

NEVER = datetime.max.replace(tzinfo=START.tzinfo)
ORDERS = (None, *QueueOrder)
SEEDS = range(8)
PEOPLE = ("ben", "cy")
MINUTES = (1, 90)


def rank(package: Package, order: QueueOrder | None) -> tuple[Any, ...]:
    """What comes first is least."""
    due = package.due or NEVER
    if order is QueueOrder.DUE:
        return (due, -package.priority, package.waiting_since, package.number)
    if order is QueueOrder.OLDEST:
        return (package.waiting_since, -package.priority, due, package.number)
    if order is QueueOrder.RANDOM:
        return (package.number,)
    return (-package.priority, due, package.waiting_since, package.number)


def make_job(flow: Flow, clock: Clock, tasks: int, workflow: Workflow) -> Job:
    """A job with a package for each task, and acts at all moments since when `mix` lets them wait.

    A queue's cursor is at such a moment: `verify` looks.
    """
    job = cats(flow, tasks=tasks, size=1, workflow=workflow)
    for minutes in MINUTES:
        clock.now = START + timedelta(minutes=minutes)
        flow.jobs.update(job, remark=f"after {minutes} minutes", by="ada")
    return job


def mix(flow: Flow, job: Job, source: random.Random) -> None:
    """Give the waiting packages priorities, due times and ages, of which many are equal."""
    packages = stored(flow, job)
    with flow._engine.transaction() as transaction:
        for package in packages:
            transaction.replace(
                transaction.lock(Package, package.key),
                attrs.evolve(
                    package,
                    priority=source.choice((0, 0, 0, -0.5, -1, 0.1, 2**53, -(2**53))),
                    due=source.choice((None, None, START, START + timedelta(hours=1))),
                    waiting_since=START + timedelta(minutes=source.choice((0, 0, *MINUTES))),
                ),
            )


def stored(flow: Flow, job: Job) -> list[Package]:
    """The packages of a job, by number."""
    with flow.store.read() as reader:
        return list(reader.find(Query(Package, {"job": job.id}, order=("number",))))


def make_expected(
    flow: Flow, job: Job, member: str, order: QueueOrder | None, labeled_before: set[int]
) -> list[int]:
    """The numbers of what a member may take from the queue, the first one first."""
    waiting = [
        package
        for package in stored(flow, job)
        if package.state is PackageState.LABEL and package.waiting
    ]
    numbers = list[int]()
    for again in (False, True):
        some = [p for p in waiting if (p.number in labeled_before) is again]
        begin = find_begin(flow, job, member) if not again else 0
        some.sort(key=lambda p: (p.number < begin, rank(p, order)))
        numbers += [package.number for package in some]
    return numbers


def find_start(flow: Flow, job: Job, account: str) -> queue.QueueStart:
    member = flow.members.get("street", account)
    place = ClaimPlace(job, member, Stage.LABEL, flow._engine.now())
    with flow.store.read() as reader:
        return queue.find_start(reader, place)


def find_begin(flow: Flow, job: Job, account: str) -> int:
    """The number that was drawn for a random order; 0 in every other one."""
    return find_start(flow, job, account).number


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_one_vote_also_after_a_reject(
    flow: Flow, clock: Clock, order: QueueOrder | None, seed: int
) -> None:
    source = random.Random(f"{order}/{seed}")
    workflow = Workflow(Label(order=order, rework="queue"), Inspect())
    job = make_job(flow, clock, 9, workflow)
    mix(flow, job, source)
    before: dict[str, set[int]] = {name: set() for name in PEOPLE}
    for _ in range(6):
        name = source.choice(PEOPLE)
        before[name].add(labeled(flow, name, job).package)
    for _ in range(source.randrange(6)):
        flow.reject(taken(flow, "di", job, Stage.INSPECT), comment="again", whole=True)
    mix(flow, job, source)
    while True:
        name = source.choice(PEOPLE)
        expected = make_expected(flow, job, name, order, before[name])
        claimed = flow.claim(name, job, Stage.LABEL)
        assert (claimed.package if claimed else None) == (expected[0] if expected else None)
        if claimed is None:
            break
    assert not [p for p in stored(flow, job) if p.state is PackageState.LABEL and p.waiting]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_votes(flow: Flow, clock: Clock, order: QueueOrder | None, seed: int) -> None:
    source = random.Random(f"{order}/{seed}")
    workflow = Workflow(Label(order=order, votes=2), Inspect())
    job = make_job(flow, clock, 7, workflow)
    mix(flow, job, source)
    claimed: dict[str, list[int]] = {name: [] for name in PEOPLE}
    for _ in range(14 + 4):
        name = source.choice([name for name in PEOPLE if len(claimed[name]) < 7] or PEOPLE)
        expected = [
            number
            for number in make_expected(flow, job, name, order, set())
            if number not in claimed[name]
        ]
        assignment = flow.claim(name, job, Stage.LABEL)
        assert (assignment.package if assignment else None) == (expected[0] if expected else None)
        if assignment is not None:
            claimed[name].append(assignment.package)
        if source.random() < 0.2:
            mix(flow, job, source)
    assert {name: sorted(numbers) for name, numbers in claimed.items()} == {
        name: list(range(1, 8)) for name in PEOPLE
    }


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_many_at_once(flow: Flow, clock: Clock, order: QueueOrder | None, seed: int) -> None:
    source = random.Random(f"{order}/{seed}")
    job = make_job(flow, clock, 9, Workflow(Label(order=order)))
    mix(flow, job, source)
    expected = make_expected(flow, job, "ben", order, set())
    claimed = flow.claim_many("ben", job, Stage.LABEL, 20)
    assert [assignment.package for assignment in claimed] == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_others_have_locked_is_passed_over(
    flow: Flow, clock: Clock, order: QueueOrder | None, seed: int
) -> None:
    source = random.Random(f"{order}/{seed}")
    job = make_job(flow, clock, 9, Workflow(Label(order=order)))
    mix(flow, job, source)
    locked = set(source.sample(range(1, 10), 4))
    member = flow.members.get("street", "ben")
    start = find_start(flow, job, "ben")
    expected = [n for n in make_expected(flow, job, "ben", order, set()) if n not in locked]
    # what `Writer.lock_first` does of each query, without another program that locks
    found = list[int]()
    with flow.store.read() as reader:
        for query in queue.query_next_package(reader, job, member, Stage.LABEL, start):
            for package in reader.find(attrs.evolve(query, limit=None)):
                if package.number not in {*locked, *found}:
                    found.append(package.number)
    assert found == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(3))
def test_postgres_passes_over_what_others_have_locked(
    postgres_url: str, clock: Clock, order: QueueOrder | None, seed: int
) -> None:
    source = random.Random(f"{order}/{seed}")
    with itagflow.open(postgres_url, clock=clock) as flow:
        job = make_job(flow, clock, 9, Workflow(Label(order=order)))
        mix(flow, job, source)
        with held_elsewhere(flow, job, source.sample(range(1, 10), 4)) as locked:
            claim_in_order(flow, job, order, locked)
        claim_in_order(flow, job, order, set())
        assert flow.claim("ben", job, Stage.LABEL) is None
        assert not any(package.waiting for package in stored(flow, job))


@contextmanager
def held_elsewhere(flow: Flow, job: Job, numbers: Iterable[int]) -> Iterator[set[int]]:
    """Packages that another thread has locked, as a claim of somebody else does."""
    locked, is_held, is_over = set(numbers), threading.Event(), threading.Event()

    def hold() -> None:
        with flow._engine.transaction() as transaction:
            lock_packages(transaction, ((job.id, number) for number in sorted(locked)))
            is_held.set()
            assert is_over.wait(60)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold)
        try:
            assert is_held.wait(60)
            yield locked
        finally:
            is_over.set()
            held.result(60)


def claim_in_order(flow: Flow, job: Job, order: QueueOrder | None, locked: Collection[int]) -> None:
    """Claim all that is not locked, and compare each claim with the sorted list."""
    while True:
        expected = make_expected(flow, job, "ben", order, set())
        allowed = [number for number in expected if number not in locked]
        if not allowed:
            return
        claimed = flow.claim("ben", job, Stage.LABEL)
        assert claimed is not None
        assert claimed.package == allowed[0]


@pytest.mark.parametrize("order", ORDERS)
def test_a_claim_waits_for_what_others_have_locked_before_it_says_that_there_is_nothing(
    postgres_url: str, clock: Clock, order: QueueOrder | None
) -> None:
    with itagflow.open(postgres_url, clock=clock) as flow, ThreadPoolExecutor(1) as pool:
        job = make_job(flow, clock, 3, Workflow(Label(order=order)))
        with held_elsewhere(flow, job, range(1, 4)):
            claimed = pool.submit(flow.claim, "ben", job, Stage.LABEL)
            with pytest.raises(TimeoutError):
                claimed.result(0.5)
        assert claimed.result(60) is not None
