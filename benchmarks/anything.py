"""Prints what a claim without a job costs among 1, 10 and 100 running jobs, beside a claim in one of them.

And what a claim costs where a skill is required: 3 of 200 values, with few packages and with many.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import itagflow
from benchmarks.shared.databases import postgres_database
from itagflow import Field, FixedSize, Flow, Job, Label, Role, Stage, Workflow, templates
from itagflow.storage.port import SupportsStatistics

JOBS = (1, 10, 100)
PACKAGES = 300
CLAIMS = 200
VALUES = 200
"""How many values name skills; the member has three of them."""
SIZES = (2_000, 100_000)
"""How many packages wait where skills are required; a million with ``--million``."""


def order(flow: Flow, name: str, rows: Iterator[dict[str, Any]], label: Label) -> Job:
    """Order a job with a package for each row."""
    return flow.jobs.create(
        "bench",
        name,
        template=templates.image_classification(["cat", "dog"]),
        data=rows,
        workflow=Workflow(label),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: ["ben"]},
        by="ada",
    )


def measure(claim: Callable[[], object]) -> float:
    """Return the median of what a claim takes, in milliseconds."""
    claim()
    times = list[float]()
    for _ in range(CLAIMS):
        start = time.perf_counter()
        assert claim() is not None
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1_000


def compare_jobs(flow: Flow) -> None:
    """Print both claims with more and more jobs that run."""
    jobs = list[Job]()
    for number in JOBS:
        while len(jobs) < number:
            rows = ({"source": f"{n}.jpg"} for n in range(PACKAGES * 2))
            jobs.append(order(flow, f"job-{len(jobs)}", rows, Label()))
        if isinstance(flow.store, SupportsStatistics):
            # the server does so by itself within a minute, after a large load at once
            flow.store.gather_statistics()
        plain = measure(lambda: flow.claim("ben", jobs[-1], Stage.LABEL))
        anything = measure(lambda: flow.claim("ben", workspace="bench"))
        ratio = anything / plain
        print(f"  {number:4} jobs: in one {plain:6.2f} ms, in any {anything:6.2f} ms, {ratio:5.1f}")


def compare_sizes(flow: Flow, sizes: tuple[int, ...]) -> None:
    """Print what a claim takes where a skill is required, with more and more that waits."""
    everybody = {f"lang:{value}": 1 for value in range(VALUES)}
    requires = Label(requires=Field("lang", skill="lang:{}"))
    for size in sizes:
        flow.members.set_skills("bench", "ben", everybody, by="ada")
        rows = ({"source": f"{n}.jpg", "lang": n % VALUES} for n in range(size))
        # the three are at the end of what waits
        job = order(flow, f"skills-{size}", rows, requires)
        three = {f"lang:{VALUES - value}": 1 for value in (1, 2, 3)}
        flow.members.set_skills("bench", "ben", three, by="ada")
        number = min(CLAIMS, size // VALUES * 3 - 1)
        times = [measure_once(flow, job) for _ in range(number)]
        print(f"  {size:8} packages wait, 3 of {VALUES} skills: {statistics.median(times):6.2f} ms")


def measure_once(flow: Flow, job: Job) -> float:
    """Return what one claim takes, in milliseconds."""
    start = time.perf_counter()
    assert flow.claim("ben", job, Stage.LABEL) is not None
    return (time.perf_counter() - start) * 1_000


def main() -> None:
    """Print all of it, on both databases."""
    sizes = (*SIZES, 1_000_000) if "--million" in sys.argv else SIZES
    with tempfile.TemporaryDirectory() as folder, postgres_database() as postgres:
        for name, place in (("SQLite", f"{folder}/any.db"), ("PG", postgres.new("anything"))):
            print(name)
            with itagflow.open(place) as flow:
                flow.workspaces.create("bench", admin="ada")
                flow.members.add("bench", "ben", Role.OPERATOR, by="ada")
                compare_jobs(flow)
                compare_sizes(flow, sizes)


if __name__ == "__main__":
    main()
