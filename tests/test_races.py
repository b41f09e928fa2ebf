"""Many at once: nobody is handed the same turn twice, nothing is lost, nobody sees a locked database."""

from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from pathlib import Path

import pytest
from scenes import rows
from workers import claim_all, claim_in_process, finish_in_process

import itagflow
from itagflow import Accept, Choice, FixedSize, Flow, Job, JobState, Label, Role, Stage, Workflow, templates

SPAWN = multiprocessing.get_context("spawn")


def crowd(flow: Flow, packages: int, people: int, votes: int) -> Job:
    home = flow.create_workspace("street", admin="ada")
    names = [f"p{number}" for number in range(people)]
    for name in names:
        flow.add_member(home, name, Role.OPERATOR, by="ada")
    workflow = Workflow(Label(votes=votes, min_votes=(votes + 1) // 2), Accept()) if votes > 1 else Workflow(Label())
    return flow.create_job(
        home,
        "crowd",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(packages),
        workflow=workflow,
        packaging=FixedSize(1),
        workforce={Stage.LABEL: names, **({Stage.ACCEPT: ["ada"]} if votes > 1 else {})},
        by="ada",
    )


def check(flow: Flow, job: Job, claimed: list[list[tuple[int, int]]], packages: int, votes: int) -> None:
    turns = [turn for one in claimed for turn, _ in one]
    given = Counter(package for one in claimed for _, package in one)
    assert len(set(turns)) == len(turns)
    assert given == dict.fromkeys(range(1, packages + 1), votes)
    assert all(len({package for _, package in one}) == len(one) for one in claimed), "somebody votes twice"
    assert {package.free for package in flow.packages(job)} == {0}


@pytest.mark.parametrize("votes", [1, 3])
def test_eight_processes_claim_from_one_file(tmp_path: Path, votes: int) -> None:
    packages = 4_000
    with itagflow.open(f"sqlite:///{tmp_path}/labels.db?synchronous=normal") as flow:
        job = crowd(flow, packages, 8, votes)
        with SPAWN.Pool(8) as pool:
            people = [(f"{tmp_path}/labels.db", job.id, f"p{number}") for number in range(8)]
            claimed = pool.map(claim_in_process, people, chunksize=1)
        check(flow, job, claimed, packages, votes)


@pytest.mark.parametrize("votes", [1, 3])
def test_eight_threads_claim_from_memory(votes: int) -> None:
    with itagflow.open("memory:") as flow:
        job = crowd(flow, 4_000, 8, votes)
        claimed: list[list[tuple[int, int]]] = []

        def work(name: str) -> None:
            claimed.append(claim_all(flow, job.id, name))

        threads = [threading.Thread(target=work, args=(f"p{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(claimed) == 8
        check(flow, job, claimed, 4_000, votes)


def test_the_last_of_many_finishes_the_job(tmp_path: Path) -> None:
    with itagflow.open(f"sqlite:///{tmp_path}/labels.db?synchronous=normal") as flow:
        job = crowd(flow, 200, 4, 1)
        with SPAWN.Pool(4) as pool:
            done = pool.map(finish_in_process, [(f"{tmp_path}/labels.db", job.id, f"p{n}") for n in range(4)], 1)
        assert sum(done) == 200
        assert flow.job(job).state is JobState.FINISHED
        assert flow.progress(job).done == 200
        finished = [e for e in flow.history(job) if any(m.kind == "job" and m.after == "finished" for m in e.changes)]
        assert len(finished) == 1


def test_a_save_and_an_expire_do_not_both_win(tmp_path: Path) -> None:
    """Whoever comes second is told; never is an answer saved in a turn that was taken away before."""
    from datetime import timedelta

    from scenes import Clock

    clock = Clock()
    with itagflow.open(str(tmp_path / "labels.db"), clock=clock) as flow:
        home = flow.create_workspace("street", admin="ada")
        job = flow.create_job(
            home,
            "one",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(30),
            workflow=Workflow(Label(lease=timedelta(minutes=1))),
            packaging=FixedSize(1),
            by="ada",
        )
        turns = [flow.claim("ada", job, Stage.LABEL) for _ in range(30)]
        clock.forward(minutes=2)
        outcomes: list[bool] = []

        def save() -> None:
            for turn in turns:
                try:
                    flow.save(turn, turn.package, Choice("cat"))
                    outcomes.append(True)
                except itagflow.NotHeld:
                    outcomes.append(False)

        saver = threading.Thread(target=save)
        saver.start()
        returned = flow.expire(job, by="ada")
        saver.join()
        assert len(outcomes) == 30
        assert outcomes.count(False) == len(returned)
