"""Prints how fast the library is, as ratios to the hand-written limit of the same run.

A ratio of 0.60 means: 60 % of the speed of hand-written SQL that does the same reads and writes on
the same tables. ``--long`` adds a file with a million packages.
"""

import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from benchmarks.processes import longest_wait, peers, throughput
from benchmarks.shared.databases import (
    Database,
    postgres_database,
    sqlite_database,
    tidy,
    version_of,
)
from benchmarks.shared.handwritten import Raw
from benchmarks.shared.jobs import ada, claims, create_job, finish, rows
from benchmarks.shared.timing import show, timed
from itagflow import AssignmentState, Choice, Flow, Job, Stage
from itagflow.lifecycle.tables import AssignmentCommand
from itagflow.model.change import Context
from itagflow.reviewing.rules import AssignmentContext, end_assignment
from itagflow.testing import make_assignment, make_job, make_package

ROUNDS = 5
GOALS = {
    "NORMAL": {
        "claim": 0.50,
        "claim + read": 0.60,
        "save": 0.50,
        "submit": 0.50,
        "load 100,000": 0.40,
    },
    "FULL": {"claim + read": 0.85},
    "PG": {"load 100,000": 0.50},
}


def acts(database: Database) -> None:
    """Compare the hot acts: each round does ours, then the limit's, on jobs of the same size in one database."""
    seconds: dict[str, list[tuple[float, float]]] = {}
    with database.open("acts") as (flow, url):
        ours, limit = (
            create_job(flow, name, 50 * database.times * ROUNDS, 50) for name in ("ours", "limit")
        )
        raw = database.raw(url, limit.id, ada(flow))
        for _ in range(ROUNDS):
            for name, found in one_round(flow, ours, raw, database.times).items():
                seconds.setdefault(name, []).append(found)
        raw.close()
    for name, found in seconds.items():
        report(
            database, name, [theirs / mine for mine, theirs in found], [mine for mine, _ in found]
        )


def one_round(flow: Flow, job: Job, raw: Raw, count: int) -> dict[str, tuple[float, float]]:
    """Do *count* of each act, and return the seconds of each one, ours and the limit's."""
    assignments, others, works = list[Any](), list[tuple[int, int]](), list[list[Any]]()

    def each(
        mine: Callable[[], object], theirs: Callable[[], object], times: int
    ) -> tuple[float, float]:
        return timed(mine) / times, timed(theirs) / times

    found = {
        "claim": each(
            lambda: assignments.extend(claims(flow, job, count)),
            lambda: others.extend(raw.claim() for _ in range(count)),
            count,
        ),
        "read 50 tasks": each(
            lambda: works.extend(list(flow.tasks(assignment)) for assignment in assignments),
            lambda: [raw.tasks(assignment) for assignment, _ in others],
            count,
        ),
    }
    found["claim + read"] = tuple(map(sum, zip(*found.values(), strict=True)))  # type: ignore[assignment]
    few = max(4, count // 25)
    saves = [
        (assignment, work)
        for assignment, some in zip(assignments[:few], works, strict=False)
        for work in some
    ]
    numbers = [
        (assignment, (package - 1) * 50 + n)
        for assignment, package in others[:few]
        for n in range(1, 51)
    ]
    found["save"] = each(
        lambda: [flow.save(assignment, work, Choice("cat")) for assignment, work in saves],
        lambda: [raw.save(assignment, number, "cat") for assignment, number in numbers],
        len(saves),
    )
    found["submit"] = each(
        lambda: [flow.submit(assignment) for assignment in assignments[:few]],
        lambda: [raw.submit(assignment) for assignment, _ in others[:few]],
        few,
    )
    return found


def report(database: Database, name: str, ratios: list[float], seconds: list[float]) -> None:
    """Print what an act takes, and its ratio."""
    goal = GOALS[database.name].get(name)
    each = f"{statistics.median(seconds) * 1e6:,.1f} µs each"
    show(database.name, name, statistics.median(ratios), each, f"goal {goal:.2f}" if goal else "")


def loading(database: Database) -> None:
    """Compare loading 100,000 tasks from mappings, and reading them all for an export."""
    ratios, speeds = list[float](), list[float]()
    for number in range(3):
        with database.open(f"load{number}") as (flow, url):
            limit = create_job(flow, "limit", 1, 50)
            mine = timed(partial(create_job, flow, "ours", 100_000, 50))
            raw = database.raw(url, limit.id + 1, 1)
            theirs = timed(partial(raw.load, rows(100_000), 50))
            raw.close()
        ratios.append(theirs / mine)
        speeds.append(100_000 / mine)
    goal = GOALS[database.name].get("load 100,000")
    rate = f"{statistics.median(speeds):,.0f} rows/s"
    show(
        database.name,
        "load 100,000",
        statistics.median(ratios),
        rate,
        f"goal {goal:.2f}" if goal else "",
    )


def flat(database: Database, sizes: list[int]) -> None:
    """Compare claims with few and with very many packages in the database, in turn."""
    with ExitStack() as stack:
        jobs = [_filled(stack, database, size) for size in sizes]
        rounds = [[timed(partial(claims, *job, 100)) / 100 for job in jobs] for _ in range(ROUNDS)]
    for at, size in enumerate(sizes):
        ratio = statistics.median(seconds[0] / seconds[at] for seconds in rounds)
        each = statistics.median(seconds[at] for seconds in rounds)
        show(
            database.name,
            f"claim of {size:,}",
            ratio,
            f"{each * 1e6:,.1f} µs each",
            "goal 0.85 of the first",
        )


def _filled(stack: ExitStack, database: Database, size: int) -> tuple[Flow, Job]:
    """Open a database with a job of so many packages."""
    flow, url = stack.enter_context(database.open(f"flat{size}"))
    job = create_job(flow, "flat", size, 1)
    tidy(url)
    return flow, job


def bulk(database: Database) -> None:
    """Compare accepting 1,000 packages in one call with accepting them one by one, in one database."""
    ratios, each = list[float](), list[float]()
    with database.open("bulk") as (flow, _):
        for number in range(3):
            singly, together = (
                _to_accept(flow, f"{name}{number}") for name in ("singly", "together")
            )
            one = timed(
                lambda assignments=singly: [flow.accept(assignment) for assignment in assignments]
            )
            many = timed(lambda assignments=together: flow.accept_many(assignments))
            ratios.append(one / many)
            each.append(many / 1_000)
    figure = f"{statistics.median(each) * 1e6:,.1f} µs each"
    show(
        database.name,
        "accept_many of 1,000",
        statistics.median(ratios),
        figure,
        "times as fast as one by one",
    )


def _to_accept(flow: Flow, name: str) -> list[Any]:
    """Return 1,000 assignments that are ready to be accepted."""
    job = create_job(flow, name, 1_000, 1)
    for assignment in flow.claim_many("ada", job, Stage.LABEL, 1_000):
        finish(flow, assignment)
    return flow.claim_many("ada", job, Stage.ACCEPT, 1_000)


def one_step() -> None:
    """Tell what one step of a lifecycle takes, with its guards and the new value: the end of an assignment."""
    assignment = make_assignment(state=AssignmentState.HELD)
    context = AssignmentContext(
        make_job(), make_package(), assignment, Context(assignment.made_at, 1, 2)
    )
    closing = AssignmentCommand(assignment=assignment)
    times = [
        timed(lambda: [end_assignment(context, "submit", closing) for _ in range(1_000)])
        for _ in range(ROUNDS)
    ]
    show(
        "",
        "one step of a lifecycle",
        None,
        f"{statistics.median(times) * 1e3:,.1f} µs each",
        "goal at most 12 µs",
    )


def main() -> None:
    """Print the table."""
    versions = f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}"
    sizes = [1_000, 100_000, *([1_000_000] if "--long" in sys.argv else [])]
    with tempfile.TemporaryDirectory() as folder, postgres_database() as postgres:
        print(
            f"{versions}, PostgreSQL {version_of(postgres.new(''))}; ratio to hand-written, median of {ROUNDS}"
        )
        databases = [sqlite_database(folder, "NORMAL"), sqlite_database(folder, "FULL"), postgres]
        for database in databases:
            acts(database)
        for database in (databases[0], postgres):
            loading(database)
            flat(database, sizes)
        for database in databases:
            bulk(database)
        longest_wait(databases[0])
        for database in (databases[0], postgres):
            throughput(database)
        peers(databases[0], postgres, folder)
    one_step()


if __name__ == "__main__":
    main()
