"""Prints how fast many tasks are loaded and exported, beside the driver by hand, and how much memory that takes.

Rates are tasks per second; the memory is by how much the peak of the process grows meanwhile, which
should not depend on how many tasks there are.  ``--long`` adds a million tasks; each case runs in a
process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path

import itagflow
from benchmarks.shared.databases import Database, database_named, postgres_database, sqlite_database
from benchmarks.shared.jobs import create_job, rows
from benchmarks.shared.timing import show, timed

ROOT = Path(__file__).parents[1]
GOALS = {"read": 0.50, "export": 0.70}
LOAD = {"NORMAL": 0.40, "PG": 0.50}


def load(_: Database, url: str, count: int) -> Callable[[], object]:
    """Load mappings into a job."""
    flow = itagflow.open(url)
    return lambda: create_job(flow, "volume", count, 50)


def load_by_hand(database: Database, url: str, count: int) -> Callable[[], object]:
    """Insert the same rows, as tasks and packages of a job that there is not."""
    raw = database.raw(url, 1, 1)
    return lambda: raw.load(rows(count), 50)


def export(_: Database, url: str, __: int) -> Callable[[], object]:
    """Export the job as a manifest; nobody has worked on it."""
    flow = itagflow.open(url)
    job = flow.jobs.list("bench")
    return lambda: flow.results.export(next(job), "itag", _target())


def export_by_hand(database: Database, url: str, _: int) -> Callable[[], object]:
    """Write the rows as they are stored, a line each."""
    flow = itagflow.open(url)
    raw = database.raw(url, next(flow.jobs.list("bench")).id, 1)

    def act() -> None:
        with _target().open("w", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for __, text in raw.rows())

    return act


def read(_: Database, url: str, __: int) -> Callable[[], object]:
    """Read the result of every task, as an object."""
    flow = itagflow.open(url)
    job = next(flow.jobs.list("bench"))
    return lambda: deque(flow.results.list(job), maxlen=0)


def read_by_hand(database: Database, url: str, _: int) -> Callable[[], object]:
    """Read the rows as they are stored, and parse them."""
    flow = itagflow.open(url)
    raw = database.raw(url, next(flow.jobs.list("bench")).id, 1)
    return lambda: deque((json.loads(text) for __, text in raw.rows()), maxlen=0)


CASES = {
    act.__name__: act for act in (load, load_by_hand, read, read_by_hand, export, export_by_hand)
}


def _target() -> Path:
    return Path(tempfile.gettempdir()) / "itagflow-volume.manifest"


def measured(database: Database, act: str, url: str, count: int) -> tuple[float, float]:
    """Do an act in a process of its own; return its seconds, and by how many MiB the process grew."""
    # this process imports as much as its children, and has done nothing yet: what it has at its
    # peak, they start with
    command = [
        sys.executable,
        "-c",
        "from benchmarks.volume import case; case()",
        database.name,
        act,
        url,
        str(count),
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    seconds, grown = json.loads(done.stdout)
    return seconds, grown / 1024


def case() -> None:
    """Do what the command line says, and print how long it took, and by how many KiB the process grew."""
    name, act, url, count = sys.argv[1:]
    doing = CASES[act](database_named(name), url, int(count))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = timed(doing)
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))


def compare(database: Database, count: int) -> None:
    """Print a line for each act."""
    with database.open(f"volume{count}") as (_, url):
        for act in ("load", "read", "export"):
            theirs, _ = measured(database, f"{act}_by_hand", url, count)
            mine, grown = measured(database, act, url, count)
            figure = f"{count / mine:,.0f} rows/s"
            goal = GOALS.get(act) or LOAD[database.name]
            show(
                database.name,
                f"{act} {count:,}",
                theirs / mine,
                figure,
                f"goal {goal:.2f}; {grown:+.1f} MiB",
            )
    _target().unlink()


def main() -> None:
    """Print the table."""
    counts = [100_000, *([1_000_000] if "--long" in sys.argv else [])]
    with tempfile.TemporaryDirectory() as folder, postgres_database() as postgres:
        for database in (sqlite_database(folder, "NORMAL"), postgres):
            for count in counts:
                compare(database, count)


if __name__ == "__main__":
    main()
