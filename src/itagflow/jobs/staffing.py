"""Who is there to do the work of a job, as the store says."""

from __future__ import annotations

import attrs

from itagflow.core.transaction import Transaction
from itagflow.errors import Incomplete
from itagflow.jobs.finishing_rules import Staffing, find_hindrance, find_missing_people
from itagflow.jobs.rules import advance_job
from itagflow.jobs.skill_rules import find_skill_field
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Package
from itagflow.model.workspace import Member
from itagflow.reviewing.reject_rules import WorkPlace
from itagflow.storage.port import Query, Reader


def read_staffing(transaction: Transaction, job: Job, packages: int = 0) -> Staffing:
    """Return what a *job* with so many packages can count on now."""
    place = WorkPlace(transaction.policy, job, Stage.LABEL, transaction.at)
    staffing = read_staffing_at(transaction.store, place)
    return attrs.evolve(staffing, packages=packages, values=_count_values(transaction.store, job))


def _count_values(reader: Reader, job: Job) -> dict[str, int]:
    """Return how many packages of *job* have each value that names a skill, if some are required.

    One look at all packages, before anybody works on them or when their rules change.
    """
    if not find_skill_field(job.workflow):
        return {}
    tally = reader.tally(Query(Package, {"job": job.id}), by=("value",))
    return {str(value): number for (value,), (number,) in tally.items()}


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


def require_people_again(transaction: Transaction, job: Job, operation: str) -> None:
    """Check that a finished *job* that runs again by *operation* can have new tasks labeled.

    A job that runs was checked when it was published.  An imported one names nobody.

    Raises:
        Incomplete: when too few members may do the work, or review it.
    """
    if job.state is JobState.FINISHED:
        place = WorkPlace(transaction.policy, job, Stage.LABEL, transaction.at)
        require_people(transaction.store, place, operation)


def require_publishable(job: Job, staffing: Staffing, tasks: int | None) -> None:
    """Check that a draft with so many *tasks* can be published; None is for not known yet.

    Raises:
        Incomplete: when it has none, or could never finish.
    """
    hindrance = find_hindrance(job, staffing)
    advance_job(job, "publish", tasks=1 if tasks is None else tasks, hindrance=hindrance)
