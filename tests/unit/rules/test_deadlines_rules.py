"""Due times: which packages get another one, and what is overdue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from itagflow import InvalidData, PackageState
from itagflow.deadlines import rules
from itagflow.testing.builders import AT, make_package

LATER = AT + timedelta(hours=1)


def test_each_package_has_the_time_it_was_given() -> None:
    assert rules.join_due_times([(1, AT, "a"), (2, None, "b"), (1, AT, "c")]) == {1: AT, 2: None}


def test_a_package_cannot_be_given_two_times() -> None:
    named = [(1, AT, "due[1]"), (1, LATER, "due[task 2]"), (1, None, "due[task 3]")]
    with pytest.raises(InvalidData) as caught:
        rules.join_due_times(named)
    assert [problem.where for problem in caught.value.problems] == ["due[task 2]", "due[task 3]"]


def test_only_what_differs_changes_and_is_looked_at_anew() -> None:
    same, other = make_package(1, due=AT), make_package(2, due=AT, overdue_at=LATER)
    ((before, after),) = rules.change_due([same, other], {1: AT, 2: LATER})
    assert before == other
    assert (after.due, after.overdue_at) == (LATER, None)


def test_what_is_due_at_this_moment_is_overdue() -> None:
    assert rules.is_overdue(make_package(due=AT), AT)
    assert not rules.is_overdue(make_package(due=LATER), AT)
    assert not rules.is_overdue(make_package(due=None), AT)
    assert not rules.is_overdue(make_package(due=AT, state=PackageState.DONE), LATER)


def test_a_message_names_the_key() -> None:
    assert rules.describe_key(7) == "due[7]"
