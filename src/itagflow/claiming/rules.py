"""How assignments begin and end without work: claim, lease, release, renew, assign, reassign, expire, recall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs

from itagflow.claiming.decision import has_turn, is_own_work
from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Outcome, Package, Seat, Start, TurnState
from itagflow.model.text import flaw, key_flaw
from itagflow.model.workspace import Member
from itagflow.rules.change import Act, Change, Saved, record
from itagflow.rules.lifecycles import TURN, Closing

OUTCOMES = {
    "release": Outcome.RELEASED,
    "expire": Outcome.EXPIRED,
    "reassign": Outcome.REASSIGNED,
    "recall": Outcome.RECALLED,
}
"""How a turn has ended after each verb that returns it."""


def must_be_a_token(token: str) -> None:
    """Check that a claim can be known by *token*.

    Raises:
        InvalidData: when it cannot be stored, or is too long.
    """
    wrong = key_flaw(token) if token != "" else None
    if wrong:
        raise InvalidData("the claim", [Problem("token", wrong)])


def start(
    job: Job,
    package: Package,
    member: Member,
    act: Act,
    *,
    id: int,
    stage: Stage,
    token: str,
    seats: Sequence[Saved] = (),
) -> Change:
    """Give *member* a free slot of *package*."""
    turn = _turn(job, package, member, act, id=id, stage=stage, state=TurnState.HELD, token=token)
    taken = attrs.evolve(package, free=package.free - 1)
    return record(act, "claim", about=turn, add=(turn,), save=((package, taken), *seats))


def take_offer(job: Job, turn: Assignment, act: Act, *, token: str, seats: Sequence[Saved] = ()) -> Change:
    """Turn the offer that a member has into a turn that the member holds."""
    state = TURN.advance(turn.state, "claim", Closing(turn=turn), str(turn))
    lease = _until(act.at, job.workflow.rule(turn.stage).lease)
    held = attrs.evolve(turn, state=state, lease_until=lease, token=token)
    return record(act, "claim", about=turn, save=((turn, held), *seats))


def take_over(
    job: Job,
    package: Package,
    lapsed: Assignment,
    member: Member,
    act: Act,
    *,
    id: int,
    token: str,
    seats: Sequence[Saved] = (),
) -> Change:
    """Give *member* the slot of a turn whose lease has lapsed; its holder is refused from now on."""
    returned = ended(lapsed, "expire", act, remark="the lease lapsed and the turn was taken")
    turn = _turn(job, package, member, act, id=id, stage=lapsed.stage, state=TurnState.HELD, token=token)
    return record(act, "claim", about=turn, add=(turn,), save=((lapsed, returned), *seats))


def resume(job: Job, lapsed: Assignment, act: Act, *, token: str) -> Change:
    """Let a member who claims go on with their own assignment, whose lease has lapsed: it counts from now."""
    lease = _until(act.at, job.workflow.rule(lapsed.stage).lease)
    renewed = attrs.evolve(lapsed, lease_until=lease, token=token or lapsed.token)
    return record(act, "renew", about=lapsed, save=((lapsed, renewed),))


def offer(job: Job, package: Package, member: Member, act: Act, *, id: int, stage: Stage) -> Assignment:
    """Return a new turn that waits for *member* to claim it."""
    return _turn(job, package, member, act, id=id, stage=stage, state=TurnState.OFFERED)


def assign(job: Job, package: Package, member: Member, act: Act, *, id: int, stage: Stage) -> Change:
    """Offer a free slot of *package* to *member*."""
    if package.free < 1:
        raise NotAllowed(member.account, "be assigned", f"{package} has no free slot: reassign a turn instead")
    turn = offer(job, package, member, act, id=id, stage=stage)
    taken = attrs.evolve(package, free=package.free - 1)
    return record(act, "assign", about=turn, add=(turn,), save=((package, taken),), data={"to": member.account})


def reassign(
    job: Job,
    package: Package,
    turn: Assignment,
    member: Member,
    act: Act,
    *,
    id: int,
    reason: str,
    seats: Sequence[Saved] = (),
) -> Change:
    """Take *turn* back and offer its slot to *member*."""
    returned = ended(turn, "reassign", act, remark=reason)
    new = offer(job, package, member, act, id=id, stage=turn.stage)
    data = {"to": member.account, "reason": reason}
    return record(act, "reassign", about=turn, add=(new,), save=((turn, returned), *seats), data=data)


def give_back(
    verb: str, package: Package, turn: Assignment, act: Act, *, reason: str, seats: Sequence[Saved] = ()
) -> Change:
    """End *turn* by release or expire: its slot is free again, and the package waits from now on."""
    returned = ended(turn, verb, act, remark=reason)
    freed = attrs.evolve(package, free=package.free + 1, waiting_since=act.at)
    data = {"reason": reason} if reason else {}
    return record(act, verb, about=turn, save=((package, freed), (turn, returned), *seats), data=data)


def recall(
    package: Package, turn: Assignment, act: Act, *, reason: str, free: bool, seats: Sequence[Saved] = ()
) -> Change:
    """End *turn* because its work, its job or its member is gone; with *free* its slot goes back to the pool."""
    saved: tuple[Saved, ...] = ((turn, ended(turn, "recall", act, remark=reason)), *seats)
    if free:
        saved = ((package, attrs.evolve(package, free=package.free + 1, waiting_since=act.at)), *saved)
    return record(act, "recall", about=turn, save=saved, data={"reason": reason})


def renew(job: Job, turn: Assignment, act: Act) -> Assignment | None:
    """Return *turn* with its lease counted from now, or None when its stage has no lease."""
    lease = job.workflow.rule(turn.stage).lease
    if lease is None:
        return None
    return attrs.evolve(turn, lease_until=_until(act.at, lease))


def has_lapsed(turn: Assignment, at: datetime) -> bool:
    """Return whether the lease of *turn* has lapsed at this time, so that others can take it."""
    return turn.live and turn.lease_until is not None and turn.lease_until <= at


def ended(turn: Assignment, verb: str, act: Act, *, remark: str = "") -> Assignment:
    """Return *turn* as it is after release, expire, reassign or recall.

    Raises:
        InvalidData: when the remark cannot be stored.
        WrongState: when it is not offered or held.
    """
    state = TURN.advance(turn.state, verb, Closing(turn=turn), str(turn))
    if wrong := flaw(remark):
        raise InvalidData(f"the reason to {verb}", [Problem("reason", wrong)])
    return attrs.evolve(turn, state=state, outcome=OUTCOMES[verb], ended_at=act.at, remark=remark)


def must_be_assignable(job: Job, package: Package, member: Member, stage: Stage, turns: Sequence[Assignment]) -> None:
    """Check that *member* can be given a slot of *package*, beside its *turns*.

    Raises:
        NotAllowed: when they have a turn on it in this round, or are to review what they labeled.
    """
    must_not_vote_twice(package, member, turns)
    if stage is not Stage.LABEL:
        must_not_review_own_work(job, package, member, stage, turns)


def must_not_vote_twice(package: Package, member: Member, turns: Sequence[Assignment]) -> None:
    """Check that *member* has no other turn on *package* in its present stage and round.

    Raises:
        NotAllowed: when there is one.
    """
    if has_turn(package, member, turns):
        raise NotAllowed(member.account, "be assigned", f"they have a turn on {package} in this round already")


def must_not_review_own_work(
    job: Job, package: Package, member: Member, stage: Stage, turns: Sequence[Assignment]
) -> None:
    """Check that *member* did not label what they are to review.

    Raises:
        NotAllowed: when they did, and the stage's rule does not allow it.
    """
    if is_own_work(job, package, member, stage, turns):
        raise NotAllowed(member.account, "be assigned", f"they labeled {package}; allow_own_work=True would allow it")


def seat_moved(seat: Seat, by: int) -> Saved:
    """Return *seat* with *by* added to what its member holds."""
    return (seat, attrs.evolve(seat, held=seat.held + by))


def counted(counter: Seat, by: int, cursor: Start | None) -> Seat:
    """Return *counter* with *by* added to what its member holds, and with a new *cursor* if there is one."""
    return attrs.evolve(counter, held=counter.held + by, start=cursor or counter.start)


CURSOR_OVERLAP = timedelta(minutes=1)
"""By how much a scan of the queue begins before the saved cursor: clocks differ, and operations take time."""


def cursor_at(package: Package) -> Start:
    """Return the place of *package* in the queue."""
    return Start(package.priority, package.waiting_since)


def is_worth_saving(old: Start | None, new: Start) -> bool:
    """Return whether the cursor *new* is so much further than *old* that it should be saved."""
    return old is None or old.priority != new.priority or new.since - old.since > CURSOR_OVERLAP


def _turn(
    job: Job,
    package: Package,
    member: Member,
    act: Act,
    *,
    id: int,
    stage: Stage,
    state: TurnState,
    token: str = "",
) -> Assignment:
    rule = job.workflow.rule(stage)
    lease = rule.lease if state is TurnState.HELD else rule.offer_lease
    return Assignment(
        job=package.job,
        id=id,
        package=package.number,
        stage=stage,
        round=package.round,
        member=member.id,
        state=state,
        made_at=act.at,
        scope=package.scope,
        lease_until=_until(act.at, lease),
        token=token,
    )


def _until(at: datetime, lease: timedelta | None) -> datetime | None:
    if lease is None:
        return None
    try:
        return at + lease
    except OverflowError:  # behind the last day that there is: for all that anybody can know, for ever
        return datetime.max.replace(tzinfo=UTC)
