"""What a job has accepted in lots of several packages, and what their samples have found."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from itagflow.core.counted import Steps
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, iterate_query
from itagflow.core.visibility import Access, require_readable
from itagflow.lots.counting import read_lots
from itagflow.lots.plan_rules import LotRule
from itagflow.measuring import lot_rules
from itagflow.model.job import Job
from itagflow.model.package import Package
from itagflow.model.workspace import Member
from itagflow.quality.values import Inspection
from itagflow.storage.port import Query

NAME = "quality.error_left"
"""The verb that reads them."""
DEPENDS_ON_FOUND = (
    "how many tasks of a lot of job {!r} are checked depends on what was found: "
    "no estimate is known"
)
IS_HIDDEN = "lots of job {!r} have work in them that may not be seen by {}"


@attrs.frozen(kw_only=True)
class LotWork:
    """What was accepted in lots, or why that cannot be said."""

    inspections: tuple[Inspection, ...] = ()
    """What the sample of each lot that was decided has found."""
    tasks: int = 0
    """How many tasks of the job are accepted: in lots, and those that were checked whole."""
    why: str = ""
    """Why nothing can be said; empty where it can."""


def read_lot_work(
    engine: Engine, job: Job, rule: LotRule, by: MemberRef | None, steps: Steps
) -> LotWork:
    """Return what is accepted of a job with lots; each package is one of *steps*."""
    # packages first: a lot that is decided meanwhile adds errors then, and never tasks alone
    packages = iterate_query(engine.store, Query(Package, {"job": job.id}, order=("number",)))
    tasks = 0
    for package in packages:
        tasks += lot_rules.count_accepted(package)
        steps.advance(1)
    with engine.store.read() as reader:
        _, access = require_readable(engine, reader, NAME, job, by)
        people = reader.find(Query(Member, {"workspace": job.workspace}))
        if access.member is not None and not _can_see_everybody(access, people):
            return LotWork(why=IS_HIDDEN.format(job.name, access.member.account))
        lots = read_lots(reader, job.id)
    found = lot_rules.list_inspections(rule, lots)
    if found is None:
        return LotWork(why=DEPENDS_ON_FOUND.format(job.name))
    return LotWork(inspections=tuple(found), tasks=tasks)


def _can_see_everybody(access: Access, people: Iterable[Member]) -> bool:
    """Return whether the reader may see the work of each: a lot has that of several together."""
    return all(access.can_see_work_of([member.id]) for member in people)
