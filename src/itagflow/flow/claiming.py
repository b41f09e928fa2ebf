"""Assignments without their work: claim, renew, release; and for others: assign, reassign, expire."""

from __future__ import annotations

from itagflow.claiming import service
from itagflow.claiming.service import ClaimRequest
from itagflow.flow._act import BLOCK, Transaction, Shell
from itagflow.flow._find import JobRef, MemberRef, PackageRef, AssignmentRef
from itagflow.model.job import Stage
from itagflow.model.number import whole_number
from itagflow.model.package import Assignment


class Claiming(Shell):
    """The verbs that give out assignments and take them back."""

    def claim(self, member: MemberRef, job: JobRef, stage: Stage, *, token: str = "") -> Assignment | None:
        """Take the next assignment that is there for a member, or return None when there is none.

        First what is offered to them, then the pool in order of priority, waiting time and number, then the
        assignment whose lease lapsed first.  Where much of what waits is the member's own work, what lies behind that may
        come before what was put in front of it later.  `explain` says why there is nothing.

        Args:
            member: Who claims.
            job: The job.
            stage: The kind of work.
            token: The caller's own name for this claim: a repeated token gives the same assignment, so a claim
                whose answer was lost can be sent again.

        Raises:
            NotAllowed: when the member may not work there.
            InvalidData: when the job does not have this stage.
        """
        request = ClaimRequest(member, job, stage, token)
        with self._acting() as transaction:
            taken = service.claim(transaction, request)
        return taken[0] if taken else None

    def claim_many(self, member: MemberRef, job: JobRef, stage: Stage, count: int) -> list[Assignment]:
        """Take up to *count* assignments, in the order in which `claim` gives them; fewer when there are no more.

        Errors are those of `claim`.
        """
        count = whole_number("the claim", "count", count)
        taken: list[Assignment] = []
        while len(taken) < count:
            request = ClaimRequest(member, job, stage, count=min(count - len(taken), BLOCK))
            with self._acting() as transaction:
                found = service.claim(transaction, request)
            if not found:
                break
            taken += found
        return taken

    def renew(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Count the lease of a held assignment from now; saving an answer does the same.

        Raises:
            NotHeld: when it is not held, or not by the member *by*.
        """
        with self._acting() as transaction:
            return service.renew(transaction, assignment, by)

    def release(self, assignment: AssignmentRef, *, by: MemberRef | None = None, reason: str = "") -> Assignment:
        """Give an assignment back, or decline an offer; what was saved is shown to the next holder as a draft.

        Args:
            assignment: An assignment that is held or offered.
            by: Who gives it back: its holder, or somebody who may assign work; its holder when not given.
            reason: Why.

        Raises:
            WrongState: when it has ended.
            NotAllowed: when *by* is another member, who may not assign work.
        """
        with self._acting() as transaction:
            return service.release(transaction, assignment, by, reason)

    def assign(self, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
        """Offer a free slot of a package to a member, who claims it before anything from the pool.

        Raises:
            NotAllowed: when no slot is free, the member may not have it, or *by* may not assign work.
        """
        with self._acting() as transaction:
            return service.assign(transaction, package, member, by)

    def reassign(self, assignment: AssignmentRef, member: MemberRef, *, by: MemberRef, reason: str = "") -> Assignment:
        """Take an assignment back and offer its slot to another member; returns the offer.

        Raises:
            WrongState: when the assignment has ended.
            NotAllowed: when the member may not have it, or *by* may not assign work.
        """
        with self._acting() as transaction:
            return service.reassign(transaction, assignment, member, by, reason)

    def expire(self, job: JobRef, *, by: MemberRef) -> list[Assignment]:
        """Return every assignment of a job whose lease has lapsed to the pool, in transactions: at the stages where *by* assigns.

        Raises:
            NotAllowed: when *by* may assign work at no stage.
        """
        with self._acting() as transaction:
            keys = service.find_expired(transaction, job, by)
        attempts = self._attempt(keys, Transaction.lock_assignments, lambda transaction, assignment: service.expire(transaction, assignment, by))
        return [attempt.value for attempt in attempts if attempt.value is not None]
