"""The board of a job: what waits, what is held and offered, and what is late.

How many packages are at a stage is in the sums that the database keeps.  Those of them that do not
wait are found by the live assignments, of which there are about as many as people at work, so
nothing is counted over the whole job, and no claim has to write another sum.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

import attrs

from itagflow.claiming.queue import OLDEST_ORDER, USUAL_ORDER
from itagflow.core.engine import Engine
from itagflow.core.lookup import PAGE, JobRef, MemberRef, first
from itagflow.core.visibility import Access, require_readable
from itagflow.deadlines import board_rules
from itagflow.deadlines.board_rules import USUAL_PRIORITY, StageCounts
from itagflow.lots.counting import count_by_lot_key
from itagflow.lots.key_rules import count_waiting
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import (
    DECISIONS,
    Assignment,
    AssignmentState,
    Package,
    PackageState,
)
from itagflow.model.reports import QueueReport, StageQueue
from itagflow.storage.fields import NEVER
from itagflow.storage.port import Query, Reader, Span

_MOST = sys.float_info.max
_NEXT = math.ulp(USUAL_PRIORITY)
"""The least number above the usual priority: a span has both its ends."""
_MOMENT = timedelta(microseconds=1)


def read_queue(engine: Engine, job: JobRef, *, by: MemberRef | None = None) -> QueueReport:
    """Return what there is to do in a job now."""
    at = engine.now()
    with engine.store.read() as reader:
        current, viewer = require_readable(engine, reader, "jobs.queue", job, by)
        reading = _Reading(reader, current, at)
        if current.state is JobState.ARCHIVED:
            # its assignments are recalled one by one, and nothing of it is to do
            return QueueReport(at=at, stages=dict.fromkeys(current.workflow.stages, StageQueue()))
        live = reading.count_live(viewer)
        taken, overdue = reading.find_taken(), reading.count_overdue()
        sums = reader.tally(Query(Package, {"job": current.id}), by=("state",), add=("size",))
        stages: dict[Stage, StageQueue] = {}
        for stage in current.workflow.stages:
            number = sums.get((PackageState.at(stage).value,), (0,))[0]
            at_stage = board_rules.find_taken(taken, stage)
            in_lots = reading.count_in_lots(stage)
            counts = StageCounts(number, at_stage, reading.count_prioritized(stage), in_lots)
            stages[stage] = StageQueue(
                waiting=counts.waiting,
                held=live.get((stage, AssignmentState.HELD), 0),
                offered=live.get((stage, AssignmentState.OFFERED), 0),
                oldest_waiting_since=reading.find_oldest(stage),
                overdue=overdue.get(PackageState.at(stage), 0),
                in_lots=in_lots,
                priorities=board_rules.list_priorities(counts),
            )
        return QueueReport(at=at, stages=stages, next_due=reading.find_next_due())


@attrs.frozen
class _Reading:
    """The questions about one job in one transaction."""

    reader: Reader
    job: Job
    at: datetime

    def count_live(self, viewer: Access) -> Mapping[tuple[Stage, AssignmentState], int]:
        """Return how many assignments are held and offered at each stage.

        Where votes are given, what waits for an expert or an adjudicator is left out if it would
        tell the reader of secret votes.
        """
        live = Query(Assignment, {"job": self.job.id, "live": True})
        tally = self.reader.tally(live, by=("stage", "state", "purpose"))
        counts: dict[tuple[Stage, AssignmentState], int] = {}
        deciding = {purpose.value for purpose in DECISIONS}
        has_votes = self.job.workflow.label.votes > 1
        has_decisions = False
        for (stage, state, purpose), (number,) in tally.items():
            if has_votes and purpose in deciding:
                has_decisions = True
                continue
            place = (Stage(stage), AssignmentState(state))
            counts[place] = counts.get(place, 0) + number
        if has_decisions:
            where: dict[str, Any] = {**live.where, "purpose": tuple(DECISIONS)}
            decisions = list(self.reader.find(Query(Assignment, where)))
            for each in viewer.read_public(self.job, decisions):
                counts[each.stage, each.state] = counts.get((each.stage, each.state), 0) + 1
        return counts

    def find_taken(self) -> list[Package]:
        """Return the packages with live assignments: what is open and waits for nobody has one."""
        live = Query(Assignment, {"job": self.job.id, "live": True})
        numbers = [cast(int, number) for (number,) in self.reader.tally(live, by=("package",))]
        packages: list[Package] = []
        for start in range(0, len(numbers), PAGE):
            where: dict[str, Any] = {
                "job": self.job.id,
                "number": tuple(numbers[start : start + PAGE]),
            }
            packages += self.reader.find(Query(Package, where))
        return packages

    def count_in_lots(self, stage: Stage) -> int:
        """Return how many packages at *stage* wait for their lot."""
        if stage is not Stage.ACCEPT or not self.job.workflow.has_lots:
            return 0
        return count_waiting(count_by_lot_key(self.reader, self.job.id))

    def count_prioritized(self, stage: Stage) -> Mapping[float, int]:
        """Return how many packages wait at *stage* with each priority but the usual one."""
        counts: dict[float, int] = {}
        for span in (Span(_NEXT, _MOST), Span(-_MOST, -_NEXT)):
            query = Query(Package, {**self._waiting(stage), "priority": span})
            for (priority,), (number,) in self.reader.tally(query, by=("priority",)).items():
                counts[cast(float, priority)] = number
        return counts

    def find_oldest(self, stage: Stage) -> datetime | None:
        """Return since when the oldest package waits at *stage*.

        By two indexes, as the queue is gone through: that of the packages with a priority or a due
        time, and that of all the others, which are of one rank.
        """
        state = PackageState.at(stage)
        ranked: dict[str, Any] = {"job": self.job.id, "state": state, "ranked": True}
        others = {**self._waiting(stage), "priority": USUAL_PRIORITY, "due": NEVER}
        found = (
            first(self.reader, Query(Package, ranked, order=OLDEST_ORDER, limit=1)),
            first(self.reader, Query(Package, others, order=USUAL_ORDER, limit=1)),
        )
        return min((each.waiting_since for each in found if each is not None), default=None)

    def count_overdue(self) -> Mapping[PackageState, int]:
        """Return how many packages in each state are past their due time."""
        # grouped by state and not asked for each: with the state in the condition a database may
        # prefer the index on states, which has the whole job
        late = Query(Package, self._with_deadline(Span(None, self.at)))
        tally = self.reader.tally(late, by=("state",))
        return {PackageState(state): number for (state,), (number,) in tally.items()}

    def find_next_due(self) -> datetime | None:
        """Return when an open package is due next that is not overdue yet."""
        # what is due at this very moment is overdue
        where = self._with_deadline(Span(self.at + _MOMENT, None))
        query = Query(Package, where, order=("due", "number"), limit=1)
        following = first(self.reader, query)
        return None if following is None else following.due

    def _waiting(self, stage: Stage) -> dict[str, Any]:
        return {"job": self.job.id, "state": PackageState.at(stage), "waiting": True}

    def _with_deadline(self, due: Span) -> dict[str, Any]:
        return {"job": self.job.id, "has_deadline": True, "due": due}
