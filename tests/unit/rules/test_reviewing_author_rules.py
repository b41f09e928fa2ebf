"""Which reviewers are authors: who has answered at INSPECT, while something of it is left."""

from __future__ import annotations

import attrs
import pytest

from itagflow import Choice, PackageState, Stage
from itagflow.model import AssignmentState
from itagflow.reviewing.author_rules import (
    find_outdated_authors,
    has_kept_answers,
    is_labeled_anew,
    with_author,
)
from itagflow.testing import make_answer, make_assignment, make_package

INSPECTION = make_assignment(
    id=6, member=3, stage=Stage.INSPECT, state=AssignmentState.DONE, authored=True
)


@pytest.mark.parametrize(
    ("stage", "has_answered", "is_author"),
    [
        (Stage.INSPECT, True, True),
        (Stage.INSPECT, False, False),
        (Stage.ACCEPT, True, False),
    ],
)
def test_an_inspector_who_answers_tasks_is_their_author(
    stage: Stage, has_answered: bool, is_author: bool
) -> None:
    review = make_assignment(stage=stage, state=AssignmentState.DONE)
    assert with_author(review, has_answered=has_answered).authored == is_author


@pytest.mark.parametrize(
    ("replies", "scope", "expected"),
    [
        ({"1": Choice("cat")}, (2,), True),
        (None, (2,), False),
        ({"1": Choice("cat")}, None, False),
    ],
)
def test_what_was_modified_is_kept_unless_all_is_labeled_again(
    replies: dict[str, Choice] | None, scope: tuple[int, ...] | None, expected: bool
) -> None:
    answer = make_answer(assignment=6, task=1, stage=Stage.INSPECT, replies=replies)
    back = make_package(scope=scope)
    assert has_kept_answers(INSPECTION, back, [1, 2], {1: {6: answer}, 2: {}}) == expected
    assert not has_kept_answers(INSPECTION, back, [1, 2], {1: {7: answer}, 2: {}})


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
