"""Prints what acts cost in a job of ten million tasks, beside a job of ten thousand: the same, or nearly.

It takes a quarter of an hour and 8 GB of disk; a number on the command line is used in place of the
ten million.
"""

import resource
import statistics
import sys
import tempfile
from contextlib import ExitStack
from typing import Any

from benchmarks.shared.databases import Database, postgres_database, sqlite_database, tidy
from benchmarks.shared.jobs import create_job
from benchmarks.shared.timing import show, timed
from itagflow import (
    Choice,
    Flow,
    Job,
    Stage,
)

SMALL, LARGE, SIZE = 10_000, 10_000_000, 50
"""How many tasks the jobs have, and each package."""
ROUNDS = 9
CLAIMS = 20


def compare(database: Database, large: int) -> None:
    """Load both jobs, each into a database of its own, and do the acts in turn."""
    with ExitStack() as stack:
        flows = [stack.enter_context(database.open(f"million{count}")) for count in (SMALL, large)]
        jobs = [create_job(flows[0][0], "small", SMALL, SIZE)]
        before = _peak()
        seconds = timed(lambda: jobs.append(create_job(flows[1][0], "large", large, SIZE)))
        show(
            database.name,
            f"load {large:,}",
            None,
            f"{large / seconds:,.0f} rows/s",
            f"{_peak() - before:+.1f} MiB",
        )
        for _, url in flows:
            tidy(url)
        seen: dict[str, list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            small, big = (acts(flow, job) for (flow, _), job in zip(flows, jobs, strict=True))
            for name in small:
                seen.setdefault(name, []).append((small[name], big[name]))
    for name, found in seen.items():
        ratio = statistics.median(few / many for few, many in found)
        each = statistics.median(many for _, many in found)
        show(
            database.name,
            f"{name} of {large:,}",
            ratio,
            f"{each * 1e6:,.1f} µs each",
            "goal 0.85 of 10,000",
        )


def acts(flow: Flow, job: Job) -> dict[str, float]:
    """Do each act some times, and return the seconds of one."""
    assignments = list[Any]()
    found = {"claim": timed(lambda: assignments.extend(_claims(flow, job))) / CLAIMS}
    works = [
        (assignment, work) for assignment in assignments[:2] for work in flow.tasks(assignment)
    ]
    found["save"] = timed(
        lambda: [flow.save(assignment, work, Choice("cat")) for assignment, work in works]
    ) / len(works)
    found["submit"] = timed(lambda: [flow.submit(assignment) for assignment in assignments[:2]]) / 2
    found["progress"] = timed(lambda: flow.jobs.progress(job))
    return found


def _claims(flow: Flow, job: Job) -> list[Any]:
    return [flow.claim("ada", job, Stage.LABEL) for _ in range(CLAIMS)]


def _peak() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    large = next((int(word) for word in sys.argv[1:] if word.isdigit()), LARGE)
    with tempfile.TemporaryDirectory() as folder, postgres_database() as postgres:
        for database in (sqlite_database(folder, "NORMAL"), postgres):
            compare(database, large)


if __name__ == "__main__":
    main()
