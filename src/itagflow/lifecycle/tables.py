"""The lifecycles of job, package and assignment: three tables and the guards on their rows.

The first functions guard what happens inside a state: who may go on with an assignment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import attrs

from itagflow.errors import Incomplete, NotAllowed, NotHeld, WrongState
from itagflow.lifecycle.machine import Guard, Lifecycle, Step
from itagflow.model.job import (
    Job,
    JobState,
    Stage,
    Workflow,
)
from itagflow.model.package import Assignment, AssignmentState, Package, PackageState
from itagflow.model.workspace import Member

# globals: Python 3.11 takes ten times as long to find a member of an enum in its class
_OFFERED, _HELD = AssignmentState.OFFERED, AssignmentState.HELD
_WORKING = (JobState.RUNNING, JobState.PAUSED)


@attrs.frozen(kw_only=True)
class JobCommand:
    """What the guards of the job's lifecycle look at."""

    job: Job
    """The job."""
    tasks: int = 0
    """How many tasks it has, where that is asked."""
    blocking_reason: str = ""
    """Why it could never finish, if so."""
    open_package: int = 0
    """The number of a package that is not done, or 0."""


@attrs.frozen(kw_only=True)
class AssignmentCommand:
    """What the guards of the assignment's lifecycle look at when work ends."""

    assignment: Assignment
    """The assignment."""
    missing: tuple[int, ...] = ()
    """The tasks of its scope without an answer."""
    drafts: tuple[int, ...] = ()
    """The tasks whose draft is newer than the answer."""
    wrong: tuple[int, ...] = ()
    """The tasks that stand judged wrong."""
    undecided: tuple[int, ...] = ()
    """The disputed tasks for which no reviewer has given an answer."""
    is_whole: bool = False
    """Whether every task is to go back, also those that nobody judged wrong."""
    is_explained: bool = False
    """Whether it is said why."""


def must_go_on(job: Job, assignment: Assignment, operation: str, by: Member | None) -> None:
    """Check that *assignment* is held, by *by* when a member is given, and its job goes on.

    Raises:
        NotHeld: when it is only offered, has ended, or is another member's.
        NotAllowed: when the job is a draft, finished or archived.
    """
    # first, so that another member is not told how the assignment ended
    if by is not None:
        must_be_of(assignment, by)
    if assignment.state is _OFFERED:
        raise NotHeld(assignment.key, "it is offered: claim it first")
    if assignment.state is not _HELD:
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
    if assignment.is_open_offer:
        raise NotHeld(assignment.key, "it is offered to whoever may have it: claim it first")
    if assignment.member != member.id:
        raise NotHeld(assignment.key, f"it is another member's, not {member.account}'s")


def must_be_working(job: Job, operation: str) -> None:
    """Check that *job* lets held assignments go on: it runs or is paused.

    Raises:
        NotAllowed: when it is a draft, finished or archived.
    """
    if job.state not in _WORKING:
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
    return NotHeld(assignment.key, f"it was {ending}{comment}: claim again")


def _require_tasks(command: JobCommand) -> None:
    # a job that never ends by itself waits for what comes
    if command.job.auto_finish and not command.tasks:
        raise Incomplete("begin", "the job has no tasks: load some data first")


def _require_finishable(command: JobCommand) -> None:
    if command.blocking_reason:
        raise Incomplete("publish", command.blocking_reason)


def _require_nothing_open(command: JobCommand) -> None:
    if command.open_package:
        reason = f"package {command.open_package} is still open: wait, or pass discard_open=True"
        raise Incomplete("finish", reason)


def require_stage(assignment: Assignment, operation: str, *stages: Stage) -> None:
    """Check that *assignment* is at one of the stages that *operation* is for.

    Raises:
        WrongState: when it is not.
    """
    if assignment.stage not in stages:
        raise WrongState(str(assignment), operation, assignment.stage)


def _build_step(operation: str, *stages: Stage) -> Step[AssignmentState]:
    """Return the row of a verb that ends an assignment's work at these stages."""

    def check_stage(command: AssignmentCommand) -> None:
        require_stage(command.assignment, operation, *stages)

    # the stage comes first: whoever submits a review has the wrong operation, not missing answers
    return Step(
        operation,
        AssignmentState.HELD,
        AssignmentState.DONE,
        (check_stage, *_ENDING_GUARDS[operation]),
    )


def _require_member(command: AssignmentCommand) -> None:
    # what nobody has cannot be given back: it is offered to everybody already
    if command.assignment.is_open_offer:
        raise NotHeld(command.assignment.key, "it is offered to whoever may have it")


def _require_all_answered(command: AssignmentCommand) -> None:
    if command.missing or command.drafts:
        reason = "not every task is answered or abandoned" if command.missing else ""
        raise Incomplete("submit", reason, command.missing, command.drafts)


def _require_none_wrong(command: AssignmentCommand) -> None:
    if command.wrong:
        if len(command.wrong) == 1:
            reason = "a task stands judged wrong: reject it, or judge the task again"
        else:
            reason = "tasks stand judged wrong: reject it, or judge them again"
        raise Incomplete("pass the package", reason, command.wrong)


def _require_all_decided(command: AssignmentCommand) -> None:
    if command.undecided:
        reason = "the votes on these tasks disagree: decide each with modify, or judge it wrong"
        raise Incomplete("pass the package", reason, command.undecided)


def _require_wrong(command: AssignmentCommand) -> None:
    # without this a review that found nothing would send everything back
    if not command.wrong and not command.is_whole:
        raise Incomplete(
            "reject",
            "no task is judged wrong: judge or name some, or send every task back with whole=True",
        )
    # whoever labels it again must learn why: from what is said of the tasks, or of the package
    if not command.wrong and not command.is_explained:
        raise Incomplete("reject", "every task goes back, and none is judged wrong: say why")


_ENDING_GUARDS: Mapping[str, tuple[Guard, ...]] = {
    "submit": (_require_all_answered,),
    "review": (_require_none_wrong, _require_all_decided),
    "accept": (_require_none_wrong, _require_all_decided),
    "reject": (_require_wrong,),
}
"""What must hold for each operation that ends an assignment with its work."""

_RETURNING_GUARDS: Mapping[str, tuple[Guard, ...]] = {
    "release": (_require_member,),
    "expire": (_require_member,),
    "reassign": (),
    "recall": (),
}
"""What must hold for each operation that ends an assignment without its work."""

JOB = Lifecycle(
    "job",
    JobState.DRAFT,
    [
        Step("load", JobState.DRAFT, JobState.DRAFT),
        Step("publish", JobState.DRAFT, JobState.RUNNING, (_require_tasks, _require_finishable)),
        Step("import", JobState.DRAFT, JobState.FINISHED, (_require_tasks, _require_nothing_open)),
        Step("pause", JobState.RUNNING, JobState.PAUSED),
        Step("resume", JobState.PAUSED, JobState.RUNNING),
        Step("finish", JobState.RUNNING, JobState.FINISHED, (_require_nothing_open,)),
        Step("finish", JobState.PAUSED, JobState.FINISHED, (_require_nothing_open,)),
        *(
            Step("prelabel", state, state)
            for state in (JobState.DRAFT, JobState.RUNNING, JobState.PAUSED)
        ),
        *(
            step
            for verb in ("append", "add")
            for step in (
                Step(verb, JobState.RUNNING, JobState.RUNNING),
                Step(verb, JobState.PAUSED, JobState.PAUSED),
                Step(verb, JobState.FINISHED, JobState.RUNNING),
            )
        ),
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
        _build_step("submit", Stage.LABEL),
        _build_step("review", Stage.INSPECT),
        _build_step("accept", Stage.ACCEPT),
        _build_step("reject", Stage.INSPECT, Stage.ACCEPT),
        *(
            Step(verb, state, AssignmentState.RETURNED, guards)
            for verb, guards in _RETURNING_GUARDS.items()
            for state in (AssignmentState.OFFERED, AssignmentState.HELD)
        ),
        Step("extend", AssignmentState.OFFERED, AssignmentState.OFFERED),
        Step("extend", AssignmentState.HELD, AssignmentState.HELD),
    ],
)
"""The lifecycle of an assignment.  A claim from the queue makes one that is HELD at once."""


def name_reopening(stage: Stage) -> str:
    """Return the event by which tasks of a package that is done come back to *stage*."""
    return f"reopen_{stage.value}"


def get_package_lifecycle(workflow: Workflow) -> Lifecycle[PackageState]:
    """Return the lifecycle of the packages of jobs with this workflow."""
    accept = workflow.accept
    return _build_package_lifecycle(workflow.stages, accept.reject_to if accept else Stage.LABEL)


# a machine takes milliseconds to build, and there are few different workflows
@cache
def _build_package_lifecycle(
    stages: tuple[Stage, ...], reject_to: Stage
) -> Lifecycle[PackageState]:
    states = [PackageState.at(stage) for stage in stages]
    rejected_to = {
        PackageState.INSPECT: PackageState.LABEL,
        PackageState.ACCEPT: PackageState.at(reject_to),
    }
    # what was done has complete answers: it is reviewed again, and labeled only if that rejects it
    first_review = PackageState.LABEL
    if len(states) > 1:
        first_review = states[1]
    return Lifecycle(
        "package",
        PackageState.LABEL,
        [
            *(
                Step("pass", source, target)
                for source, target in zip(states, [*states[1:], PackageState.DONE], strict=True)
            ),
            *(
                # a package that is not drawn for a review stage passes it at once
                Step("skip", source, target)
                for source, target in zip(
                    states[1:], [*states[2:], PackageState.DONE], strict=False
                )
            ),
            *(Step("reject", state, rejected_to[state]) for state in states[1:]),
            # abandoned tasks are labeled once more
            Step("requeue", PackageState.LABEL, PackageState.LABEL),
            *(Step("discard", state, PackageState.DISCARDED) for state in states),
            # a campaign is ended early: the package is as it was before
            *(Step("withdraw", state, PackageState.DONE) for state in states),
            Step("reopen", PackageState.DONE, first_review),
            Step("reopen", PackageState.DISCARDED, PackageState.LABEL),
            # a campaign: some tasks of a package that is done
            *(
                Step(name_reopening(stage), PackageState.DONE, PackageState.at(stage))
                for stage in stages
            ),
        ],
    )
