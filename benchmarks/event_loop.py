"""How long the event loop is kept waiting while a hundred tasks label: beside bare hops to a thread.

``python -m benchmarks.event_loop [memory NORMAL FULL PG] [--threads 4]``, all four unless named.  A heartbeat
task asks to be woken each millisecond, and notes by how much it comes late.  Beside it stands a bare hop:
``await loop.run_in_executor(None, int)``.  Both are measured in turn, in rounds: first hops on a loop that
has nothing else to do, then the heartbeat while a hundred tasks claim, save and submit.  So what slows the
machine down slows both.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import ExitStack
from functools import partial

import itagflow.aio
from benchmarks.shared.databases import postgres_database, sqlite_database
from benchmarks.shared.jobs import rows
from itagflow import Choice, FixedSize, Flow, Job, templates
from itagflow.aio import AsyncFlow
from itagflow.aio.flow import THREADS

TASKS, PEOPLE, PACKAGES = 100, 20, 20_000
ROUNDS, SECONDS = 3, 3.0
BEAT = 0.001
"""After how many seconds the heartbeat asks to be woken."""
DATABASES = ("memory", "NORMAL", "FULL", "PG")
NAMES = [f"p{number}" for number in range(PEOPLE)]


def make_job(flow: Flow) -> Job:
    """Order a job with packages of one task."""
    home = flow.workspaces.create("loop", admin="ada")
    for name in NAMES:
        flow.members.add(home, name, "operator", by="ada")
    return flow.jobs.create(
        home,
        "cats",
        template=templates.image_classification(["cat", "dog"]),
        data=rows(PACKAGES),
        packaging=FixedSize(1),
        workforce={"label": NAMES},
        by="ada",
    )


async def hop(until: float) -> list[float]:
    """Hop to a thread and back, again and again, and return how long each took."""
    loop, found = asyncio.get_running_loop(), list[float]()
    while (begun := time.perf_counter()) < until:
        await loop.run_in_executor(None, int)
        found.append(time.perf_counter() - begun)
    return found


async def beat(until: float) -> list[float]:
    """Ask to be woken, again and again, and return by how much each time was late."""
    found = list[float]()
    while (begun := time.perf_counter()) < until:
        await asyncio.sleep(BEAT)
        found.append(time.perf_counter() - begun - BEAT)
    return found


async def label(flow: AsyncFlow, job: Job, account: str, until: float) -> int:
    """Label packages until the time is over, and return how many."""
    done = 0
    while time.perf_counter() < until:
        assignment = await flow.claim(account, job, "label")
        if assignment is None:
            break
        async for item in flow.tasks(assignment):
            await flow.save(assignment, item, Choice("cat"))
        await flow.submit(assignment)
        done += 1
    return done


def describe(name: str, times: list[float]) -> str:
    """Return median, 99th percentile and longest, in milliseconds."""
    ordered = sorted(times)
    picked = (ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1])
    return f"{name} " + " / ".join(f"{1_000 * each:.2f}" for each in picked) + " ms"


async def measure(name: str, url: str, threads: int) -> str:
    """Return a line of the table: median / 99th percentile / longest."""
    hops, beats, labeled = list[float](), list[float](), 0
    async with itagflow.aio.open(url, threads=threads) as flow:
        job = await flow.run(make_job)
        for _ in range(ROUNDS):
            hops += await hop(time.perf_counter() + SECONDS)
            until = time.perf_counter() + SECONDS
            work = [label(flow, job, NAMES[number % PEOPLE], until) for number in range(TASKS)]
            late, *done = await asyncio.gather(beat(until), *work)
            beats += late
            labeled += sum(done)
    ratio = max(beats) / max(hops)
    rate = labeled / (ROUNDS * SECONDS)
    shown = f"{describe('bare hop', hops)}, {describe('heartbeat late by', beats)}"
    return f"{name:8} {rate:5.0f} packages/s, {shown}; longest to longest {ratio:.1f}"


def main() -> None:
    """Print a line for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("databases", nargs="*", default=DATABASES)
    parser.add_argument("--threads", type=int, default=THREADS)
    given = parser.parse_args()
    print(f"{TASKS} tasks, {given.threads} threads; median / 99th percentile / longest")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        new_url = {
            "memory": lambda: "memory:",
            "NORMAL": partial(sqlite_database(folder, "NORMAL").new, "loop"),
            "FULL": partial(sqlite_database(folder, "FULL").new, "loop"),
        }
        for name in given.databases:
            if name == "PG":
                new_url["PG"] = partial(stack.enter_context(postgres_database()).new, "loop")
            print(asyncio.run(measure(name, new_url[name](), given.threads)), flush=True)


if __name__ == "__main__":
    main()
