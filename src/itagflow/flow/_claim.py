"""One claim: what it looks at in turn until something is there, and what it must wait for."""

from __future__ import annotations

from itertools import islice
from typing import Any

from itagflow.errors import InvalidData, RuleError
from itagflow.flow._act import Block
from itagflow.flow._find import first, perhaps
from itagflow.flow._pool import begin, pool, waiting
from itagflow.flow._seen import Seen
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, Seat, Start, TurnState
from itagflow.model.workspace import Member
from itagflow.rules import access, claiming
from itagflow.rules.access import Action
from itagflow.rules.change import Act, Change, Saved, record
from itagflow.storage.port import Query, Span


class Sent(Exception):
    """The same claim was sent before, and has its turn: it was stored while this one waited."""

    def __init__(self, turn: Assignment) -> None:
        self.turn = turn


class NoSeat(Exception):
    """The seat that a claim has to hold is not there yet; it is made in a block of its own, once."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat


class Claim:
    """One claim, of one turn or many: what is looked at in turn until something is there."""

    def __init__(self, block: Block, job: Job, member: Member, stage: Stage, token: str, seen: Seen) -> None:
        """Claim in *block*; job and member are as they were last seen."""
        self._block, self._job, self._member, self._stage, self._token = block, job, member, stage, token
        self._act: Act = block.act(job.workspace, member.id)
        self._seen = seen
        self._holding = False
        self._closed = False
        self._kept = False
        self.start: Start | None = None

    def run(self, count: int) -> list[Assignment]:
        """Take up to *count* turns; what is refused, or not there, is so by what is stored now.

        Raises:
            Outdated: when job or member has changed since it was seen.
            NoSeat: when the member has no seat here yet.
            Sent: when the claim was sent before.
        """
        try:
            found = self._found(count)
        except (RuleError, InvalidData):
            self._must_be_so()
            raise
        if not found:
            self._must_be_so()
        return found

    def _found(self, count: int) -> list[Assignment]:
        rule = self._job.workflow.rule(self._stage)
        access.check(self._block.policy, self._member, Action.at(self._stage), self._job, self._stage)
        if self._token and (known := self._by_token()):
            self._must_be_so()  # who was removed is not told what they had
            return [known]
        if self._job.state is not JobState.RUNNING:
            return []
        if self._token or rule.limit is not None:
            self._must_have_seat()
        return self._taken(count)

    def _taken(self, count: int) -> list[Assignment]:
        """Take what is offered and what waits, or else the one whose lease lapsed first.

        A block that holds turns already waits for nobody, so a lapsed one is only taken by itself.
        """
        found = self._own_offers(count)
        while len(found) < count and (turn := self._from_pool()) is not None:
            found.append(turn)
        if not found and (turn := self._lapsed()) is not None:
            found.append(turn)
        if not found and self._token:
            self._must_be_new()  # what this claim would have got may be held by the same one, sent before
        return found

    def _own_offers(self, count: int) -> list[Assignment]:
        """Take up to *count* of the offers: the first are waited for, in order; instead of what is gone, others."""
        offers = self._offers()
        self._block.hold_turns(offer.key for offer in offers[:count])
        self._holding |= bool(offers)
        taken = (turn for offer in offers if (turn := self._take_offer(offer)) is not None)
        return list(islice(taken, count))

    def _offers(self) -> list[Assignment]:
        where: dict[str, Any] = {"member": self._member.id, "state": TurnState.OFFERED, "job": self._job.id}
        found = self._block.store.find(Query(Assignment, where, order=("id",)))
        return [turn for turn in found if turn.stage is self._stage]

    def _take_offer(self, turn: Assignment) -> Assignment | None:
        found = self._held(turn)
        if found is None or found[1].state is not TurnState.OFFERED or (seats := self._seated()) is None:
            return None
        return self._take(claiming.take_offer(self._job, found[1], self._act, token=self._token, seats=seats))

    def _from_pool(self) -> Assignment | None:
        package = self._next()
        self._holding |= package is not None
        seats = self._seated() if package else None
        if package is None or seats is None:
            return None
        id = self._block.next_id(Assignment)
        stage, token = self._stage, self._token
        change = claiming.start(
            self._job, package, self._member, self._act, id=id, stage=stage, token=token, seats=seats
        )
        return self._take(change)

    def _next(self) -> Package | None:
        """Return the next package of the pool, taken; note its place if the member's own work lies before it."""
        store, job, stage = self._block.store, self._job, self._stage
        old = self.start or begin(store, job, self._member, stage)
        found = next(filter(None, map(self._block.take, pool(job, self._member, stage, old))), None)
        if found and claiming.own_work_waits(job, stage) and found != first(store, waiting(job, stage)):
            new = claiming.start_at(found)
            self.start = new if claiming.is_further(old, new) else self.start
        return found

    def _lapsed(self) -> Assignment | None:
        for turn in lapsed(self._block, self._job, self._stage):
            found = self._held(turn)
            if found is None or not has_lapsed(found[1], self._block):
                continue
            package, now = found
            if now.member == self._member.id:
                return self._renewed(now)
            if not self._barred(package) and (seats := self._seated(now)) is not None:
                return self._take_over(package, now, seats)
        return None

    def _held(self, turn: Assignment) -> tuple[Package, Assignment] | None:
        """Return the turn and its package, held; None when others have it and this claim holds a package already."""
        if self._holding:
            return self._block.take_turn(turn)
        self._holding = True
        return self._block.hold_turn(turn)

    def _renewed(self, turn: Assignment) -> Assignment | None:
        if self._token:
            self._must_be_new()
        renewed = claiming.renew(self._job, turn, self._act, token=self._token)
        if renewed is None:
            return None
        self._block.do(record(self._act, "renew", about=turn, save=((turn, renewed),)))
        return renewed

    def _take_over(self, package: Package, lapsed: Assignment, seats: tuple[Saved, ...]) -> Assignment | None:
        id, token = self._block.next_id(Assignment), self._token
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
        if self._closed:
            return None  # and no more seats are held, which would be out of their order
        gone = (instead_of.member, -1) if instead_of and instead_of.state is TurnState.HELD else (None, 0)
        seats = self._block.seats(self._job, self._stage, (self._member.id, 1), gone)
        if self._token:
            self._must_be_new()
        mine = next((seat for seat, _ in seats if isinstance(seat, Seat) and seat.member == self._member.id), None)
        self._closed = mine is not None and claiming.seat_is_full(self._job, self._stage, mine.held)
        return None if self._closed else seats

    def _must_be_new(self) -> None:
        """Check, with the seat held, that nobody has sent this claim meanwhile."""
        self._block.hold(Seat, (self._job.id, self._stage.value, self._member.id))
        if known := self._by_token():
            self._must_be_so()
            raise Sent(known)

    def _by_token(self) -> Assignment | None:
        """Return the turn that this claim gave before; a claim at another stage is another one."""
        where: dict[str, Any] = {"job": self._job.id, "member": self._member.id, "token": self._token}
        return first(self._block.store, Query(Assignment, {**where, "stage": self._stage}, limit=1))

    def _take(self, change: Change) -> Assignment | None:
        if not self._kept:  # nobody changes either of them any more until the block ends
            self._seen.must_be_so(self._job, self._member, self._block.kept(self._job.id, self._member.id))
            self._kept = True
        return done(self._block, change)

    def _must_be_so(self) -> None:
        store = self._block.store
        now = store.get(Job, self._job.key), store.get(Member, self._member.key)
        self._seen.must_be_so(self._job, self._member, now)

    def _must_have_seat(self) -> None:
        seat = Seat(job=self._job.id, stage=self._stage, member=self._member.id)
        if perhaps(self._block.store, Seat, seat.key) is None:
            raise NoSeat(seat)


def lapsed(block: Block, job: Job, stage: Stage) -> list[Assignment]:
    """Return the turns whose lease has lapsed, the longest first."""
    where: dict[str, Any] = {"job": job.id, "live": True, "stage": stage, "lease_until": Span(None, block.at)}
    return list(block.store.find(Query(Assignment, where, order=("lease_until", "id"))))


def has_lapsed(turn: Assignment, block: Block) -> bool:
    """Return whether the lease of *turn* has lapsed, so that it can be taken."""
    return turn.live and turn.lease_until is not None and turn.lease_until <= block.at


def done(block: Block, change: Change) -> Assignment:
    """Store what a rule decided and return the turn that it leads to."""
    block.do(change)
    turns = [*change.add, *(after for _, after in change.save)]
    return next(turn for turn in turns if isinstance(turn, Assignment))
