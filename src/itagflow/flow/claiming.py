"""Turns without their work: claim, renew, release; and for others: assign, reassign, expire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from itagflow.errors import AlreadyExists, NotAllowed
from itagflow.flow._act import BLOCK, Block, Shell
from itagflow.flow._find import JobRef, MemberRef, PackageRef, TurnRef, first, perhaps
from itagflow.flow._pool import begin, own_work_waits, pool, waiting
from itagflow.flow._turns import held, left
from itagflow.model.entity import changed
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, Seat, Start, TurnState
from itagflow.model.workspace import Member
from itagflow.rules import access, claiming
from itagflow.rules.access import Action
from itagflow.rules.change import Act, Change, Saved, record
from itagflow.store import Query, Reader, Span


class Claiming(Shell):
    """The verbs that give out turns and take them back."""

    def claim(self, member: MemberRef, job: JobRef, stage: Stage, *, token: str = "") -> Assignment | None:
        """Take the next turn that is there for a member, or return None when there is none.

        First what is offered to them, then the pool in order of priority, waiting time and number, then the
        turn whose lease lapsed first.  `explain` says why there is nothing.

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
        turns = list[Assignment]()
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
            return _done(block, claiming.reassign(job, package, old, who, act, id=id, reason=reason, seats=seats))

    def expire(self, job: JobRef, *, by: MemberRef) -> list[Assignment]:
        """Return every turn of a job whose lease has lapsed to the pool, in blocks.

        Raises:
            NotAllowed: when *by* may not assign work.
        """
        with self._acting() as block:
            home = block.job(job)
            block.allowed(home.workspace, by, Action.ASSIGN, home)
            lapsed = [turn.key for stage in home.workflow.stages for turn in _lapsed(block, home, stage)]
        attempts = self._attempt(lapsed, Block.hold_turns, lambda block, turn: _expired(block, turn, by))
        return [attempt.turn for attempt in attempts if attempt.turn is not None]

    def _claim(self, member: MemberRef, job: JobRef, stage: Stage, count: int, token: str = "") -> list[Assignment]:
        """Take up to *count* turns in one block, and remember where the member's next look at the pool begins."""
        try:
            turns, start = self._claim_block(member, job, stage, count, token)
        except _NoSeat as missing:
            self._make_seat(missing.seat)
            turns, start = self._claim_block(member, job, stage, count, token)
        for turn in turns[-1:]:
            if turn.member and start:
                self._remember(Seat(job=turn.job, stage=stage, member=turn.member), start)
        return turns

    def _claim_block(
        self, member: MemberRef, job: JobRef, stage: Stage, count: int, token: str
    ) -> tuple[list[Assignment], Start | None]:
        with self._acting() as block:
            home = block.job(job)
            rule = home.workflow.rule(stage)
            who = block.member(home.workspace, member)
            if token and (known := _by_token(block, home, who, token)):
                return [known], None
            access.check(self.policy, who, Action.at(stage), home, stage)
            if home.state is not JobState.RUNNING:
                return [], None
            if token or rule.limit is not None:
                _must_have_seat(block, Seat(job=home.id, stage=stage, member=who.id))
            claim = _Claim(block, home, who, stage, token)
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


class _NoSeat(Exception):
    """The seat that a claim has to hold is not there yet; it is made in a block of its own, once."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat


def _must_have_seat(block: Block, seat: Seat) -> None:
    if perhaps(block.store, Seat, seat.key) is None:
        raise _NoSeat(seat)


class _Claim:
    """One claim: what is looked at in turn until something is there."""

    def __init__(self, block: Block, job: Job, member: Member, stage: Stage, token: str) -> None:
        self._block, self._job, self._member, self._stage, self._token = block, job, member, stage, token
        self._act: Act = block.act(job.workspace, member.id)
        self.start: Start | None = None

    def run(self, count: int) -> list[Assignment]:
        """Take up to *count* turns of what is offered and of what waits, or else the one whose lease lapsed first.

        A block that holds turns already waits for nobody, so a lapsed one is only taken by itself.
        """
        found = self._own_offers(count)
        while len(found) < count and (turn := self._from_pool()) is not None:
            found.append(turn)
        if not found and (turn := self._lapsed()) is not None:
            found.append(turn)
        return found

    def _own_offers(self, count: int) -> list[Assignment]:
        offers, found = self._offers(), list[Assignment]()
        while offers and not found:
            self._block.hold_turns(offer.key for offer in offers[:count])
            found = [turn for offer in offers[:count] if (turn := self._take_offer(offer)) is not None]
            offers = offers[count:]
        return found

    def _offers(self) -> list[Assignment]:
        where: dict[str, Any] = {"member": self._member.id, "state": TurnState.OFFERED, "job": self._job.id}
        found = self._block.store.find(Query(Assignment, where, order=("id",)))
        return [turn for turn in found if turn.stage is self._stage]

    def _take_offer(self, turn: Assignment) -> Assignment | None:
        _, offer = self._block.hold_turn(turn)
        if offer.state is not TurnState.OFFERED or (seats := self._seated()) is None:
            return None
        return self._take(claiming.take_offer(self._job, offer, self._act, token=self._token, seats=seats))

    def _from_pool(self) -> Assignment | None:
        package = self._next()
        seats = self._seated() if package else None
        if package is None or seats is None:
            return None
        id = self._block.new_id(Assignment, self._job.id)
        stage, token = self._stage, self._token
        change = claiming.start(
            self._job, package, self._member, self._act, id=id, stage=stage, token=token, seats=seats
        )
        return self._take(change)

    def _next(self) -> Package | None:
        """Return the next package of the pool, taken; note its place if the member's own work lies before it."""
        store, job, stage = self._block.store, self._job, self._stage
        old = self.start or begin(store, job, self._member, stage)
        found = next(filter(None, map(store.take, pool(job, self._member, stage, old))), None)
        if found and own_work_waits(job, stage) and found != first(store, waiting(job, stage)):
            new = claiming.start_at(found)
            self.start = new if claiming.is_further(old, new) else self.start
        return found

    def _lapsed(self) -> Assignment | None:
        for turn in _lapsed(self._block, self._job, self._stage):
            package, now = self._block.hold_turn(turn)
            if not _has_lapsed(now, self._block):
                continue
            if now.member == self._member.id:
                return self._renewed(now)
            if not self._barred(package) and (seats := self._seated(now)) is not None:
                return self._take_over(package, now, seats)
        return None

    def _renewed(self, turn: Assignment) -> Assignment | None:
        renewed = claiming.renew(self._job, turn, self._act)
        if renewed is None:
            return None
        self._block.do(record(self._act, "renew", about=turn, save=((turn, renewed),)))
        return renewed

    def _take_over(self, package: Package, lapsed: Assignment, seats: tuple[Saved, ...]) -> Assignment:
        id, token = self._block.new_id(Assignment, self._job.id), self._token
        change = claiming.take_over(
            self._job, package, lapsed, self._member, self._act, id=id, token=token, seats=seats
        )
        return self._take(change)

    def _barred(self, package: Package) -> bool:
        turns = self._block.turns(package)
        own = claiming.is_own_work(self._job, package, self._member, self._stage, turns)
        return own or claiming.has_turn(package, self._member, turns)

    def _seated(self, instead_of: Assignment | None = None) -> tuple[Saved, ...] | None:
        """Return the seats that this claim moves, or None when the member may hold no more."""
        if self._token:
            self._block.store.hold(Seat, (self._job.id, self._stage.value, self._member.id))
        gone = (instead_of.member, -1) if instead_of and instead_of.state is TurnState.HELD else (None, 0)
        seats = self._block.seats(self._job, self._stage, (self._member.id, 1), gone)
        mine = next((seat for seat, _ in seats if isinstance(seat, Seat) and seat.member == self._member.id), None)
        return None if mine and claiming.seat_is_full(self._job, self._stage, mine.held) else seats

    def _take(self, change: Change) -> Assignment:
        return _done(self._block, change)


def assigned(block: Block, package: PackageRef, member: MemberRef, by: MemberRef) -> Assignment:
    """Offer a free slot of a package to a member: what `Claiming.assign` does."""
    due = block.hold_package(package)
    job = block.store.get(Job, (due.job,))
    stage = claiming.stage_of(due)
    act = block.allowed(job.workspace, by, Action.ASSIGN, job, stage)
    claiming.must_be_working(job, "assign")
    who = _able(block, job, due, member, stage)
    change = claiming.assign(job, due, who, act, id=block.new_id(Assignment, job.id), stage=stage)
    return _done(block, change)


def released(block: Block, turn: TurnRef, by: MemberRef | None, reason: str) -> Assignment:
    """Give a turn back, or decline an offer: what `Claiming.release` does."""
    package, old = block.hold_turn(turn)
    job = block.store.get(Job, (old.job,))
    act = _holder_or_leader(block, job, old, by)
    return _returned(block, "release", job, package, old, act, reason)


def _expired(block: Block, turn: TurnRef, by: MemberRef) -> Assignment:
    package, old = block.hold_turn(turn)
    job = block.store.get(Job, (old.job,))
    act = block.allowed(job.workspace, by, Action.ASSIGN, job)
    if not _has_lapsed(old, block):
        raise NotAllowed("nobody", "expire it", f"the lease of {old} goes on: its holder was faster")
    return _returned(block, "expire", job, package, old, act, "the lease lapsed")


def lapsed_turns(reader: Reader, job: Job, stage: Stage, at: Any) -> Iterator[Assignment]:
    """Yield the turns whose lease has lapsed, the longest first."""
    where: Mapping[str, Any] = {"job": job.id, "live": True, "stage": stage, "lease_until": Span(None, at)}
    return reader.find(Query(Assignment, where, order=("lease_until", "id")))


def _lapsed(block: Block, job: Job, stage: Stage) -> list[Assignment]:
    return list(lapsed_turns(block.store, job, stage, block.at))


def _has_lapsed(turn: Assignment, block: Block) -> bool:
    return turn.live and turn.lease_until is not None and turn.lease_until <= block.at


def _by_token(block: Block, job: Job, member: Member, token: str) -> Assignment | None:
    return first(block.store, Query(Assignment, {"job": job.id, "member": member.id, "token": token}, limit=1))


def _holder_or_leader(block: Block, job: Job, turn: Assignment, by: MemberRef | None) -> Act:
    if by is None or block.member(job.workspace, by).id == turn.member:
        return block.act(job.workspace, turn.member or 0)
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


def _done(block: Block, change: Change) -> Assignment:
    """Store what a rule decided and return the turn that it leads to."""
    block.do(change)
    turns = [*change.add, *(after for _, after in change.save)]
    return next(turn for turn in turns if isinstance(turn, Assignment))
