"""Pre-labels: what counts as labeled, and what is only shown."""

from __future__ import annotations

import math

import pytest

from itagflow import (
    AssignmentState,
    Choice,
    Inspect,
    InvalidData,
    Label,
    PackageState,
    PreLabel,
    Stage,
    Workflow,
)
from itagflow.core.change import Context
from itagflow.errors import Problem
from itagflow.model import Outcome
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.prelabels import rules
from itagflow.prelabels.rules import SortedPrelabels, ValidPrelabel
from itagflow.testing import make_assignment, make_job, make_package, make_task, make_template
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
CAT = {"1": Choice("cat")}
JOB = make_job(workflow=Workflow(Label(), Inspect()))


def sure(number: int, score: float | None = None) -> ValidPrelabel:
    return ValidPrelabel(make_task(number), CAT, score, "m", 1)


@pytest.mark.parametrize(
    ("score", "least", "counts"),
    [
        (None, True, True),
        (0.9, False, False),
        (0.9, 0.9, True),
        (0.89, 0.9, False),
        (None, 0.0, False),
        (0.0, 0.0, True),
    ],
)
def test_a_prelabel_counts_from_the_least_score(
    score: float | None, least: bool | float, counts: bool
) -> None:
    assert sure(1, score).is_accepted(least) is counts


def test_a_prediction_becomes_a_valid_prelabel() -> None:
    template, task = make_template(version=3), make_task()
    made = rules.validate_prelabel(template, task, PreLabel(Choice("cat"), 0.5), "m1")
    assert made == ValidPrelabel(task, CAT, 0.5, "m1", 3)
    own = rules.validate_prelabel(template, task, PreLabel(CAT, None, "m2"), "m1")
    assert isinstance(own, ValidPrelabel)
    assert own.model == "m2"
    assert rules.validate_prelabel(template, task, None, "m1") is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Choice("cow"), "'cow' is not an option"),
        (PreLabel(CAT, math.nan), "must be a finite number"),
        (PreLabel(CAT, 0.5, "a\0"), "NUL"),
        (Problem("row 1", "no answer"), "no answer"),
        (InvalidData("it", [Problem("here", "is wrong")]), "is wrong"),
        (ValueError("out of memory"), "the model failed: ValueError: out of memory"),
    ],
)
def test_what_does_not_fit_is_told(said: object, words: str) -> None:
    found = rules.validate_prelabel(make_template(), make_task(), said, "m")  # type: ignore[arg-type]
    assert isinstance(found, list)
    assert words in found[0].reason


def test_prelabels_come_only_where_nobody_has_worked() -> None:
    assert rules.is_untouched(JOB, make_package())
    assert not rules.is_untouched(JOB, make_package(free=0))
    assert not rules.is_untouched(JOB, make_package(round=2))
    assert not rules.is_untouched(JOB, make_package(state=PackageState.INSPECT))


def test_a_task_has_a_prelabel_where_an_assignment_of_nobody_covers_it() -> None:
    given = make_assignment(
        member=None, state=AssignmentState.DONE, outcome=Outcome.SUGGESTED, scope=(2,)
    )
    assert rules.has_prelabel(make_task(2), [given])
    assert not rules.has_prelabel(make_task(1), [given])
    assert not rules.has_prelabel(make_task(2), [make_assignment()])


def test_prelabels_are_sorted_out_and_those_of_erased_tasks_are_dropped() -> None:
    found = [sure(1, 0.9), sure(2, 0.5), sure(3, 0.9), sure(4, 0.5)]
    sorted_out = rules.sort_prelabels(found, make_package(size=4, erased=(3, 4)), 0.9)
    assert (sorted_out.accepted, sorted_out.suggested) == ([sure(1, 0.9)], [sure(2, 0.5)])


def test_what_counts_leaves_less_to_label() -> None:
    found = SortedPrelabels([sure(1)], [sure(2)])
    package, added = rules.with_prelabels(JOB, make_package(), (1, 2), found, CTX, (7, 8))
    assert (package.state, package.scope, package.prelabeled) == (PackageState.LABEL, (2,), 2)
    assignments = [one for one in added if isinstance(one, Assignment)]
    assert [(one.id, one.outcome, one.scope) for one in assignments] == [
        (7, Outcome.PRELABELED, (1,)),
        (8, Outcome.SUGGESTED, (2,)),
    ]
    answers = [one for one in added if isinstance(one, Answer)]
    assert [(one.task, one.assignment, one.model) for one in answers] == [(1, 7, "m"), (2, 8, "m")]


def test_a_package_with_nothing_left_passes() -> None:
    found = SortedPrelabels([sure(1), sure(2)], [])
    package, _ = rules.with_prelabels(JOB, make_package(), (1, 2), found, CTX, (7, 8))
    assert package.state is PackageState.INSPECT


def test_what_is_only_shown_leaves_everything_to_label() -> None:
    found = SortedPrelabels([], [sure(1)])
    package, _ = rules.with_prelabels(JOB, make_package(), (1, 2), found, CTX, (7, 8))
    assert (package.scope, package.prelabeled) == (None, 1)


def test_an_assignment_of_nobody_has_ended() -> None:
    made = rules.make_memberless_assignment(
        make_package(3, round=2), Stage.LABEL, Outcome.IMPORTED, None, CTX, 9
    )
    assert (made.key, made.package, made.round, made.member) == ((4, 9), 3, 2, None)
    assert (made.state, made.outcome, made.ended_at) == (
        AssignmentState.DONE,
        Outcome.IMPORTED,
        AT,
    )
