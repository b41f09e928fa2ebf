"""Rows of data into a job: a draft's own, and what is appended later."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, cast

import attrs

from itagflow import formats
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.change import Act
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef
from itagflow.core.transaction import Transaction
from itagflow.errors import Conflict, InvalidData, Problem
from itagflow.formats._files import Source
from itagflow.jobs import loading_rules
from itagflow.jobs.loading_rules import Batch, LoadReport, Ready
from itagflow.lifecycle.tables import JOB, JobAct
from itagflow.model.job import GroupByField, Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.storage.port import Query

Data = Source | Iterable[Row | str | Mapping[str, Any] | Problem]
"""A source that a format reads, or rows: mappings, JSON texts, or what ``read`` yields."""
OnError = Literal["raise", "skip"]
Wrap = Callable[[Iterable[Any]], Iterable[Any]]
"""Wraps an iterable to show how far it is, such as ``tqdm`` or ``rich.progress.track``."""

KEPT = 1_000
"""How many problems a report or an error holds; all are counted."""


@attrs.frozen
class _Checked:
    """What was read of the data at once: its good rows, and how many rows were read with them."""

    rows: list[Ready]
    numbers: list[int]
    """The places of these rows in the data, from 1."""
    rows_read: int

    def behind(self, rows_read: int) -> _Checked:
        """Return the same without the rows up to this place."""
        start = bisect_right(self.numbers, rows_read)
        return attrs.evolve(self, rows=self.rows[start:], numbers=self.numbers[start:])


@attrs.define
class _Tally:
    """What loading has come to so far."""

    loaded: int = 0
    duplicates: int = 0
    bad: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def stored(self, new: list[Ready], good: list[Ready]) -> None:
        """Count *new* rows, which are those of the *good* ones whose key was not known."""
        self.loaded += len(new)
        self.duplicates += len(good) - len(new)

    def note(self, found: list[Problem]) -> None:
        self.bad += 1
        self.problems += found[: KEPT - len(self.problems)]


def load(
    engine: Engine,
    job: JobRef,
    data: Data,
    *,
    by: MemberRef,
    format: str = "itag",
    on_error: OnError = "raise",
    progress: Wrap | None = None,
    shared: bool = False,
) -> LoadReport:
    """Load a draft's data, or go on with it where loading broke off.

    With *shared* somebody else may load the same data into the same draft meanwhile: each stores
    the rows that the other has not stored.
    """
    return _load(engine, "load", job, data, by, format, on_error, progress, shared=shared)


def append(
    engine: Engine,
    job: JobRef,
    data: Data,
    *,
    by: MemberRef,
    format: str = "itag",
    on_error: OnError = "raise",
    progress: Wrap | None = None,
) -> LoadReport:
    """Add rows to a published job; they form new packages, and a finished job runs again."""
    return _load(engine, "append", job, data, by, format, on_error, progress)


def _load(
    engine: Engine,
    verb: str,
    ref: JobRef,
    data: Data,
    by: MemberRef,
    format: str,
    on_error: OnError,
    progress: Wrap | None,
    *,
    shared: bool = False,
) -> LoadReport:
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        template = lookup.template(reader, job.workspace, job.template)
        counter = reader.get(JobCounter, job.key)
    _must_take_rows(verb, job)
    rows = rows_in(data, format)
    passed_over = sum(1 for _ in islice(rows, counter.rows_read)) if verb == "load" else 0
    numbered = enumerate(progress(rows) if progress else rows, passed_over + 1)
    tally = _Tally()
    while batch := list(islice(numbered, loading_rules.block_size(job, counter))):
        checked = _checked(batch, template, job, tally)
        if on_error == "raise" and tally.bad:
            continue  # only what else is bad is still looked for
        if shared:
            counter = _load_batch_together(engine, job, counter, checked, by, tally)
        elif verb == "load":
            counter = _load_batch(engine, job, counter, checked, by, tally)
        else:
            counter = _append_batch(engine, job, checked.rows, by, tally)
    if tally.bad and on_error == "raise":
        raise InvalidData(f"the data of job {job.name!r}", tally.problems, tally.bad)
    return LoadReport(
        loaded=tally.loaded,
        skipped=tally.bad,
        duplicates=tally.duplicates,
        problems=tuple(tally.problems),
    )


def _load_batch(
    engine: Engine, job: Job, seen: JobCounter, checked: _Checked, by: MemberRef, tally: _Tally
) -> JobCounter:
    """Store rows of a draft, and return its counter afterwards; *seen* is the last row read."""
    with engine.transaction() as transaction:
        act = _may_take_rows(transaction, "load", job, by)
        new = _unknown(transaction, job, checked.rows)
        placed = loading_rules.places(job, seen, new, _values(transaction, job, new), draft=True)
        # packages are held before the counter, as everywhere; so their numbers are worked out with
        # the last one
        present = _hold_packages(transaction, seen, set(placed))
        if transaction.lock_job_counter(job.id) != seen:
            raise Conflict("Job", job.key)  # somebody else loads the same draft
        now = transaction.lock_job_for_adding(job.id)
        _must_take_rows("load", now)
        assignment = lookup.first(transaction.store, Query(Assignment, {"job": now.id}, limit=1))
        loading_rules.must_have_no_prelabels(now, assignment)
        batch = Batch(rows=new, placed=placed, present=present, rows_read=checked.rows_read)
        change = loading_rules.loaded("load", now, seen, batch, act)
        transaction.do(change)
        tally.stored(new, checked.rows)
        return transaction.as_stored(loading_rules.counter_after(change))


def _load_batch_together(
    engine: Engine, job: Job, seen: JobCounter, checked: _Checked, by: MemberRef, tally: _Tally
) -> JobCounter:
    """Store those rows of the same that nobody else, who loads the same data, has stored."""
    while seen.rows_read < checked.rows_read:
        try:
            return _load_batch(engine, job, seen, checked.behind(seen.rows_read), by, tally)
        except Conflict:  # the other one was faster, so this ends: there are fewer rows each time
            with engine.store.read() as reader:
                seen = reader.get(JobCounter, job.key)
    return seen


def _append_batch(
    engine: Engine, job: Job, good: list[Ready], by: MemberRef, tally: _Tally
) -> JobCounter:
    """Store rows in new packages, and return the job's counter as it is then."""
    with engine.transaction() as transaction:
        act = _may_take_rows(transaction, "append", job, by)
        # until the transaction ends nobody else gets a number, and the job does not finish without
        # these packages
        counter = transaction.lock_job_counter(job.id)
        now = transaction.lock_job_for_adding(job.id)
        _must_take_rows("append", now)
        new = _unknown(transaction, now, good)
        tally.stored(new, good)
        if not new:
            return counter
        placed = loading_rules.places(now, counter, new, {}, draft=False)
        batch = Batch(rows=new, placed=placed, rows_read=counter.rows_read)
        change = loading_rules.loaded("append", now, counter, batch, act)
        transaction.do(change)
        return transaction.as_stored(loading_rules.counter_after(change))


def _may_take_rows(transaction: Transaction, verb: str, job: Job, by: MemberRef) -> Act:
    """Return the act of *by*, after checking that they may load, and that the job can take rows.

    Raises:
        NotAllowed: when the member may not manage jobs.
        WrongState: when the job is in another state than *verb* is for.
    """
    now = transaction.job(job)
    act = transaction.allowed(now.workspace, by, Action.MANAGE_JOB, now)
    _must_take_rows(verb, now)
    return act


def _must_take_rows(verb: str, job: Job) -> None:
    JOB.advance(job.state, verb, JobAct(job=job), f"job {job.name!r}")


def rows_in(data: Data, format: str) -> Iterator[object]:
    """Return an iterator over rows, read by *format* unless they are rows already."""
    if (
        isinstance(data, str | os.PathLike)
        or hasattr(data, "readline")
        or hasattr(data, "__truediv__")
    ):
        return formats.find(format).read(cast(Source, data))
    return iter(cast("Iterable[object]", data))


def _checked(
    batch: list[tuple[int, object]], template: Template, job: Job, tally: _Tally
) -> _Checked:
    good, numbers = list[Ready](), list[int]()
    for number, item in batch:
        row = loading_rules.ready(item, number, template, job)
        if isinstance(row, Ready):
            good.append(row)
            numbers.append(number)
        else:
            tally.note(row)
    return _Checked(good, numbers, batch[-1][0])


def _unknown(transaction: Transaction, job: Job, rows: list[Ready]) -> list[Ready]:
    """Return the rows whose row key the job does not know yet, each key once."""
    if job.row_key is None:
        return rows
    by_key = {row.row_key: row for row in reversed(rows)}
    known = transaction.store.tally(
        Query(Task, {"job": job.id, "row_key": tuple(by_key)}), by=("row_key",)
    )
    return [row for row in rows if by_key[row.row_key] is row and (row.row_key,) not in known]


def _values(transaction: Transaction, job: Job, rows: list[Ready]) -> dict[str, int]:
    """Return which package of a draft has which value, of the values that *rows* name."""
    if not isinstance(job.packaging, GroupByField):
        return {}
    named = tuple({row.value for row in rows})
    found = transaction.store.find(Query(Package, {"job": job.id, "value": named}))
    return {package.value: package.number for package in found}


def _hold_packages(
    transaction: Transaction, counter: JobCounter, numbers: set[int]
) -> dict[int, Package]:
    """Lock those packages with these *numbers* that exist, in order, and return them."""
    known = [number for number in sorted(numbers) if number <= counter.packages]
    return {number: transaction.lock(Package, (counter.job, number)) for number in known}
