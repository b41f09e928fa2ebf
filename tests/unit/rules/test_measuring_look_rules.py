"""What a reviewer has found in a task: nothing, an error, or one that goes back."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Assignment, AssignmentState, Choice, PackageState, Stage
from itagflow.measuring import look_rules
from itagflow.model import Answer, Outcome, Verdict
from itagflow.results.rules import Case
from itagflow.testing.builders import make_answer, make_assignment, make_job, make_package

LABEL = make_assignment(1, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
CAT = make_answer(assignment=1, replies={"1": Choice("cat")})
GIVEN_UP = make_answer(assignment=1, abandon_reason="dark")


def review(**fields: Any) -> Assignment:
    given = {"state": AssignmentState.DONE, "outcome": Outcome.REVIEWED, "stage": Stage.INSPECT}
    return make_assignment(2, member=3, **{**given, **fields})


def looks(
    assignment: Assignment, said: Answer | None = None, submitted: Answer = CAT
) -> list[look_rules.Look]:
    answers = {1: submitted}
    if said is not None:
        answers[2] = attrs.evolve(said, assignment=2, stage=Stage.INSPECT, member=3)
    package = make_package(state=PackageState.DONE)
    case = Case(make_job(), package, [LABEL, assignment], answers, 1)
    return list(look_rules.iter_looks(case, Stage.INSPECT))


@pytest.mark.parametrize(
    ("said", "is_error"),
    [
        (None, False),
        (make_answer(verdict=Verdict.RIGHT), False),
        (make_answer(verdict=Verdict.WRONG), True),
        (make_answer(replies={"1": Choice("dog")}), True),
        (make_answer(replies={"1": Choice("cat")}), False),
        (make_answer(abandon_reason="dark"), True),
    ],
)
def test_an_error_is_what_was_judged_wrong_or_changed(said: Any, is_error: bool) -> None:
    (look,) = looks(review(), said)
    assert look.is_error is is_error


def test_an_abandoned_task_may_be_right() -> None:
    (confirmed,) = looks(review(), make_answer(verdict=Verdict.RIGHT), GIVEN_UP)
    assert (confirmed.is_error, confirmed.is_abandoned) == (False, True)
    (answered,) = looks(review(), CAT, GIVEN_UP)
    assert (answered.is_error, answered.is_abandoned) == (True, False)
    assert not look_rules.has_changed(GIVEN_UP, make_answer(abandon_reason="too dark"))
    assert look_rules.has_changed(None, CAT)
    assert not look_rules.has_changed(CAT, make_answer(verdict=Verdict.WRONG))


def test_what_was_sent_back() -> None:
    wrong = make_answer(verdict=Verdict.WRONG)
    (named,) = looks(review(outcome=Outcome.REJECTED, sent_back=(1,)), wrong)
    (other,) = looks(review(outcome=Outcome.REJECTED, sent_back=(2,)))
    (all_,) = looks(review(outcome=Outcome.REJECTED), wrong)
    assert [look.is_sent_back for look in (named, other, all_)] == [True, False, True]
    # who sends all back has not checked everything
    assert looks(review(outcome=Outcome.REJECTED)) == []


def test_a_look_is_at_what_was_in_the_scope_and_handed_in() -> None:
    assert looks(review(scope=(2,))) == []
    assert looks(review(state=AssignmentState.HELD, outcome=None)) == []
    assert looks(review(state=AssignmentState.RETURNED, outcome=Outcome.EXPIRED)) == []
    assert look_rules.is_handed_in(review(), Stage.INSPECT)
    assert not look_rules.is_handed_in(review(), Stage.ACCEPT)
    assert look_rules.is_whole_reject(review(outcome=Outcome.REJECTED))
    assert not look_rules.is_whole_reject(review())
