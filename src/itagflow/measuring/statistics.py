"""Statistics of jobs, members and groups, under the names of iTAG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef
from itagflow.errors import InvalidData, Problem
from itagflow.measuring.counting_rules import (
    JobCounts,
    Labeler,
    MemberCounts,
    Period,
    WorkCounts,
    count_package,
)
from itagflow.measuring.labels import Jobs
from itagflow.measuring.reading import begin_steps, find_jobs, iter_packages, read_members
from itagflow.measuring.statistics_rules import (
    NAME,
    cut_period,
    list_stage_rows,
    to_job_row,
    to_member_row,
)
from itagflow.model.arguments import require_kind
from itagflow.model.job import STAGES, Job
from itagflow.model.moment import to_utc
from itagflow.model.package import PackageState
from itagflow.model.workspace import Member
from itagflow.quality.values import StatisticsOf, StatisticsUnit

Row = dict[str, Any]


@attrs.frozen(kw_only=True)
class StatisticsTerms:
    """Which statistics are wanted, and by whom."""

    of: StatisticsOf
    """Whose."""
    unit: StatisticsUnit
    """What counts as one."""
    periods: Sequence[Period]
    """Of what times."""
    is_cut: bool
    """Whether each row says of what time it is."""
    by: MemberRef | None = None
    """Who reads."""
    progress: Wrap | None = None
    """Shows the packages that are read."""


def parse_period(name: str, since: datetime | None, until: datetime | None) -> Period:
    """Return the time that two moments bound, checked.

    Raises:
        InvalidData: when one is no moment in a zone, or the end is before the beginning.
    """
    first = None if since is None else to_utc(name, "since", since)
    last = None if until is None else to_utc(name, "until", until)
    if first is not None and last is not None and last < first:
        raise InvalidData(name, [Problem("until", f"must not be before {first}, and is {last}")])
    return Period(first, last)


def parse_every(every: timedelta | None, period: Period) -> Sequence[Period]:
    """Return the periods of this length in *period*, which is the only one without it.

    Raises:
        InvalidData: when it is no time, or the period cannot be cut by it.
    """
    if every is None:
        return [period]
    length = require_kind(NAME, "every", every, timedelta, "a timedelta")
    if length <= timedelta(0):
        raise InvalidData(NAME, [Problem("every", f"must be more than 0, not {length}")])
    return cut_period(period, length)


def list_statistics(engine: Engine, jobs: Jobs, terms: StatisticsTerms) -> list[Row]:
    """Return a row for each job, member, group or stage, and of each for each period."""
    named = [job for job, _ in find_jobs(engine, NAME, jobs, terms.by)]
    steps = begin_steps(engine, named, terms.progress)
    found = [(job, _count(engine, job, terms, steps)) for job in named]
    steps.end()
    rows = list[Row]()
    for place, period in enumerate(terms.periods):
        time = {"Since": period.since, "Until": period.until} if terms.is_cut else {}
        works = [(job, counted[place]) for job, counted in found]
        rows += [{**time, **row} for row in _describe(engine, works, terms.of)]
    return rows


def _count(engine: Engine, job: Job, terms: StatisticsTerms, steps: Steps) -> list[WorkCounts]:
    """Return what is counted of *job* in each period; the store is read once for all of them."""
    counted = [WorkCounts(unit=terms.unit) for _ in terms.periods]
    for each in iter_packages(engine, NAME, job, terms.by, steps):
        if each.package.state is PackageState.DISCARDED:
            continue
        for work, period in zip(counted, terms.periods, strict=True):
            count_package(work, each.package, each.cases, period)
    return counted


def _describe(
    engine: Engine, works: Sequence[tuple[Job, WorkCounts]], of: StatisticsOf
) -> list[Row]:
    if of is StatisticsOf.JOB:
        return [_describe_job(job, work) for job, work in works]
    if of is StatisticsOf.STAGE:
        total = JobCounts()
        for _, work in works:
            total.add(work.job)
        passed = {stage for job, _ in works for stage in job.workflow.stages}
        return list_stage_rows(total, [stage for stage in STAGES if stage in passed])
    counts = _add_members(work for _, work in works)
    members = read_members(engine, (each for each in counts if isinstance(each, int)))
    if of is StatisticsOf.GROUP:
        return _describe_groups(counts, members)
    rows = [
        {"UserId": members[name].account if isinstance(name, int) else name, **to_member_row(each)}
        for name, each in counts.items()
    ]
    return sorted(rows, key=lambda row: (row["UserId"] is None, str(row["UserId"])))


def _describe_job(job: Job, work: WorkCounts) -> Row:
    errors = sum(each.sample_errors for each in work.members.values())
    sampled = sum(each.sampled for each in work.members.values())
    return {"JobId": job.id, "JobName": job.name, **to_job_row(work.job, errors, sampled)}


def _add_members(works: Iterable[WorkCounts]) -> dict[Labeler, MemberCounts]:
    found = dict[Labeler, MemberCounts]()
    for work in works:
        for name, counts in work.members.items():
            found.setdefault(name, MemberCounts()).add(counts)
    return found


def _describe_groups(counts: dict[Labeler, MemberCounts], members: dict[int, Member]) -> list[Row]:
    """Return a row for each group that the members are in now; one may be in several."""
    found = dict[str, MemberCounts]()
    for name, each in counts.items():
        for group in members[name].groups if isinstance(name, int) else ():
            found.setdefault(group, MemberCounts()).add(each)
    return [{"Group": group, **to_member_row(found[group])} for group in sorted(found)]
