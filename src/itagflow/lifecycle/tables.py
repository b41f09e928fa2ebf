"""The lifecycles of job, package and assignment: three tables and the guards on their rows.

The first functions guard what happens inside a state: who may go on with an assignment.
"""

from __future__ import annotations

from functools import cache

import attrs

from itagflow.errors import Incomplete, NotAllowed, NotHeld, WrongState
from itagflow.lifecycle.machine import Lifecycle, Step
from itagflow.model.job import (
    Job,
    JobState,
    Stage,
    Workflow,
)
from itagflow.model.package import Assignment, AssignmentState, Package, PackageState
from itagflow.model.workspace import Member


@attrs.frozen(kw_only=True)
class JobAct:
    """What the guards of the job's lifecycle look at."""

    job: Job
    """The job."""
    tasks: int = 0
    """How many tasks it has, where that is asked."""
    hindrance: str = ""
    """Why it could never finish, if so."""
    open_package: int = 0
    """The number of a package that is not done, or 0."""


@attrs.frozen(kw_only=True)
class Closing:
    """What the guards of the assignment's lifecycle look at when work ends."""

    assignment: Assignment
    """The assignment."""
    missing: tuple[int, ...] = ()
    """The tasks of its scope without an answer."""
    wrong: tuple[int, ...] = ()
    """The tasks that stand judged wrong."""
    undecided: tuple[int, ...] = ()
    """The disputed tasks for which no reviewer has given an answer."""
    comment: str = ""
    """The comment given."""


def must_go_on(job: Job, assignment: Assignment, operation: str, by: Member | None) -> None:
    """Check that *assignment* is held, by *by* when a member is given, and its job goes on.

    Raises:
        NotHeld: when it is only offered, has ended, or is another member's.
        NotAllowed: when the job is a draft, finished or archived.
    """
    # first, so that another member is not told how the assignment ended
    if by is not None:
        must_be_of(assignment, by)
    if assignment.state is AssignmentState.OFFERED:
        raise NotHeld(assignment.key, "it is offered: claim it first")
    if assignment.state is not AssignmentState.HELD:
        raise _make_ended_error(assignment)
    must_be_working(job, operation)


def must_not_be_returned(assignment: Assignment) -> None:
    """Check that *assignment* did not end without its work, and may still be read by its member.

    Raises:
        NotHeld: when it did.
    """
    if assignment.state is AssignmentState.RETURNED:
        raise _make_ended_error(assignment)


def must_be_of(assignment: Assignment, member: Member) -> None:
    """Check that *assignment* is, or was, the one of *member*.

    Raises:
        NotHeld: when it is another member's.
    """
    if assignment.member != member.id:
        raise NotHeld(assignment.key, f"it is another member's, not {member.account}'s")


def must_be_working(job: Job, operation: str) -> None:
    """Check that *job* lets held assignments go on: it runs or is paused.

    Raises:
        NotAllowed: when it is a draft, finished or archived.
    """
    if job.state not in (JobState.RUNNING, JobState.PAUSED):
        raise NotAllowed("the holder", operation, f"job {job.name!r} is {job.state.value}")


def stage_of(package: Package) -> Stage:
    """Return the stage whose work on *package* is due.

    Raises:
        NotAllowed: when it is done or discarded.
    """
    if package.stage is None:
        raise NotAllowed(
            "nobody", "work on it", f"{package} is {package.state.value}: reopen it first"
        )
    return package.stage


def _make_ended_error(assignment: Assignment) -> NotHeld:
    ending = assignment.state.value if assignment.outcome is None else assignment.outcome.value
    comment = f" ({assignment.comment})" if assignment.comment else ""
    return NotHeld(assignment.key, f"it was {ending}{comment}: claim anew")


def _has_tasks(act: JobAct) -> None:
    if not act.tasks:
        raise Incomplete("begin", "the job has no tasks: load some data first")


def _can_finish(act: JobAct) -> None:
    if act.hindrance:
        raise Incomplete("publish", act.hindrance)


def _nothing_open(act: JobAct) -> None:
    if act.open_package:
        reason = f"package {act.open_package} is still open: wait, or pass discard_open=True"
        raise Incomplete("finish", reason)


def must_be_at(assignment: Assignment, verb: str, *stages: Stage) -> None:
    """Check that *assignment* is at one of the stages that *verb* is for.

    Raises:
        WrongState: when it is not.
    """
    if assignment.stage not in stages:
        raise WrongState(str(assignment), verb, assignment.stage)


def _at(verb: str, *stages: Stage) -> Step[AssignmentState]:
    """Return the row of a verb that ends an assignment's work at these stages."""

    def right_stage(closing: Closing) -> None:
        must_be_at(closing.assignment, verb, *stages)

    guards = (
        (right_stage, _everything_answered)
        if verb == "submit"
        else (right_stage, _nothing_wrong, _all_decided)
    )
    return Step(
        verb,
        AssignmentState.HELD,
        AssignmentState.DONE,
        (right_stage, _reasoned) if verb == "reject" else guards,
    )


def _everything_answered(closing: Closing) -> None:
    if closing.missing:
        raise Incomplete("submit", "not every task is answered or abandoned", closing.missing)


def _nothing_wrong(closing: Closing) -> None:
    if closing.wrong:
        raise Incomplete(
            "pass the package",
            "tasks stand judged wrong: reject it, or judge them anew",
            closing.wrong,
        )


def _all_decided(closing: Closing) -> None:
    if closing.undecided:
        reason = "the votes on these tasks disagree: decide each with modify, or judge it wrong"
        raise Incomplete("pass the package", reason, closing.undecided)


def _reasoned(closing: Closing) -> None:
    if not closing.wrong and not closing.comment.strip():
        raise Incomplete(
            "reject", "no task is judged wrong, so every task goes back: give a comment"
        )


JOB = Lifecycle(
    "job",
    JobState.DRAFT,
    [
        Step("load", JobState.DRAFT, JobState.DRAFT),
        Step("publish", JobState.DRAFT, JobState.RUNNING, (_has_tasks, _can_finish)),
        Step("import", JobState.DRAFT, JobState.FINISHED, (_has_tasks, _nothing_open)),
        Step("pause", JobState.RUNNING, JobState.PAUSED),
        Step("resume", JobState.PAUSED, JobState.RUNNING),
        Step("finish", JobState.RUNNING, JobState.FINISHED, (_nothing_open,)),
        Step("finish", JobState.PAUSED, JobState.FINISHED, (_nothing_open,)),
        *(
            Step("prelabel", state, state)
            for state in (JobState.DRAFT, JobState.RUNNING, JobState.PAUSED)
        ),
        Step("append", JobState.RUNNING, JobState.RUNNING),
        Step("append", JobState.PAUSED, JobState.PAUSED),
        Step("append", JobState.FINISHED, JobState.RUNNING),
        Step("reopen", JobState.RUNNING, JobState.RUNNING),
        Step("reopen", JobState.PAUSED, JobState.PAUSED),
        Step("reopen", JobState.FINISHED, JobState.RUNNING),
        *(
            Step("archive", state, JobState.ARCHIVED)
            for state in JobState
            if state is not JobState.ARCHIVED
        ),
    ],
)
"""The lifecycle of a job."""

ASSIGNMENT = Lifecycle(
    "assignment",
    AssignmentState.OFFERED,
    [
        Step("claim", AssignmentState.OFFERED, AssignmentState.HELD),
        _at("submit", Stage.LABEL),
        _at("review", Stage.INSPECT),
        _at("accept", Stage.ACCEPT),
        _at("reject", Stage.INSPECT, Stage.ACCEPT),
        *(
            Step(verb, state, AssignmentState.RETURNED)
            for verb in ("release", "expire", "reassign", "recall")
            for state in (AssignmentState.OFFERED, AssignmentState.HELD)
        ),
    ],
)
"""The lifecycle of an assignment.  A claim from the queue makes one that is HELD at once."""


def package_lifecycle(workflow: Workflow) -> Lifecycle[PackageState]:
    """Return the lifecycle of the packages of jobs with this workflow."""
    accept = workflow.accept
    return _package_table(workflow.stages, accept.reject_to if accept else Stage.LABEL)


@cache
def _package_table(stages: tuple[Stage, ...], reject_to: Stage) -> Lifecycle[PackageState]:
    places = [PackageState.at(stage) for stage in stages]
    back = {
        PackageState.INSPECT: PackageState.LABEL,
        PackageState.ACCEPT: PackageState.at(reject_to),
    }
    first_review = places[1] if len(places) > 1 else PackageState.LABEL
    return Lifecycle(
        "package",
        PackageState.LABEL,
        [
            *(
                Step("pass", a, b)
                for a, b in zip(places, [*places[1:], PackageState.DONE], strict=True)
            ),
            *(Step("reject", place, back[place]) for place in places[1:]),
            *(Step("discard", place, PackageState.DISCARDED) for place in places),
            Step("reopen", PackageState.DONE, first_review),
            Step("reopen", PackageState.DISCARDED, PackageState.LABEL),
        ],
    )
