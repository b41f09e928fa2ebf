"""Whose answers the later stages review: see `Assignment.authored`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from itagflow.model.entity import evolve
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer


def has_modified(assignment: Assignment, answers: Iterable[Mapping[int, Answer]]) -> bool:
    """Return whether an inspection has answers of its own, whose author its holder is.

    Args:
        assignment: An assignment at a review stage.
        answers: The answers to each task of its package, by the id of their assignment.
    """
    if assignment.stage is not Stage.INSPECT:
        return False
    own = (by_assignment.get(assignment.id) for by_assignment in answers)
    return any(answer is not None and answer.is_resolved for answer in own)


def find_outdated_authors(
    package: Package, assignments: Sequence[Assignment], tasks: Sequence[int]
) -> list[tuple[Assignment, Assignment]]:
    """Return the inspections that author nothing any more, each with what it becomes.

    Where *package* is to be labeled as a whole, nothing is left of what inspectors modified.
    """
    left = len(tasks) - len(package.erased)
    is_whole = package.scope is None or len(package.scope) >= left
    if package.stage is not Stage.LABEL or not is_whole:
        return []
    return [
        (assignment, evolve(assignment, authored=False))
        for assignment in assignments
        if assignment.authored and assignment.stage is Stage.INSPECT
    ]
