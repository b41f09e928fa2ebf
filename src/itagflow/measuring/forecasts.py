"""When a job will be done, from what was done on each day and what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from itagflow.core.counted import Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_query
from itagflow.core.visibility import Access, require_readable
from itagflow.measuring.forecast_rules import OpenPackage, count_left, name_days
from itagflow.measuring.work import iter_pieces
from itagflow.measuring.work_rules import Piece
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Package
from itagflow.quality.forecasting import JobForecast, forecast
from itagflow.storage.port import Query, Reader

NAME = "quality.forecast"


def forecast_job(
    engine: Engine, ref: JobRef, *, level: float, by: MemberRef | None, progress: Wrap | None
) -> JobForecast:
    """Return when a job will be done, stage by stage."""

    def find_access(reader: Reader) -> Access:
        return require_readable(engine, reader, NAME, ref, by)[1]

    with engine.store.read() as reader:
        job, _ = require_readable(engine, reader, NAME, ref, by)
    pieces = list(iter_pieces(engine, {"job": job.id}, find_access, progress=progress))
    today = engine.now().date()
    left = count_left(job, _read_open(engine, job, find_access), _find_sent_back(pieces))
    stages = {
        stage: forecast(_count_days(pieces, stage, today), left[stage], level=level)
        for stage in job.workflow.stages
    }
    return name_days(stages, today, {piece.at.weekday() for piece in pieces})


def _count_days(pieces: list[Piece], stage: Stage, today: date) -> list[int]:
    """Return how many tasks were handed in at *stage* on each day on which any was.

    Today, which is not over, counts only where there was no day before.
    """
    days = defaultdict[date, int](int)
    for piece in pieces:
        if piece.stage is stage and piece.assignments:
            days[piece.at.date()] += piece.count
    if len(days) > 1:
        days.pop(today, None)
    return list(days.values())


def _find_sent_back(pieces: list[Piece]) -> Mapping[Stage, float]:
    """Return the share of looks at each review stage that has sent the task back."""
    looks, back = defaultdict[Stage, int](int), defaultdict[Stage, int](int)
    for piece in pieces:
        if piece.stage is not Stage.LABEL:
            looks[piece.stage] += piece.count
            back[piece.stage] += piece.sent_back
    return {stage: min(1.0, back[stage] / looks[stage]) for stage in looks if looks[stage]}


def _read_open(
    engine: Engine, job: Job, find_access: Callable[[Reader], Access]
) -> list[OpenPackage]:
    where: dict[str, Any] = {"job": job.id}
    packages = list(
        iterate_query(engine.store, Query(Package, {**where, "open": True}, order=("number",)))
    )
    live = defaultdict[int, list[Assignment]](list)
    held = Query(Assignment, {**where, "live": True}, order=("id",))
    assignments = list(iterate_query(engine.store, held))
    with engine.store.read() as reader:
        # without what was handed to the experts, which would tell of secret votes
        public = find_access(reader).read_public(job, assignments)
    for assignment in public:
        live[assignment.package].append(assignment)
    return [OpenPackage(package=each, live=live[each.number]) for each in packages]
