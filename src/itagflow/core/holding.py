"""Who may go on with an assignment: it is held, it is theirs, and its job lets work go on."""

from __future__ import annotations

from itagflow.errors import NotAllowed, NotHeld
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.workspace import Member


def must_hold(assignment: Assignment, by: Member | None) -> None:
    """Check that *assignment* is held, and by *by* when somebody is named.

    Raises:
        NotHeld: when it is only offered, has ended, or is another member's.
    """
    if by is not None:
        must_be_of(assignment, by)
    if assignment.state is AssignmentState.OFFERED:
        raise NotHeld(assignment.key, "it is offered: claim it first")
    if assignment.state is not AssignmentState.HELD:
        raise _over(assignment)


def must_not_be_returned(assignment: Assignment) -> None:
    """Check that *assignment* did not end without its work, and may still be read by its member.

    Raises:
        NotHeld: when it did.
    """
    if assignment.state is AssignmentState.RETURNED:
        raise _over(assignment)


def must_be_of(assignment: Assignment, member: Member) -> None:
    """Check that *assignment* is, or was, the one of *member*.

    Raises:
        NotHeld: when it is another member's.
    """
    if assignment.member != member.id:
        raise NotHeld(assignment.key, f"it is another member's, not {member.account}'s")


def must_be_working(job: Job, act: str) -> None:
    """Check that *job* lets held assignments go on: it runs or is paused.

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
        raise NotAllowed("", "work on it", f"{package} is {package.state.value}: reopen it first")
    return package.stage


def _over(assignment: Assignment) -> NotHeld:
    how = assignment.outcome.value if assignment.outcome else assignment.state.value
    return NotHeld(
        assignment.key,
        f"it was {how}{f' ({assignment.comment})' if assignment.comment else ''}: claim anew",
    )
