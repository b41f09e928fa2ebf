"""Pre-labels into a job: from a model, a file, or fields of the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.change import Context, record
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_query
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.jobs.row_sources import Wrap
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.job import Job
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.prelabel import Prediction, Predictor
from itagflow.model.reports import MAX_PROBLEMS, PrelabelReport
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.prelabels import rules
from itagflow.prelabels.rules import MinConfidence, SortedPrelabels, ValidPrelabel
from itagflow.printing import format_count
from itagflow.results.histories import read_task_numbers
from itagflow.reviewing.service import finish_if_done
from itagflow.storage.port import Query, Reader
from itagflow.template_changes.answers import must_still_ask

Group = Sequence[Package]
"""Some packages that are pre-labeled in one transaction."""


@attrs.frozen
class _Request:
    """Which job is pre-labeled, by whom, and what counts as labeled."""

    job: Job
    template: Template
    min_confidence: MinConfidence
    by: MemberRef


@attrs.define
class _Tally:
    """The numbers of tasks so far, by what became of them."""

    accepted: int = 0
    suggested: int = 0
    no_prediction: int = 0
    failed: int = 0
    in_progress: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def count_failure(self, problems: list[Problem] | None) -> None:
        if problems is None:
            self.no_prediction += 1
            return
        self.failed += 1
        # all are counted, but only the first are kept: a broken model fails on every task
        self.problems += problems[: MAX_PROBLEMS - len(self.problems)]

    def count_stored(self, prelabels: SortedPrelabels) -> None:
        self.accepted += len(prelabels.accepted)
        self.suggested += len(prelabels.suggested)

    def build_report(self) -> PrelabelReport:
        return PrelabelReport(
            accepted=self.accepted,
            suggested=self.suggested,
            no_prediction=self.no_prediction,
            failed=self.failed,
            in_progress=self.in_progress,
            problems=tuple(self.problems),
        )


def prelabel(
    engine: Engine,
    job: JobRef,
    predict: Predictor,
    *,
    by: MemberRef,
    min_confidence: MinConfidence = False,
    model: str = "",
    batch: int = 100,
    progress: Wrap | None = None,
) -> PrelabelReport:
    """Let a model, or another source, say something about the tasks of a job before people do."""
    require_whole_number("the pre-labels", "batch", batch, least=1)
    with engine.store.read() as reader:
        stored_job = lookup.job(reader, job)
        member = lookup.member(reader, stored_job.workspace, by)
        access.check(engine.policy, member, Action.MANAGE_JOB, stored_job, None)
        template = reader.get(Template, (stored_job.template,))
    # refused here already, before a model has worked for an hour
    command = JobCommand(job=stored_job)
    JOB.advance(stored_job.state, "prelabel", command, f"job {stored_job.name!r}")
    request = _Request(stored_job, template, min_confidence, by)
    tally = _Tally()
    where: dict[str, Any] = {"job": stored_job.id, "state": PackageState.LABEL}
    waiting = Query(Package, where, order=("number",))
    packages: Iterable[Package] = iterate_query(engine.store, waiting)
    if progress:
        packages = progress(packages)
    for group in group_packages(packages, batch):
        with engine.store.read() as reader:
            tasks = _read_open_tasks(reader, stored_job, group, tally)
        # the model is called outside of any transaction: it may take minutes
        by_package = defaultdict[int, list[ValidPrelabel]](list)
        for task, prediction in _predict_all(predict, tasks, batch):
            validated = rules.validate_prelabel(template, task, prediction, model)
            if isinstance(validated, ValidPrelabel):
                by_package[task.package].append(validated)
            else:
                tally.count_failure(validated)
        if by_package:
            _store_prelabels(engine, request, by_package, tally)
    return tally.build_report()


def _store_prelabels(
    engine: Engine, request: _Request, by_package: dict[int, list[ValidPrelabel]], tally: _Tally
) -> None:
    """Store the pre-labels of some packages in one transaction."""
    job = request.job
    with engine.transaction() as transaction:
        # the model answered the template as it was read: a change meanwhile makes it all void
        must_still_ask(transaction, job, request.template)
        ctx = transaction.authorize(job.workspace, request.by, Action.MANAGE_JOB, job)
        # all packages before anything is written, and by number: the order of every transaction
        packages = [transaction.lock_package((job.id, number)) for number in sorted(by_package)]
        for package in packages:
            prelabels = by_package[package.number]
            if not rules.is_untouched(job, package):
                # somebody has claimed it since it was read: people go before models
                tally.in_progress += len(prelabels)
                continue
            chosen = rules.sort_prelabels(prelabels, package, request.min_confidence)
            _store_package(transaction, ctx, job, package, chosen)
            tally.count_stored(chosen)
        finish_if_done(transaction, job, ctx)


def group_packages(packages: Iterable[Package], size: int) -> Iterator[Group]:
    """Yield packages together until they have *size* tasks."""
    group, tasks = list[Package](), 0
    for package in packages:
        group.append(package)
        tasks += package.size
        # packages are never cut: all pre-labels of one are stored in one transaction
        if tasks >= size:
            yield group
            group, tasks = [], 0
    if group:
        yield group


def _read_open_tasks(reader: Reader, job: Job, group: Group, tally: _Tally) -> list[Task]:
    """Return the tasks of *group* that can get pre-labels."""
    # checked here to spare the model work, and again under the lock
    free = [package for package in group if rules.is_untouched(job, package)]
    tally.in_progress += sum(package.size for package in group if package not in free)
    where: dict[str, Any] = {"job": job.id, "package": tuple(package.number for package in free)}
    assignments = defaultdict[int, list[Assignment]](list)
    for assignment in reader.find(Query(Assignment, where)):
        assignments[assignment.package].append(assignment)
    tasks = reader.find(Query(Task, where, order=("package", "number")))
    return [
        task
        for task in tasks
        if not task.erased and not rules.has_prelabel(task, assignments[task.package])
    ]


def _predict_all(
    predict: Predictor, tasks: Sequence[Task], size: int
) -> Iterator[tuple[Task, Prediction]]:
    for start in range(0, len(tasks), size):
        batch = tasks[start : start + size]
        yield from zip(batch, _call_model(predict, batch), strict=True)


def _call_model(predict: Predictor, batch: Sequence[Task]) -> list[Prediction]:
    try:
        predictions = list(predict(batch))
    except Exception as error:
        if len(batch) == 1:
            return [error]
        # one bad row must not cost the others theirs: each is tried again by itself
        retried = list[Prediction]()
        for task in batch:
            retried += _call_model(predict, [task])
        return retried
    if len(predictions) != len(batch):
        reason = f"the model returned {len(predictions)} for {format_count(len(batch), 'task')}"
        raise InvalidData("the pre-labels", [Problem("", reason)])
    return predictions


def _store_package(
    transaction: Transaction, ctx: Context, job: Job, package: Package, prelabels: SortedPrelabels
) -> None:
    # two assignments without a member: one whose answers count, and one with suggestions
    ids = (transaction.new_id(Assignment, job.id), transaction.new_id(Assignment, job.id))
    tasks = read_task_numbers(transaction.store, package)
    after, added = rules.with_prelabels(job, package, tasks, prelabels, ctx, ids)
    data = {
        "accepted": [prelabel.task.number for prelabel in prelabels.accepted],
        "prefilled": [prelabel.task.number for prelabel in prelabels.suggested],
    }
    transaction.apply(
        record(ctx, "prelabel", about=package, add=added, save=((package, after),), data=data)
    )
