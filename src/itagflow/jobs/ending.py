"""The end of a job that did not end by itself so far."""

from __future__ import annotations

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef
from itagflow.model.job import Job
from itagflow.model.package import Package
from itagflow.reviewing.service import finish_if_done
from itagflow.storage.port import Query


def finish_idle(engine: Engine, job: Job, *, by: MemberRef) -> Job:
    """Finish *job*, which ends by itself from now on, if no package of it is open.

    That it does is stored already: whoever locks a package from here on finishes the job with the
    last one.
    """
    open_packages = Query(Package, {"job": job.id, "open": True}, order=("number",), limit=1)
    while True:
        with engine.transaction() as transaction:
            current = transaction.job(job)
            ctx = transaction.authorize(current.workspace, by, Action.MANAGE_JOB, current)
            first_open = lookup.first(transaction.store, open_packages)
            if first_open is None:
                finish_if_done(transaction, current, ctx)
                return transaction.job(current.id)
            # Somebody may be ending it who has read the job before it was changed, and who does
            # not finish it.  They hold the package: behind them it is open no more.
            if transaction.lock_package(first_open.key).open:
                return current
