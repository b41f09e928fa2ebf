"""``kill -9`` at random moments: what had returned is stored, nothing is half, work goes on.

``ITAGFLOW_KILLS`` says how often; 6 unless set.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import invariants
from support.scenes import rows

import itagflow
from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Choice,
    FixedSize,
    Inspect,
    Job,
    JobState,
    Label,
    Role,
    Stage,
    Workflow,
    templates,
)
from itagflow.model.task import Answer

KILLS = int(os.environ.get("ITAGFLOW_KILLS", "6"))


@pytest.fixture(params=["sqlite", "postgres"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store that outlives processes."""
    return str(
        request.getfixturevalue("postgres_url")
        if request.param == "postgres"
        else tmp_path / "labels.db"
    )


WORKER = """
import random, sys
import itagflow
from itagflow import Choice, Stage

path, job, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
flow = itagflow.open(path)
print("ready", flush=True)

def report(answer):
    chosen = answer.replies["1"].key if answer.replies else "-"
    print("saved", *answer.key, answer.version, chosen, flush=True)

while True:
    member = draw.choice(["ben", "cy"])
    if assignment := flow.claim(member, job, Stage.LABEL):
        for item in flow.tasks(assignment):
            report(flow.save(assignment, item, Choice(draw.choice(["cat", "dog"]))))
        flow.submit(assignment)
        print("submitted", assignment.id, flush=True)
    if assignment := flow.claim("di", job, Stage.INSPECT):
        if draw.random() < 0.4:
            flow.reject(assignment, tasks=[next(flow.tasks(assignment))], comment="again")
        else:
            report(flow.modify(assignment, next(flow.tasks(assignment)), Choice("dog")))
            flow.review(assignment)
        print("reviewed", assignment.id, flush=True)
    if draw.random() < 0.3:
        flow.jobs.append(job, [{"data": {"source": f"{n}.jpg"}} for n in range(7)], by="ada")
        print("appended", flush=True)
"""


def order(path: str) -> Job:
    with itagflow.open(path) as flow:
        home = flow.workspaces.create("street", admin="ada")
        for name in ("ben", "cy", "di"):
            flow.members.add(home, name, Role.OPERATOR, by="ada")
        return flow.jobs.create(
            home,
            "crash",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(40),
            workflow=Workflow(Label(), Inspect(task_share=0.5), Accept()),
            packaging=FixedSize(4),
            workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]},
            by="ada",
        )


def killed_worker(path: str, job: int, seed: int) -> list[list[str]]:
    """Let a worker work for a moment, kill it, and return the lines that it had printed."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, path, str(job), str(seed)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    first = worker.stdout.readline()
    assert first == "ready\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.25))
    worker.send_signal(signal.SIGKILL)
    lines = [
        line.split()
        for line in worker.stdout.read().splitlines(keepends=True)
        if line.endswith("\n")
    ]
    worker.stdout.close()
    assert worker.wait() == -signal.SIGKILL
    return lines


def test_what_had_returned_is_there_after_every_kill(path: str) -> None:
    job = order(path)
    saved: dict[tuple[int, int, int], tuple[int, str]] = {}
    for seed in range(KILLS):
        for line in killed_worker(path, job.id, seed):
            if line[0] == "saved":
                saved[int(line[1]), int(line[2]), int(line[3])] = (int(line[4]), line[5])
        with itagflow.open(path) as flow:
            invariants.check(flow)
            with flow.store.read() as reader:
                for key, (version, word) in saved.items():
                    stored = reader.get(Answer, key)
                    assert stored.version >= version
                    if stored.version == version:
                        assert stored.replies == {"1": Choice(word)}
    assert saved
    with itagflow.open(path) as flow:
        finish(flow, job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert flow.jobs.progress(job).done == flow.jobs.progress(job).total
        invariants.check(flow)


def finish(flow: itagflow.Flow, job: Job) -> None:
    """Do all work that is left; first what is still held by those whose process was killed."""
    for member in ("ben", "cy", "di"):
        for assignment in list(flow.assignments.list(member)):
            if assignment.state is AssignmentState.HELD:
                end(flow, assignment)
    moved = True
    while moved:
        moved = False
        for member, stage in (
            ("ben", Stage.LABEL),
            ("cy", Stage.LABEL),
            ("di", Stage.INSPECT),
            ("ada", Stage.ACCEPT),
        ):
            while assignment := flow.claim(member, job, stage):
                moved = True
                end(flow, assignment)


def end(flow: itagflow.Flow, assignment: Assignment) -> None:
    """Do the work of an assignment."""
    if assignment.stage is Stage.LABEL:
        flow.save_many(assignment, [(item, Choice("cat")) for item in flow.tasks(assignment)])
        flow.submit(assignment)
    elif assignment.stage is Stage.INSPECT:
        for item in flow.tasks(assignment):
            flow.judge(assignment, item)
        flow.review(assignment)
    else:
        flow.accept(assignment)


LOADER = """
import sys
import itagflow
from itagflow import FixedSize, templates
flow = itagflow.open(sys.argv[1])
print("ready", flush=True)
data = ({"data": {"source": f"{n}.jpg"}} for n in range(25_000))
if sys.argv[2] == "-":
    template = templates.image_classification(["cat"])
    small = FixedSize(50)
    flow.jobs.create("street", "big", template=template, data=data, packaging=small, by="ada")
else:
    flow.jobs.load("big", data, by="ada")
"""


def test_loading_goes_on_after_every_kill(path: str) -> None:
    with itagflow.open(path) as flow:
        flow.workspaces.create("street", admin="ada")
    how, loaded = "-", [0]
    for seed in range(max(2, KILLS // 10)):
        loader = subprocess.Popen(
            [sys.executable, "-c", LOADER, path, how], stdout=subprocess.PIPE, text=True
        )
        assert loader.stdout is not None
        loader.stdout.readline()
        time.sleep(random.Random(seed).uniform(0.1, 0.4))
        loader.kill()
        loader.stdout.close()
        loader.wait()
        with itagflow.open(path) as flow:
            if jobs := list(flow.jobs.list("street")):
                how = "load"
                rows_read = flow.jobs.progress(jobs[0]).rows_read
                assert rows_read % 5_000 == 0 or rows_read == 25_000
                assert sum(package.size for package in flow.packages.list(jobs[0])) == rows_read
                assert rows_read >= loaded[-1]
                loaded.append(rows_read)
                if jobs[0].state is not JobState.DRAFT:
                    return
    with itagflow.open(path) as flow:
        if how == "-":
            flow.jobs.create(
                "street",
                "big",
                template=templates.image_classification(["cat"]),
                by="ada",
                draft=True,
            )
        flow.jobs.load("big", ({"data": {"source": f"{n}.jpg"}} for n in range(25_000)), by="ada")
        assert flow.jobs.progress(flow.jobs.publish("big", by="ada")).total == 25_000
        assert sum(1 for _ in flow.results.list("big")) == 25_000
