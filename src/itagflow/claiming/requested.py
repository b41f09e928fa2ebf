"""Claims of one queue that say more: by a token, of one package, or of what is held already."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from itagflow.claiming import queue, rules
from itagflow.claiming.decision import ClaimPlace
from itagflow.claiming.queue import describe
from itagflow.claiming.service import Claim, read_job_and_member
from itagflow.claiming.wanted import Options
from itagflow.core.lookup import package_in
from itagflow.core.transaction import Transaction
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.workspace import Member


def take_requested(
    transaction: Transaction, member: Member, job: Job, stage: Stage, options: Options
) -> tuple[Assignment | None, bool]:
    """Give what the same claim, sent before, was given, or what is held, or else something new.

    Returns:
        It, and whether there may be something after all, for a claim that begins again.

    Raises:
        NotAllowed: when the member may not work there.
        InvalidData: when the job does not have this stage, or the token cannot be stored.
    """
    rules.must_be_a_token(options.token)
    job, member = read_job_and_member(transaction, job, member)
    package: Package | None = None
    if options.package is not None:
        package = package_in(transaction.store, job.id, options.package)
    number = None if package is None else package.number
    terms = rules.Terms(
        token=options.token,
        arguments=rules.describe_arguments(number, is_resumed=options.is_resumed),
    )
    place = ClaimPlace(job, member, stage, transaction.at)
    work = Claim(transaction, describe(transaction.store, transaction, place), terms)
    work.require_permission()
    earlier = work.find_earlier() if options.token else None
    if earlier is None and options.is_resumed:
        earlier = _find_held(transaction, work, place, number)
    if earlier is not None:
        return earlier, False
    taken = (
        next(iter(work.take(1)), None)
        if package is None
        else _take_package(transaction, work, package)
    )
    # job, member or counter had changed when they were locked
    is_overtaken = taken is None and work.is_confirmed
    if taken is None and not is_overtaken:
        work.require_acknowledged()
    return taken, is_overtaken


def _find_held(
    transaction: Transaction, work: Claim, place: ClaimPlace, package: int | None
) -> Assignment | None:
    """Return what the member holds already, on this *package* or any, the oldest first.

    One whose lease has lapsed is renewed, unless others are about to take it.
    """
    held = queue.find_held(transaction.store, place, package)
    return next(filter(None, map(work.give_back_held, held)), None)


def _take_package(transaction: Transaction, work: Claim, package: Package) -> Assignment | None:
    """Take what the member may have of one package: an offer, a free slot, lapsed work.

    An offer is their own, or a part that is offered to whoever may have it.
    """
    locked = work.lock_package(package)
    assignments = transaction.assignments(locked)
    offered = [each for each in assignments if each.state is AssignmentState.OFFERED]
    # its package is locked: each of them is checked once more as it is now
    for offer in offered:
        taken = work.take_own_offer(offer) if work.is_own(offer) else None
        if taken is not None:
            return taken
    for offer in offered:
        taken = work.take_open_offer(offer) if work.accepts_open(offer, locked) else None
        if taken is not None:
            return taken
    return work.start(locked) or _take_lapsed(work, assignments) or work.find_sent_before()


def _take_lapsed(work: Claim, assignments: Sequence[Assignment]) -> Assignment | None:
    """Take one of these *assignments* whose lease has lapsed, the longest first."""
    lapsed = filter(work.has_lapsed, assignments)
    in_order = sorted(lapsed, key=attrgetter("lease_until", "id"))
    return next(filter(None, map(work.take_one_lapsed, in_order)), None)
