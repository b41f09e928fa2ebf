"""What is left to do of a job, from its open packages, and on which day that will be done."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta

import attrs

from itagflow.model.job import Job, ReviewRule, Stage
from itagflow.model.package import Assignment, Package
from itagflow.quality.forecasting import Forecast, JobForecast

MOST_DAYS = 36_500
"""Further ahead no day is named."""


@attrs.frozen(kw_only=True)
class OpenPackage:
    """A package that is open, and who works on it."""

    package: Package
    """The package."""
    live: Sequence[Assignment]
    """What is held or offered of it."""


def count_left(
    job: Job, works: Iterable[OpenPackage], sent_back: Mapping[Stage, float]
) -> dict[Stage, float]:
    """Return how many answers and looks are left at each stage of *job*.

    *sent_back* is the share of looks at each stage that has sent the task back: so many of those to
    come are labeled once more, and checked once more.
    """
    left = dict.fromkeys(job.workflow.stages, 0.0)
    for work in works:
        _add_package(left, job, work)
    again = 0.0
    for stage in job.workflow.stages[1:]:
        more = left[stage] * sent_back.get(stage, 0.0)
        left[stage] += more
        again += more
    left[Stage.LABEL] += again * job.workflow.label.first_votes
    return left


def _add_package(left: dict[Stage, float], job: Job, work: OpenPackage) -> None:
    package = work.package
    if package.stage is None:
        return
    stages = job.workflow.stages
    due = package.size - len(package.excluded) if package.scope is None else len(package.scope)
    held = sum(due if each.scope is None else len(each.scope) for each in work.live)
    left[package.stage] += package.free * due + held
    whole = package.size - package.final - len(package.excluded)
    for stage in stages[stages.index(package.stage) + 1 :]:
        left[stage] += whole * _expect_share(job.workflow.review(stage), package)


def _expect_share(rule: ReviewRule | None, package: Package) -> float:
    """Return which share of the tasks of a package its rule lets expect to be checked."""
    if rule is None:
        return 0.0
    share = 1.0 if rule.package_share is None else rule.package_share
    if rule.task_share is not None:
        return share * rule.task_share
    if rule.task_count is not None:
        return share * min(1.0, rule.task_count / package.size)
    return share


def name_days(
    stages: Mapping[Stage, Forecast], today: date, weekdays: Collection[int]
) -> JobForecast:
    """Return when a job is done: with the last of its *stages*.

    People are taken to work on the *weekdays* on which they did, today being the first such day.
    """
    return JobForecast(
        stages=stages,
        finish=_find_last([each.days for each in stages.values()], today, weekdays),
        earliest=_find_last([each.low for each in stages.values()], today, weekdays),
        latest=_find_last([each.high for each in stages.values()], today, weekdays),
    )


def _find_last(days: Sequence[float | None], today: date, weekdays: Collection[int]) -> str | None:
    known = [each for each in days if each is not None]
    if len(known) < len(days):
        return None
    day = _find_day(max(known, default=0.0), today, weekdays)
    return None if day is None else day.isoformat()


def _find_day(days: float, today: date, weekdays: Collection[int]) -> date | None:
    number = math.ceil(days - 1e-9)
    if number <= 0:
        return today
    if not weekdays or number > MOST_DAYS:
        return None
    day = today
    while True:
        number -= day.weekday() in weekdays
        if not number:
            return day
        day += timedelta(days=1)
