"""What a task came out of each stage with, where a deadline ended its labeling."""

from __future__ import annotations

import attrs
import pytest

from itagflow import AssignmentState, Choice, PackageState, Stage
from itagflow.model import Outcome
from itagflow.results import building_rules
from itagflow.results.rules import Case, PackageHistory, TaskCases
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
)

CLOSING = make_assignment(
    9, state=AssignmentState.DONE, outcome=Outcome.TIMEOUT, member=None, ended_at=AT, scope=(1,)
)
DEFAULT = make_answer(assignment=9, member=None, replies={"1": Choice("dog")})


def test_a_default_answer_says_so() -> None:
    package = make_package(state=PackageState.DONE, free=0)
    case = Case(make_job(), package, [CLOSING], {9: DEFAULT}, 1)
    result = building_rules.build_result(case, make_task(1))
    assert (result.decided_by, result.replies) == ("timeout", {"1": Choice("dog")})
    assert result.stages[Stage.LABEL].member is None


def test_what_somebody_had_saved_is_no_default_answer() -> None:
    assert building_rules.is_default_answer(DEFAULT, CLOSING)
    assert not building_rules.is_default_answer(attrs.evolve(DEFAULT, picked=5), CLOSING)
    assert not building_rules.is_default_answer(attrs.evolve(DEFAULT, assignment=5), CLOSING)
    assert not building_rules.is_default_answer(DEFAULT, None)


def test_a_result_whose_fields_wait_is_the_same() -> None:
    package, task = make_package(state=PackageState.DONE, free=0), make_task(1)
    history = PackageHistory(package, [CLOSING])
    cases = TaskCases(make_job(), {package.number: history}, {1: {9: DEFAULT}})
    at_once = building_rules.build_result(cases.build(task), task)
    for needed in ((), ("state", "stages")):
        (later,) = building_rules.build_results(cases, [task], needed)
        assert set(needed) <= vars(later).keys()
        assert "votes" not in vars(later)
        assert (later, hash(later), repr(later)) == (at_once, hash(at_once), repr(at_once))
    (asked,) = building_rules.build_results(cases, [task], ())
    with pytest.raises(AttributeError, match="'nothing'"):
        asked.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_each_result_is_built_when_it_is_its_turn() -> None:
    package, tasks = make_package(state=PackageState.DONE, free=0), [make_task(1), make_task(2)]
    answers = {number: {9: attrs.evolve(DEFAULT, task=number)} for number in (1, 2)}
    cases = TaskCases(make_job(), {package.number: PackageHistory(package, [CLOSING])}, answers)
    results = building_rules.build_results(cases, tasks, ("state",))
    assert set(answers) == {1, 2}
    next(results)
    # the answers of the first one went with it
    assert set(answers) == {2}
