"""What it costs labelers that rows are appended to their job: their rate without appends, and with 50 a second.

``python -m benchmarks.appends [NORMAL FULL PG]``, all three unless named.  Four processes claim, save and
submit packages of one item for some seconds; another process appends a row at a time to the same
job, to another job, or not at all. The three kinds of stretches are measured in turn in one
database, so that what slows the machine down slows all. Appends to another job show what they cost
in time of the processor and of the disk; the rest is waiting for locks.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.synchronize import Barrier
from typing import Any

import attrs

import itagflow
from benchmarks.shared.databases import Database, postgres_database, sqlite_database, tidy
from benchmarks.shared.jobs import rows
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Job,
    Role,
    Stage,
    Workflow,
    maintenance,
    templates,
)

LABELERS, SECONDS, ROUNDS, PER_SECOND = 4, 5.0, 3, 50
NAMES = [f"p{number}" for number in range(LABELERS)]
DATABASES = ("NORMAL", "FULL", "PG")
ENOUGH = 30_000
"""How many packages a job begins with: more than are labeled meanwhile."""


@attrs.frozen
class Stretch:
    """What some seconds came to."""

    labeled: float
    """How many packages were labeled in a second, by all together."""
    appended: float
    """How many rows were appended in a second."""
    longest: float
    """How many milliseconds the longest claim took."""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.labeled:.0f} labeled/s, {self.appended:.0f} appended/s, longest claim {self.longest:.0f} ms"


def label(url: str, job: int, account: str, seconds: float, ready: Barrier) -> tuple[int, float]:
    """Claim, save and submit for so long; return how many packages it were, and the longest claim in seconds."""
    with itagflow.open(url) as flow:
        _label_one(flow, job, account)  # and what is read once is read
        ready.wait()
        done, longest, end = 0, 0.0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            longest = max(longest, _label_one(flow, job, account))
            done += 1
    return done, longest


def _label_one(flow: Flow, job: int, account: str) -> float:
    """Label one package, and return how many seconds its claim took."""
    began = time.perf_counter()
    assignment = flow.claim(account, job, Stage.LABEL)
    took = time.perf_counter() - began
    assert assignment, "there are too few packages"
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Choice("cat"))
    flow.submit(assignment)
    return took


def append(url: str, job: int, per_second: int, seconds: float, ready: Barrier) -> int:
    """Append so many rows a second, one at a time, if the store lets it; return how many it were."""
    with itagflow.open(url) as flow:
        ready.wait()
        done, began = 0, time.perf_counter()
        while per_second and (now := time.perf_counter() - began) < seconds:
            if now * per_second < done:
                time.sleep(done / per_second - now)
                continue
            flow.jobs.append(job, rows(1), by="ada")
            done += 1
    return done


def measure(url: str, job: int, appends: tuple[int, int], seconds: float) -> Stretch:
    """Let everybody work for so long, beside *appends*: to which job, and how many a second."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(LABELERS + 1) as pool:
        ready: Any = manager.Barrier(LABELERS + 1)
        appending = pool.apply_async(append, (url, *appends, seconds, ready))
        people = [(url, job, name, seconds, ready) for name in NAMES]
        found = [labeling.get() for labeling in [pool.apply_async(label, one) for one in people]]
        appended = appending.get()
    longest = max(longest for _, longest in found)
    return Stretch(sum(done for done, _ in found) / seconds, appended / seconds, longest * 1_000)


def create_job(flow: Flow, name: str, tasks: int = ENOUGH) -> Job:
    """Make a job of packages of one item for all labelers."""
    return flow.jobs.create(
        "bench",
        name,
        template=templates.image_classification(["cat", "dog"]),
        data=rows(tasks),
        workflow=Workflow(),
        packaging=FixedSize(1),
        workforce={Stage.LABEL: NAMES},
        by="ada",
    )


def compare(database: Database, rounds: int, seconds: float) -> None:
    """Print the rates without appends and with them, and the medians of their ratios."""
    same, other = list[float](), list[float]()
    with database.open("appends") as (flow, url):
        for name in NAMES:
            flow.members.add("bench", name, Role.OPERATOR, by="ada")
        job, another = create_job(flow, "queue").id, create_job(flow, "another", tasks=1).id
        tidy(url)
        kinds = [
            ("none", job, 0),
            ("the same job", job, PER_SECOND),
            ("another job", another, PER_SECOND),
        ]
        for round in range(rounds):
            found = dict[str, Stretch]()
            # which comes first changes: a database becomes slower as it grows
            for name, to, per_second in kinds[round % 3 :] + kinds[: round % 3]:
                found[name] = measure(url, job, (to, per_second), seconds)
                print(f"{database.name}, appends to {name}: {found[name]}", flush=True)
            same.append(found["the same job"].labeled / found["none"].labeled)
            other.append(found["another job"].labeled / found["none"].labeled)
        assert not list(maintenance.verify(flow, job)), "the job is not sound"
    print(
        f"{database.name}: appends to the same job leave {statistics.median(same):.2f} of the rate (goal 0.80)"
    )
    print(
        f"{database.name}: appends to another job leave {statistics.median(other):.2f} of it",
        flush=True,
    )


def databases(names: list[str], stack: ExitStack) -> Iterator[Database]:
    """Yield the databases of these names."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    for name in names:
        if name == "PG":
            yield stack.enter_context(postgres_database())
        else:
            yield sqlite_database(folder, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", help="all unless named")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    with ExitStack() as stack:
        for each in databases(asked.databases or list(DATABASES), stack):
            compare(each, asked.rounds, asked.seconds)
