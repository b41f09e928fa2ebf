"""The tasks that a ``Selection`` means, read from a store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import attrs

from itagflow.core import lookup
from itagflow.model.job import Job
from itagflow.model.package import Assignment, AssignmentState
from itagflow.model.selection import Selection
from itagflow.model.task import Task
from itagflow.results.selection_rules import is_task_selected
from itagflow.storage.port import Query, Reader


def find_selection(reader: Reader, job: Job, selection: Selection) -> Selection:
    """Return *selection* with the key of its member and the number of its package.

    Raises:
        NotFound: when the workspace has no such member, or *job* no such package.
        InvalidData: when the workflow of *job* does not have the stage.
    """
    found: dict[str, Any] = {}
    if selection.stage is not None:
        job.workflow.rule(selection.stage)
    if selection.member is not None:
        found["member"] = lookup.member(reader, job.workspace, selection.member).id
    if selection.package is not None:
        found["package"] = lookup.package_in(reader, job.id, selection.package).number
    return attrs.evolve(selection, **found)


def select_tasks(
    reader: Reader, job: Job, selection: Selection, tasks: Sequence[Task]
) -> list[Task]:
    """Return those of *tasks* that may be meant, as far as can be told without their answers."""
    chosen = [task for task in tasks if is_task_selected(selection, task)]
    packages = {task.package for task in chosen}
    worked = find_worked_packages(reader, job, selection, packages)
    return [task for task in chosen if task.package in worked]


def find_worked_packages(
    reader: Reader, job: Job, selection: Selection, packages: Collection[int]
) -> Collection[int]:
    """Return those of *packages* on which the member of *selection* has ended work, if it has one.

    A member has worked on few packages: answers of the others are not read.
    """
    if selection.member is None or not packages:
        return packages
    where: dict[str, Any] = {
        "job": job.id,
        "package": tuple(packages),
        "member": selection.member,
        "state": AssignmentState.DONE,
    }
    return {assignment.package for assignment in reader.find(Query(Assignment, where))}
