"""One act on many packages: in transactions, and with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from itagflow.claiming.service import assign, release
from itagflow.flow._act import Transaction
from itagflow.flow._find import MemberRef, PackageRef, AssignmentRef, key_of
from itagflow.flow.claiming import Claiming
from itagflow.flow.reviewing import Reviewing, rejected, reviewed
from itagflow.model.batch import BatchResult
from itagflow.model.package import Assignment, Outcome, Package


class Bulk(Claiming, Reviewing):
    """The verbs that do one act to many packages.

    Each returns what became of every act, in the order given: the assignment as it is now, or why it was refused.  One
    that is refused neither stops nor undoes the others.  Rules and history are those of the verb for one.

    They store transactions of up to 200 acts.  When the process ends in between, whole transactions are stored; call again:
    what is done already is reported as done, or refused.
    """

    def assign_many(self, packages: Iterable[PackageRef], member: MemberRef, *, by: MemberRef) -> list[BatchResult]:
        """Offer a free slot of each package to a member; refusals are the errors of `assign`."""
        given = [(key_of(Package, package), package) for package in packages]
        refs: dict[tuple[int, int], PackageRef] = dict(given)
        keys = [key for key, _ in given]
        return self._attempt(keys, Transaction.lock_packages, lambda transaction, key: assign(transaction, refs[key], member, by))

    def release_many(self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None, reason: str = "") -> list[BatchResult]:
        """Give assignments back, or decline offers; refusals are the errors of `release`."""
        return self._each(assignments, lambda transaction, assignment: release(transaction, assignment, by, reason))

    def review_many(self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None) -> list[BatchResult]:
        """Let packages pass at INSPECT; refusals are the errors of `review`."""
        return self._review_many("review", Outcome.REVIEWED, assignments, by)

    def accept_many(self, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None) -> list[BatchResult]:
        """Let packages pass at ACCEPT; refusals are the errors of `accept`.

        All that one holds: ``flow.accept_many(flow.assignments("ada", job=job))``.
        """
        return self._review_many("accept", Outcome.ACCEPTED, assignments, by)

    def reject_many(self, assignments: Iterable[AssignmentRef], *, reason: str = "", by: MemberRef | None = None) -> list[BatchResult]:
        """Send back of each package what stands judged wrong, or all of it; refusals are the errors of `reject`."""
        return self._each(assignments, lambda transaction, assignment: rejected(transaction, assignment, None, reason, by))

    def _review_many(
        self, verb: str, outcome: Outcome, assignments: Iterable[AssignmentRef], by: MemberRef | None
    ) -> list[BatchResult]:
        return self._each(assignments, lambda transaction, assignment: reviewed(transaction, verb, outcome, assignment, by))

    def _each(self, assignments: Iterable[AssignmentRef], act: Callable[[Transaction, AssignmentRef], Assignment]) -> list[BatchResult]:
        given = [(key_of(Assignment, assignment), assignment) for assignment in assignments]
        refs: dict[tuple[int, int], AssignmentRef] = dict(given)
        return self._attempt([key for key, _ in given], Transaction.lock_assignments, lambda transaction, key: act(transaction, refs[key]))
