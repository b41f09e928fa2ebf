"""Which tasks a sample has: drawn by hash, so that the sample is always the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from itagflow.model.job import ReviewRule, Stage


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
    # the seed names the review: whoever draws again, at any time, gets the same tasks
    drawn = random.Random(f"{seed}/{package}/{stage.value}").sample(tasks, max(count, 1))
    return tuple(sorted(drawn))
