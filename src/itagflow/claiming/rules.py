"""How assignments begin and end: claim, renew, release, assign, reassign, expire, recall.

And what goes on meanwhile: the lease, and the time that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs

from itagflow.claiming import part_rules
from itagflow.claiming.decision import (
    find_barred_stages,
    has_assignment,
    has_labeled,
    has_skill,
    is_own_work,
)
from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.lifecycle.tables import ASSIGNMENT, AssignmentCommand
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
    Purpose,
    QueueCursor,
)
from itagflow.model.skills import name_skill
from itagflow.model.text import find_key_error, find_text_error
from itagflow.model.workspace import Member, is_paused

# globals: Python 3.11 takes ten times as long to find a member of an enum in its class
_LABEL, _HELD = Stage.LABEL, AssignmentState.HELD
OUTCOMES = {
    "release": Outcome.RELEASED,
    "expire": Outcome.EXPIRED,
    "reassign": Outcome.REASSIGNED,
    "recall": Outcome.RECALLED,
}
"""How an assignment has ended after each operation that returns it."""

LEASE_STEP = timedelta(minutes=1)
"""By how much a save must move the end of a lease for it to be stored; see `must_renew`."""
LEASE_PART = 60
"""A short lease moves in steps of one part in so many of it."""


@attrs.frozen
class Slot:
    """A free slot of a package at its stage, and the member who is to get it."""

    job: Job
    """The job."""
    package: Package
    """The package."""
    stage: Stage
    """The kind of work."""
    member: Member
    """Who gets it."""


def must_be_a_token(token: str) -> None:
    """Check that a claim can be known by *token*.

    Raises:
        InvalidData: when it cannot be stored, or is too long.
    """
    wrong = find_key_error(token) if token != "" else None
    if wrong:
        raise InvalidData("the claim", [Problem("token", wrong)])


@attrs.frozen(kw_only=True)
class Terms:
    """What a claim writes into the assignment that it leads to."""

    token: str = ""
    """The caller's own name for the claim."""
    arguments: str = ""
    """The arguments of the claim with this token."""
    counted: bool = False
    """Whether it counts toward the total of its member."""


NO_TERMS = Terms()
"""Those of a plain claim."""


def start(
    slot: Slot, ctx: Context, *, id: int, terms: Terms = NO_TERMS, counters: Sequence[Saved] = ()
) -> Change:
    """Give a free slot to its member, who holds it from now on."""
    assignment = _fill(slot, ctx, id, _HELD, terms)
    taken = evolve(slot.package, free=slot.package.free - 1)
    return record(
        ctx, "claim", about=assignment, add=(assignment,), save=((slot.package, taken), *counters)
    )


def take_offer(
    job: Job,
    assignment: Assignment,
    ctx: Context,
    *,
    terms: Terms = NO_TERMS,
    counters: Sequence[Saved] = (),
) -> Change:
    """Make an offer to a member, or an open one, an assignment that the member holds."""
    state = ASSIGNMENT.advance(
        assignment.state, "claim", AssignmentCommand(assignment=assignment), str(assignment)
    )
    # an offer has a time limit of its own; the lease of the work begins here
    lease = _until(ctx.at, job.workflow.rule(assignment.stage).lease)
    # the time that it waited for its member is no time of work
    claimed = evolve(
        assignment,
        state=state,
        lease_until=lease,
        token=terms.token,
        token_arguments=terms.arguments,
        counted_at=ctx.at,
        guideline_version=job.guideline_version,
    )
    if assignment.member is None:
        claimed = evolve(claimed, member=ctx.member)
    return record(ctx, "claim", about=assignment, save=((assignment, claimed), *counters))


def take_over(
    slot: Slot,
    lapsed: Assignment,
    ctx: Context,
    *,
    id: int,
    terms: Terms = NO_TERMS,
    counters: Sequence[Saved] = (),
) -> Change:
    """Give a member the slot of an assignment whose lease has lapsed; its holder loses it."""
    returned = end_assignment(
        lapsed, "expire", ctx, comment="the lease lapsed and the assignment was taken"
    )
    # the package stays as it is: the slot goes from hand to hand and is never free
    assignment = evolve(
        _fill(slot, ctx, id, _HELD, terms),
        scope=lapsed.scope,
        purpose=lapsed.purpose,
    )
    return record(
        ctx, "claim", about=assignment, add=(assignment,), save=((lapsed, returned), *counters)
    )


def resume(job: Job, lapsed: Assignment, ctx: Context, *, terms: Terms = NO_TERMS) -> Change:
    """Let a member go on with their own lapsed assignment; the lease counts from now."""
    lease = _until(ctx.at, job.workflow.rule(lapsed.stage).lease)
    # without a token of its own this may be any claim: the one that was sent with a token may still
    # be repeated, and must find what it was given
    renewed = evolve(lapsed, lease_until=lease)
    if terms.token:
        renewed = evolve(renewed, token=terms.token, token_arguments=terms.arguments)
    return record(ctx, "renew", about=lapsed, save=((lapsed, renewed),))


def offer(slot: Slot, ctx: Context, *, id: int) -> Assignment:
    """Return a new assignment that waits for the member of *slot* to claim it."""
    return _fill(slot, ctx, id, AssignmentState.OFFERED)


def assign(slot: Slot, ctx: Context, *, id: int) -> Change:
    """Offer a free slot to its member.

    Raises:
        NotAllowed: when no slot is free.
    """
    package, account = slot.package, slot.member.account
    if package.awaits_lot:
        raise NotAllowed(account, "be assigned", f"{package} waits for its lot, and has no work")
    if package.free < 1:
        reason = f"{package} has no free slot: reassign an assignment instead"
        raise NotAllowed(account, "be assigned", reason)
    assignment = offer(slot, ctx, id=id)
    taken = evolve(package, free=package.free - 1)
    return record(
        ctx,
        "assign",
        about=assignment,
        add=(assignment,),
        save=((package, taken),),
        data={"to": account},
    )


def reassign(
    slot: Slot,
    assignment: Assignment,
    ctx: Context,
    *,
    id: int,
    comment: str,
    counters: Sequence[Saved] = (),
) -> Change:
    """Take *assignment* back and offer its slot to another member."""
    returned = end_assignment(assignment, "reassign", ctx, comment=comment)
    new = evolve(offer(slot, ctx, id=id), scope=assignment.scope, purpose=assignment.purpose)
    return record(
        ctx,
        "reassign",
        about=assignment,
        add=(new,),
        save=((assignment, returned), *counters),
        data={"to": slot.member.account, "comment": comment},
    )


def give_back(
    operation: str,
    package: Package,
    assignment: Assignment,
    ctx: Context,
    *,
    comment: str,
    id: int = 0,
    counters: Sequence[Saved] = (),
) -> Change:
    """End *assignment* by release or expire: its slot is free again and the package waits.

    A part is offered again instead, to whoever may have it, as the assignment with this *id*.
    """
    returned = end_assignment(assignment, operation, ctx, comment=comment)
    if assignment.is_part:
        return record(
            ctx,
            operation,
            about=assignment,
            add=(part_rules.offer_again(package, assignment, ctx, id=id),),
            save=((assignment, returned), *counters),
            data={"comment": comment} if comment else {},
        )
    # at the end of the queue: else who gives a package back would be the next to get it
    freed = evolve(package, free=package.free + 1, waiting_since=ctx.at)
    data = {"comment": comment} if comment else {}
    return record(
        ctx,
        operation,
        about=assignment,
        save=((package, freed), (assignment, returned), *counters),
        data=data,
    )


def recall(
    package: Package,
    assignment: Assignment,
    ctx: Context,
    *,
    comment: str,
    free: bool,
    id: int = 0,
    counters: Sequence[Saved] = (),
) -> Change:
    """End *assignment* because its work, job or member is gone; *free* returns its slot.

    A part is offered again instead, as the assignment with this *id*.
    """
    saved: tuple[Saved, ...] = (
        (assignment, end_assignment(assignment, "recall", ctx, comment=comment)),
        *counters,
    )
    add = tuple[Assignment, ...]()
    if free and assignment.is_part:
        add = (part_rules.offer_again(package, assignment, ctx, id=id),)
    elif free:
        saved = (
            (package, evolve(package, free=package.free + 1, waiting_since=ctx.at)),
            *saved,
        )
    return record(ctx, "recall", about=assignment, add=add, save=saved, data={"comment": comment})


def renew(job: Job, assignment: Assignment, ctx: Context) -> Assignment | None:
    """Return *assignment* with its lease counted from now, or None when its stage has no lease."""
    lease = job.workflow.rule(assignment.stage).lease
    if lease is None:
        return None
    return evolve(assignment, lease_until=_until(ctx.at, lease))


def must_renew(job: Job, assignment: Assignment, at: datetime) -> bool:
    """Return whether a save at this time must store a lease that counts from then.

    Not when its end moves by less than a minute, or by less than a 60th of a lease shorter than an
    hour: who saves an answer every few seconds would write the assignment each time, for nothing
    that anybody sees.  So a lease ends at most that much earlier than it would otherwise.
    """
    lease = job.workflow.rule(assignment.stage).lease
    if lease is None:
        return False
    if assignment.lease_until is None:  # the job had no leases when it was claimed
        return True
    # earlier, too: the workflow of the job may have been changed, or the clock set back
    moved = lease - (assignment.lease_until - at)
    return abs(moved) >= min(LEASE_STEP, lease / LEASE_PART)


def has_lapsed(assignment: Assignment, at: datetime) -> bool:
    """Return whether the lease of *assignment* has lapsed at this time."""
    return assignment.live and assignment.lease_until is not None and assignment.lease_until <= at


def end_assignment(
    assignment: Assignment, operation: str, ctx: Context, *, comment: str = ""
) -> Assignment:
    """Return *assignment* as it is after release, expire, reassign or recall.

    Raises:
        InvalidData: when the comment cannot be stored.
        WrongState: when it is not offered or held.
    """
    state = ASSIGNMENT.advance(
        assignment.state, operation, AssignmentCommand(assignment=assignment), str(assignment)
    )
    wrong = find_text_error(comment)
    if wrong:
        raise InvalidData(f"the comment to {operation}", [Problem("comment", wrong)])
    return evolve(
        assignment, state=state, outcome=OUTCOMES[operation], ended_at=ctx.at, comment=comment
    )


MOST_COUNTED = 300.0
"""How many seconds one call can count: who tells more has left the screen."""


def count_time(
    assignment: Assignment, sent: float | None, at: datetime
) -> tuple[float, Assignment]:
    """Return how many of the *sent* seconds count, and *assignment* with time counted until *at*.

    Not more than have passed since the last call that was counted, so that a call that is sent
    again, or from two windows at once, counts no second twice; and at most `MOST_COUNTED`.  None:
    nothing was told, and nothing changes.
    """
    if sent is None:
        return 0.0, assignment
    since = assignment.counted_at or assignment.made_at
    # a clock that was set back counts nothing
    passed = max(0.0, (at - since).total_seconds())
    # thousandths, as stores keep them
    counted = round(min(sent, passed, MOST_COUNTED), 3)
    return counted, evolve(assignment, counted_at=at)


def add_to_assignment(assignment: Assignment, sent: float | None, at: datetime) -> Assignment:
    """Return *assignment* with the seconds that were told for it as a whole."""
    counted, after = count_time(assignment, sent, at)
    if not counted:
        return after
    return evolve(after, seconds=round(after.seconds + counted, 3))


def must_be_assignable(
    job: Job, package: Package, member: Member, stage: Stage, assignments: Sequence[Assignment]
) -> None:
    """Check that *member* can be given a slot of *package*, beside its *assignments*.

    Raises:
        NotAllowed: when they have an assignment on it in this round, were shown its votes, or would
            review their own work.
    """
    must_not_vote_twice(package, member, assignments)
    if part_rules.has_seen_votes(job, member, package.round, assignments):
        reason = f"they were shown votes on {package} in this round"
        raise NotAllowed(member.account, "be assigned", reason)
    if stage is not Stage.LABEL:
        must_not_review_own_work(job, package, member, stage, assignments)


def must_have_skill(job: Job, package: Package, member: Member, stage: Stage) -> None:
    """Check that *member* can do what the value of *package* asks for at *stage*, if anything.

    Raises:
        NotAllowed: when they lack the skill.
    """
    requires = job.workflow.rule(stage).requires
    if requires is None or has_skill(job, stage, member, package):
        return
    reason = f"{package} needs the skill {name_skill(requires, package.value)}"
    if requires.least is not None:
        reason += f", at least {requires.least:g}"
    raise NotAllowed(member.account, "be assigned", f"{reason}: see members.set_skills")


def must_not_vote_twice(
    package: Package, member: Member, assignments: Sequence[Assignment]
) -> None:
    """Check that *member* has no other assignment on *package* in its present stage and round.

    Raises:
        NotAllowed: when there is one.
    """
    if has_assignment(package, member, assignments):
        raise NotAllowed(
            member.account, "be assigned", f"they have an assignment on {package} in this round"
        )


def must_not_review_own_work(
    job: Job, package: Package, member: Member, stage: Stage, assignments: Sequence[Assignment]
) -> None:
    """Check that *member* did not label what they are to review.

    Raises:
        NotAllowed: when they did, or modified tasks at INSPECT, and the stage's rule does not allow
            it.
    """
    if not is_own_work(job, package, member, stage, assignments):
        return
    reason = f"they modified tasks of {package}; allow_own_review=True would allow it"
    if has_labeled(member, assignments) and Stage.LABEL in find_barred_stages(job, stage):
        reason = f"they labeled {package}; allow_own_work=True would allow it"
    raise NotAllowed(member.account, "be assigned", reason)


def must_not_be_paused(member: Member, at: datetime) -> None:
    """Check that *member* can be given work at this time.

    Raises:
        NotAllowed: when they are paused.
    """
    if is_paused(member, at):
        reason = "they are paused: members.resume ends that"
        raise NotAllowed(member.account, "be assigned", reason)


def is_first_claim(member: Member, stage: Stage, assignments: Sequence[Assignment]) -> bool:
    """Return whether *member* never had one of these *assignments* on a package at *stage*."""
    return not any(
        assignment.member == member.id and assignment.stage is stage for assignment in assignments
    )


def describe_arguments(package: int | None, *, is_resumed: bool) -> str:
    """Return the arguments of a claim as `Assignment.token_arguments` keeps them.

    >>> describe_arguments(7, is_resumed=True), describe_arguments(None, is_resumed=False)
    ('package=7, resume', '')
    """
    arguments = [] if package is None else [f"package={package}"]
    if is_resumed:
        arguments.append("resume")
    return ", ".join(arguments)


CURSOR_OVERLAP = timedelta(minutes=1)
"""How long before the saved cursor a scan begins.

A package gets its place by the clock of the process that puts it into the queue, and is seen when
that transaction ends: it may appear before the cursor of a process whose clock is ahead.  A minute
is more than clocks that are kept differ, and few packages to scan again; what is missed even so is
found by the last query of `itagflow.claiming.queue.query_next_package`.
"""


def cursor_at(package: Package) -> QueueCursor:
    """Return the position of *package* in the queue."""
    return QueueCursor(package.priority, package.waiting_since, package.due)


def is_worth_saving(old: QueueCursor | None, new: QueueCursor) -> bool:
    """Return whether the cursor *new* is so much further than *old* that it should be saved."""
    # Saving is a write more in each claim.  Within the overlap it would gain nothing: the next scan
    # begins that much earlier anyway.
    if old is None or (old.priority, old.due) != (new.priority, new.due):
        return True
    return new.since - old.since > CURSOR_OVERLAP


def _fill(
    slot: Slot, ctx: Context, id: int, state: AssignmentState, terms: Terms = NO_TERMS
) -> Assignment:
    """Return a new assignment in *slot*: held, or offered."""
    rule = slot.job.workflow.rule(slot.stage)
    lease, guideline_version = rule.offer_lease, 0
    if state is _HELD:
        lease, guideline_version = rule.lease, slot.job.guideline_version
    return Assignment(
        job=slot.package.job,
        id=id,
        package=slot.package.number,
        stage=slot.stage,
        round=slot.package.round,
        member=slot.member.id,
        state=state,
        made_at=ctx.at,
        scope=slot.package.scope,
        lease_until=_until(ctx.at, lease),
        token=terms.token,
        token_arguments=terms.arguments,
        counted=terms.counted,
        purpose=slot.package.purpose if slot.stage is _LABEL else Purpose.REVIEW,
        guideline_version=guideline_version,
    )


def _until(at: datetime, lease: timedelta | None) -> datetime | None:
    if lease is None:
        return None
    try:
        return at + lease
    except OverflowError:  # later than the last day of the calendar: it never ends
        return datetime.max.replace(tzinfo=UTC)
