"""What became of tasks: whether work on one has ended, how often, and what an event says of it."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Became, Package, PackageState, Stage, TaskState
from itagflow.model import Campaign
from itagflow.model.result import find_became
from itagflow.results.outcome_rules import describe_end, describe_reopening, exclude_tasks
from itagflow.testing import make_package

OPEN = Campaign(round=2, stage=Stage.LABEL, tasks=(2,))
CLOSED = Campaign(round=2, last_round=3, stage=Stage.LABEL, tasks=(2,))


def package(state: PackageState = PackageState.LABEL, **fields: Any) -> Package:
    return make_package(state=state, size=3, first_task=1, **fields)


def done(**fields: Any) -> Package:
    return package(PackageState.DONE, **fields)


class TestEnds:
    def test_work_ends_with_the_package(self) -> None:
        assert [package(state).has_ended(1) for state in PackageState] == [
            False,
            False,
            False,
            True,
            True,
        ]

    def test_and_has_ended_for_the_tasks_that_a_campaign_leaves_alone(self) -> None:
        assert [package(campaigns=(OPEN,)).has_ended(task) for task in (1, 2, 3)] == [
            True,
            False,
            True,
        ]

    @pytest.mark.parametrize(
        ("found", "state", "became"),
        [
            (package(), TaskState.ANSWERED, ""),
            # given up, but a review may still undo it
            (package(PackageState.INSPECT), TaskState.ABANDONED, ""),
            (done(), TaskState.FINAL, Became.FINAL),
            (done(), TaskState.ABANDONED, Became.ABANDONED),
            (package(PackageState.DISCARDED), TaskState.TODO, Became.ABANDONED),
            (package(PackageState.DISCARDED), TaskState.PASSED, Became.ABANDONED),
            (package(reopenings=1), TaskState.ANSWERED, Became.REOPENED),
            (package(campaigns=(OPEN,)), TaskState.FINAL, Became.FINAL),
            (done(erased=(1,)), TaskState.FINAL, Became.ERASED),
            (package(erased=(1,)), TaskState.TODO, Became.ERASED),
        ],
    )
    def test_what_became_of_a_task(self, found: Package, state: TaskState, became: str) -> None:
        assert find_became(found, 1, state) == became

    def test_the_task_of_a_campaign_is_reopened(self) -> None:
        assert find_became(package(campaigns=(OPEN,)), 2, TaskState.TODO) == Became.REOPENED


class TestRevisions:
    def test_each_end_counts(self) -> None:
        assert package().count_revisions(1) == 0
        assert done().count_revisions(1) == 1
        assert package(reopenings=1).count_revisions(1) == 1
        assert done(reopenings=2).count_revisions(1) == 3

    def test_a_campaign_counts_for_its_tasks(self) -> None:
        again = done(campaigns=(CLOSED,), reopenings=1)
        assert [again.count_reopenings(task) for task in (1, 2)] == [1, 2]
        assert [again.count_revisions(task) for task in (1, 2)] == [2, 3]

    def test_what_is_excluded_keeps_its_number(self) -> None:
        once = exclude_tasks(done(), withdrawn=(2,), erased=(3,))
        twice = exclude_tasks(attrs.evolve(once, reopenings=1), erased=(1, 2))
        assert (twice.erased, twice.withdrawals) == ((1, 2, 3), (2,))
        assert [twice.count_revisions(task) for task in (1, 2, 3)] == [2, 1, 1]


class TestEvents:
    def test_nothing_while_the_package_is_open(self) -> None:
        assert describe_end(package(), package(PackageState.INSPECT), (1, 2, 3)) == ""

    def test_all_are_final(self) -> None:
        assert describe_end(package(), done(), range(1, 4)) == "final 1-3"

    def test_some_were_abandoned(self) -> None:
        assert describe_end(package(), done(), range(1, 4), (2,)) == "final 1,3 abandoned 2"
        assert describe_end(package(), done(), range(1, 4), (1, 2, 3)) == "abandoned 1-3"

    def test_what_was_erased_is_neither(self) -> None:
        assert describe_end(package(), done(erased=(3,)), range(1, 4), (2, 3)) == (
            "final 1 abandoned 2"
        )
        assert describe_end(package(), done(erased=(1, 2, 3)), range(1, 4)) == ""

    def test_all_of_a_discarded_package_are_abandoned(self) -> None:
        discarded = package(PackageState.DISCARDED, erased=(1,))
        assert describe_end(package(), discarded, range(1, 4), (2,)) == "abandoned 2-3"

    def test_at_the_end_of_a_campaign_its_tasks_alone(self) -> None:
        assert describe_end(package(campaigns=(OPEN,)), done(), range(1, 4)) == "final 2"
        assert describe_end(package(campaigns=(OPEN,)), done(), range(1, 4), (2, 3)) == (
            "abandoned 2"
        )

    def test_what_is_reopened(self) -> None:
        assert describe_reopening(done(), range(1, 4)) == "reopened 1-3"
        assert describe_reopening(done(erased=(2,)), range(1, 4)) == "reopened 1,3"
