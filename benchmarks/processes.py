"""Eight processes that claim all the time, beside eight that do it by hand; and task queues that people know."""

import asyncio
import multiprocessing
import secrets
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import procrastinate
from huey import SqliteHuey

import itagflow
from benchmarks.shared.databases import Database, database_named
from benchmarks.shared.jobs import ada, claims, create_job
from benchmarks.shared.timing import show, timed
from itagflow import Stage

PROCESSES, SECONDS, ROUNDS = 8, 3, 3
Found = tuple[float, int]
"""The longest that one claim took, in seconds, and how many there were."""


def _everywhere(work: Callable[[Any], Found], given: list[Any]) -> tuple[float, float]:
    """Do *work* in eight processes, and return the longest claim and the claims per second of all."""
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(work, given, 1)
    return max(worst for worst, _ in found), sum(count for _, count in found) / SECONDS


def _busy(act: Callable[[], object]) -> Found:
    """Return the longest time that *act* took in some seconds, and how often it was done."""
    worst, done, end = 0.0, 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        worst, done = max(worst, timed(act)), done + 1
    return worst, done


def _ours(given: tuple[str, int]) -> Found:
    with itagflow.open(given[0]) as flow:
        flow.claim("ada", given[1], Stage.LABEL)
        return _busy(lambda: flow.claim("ada", given[1], Stage.LABEL))


def _by_hand(given: tuple[str, str, int, int]) -> Found:
    name, *where = given
    raw = database_named(name).raw(*where)
    raw.ids = iter(lambda: secrets.randbits(62), 0)
    raw.claim()
    found = _busy(raw.claim)
    raw.close()
    return found


def _compared(database: Database) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the longest claim and the rate of ours, and of those by hand, in databases of their own."""
    with database.open("ours") as (flow, url):
        ours = _everywhere(_ours, [(url, create_job(flow, "crowd", 100_000, 1).id)] * PROCESSES)
    with database.open("by hand") as (flow, url):
        job = create_job(flow, "crowd", 100_000, 1).id
        return ours, _everywhere(_by_hand, [(database.name, url, job, ada(flow))] * PROCESSES)


def longest_wait(database: Database) -> None:
    """Compare the longest wait with that of SQLite's busy timeout."""
    ours, theirs = _compared(database)
    wait = f"{ours[0] * 1e3:,.1f} ms"
    show(
        database.name,
        "longest wait of 8",
        ours[0] / theirs[0],
        wait,
        "goal at most 0.25 of the busy timeout's",
    )


def throughput(database: Database) -> None:
    """Compare how much eight processes get done."""
    found = [_compared(database) for _ in range(ROUNDS)]
    ratio = statistics.median(ours / theirs for (_, ours), (_, theirs) in found)
    rate = statistics.median(ours for (_, ours), _ in found)
    show(
        database.name,
        "claims/s of 8",
        ratio,
        f"{rate:,.0f} /s",
        "goal 0.70" if database.name == "PG" else "",
    )


def peers(sqlite: Database, postgres: Database, folder: str) -> None:
    """Compare with task queues: huey on SQLite, and procrastinate on PostgreSQL."""
    _huey(sqlite, folder)
    _procrastinate(postgres)


def _huey(database: Database, folder: str) -> None:
    """Compare a claim with huey's dequeue, which deletes a row and keeps neither holder nor history."""
    queue = SqliteHuey("bench", filename=str(Path(folder) / "huey.db"), timeout=60).storage
    for number in range(200 * ROUNDS):
        queue.enqueue(b"%d" % number)
    with database.open("huey") as (flow, _):
        job = create_job(flow, "peer", 200 * ROUNDS, 1)
        ours, theirs = list[float](), list[float]()
        for _ in range(ROUNDS):
            ours.append(timed(partial(claims, flow, job, 200)) / 200)
            theirs.append(timed(lambda: [queue.dequeue() for _ in range(200)]) / 200)
    ratio = statistics.median(limit / mine for limit, mine in zip(theirs, ours, strict=True))
    each = f"{statistics.median(ours) * 1e6:,.1f} µs each"
    show(database.name, "claim against huey", ratio, each, "a peer that keeps no state")


def _procrastinate(database: Database) -> None:
    """Compare the claims of eight processes with procrastinate's, which hands out jobs on PostgreSQL."""
    ratios, rates = list[float](), list[float]()
    for number in range(ROUNDS):
        url = database.new(f"procrastinate{number}")
        app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=url))
        with app.open():
            app.schema_manager.apply_schema()
            app.configure_task("bench").batch_defer(*({"n": n} for n in range(20_000)))
        _, theirs = _everywhere(_fetch, [url] * PROCESSES)
        with database.open("ours") as (flow, ours_url):
            job = create_job(flow, "crowd", 100_000, 1).id
            _, ours = _everywhere(_ours, [(ours_url, job)] * PROCESSES)
        ratios.append(ours / theirs)
        rates.append(ours)
    show(
        database.name,
        "8 against procrastinate",
        statistics.median(ratios),
        f"{statistics.median(rates):,.0f} /s",
        "goal 2.3 times as many",
    )


def _fetch(url: str) -> Found:
    return asyncio.run(_fetching(url))


async def _fetching(url: str) -> Found:
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=1)
    )
    async with app.open_async():
        worker = await app.job_manager.register_worker()
        worst, done, end = 0.0, 0, time.perf_counter() + SECONDS
        while (begin := time.perf_counter()) < end:
            if await app.job_manager.fetch_job(queues=None, worker_id=worker) is None:
                raise LookupError("nothing is left to fetch")
            worst, done = max(worst, time.perf_counter() - begin), done + 1
        return worst, done
