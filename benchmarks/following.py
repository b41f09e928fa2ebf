"""How soon a result reaches another process: `results.follow` beside a bare NOTIFY, or a bare poll.

``python -m benchmarks.following [NORMAL FULL PG]``, all three unless named.  One process claims,
saves and submits packages of one item, one every few hundredths of a second; another one follows
the results.  In turn with each submission the first process stores a row by hand, for which a third
one waits: by LISTEN on PostgreSQL, and on SQLite by a query every 10 milliseconds, as often as the
library looks.  Times are from when the submission, or the commit by hand, has returned, to when the
other process has the result, or the row; a time below zero came before it had returned.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg

import itagflow
from benchmarks.appends import databases
from benchmarks.shared.databases import Database
from benchmarks.shared.jobs import rows
from itagflow import Choice, FixedSize, Flow, Job, Stage, Workflow, maintenance, templates

ITEMS = 1_000
PAUSE = 0.02
"""About how many seconds are between two submissions: for each it differs by half."""
POLL = 0.01
DATABASES = ("NORMAL", "FULL", "PG")
TABLE = "CREATE TABLE bare (number INTEGER PRIMARY KEY)"

Times = Mapping[int, float]
"""When each item was stored, or had arrived, by a clock that all processes share."""


def follow(url: str, job: int, items: int, ready: Barrier) -> Times:
    """Follow the results of so many tasks."""
    with itagflow.open(url) as flow:
        arrived = dict[int, float]()
        results = flow.results.follow(job, timeout=60)
        ready.wait()
        for result in results:
            arrived[result.task.number] = time.monotonic()
            if len(arrived) == items:
                break
    return arrived


def listen(url: str, items: int, ready: Barrier) -> Times:
    """Wait for as many notifications of the table that is written by hand."""
    arrived = dict[int, float]()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN bare")
        ready.wait()
        for notification in connection.notifies(timeout=60):
            arrived[int(notification.payload)] = time.monotonic()
            if len(arrived) == items:
                break
    return arrived


def poll(path: str, items: int, ready: Barrier) -> Times:
    """Ask the table that is written by hand again and again, until it has so many rows."""
    arrived = dict[int, float]()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        ready.wait()
        last = 0
        while last < items:
            for (number,) in connection.execute(
                "SELECT number FROM bare WHERE number > ?", (last,)
            ):
                arrived[number] = time.monotonic()
                last = number
            time.sleep(POLL)
    return arrived


def open_bare(url: str, path: str, stack: ExitStack) -> Callable[[int], object]:
    """Return what stores a row by hand, and tells of it where the database can."""
    if url.startswith("postgresql"):
        server = stack.enter_context(psycopg.connect(url, autocommit=True))
        server.execute(TABLE)

        def store_and_notify(number: int) -> None:
            with server.transaction():
                server.execute("INSERT INTO bare VALUES (%s)", (number,))
                server.execute("SELECT pg_notify('bare', %s)", (str(number),))

        return store_and_notify
    file = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
    file.execute("PRAGMA journal_mode = WAL")
    file.execute(TABLE)
    return lambda number: file.execute("INSERT INTO bare VALUES (?)", (number,))


def label(flow: Flow, job: Job) -> tuple[int, float]:
    """Label one item, and return its number, and when the submission had returned."""
    assignment = flow.claim("ada", job, Stage.LABEL)
    assert assignment, "there are too few packages"
    (item,) = flow.tasks(assignment)
    flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)
    return item.task.number, time.monotonic()


def create_job(flow: Flow, items: int) -> Job:
    """Make a job of packages of one item."""
    return flow.jobs.create(
        "bench",
        "queue",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(items + 1),
        workflow=Workflow(),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ada"]},
        by="ada",
    )


def compare(database: Database, items: int, pause: float) -> None:
    """Print how soon results, and rows by hand, have arrived."""
    context = multiprocessing.get_context("spawn")
    draw = random.Random(1)
    with ExitStack() as stack:
        flow, url = stack.enter_context(database.open("following"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        job, path = create_job(flow, items), f"{folder}/bare.db"
        store = open_bare(url, path, stack)
        manager = stack.enter_context(context.Manager())
        pool = stack.enter_context(context.Pool(2))
        ready: Any = manager.Barrier(3)
        following = pool.apply_async(follow, (url, job.id, items, ready))
        waits: Any = (listen, (url, items, ready))
        if not url.startswith("postgresql"):
            waits = (poll, (path, items, ready))
        waiting = pool.apply_async(*waits)
        ready.wait()
        submitted, stored = dict[int, float](), dict[int, float]()
        for number in range(1, items + 1):
            task, at = label(flow, job)
            submitted[task] = at
            time.sleep(draw.uniform(0.5, 1.5) * pause / 2)
            store(number)
            stored[number] = time.monotonic()
            time.sleep(draw.uniform(0.5, 1.5) * pause / 2)
        by_follow = _subtract(following.get(), submitted)
        by_hand = _subtract(waiting.get(), stored)
        assert not list(maintenance.verify(flow, job)), "the job is not sound"
    bare = "bare NOTIFY" if waits[0] is listen else "bare poll"
    print(f"{database.name}: submit to results.follow: {_describe(by_follow)}")
    print(f"{database.name}: commit to {bare}: {_describe(by_hand)}", flush=True)


def _subtract(arrived: Times, stored: Times) -> list[float]:
    assert arrived.keys() == stored.keys(), "something is lost"
    return [arrived[number] - at for number, at in stored.items()]


def _describe(seconds: Sequence[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    median, last = statistics.median(seconds), cuts[98]
    return f"median {median * 1e3:.2f} ms, p99 {last * 1e3:.2f} ms, longest {max(seconds) * 1e3:.2f} ms"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", help="all unless named")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--pause", type=float, default=PAUSE)
    asked = parser.parse_args()
    with ExitStack() as outer:
        for each in databases(asked.databases or list(DATABASES), outer):
            compare(each, asked.items, asked.pause)
