"""Pre-labels into a job: from a model, a file, or fields of the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, iterate_query, read_task_numbers
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.labeling.service import require_validated
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.arguments import require_wrapper
from itagflow.model.change import Context, record
from itagflow.model.job import Crew, Job
from itagflow.model.number import require_number, require_whole_number
from itagflow.model.package import PARTS, Assignment, Package, PackageState
from itagflow.model.prelabel import Prediction, Predictor
from itagflow.model.reports import MAX_PROBLEMS, PrelabelReport
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.prelabels import rules
from itagflow.prelabels.rules import (
    KnownPredictions,
    MinConfidence,
    ModelName,
    SortedPrelabels,
    ValidPrelabel,
)
from itagflow.printing import format_count
from itagflow.results.outcome_rules import describe_end
from itagflow.results.rules import PRELABEL_OUTCOMES
from itagflow.reviewing.service import finish_if_done
from itagflow.storage.port import Query, Reader
from itagflow.template_changes.answers import must_still_ask
from itagflow.validation.answers import Validator

Group = Sequence[Package]
"""Some packages that are pre-labeled in one transaction."""


@attrs.frozen
class _Request:
    """Which job is pre-labeled, by whom, and what counts as labeled."""

    job: Job
    template: Template
    min_confidence: MinConfidence
    model: ModelName
    by: MemberRef
    validator: Validator | None
    """What is asked about predictions that count as labels; None where nothing is."""

    def find_refusals(self, prelabel: ValidPrelabel) -> list[Problem]:
        """Return what the job's validator finds in a prediction that counts as a label.

        It is called outside of any transaction, as for answers of people.
        """
        if self.validator is None or not prelabel.is_accepted(self.min_confidence):
            return []
        task = prelabel.task
        return rules.place_problems(task, self.validator(task, prelabel.replies))


@attrs.define
class _Tally:
    """The numbers of tasks so far, by what became of them."""

    tasks: int = 0
    accepted: int = 0
    suggested: int = 0
    no_prediction: int = 0
    failed: int = 0
    in_progress: int = 0
    already_predicted: int = 0
    erased: int = 0
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
        self.already_predicted += prelabels.already_predicted
        self.erased += prelabels.erased

    def build_report(self) -> PrelabelReport:
        return PrelabelReport(
            tasks=self.tasks,
            accepted=self.accepted,
            suggested=self.suggested,
            no_prediction=self.no_prediction,
            failed=self.failed,
            in_progress=self.in_progress,
            already_predicted=self.already_predicted,
            erased=self.erased,
            problems=tuple(self.problems),
        )


_WHAT = "jobs.prelabel"


def convert_confidence(value: MinConfidence) -> MinConfidence:
    """Return which pre-labels count as labeled: a converter of attrs.

    Raises:
        InvalidData: when it is neither true, false nor a number from 0 to 1.
    """
    if not isinstance(value, bool):
        value = require_number(_WHAT, "min_confidence", value)
    return rules.require_min_confidence(value)


def _convert_batch(value: int) -> int:
    return require_whole_number(_WHAT, "batch", value, least=1)


def _convert_progress(value: Wrap | None) -> Wrap | None:
    return require_wrapper(_WHAT, "progress", value)


@attrs.frozen
class PrelabelSpec:
    """How `prelabel` is called, beside the job and the model itself."""

    by: MemberRef
    """Who decides."""
    min_confidence: MinConfidence = attrs.field(converter=convert_confidence)
    """What counts as labeled."""
    model: ModelName
    """The model, where a pre-label does not name it."""
    batch: int = attrs.field(converter=_convert_batch)
    """How many tasks the model gets at the most."""
    progress: Wrap | None = attrs.field(converter=_convert_progress)
    """Wraps the iterable of packages."""


def prelabel(engine: Engine, job: JobRef, predict: Predictor, spec: PrelabelSpec) -> PrelabelReport:
    """Let a model, or another source, say something about the tasks of a job before people do."""
    request = _make_request(engine, job, spec)
    tally = _Tally()
    where: dict[str, Any] = {"job": request.job.id, "state": PackageState.LABEL}
    waiting = Query(Package, where, order=("number",))
    with engine.store.read() as reader:
        total = reader.count(waiting)
    packages = show(iterate_query(engine.store, waiting), total, spec.progress)
    for group in group_packages(packages, spec.batch):
        with engine.store.read() as reader:
            tasks = _read_open_tasks(reader, request, group, tally)
        # the model is called outside of any transaction: it may take minutes
        by_package = defaultdict[int, list[ValidPrelabel]](list)
        for task, prediction in _predict_all(predict, tasks, spec.batch):
            validated = _validate(request, task, prediction)
            if isinstance(validated, ValidPrelabel):
                by_package[task.package].append(validated)
            else:
                tally.count_failure(validated)
        if by_package:
            _store_prelabels(engine, request, by_package, tally)
    return tally.build_report()


def _make_request(engine: Engine, ref: JobRef, spec: PrelabelSpec) -> _Request:
    """Return what is asked for, if it may be done: before a model has worked for an hour.

    Raises:
        NotAllowed: when *by* may not manage jobs.
        WrongState: when the job is finished or archived.
        NotRegistered: when predictions may count as labels, and this process lacks the job's
            validator.
    """
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        member = lookup.member(reader, job.workspace, spec.by)
        access.check(engine.policy, member, Action.MANAGE_JOB, job, None)
        template = reader.get(Template, (job.template,))
    JOB.advance(job.state, "prelabel", JobCommand(job=job), f"job {job.name!r}")
    validator = None
    # a suggestion need not be right: the validator sees the answer that a person makes of it
    if job.validator and spec.min_confidence is not False:
        validator = engine.registry.find_validator(job.validator)
    return _Request(job, template, spec.min_confidence, spec.model, spec.by, validator)


def _validate(
    request: _Request, task: Task, prediction: Prediction
) -> ValidPrelabel | list[Problem] | None:
    """Return the valid pre-label of *task*, its problems, or None when nothing was predicted."""
    valid = rules.validate_prelabel(request.template, task, prediction, request.model)
    if isinstance(valid, ValidPrelabel):
        refusals = request.find_refusals(valid)
        if refusals:
            return refusals
    return valid


def _store_prelabels(
    engine: Engine, request: _Request, by_package: dict[int, list[ValidPrelabel]], tally: _Tally
) -> None:
    """Store the pre-labels of some packages in one transaction."""
    with engine.transaction() as transaction:
        # as it is now: its validator may have been changed while the model was running
        job = transaction.job(request.job)
        # the model answered the template as it was read: a change meanwhile makes it all void
        must_still_ask(transaction, job, request.template)
        ctx = transaction.authorize(job.workspace, request.by, Action.MANAGE_JOB, job)
        # all packages before anything is written, and by number: the order of every transaction
        packages = [transaction.lock_package((job.id, number)) for number in sorted(by_package)]
        with_parts = _find_with_parts(transaction.store, job, packages)
        for package in packages:
            prelabels = by_package[package.number]
            if package.number in with_parts or not rules.is_untouched(package):
                # somebody has claimed it since it was read: people go before models
                tally.in_progress += len(prelabels)
                continue
            known = read_known_predictions(transaction.store, job, [package])
            chosen = rules.sort_prelabels(prelabels, package, known, request.min_confidence)
            if chosen.accepted:
                require_validated(transaction, job, request.job.validator)
            if chosen.stored:
                store_package(transaction, ctx, job, package, chosen)
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


def _read_open_tasks(reader: Reader, request: _Request, group: Group, tally: _Tally) -> list[Task]:
    """Return the tasks of *group* that can get pre-labels; count the others."""
    job = request.job
    # checked here to spare the model work, and again under the lock
    with_parts = _find_with_parts(reader, job, group)
    free = [
        package
        for package in group
        if package.number not in with_parts and rules.is_untouched(package)
    ]
    in_progress = sum(
        package.size - len(package.withdrawals) for package in group if package not in free
    )
    tally.in_progress += in_progress
    known = read_known_predictions(reader, job, free)
    where: dict[str, Any] = {"job": job.id, "package": tuple(package.number for package in free)}
    withdrawn = {task for package in free for task in package.withdrawals}
    tasks = [
        task
        for task in reader.find(Query(Task, where, order=("package", "number")))
        if task.number not in withdrawn
    ]
    tally.tasks += in_progress + len(tasks)
    chosen: list[Task] = []
    for task in tasks:
        if task.erased:
            tally.erased += 1
        elif known.get(task.number, rules.NOTHING_KNOWN).makes_needless(request.model):
            tally.already_predicted += 1
        else:
            chosen.append(task)
    return chosen


def _find_with_parts(reader: Reader, job: Job, packages: Iterable[Package]) -> set[int]:
    """Return the numbers of those of *packages* of which a part is, or was, offered to somebody."""
    # All slots of such a package can be free: more votes are asked for before the first is given,
    # and who hands a task to the experts may give the rest back.
    if job.workflow.label.votes == 1 and Crew.EXPERTS not in job.workforce:
        return set()
    numbers = tuple(package.number for package in packages)
    if not numbers:
        return set()
    where: dict[str, Any] = {"job": job.id, "package": numbers, "purpose": tuple(PARTS)}
    return {assignment.package for assignment in reader.find(Query(Assignment, where))}


def read_known_predictions(
    reader: Reader, job: Job, packages: Iterable[Package]
) -> dict[int, KnownPredictions]:
    """Return what was predicted for the tasks of *packages* before, by task."""
    # most packages have no prediction yet: nothing is read for them
    numbers = tuple(package.number for package in packages if package.prelabeled)
    if not numbers:
        return {}
    where: dict[str, Any] = {"job": job.id, "package": numbers}
    assignments = [
        assignment
        for assignment in reader.find(Query(Assignment, where))
        if assignment.outcome in PRELABEL_OUTCOMES
    ]
    ids = tuple(assignment.id for assignment in assignments)
    answers = reader.find(Query(Answer, {"job": job.id, "assignment": ids}))
    return rules.find_known_predictions(assignments, answers)


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
        retried: list[Prediction] = []
        for task in batch:
            retried += _call_model(predict, [task])
        return retried
    if len(predictions) != len(batch):
        reason = f"the model returned {len(predictions)} for {format_count(len(batch), 'task')}"
        raise InvalidData("the pre-labels", [Problem("", reason)])
    return predictions


def store_package(
    transaction: Transaction, ctx: Context, job: Job, package: Package, prelabels: SortedPrelabels
) -> None:
    """Store the pre-labels of a package that is locked, or was made in this transaction."""
    # two assignments without a member: one whose answers count, and one with suggestions
    ids = (transaction.new_id(Assignment, job.id), transaction.new_id(Assignment, job.id))
    tasks = read_task_numbers(transaction.store, package)
    after, added = rules.with_prelabels(job, package, tasks, prelabels, ctx, ids)
    data = {
        "accepted": [prelabel.task.number for prelabel in prelabels.accepted],
        "suggested": [prelabel.task.number for prelabel in prelabels.suggested],
        "predictions": rules.describe_predictions(prelabels.stored),
    }
    save, became = ((package, after),), describe_end(package, after, tasks)
    change = record(ctx, "prelabel", about=package, add=added, save=save, data=data, became=became)
    transaction.apply(change)
