"""The board of a job: what waits, who has it, and what is late; and what time has decided."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from itagflow.model.job import Stage
from itagflow.printing import format_count
from itagflow.reprs import show_fields, show_line


@attrs.frozen(kw_only=True)
class StageQueue:
    """What there is to do at one stage of a job.

    >>> StageQueue(waiting=2, held=1).waiting
    2
    """

    waiting: int = 0
    """How many packages can be claimed from the queue."""
    held: int = 0
    """How many assignments members are working on."""
    offered: int = 0
    """How many assignments are offered, to one member or to whoever may have them."""
    oldest_waiting_since: datetime | None = None
    """Since when the oldest package of the queue waits; None: none waits."""
    overdue: int = 0
    """How many packages at the stage are past their due time, also those that somebody has."""
    priorities: Mapping[float, int] = attrs.field(factory=dict[float, int])
    """How many packages wait with each priority, the highest first: at most the 100 highest."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class QueueReport:
    """What there is to do in a job now: what ``jobs.queue`` returns.

    >>> report = QueueReport(at=datetime(2026, 11, 28), stages={Stage.LABEL: StageQueue(held=1)})
    >>> report.held, report.to_dict()["stages"]["label"]["held"]
    (1, 1)
    """

    at: datetime
    """When it was so."""
    stages: Mapping[Stage, StageQueue]
    """The queue of each stage, in the order of the workflow."""
    next_due: datetime | None = None
    """When an open package is due next that is not overdue yet; None: none is."""

    @property
    def waiting(self) -> int:
        """How many packages can be claimed from the queue."""
        return sum(stage.waiting for stage in self.stages.values())

    @property
    def held(self) -> int:
        """How many assignments members are working on."""
        return sum(stage.held for stage in self.stages.values())

    @property
    def offered(self) -> int:
        """How many assignments are offered."""
        return sum(stage.offered for stage in self.stages.values())

    @property
    def overdue(self) -> int:
        """How many open packages are past their due time."""
        return sum(stage.overdue for stage in self.stages.values())

    @property
    def oldest_waiting_since(self) -> datetime | None:
        """Since when the oldest package of a queue waits; None: none waits."""
        times = [stage.oldest_waiting_since for stage in self.stages.values()]
        return min((time for time in times if time is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types: stages by value, times as text, priorities as pairs."""
        return {
            "at": self.at.isoformat(),
            "waiting": self.waiting,
            "held": self.held,
            "offered": self.offered,
            "overdue": self.overdue,
            "oldest_waiting_since": _format(self.oldest_waiting_since),
            "next_due": _format(self.next_due),
            "stages": {stage.value: _to_dict(queue) for stage, queue in self.stages.items()},
        }

    def __str__(self) -> str:
        parts = [
            f"{format_count(self.waiting, 'package')} waiting",
            f"{self.held} held",
            f"{self.offered} offered",
        ]
        if self.overdue:
            parts.append(f"{self.overdue} overdue")
        return ", ".join(parts)

    def __repr__(self) -> str:
        return show_line(self, self)


def _to_dict(queue: StageQueue) -> dict[str, Any]:
    return {
        "waiting": queue.waiting,
        "held": queue.held,
        "offered": queue.offered,
        "overdue": queue.overdue,
        "oldest_waiting_since": _format(queue.oldest_waiting_since),
        # pairs and no mapping: a key of a JSON object is a text
        "priorities": [
            {"priority": priority, "waiting": number}
            for priority, number in queue.priorities.items()
        ],
    }


def _format(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


@attrs.frozen(kw_only=True)
class TickReport:
    """What time has decided: what ``Flow.tick`` has done.

    >>> print(TickReport(jobs=2, expired=1))
    2 jobs: 1 assignment expired
    """

    jobs: int = 0
    """How many running jobs were looked at."""
    expired: int = 0
    """How many assignments and offers were taken back because their lease had lapsed."""
    notified: int = 0
    """How many overdue packages are now named so in the history, and nothing else was done."""
    escalated: int = 0
    """How many overdue packages now wait for an expert."""
    defaulted: int = 0
    """How many overdue packages went on with a default answer to each task without another."""
    held: int = 0
    """How many overdue packages are left to who holds them: until that is handed in, or lapses."""

    @property
    def changed(self) -> int:
        """How many things were decided: nothing was due where it is 0."""
        return self.expired + self.notified + self.escalated + self.defaulted

    def __str__(self) -> str:
        counts = [
            ("assignment expired", "assignments expired", self.expired),
            ("package notified", "packages notified", self.notified),
            ("package escalated", "packages escalated", self.escalated),
            ("package answered by default", "packages answered by default", self.defaulted),
            ("package left to its holder", "packages left to their holders", self.held),
        ]
        said = [
            f"{number} {one if number == 1 else many}" for one, many, number in counts if number
        ]
        return f"{format_count(self.jobs, 'job')}: {', '.join(said) or 'nothing was due'}"

    __repr__ = show_fields
