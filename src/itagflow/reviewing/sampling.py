"""Which tasks a review looks at: drawn once for each package and stage, the same every time it is asked."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from itagflow.model.job import Job, Stage
from itagflow.model.package import Package


def sample(
    seed: int, package: int, stage: Stage, tasks: Sequence[int], size: float
) -> tuple[int, ...]:
    """Return the tasks that a review of this package at this stage looks at, in order.

    *size* is a share of the tasks (a float, rounded up, at least one) or a count (an int).

    >>> len(sample(7, 1, Stage.INSPECT, range(1, 11), 0.25))
    3
    """
    count = math.ceil(round(size * len(tasks), 9)) if isinstance(size, float) else size
    if count >= len(tasks):
        return tuple(tasks)
    drawn = random.Random(f"{seed}/{package}/{stage.value}").sample(tasks, max(count, 1))
    return tuple(sorted(drawn))


def scope_of_review(
    job: Job,
    package: Package,
    stage: Stage,
    tasks: Sequence[int],
    disputes: Sequence[int],
    *,
    first: bool,
) -> tuple[int, ...] | None:
    """Return what the next assignment of *package* at review stage *stage* is about; None: everything.

    The *first* time that is the sample and every disputed task.  Later it is what was sent back in
    any round, what is disputed, and, when the whole package was done again, the sample once more.
    """
    rule = job.workflow.review(stage)
    size = rule.sample if rule else None
    drawn = tuple(tasks) if size is None else sample(job.seed, package.number, stage, tasks, size)
    if first and size is None:
        return None
    looked = set(disputes) if first else {*disputes, *package.rejects}
    if first or job.workflow.label.redo_all or not looked:
        looked.update(drawn)
    return None if len(looked) >= package.size else tuple(sorted(looked))


def needs_tasks(job: Job, package: Package, stage: Stage) -> bool:
    """Return whether `scope_of_review` has to be told the tasks: not for a first look at everything."""
    rule = job.workflow.review(stage)
    return package.round > 1 or (rule is not None and rule.sample is not None)
