"""The queue of each stage, computed from what is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from itagflow.model.job import Stage
from itagflow.model.package import Package

MOST_PRIORITIES = 100
"""How many priorities a report has: each may be a score of its own."""
USUAL_PRIORITY = 0
"""The priority of the packages that were given none."""


@attrs.frozen
class StageCounts:
    """What was counted at one stage."""

    packages: int
    """How many packages are at the stage, from the kept sums."""
    taken: Sequence[Package]
    """Those of them in which somebody has the last slot."""
    prioritized: Mapping[float, int]
    """How many that wait have each priority but the usual one."""
    in_lots: int = 0
    """How many wait for their lot, and have no work for anybody."""

    @property
    def waiting(self) -> int:
        """How many packages can be claimed from the queue."""
        return self.packages - len(self.taken) - self.in_lots


def list_priorities(counts: StageCounts) -> dict[float, int]:
    """Return how many packages wait with each priority, the highest first, but not all of them.

    >>> list_priorities(StageCounts(packages=5, taken=(), prioritized={2.5: 1, -1: 1}))
    {2.5: 1, 0: 3, -1: 1}
    """
    priorities = dict(counts.prioritized)
    usual = counts.waiting - sum(priorities.values())
    if usual:
        priorities[USUAL_PRIORITY] = usual
    highest = sorted(priorities, reverse=True)[:MOST_PRIORITIES]
    return {priority: priorities[priority] for priority in highest}


def find_taken(packages: Iterable[Package], stage: Stage) -> list[Package]:
    """Return those of *packages*, on which there is work, that are at *stage* and do not wait."""
    return [package for package in packages if package.stage is stage and not package.waiting]
