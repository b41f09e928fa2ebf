"""Who may go on with a turn: it is held, it is theirs, and its job lets work go on."""

from __future__ import annotations

from itagflow.errors import NotAllowed, NotHeld
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, TurnState
from itagflow.model.workspace import Member


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


def stage_of(package: Package) -> Stage:
    """Return the stage whose work on *package* is due.

    Raises:
        NotAllowed: when it is done or discarded.
    """
    if package.stage is None:
        raise NotAllowed("nobody", "work on it", f"{package} is {package.state.value}: reopen it first")
    return package.stage


def _over(turn: Assignment) -> NotHeld:
    how = turn.outcome.value if turn.outcome else turn.state.value
    return NotHeld(turn.key, f"it was {how}{f' ({turn.remark})' if turn.remark else ''}: claim anew")
