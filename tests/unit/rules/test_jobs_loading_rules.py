"""Rows become tasks, and each goes to a package."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import FixedSize, GroupByField, JobState, NotAllowed, PackageCount
from itagflow.errors import Problem
from itagflow.jobs import loading_rules as rules
from itagflow.jobs.loading_rules import RowBatch
from itagflow.jobs.row_rules import PreparedRow
from itagflow.model.change import Context
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Package
from itagflow.model.task import Task
from itagflow.testing import make_assignment, make_job, make_package
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)


def test_a_draft_with_prelabels_takes_no_more_rows() -> None:
    rules.must_have_no_prelabels(make_job(), None)
    with pytest.raises(NotAllowed, match="publish it, then append"):
        rules.must_have_no_prelabels(make_job(), make_assignment())


def test_the_error_for_bad_rows_counts_all_of_them() -> None:
    error = rules.make_rows_error(make_job(name="cats"), [Problem("row 1", "is bad")], 3)
    assert (error.what, error.total) == ("the data of job 'cats'", 3)
    assert list(map(str, error.problems)) == ["row 1: is bad"]


@pytest.mark.parametrize(
    ("packaging", "size"),
    [
        (FixedSize(2), 5_000),
        (FixedSize(3), 4_998),
        (FixedSize(9_000), 9_000),
        (PackageCount(2), 4_999),
        (GroupByField("street"), 5_000),
    ],
)
def test_a_transaction_stores_whole_packages(packaging: Any, size: int) -> None:
    counter = JobCounter(job=4, tasks=9_997)
    assert rules.batch_size(make_job(packaging=packaging), counter) == size


def rows(*values: str) -> list[PreparedRow]:
    return [PreparedRow("{}", "", value) for value in values]


@pytest.mark.parametrize(
    ("packaging", "draft", "expected"),
    [
        (FixedSize(2), True, [2, 3, 3]),
        (FixedSize(2), False, [3, 3, 4]),
        (PackageCount(2), True, [2, 1, 2]),
        (PackageCount(2), False, [3, 3, 4]),
        (GroupByField("street"), True, [1, 3, 1]),
        (GroupByField("street"), False, [3, 4, 3]),
    ],
)
def test_a_draft_fills_its_packages_and_a_running_job_makes_new_ones(
    packaging: Any, draft: bool, expected: list[int]
) -> None:
    job, counter = make_job(packaging=packaging), JobCounter(job=4, tasks=3, packages=2)
    by_value = {"a": make_package(1, size=1, value="a")}
    placed = rules.place_rows(job, counter, rows("a", "b", "a"), by_value, draft=draft)
    assert placed == expected


@pytest.mark.parametrize(("draft", "expected"), [(True, [1, 3, 4, 4, 5]), (False, [3, 4, 3, 5, 5])])
def test_a_group_that_is_full_goes_on_in_another_package(draft: bool, expected: list[int]) -> None:
    job = make_job(packaging=GroupByField("street", max_size=2))
    counter = JobCounter(job=4, tasks=3, packages=2)
    by_value = {"a": make_package(1, size=1, value="a")}
    read = rows("a", "b", "a", "a", "a")
    assert rules.place_rows(job, counter, read, by_value, draft=draft) == expected


@pytest.mark.parametrize(
    ("packaging", "tasks", "groups", "expected"),
    [
        (FixedSize(3), 0, [], 0),
        (FixedSize(3), 3, [], 1),
        (FixedSize(3), 4, [], 2),
        (PackageCount(3), 0, [], 0),
        (PackageCount(3), 2, [], 2),
        (PackageCount(3), 9, [], 3),
        (GroupByField("street"), 0, [], 0),
        (GroupByField("street"), 9, [1, 8], 2),
        (GroupByField("street", max_size=4), 9, [1, 8], 3),
        (GroupByField("street", max_size=4), 10, [1, 9], 4),
    ],
)
def test_the_packages_of_a_draft_are_counted(
    packaging: Any, tasks: int, groups: list[int], expected: int
) -> None:
    assert rules.count_packages(make_job(packaging=packaging), tasks, groups) == expected


@pytest.mark.parametrize(
    "packaging",
    [FixedSize(2), PackageCount(3), GroupByField("street"), GroupByField("street", max_size=2)],
)
@pytest.mark.parametrize("values", ["", "a", "aba", "aaaaab", "abcabca"])
def test_as_many_are_counted_as_are_filled(packaging: Any, values: str) -> None:
    job, sizes = make_job(packaging=packaging), [values.count(value) for value in set(values)]
    placed = rules.place_rows(job, JobCounter(job=4), rows(*values), {}, draft=True)
    assert rules.count_packages(job, len(values), sizes) == len(set(placed))


def test_loaded_rows_are_tasks_packages_and_a_counter() -> None:
    job, counter = make_job(), JobCounter(job=4, tasks=1, packages=1)
    present = make_package(1, size=1)
    batch = RowBatch(rows=rows("", "", ""), numbers=[1, 2, 2], existing={1: present}, rows_read=3)
    change = rules.make_load_change("append", job, counter, batch, CTX)
    tasks = [one for one in change.add if isinstance(one, Task)]
    assert [(task.number, task.package) for task in tasks] == [(2, 1), (3, 2), (4, 2)]
    packages = [one for one in change.add if isinstance(one, Package)]
    assert [(one.number, one.size) for one in packages] == [(2, 2)]
    assert [after.size for before, after in change.save if before is present] == [2]  # type: ignore[attr-defined]
    after = rules.counter_after(change)
    assert (after.tasks, after.packages, after.rows_read) == (4, 2, 3)
    assert change.event.data == {"rows": [2, 4], "packages": [2, 2]}


def test_appending_to_a_finished_job_brings_it_back() -> None:
    finished = make_job(state=JobState.FINISHED)
    batch = RowBatch(rows=rows(""), numbers=[1], rows_read=1)
    change = rules.make_load_change("append", finished, JobCounter(job=4), batch, CTX)
    assert [after.state for before, after in change.save if before is finished] == [  # type: ignore[attr-defined]
        JobState.RUNNING
    ]
