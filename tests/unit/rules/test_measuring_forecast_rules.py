"""What is left of a job, and on which day it is done."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from itagflow import Accept, AssignmentState, Inspect, Label, PackageState, Stage, Workflow
from itagflow.measuring.forecast_rules import OpenPackage, count_left, name_days
from itagflow.model import Purpose
from itagflow.quality import Forecast
from itagflow.testing import make_assignment, make_job, make_package

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
MONDAY = date(2026, 11, 23)


def left(
    *works: OpenPackage, workflow: Workflow | None = None, **back: float
) -> dict[Stage, float]:
    job = make_job(workflow=workflow or Workflow(Label(), Inspect(task_share=0.5), Accept()))
    return count_left(job, works, {Stage(stage): share for stage, share in back.items()})


def work(*live: Any, **fields: Any) -> OpenPackage:
    return OpenPackage(package=make_package(**{"size": 10, **fields}), live=live)


def test_what_is_labeled_is_then_looked_at_as_the_rules_draw_it() -> None:
    assert left(work(free=1)) == {L: 10, I: 5, A: 10}
    assert left(work(make_assignment(), free=0)) == {L: 10, I: 5, A: 10}
    inspected = work(state=PackageState.INSPECT, free=1, scope=(1, 2, 3))
    assert left(inspected, work(free=1)) == {L: 10, I: 8, A: 20}
    assert left(work(state=PackageState.DONE, free=0)) == {L: 0, I: 0, A: 0}


def test_votes_and_parts_are_as_many_answers() -> None:
    workflow = Workflow(Label(votes=3), Inspect(package_share=0.25, task_count=4))
    extra = make_assignment(
        2, member=None, state=AssignmentState.OFFERED, scope=(1, 2), purpose=Purpose.EXTRA_VOTE
    )
    two_more = work(make_assignment(), extra, free=1, votes=3)
    assert left(two_more, workflow=workflow) == {L: 10 + 10 + 2, I: 1}


def test_what_is_likely_to_come_back_is_done_again() -> None:
    assert left(work(free=1), inspect=0.2, accept=0.1) == {L: 10 + 1 + 1, I: 6, A: 11}
    workflow = Workflow(Label(votes=2), Inspect())
    assert left(work(free=2, votes=2), workflow=workflow, inspect=0.1) == {L: 22, I: 11}


def test_what_is_out_of_the_work_is_not_left() -> None:
    assert left(work(free=1, withdrawals=(1,), scope=tuple(range(2, 11)))) == {L: 9, I: 4.5, A: 9}


def stages(*days: tuple[float | None, float | None, float | None]) -> dict[Stage, Forecast]:
    return {
        stage: Forecast(days=middle, low=low, high=high)
        for stage, (low, middle, high) in zip((L, I, A), days, strict=False)
    }


def test_the_last_stage_names_the_day() -> None:
    found = name_days(stages((1, 2, 3.5), (0, 1, 2)), MONDAY, range(5))
    assert (found.earliest, found.finish, found.latest) == (
        "2026-11-23",
        "2026-11-24",
        "2026-11-26",
    )


@pytest.mark.parametrize(
    ("days", "weekdays", "day"),
    [
        (6, range(5), "2026-11-30"),  # over a weekend
        (2, [2], "2026-12-02"),
        (0, [], "2026-11-23"),
        (1, [], None),
        (1e9, range(7), None),
    ],
)
def test_days_are_those_on_which_people_work(days: float, weekdays: Any, day: str | None) -> None:
    assert name_days(stages((None, days, None)), MONDAY, weekdays).finish == day


def test_without_a_number_there_is_no_day() -> None:
    found = name_days(stages((1, 1, None), (None, None, None)), MONDAY, range(5))
    assert (found.finish, found.earliest, found.latest) == (None, None, None)
