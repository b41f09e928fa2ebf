"""Which reviewers are authors for the stages behind theirs: who has modified what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from itagflow.model.change import Saved
from itagflow.model.copying import evolve
from itagflow.model.job import Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer


def with_author(review: Assignment, *, has_answered: bool) -> Assignment:
    """Return *review*, which ends, with whether its holder is an author for the stage behind it."""
    if review.stage is not Stage.INSPECT or not has_answered:
        return review
    return evolve(review, authored=True)


def has_kept_answers(
    review: Assignment,
    back: Package,
    tasks: Sequence[int],
    answers: Mapping[int, Mapping[int, Answer]],
) -> bool:
    """Return whether something is left of what was modified in a *review* that sends work back.

    Args:
        review: The assignment at a review stage.
        back: The package as it goes back.
        tasks: The numbers of its tasks.
        answers: The answers to each of these, by the id of their assignment.
    """
    if is_labeled_anew(back, tasks):
        return False
    own = (by_assignment.get(review.id) for by_assignment in answers.values())
    return any(answer is not None and answer.is_resolved for answer in own)


def is_labeled_anew(package: Package, tasks: Sequence[int]) -> bool:
    """Return whether *package*, which has these *tasks*, is to be labeled as a whole."""
    if package.stage is not Stage.LABEL:
        return False
    return package.scope is None or len(package.scope) >= len(tasks) - len(package.excluded)


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
