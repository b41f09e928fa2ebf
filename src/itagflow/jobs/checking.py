"""What a job would become: what `create` does with its arguments, but for the storing."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import attrs

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import WorkspaceRef
from itagflow.errors import AlreadyExists, Problem
from itagflow.jobs import loading_rules, row_rules
from itagflow.jobs.finishing_rules import Staffing, find_hindrance
from itagflow.jobs.loading import LoadSpec, must_be_valid
from itagflow.jobs.row_rules import PreparedRow
from itagflow.jobs.row_sources import read_rows
from itagflow.jobs.service import JobSpec, design_job
from itagflow.model.job import Job
from itagflow.model.reports import MAX_PROBLEMS, CheckReport
from itagflow.model.template import Template
from itagflow.model.workspace import Member
from itagflow.storage.port import Query

NO_TASKS = "it would have no tasks: give it data with good rows"
"""Why a job whose rows are all bad, or that has none, is not published."""


def check_job(
    engine: Engine, workspace: WorkspaceRef, spec: JobSpec, data: LoadSpec | None
) -> CheckReport:
    """Return what creating a job would come to; nothing is stored."""
    if data is not None:
        must_be_valid(data)
    # A transaction because `create` designs its jobs in one: whatever it refuses is refused here.
    # Nothing is applied to it.
    with engine.transaction() as transaction:
        design = design_job(transaction, workspace, spec, None)
        named = Query(Job, {"workspace": design.job.workspace, "name": design.job.name}, limit=1)
        if lookup.first(transaction.store, named) is not None:
            raise AlreadyExists("Job", design.job.name)
        active = Query(Member, {"workspace": design.job.workspace, "active": True})
        members = list(transaction.store.find(active))
    staffing = Staffing(members=members, policy=engine.policy, at=transaction.at)
    if data is None:
        return CheckReport(blocking_reason=find_hindrance(design.job, staffing))
    rows = _Rows(design.job, design.template)
    report = rows.check(data)
    values = {value: number for value, number in rows.by_value.items() if value}
    staffing = attrs.evolve(staffing, packages=report.packages, values=values)
    reason = find_hindrance(design.job, staffing)
    if not report.tasks:
        reason = reason or NO_TASKS
    return attrs.evolve(report, blocking_reason=reason)


@attrs.define
class _Rows:
    """The rows of one source that were read, and what they would become."""

    job: Job
    template: Template
    tasks: int = 0
    skipped: int = 0
    duplicates: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])
    keys: set[str] = attrs.field(factory=set[str])
    """The row keys so far; none when the job has no row key."""
    by_value: Counter[str] = attrs.field(factory=Counter[str])
    """How many rows have each value of the field that names their package."""

    def check(self, data: LoadSpec) -> CheckReport:
        """Look at every row of *data*, and return what they would become."""
        fields = sorted(row_rules.find_required_fields(self.template, self.job))
        rows = read_rows(data.data, data.format, fields)
        shown = iter(data.progress(rows) if data.progress else rows)
        wrapped: bool | None = None
        number = 0
        while batch := list(islice(shown, loading_rules.ROWS_PER_TRANSACTION)):
            for item in batch:
                number += 1
                row = row_rules.prepare_row(item, number, self.template, self.job, wrapped=wrapped)
                if wrapped is None and isinstance(row, PreparedRow):
                    wrapped = row_rules.is_wrapped(item)
                self._count(row)
        packages = loading_rules.count_packages(self.job, self.tasks, self.by_value.values())
        return CheckReport(
            tasks=self.tasks,
            packages=packages,
            skipped=self.skipped,
            duplicates=self.duplicates,
            problems=tuple(self.problems),
        )

    def _count(self, row: PreparedRow | list[Problem]) -> None:
        if not isinstance(row, PreparedRow):
            self.skipped += 1
            # all are counted, but memory stays bounded when every row is bad
            self.problems += row[: MAX_PROBLEMS - len(self.problems)]
        elif self.job.row_key and row.row_key in self.keys:
            self.duplicates += 1
        else:
            self.tasks += 1
            self.by_value[row.value] += 1
            if self.job.row_key:
                self.keys.add(row.row_key)
