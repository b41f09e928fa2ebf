"""What counts as a label of a task, and how replies are compared."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import AssignmentState, Choice, Choices, PackageState, Preference, Rating, Text
from itagflow.measuring import label_rules
from itagflow.model import Outcome, Purpose, Ranking
from itagflow.results.rules import Case
from itagflow.testing.builders import make_answer, make_assignment, make_job, make_package


def voted(*purposes: Purpose, **changes: Any) -> Case:
    """A task that was labeled once for each purpose, and is at INSPECT."""
    assignments = [
        make_assignment(
            id,
            state=AssignmentState.DONE,
            outcome=Outcome.SUBMITTED,
            purpose=purpose,
            member=id,
        )
        for id, purpose in enumerate(purposes, 1)
    ]
    answers = {
        each.id: make_answer(
            **{"replies": {"1": Choice("cat")}, **changes},
            assignment=each.id,
            member=each.member,
        )
        for each in assignments
    }
    votes = len(purposes)
    if votes > 1:
        assignments.append(
            make_assignment(99, state=AssignmentState.DONE, outcome=Outcome.MERGED, member=None)
        )
        answers[99] = make_answer(assignment=99, member=None)
    package = make_package(state=PackageState.INSPECT, votes=votes)
    return Case(make_job(), package, assignments, answers, 1)


def members(case: Case, **how: Any) -> list[int | None]:
    return [answer.member for answer in label_rules.find_labels(case, **how)]


def test_all_votes_are_labels_and_what_they_came_to_is_none() -> None:
    assert members(voted(Purpose.LABEL, Purpose.LABEL)) == [1, 2]


def test_the_answer_of_the_one_who_labeled_is_a_label() -> None:
    assert members(voted(Purpose.LABEL)) == [1]


def test_extra_votes_may_be_left_out() -> None:
    case = voted(Purpose.LABEL, Purpose.LABEL, Purpose.EXTRA_VOTE)
    assert members(case) == [1, 2, 3]
    assert members(case, extra_votes=False) == [1, 2]


@pytest.mark.parametrize(
    "said",
    [
        {"abandon_reason": "dark", "replies": None},
        {"escalation_reason": "a fox?"},
        {"erased": True},
        {"replies": None},
    ],
)
def test_what_nobody_has_answered_is_no_label(said: dict[str, Any]) -> None:
    assert members(voted(Purpose.LABEL, Purpose.LABEL, **said)) == []


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (Choice("cat"), "cat"),
        (Choices(["cat", "dog"]), frozenset({"dog", "cat"})),
        (Ranking(["b", "a"]), ("b", "a")),
        (Text("a car"), "a car"),
        (Rating(3), 3),
        (Preference("a"), Preference("a")),
    ],
)
def test_replies_become_values_that_can_be_compared(reply: Any, value: Any) -> None:
    assert label_rules.to_label_value(reply) == value
    hash(value)


def test_a_hidden_labeler_has_another_name_in_each_package() -> None:
    answer = make_answer(member=None, labeler="labeler 1", package=3)
    assert label_rules.name_hidden(answer, "cats") == "labeler 1 of package 3 of cats"
