"""Which package gets which priority, where tasks have scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from itagflow.model.entity import advance
from itagflow.model.job import Job
from itagflow.model.number import is_storable, require_priority
from itagflow.model.package import Package
from itagflow.model.row_key import format_row_key, require_row_key
from itagflow.model.task import Task, WorkItem
from itagflow.model.text import find_key_error

Score = tuple[int, float]
"""The number of a package, and the score of one of its tasks."""
Scored = WorkItem | Task | int
"""A task, the work that shows it, or its number."""


@attrs.frozen
class Scores:
    """The scores of tasks, as they were given.

    They are dicts of plain values, since there may be very many: those are nothing that the garbage
    collector looks into, as it would into as many pairs whenever it runs.
    """

    tasks: Mapping[Scored, float] = attrs.field(factory=dict[Scored, float])
    keys: Mapping[str | int, float] = attrs.field(factory=dict[str | int, float])
    """By row key."""


def parse_scores(what: str, given: Mapping[Any, object]) -> Scores:
    """Return scores by task, or by row key where that is a text.

    Raises:
        InvalidData: when a score is no priority; it names the task.
    """
    tasks: dict[Scored, float] = {}
    keys: dict[str | int, float] = {}
    for name, value in given.items():
        score = require_priority(what, f"the priority of {name}", value)
        if isinstance(name, str):
            keys[require_row_key(name)] = score
        else:
            tasks[name] = score
    return Scores(tasks, keys)


def format_stored_key(job: Job, key: str | int) -> str | None:
    """Return a row key as it is stored in *job*, or None when no row can have it."""
    # the longest numbers cannot be written out, and not every database takes the question
    text = format_row_key(key, as_text=job.row_key_type == "text") if is_storable(key) else ""
    if not text or find_key_error(text):
        return None
    return text


def find_greatest(scores: Iterable[Score]) -> dict[int, float]:
    """Return the greatest score of each package.

    >>> find_greatest([(1, 0.25), (2, 5), (1, 0.75)])
    {1: 0.75, 2: 5}
    """
    greatest: dict[int, float] = {}
    for package, score in scores:
        known = greatest.get(package)
        if known is None or score > known:
            greatest[package] = score
    return greatest


def give_priority(package: Package, priority: float) -> Package:
    """Return the next version of *package*, with this priority; itself where it has it already.

    The call may have been sent again.
    """
    if package.priority == priority:
        return package
    # advanced here, since to leave that to the transaction would be another copy for each
    return advance(package, priority=priority)


def describe(priorities: Mapping[int, float]) -> dict[str, Any]:
    """Return what an event keeps of the new *priorities* of packages, which are by number.

    >>> describe({1: 5, 4: 5}), describe({1: 5, 4: 0.5})
    ({'priority': 5, 'packages': [1, 4]}, {'priorities': [5, 0.5], 'packages': [1, 4]})
    """
    numbers, values = list(priorities), list(priorities.values())
    if len(set(values)) == 1:
        return {"priority": values[0], "packages": numbers}
    return {"priorities": values, "packages": numbers}
