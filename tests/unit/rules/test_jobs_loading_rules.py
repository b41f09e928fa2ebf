"""Rows become tasks: what a row must have, and the package that it goes to."""

from __future__ import annotations

from typing import Any

import pytest

from itagflow import FixedSize, GroupByField, JobState, NotAllowed, PackageCount
from itagflow.core.change import Context
from itagflow.errors import Problem
from itagflow.jobs import loading_rules as rules
from itagflow.jobs.loading_rules import PreparedRow, RowBatch
from itagflow.model import Row
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Package
from itagflow.model.task import Task
from itagflow.testing import make_assignment, make_job, make_package, make_template
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
GOOD = {"data": {"source": "1.jpg", "id": 7, "street": "A"}}


def ready(item: object, **job: Any) -> PreparedRow | list[Problem]:
    return rules.prepare_row(item, 3, make_template(), make_job(**job))


def reasons(item: object, **job: Any) -> list[tuple[str, str]]:
    found = ready(item, **job)
    assert isinstance(found, list)
    return [(problem.where, problem.reason) for problem in found]


def test_a_mapping_a_text_and_a_row_are_the_same() -> None:
    text = '{"data":{"source":"1.jpg","id":7,"street":"A"}}'
    for item in (text, f"  {text}\n", Row(text, line=9)):
        assert ready(item) == PreparedRow(text, "", "")
    made = ready(GOOD)
    assert isinstance(made, PreparedRow)
    assert '"1.jpg"' in made.text


def test_a_key_and_the_field_of_a_package_are_kept_with_the_row() -> None:
    made = ready(GOOD, row_key="id", packaging=GroupByField("street"))
    assert isinstance(made, PreparedRow)
    assert (made.row_key, made.value) == ("7", '"A"')


@pytest.mark.parametrize(
    ("item", "where", "words"),
    [
        ("{", "row 3", "is not JSON"),
        (Row("{", line=9), "line 9", "is not JSON"),
        ("[]", "row 3", "must be a JSON object"),
        ({}, "row 3, data", "is missing"),
        ({"data": 1}, "row 3, data", "must be an object"),
        ({"data": {}}, "row 3, data.source", "is missing"),
        ({"data": {"source": {1}}}, "row 3", "is not JSON"),
        ({"data": {"source": "\0"}}, "row 3", "NUL"),
        ('{"data": {"source": "\\u0000"}}', "row 3", "NUL"),
        (5, "row 3", "must be a JSON object"),
    ],
)
def test_a_bad_row_is_told_where_and_why(item: object, where: str, words: str) -> None:
    ((place, reason),) = reasons(item)
    assert place == where
    assert words in reason


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    assert isinstance(ready('{"data": {"source": "\\\\u0000"}}'), PreparedRow)


def test_what_a_reader_has_found_is_passed_on() -> None:
    problem = Problem("line 2", "is too long")
    assert ready(problem) == [problem]


def test_every_missing_field_is_named() -> None:
    found = reasons({"data": {}}, row_key="id", packaging=GroupByField("street"))
    assert [where for where, _ in found] == [
        "row 3, data.id",
        "row 3, data.source",
        "row 3, data.street",
    ]


def nested(levels: int) -> dict[str, Any]:
    value: Any = "1.jpg"
    for _ in range(levels):
        value = [value]
    return {"data": {"source": value}}


def test_a_row_is_nested_up_to_a_limit() -> None:
    assert isinstance(ready(nested(rules.MAX_DEPTH - 2)), PreparedRow)
    ((_, reason),) = reasons(nested(rules.MAX_DEPTH))
    assert "nested more than 200 deep" in reason


def test_a_row_that_is_too_long_is_refused_before_it_is_parsed() -> None:
    ((_, reason),) = reasons("x" * (rules.MAX_ROW_CHARACTERS + 1))
    assert "characters long" in reason


def test_an_infinite_number_is_no_key() -> None:
    text = '{"data": {"source": "1.jpg", "id": 1e999}}'
    ((_, reason),) = reasons(text, row_key="id")
    assert "no float can hold" in reason


def test_a_draft_with_prelabels_takes_no_more_rows() -> None:
    rules.must_have_no_prelabels(make_job(), None)
    with pytest.raises(NotAllowed, match="publish it, then append"):
        rules.must_have_no_prelabels(make_job(), make_assignment())


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
    placed = rules.place_rows(job, counter, rows("a", "b", "a"), {"a": 1}, draft=draft)
    assert placed == expected


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
