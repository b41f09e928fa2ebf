"""Prints what it costs to give each of many packages a priority of its own, beside loading their rows."""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial

import itagflow
from itagflow import FixedSize, Flow, Job, templates

TASKS = 100_000


def load(flow: Flow, tasks: int) -> Job:
    """Order a job with a package for each row."""
    home = flow.workspaces.create("bench", admin="ada")
    return flow.jobs.create(
        home,
        "priorities",
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


def main() -> None:
    """Print a line for each act on SQLite in a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=TASKS)
    tasks: int = parser.parse_args().tasks
    source = random.Random(7)
    by_number = {n: source.random() for n in range(1, tasks + 1)}
    by_key = {f"{n}.jpg": source.random() for n in range(tasks)}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/priorities.db?synchronous=normal"
        with itagflow.open(url) as flow:
            jobs: list[Job] = []
            loaded = measure(lambda: jobs.append(load(flow, tasks)))
            print(f"load {tasks:,} rows: {loaded[0]:6.1f} s, {loaded[1]:6.1f} s of the processor")
            for name, scores in (("number", by_number), ("row key", by_key)):
                given = measure(partial(flow.packages.prioritize, jobs[0], scores, by="ada"))
                ratio = f"{given[1] / loaded[1]:.2f} times a load (goal 1)"
                print(f"priorities by {name:7}: {given[0]:6.1f} s, {given[1]:6.1f} s, {ratio}")


if __name__ == "__main__":
    main()
