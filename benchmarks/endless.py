"""Prints what a queue of one-item packages costs: a small one beside a large one, and idle and busy again and again.

``python -m benchmarks.endless [NORMAL PG]``, NORMAL unless named; ``--cycles 0`` leaves the cycles out.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import itagflow
from benchmarks.appends import databases
from benchmarks.shared.databases import Database
from itagflow import Choice, Flow, Job, Role, Stage, templates

SMALL, LARGE = 1_000, 1_000_000
CYCLES = 10_000
ROUNDS = 300


def open_queue(flow: Flow, tasks: int) -> Job:
    """Order a job that never ends by itself, with so many tasks that wait in packages of their own."""
    home = flow.workspaces.create("bench", admin="ada")
    flow.members.add(home, "ben", Role.OPERATOR, by="ada")
    job = flow.jobs.create(
        home,
        "queue",
        template=templates.image_classification(["cat", "dog"]),
        packaging=itagflow.FixedSize(1),
        workforce={Stage.LABEL: ["ben"]},
        row_key="source",
        by="ada",
    )
    flow.jobs.append(job, ({"source": f"{n}.jpg"} for n in range(tasks)), by="ada")
    return job


def work(flow: Flow, job: Job, times: dict[str, list[float]], name: str, after: str | int) -> str:
    """Add an item, work on what comes first, look up and follow; note what each took.

    Returns:
        Where the follower goes on.
    """

    def timed(act: str, call: Callable[[], object]) -> object:
        begin = time.perf_counter()
        made = call()
        times.setdefault(act, []).append(time.perf_counter() - begin)
        return made

    timed("add", lambda: flow.jobs.add(job, {"source": name}, by="ada"))
    timed("add again", lambda: flow.jobs.add(job, {"source": name}, by="ada"))
    assignment = timed("claim", lambda: flow.claim("ben", job, Stage.LABEL))
    assert isinstance(assignment, itagflow.Assignment)
    (item,) = flow.tasks(assignment)
    timed("save", lambda: flow.save(assignment, item, Choice("cat")))
    timed("submit", lambda: flow.submit(assignment))
    timed("by key", lambda: flow.results.get(job, key=name))
    timed("queue", lambda: flow.jobs.queue(job))
    timed("progress", lambda: flow.jobs.progress(job))
    result = timed("follow", lambda: next(flow.results.follow(job, after=after, timeout=0)))
    assert isinstance(result, itagflow.Result)
    return result.cursor


def measure(url: str, tasks: int, rounds: int) -> dict[str, float]:
    """Return the median seconds of each act in a queue of so many tasks."""
    times: dict[str, list[float]] = {}
    with itagflow.open(url) as flow:
        job = open_queue(flow, tasks)
        cursor: str | int = 0
        for n in range(rounds):
            cursor = work(flow, job, times, f"new-{n}.jpg", cursor)
    return {act: statistics.median(each) for act, each in times.items()}


def repeat(url: str, cycles: int) -> None:
    """Let a queue become busy and idle so many times, and print the first and the last times."""
    with itagflow.open(url) as flow:
        job, times = open_queue(flow, 0), list[float]()
        cursor: str | int = 0
        for n in range(cycles):
            begin = time.perf_counter()
            cursor = work(flow, job, {}, f"{n}.jpg", cursor)
            times.append(time.perf_counter() - begin)
        progress = flow.jobs.progress(job)
        assert progress.is_idle
        assert progress.done == cycles
        assert flow.jobs.get(job).state is itagflow.JobState.RUNNING
    tenth = max(1, cycles // 10)
    first, last = statistics.median(times[:tenth]), statistics.median(times[-tenth:])
    print(
        f"{cycles:,} cycles: {first * 1e6:.0f} µs at first, {last * 1e6:.0f} µs at last, {last / first:.2f} times"
    )


def compare(database: Database, given: argparse.Namespace) -> None:
    """Print a line for each act in a small queue and in a large one, and for many cycles."""
    small, large = (
        measure(database.new(f"queue-{tasks}"), tasks, given.rounds)
        for tasks in (given.small, given.large)
    )
    print(
        f"{database.name}: medians in queues of {given.small:,} and of {given.large:,} "
        "one-item packages"
    )
    for act, each in small.items():
        ratio = large[act] / each
        print(f"{act:10} {each * 1e6:9.1f} µs {large[act] * 1e6:9.1f} µs, {ratio:5.2f} times")
    if given.cycles:
        repeat(database.new("cycles"), given.cycles)


def main() -> None:
    """Print the lines for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--large", type=int, default=LARGE)
    parser.add_argument("--cycles", type=int, default=CYCLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("databases", nargs="*", help="NORMAL and PG; NORMAL unless named")
    given = parser.parse_args()
    with ExitStack() as stack:
        for database in databases(given.databases or ["NORMAL"], stack):
            compare(database, given)


if __name__ == "__main__":
    main()
