"""A follower of results is killed while others submit and reopen: nothing is lost or comes twice.

``ITAGFLOW_KILLS`` says how often; 6 unless set.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from support import invariants
from support.scenes import cats

import itagflow
from itagflow import Job

KILLS = int(os.environ.get("ITAGFLOW_KILLS", "6"))

FOLLOWER = """
import sqlite3, sys
import itagflow

path, job, copy, timeout = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
file = sqlite3.connect(copy)
(cursor,) = file.execute("SELECT coalesce(max(cursor), '') FROM place").fetchone()
flow = itagflow.open(path)
print("ready", flush=True)
for result in flow.results.follow(job, after=cursor or 0, became=None, timeout=timeout):
    row = (result.task.number, result.became, result.revision, result.cursor)
    with file:  # the result and the place where to go on: both, or none
        file.execute("INSERT INTO result VALUES (?, ?, ?, ?)", row)
        file.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (result.cursor,))
"""

WORKER = """
import random, sys
import itagflow
from itagflow import Choice

path, job, member = sys.argv[1], int(sys.argv[2]), sys.argv[3]
draw = random.Random(member)
flow = itagflow.open(path)
print("ready", flush=True)
done = []
while True:
    assignment = flow.claim(member, job, "label")
    if assignment is None:
        flow.jobs.append(job, [{"data": {"source": "more.jpg"}}] * 20, by="ada")
        continue
    for item in flow.tasks(assignment):
        if draw.random() < 0.2:
            flow.abandon(assignment, item, "dark")
        else:
            flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)
    done.append(assignment.package)
    if draw.random() < 0.2:
        flow.packages.reopen((job, done.pop(draw.randrange(len(done)))), by="ada")
"""


@pytest.fixture(params=["sqlite", "postgres"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store that outlives processes."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return str(tmp_path / "labels.db")


def started(program: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that has told that it is ready."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str], *, kill: bool) -> None:
    if kill:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == (-signal.SIGKILL if kill else 0)


def order(path: str) -> Job:
    with itagflow.open(path) as flow:
        return cats(flow, tasks=300, size=3)


def test_a_follower_that_is_killed_loses_and_doubles_nothing(path: str, tmp_path: Path) -> None:
    job, copy = order(path), tmp_path / "copy.db"
    with closing(sqlite3.connect(copy)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute(
            "CREATE TABLE result (task INTEGER, became TEXT, revision INTEGER, cursor TEXT)"
        )
        file.execute("CREATE TABLE place (id INTEGER PRIMARY KEY, cursor TEXT)")
    workers = [started(WORKER, path, job.id, member) for member in ("ben", "cy")]
    try:
        for seed in range(KILLS):
            follower = started(FOLLOWER, path, job.id, copy, 60)
            time.sleep(random.Random(seed).uniform(0.0, 0.3))
            ended(follower, kill=True)
    finally:
        for worker in workers:
            ended(worker, kill=True)
    ended(started(FOLLOWER, path, job.id, copy, 0.5), kill=False)
    with closing(sqlite3.connect(copy)) as file:
        rows = file.execute("SELECT task, became, revision, cursor FROM result").fetchall()
    with itagflow.open(path) as flow:
        invariants.check(flow)
        results = list(flow.results.list(job))
    assert [row for row, times in Counter(row[:3] for row in rows).items() if times > 1] == []
    last = {task: (became, revision) for task, became, revision, _ in rows}
    assert last == {r.task.number: (r.became, r.revision) for r in results if r.revision}
    assert len(rows) > KILLS
