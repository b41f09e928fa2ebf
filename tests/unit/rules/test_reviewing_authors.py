"""Whose answers the later stages review."""

from __future__ import annotations

import attrs
import pytest

from itagflow import Assignment, AssignmentState, Choice, PackageState, Stage
from itagflow.reviewing.authors import find_outdated_authors, has_answers, is_labeled_anew
from itagflow.testing.builders import make_answer, make_assignment, make_package

INSPECTION = make_assignment(
    id=6, member=3, stage=Stage.INSPECT, state=AssignmentState.DONE, authored=True
)


@pytest.mark.parametrize(
    ("assignment", "replies", "expected"),
    [
        (INSPECTION, {"1": Choice("cat")}, True),
        (INSPECTION, None, False),
        (attrs.evolve(INSPECTION, id=9), {"1": Choice("cat")}, False),
    ],
)
def test_an_inspector_who_answers_a_task_is_its_author(
    assignment: Assignment, replies: dict[str, Choice] | None, expected: bool
) -> None:
    answer = make_answer(assignment=6, task=1, stage=Stage.INSPECT, replies=replies)
    assert has_answers(assignment, [{6: answer}, {}]) == expected


@pytest.mark.parametrize(
    ("state", "scope", "erased", "is_outdated"),
    [
        (PackageState.LABEL, None, (), True),
        (PackageState.LABEL, (1,), (), False),
        (PackageState.LABEL, (1,), (2,), True),
        (PackageState.INSPECT, None, (), False),
    ],
)
def test_a_labeling_of_the_whole_package_leaves_nothing_of_what_was_modified(
    state: PackageState, scope: tuple[int, ...] | None, erased: tuple[int, ...], is_outdated: bool
) -> None:
    package = make_package(state=state, scope=scope, erased=erased)
    assert is_labeled_anew(package, [1, 2]) == is_outdated
    labeling = make_assignment(state=AssignmentState.DONE, authored=True)
    found = find_outdated_authors(package, [labeling, INSPECTION], [1, 2])
    expected = [(INSPECTION, attrs.evolve(INSPECTION, authored=False))] if is_outdated else []
    assert found == expected
