"""One item into a job that runs: a task in a package of its own, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef
from itagflow.core.transaction import Transaction
from itagflow.jobs import adding_rules, loading_rules
from itagflow.jobs.arguments import parse_tags
from itagflow.jobs.loading_rules import QueueTerms, RowBatch
from itagflow.jobs.row_rules import PreparedRow
from itagflow.jobs.staffing import require_people_again
from itagflow.labeling.service import require_validated
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.change import Change, Context
from itagflow.model.job import Job
from itagflow.model.moment import to_utc
from itagflow.model.number import require_priority
from itagflow.model.package import Package
from itagflow.model.prelabel import Prediction
from itagflow.model.row_key import require_row_key
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.prelabels.rules import MinConfidence, ValidPrelabel, sort_prelabel
from itagflow.prelabels.service import convert_confidence, store_package
from itagflow.reviewing.service import finish_if_done
from itagflow.storage.port import Query
from itagflow.template_changes.answers import must_still_ask


@attrs.frozen
class NewItem:
    """What `jobs.add` is given, beside the job."""

    by: MemberRef
    row: Row | str | Mapping[str, object]
    key: str | int | None
    terms: QueueTerms
    tags: Iterable[str]
    prediction: Prediction
    min_confidence: MinConfidence


@attrs.frozen
class _Prepared:
    """An item that fits its job, as far as that can be told before anything is locked."""

    job: Job
    template: Template
    row: PreparedRow
    """With its key, as it is stored."""
    prelabel: ValidPrelabel | None
    min_confidence: MinConfidence


def parse_terms(verb: str, priority: float, due: datetime | None) -> QueueTerms:
    """Return how what is added waits.

    Raises:
        InvalidData: when the priority is no finite number, or the time is none or has no zone.
    """
    at = None if due is None else to_utc(verb, "due", due)
    return QueueTerms(priority=require_priority(verb, "priority", priority), due=at)


def parse_item(verb: str, given: NewItem) -> NewItem:
    """Return what `jobs.add` was given, checked as far as that needs no job.

    Raises:
        InvalidData: when a key or the least confidence is of another kind.
    """
    return attrs.evolve(
        given,
        key=None if given.key is None else require_row_key(given.key),
        tags=parse_tags(verb, given.tags),
        min_confidence=convert_confidence(given.min_confidence),
    )


def add_item(engine: Engine, job: JobRef, item: NewItem) -> Task:
    """Add a task in a package of its own, or return the one that has its key."""
    prepared = _prepare(engine, job, item)
    with engine.transaction() as transaction:
        current = transaction.job(prepared.job)
        ctx = transaction.authorize(current.workspace, item.by, Action.MANAGE_JOB, current)
        known = _find_known(transaction, current, prepared.row.row_key)
        if known is not None:
            return known
        # From here on nobody else gets a number, or adds this key: it is asked for once more.
        # Neither of the two rows is locked by labelers so that they would wait.
        counter = transaction.lock_job_counter(current.id)
        current = transaction.lock_job_for_adding(current.id)
        _must_take_items(current)
        known = _find_known(transaction, current, prepared.row.row_key)
        if known is not None:
            return known
        require_people_again(transaction, current, "add")
        batch = RowBatch(
            rows=[prepared.row],
            numbers=[counter.packages + 1],
            rows_read=counter.rows_read,
            terms=item.terms,
        )
        change = loading_rules.make_load_change("add", current, counter, batch, ctx)
        return _store(transaction, prepared, change, ctx)


def _prepare(engine: Engine, ref: JobRef, item: NewItem) -> _Prepared:
    """Return the item, which fits its job; the job's validator is asked outside of a transaction.

    Raises:
        NotAllowed: when the member may not manage jobs.
        WrongState: when the job is a draft or archived.
        InvalidData: when row, key or prediction do not fit.
        NotRegistered: when the prediction counts, and this process lacks the job's validator.
    """
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        member = lookup.member(reader, job.workspace, item.by)
        access.check(engine.policy, member, Action.MANAGE_JOB, job, None)
        template = reader.get(Template, (job.template,))
    _must_take_items(job)
    row = adding_rules.prepare_item(item.row, tuple(item.tags), template, job)
    row = attrs.evolve(row, row_key=adding_rules.choose_key(job, row, item.key))
    task = Task(job=job.id, number=0, package=0, row=row.text, row_key_text=row.row_key)
    prelabel = adding_rules.check_prediction(template, task, item.prediction)
    counts = prelabel is not None and prelabel.is_accepted(item.min_confidence)
    if prelabel is not None and counts and job.validator:
        problems = list(engine.registry.find_validator(job.validator)(task, prelabel.replies))
        if problems:
            raise adding_rules.make_prediction_error(task, problems)
    return _Prepared(job, template, row, prelabel, item.min_confidence)


def _must_take_items(job: Job) -> None:
    JOB.advance(job.state, "add", JobCommand(job=job), f"job {job.name!r}")


def _find_known(transaction: Transaction, job: Job, row_key: str) -> Task | None:
    """Return the task that has this row key; what has none is always new."""
    if not row_key:
        return None
    where: dict[str, Any] = {"job": job.id, "row_key_text": row_key}
    return lookup.first(transaction.store, Query(Task, where, limit=1))


def _store(transaction: Transaction, item: _Prepared, change: Change, ctx: Context) -> Task:
    """Store a new task with its package, and what was predicted for it; return the task."""
    package = next(each for each in change.add if isinstance(each, Package))
    task = next(each for each in change.add if isinstance(each, Task))
    transaction.apply(change)
    if item.prelabel is None:
        return task
    job = transaction.job(item.job.id)
    # what was checked before the transaction must be what holds now
    must_still_ask(transaction, job, item.template)
    if item.prelabel.is_accepted(item.min_confidence):
        require_validated(transaction, job, item.job.validator)
    prelabel = attrs.evolve(item.prelabel, task=task)
    store_package(transaction, ctx, job, package, sort_prelabel(prelabel, item.min_confidence))
    # a job that had finished runs again by now; what is labeled already may have nothing to do
    if any(isinstance(before, Job) for before, _ in change.save):
        finish_if_done(transaction, job, ctx)
    return task
