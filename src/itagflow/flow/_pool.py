"""The pool: what waits at a stage, and where a member's look at it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from itagflow.flow._find import first, perhaps
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Package, Seat, Start
from itagflow.model.workspace import Member
from itagflow.rules import claiming
from itagflow.storage.port import Condition, Query, Reader, Span, Unless


def waiting(
    job: Job, stage: Stage, where: Mapping[str, Condition] | None = None, unless: Unless | None = None
) -> Query[Package]:
    """Return the query for the first package that waits at *stage*."""
    return Query(
        Package,
        {"job": job.id, "state": claiming.waits_at(stage), "waiting": True, **(where or {})},
        order=("-priority", "waiting_since", "number"),
        limit=1,
        unless=unless,
    )


def pool(job: Job, member: Member, stage: Stage, start: Start | None) -> Iterator[Query[Package]]:
    """Yield the queries for the next package that there is for *member*: the first that finds one has found it.

    Behind *start* first, so that a long row of own work is not looked at again; what came to the front since has
    a higher priority.  The last query is the whole pool: whatever *start* says, nothing is left lying.
    """
    unless = _own_work(job, member, stage)
    if start is not None:
        since = Span(start.since - claiming.MARGIN, None)
        yield waiting(job, stage, {"priority": Span(start.priority + 1, None)}, unless)
        yield waiting(job, stage, {"priority": start.priority, "waiting_since": since}, unless)
    yield waiting(job, stage, unless=unless)


def has_work(reader: Reader, job: Job, member: Member, stage: Stage) -> bool:
    """Return whether the pool has a package for *member* at *stage*."""
    queries = pool(job, member, stage, begin(reader, job, member, stage))
    return any(first(reader, query) is not None for query in queries)


def begin(reader: Reader, job: Job, member: Member, stage: Stage) -> Start | None:
    """Return where the look of *member* at the pool begins."""
    if not claiming.own_work_waits(job, stage):
        return None
    seat = perhaps(reader, Seat, (job.id, stage.value, member.id))
    return seat.start if seat else None


def _own_work(job: Job, member: Member, stage: Stage) -> Unless | None:
    kept_from = claiming.own_work(job, member, stage)
    if kept_from is None:
        return None
    same = {"job": "job", "number": "package"}
    if kept_from.pop("same_round", False):
        same["round"] = "round"
    return Unless(Assignment, kept_from, same)
