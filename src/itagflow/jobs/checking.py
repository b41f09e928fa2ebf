"""What a job would become: what `create` does with its arguments, except for the storing."""

from __future__ import annotations

import attrs

from itagflow.core.counted import show_rest
from itagflow.core.engine import Engine
from itagflow.core.lookup import WorkspaceRef
from itagflow.jobs.finishing_rules import find_hindrance
from itagflow.jobs.loading import LoadSpec, must_be_valid, read_source
from itagflow.jobs.previewing import RowPreview
from itagflow.jobs.service import DraftIds, JobSpec, design_job, require_free_name
from itagflow.jobs.staffing import read_staffing
from itagflow.model.reports import CheckReport

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
        design = design_job(transaction, workspace, spec, DraftIds())
        require_free_name(transaction, design.job)
        staffing = read_staffing(transaction, design.job)
    if data is None:
        return CheckReport(blocking_reason=find_hindrance(design.job, staffing))
    preview = RowPreview(design.job, design.template)
    rows = read_source(design.job, design.template, data)
    for item in show_rest(rows, data.progress):
        preview.add(item)
    report = preview.make_report()
    staffing = attrs.evolve(staffing, packages=report.packages, values=preview.values)
    reason = find_hindrance(design.job, staffing)
    if not report.tasks and design.job.auto_finish:
        reason = reason or NO_TASKS
    return attrs.evolve(report, blocking_reason=reason)
