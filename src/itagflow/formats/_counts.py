"""What every export counts while it writes."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from itagflow.formats import WriteReport
from itagflow.model.job import STAGES, Stage
from itagflow.model.result import Result, StageResult


@attrs.define
class Counts:
    """How many tasks and results an export has come to so far."""

    blocks: dict[Stage, int]
    """How many results there are at each stage that is asked for, in the order of the stages."""
    rows: int = 0
    abandoned: int = 0
    unfinished: int = 0

    @classmethod
    def for_stages(cls, stages: Collection[Stage] | None) -> Counts:
        """Return nothing counted yet, of these stages; of all, when None."""
        return cls({stage: 0 for stage in STAGES if stages is None or stage in stages})

    def add_task(self, result: Result) -> list[StageResult]:
        """Count a task, and return its results at the requested stages, in the order of stages."""
        reached = [result.stages[stage] for stage in self.blocks if stage in result.stages]
        self.rows += 1
        self.unfinished += not reached
        self.abandoned += bool(reached) and reached[-1].replies is None
        for stage_result in reached:
            self.blocks[stage_result.stage] += stage_result.replies is not None
        return reached

    def build_report(self) -> WriteReport:
        """Return what has been counted."""
        return WriteReport(
            rows=self.rows, blocks=self.blocks, abandoned=self.abandoned, unfinished=self.unfinished
        )
