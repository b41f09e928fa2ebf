"""Scores of tasks, and the priorities that packages get by them."""

from __future__ import annotations

import pytest

from itagflow import InvalidData
from itagflow.jobs import priority_rules as rules
from itagflow.model.copying import evolve
from itagflow.testing.builders import make_job, make_package, make_task

JOB = make_job()


def test_texts_are_row_keys_and_all_else_is_a_task() -> None:
    task = make_task(3)
    scores = rules.parse_scores("x", {task: 0.5, 4: 2.0, "a": 1})
    assert scores.tasks == {task: 0.5, 4: 2}
    assert scores.keys == {"a": 1}
    assert [type(score) for score in scores.tasks.values()] == [float, int]


@pytest.mark.parametrize("wrong", [float("nan"), float("-inf"), True, "1", None, 2**53 + 1])
def test_what_is_no_priority_is_named_with_its_task(wrong: object) -> None:
    with pytest.raises(InvalidData, match="the priority of 4: must be"):
        rules.parse_scores("x", {4: wrong})


def test_a_key_is_asked_for_as_it_is_stored() -> None:
    assert rules.format_stored_key(JOB, 7) == "7"
    assert rules.format_stored_key(JOB, "7") == '"7"'
    assert rules.format_stored_key(make_job(row_key_type="text"), 7) == '"7"'
    for no_row_has in (2**63, "", "x" * 5_000):
        assert rules.format_stored_key(JOB, no_row_has) is None


def test_a_package_has_the_greatest_score_of_its_tasks() -> None:
    assert rules.find_greatest([]) == {}
    assert rules.find_greatest([(1, -2), (2, 5), (1, -3.5)]) == {1: -2, 2: 5}


def test_a_package_with_another_priority_is_its_next_version() -> None:
    package = make_package(priority=0.5)
    given = rules.give_priority(package, 2)
    assert (given.priority, given.version) == (2, package.version + 1)
    assert given == evolve(package, priority=2, version=given.version)
    assert rules.give_priority(package, 0.5) is package


def test_an_event_names_one_priority_or_each() -> None:
    assert rules.describe({1: 2, 2: 2}) == {"priority": 2, "packages": [1, 2]}
    apart = {"priorities": [0.5, 1.0], "packages": [1, 2]}
    assert rules.describe({1: 0.5, 2: 1.0}) == apart
