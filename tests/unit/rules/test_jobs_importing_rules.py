"""Finished work from elsewhere is assignments that have ended, of nobody."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from itagflow import (
    Choice,
    Inspect,
    Label,
    PackageState,
    Spans,
    Stage,
    Text,
    TextSpan,
    Workflow,
)
from itagflow.errors import Problem
from itagflow.jobs.importing_rules import (
    MISSING,
    OUTCOME,
    ImportedTask,
    find_missing_texts,
    import_package,
)
from itagflow.model.change import Context
from itagflow.model.reply import Replies
from itagflow.model.result import NOT_IMPORTED
from itagflow.testing import make_job, make_package, make_task
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
JOB = make_job(workflow=Workflow(Label(), Inspect()))
UNKNOWN = "is missing, and so is the text in the data that it could be taken from"


def imported(
    number: int, results: Mapping[Stage, Replies], *, is_bad: bool = False
) -> ImportedTask:
    return ImportedTask(task=make_task(number), results=results, is_bad=is_bad)


def test_each_stage_has_an_assignment_that_ended_with_its_results() -> None:
    read = [imported(1, {Stage.LABEL: CAT, Stage.INSPECT: CAT})]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=3)
    assert done.package.state is PackageState.DONE
    assert done.package.free == 0
    assert [(one.id, one.member, one.outcome) for one in done.assignments] == [
        (7, None, OUTCOME[Stage.LABEL]),
        (8, None, OUTCOME[Stage.INSPECT]),
    ]


def test_a_review_answers_only_where_it_differs() -> None:
    read = [
        imported(1, {Stage.LABEL: CAT, Stage.INSPECT: CAT}),
        imported(2, {Stage.LABEL: CAT, Stage.INSPECT: DOG}),
    ]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=3)
    assert [(one.task, one.assignment, one.replies) for one in done.answers] == [
        (1, 7, CAT),
        (2, 7, CAT),
        (2, 8, DOG),
    ]
    assert {one.template_version for one in done.answers} == {3}


def test_a_task_without_a_result_is_abandoned_and_counted() -> None:
    read = [imported(1, {Stage.LABEL: CAT}), imported(2, {})]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=1)
    assert done.package.abandoned == 1
    assert [one.abandon_reason for one in done.answers] == [None, MISSING]


def test_a_task_whose_row_is_bad_is_abandoned_for_that_reason() -> None:
    read = [imported(1, {}, is_bad=True), imported(2, {Stage.LABEL: CAT})]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=1)
    assert [(one.task, one.abandon_reason, one.replies) for one in done.answers] == [
        (1, NOT_IMPORTED, None),
        (2, None, CAT),
    ]
    assert done.package.abandoned == 1


@pytest.mark.parametrize(
    ("replies", "where"),
    [
        ({}, []),
        ({"1": Choice("cat"), "2": Text("")}, []),
        ({"1": Spans([])}, []),
        ({"1": Spans([TextSpan(0, 2, "ab")])}, []),
        (
            {
                "1": Spans([TextSpan(0, 2, "ab"), TextSpan(0, 1), TextSpan(1, 2)]),
                "2": Choice("cat"),
                "3": Spans([TextSpan(4, 5)]),
            },
            ["1.spans[1].text", "1.spans[2].text", "3.spans[0].text"],
        ),
    ],
)
def test_every_span_without_its_text_is_named(replies: Replies, where: list[str]) -> None:
    assert find_missing_texts(replies) == [Problem(place, UNKNOWN) for place in where]
