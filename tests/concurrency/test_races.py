"""Many at once: nobody is handed the same assignment twice, nothing is lost, nobody sees a locked database.

``ITAGFLOW_PROCESSES`` and ``ITAGFLOW_PACKAGES`` say how many; 4 and 250 unless set.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from support import invariants
from support.scenes import Clock, rows
from support.workers import PEOPLE, claim_all, claim_in_process, finish_in_process, wander

import itagflow
from itagflow import (
    Accept,
    Choice,
    FixedSize,
    Flow,
    Inspect,
    Job,
    JobState,
    Label,
    Role,
    Stage,
    Workflow,
    templates,
)

SPAWN = multiprocessing.get_context("spawn")
PROCESSES = int(os.environ.get("ITAGFLOW_PROCESSES", "4"))
PACKAGES = int(os.environ.get("ITAGFLOW_PACKAGES", "250"))


def crowd(flow: Flow, packages: int, people: int, votes: int) -> Job:
    home = flow.workspaces.create("street", admin="ada")
    names = [f"p{number}" for number in range(people)]
    for name in names:
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    workflow = (
        Workflow(Label(votes=votes, min_votes=(votes + 1) // 2), Accept())
        if votes > 1
        else Workflow(Label())
    )
    return flow.jobs.create(
        home,
        "crowd",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(packages),
        workflow=workflow,
        packaging=FixedSize(1),
        workforce={Stage.LABEL: names, **({Stage.ACCEPT: ["ada"]} if votes > 1 else {})},
        by="ada",
    )


def check(
    flow: Flow, job: Job, claimed: list[list[tuple[int, int]]], packages: int, votes: int
) -> None:
    assignments = [assignment for one in claimed for assignment, _ in one]
    given = Counter(package for one in claimed for _, package in one)
    assert len(set(assignments)) == len(assignments)
    assert given == dict.fromkeys(range(1, packages + 1), votes)
    assert all(len({package for _, package in one}) == len(one) for one in claimed), (
        "somebody votes twice"
    )
    assert {package.free for package in flow.packages.list(job)} == {0}


@pytest.fixture(params=["sqlite", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store that processes share."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/labels.db?synchronous=normal"


@pytest.mark.parametrize("votes", [1, 3])
def test_many_processes_claim_from_one_store(shared_url: str, votes: int) -> None:
    with itagflow.open(shared_url) as flow:
        job = crowd(flow, PACKAGES, PROCESSES, votes)
        with SPAWN.Pool(PROCESSES) as pool:
            people = [(shared_url, job.id, f"p{number}") for number in range(PROCESSES)]
            claimed = pool.map(claim_in_process, people, chunksize=1)
        check(flow, job, claimed, PACKAGES, votes)


@pytest.mark.parametrize("votes", [1, 3])
def test_eight_threads_claim_from_memory(votes: int) -> None:
    with itagflow.open("memory:") as flow:
        job = crowd(flow, 2 * PACKAGES, 8, votes)
        claimed: list[list[tuple[int, int]]] = []

        def work(name: str) -> None:
            claimed.append(claim_all(flow, job.id, name))

        threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(claimed) == 8
        check(flow, job, claimed, 2 * PACKAGES, votes)


def test_the_last_of_many_finishes_the_job(shared_url: str) -> None:
    with itagflow.open(shared_url) as flow:
        job = crowd(flow, 80, 4, 1)
        with SPAWN.Pool(4) as pool:
            done = pool.map(finish_in_process, [(shared_url, job.id, f"p{n}") for n in range(4)], 1)
        assert sum(done) == 80
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert flow.jobs.progress(job).done == 80
        finished = [
            e
            for e in flow.events.list(job)
            if any(m.kind == "job" and m.after == "finished" for m in e.changes)
        ]
        assert len(finished) == 1


@pytest.mark.parametrize("votes", [1, 2])
def test_anything_at_once_fails_nowhere_and_breaks_nothing(shared_url: str, votes: int) -> None:
    """Every verb by everybody: they wait for each other, never for ever, and nobody is told of a lost race."""
    with itagflow.open(shared_url) as flow:
        home = flow.workspaces.create("street", admin="ada")
        for name in PEOPLE:
            flow.members.add(home, name, Role.OPERATOR, by="ada")
        workflow = Workflow(
            Label(votes=votes, limit=3, lease=timedelta(milliseconds=200)),
            Inspect(limit=2, allow_own_work=True),
            Accept(),
        )
        job = flow.jobs.create(
            home,
            "all",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(16),
            workflow=workflow,
            packaging=FixedSize(2),
            workforce=dict.fromkeys(workflow.stages, PEOPLE),
            by="ada",
        )
        with SPAWN.Pool(PROCESSES) as pool:
            given = [
                (shared_url, job.id, PEOPLE[seed % len(PEOPLE)], seed) for seed in range(PROCESSES)
            ]
            done = sum(map(Counter, pool.map(wander, given, 1)), Counter[str]())
        assert done["work"] > 0
        invariants.check(flow)


def test_a_save_and_an_expire_do_not_both_win(tmp_path: Path) -> None:
    """Whoever comes second is told; never is an answer saved in an assignment that was taken away before."""
    clock = Clock()
    with itagflow.open(str(tmp_path / "labels.db"), clock=clock) as flow:
        home = flow.workspaces.create("street", admin="ada")
        job = flow.jobs.create(
            home,
            "one",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(30),
            workflow=Workflow(Label(lease=timedelta(minutes=1))),
            packaging=FixedSize(1),
            by="ada",
        )
        assignments = [flow.claim("ada", job, Stage.LABEL) for _ in range(30)]
        clock.forward(minutes=2)
        outcomes: list[bool] = []

        def save() -> None:
            for assignment in assignments:
                try:
                    flow.save(assignment, assignment.package, Choice("cat"))
                    outcomes.append(True)
                except itagflow.NotHeld:
                    outcomes.append(False)

        saver = threading.Thread(target=save)
        saver.start()
        returned = flow.assignments.expire(job, by="ada")
        saver.join()
        assert len(outcomes) == 30
        assert outcomes.count(False) == len(returned)
