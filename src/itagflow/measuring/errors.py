"""How many errors are left in the accepted work of a job, from the reviews that were made."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef
from itagflow.lots.plan_rules import find_lot_rule
from itagflow.measuring import inspection_rules as rules
from itagflow.measuring.inspection_rules import Sample
from itagflow.measuring.labels import Jobs
from itagflow.measuring.lots import NAME, LotWork, read_lot_work
from itagflow.measuring.reading import begin_steps, find_jobs, iter_packages
from itagflow.model.job import Job, Stage
from itagflow.model.package import PackageState
from itagflow.model.plan import RejectedLots
from itagflow.quality.errors_left import error_left
from itagflow.quality.sequential_plans import SequentialPlan
from itagflow.quality.values import ErrorLeft, Skipped

NO_REVIEW = "nobody reviews the work of job {}"
DRAWN_IN_SEVERAL = (
    "packages of several jobs were drawn, and each job has a share of its own: ask for each job"
)
BY_NO_NUMBER = (
    "whole packages were sent back by no fixed number of errors: they count as if they had passed, "
    "so that the rate may be too high"
)
BY_A_PLAN = (
    "how many tasks are checked at {} of job {} depends on what was found: no estimate is known"
)
TASKS_ARE_ERRORS = "a task is wrong when it was judged wrong, or the reviewer gave another answer"


@attrs.frozen(kw_only=True)
class Reviewed:
    """What the last review stage of a job has found, and what it has not checked."""

    samples: list[Sample] = attrs.field(factory=list[Sample])
    """What was found."""
    packages: int = 0
    """How many packages passed the stage without a review."""
    tasks: int = 0
    """How many tasks these have."""
    in_lots: LotWork | None = None
    """What was accepted in lots of several packages; None: the job has none."""
    why: str = ""
    """Why nothing can be said; empty where it can."""


def measure_error_left(
    engine: Engine,
    jobs: Jobs,
    *,
    detection: float | None,
    by: MemberRef | None,
    progress: Wrap | None,
) -> ErrorLeft:
    """Return the rate of errors left in the accepted work of one job or several."""
    named = [job for job, _ in find_jobs(engine, NAME, jobs, by)]
    steps = begin_steps(engine, named, progress)
    found = [_read_job(engine, job, by, steps) for job in named]
    steps.end()
    for each in found:
        if each.why:
            return ErrorLeft(why=each.why)
    skipping = [each for each in found if each.packages]
    if len(skipping) > 1:
        return ErrorLeft(why=DRAWN_IN_SEVERAL)
    samples = [
        # where all packages of a job are reviewed, they say nothing of another job
        attrs.evolve(sample, is_drawn=sample.is_drawn and each in (skipping or found))
        for each in found
        for sample in each.samples
    ]
    skipped = Skipped(skipping[0].packages, skipping[0].tasks) if skipping else None
    lots = [each.in_lots for each in found if each.in_lots is not None]
    return _estimate(samples, skipped, lots, detection)


def _read_job(engine: Engine, job: Job, by: MemberRef | None, steps: Steps) -> Reviewed:
    stage = job.workflow.stages[-1]
    if stage is Stage.LABEL:
        return Reviewed(why=NO_REVIEW.format(repr(job.name)))
    rule = find_lot_rule(job)
    if rule is not None:
        work = read_lot_work(engine, job, rule, by, steps)
        return Reviewed(in_lots=work, why=work.why)
    if _is_open_ended(job, stage):
        return Reviewed(why=BY_A_PLAN.format(stage.name, repr(job.name)))
    return _read_reviewed(engine, job, stage, by, steps)


def _is_open_ended(job: Job, stage: Stage) -> bool:
    """Return whether a plan makes the sample of a package larger by what was found in it."""
    rule = job.workflow.review(stage)
    if rule is None or rule.plan is None:
        return False
    is_sequential = isinstance(rule.plan, SequentialPlan)
    return is_sequential or rule.rejected_lots is RejectedLots.INSPECT


def _read_reviewed(
    engine: Engine, job: Job, stage: Stage, by: MemberRef | None, steps: Steps
) -> Reviewed:
    samples, packages, tasks = list[Sample](), 0, 0
    for work in iter_packages(engine, NAME, job, by, steps):
        if work.package.state is PackageState.DISCARDED:
            continue
        samples += rules.list_samples(work.package, stage, work.cases)
        if rules.is_skipped(work.package, stage):
            packages += 1
            tasks += len(work.cases)
    return Reviewed(samples=samples, packages=packages, tasks=tasks)


def _estimate(
    samples: Sequence[Sample],
    skipped: Skipped | None,
    lots: Sequence[LotWork],
    detection: float | None,
) -> ErrorLeft:
    limit = rules.find_limit(samples)
    is_by_number = limit != -1
    rows = rules.to_inspections(samples, limit if is_by_number else None)
    tasks = sum(row.tasks for row in rows if row.is_accepted) + (skipped.tasks if skipped else 0)
    tasks += sum(each.tasks for each in lots)
    rows += [row for each in lots for row in each.inspections]
    found = error_left(rows, skipped=skipped, tasks=tasks, detection=detection)
    found = attrs.evolve(found, assumptions=(*found.assumptions, TASKS_ARE_ERRORS))
    if is_by_number or found.rate is None or found.high is None:
        return found
    return _leave_out_rejected(found, samples)


def _leave_out_rejected(found: ErrorLeft, samples: Sequence[Sample]) -> ErrorLeft:
    """Return *found*, of all that was checked, as of what was accepted: never too low."""
    rejected = sum(sample.tasks for sample in samples if sample.is_rejected)
    accepted = found.tasks - rejected
    if not accepted:
        return attrs.evolve(
            found, rate=None, low=None, high=None, tasks=0, why="no task is accepted yet"
        )
    share = found.tasks / accepted
    return attrs.evolve(
        found,
        rate=min(1.0, (found.rate or 0.0) * share),
        low=0.0,
        high=min(1.0, (found.high or 0.0) * share),
        tasks=accepted,
        assumptions=(*found.assumptions, BY_NO_NUMBER),
    )
