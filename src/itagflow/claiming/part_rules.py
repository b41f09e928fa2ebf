"""Work on a part of a package: who may have it, and what it is when nobody has it.

An assignment that is offered to nobody in particular is an *open offer*.  It is live, so the
package stays at its stage until somebody has claimed it and handed it in.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.lifecycle.tables import must_be_working
from itagflow.model.change import Change, Context, record
from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
    Purpose,
)
from itagflow.model.task import Answer
from itagflow.model.workspace import Member


@attrs.frozen
class PackagePart:
    """A part of a package that is to be worked on."""

    package: Package
    """The package, at its stage."""
    purpose: Purpose
    """What the work is for."""
    scope: tuple[int, ...] | None
    """The tasks."""


def make_open_offer(part: PackagePart, ctx: Context, *, id: int) -> Assignment:
    """Return a new assignment that waits for whoever may have this part.

    Raises:
        ValueError: when the package is at no stage.
    """
    package = part.package
    if package.stage is None:
        raise ValueError(f"{package} has ended, so there is no work on it")
    return Assignment(
        job=package.job,
        id=id,
        package=package.number,
        stage=package.stage,
        round=package.round,
        member=None,
        state=AssignmentState.OFFERED,
        made_at=ctx.at,
        scope=part.scope,
        purpose=part.purpose,
    )


def offer_again(package: Package, assignment: Assignment, ctx: Context, *, id: int) -> Assignment:
    """Return an open offer of what *assignment*, which ends now, was about."""
    return make_open_offer(PackagePart(package, assignment.purpose, assignment.scope), ctx, id=id)


def has_conflict(
    job: Job, part: Assignment, member: Member, assignments: Sequence[Assignment]
) -> bool:
    """Return whether *member* may not have *part*, beside their *assignments* on its package.

    Nobody works twice on a task in a round.  Where votes are given, nobody has two assignments on
    the package: who has voted decides nothing, and who sees votes gives none.
    """
    has_votes = job.workflow.label.votes > 1
    for other in assignments:
        if other.id == part.id or other.member != member.id or not _is_beside(other, part):
            continue
        if other.state is AssignmentState.RETURNED:
            continue
        if has_votes or _overlap(other, part):
            return True
    return part.is_vote and has_seen_votes(job, member, part.round, assignments)


def _overlap(one: Assignment, other: Assignment) -> bool:
    """Return whether both are about the same task."""
    if one.scope is None or other.scope is None:
        return True
    return not set(one.scope).isdisjoint(other.scope)


def _is_beside(other: Assignment, part: Assignment) -> bool:
    return (other.stage, other.round) == (part.stage, part.round)


def has_seen_votes(job: Job, member: Member, round: int, assignments: Sequence[Assignment]) -> bool:
    """Return whether *member* was shown votes of this round: as an adjudicator or an expert.

    Also when they have given it back: what was seen may be repeated.
    """
    if job.workflow.label.votes == 1:
        return False
    return any(
        assignment.member == member.id and assignment.round == round and assignment.decides
        for assignment in assignments
    )


def must_have_no_conflict(
    job: Job, part: Assignment, member: Member, assignments: Sequence[Assignment]
) -> None:
    """Check that *member* can be given *part*, beside the *assignments* on its package.

    Raises:
        NotAllowed: when they work on the same tasks in this round, or are to vote and decide.
    """
    if has_conflict(job, part, member, assignments):
        reason = f"they have, or had, an assignment on package {part.package} in this round"
        raise NotAllowed(member.account, "be assigned", reason)


def find_escalated(assignments: Sequence[Assignment], round: int) -> set[int]:
    """Return the tasks that were handed to the experts in this round."""
    # what an expert gives back is offered again, so those that were returned add nothing
    return {
        task
        for assignment in assignments
        if assignment.purpose is Purpose.ESCALATION
        and assignment.round == round
        and assignment.state is not AssignmentState.RETURNED
        for task in assignment.scope or ()
    }


def find_voters(assignments: Sequence[Assignment], round: int) -> list[int]:
    """Return the ids of the assignments that have given their vote in this round, in order."""
    return [
        assignment.id
        for assignment in assignments
        if assignment.round == round
        and assignment.outcome is Outcome.SUBMITTED
        and assignment.is_vote
    ]


def select_votes(answers: Sequence[Answer]) -> list[Answer]:
    """Return those of *answers* to a task that count as votes: not those that hand it on.

    Where all of them do so, all are returned: what an expert answers takes their place.
    """
    return [answer for answer in answers if not answer.is_escalated] or list(answers)


def are_votes_in(package: Package, assignments: Sequence[Assignment], ended: int) -> bool:
    """Return whether the assignment with the id *ended*, which ends now, is the last vote."""
    return not package.free and not any(
        assignment.live and assignment.is_vote and assignment.id != ended
        for assignment in assignments
    )


def are_votes_merged(package: Package, assignments: Sequence[Assignment]) -> bool:
    """Return whether the votes of the present round of *package* are merged.

    They are given no more either once its due time has passed, and experts have what is left.
    """
    ended = (Outcome.MERGED, Outcome.TIMEOUT)
    return any(each.outcome in ended and each.round == package.round for each in assignments)


@attrs.frozen(kw_only=True)
class ExtraVotes:
    """More votes that are asked for on some tasks of a package."""

    job: Job
    """The job."""
    package: Package
    """The locked package."""
    tasks: tuple[int, ...]
    """The numbers of the tasks."""
    assignments: Sequence[Assignment]
    """Every assignment that there ever was on the package."""
    voters: int
    """How many members may vote here."""


def ask_again(asked: ExtraVotes, ctx: Context, *, ids: Sequence[int]) -> Change:
    """Offer one more vote on the tasks for each of *ids*.

    Raises:
        NotAllowed: when the package takes no votes now, or nobody is left to give so many.
        InvalidData: when a task is not voted on; it lists them.
    """
    job, package = asked.job, asked.package
    must_be_working(job, "ask for votes")
    _require_voting(asked)
    _require_voters(asked, len(ids))
    due = package.scope
    others = [task for task in asked.tasks if task in package.excluded or (due and task not in due)]
    if others:
        reason = "is not voted on in this round"
        problems = [Problem(f"task {task}", reason) for task in others]
        raise InvalidData("the tasks to vote on again", problems)
    part = PackagePart(package, Purpose.EXTRA_VOTE, asked.tasks)
    offers = [make_open_offer(part, ctx, id=id) for id in ids]
    data = {"tasks": list(asked.tasks), "votes": len(ids)}
    return record(ctx, "ask_again", about=package, add=offers, data=data)


def _require_voting(asked: ExtraVotes) -> None:
    job, package = asked.job, asked.package
    reason = ""
    if package.votes == 1:
        reason = f"job {job.name!r} takes one answer to each task: Label(votes=2) would take more"
    elif package.stage is not Stage.LABEL:
        reason = f"{package} is not at LABEL, but {package.state.value}"
    elif are_votes_merged(package, asked.assignments):
        reason = f"the votes on {package} are merged: who adjudicates decides"
    if reason:
        raise NotAllowed("nobody", "vote once more", reason)


def _require_voters(asked: ExtraVotes, more: int) -> None:
    # nobody gives two votes on a package, also not on different tasks
    extra = [
        each
        for each in asked.assignments
        if each.purpose is Purpose.EXTRA_VOTE
        and each.round == asked.package.round
        and each.state is not AssignmentState.RETURNED
    ]
    needed = asked.package.votes + len(extra) + more
    if asked.voters < needed:
        reason = (
            f"{needed} different members would have to vote on {asked.package}, "
            f"but only {asked.voters} may: name more for LABEL"
        )
        raise NotAllowed("nobody", "vote once more", reason)
