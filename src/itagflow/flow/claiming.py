"""Turns without their work: claim, renew, release; and for others: assign, reassign, expire."""

from __future__ import annotations

from itagflow.claiming import service
from itagflow.claiming.service import ClaimRequest
from itagflow.flow._act import BLOCK, Block, Shell
from itagflow.flow._find import JobRef, MemberRef, PackageRef, TurnRef
from itagflow.model.job import Stage
from itagflow.model.number import whole_number
from itagflow.model.package import Assignment


class Claiming(Shell):
    """The verbs that give out turns and take them back."""

    def claim(self, member: MemberRef, job: JobRef, stage: Stage, *, token: str = "") -> Assignment | None:
        """Take the next turn that is there for a member, or return None when there is none.

        First what is offered to them, then the pool in order of priority, waiting time and number, then the
        turn whose lease lapsed first.  Where much of what waits is the member's own work, what lies behind that may
        come before what was put in front of it later.  `explain` says why there is nothing.

        Args:
            member: Who claims.
            job: The job.
            stage: The kind of work.
            token: The caller's own name for this claim: a repeated token gives the same turn, so a claim
                whose answer was lost can be sent again.

        Raises:
            NotAllowed: when the member may not work there.
            InvalidData: when the job does not have this stage.
        """
        request = ClaimRequest(member, job, stage, token)
        with self._acting() as block:
            taken = service.claim(block, request)
        return taken[0] if taken else None

    def claim_many(self, member: MemberRef, job: JobRef, stage: Stage, count: int) -> list[Assignment]:
        """Take up to *count* turns, in the order in which `claim` gives them; fewer when there are no more.

        Errors are those of `claim`.
        """
        count = whole_number("the claim", "count", count)
        taken: list[Assignment] = []
        while len(taken) < count:
            request = ClaimRequest(member, job, stage, count=min(count - len(taken), BLOCK))
            with self._acting() as block:
                found = service.claim(block, request)
            if not found:
                break
            taken += found
        return taken

    def renew(self, turn: TurnRef, *, by: MemberRef | None = None) -> Assignment:
        """Count the lease of a held turn from now; saving an answer does the same.

        Raises:
            NotHeld: when it is not held, or not by the member *by*.
        """
        with self._acting() as block:
            return service.renew(block, turn, by)

    def release(self, turn: TurnRef, *, by: MemberRef | None = None, reason: str = "") -> Assignment:
        """Give a turn back, or decline an offer; what was saved is shown to the next holder as a draft.

        Args:
            turn: A turn that is held or offered.
            by: Who gives it back: its holder, or somebody who may assign work; its holder when not given.
            reason: Why.

        Raises:
            WrongState: when it has ended.
            NotAllowed: when *by* is another member, who may not assign work.
        """
        with self._acting() as block:
            return service.release(block, turn, by, reason)

    def assign(self, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
        """Offer a free slot of a package to a member, who claims it before anything from the pool.

        Raises:
            NotAllowed: when no slot is free, the member may not have it, or *by* may not assign work.
        """
        with self._acting() as block:
            return service.assign(block, package, member, by)

    def reassign(self, turn: TurnRef, member: MemberRef, *, by: MemberRef, reason: str = "") -> Assignment:
        """Take a turn back and offer its slot to another member; returns the offer.

        Raises:
            WrongState: when the turn has ended.
            NotAllowed: when the member may not have it, or *by* may not assign work.
        """
        with self._acting() as block:
            return service.reassign(block, turn, member, by, reason)

    def expire(self, job: JobRef, *, by: MemberRef) -> list[Assignment]:
        """Return every turn of a job whose lease has lapsed to the pool, in blocks: at the stages where *by* assigns.

        Raises:
            NotAllowed: when *by* may assign work at no stage.
        """
        with self._acting() as block:
            keys = service.find_expired(block, job, by)
        attempts = self._attempt(keys, Block.hold_turns, lambda block, turn: service.expire(block, turn, by))
        return [attempt.turn for attempt in attempts if attempt.turn is not None]
