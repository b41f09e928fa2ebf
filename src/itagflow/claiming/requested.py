"""Claims that say more than who, where and what: a package, a token, or that work is resumed."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from itagflow.claiming import queue, rules
from itagflow.claiming.decision import (
    ClaimPlace,
    Source,
    is_own_work,
)
from itagflow.claiming.part_rules import has_seen_votes
from itagflow.claiming.service import Claim, ClaimRequest, describe, read_job_and_member
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    package_in,
)
from itagflow.core.transaction import Transaction
from itagflow.model.job import Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Package,
)


def claim(engine: Engine, request: ClaimRequest) -> Assignment | None:
    """Take what a request names, or what the same claim was given; None when there is nothing."""
    with engine.transaction() as transaction:
        taken = take_requested(transaction, request)
    return taken[0] if taken else None


def take_requested(transaction: Transaction, request: ClaimRequest) -> list[Assignment]:
    """Give what the same claim, sent before, was given, or what is held, or else something new.

    Raises:
        NotAllowed: when the member may not work there.
        InvalidData: when the job does not have this stage, or the token cannot be stored.
    """
    rules.must_be_a_token(request.token)
    job, member = read_job_and_member(transaction, request)
    package: Package | None = None
    if request.package is not None:
        package = package_in(transaction.store, job.id, request.package)
    number = None if package is None else package.number
    terms = rules.Terms(
        token=request.token,
        arguments=rules.describe_arguments(number, is_resumed=request.is_resumed),
    )
    place = ClaimPlace(job, member, request.stage, transaction.at)
    work = RequestedClaim(transaction, describe(transaction.store, transaction, place), terms)
    work.require_permission()
    earlier = work.find_earlier() if request.token else None
    if earlier is None and request.is_resumed:
        earlier = work.find_held(number)
    if earlier is not None:
        return [earlier]
    taken = work.take(request.count) if package is None else work.take_package(package)
    if not taken:
        work.require_acknowledged()
    return taken


class RequestedClaim(Claim):
    """A claim of what is asked for: it may be what the same claim was given, or what is held."""

    def find_held(self, package: int | None) -> Assignment | None:
        """Return what the member holds already, on this *package* or any, the oldest first.

        One whose lease has lapsed is renewed, unless others are about to take it.
        """
        situation = self._situation
        for held in queue.find_held(self._transaction.store, self._place, package):
            has_lapsed = rules.has_lapsed(held, self._transaction.at)
            if not has_lapsed or Source.LAPSED not in self._decision.sources:
                return held
            renewed = self._take_one_lapsed(held)
            if renewed is not None and renewed.member == situation.member.id:
                return renewed
        return None

    def take_package(self, package: Package) -> list[Assignment]:
        """Take what the member may have of one package: an offer, a free slot, lapsed work.

        An offer is their own, or a part that is offered to whoever may have it.

        The package is waited for: others may be about to take another slot of it.
        """
        locked = self._transaction.lock_package(package)
        self._has_package = True
        assignments = self._transaction.assignments(locked)
        taken = self._take_offer_of(assignments) or self._take_part_of(assignments)
        if taken is None and self._can_start(locked, assignments):
            taken = self._start_work(locked, None)
        if taken is None:
            stage = self._situation.stage
            lapsed = [
                assignment
                for assignment in assignments
                if assignment.stage is stage and rules.has_lapsed(assignment, self._transaction.at)
            ]
            # the longest first, as everywhere
            for assignment in sorted(lapsed, key=attrgetter("lease_until", "id")):
                taken = taken or self._take_one_lapsed(assignment)
        if taken is None:
            taken = self._find_sent_before()
        return [] if taken is None else [taken]

    def _take_offer_of(self, assignments: Sequence[Assignment]) -> Assignment | None:
        """Take the member's own offer among these *assignments* of the locked package."""
        situation = self._situation
        for assignment in assignments:
            if (
                assignment.member == situation.member.id
                and assignment.stage is situation.stage
                and assignment.state is AssignmentState.OFFERED
                and self._decision.permits(assignment)
            ):
                _, offer = self._transaction.lock_assignment(assignment)
                self._confirm()
                if Source.OFFERS in self._decision.sources:
                    return self._take_offer(offer)
        return None

    def _take_part_of(self, assignments: Sequence[Assignment]) -> Assignment | None:
        """Take an open offer among these *assignments* of the locked package."""
        for assignment in assignments:
            if not self._decision.accepts_open(assignment, assignments):
                continue
            _, offer = self._transaction.lock_assignment(assignment)
            self._confirm()
            if self._decision.accepts_open(offer, assignments):
                return self._take_offer(offer)
        return None

    def _can_start(self, package: Package, assignments: Sequence[Assignment]) -> bool:
        """Return whether the member may have a free slot of the locked *package*, by this stage."""
        if Source.QUEUE not in self._decision.sources:
            return False
        if package.stage is not self._situation.stage or package.free < 1:
            return False
        self._confirm()
        situation = self._situation
        job, member, stage = situation.job, situation.member, situation.stage
        if stage is Stage.LABEL and has_seen_votes(job, member, package.round, assignments):
            return False
        return Source.QUEUE in self._decision.sources and not is_own_work(
            job, package, member, stage, assignments
        )
