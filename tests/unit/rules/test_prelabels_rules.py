"""Pre-labels: what counts as labeled, and what is only shown."""

from __future__ import annotations

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
from itagflow.errors import Problem
from itagflow.model import Outcome
from itagflow.model.change import Context
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.prelabels import rules
from itagflow.prelabels.rules import KnownPredictions, ModelName, SortedPrelabels, ValidPrelabel
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
    make_template,
)
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
CAT = {"1": Choice("cat")}
JOB = make_job(workflow=Workflow(Label(), Inspect()))
M = ModelName("m")


def sure(number: int, score: float | None = None) -> ValidPrelabel:
    return ValidPrelabel(make_task(number), CAT, score, M, 1)


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
    made = rules.validate_prelabel(template, task, PreLabel(Choice("cat"), 0.5), ModelName("m1"))
    assert made == ValidPrelabel(task, CAT, 0.5, ModelName("m1"), 3)
    own = rules.validate_prelabel(template, task, PreLabel(CAT, None, "m2"), ModelName("m1"))
    assert isinstance(own, ValidPrelabel)
    assert own.model == ModelName("m2")
    assert rules.validate_prelabel(template, task, None, ModelName("m1")) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Choice("cow"), "'cow' is not an option"),
        (Problem("row 1", "no answer"), "no answer"),
        (InvalidData("it", [Problem("here", "is wrong")]), "is wrong"),
        (ValueError("out of memory"), "the model failed: ValueError: out of memory"),
    ],
)
def test_what_does_not_fit_is_told(said: object, words: str) -> None:
    found = rules.validate_prelabel(make_template(), make_task(), said, M)  # type: ignore[arg-type]
    assert isinstance(found, list)
    assert words in found[0].reason


def test_prelabels_come_only_where_nobody_has_worked() -> None:
    assert rules.is_untouched(make_package())
    assert not rules.is_untouched(make_package(free=0))
    assert not rules.is_untouched(make_package(round=2))
    assert not rules.is_untouched(make_package(state=PackageState.INSPECT))


def test_a_model_may_know_its_version_alone() -> None:
    made = rules.validate_prelabel(
        make_template(), make_task(), PreLabel(CAT, model_version="2"), ModelName("vit", "1")
    )
    assert isinstance(made, ValidPrelabel)
    assert made.model == ModelName("vit", "2")


def test_problems_are_told_with_their_task() -> None:
    placed = rules.place_problems(make_task(2), [Problem("1", "is wrong")])
    assert placed == [Problem("task 2, 1", "is wrong")]


@pytest.mark.parametrize("given", [True, False, 0, 1, 0.5])
def test_what_counts_as_labeled_is_all_none_or_a_score(given: float) -> None:
    assert rules.require_min_confidence(given) == given


@pytest.mark.parametrize("given", ["0.9", None, 90, -0.1, float("nan"), [0.5]])
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(InvalidData, match="min_confidence"):
        rules.require_min_confidence(given)


def test_the_name_of_a_model_is_a_text() -> None:
    assert rules.require_model_name("vit", "2") == ModelName("vit", "2")
    assert not rules.require_model_name("", "")
    with pytest.raises(InvalidData) as refused:
        rules.require_model_name(None, "a\0")
    assert [problem.where for problem in refused.value.problems] == ["model", "model_version"]


def test_what_is_known_of_a_task_tells_what_is_needless() -> None:
    suggested, accepted = (
        make_assignment(id, member=None, state=AssignmentState.DONE, outcome=outcome)
        for id, outcome in ((7, Outcome.SUGGESTED), (8, Outcome.PRELABELED))
    )
    said = [
        make_answer(task, assignment=id, member=None, model="m", model_version=version)
        for task, id, version in ((1, 7, "1"), (2, 8, "1"), (3, 9, "1"))
    ]
    known = rules.find_known_predictions([suggested, accepted], said)
    one, two = ModelName("m", "1"), ModelName("m", "2")
    assert known == {1: KnownPredictions({one}), 2: KnownPredictions({one}, is_accepted=True)}
    assert [known[1].has(model) for model in (one, two, ModelName())] == [True, False, False]
    assert known[2].has(two), "what counts as labeled needs no other prediction"
    assert [known[1].makes_needless(model) for model in (one, two, ModelName())] == [
        True,
        False,
        True,
    ]


def test_prelabels_are_sorted_out_and_each_is_counted() -> None:
    found = [sure(number, score) for number, score in enumerate((0.9, 0.5, 0.9, 0.5, 0.9, 0.9), 1)]
    known = {5: KnownPredictions({M}), 6: KnownPredictions({ModelName("other")})}
    package = make_package(size=6, erased=(3, 4))
    sorted_out = rules.sort_prelabels(found, package, known, 0.9)
    assert sorted_out == SortedPrelabels([found[0], found[5]], [found[1]], 1, 2, 2)
    assert sorted_out.stored == [found[0], found[5], found[1]]


def test_the_only_one_of_a_new_package_counts_or_is_shown() -> None:
    only = sure(1, 0.5)
    assert rules.sort_prelabel(only, 0.5) == SortedPrelabels([only], [], newly_predicted=1)
    assert rules.sort_prelabel(only, False) == SortedPrelabels([], [only], newly_predicted=1)


def test_an_event_says_what_is_known_of_a_prediction() -> None:
    other = ValidPrelabel(make_task(2), CAT, None, ModelName("vit", "2"), 1)
    nothing = ValidPrelabel(make_task(3), CAT, None, ModelName(), 1)
    assert rules.describe_predictions([sure(1, 0.0), other, nothing]) == {
        "1": {"model": "m", "score": 0.0},
        "2": {"model": "vit", "model_version": "2"},
        "3": {},
    }


def test_what_counts_leaves_less_to_label() -> None:
    found = SortedPrelabels([sure(1)], [sure(2)], newly_predicted=2)
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
    found = SortedPrelabels([], [sure(1)], newly_predicted=1)
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
