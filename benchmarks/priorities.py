"""Prints what it costs to give each of many packages a priority of its own, beside loading their rows.

``python -m benchmarks.priorities [NORMAL PG]``, both unless named.
"""

import argparse
import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks.appends import databases
from benchmarks.shared.databases import Database, tidy
from itagflow import FixedSize, Flow, templates

TASKS = 100_000


def load(flow: Flow, name: str, tasks: int) -> None:
    """Order a job with a package for each row."""
    flow.jobs.create(
        "bench",
        name,
        template=templates.image_classification(["cat", "dog"]),
        data=({"data": {"source": f"{n}.jpg"}} for n in range(tasks)),
        packaging=FixedSize(1),
        row_key="source",
        by="ada",
    )


def measure(act: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call took, and those of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(database: Database, tasks: int) -> None:
    """Print a line for each act, in seconds by the clock and of the processor of this process."""
    source = random.Random(7)
    by_number = {n: source.random() for n in range(1, tasks + 1)}
    by_key = {f"{n}.jpg": source.random() for n in range(tasks)}
    again = {n: source.random() for n in range(1, tasks + 1)}
    with database.open("priorities") as (flow, url):
        # a job for each: packages that have priorities already cost more than those that have none
        for name, orders in (("number", [by_number, again]), ("row key", [by_key])):
            job = name.replace(" ", "-")
            loaded = measure(partial(load, flow, job, tasks))
            print(f"{database.name}: load {tasks:,} rows: {loaded[0]:6.1f} s, {loaded[1]:6.1f} s")
            for order, scores in enumerate(orders):
                tidy(url)
                given = measure(partial(flow.packages.prioritize, ("bench", job), scores, by="ada"))
                ratios = f"{given[0] / loaded[0]:.2f} and {given[1] / loaded[1]:.2f}"
                time_of = "again" if order else "first"
                print(
                    f"by {name:7}, {time_of}: {given[0]:6.1f} s, {given[1]:6.1f} s, "
                    f"{ratios} times a load (goal 1)",
                    flush=True,
                )


def main() -> None:
    """Print the lines for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", help="NORMAL and PG unless named")
    parser.add_argument("--tasks", type=int, default=TASKS)
    asked = parser.parse_args()
    with ExitStack() as stack:
        for database in databases(asked.databases or ["NORMAL", "PG"], stack):
            compare(database, asked.tasks)


if __name__ == "__main__":
    main()
