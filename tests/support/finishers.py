"""What processes and threads do at the same moment in the tests of finishing; they can import it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import itagflow
from itagflow import Flow, WrongState
from support.scenes import rows

TIMEOUT = 60.0
"""For how many seconds one waits for the others at most."""

Step = tuple[str, int, int]
"""A verb, the key of a job, and the number of a package or the id of an assignment."""


def submit(flow: Flow, job: int, assignment: int) -> None:
    flow.submit((job, assignment))


def discard(flow: Flow, job: int, package: int) -> None:
    flow.packages.discard((job, package), by="ada")


def reopen(flow: Flow, job: int, package: int) -> None:
    flow.packages.reopen((job, package), by="ada")


def append(flow: Flow, job: int, _: int) -> None:
    flow.jobs.append(job, rows(1), by="ada")


def finish(flow: Flow, job: int, _: int) -> None:
    """End the job by hand, unless a package is open."""
    try:
        flow.jobs.finish(job, by="ada")
    except itagflow.Incomplete:
        return


def pause(flow: Flow, job: int, _: int) -> None:
    """Pause the job and let it run again, unless it has finished."""
    try:
        flow.jobs.pause(job, by="ada")
        flow.jobs.resume(job, by="ada")
    except WrongState:
        return


def nothing(flow: Flow, job: int, _: int) -> None:
    """Only look on."""
    flow.jobs.get(job)


VERBS: dict[str, Callable[[Flow, int, int], None]] = {
    verb.__name__: verb for verb in (submit, discard, reopen, append, finish, pause, nothing)
}


def walk(flow: Flow, steps: Sequence[Step], wait: Callable[[], object]) -> None:
    """Do one step of each round, at the same moment as the others."""
    for verb, job, key in steps:
        wait()
        VERBS[verb](flow, job, key)


def walk_in_process(given: tuple[str, Sequence[Step], Any]) -> None:
    url, steps, barrier = given
    with itagflow.open(url) as flow:
        walk(flow, steps, lambda: barrier.wait(TIMEOUT))
