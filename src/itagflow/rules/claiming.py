"""How turns begin and end without work: claim, lease, release, renew, assign, reassign, expire, recall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from itagflow.errors import InvalidData, NotAllowed, NotHeld, Problem
from itagflow.model.entity import changed
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Outcome, Package, PackageState, Seat, Start, TurnState
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
    if wrong := key_flaw(token):
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
    taken = changed(package, free=package.free - 1)
    return record(act, "claim", about=turn, add=(turn,), save=((package, taken), *seats))


def take_offer(job: Job, turn: Assignment, act: Act, *, token: str, seats: Sequence[Saved] = ()) -> Change:
    """Turn the offer that a member has into a turn that the member holds."""
    state = TURN.advance(turn.state, "claim", Closing(turn=turn), str(turn))
    lease = _until(act.at, job.workflow.rule(turn.stage).lease)
    held = changed(turn, state=state, lease_until=lease, token=token)
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


def offer(job: Job, package: Package, member: Member, act: Act, *, id: int, stage: Stage) -> Assignment:
    """Return a new turn that waits for *member* to claim it."""
    return _turn(job, package, member, act, id=id, stage=stage, state=TurnState.OFFERED)


def assign(job: Job, package: Package, member: Member, act: Act, *, id: int, stage: Stage) -> Change:
    """Offer a free slot of *package* to *member*."""
    if package.free < 1:
        raise NotAllowed(member.account, "be assigned", f"{package} has no free slot: reassign a turn instead")
    turn = offer(job, package, member, act, id=id, stage=stage)
    taken = changed(package, free=package.free - 1)
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
    freed = changed(package, free=package.free + 1, waiting_since=act.at)
    data = {"reason": reason} if reason else {}
    return record(act, verb, about=turn, save=((package, freed), (turn, returned), *seats), data=data)


def recall(
    package: Package, turn: Assignment, act: Act, *, reason: str, free: bool, seats: Sequence[Saved] = ()
) -> Change:
    """End *turn* because its work, its job or its member is gone; with *free* its slot goes back to the pool."""
    saved: tuple[Saved, ...] = ((turn, ended(turn, "recall", act, remark=reason)), *seats)
    if free:
        saved = ((package, changed(package, free=package.free + 1, waiting_since=act.at)), *saved)
    return record(act, "recall", about=turn, save=saved, data={"reason": reason})


def renew(job: Job, turn: Assignment, act: Act, *, token: str = "") -> Assignment | None:
    """Return *turn* with its lease counted from now, or None when its stage has no lease.

    A claim that comes to it again gives it a new *token*.
    """
    lease = job.workflow.rule(turn.stage).lease
    if lease is None:
        return None
    return changed(turn, lease_until=_until(act.at, lease), token=token or turn.token)


def ended(turn: Assignment, verb: str, act: Act, *, remark: str = "") -> Assignment:
    """Return *turn* as it is after release, expire, reassign or recall.

    Raises:
        InvalidData: when the remark cannot be stored.
        WrongState: when it is not offered or held.
    """
    state = TURN.advance(turn.state, verb, Closing(turn=turn), str(turn))
    if wrong := flaw(remark):
        raise InvalidData(f"the reason to {verb}", [Problem("reason", wrong)])
    return changed(turn, state=state, outcome=OUTCOMES[verb], ended_at=act.at, remark=remark)


def must_hold(turn: Assignment, by: Member | None) -> None:
    """Check that *turn* is held, and by *by* when somebody is named.

    Raises:
        NotHeld: when it is only offered, has ended, or is another member's.
    """
    if by is not None:
        must_be_of(turn, by)
    if turn.state is TurnState.OFFERED:
        raise NotHeld(turn.key, "it is offered: claim it first")
    if turn.state is not TurnState.HELD:
        raise _over(turn)


def must_not_be_returned(turn: Assignment) -> None:
    """Check that *turn* did not end without its work: its member has nothing to see there any more.

    Raises:
        NotHeld: when it did.
    """
    if turn.state is TurnState.RETURNED:
        raise _over(turn)


def _over(turn: Assignment) -> NotHeld:
    how = turn.outcome.value if turn.outcome else turn.state.value
    return NotHeld(turn.key, f"it was {how}{f' ({turn.remark})' if turn.remark else ''}: claim anew")


def must_be_of(turn: Assignment, member: Member) -> None:
    """Check that *turn* is, or was, the one of *member*.

    Raises:
        NotHeld: when it is another member's.
    """
    if turn.member != member.id:
        raise NotHeld(turn.key, f"it is another member's, not {member.account}'s")


def must_be_working(job: Job, act: str) -> None:
    """Check that *job* lets held turns go on: it runs or is paused.

    Raises:
        NotAllowed: when it is a draft, finished or archived.
    """
    if job.state not in (JobState.RUNNING, JobState.PAUSED):
        raise NotAllowed("the holder", act, f"job {job.name!r} is {job.state.value}")


def own_work(job: Job, member: Member, stage: Stage) -> dict[str, Any] | None:
    """Return what a turn on the same package looks like that keeps *member* from taking it at *stage*.

    A LABEL turn, held or done, in any round; with ``allow_own_work`` at LABEL only one of the same round, so
    that nobody votes twice.  None: nothing keeps them.
    """
    mine = {"member": member.id, "stage": Stage.LABEL, "state": (TurnState.HELD, TurnState.DONE)}
    if not job.workflow.rule(stage).allow_own_work:
        return mine
    return {**mine, "same_round": True} if stage is Stage.LABEL else None


def own_work_waits(job: Job, stage: Stage) -> bool:
    """Return whether much of what waits at *stage* may be a member's own work, which they are not given."""
    voting = job.workflow.label.votes > 1
    return voting if stage is Stage.LABEL else not job.workflow.rule(stage).allow_own_work


def is_own_work(job: Job, package: Package, member: Member, stage: Stage, turns: Sequence[Assignment]) -> bool:
    """Return whether *member* labeled *package*, so that the pool does not give it to them at *stage*."""
    kept_from = own_work(job, member, stage)
    if kept_from is None:
        return False
    return any(
        turn.member == member.id
        and turn.stage is Stage.LABEL
        and turn.state in (TurnState.HELD, TurnState.DONE)
        and (turn.round == package.round or "same_round" not in kept_from)
        for turn in turns
    )


def has_turn(package: Package, member: Member, turns: Sequence[Assignment]) -> bool:
    """Return whether *member* has, or has had to its end, a turn on *package* in its present stage and round."""
    return any(
        turn.member == member.id
        and turn.round == package.round
        and turn.stage is package.stage
        and turn.state is not TurnState.RETURNED
        for turn in turns
    )


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


def stage_of(package: Package) -> Stage:
    """Return the stage whose work on *package* is due.

    Raises:
        NotAllowed: when it is done or discarded.
    """
    if package.stage is None:
        raise NotAllowed("nobody", "work on it", f"{package} is {package.state.value}: reopen it first")
    return package.stage


def seat_moved(seat: Seat, by: int) -> Saved:
    """Return *seat* with *by* added to what its member holds."""
    return (seat, changed(seat, held=seat.held + by))


MARGIN = timedelta(minutes=1)
"""By how much a look at the pool begins before the place remembered: clocks differ, and acts take time."""


def start_at(package: Package) -> Start:
    """Return the place of *package* in the pool."""
    return Start(package.priority, package.waiting_since)


def is_further(old: Start | None, new: Start) -> bool:
    """Return whether *new* is so much further than *old* that it is worth remembering."""
    return old is None or old.priority != new.priority or new.since - old.since > MARGIN


def seat_is_full(job: Job, stage: Stage, held: int) -> bool:
    """Return whether a member who holds *held* turns at *stage* may take no more."""
    limit = job.workflow.rule(stage).limit
    return limit is not None and held >= limit


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


def waits_at(stage: Stage) -> PackageState:
    """Return the state of the packages that wait for *stage*."""
    return PackageState.at(stage)
