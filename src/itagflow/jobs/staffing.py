"""Who is there to do the work of a job, as the store says."""

from __future__ import annotations

from itagflow.core.transaction import Transaction
from itagflow.jobs.finishing_rules import Staffing, find_hindrance
from itagflow.jobs.rules import advance_job
from itagflow.model.job import Job
from itagflow.model.workspace import Member
from itagflow.storage.port import Query


def read_staffing(transaction: Transaction, job: Job, packages: int = 0) -> Staffing:
    """Return what a *job* with so many packages can count on now."""
    active = Query(Member, {"workspace": job.workspace, "active": True})
    return Staffing(
        members=list(transaction.store.find(active)),
        policy=transaction.policy,
        at=transaction.at,
        packages=packages,
    )


def require_publishable(job: Job, staffing: Staffing, tasks: int | None) -> None:
    """Check that a draft with so many *tasks* can be published; None is for not known yet.

    Raises:
        Incomplete: when it has none, or could never finish.
    """
    hindrance = find_hindrance(job, staffing)
    advance_job(job, "publish", tasks=1 if tasks is None else tasks, hindrance=hindrance)
