"""Whether a task is one of those that a selection means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from itagflow import (
    AssignmentState,
    Box,
    Choice,
    PackageState,
    Regions,
    Selection,
    Stage,
    TaskState,
)
from itagflow.model import Outcome, Provenance, Result, StageResult
from itagflow.results import building_rules
from itagflow.results import rules as results_rules
from itagflow.results import selection_rules as rules
from itagflow.testing import make_answer, make_assignment, make_job, make_package, make_task
from itagflow.testing.builders import AT

HOUR = timedelta(hours=1)


def entry(**fields: Any) -> Provenance:
    defaults: dict[str, Any] = {
        "stage": Stage.LABEL,
        "round": 1,
        "member": 2,
        "outcome": Outcome.SUBMITTED,
        "inspected": True,
        "at": AT,
        "guideline_version": 1,
        "template_version": 0,
    }
    return Provenance(**{**defaults, **fields})


INSPECTED = entry(
    stage=Stage.INSPECT, member=3, outcome=Outcome.REVIEWED, at=AT + HOUR, guideline_version=2,
    template_version=None,
)  # fmt: skip
LABEL = StageResult(stage=Stage.LABEL, replies={"1": Choice("van")}, round=1, member=2)
TASK = make_task(row='{"data": {"source": "1.jpg", "site": "north", "floor": 7, "roof": null}}')
RESULT = Result(
    task=TASK,
    state=TaskState.FINAL,
    stages={Stage.LABEL: LABEL},
    provenance=(entry(), INSPECTED),
)


def is_selected(**conditions: Any) -> bool:
    return rules.is_selected(Selection(**conditions), RESULT)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, True),
        ({"label": "van"}, True),
        ({"label": "car"}, False),
        ({"state": "final"}, True),
        ({"state": TaskState.TODO}, False),
        ({"package": 1}, True),
        ({"package": 2}, False),
        ({"member": 2}, True),
        ({"member": 3}, True),
        ({"member": 4}, False),
        ({"stage": "label"}, True),
        ({"stage": Stage.ACCEPT}, False),
        ({"member": 3, "stage": "label"}, False),
        ({"member": 3, "stage": "inspect"}, True),
        ({"since": AT}, True),
        ({"since": AT + 2 * HOUR}, False),
        ({"until": AT}, False),
        ({"until": AT + HOUR}, True),
        ({"since": AT + HOUR, "member": 2}, False),
        ({"since": AT + HOUR, "member": 3}, True),
        ({"since": AT, "until": AT + HOUR, "stage": "label"}, True),
        ({"guideline_version": 1}, True),
        # it was only reviewed under the second version
        ({"guideline_version": 2}, False),
        ({"guideline_version": 2, "stage": "inspect"}, True),
        ({"template_version": 0}, True),
        ({"template_version": 1}, False),
        ({"template_version": 0, "stage": "inspect"}, False),
        ({"label": "van", "member": 2, "guideline_version": 1, "field": {"site": "north"}}, True),
        ({"label": "van", "member": 2, "guideline_version": 1, "field": {"site": "south"}}, False),
    ],
    ids=str,
)
def test_all_conditions_must_be_met(conditions: dict[str, Any], expected: bool) -> None:
    assert is_selected(**conditions) is expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"site": "north"}, True),
        ({"site": "nort"}, False),
        ({"floor": "7"}, True),
        ({"roof": "null"}, True),
        ({"cellar": "null"}, False),
        ({"site": "north", "floor": "8"}, False),
    ],
    ids=str,
)
def test_a_field_of_the_data_is_compared_as_text(field: dict[str, str], expected: bool) -> None:
    assert rules.is_task_selected(Selection(field=field), TASK) is expected


def test_what_needs_no_answers_is_asked_of_the_task() -> None:
    assert rules.is_task_selected(Selection(package=1, label="car", member=9), TASK)
    assert not rules.is_task_selected(Selection(package=2), TASK)


def test_values_that_are_no_texts_are_written_as_json() -> None:
    found = map(rules.format_field, ["a", "7", 7, 2.5, True, None, {"a": [1]}])
    assert list(found) == ["a", "7", "7", "2.5", "true", "null", '{"a":[1]}']


def test_a_label_of_an_annotation_counts() -> None:
    boxes = Regions([Box(0, 0, 5, 5, labels={"Kind": "van"})], width=9, height=9)
    drawn = attrs.evolve(RESULT, stages={Stage.LABEL: attrs.evolve(LABEL, replies={"1": boxes})})
    assert rules.is_selected(Selection(label="van"), drawn)


def test_only_the_work_that_the_result_comes_from_counts() -> None:
    again = attrs.evolve(LABEL, round=2)
    work = (
        entry(member=7),
        entry(stage=Stage.INSPECT, member=8, outcome=Outcome.REJECTED),
        entry(member=4, round=2, outcome=Outcome.SUGGESTED),
        entry(member=2, round=2),
        entry(stage=Stage.INSPECT, member=5, round=2, outcome=Outcome.REVIEWED, inspected=False),
        entry(stage=Stage.INSPECT, member=6, round=3, outcome=Outcome.REVIEWED),
    )
    result = attrs.evolve(RESULT, stages={Stage.LABEL: again}, provenance=work)
    assert [each.member for each in rules.iterate_work(result)] == [2, 6]
    unlabeled = attrs.evolve(result, stages={})
    assert list(rules.iterate_work(unlabeled)) == []
    assert rules.is_selected(Selection(), unlabeled)
    assert not rules.is_selected(Selection(member=2), unlabeled)


def test_each_vote_is_work_of_its_own() -> None:
    votes = (entry(member=2), entry(member=4, guideline_version=2))
    result = attrs.evolve(RESULT, provenance=votes)
    for member, version, expected in ((2, 1, True), (4, 2, True), (2, 2, False)):
        wanted = Selection(member=member, guideline_version=version)
        assert rules.is_selected(wanted, result) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"stage": "label"},
        {"member": 2},
        {"since": AT},
        {"until": AT},
        {"template_version": 0},
        {"guideline_version": 0},
    ],
    ids=str,
)
def test_conditions_about_work_are_told_apart(condition: dict[str, Any]) -> None:
    assert rules.asks_about_work(Selection(**condition))
    assert not rules.is_work_selected(Selection(**condition), entry(
        stage=Stage.ACCEPT, member=9, at=AT - HOUR if "since" in condition else AT,
        template_version=5, guideline_version=5,
    ))  # fmt: skip


def test_other_conditions_are_not_about_work() -> None:
    selection = Selection(label="van", state="final", package=1, field={"site": "north"})
    assert not rules.asks_about_work(selection)
    assert not rules.asks_about_work(Selection())


def test_results_say_under_which_versions_a_task_was_answered() -> None:
    held = make_assignment(
        state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT, guideline_version=3
    )
    answer = make_answer(replies={"1": Choice("cat")}, template_version=2)
    package = make_package(state=PackageState.DONE)
    (case,) = results_rules.build_cases(make_job(), package, [held], {1: {5: answer}})
    (found,) = building_rules.build_result(case, make_task()).provenance
    assert (found.guideline_version, found.template_version) == (3, 2)
