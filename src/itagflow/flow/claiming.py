"""Turns without their work: claim, renew, release; and for others: assign, reassign, expire."""

from __future__ import annotations

from itagflow.errors import AlreadyExists, NotAllowed
from itagflow.flow._act import BLOCK, Block, Shell
from itagflow.flow._claim import Claim, NoSeat, Sent, done, has_lapsed, lapsed
from itagflow.flow._find import JobRef, MemberRef, PackageRef, TurnRef
from itagflow.flow._ids import TRIES, used_up
from itagflow.flow._seen import Outdated
from itagflow.flow._turns import held, left
from itagflow.model.entity import changed
from itagflow.model.job import Job, Stage
from itagflow.model.number import whole_number
from itagflow.model.package import Assignment, Package, Seat, Start
from itagflow.model.workspace import Member
from itagflow.rules import access, claiming
from itagflow.rules.access import Action
from itagflow.rules.change import Act, record


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
        return next(iter(self._claim(member, job, stage, 1, token)), None)

    def claim_many(self, member: MemberRef, job: JobRef, stage: Stage, count: int) -> list[Assignment]:
        """Take up to *count* turns, in the order in which `claim` gives them; fewer when there are no more.

        Errors are those of `claim`.
        """
        count, turns = whole_number("the claim", "count", count), list[Assignment]()
        while len(turns) < count and (found := self._claim(member, job, stage, count - len(turns))):
            turns += found
        return turns

    def renew(self, turn: TurnRef, *, by: MemberRef | None = None) -> Assignment:
        """Count the lease of a held turn from now; saving an answer does the same.

        Raises:
            NotHeld: when it is not held, or not by the member *by*.
        """
        with self._acting() as block:
            mine = held(block, turn, "renew", by)
            renewed = claiming.renew(mine.job, mine.turn, mine.act)
            if renewed is None:
                return mine.turn
            block.do(record(mine.act, "renew", about=renewed, save=((mine.turn, renewed),)))
            return renewed

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
            return released(block, turn, by, reason)

    def assign(self, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
        """Offer a free slot of a package to a member, who claims it before anything from the pool.

        Raises:
            NotAllowed: when no slot is free, the member may not have it, or *by* may not assign work.
        """
        with self._acting() as block:
            return assigned(block, package, member, by)

    def reassign(self, turn: TurnRef, member: MemberRef, *, by: MemberRef, reason: str = "") -> Assignment:
        """Take a turn back and offer its slot to another member; returns the offer.

        Raises:
            WrongState: when the turn has ended.
            NotAllowed: when the member may not have it, or *by* may not assign work.
        """
        with self._acting() as block:
            package, old = block.hold_turn(turn)
            job = block.store.get(Job, (old.job,))
            act = block.allowed(job.workspace, by, Action.ASSIGN, job, old.stage)
            who = _able(block, job, package, member, old.stage, instead_of=old)
            seats = left(block, job, old)
            id = block.new_id(Assignment, job.id)
            change = claiming.reassign(job, package, old, who, act, id=id, reason=reason, seats=seats)
            _must_still_be_able(block, job, who, old.stage)
            return done(block, change)

    def expire(self, job: JobRef, *, by: MemberRef) -> list[Assignment]:
        """Return every turn of a job whose lease has lapsed to the pool, in blocks: at the stages where *by* assigns.

        Raises:
            NotAllowed: when *by* may assign work at no stage.
        """
        with self._acting() as block:
            home = block.job(job)
            stages = block.stages(home, by, Action.ASSIGN)
            keys = [turn.key for stage in stages for turn in lapsed(block, home, stage)]
        attempts = self._attempt(keys, Block.hold_turns, lambda block, turn: _expired(block, turn, by))
        return [attempt.turn for attempt in attempts if attempt.turn is not None]

    def _claim(self, member: MemberRef, job: JobRef, stage: Stage, count: int, token: str = "") -> list[Assignment]:
        """Take up to *count* turns in one block, and remember where the member's next look at the pool begins."""
        taken = 0
        while True:
            try:
                turns, start = self._claim_block(member, job, stage, count, token)
                break
            except NoSeat as missing:
                self._make_seat(missing.seat)
            except Sent as before:
                return [before.turn]
            except Outdated:
                continue
            except AlreadyExists:  # somebody else has drawn the same id
                taken += 1
                if taken == TRIES:
                    raise used_up() from None
        for turn in turns[-1:]:
            if turn.member and start:
                self._remember(Seat(job=turn.job, stage=stage, member=turn.member), start)
        return turns

    def _claim_block(
        self, member: MemberRef, job: JobRef, stage: Stage, count: int, token: str
    ) -> tuple[list[Assignment], Start | None]:
        claiming.must_be_a_token(token)
        with self._acting() as block:
            home = self._seen.job(block.store, job)
            who = self._seen.member(block.store, home.workspace, member)
            claim = Claim(block, home, who, stage, token, self._seen)
            return claim.run(min(count, BLOCK)), claim.start

    def _remember(self, seat: Seat, start: Start) -> None:
        """Note where the member's next look at the pool begins, in a block of its own: it is no part of the claim."""
        self._make_seat(seat)
        with self.store.write() as writer:
            writer.save(changed(writer.hold(Seat, seat.key), start=start))

    def _make_seat(self, seat: Seat) -> None:
        try:
            with self.store.write() as writer:
                writer.add(seat)
        except AlreadyExists:
            return  # somebody else made it meanwhile


def assigned(block: Block, package: PackageRef, member: MemberRef, by: MemberRef) -> Assignment:
    """Offer a free slot of a package to a member: what `Claiming.assign` does."""
    due = block.hold_package(package)
    job = block.store.get(Job, (due.job,))
    stage = claiming.stage_of(due)
    act = block.allowed(job.workspace, by, Action.ASSIGN, job, stage)
    claiming.must_be_working(job, "assign")
    who = _able(block, job, due, member, stage)
    change = claiming.assign(job, due, who, act, id=block.new_id(Assignment, job.id), stage=stage)
    _must_still_be_able(block, job, who, stage)
    return done(block, change)


def released(block: Block, turn: TurnRef, by: MemberRef | None, reason: str) -> Assignment:
    """Give a turn back, or decline an offer: what `Claiming.release` does."""
    package, old = block.hold_turn(turn)
    job = block.store.get(Job, (old.job,))
    act = _holder_or_leader(block, job, old, by)
    return _returned(block, "release", job, package, old, act, reason)


def _expired(block: Block, turn: TurnRef, by: MemberRef) -> Assignment:
    package, old = block.hold_turn(turn)
    job = block.store.get(Job, (old.job,))
    act = block.allowed(job.workspace, by, Action.ASSIGN, job, old.stage)
    if not has_lapsed(old, block):
        raise NotAllowed("nobody", "expire it", f"the lease of {old} goes on: its holder was faster")
    return _returned(block, "expire", job, package, old, act, "the lease lapsed")


def _holder_or_leader(block: Block, job: Job, turn: Assignment, by: MemberRef | None) -> Act:
    """Return the act of whoever gives *turn* back; its holder may, also when they may not work there any more."""
    if by is None:
        return block.act(job.workspace, turn.member or 0)
    who = block.member(job.workspace, by)
    if who.active and who.id == turn.member:
        return block.act(job.workspace, who.id)
    return block.allowed(job.workspace, by, Action.ASSIGN, job, turn.stage)


def _returned(
    block: Block, verb: str, job: Job, package: Package, turn: Assignment, act: Act, reason: str
) -> Assignment:
    seats = left(block, job, turn)
    change = claiming.give_back(verb, package, turn, act, reason=reason, seats=seats)
    block.do(change)
    return next(after for _, after in change.save if isinstance(after, Assignment))


def _able(
    block: Block, job: Job, package: Package, ref: MemberRef, stage: Stage, *, instead_of: Assignment | None = None
) -> Member:
    """Return the member if they can be given a turn on *package*."""
    who = block.member(job.workspace, ref)
    access.check(block.policy, who, Action.at(stage), job, stage)
    turns = [turn for turn in block.turns(package) if turn != instead_of]
    claiming.must_not_vote_twice(package, who, turns)
    if stage is not Stage.LABEL:
        claiming.must_not_review_own_work(job, package, who, stage, turns)
    return who


def _must_still_be_able(block: Block, job: Job, member: Member, stage: Stage) -> None:
    """Check once more, behind everything that is held, that *member* may work here.

    Nobody changes either of them any more until the block ends: no turn is given to somebody who has just been
    removed, and none of a job that has just ended.
    """
    now, who = block.kept(job.id, member.id)
    if (now.version, who.version) != (job.version, member.version):
        claiming.must_be_working(now, f"{stage.value} here")
        access.check(block.policy, who, Action.at(stage), now, stage)
