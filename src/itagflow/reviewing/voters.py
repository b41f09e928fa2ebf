"""Who is left to vote on tasks on which the votes so far do not agree."""

from __future__ import annotations

from collections.abc import Sequence

from itagflow.claiming import part_rules
from itagflow.claiming.decision import has_skill
from itagflow.claiming.part_rules import PackagePart
from itagflow.core.lookup import get_or_none
from itagflow.core.transaction import Transaction
from itagflow.jobs.finishing_rules import find_workers
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, ClaimCounter, Package, Purpose
from itagflow.model.workspace import Member
from itagflow.storage.port import Query


def has_voter_left(
    transaction: Transaction, job: Job, package: Package, assignments: Sequence[Assignment]
) -> bool:
    """Return whether somebody of LABEL could give one more vote on tasks of a locked *package*.

    Whoever is paused comes back.  Nothing is read where the job asks for no more votes.
    """
    if not job.workflow.label.asks_again:
        return False
    active = Query(Member, {"workspace": job.workspace, "active": True})
    members = list(transaction.store.find(active))
    workers = find_workers(job, Stage.LABEL, members, transaction.policy)
    part = PackagePart(package, Purpose.EXTRA_VOTE, ())
    vote = part_rules.make_open_offer(part, transaction.make_context(job.workspace), id=0)
    return any(
        member.id in workers
        and not part_rules.has_conflict(job, vote, member, assignments)
        and has_skill(job, Stage.LABEL, member, package)
        and not _has_got_all(transaction, job, member)
        for member in members
    )


def _has_got_all(transaction: Transaction, job: Job, member: Member) -> bool:
    """Return whether *member* has got as many packages at LABEL as one may in the whole job."""
    most = job.workflow.label.max_total
    if most is None:
        return False
    counter = get_or_none(transaction.store, ClaimCounter, (job.id, Stage.LABEL.value, member.id))
    return counter is not None and counter.total >= most
