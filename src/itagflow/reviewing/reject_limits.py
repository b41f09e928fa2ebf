"""How often a review stage may send one task back, and what becomes of it then.

So a task cannot go back and forth without end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import attrs

from itagflow.errors import Incomplete
from itagflow.model.job import Job, OnMaxRejects, Stage
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.printing import format_count
from itagflow.results.campaign_rules import select_history

REJECTED_TOO_OFTEN = "rejected too often"
"""Why a task is abandoned that was sent back as often as it may."""


@attrs.frozen
class RejectLimit:
    """How often a stage may send one task back."""

    most: int | None
    """How many times; None: any number."""
    then: OnMaxRejects
    """What becomes of the task then."""

    def is_reached(self, rejects: int) -> bool:
        """Return whether a task that was sent back *rejects* times may not be again."""
        return self.most is not None and rejects >= self.most


def find_limit(job: Job, stage: Stage) -> RejectLimit:
    """Return how often *stage* of *job* may send one task back."""
    rule = job.workflow.review(stage)
    if rule is None:
        return RejectLimit(None, OnMaxRejects.MODIFY)
    return RejectLimit(rule.max_rejects, rule.on_max_rejects)


def count_rejects(
    package: Package, assignments: Sequence[Assignment], stage: Stage, tasks: Collection[int]
) -> dict[int, int]:
    """Return how many times *stage* has sent each of these tasks of *package* back."""
    rejects = [
        assignment
        for assignment in assignments
        if assignment.stage is stage and assignment.outcome is Outcome.REJECTED
    ]
    counts = dict.fromkeys(tasks, 0)
    for task in tasks:
        for assignment in select_history(package, rejects, task):
            if assignment.sent_back is None or task in assignment.sent_back:
                counts[task] += 1
    return counts


def find_limited(job: Job, stage: Stage, rejects: Mapping[int, int]) -> tuple[int, ...]:
    """Return the tasks that *stage* may not send back again, by how often it did."""
    limit = find_limit(job, stage)
    return tuple(sorted(task for task, number in rejects.items() if limit.is_reached(number)))


def require_below_limit(job: Job, stage: Stage, rejects: Mapping[int, int]) -> None:
    """Check that *stage* may send these tasks back, where the reviewer has to do the rest.

    Raises:
        Incomplete: when it has sent some back as often as it may; it lists them.
    """
    limit = find_limit(job, stage)
    limited = find_limited(job, stage, rejects)
    if limit.then is not OnMaxRejects.MODIFY or limit.most is None or not limited:
        return
    noun = "it was" if len(limited) == 1 else "they were"
    times = format_count(limit.most, "time")
    reason = f"{noun} sent back {times}, which is the most: modify, or abandon"
    raise Incomplete("send the task back", reason, limited)
