"""Operations on assignments: claim, renew, release, assign, reassign, expire."""

from __future__ import annotations

from itagflow.claiming import service
from itagflow.claiming.service import ClaimRequest
from itagflow.core.engine import BLOCK, Engine
from itagflow.core.lookup import (
    AssignmentRef,
    JobRef,
    MemberRef,
    PackageRef,
)
from itagflow.core.transaction import Transaction
from itagflow.model.job import Stage
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment


def claim(
    engine: Engine, member: MemberRef, job: JobRef, stage: Stage, *, token: str = ""
) -> Assignment | None:
    """Take the next assignment that is there for a member, or return None when there is none."""
    request = ClaimRequest(member, job, stage, token)
    with engine.transaction() as transaction:
        taken = service.claim(transaction, request)
    return taken[0] if taken else None


def claim_many(
    engine: Engine, member: MemberRef, job: JobRef, stage: Stage, count: int
) -> list[Assignment]:
    """Take up to *count* assignments in the order of `claim`; fewer when there are no more."""
    count = require_whole_number("the claim", "count", count)
    taken: list[Assignment] = []
    while len(taken) < count:
        request = ClaimRequest(member, job, stage, count=min(count - len(taken), BLOCK))
        with engine.transaction() as transaction:
            found = service.claim(transaction, request)
        if not found:
            break
        taken += found
    return taken


def renew(engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
    """Count the lease of a held assignment from now; saving an answer does the same."""
    with engine.transaction() as transaction:
        return service.renew(transaction, assignment, by)


def release(
    engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None, comment: str = ""
) -> Assignment:
    """Give an assignment back, or decline an offer; the next holder sees the answers as drafts."""
    with engine.transaction() as transaction:
        return service.release(transaction, assignment, by, comment)


def assign(engine: Engine, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
    """Offer a free slot of a package to a member, who claims it before anything from the queue."""
    with engine.transaction() as transaction:
        return service.assign(transaction, package, member, by)


def reassign(
    engine: Engine,
    assignment: AssignmentRef,
    member: MemberRef,
    *,
    by: MemberRef,
    comment: str = "",
) -> Assignment:
    """Take an assignment back and offer its slot to another member; returns the offer."""
    with engine.transaction() as transaction:
        return service.reassign(transaction, assignment, member, by, comment)


def expire(engine: Engine, job: JobRef, *, by: MemberRef) -> list[Assignment]:
    """Return a job's assignments whose lease has lapsed to the queue, where *by* may assign."""
    with engine.transaction() as transaction:
        keys = service.find_expired(transaction, job, by)
    results = engine.run_batch(
        keys,
        Transaction.lock_assignments,
        lambda transaction, assignment: service.expire(transaction, assignment, by),
    )
    return [result.value for result in results if result.value is not None]
