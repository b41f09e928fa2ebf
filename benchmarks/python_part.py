"""Prints what a claim costs beside SQLite itself: run it with ``PYTHONPATH=OLD/src`` set, then with the other tree.

It claims on the memory store and notes every statement with its parameters.  Then it replays the
very same statements, on a database in the same state, by ``sqlite3`` alone.  What a claim takes
longer than the replay is the library's own work.  Medians of the process's CPU time, so that other
programs matter little; ``--save`` measures saves, too.
"""

from __future__ import annotations

import argparse
import gc
import sqlite3
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import Any

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Job,
    Stage,
    templates,
)
from itagflow.storage.sqlite import transactions as _sqlite_transactions

CALLS, ROUNDS = 1_000, 5
Statement = tuple[str, tuple[Any, ...]]


class Recording(sqlite3.Connection):
    """A connection that notes what it runs while somebody records."""

    record: list[Statement] | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement, and note it."""
        if self.record is not None:
            self.record.append((sql, tuple(parameters)))
        return super().execute(sql, parameters)

    def rollback(self) -> None:
        """Roll back; after a commit it does nothing, but it is a call like the others."""
        super().rollback()


class Plain(sqlite3.Connection):
    """A connection of the same kind, to replay on."""


def connect(kind: type[sqlite3.Connection]) -> Any:
    """Return a new database in memory, as the memory store opens it."""
    return sqlite3.connect(
        ":memory:",
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        factory=kind,
    )


@contextmanager
def opened(kind: type[sqlite3.Connection]) -> Iterator[tuple[Flow, Any]]:
    """Open a memory store on a connection of this kind, and give both."""
    made: list[Any] = []

    def connect_memory() -> Any:
        made.append(connect(kind))
        return made[-1]

    usual: Any = _sqlite_transactions._connect_memory
    _sqlite_transactions._connect_memory = connect_memory
    try:
        with itagflow.open("memory:") as flow:
            yield flow, made[0]
    finally:
        _sqlite_transactions._connect_memory = usual


def create_job(flow: Flow) -> Job:
    """Order a job with more packages than are claimed."""
    flow.workspaces.create("bench", admin="ada")
    rows = ({"data": {"source": f"{number}.jpg"}} for number in range(2 * CALLS))
    cats = templates.image_classification(["cat", "dog"])
    return flow.jobs.create(
        "bench", "part", template=cats, data=rows, packaging=FixedSize(1), by="ada"
    )


def calls_of(flow: Flow, verb: str) -> Iterator[Callable[[], object]]:
    """Yield so many calls, each ready to be made."""
    job = create_job(flow)
    for _ in range(10):  # what is done for the first time is done
        flow.claim("ada", job, Stage.LABEL)
    assignments = [] if verb == "claim" else flow.claim_many("ada", job, Stage.LABEL, CALLS)
    works = [(assignment, work) for assignment in assignments for work in flow.tasks(assignment)]
    for number in range(CALLS):
        if verb == "claim":
            yield lambda: flow.claim("ada", job, Stage.LABEL)
        else:
            assignment, work = works[number]
            yield lambda assignment=assignment, work=work: flow.save(
                assignment, work, Choice("cat")
            )


def timed(act: Callable[[], object]) -> float:
    """Return the CPU seconds that a call takes."""
    began = process_time()
    act()
    return process_time() - began


def replay(connection: Any, statements: list[Statement]) -> None:
    """Run the statements of a call, and fetch what they find."""
    for text, values in statements:
        connection.execute(text, values).fetchall()


def measure(verb: str) -> tuple[float, float]:
    """Return the medians of a call, and of its statements alone."""
    with opened(Recording) as (flow, recording):
        copy, recorded = connect(Plain), list[list[Statement]]()
        for number, call in enumerate(calls_of(flow, verb)):
            if number == 0:
                recording.backup(copy)
            recording.record = []
            call()
            recorded.append(recording.record)
            recording.record = None
    with opened(Plain) as (flow, _):
        calls = [timed(call) for call in calls_of(flow, verb)]
    alone = [timed(lambda one=one: replay(copy, one)) for one in recorded]
    return statistics.median(calls), statistics.median(alone)


def main() -> None:
    """Print a line for each verb."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true")
    verbs = ("claim", "save") if parser.parse_args().save else ("claim",)
    gc.disable()
    for verb in verbs:
        rounds = [measure(verb) for _ in range(ROUNDS)]
        call, alone = (min(one[at] for one in rounds) * 1e6 for at in (0, 1))
        print(
            f"{verb}: {call:.0f} µs, of which SQLite {alone:.0f} µs and Python {call - alone:.0f} µs",
            flush=True,
        )


if __name__ == "__main__":
    main()
