"""Charts, with matplotlib: the extra ``notebook``."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from itagflow.engines import engine_of
from itagflow.errors import InvalidData, Problem
from itagflow.flow import Flow
from itagflow.typing import JobRef, MemberRef

_DONE = ("final", "abandoned")
_OPEN = ("reopened", "withdrawn")


def plot_progress(flow: Flow, job: JobRef, *, by: MemberRef | None = None) -> Any:
    """Draw how many tasks of a job were done at each time, and return the axes of matplotlib.

    It reads the history of the job.

    Args:
        flow: The flow.
        job: The job.
        by: Who reads: a member who may see the work of others.

    Raises:
        InvalidData: when *flow* is no flow, or matplotlib is not installed.
        NotFound: when there is no such job.
        NotAllowed: when *by* may not read there.
    """
    engine_of("plot_progress", flow)
    pyplot = _import_pyplot("plot_progress")
    progress = flow.jobs.progress(job, by=by)
    done: set[int] = set()
    times: list[datetime] = []
    counts: list[int] = []
    for event in flow.events.list(job, by=by):
        for name, tasks in event.outcomes.items():
            if name in _DONE:
                done.update(tasks)
            elif name in _OPEN:
                done.difference_update(tasks)
        times.append(event.at)
        counts.append(len(done))
    _, axes = pyplot.subplots()
    axes.step(times, counts, where="post")
    axes.axhline(progress.total, linestyle="--", color="gray")
    axes.set_ylim(bottom=0)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("tasks done")
    axes.figure.autofmt_xdate()
    return axes


def plot_members(flow: Flow, job: JobRef, *, by: MemberRef | None = None) -> Any:
    """Draw how many answers each member handed in, and how many of these were sent back.

    It returns the axes of matplotlib; arguments and errors are those of `plot_progress`.
    """
    engine_of("plot_members", flow)
    pyplot = _import_pyplot("plot_members")
    rows = flow.quality.statistics(job, of="member", by=by)
    # what nobody has labeled, such as pre-labels, is of no member
    people = [row for row in rows if row["UserId"] is not None]
    names = [str(row["UserId"]) for row in people]
    _, axes = pyplot.subplots()
    axes.barh(names, [row["TotalMarkItemsCount"] for row in people], label="answers")
    axes.barh(names, [row["ReworkCausedCount"] for row in people], label="sent back")
    axes.set_xlabel("tasks")
    axes.xaxis.get_major_locator().set_params(integer=True)
    # beside the bars, which may be as long as the picture is wide
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes.figure.tight_layout()
    return axes


def _import_pyplot(what: str) -> Any:
    if find_spec("matplotlib") is None:
        reason = "is not installed: install it with pip install 'itagflow[notebook]'"
        raise InvalidData(what, [Problem("matplotlib", reason)])
    return import_module("matplotlib.pyplot")
