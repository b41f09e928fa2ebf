"""How a package moves on: it passes, is sent back, is discarded, or is opened again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import attrs

from itagflow.core.change import Act
from itagflow.errors import InvalidData, Problem
from itagflow.lifecycle.tables import get_package_lifecycle
from itagflow.model.job import Job, Route, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
)
from itagflow.model.text import find_text_error
from itagflow.model.workspace import Member
from itagflow.reviewing.sampling import scope_of_review


def slots(job: Job, stage: Stage) -> int:
    """Return how many assignments *stage* needs for one package: the votes, or one."""
    return job.workflow.label.votes if stage is Stage.LABEL else 1


def passed(
    job: Job,
    package: Package,
    act: Act,
    *,
    tasks: Sequence[int],
    first: bool,
    disputes: tuple[int, ...] = (),
) -> Package:
    """Return *package* as it is at the next stage, or done.

    *tasks* are the numbers of its tasks, where a scope has to be drawn or something was erased;
    *first* says that nobody has reviewed it at the next stage before.
    """
    state = get_package_lifecycle(job.workflow).advance(package.state, "pass", entity=str(package))
    stage, there = state.stage, [task for task in tasks if task not in package.erased]
    scope = scope_of_review(job, package, stage, there, disputes, first=first) if stage else None
    return attrs.evolve(
        package,
        state=state,
        free=slots(job, stage) if stage else 0,
        waiting_since=act.at,
        scope=remaining(package, scope, there) if stage else None,
        disputes=disputes,
    )


def sent_back(
    job: Job, package: Package, act: Act, *, sent: tuple[int, ...] | None, tasks: Sequence[int]
) -> Package:
    """Return *package* as it is after a reject: at the stage that the rule names, in a new round.

    *sent* are the tasks that go back (None: all of *tasks*).
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "reject", entity=str(package)
    )
    stage = state.stage
    going = set(tasks if sent is None else sent)
    whole = len(going) >= package.size or (stage is Stage.LABEL and job.workflow.label.redo_all)
    return attrs.evolve(
        package,
        state=state,
        round=package.round + 1,
        free=slots(job, stage) if stage else 0,
        waiting_since=act.at,
        scope=remaining(package, None if whole else sent, tasks),
        rejects=tuple(sorted(going.union(package.rejects))),
        disputes=tuple(task for task in package.disputes if task not in going),
    )


def reopened(job: Job, package: Package, act: Act, *, tasks: Sequence[int]) -> Package:
    """Return *package* reopened: for a review of everything, or for labeling if there is none.

    *tasks* are the numbers of its tasks, where something was erased.
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "reopen", entity=str(package)
    )
    stage = state.stage
    free = slots(job, stage) if stage else 0
    scope = remaining(package, None, tasks)
    return attrs.evolve(
        package, state=state, round=package.round + 1, free=free, waiting_since=act.at, scope=scope
    )


def discarded(job: Job, package: Package) -> Package:
    """Return *package* as it is when it is discarded; its answers stay in the history."""
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "discard", entity=str(package)
    )
    return attrs.evolve(package, state=state, free=0, scope=None)


def remaining(
    package: Package, scope: tuple[int, ...] | None, tasks: Sequence[int]
) -> tuple[int, ...] | None:
    """Return *scope* (None: all of *tasks*) without the erased tasks of *package*."""
    if not package.erased:
        return scope
    return tuple(task for task in (tasks if scope is None else scope) if task not in package.erased)


def authors(job: Job, package: Package, assignments: Sequence[Assignment]) -> list[int]:
    """Return the keys of the members to whom the due work on *package* is offered.

    For LABEL the rule's route: the members whose assignments closed the latest round, nobody (the
    queue), or one named member.  For INSPECT, after a reject at ACCEPT, the inspector of the latest
    round.
    """
    route = job.workflow.label.rework
    if package.stage is Stage.LABEL and isinstance(route, int):
        return [route]
    if package.stage is Stage.LABEL and route is Route.QUEUE:
        return []
    closed = [
        t
        for t in assignments
        if t.stage is package.stage
        and t.state is AssignmentState.DONE
        and t.outcome is not Outcome.MERGED
    ]
    latest = max((assignment.round for assignment in closed), default=0)
    found = [
        assignment.member
        for assignment in closed
        if assignment.round == latest and assignment.member is not None
    ]
    return found if package.stage is Stage.LABEL else found[-1:]


def with_offers(package: Package, offered: Sequence[Member]) -> Package:
    """Return *package* with a slot less for each member to whom one is offered."""
    return attrs.evolve(package, free=package.free - len(offered)) if offered else package


def tasks_of(
    assignment: Assignment, tasks: Collection[int], package_tasks: Sequence[int]
) -> tuple[int, ...]:
    """Return *tasks* sorted, checked to be in the scope of *assignment*.

    Raises:
        InvalidData: when some are not.
    """
    scope = set(package_tasks if assignment.scope is None else assignment.scope)
    strange = sorted(set(tasks) - scope)
    if strange:
        raise InvalidData(
            "the tasks to reject",
            [Problem(f"task {n}", f"is not in the scope of {assignment}") for n in strange],
        )
    return tuple(sorted(set(tasks)))


def require_comment(what: str, comment: str) -> str:
    """Return *comment* if there is one.

    Raises:
        InvalidData: when it is empty.
    """
    if wrong := find_text_error(comment):
        raise InvalidData(what, [Problem("comment", wrong)])
    if not comment.strip():
        raise InvalidData(
            what,
            [Problem("comment", "is empty: say why, the people who did the work will read it")],
        )
    return comment
