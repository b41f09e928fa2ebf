"""Whose answers the later stages review: see `Assignment.authored`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from itagflow.core.change import Saved
from itagflow.model.entity import evolve
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer


def has_answers(assignment: Assignment, answers: Iterable[Mapping[int, Answer]]) -> bool:
    """Return whether a review has answers of its own, whose author its holder is.

    Args:
        assignment: An assignment at a review stage.
        answers: The answers to each task of its package, by the id of their assignment.
    """
    own = (by_assignment.get(assignment.id) for by_assignment in answers)
    return any(answer is not None and answer.is_resolved for answer in own)


def is_labeled_anew(package: Package, tasks: Sequence[int]) -> bool:
    """Return whether *package*, which has these *tasks*, is to be labeled as a whole."""
    if package.stage is not Stage.LABEL:
        return False
    return package.scope is None or len(package.scope) >= len(tasks) - len(package.erased)


def find_outdated_authors(
    package: Package, assignments: Sequence[Assignment], tasks: Sequence[int]
) -> list[Saved]:
    """Return the inspections that author nothing any more, each with what it becomes.

    Where *package* is to be labeled as a whole, nothing is left of what inspectors modified.
    """
    if not is_labeled_anew(package, tasks):
        return []
    return [
        (assignment, evolve(assignment, authored=False))
        for assignment in assignments
        if assignment.authored and assignment.stage is Stage.INSPECT
    ]
