"""What must hold at any time, on everything that a Flow can show."""

from __future__ import annotations

from datetime import datetime
from itertools import chain

from itagflow import Assignment, AssignmentState, Flow, Job, JobState, Package, maintenance
from itagflow.model.reports import StageQueue


def check(flow: Flow) -> None:
    """Check that nothing in the store is other than the rest of it and the history say."""
    assert [str(difference) for difference in maintenance.verify(flow)] == []


def check_board(flow: Flow, job: Job | int) -> None:
    """Check that the board of a job says what there is in the lists of packages and assignments."""
    stored = flow.jobs.get(job)
    board = flow.jobs.queue(job)
    packages = [each for each in flow.packages.list(job) if each.open]
    members = [member.account for member in flow.members.list(stored.workspace)]
    assignments = list(
        chain.from_iterable(flow.assignments.list(name, job=job) for name in (*members, None))
    )
    if stored.state is JobState.ARCHIVED:
        packages, assignments = [], []
    for stage in stored.workflow.stages:
        expected = count_stage(
            [package for package in packages if package.stage is stage],
            [assignment for assignment in assignments if assignment.stage is stage],
            board.at,
        )
        assert board.stages[stage] == expected, stage
    following = [each.due for each in packages if each.due is not None and each.due > board.at]
    assert board.next_due == min(following, default=None)


def count_stage(packages: list[Package], assignments: list[Assignment], at: datetime) -> StageQueue:
    """What the board should say of the packages and the live assignments at a stage."""
    waiting = [package for package in packages if package.waiting]
    states = [assignment.state for assignment in assignments]
    priorities = sorted({package.priority for package in waiting}, reverse=True)
    return StageQueue(
        waiting=len(waiting),
        in_lots=sum(package.awaits_lot for package in packages),
        held=states.count(AssignmentState.HELD),
        offered=states.count(AssignmentState.OFFERED),
        oldest_waiting_since=min((each.waiting_since for each in waiting), default=None),
        overdue=sum(each.due is not None and each.due <= at for each in packages),
        priorities={
            priority: sum(each.priority == priority for each in waiting)
            for priority in priorities[:100]
        },
    )
