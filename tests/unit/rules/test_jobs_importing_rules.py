"""Finished work from elsewhere is assignments that have ended, of nobody."""

from __future__ import annotations

from itagflow import Choice, Inspect, Label, PackageState, Stage, Workflow
from itagflow.core.change import Context
from itagflow.jobs.importing_rules import MISSING, OUTCOME, import_package
from itagflow.testing import make_job, make_package, make_task
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 2)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
JOB = make_job(workflow=Workflow(Label(), Inspect()))


def test_each_stage_has_an_assignment_that_ended_with_its_results() -> None:
    read = [(make_task(1), {Stage.LABEL: CAT, Stage.INSPECT: CAT})]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=3)
    assert done.package.state is PackageState.DONE
    assert done.package.free == 0
    assert [(one.id, one.member, one.outcome) for one in done.assignments] == [
        (7, None, OUTCOME[Stage.LABEL]),
        (8, None, OUTCOME[Stage.INSPECT]),
    ]


def test_a_review_answers_only_where_it_differs() -> None:
    read = [
        (make_task(1), {Stage.LABEL: CAT, Stage.INSPECT: CAT}),
        (make_task(2), {Stage.LABEL: CAT, Stage.INSPECT: DOG}),
    ]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=3)
    assert [(one.task, one.assignment, one.replies) for one in done.answers] == [
        (1, 7, CAT),
        (2, 7, CAT),
        (2, 8, DOG),
    ]
    assert {one.template_version for one in done.answers} == {3}


def test_a_task_without_a_result_is_abandoned_and_counted() -> None:
    read = [(make_task(1), {Stage.LABEL: CAT}), (make_task(2), {})]
    done = import_package(JOB, make_package(), read, CTX, [7, 8], template_version=1)
    assert done.package.abandoned == 1
    assert [one.abandon_reason for one in done.answers] == [None, MISSING]
