"""Prints how fast the library is, as ratios to the hand-written limit of the same run.

A ratio of 0.60 means: 60 % of the speed of hand-written ``sqlite3`` that does the same reads and writes.
``--long`` adds a file with a million packages.
"""

import multiprocessing
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from huey import SqliteHuey
from raw import Raw, timed

import itagflow
from itagflow import Accept, Choice, FixedSize, Flow, Job, Label, Stage, Workflow, templates

ROUNDS = 5
SECONDS = 3
GOALS = {"NORMAL": {"claim": 0.60, "save": 0.50, "submit": 0.50, "load": 0.40}, "FULL": {"claim": 0.85}}


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield rows of data."""
    return ({"data": {"source": f"oss://bucket/images/{n:012}.jpg"}} for n in range(count))


def order(flow: Flow, name: str, tasks: int, size: int) -> Job:
    """Make a job of so many tasks."""
    return flow.create_job(
        "bench",
        name,
        template=templates.image_classification(["cat", "dog"]),
        data=rows(tasks),
        workflow=Workflow(Label(), Accept(allow_own_work=True)),
        packaging=FixedSize(size),
        by="ada",
    )


def acts(folder: Path, mode: str) -> None:
    """Compare the hot acts: each round does ours, then the limit's, on jobs of the same size in one file."""
    path = folder / f"{mode}.db"
    times = 100 if mode == "FULL" else 300
    with itagflow.open(f"sqlite:///{path}?synchronous={mode.lower()}") as flow:
        flow.create_workspace("bench", admin="ada")
        ours, limit = (order(flow, name, 50 * times * ROUNDS, 50) for name in ("ours", "limit"))
        (ada,) = flow.members("bench")
        raw = Raw(path, limit.id, ada.id, mode)
        ratios: dict[str, list[float]] = {}
        seconds: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            one_round(flow, ours, raw, times, ratios, seconds)
    for name, found in ratios.items():
        goal = GOALS[mode].get(name)
        each = statistics.median(seconds[name]) * 1e6
        show(mode, name, statistics.median(found), f"{each:9.1f} µs each", f"goal {goal:.2f}" if goal else "")


def one_round(
    flow: Flow, job: Job, raw: Raw, count: int, ratios: dict[str, list[float]], times: dict[str, list[float]]
) -> None:
    """Do *count* of each act, ours and the limit's, and note the ratios."""
    turns, others = list[Any](), list[tuple[int, int]]()

    def note(name: str, ours: float, limit: float, times_each: int) -> None:
        ratios.setdefault(name, []).append(limit / ours)
        times.setdefault(name, []).append(ours / times_each)

    mine = timed(lambda: turns.extend(flow.claim("ada", job, Stage.LABEL) for _ in range(count)))
    theirs = timed(lambda: others.extend(raw.claim() for _ in range(count)))
    note("claim", mine, theirs, count)

    works = list[list[Any]]()
    mine = timed(lambda: works.extend(list(flow.tasks(turn)) for turn in turns))
    theirs = timed(lambda: [raw.tasks(turn) for turn, _ in others])
    note("read 50 tasks", mine, theirs, count)

    few = max(4, count // 25)
    saves = [(turn, work) for turn, found in zip(turns[:few], works, strict=False) for work in found]
    mine = timed(lambda: [flow.save(turn, work, Choice("cat")) for turn, work in saves])
    numbers = [(turn, (package - 1) * 50 + n) for turn, package in others[:few] for n in range(1, 51)]
    theirs = timed(lambda: [raw.save(turn, number, "cat") for turn, number in numbers])
    note("save", mine, theirs, len(saves))

    mine = timed(lambda: [flow.submit(turn) for turn in turns[:few]])
    theirs = timed(lambda: [raw.submit(turn) for turn, _ in others[:few]])
    note("submit", mine, theirs, few)


def loading(folder: Path) -> None:
    """Compare loading 100,000 tasks from mappings."""
    ratios, speeds = list[float](), list[float]()
    for number in range(3):
        path = folder / f"load{number}.db"
        with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
            flow.create_workspace("bench", admin="ada")
            mine = timed(lambda flow=flow: order(flow, "ours", 100_000, 50))
            limit = order(flow, "limit", 1, 50)
            raw = Raw(path, limit.id + 1, 1, "NORMAL")
            theirs = timed(lambda raw=raw: raw.load(rows(100_000), 50))
        ratios.append(theirs / mine)
        speeds.append(100_000 / mine)
    show("NORMAL", "load 100,000", statistics.median(ratios), f"{statistics.median(speeds):9,.0f} rows/s", "goal 0.40")


def flat(folder: Path, sizes: list[int]) -> None:
    """Compare claims with few and with very many packages in the file."""
    first = 0.0
    for size in sizes:
        with itagflow.open(f"sqlite:///{folder}/flat{size}.db?synchronous=normal") as flow:
            flow.create_workspace("bench", admin="ada")
            job = order(flow, "flat", size, 1)
            each = statistics.median(timed(partial(claims, flow, job, 100)) / 100 for _ in range(ROUNDS))
        first = first or each
        show("NORMAL", f"claim of {size:,}", first / each, f"{each * 1e6:9.1f} µs each", "goal 0.85 of the first")


def peer(folder: Path) -> None:
    """Compare a claim with huey's dequeue, which deletes a row and keeps neither holder nor history."""
    queue = SqliteHuey("bench", filename=str(folder / "huey.db"), timeout=60).storage
    for number in range(200 * ROUNDS):
        queue.enqueue(b"%d" % number)
    with itagflow.open(f"sqlite:///{folder}/peer.db?synchronous=normal") as flow:
        flow.create_workspace("bench", admin="ada")
        job = order(flow, "peer", 200 * ROUNDS, 1)
        ours, theirs = list[float](), list[float]()
        for _ in range(ROUNDS):
            ours.append(timed(partial(claims, flow, job, 200)) / 200)
            theirs.append(timed(lambda: [queue.dequeue() for _ in range(200)]) / 200)
    ratio = statistics.median(limit / mine for limit, mine in zip(theirs, ours, strict=True))
    show(
        "NORMAL",
        "claim against huey",
        ratio,
        f"{statistics.median(ours) * 1e6:9.1f} µs each",
        "a peer that keeps no state",
    )


def claims(flow: Flow, job: Job, count: int) -> list[Any]:
    """Claim so many turns."""
    return [flow.claim("ada", job, Stage.LABEL) for _ in range(count)]


def bulk(folder: Path, mode: str) -> None:
    """Compare accepting 1,000 packages in one call with accepting them one by one, in one file."""
    ratios, each = list[float](), list[float]()
    with itagflow.open(f"sqlite:///{folder}/bulk{mode}.db?synchronous={mode.lower()}") as flow:
        flow.create_workspace("bench", admin="ada")
        for number in range(3):
            singly, together = (_to_accept(flow, f"{name}{number}") for name in ("singly", "together"))
            one = timed(lambda turns=singly: [flow.accept(turn) for turn in turns])
            many = timed(lambda turns=together: flow.accept_many(turns))
            ratios.append(one / many)
            each.append(many / 1_000)
    show(
        mode,
        "accept_many of 1,000",
        statistics.median(ratios),
        f"{statistics.median(each) * 1e6:9.1f} µs each",
        "times one by one",
    )


def _to_accept(flow: Flow, name: str) -> list[Any]:
    """Return 1,000 turns that are ready to be accepted."""
    job = order(flow, name, 1_000, 1)
    for turn in flow.claim_many("ada", job, Stage.LABEL, 1_000):
        flow.save(turn, turn.package, Choice("cat"))
        flow.submit(turn)
    return flow.claim_many("ada", job, Stage.ACCEPT, 1_000)


def waits(folder: Path) -> None:
    """Compare the longest wait of eight processes with that of SQLite's busy timeout, all claiming all the time."""
    jobs, people = list[int](), list[int]()
    for name in ("ours", "loop"):
        with itagflow.open(f"sqlite:///{folder}/{name}.db?synchronous=normal") as flow:
            flow.create_workspace("bench", admin="ada")
            jobs.append(order(flow, "waits", 100_000, 1).id)
            people.append(next(flow.members("bench")).id)
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        ours = pool.map(_claims, [(f"{folder}/ours.db", jobs[0])] * 8, 1)
        loop = pool.map(_loop, [(f"{folder}/loop.db", jobs[1], people[1])] * 8, 1)
    mine, theirs = (max(worst for worst, _ in found) for found in (ours, loop))
    done = [sum(count for _, count in found) / SECONDS for found in (ours, loop)]
    show(
        "NORMAL", "longest wait of 8", mine / theirs, f"{mine * 1e3:9.1f} ms", "goal at most 0.25 of the busy timeout's"
    )
    show("NORMAL", "claims/s of 8", done[0] / done[1], f"{done[0]:9,.0f} /s", "of the busy timeout's hand-written ones")


def _claims(given: tuple[str, int]) -> tuple[float, int]:
    path, job = given
    with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
        return _worst(lambda: flow.claim("ada", job, Stage.LABEL))


def _loop(given: tuple[str, int, int]) -> tuple[float, int]:
    path, job, member = given
    raw = Raw(Path(path), job, member, "NORMAL")
    raw.ids = count(10**15 + os.getpid() * 10**9)
    found = _worst(raw.claim)
    raw.connection.close()
    return found


def _worst(act: Any) -> tuple[float, int]:
    """Return the longest time that *act* took in some seconds, and how often it was done."""
    worst, done, end = 0.0, 0, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        worst, done = max(worst, timed(act)), done + 1
    return worst, done


def show(mode: str, name: str, ratio: float, each: str, goal: str) -> None:
    """Print a line of the table."""
    print(f"{mode:7} {name:22} {ratio:5.2f}   {each}   {goal}", flush=True)


def main() -> None:
    """Print the table."""
    print(
        f"SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}; ratio to hand-written, median of {ROUNDS}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("NORMAL", "FULL"):
            acts(Path(folder), mode)
        loading(Path(folder))
        flat(Path(folder), [1_000, 100_000, *([1_000_000] if "--long" in sys.argv else [])])
        peer(Path(folder))
        for mode in ("NORMAL", "FULL"):
            bulk(Path(folder), mode)
        waits(Path(folder))


if __name__ == "__main__":
    main()
