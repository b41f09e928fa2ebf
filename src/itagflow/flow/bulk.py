"""One act on many packages: in blocks, and with what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from itagflow.claiming.service import assign, release
from itagflow.flow._act import Block
from itagflow.flow._find import MemberRef, PackageRef, TurnRef, key_of
from itagflow.flow.claiming import Claiming
from itagflow.flow.reviewing import Reviewing, rejected, reviewed
from itagflow.model.attempt import Attempt
from itagflow.model.package import Assignment, Outcome, Package


class Bulk(Claiming, Reviewing):
    """The verbs that do one act to many packages.

    Each returns what became of every act, in the order given: the turn as it is now, or why it was refused.  One
    that is refused neither stops nor undoes the others.  Rules and history are those of the verb for one.

    They store blocks of up to 200 acts.  When the process ends in between, whole blocks are stored; call again:
    what is done already is reported as done, or refused.
    """

    def assign_many(self, packages: Iterable[PackageRef], member: MemberRef, *, by: MemberRef) -> list[Attempt]:
        """Offer a free slot of each package to a member; refusals are the errors of `assign`."""
        given = [(key_of(Package, package), package) for package in packages]
        refs: dict[tuple[int, int], PackageRef] = dict(given)
        keys = [key for key, _ in given]
        return self._attempt(keys, Block.hold_packages, lambda block, key: assign(block, refs[key], member, by))

    def release_many(self, turns: Iterable[TurnRef], *, by: MemberRef | None = None, reason: str = "") -> list[Attempt]:
        """Give turns back, or decline offers; refusals are the errors of `release`."""
        return self._each(turns, lambda block, turn: release(block, turn, by, reason))

    def review_many(self, turns: Iterable[TurnRef], *, by: MemberRef | None = None) -> list[Attempt]:
        """Let packages pass at INSPECT; refusals are the errors of `review`."""
        return self._review_many("review", Outcome.REVIEWED, turns, by)

    def accept_many(self, turns: Iterable[TurnRef], *, by: MemberRef | None = None) -> list[Attempt]:
        """Let packages pass at ACCEPT; refusals are the errors of `accept`.

        All that one holds: ``flow.accept_many(flow.turns("ada", job=job))``.
        """
        return self._review_many("accept", Outcome.ACCEPTED, turns, by)

    def reject_many(self, turns: Iterable[TurnRef], *, reason: str = "", by: MemberRef | None = None) -> list[Attempt]:
        """Send back of each package what stands judged wrong, or all of it; refusals are the errors of `reject`."""
        return self._each(turns, lambda block, turn: rejected(block, turn, None, reason, by))

    def _review_many(
        self, verb: str, outcome: Outcome, turns: Iterable[TurnRef], by: MemberRef | None
    ) -> list[Attempt]:
        return self._each(turns, lambda block, turn: reviewed(block, verb, outcome, turn, by))

    def _each(self, turns: Iterable[TurnRef], act: Callable[[Block, TurnRef], Assignment]) -> list[Attempt]:
        given = [(key_of(Assignment, turn), turn) for turn in turns]
        refs: dict[tuple[int, int], TurnRef] = dict(given)
        return self._attempt([key for key, _ in given], Block.hold_turns, lambda block, key: act(block, refs[key]))
