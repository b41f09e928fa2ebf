"""Which tasks a review covers: drawn by hash, so that the sample is always the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from itagflow.model.job import Job, ReviewRule, Stage
from itagflow.model.package import Package


def draw_sample(
    rule: ReviewRule | None, seed: int, package: int, stage: Stage, tasks: Sequence[int]
) -> tuple[int, ...]:
    """Return the tasks that a review of this package at this stage looks at, in order.

    A share is rounded up to whole tasks.  Without a *rule* that names a sample it is every task.

    >>> from itagflow import Inspect
    >>> len(draw_sample(Inspect(task_share=0.25), 7, 1, Stage.INSPECT, range(1, 11)))
    3
    """
    count = len(tasks)
    if rule is not None and rule.task_share is not None:
        # rounded first: 0.07 * 100 is a little more than 7 as a float, and 7 tasks are meant
        count = math.ceil(round(rule.task_share * len(tasks), 9))
    elif rule is not None and rule.task_count is not None:
        count = rule.task_count
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
    """Return the tasks of the next assignment of *package* at a review stage; None: all.

    The *first* time that is the sample and every disputed task.  Later it is what was sent back in
    any round, what is disputed, and, when the whole package was done again, the sample once more.
    """
    rule = job.workflow.review(stage)
    if first and not (rule and rule.is_sampled):
        return None
    drawn = draw_sample(rule, job.seed, package.number, stage, tasks)
    looked = set(disputes) if first else {*disputes, *package.rejects}
    if first or job.workflow.label.redo_all or not looked:
        looked.update(drawn)
    return None if len(looked) >= package.size else tuple(sorted(looked))


def needs_tasks(job: Job, package: Package, stage: Stage) -> bool:
    """Return whether `scope_of_review` needs the tasks: not for a first review of all."""
    rule = job.workflow.review(stage)
    return package.round > 1 or (rule is not None and rule.is_sampled)
