"""Who is there to do the work of a job, as the store says."""

from __future__ import annotations

import attrs

from itagflow.core.transaction import Transaction
from itagflow.errors import Incomplete
from itagflow.jobs.finishing_rules import Staffing, find_hindrance, find_missing_people
from itagflow.jobs.rules import advance_job
from itagflow.model.job import Job, Stage
from itagflow.model.workspace import Member
from itagflow.reviewing.reject_rules import WorkPlace
from itagflow.storage.port import Query, Reader


def read_staffing(transaction: Transaction, job: Job, packages: int = 0) -> Staffing:
    """Return what a *job* with so many packages can count on now."""
    place = WorkPlace(transaction.policy, job, Stage.LABEL, transaction.at)
    return attrs.evolve(read_staffing_at(transaction.store, place), packages=packages)


def read_staffing_at(reader: Reader, place: WorkPlace) -> Staffing:
    """Return what the job of *place* can count on at its time."""
    active = Query(Member, {"workspace": place.job.workspace, "active": True})
    return Staffing(members=list(reader.find(active)), policy=place.policy, at=place.at)


def require_people(reader: Reader, place: WorkPlace, operation: str = "reopen") -> None:
    """Check that work that *operation* adds to a job at the stage of *place* can be done.

    Raises:
        Incomplete: when too few members may do it, or review it.
    """
    missing = find_missing_people(place.job, place.stage, read_staffing_at(reader, place))
    if missing:
        raise Incomplete(operation, missing)


def require_publishable(job: Job, staffing: Staffing, tasks: int | None) -> None:
    """Check that a draft with so many *tasks* can be published; None is for not known yet.

    Raises:
        Incomplete: when it has none, or could never finish.
    """
    hindrance = find_hindrance(job, staffing)
    advance_job(job, "publish", tasks=1 if tasks is None else tasks, hindrance=hindrance)
