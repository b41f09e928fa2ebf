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
from itagflow.core.change import Context
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef
from itagflow.core.transaction import Transaction
from itagflow.errors import Conflict, InvalidData, Problem
from itagflow.formats._files import Source
from itagflow.jobs import loading_rules
from itagflow.jobs.loading_rules import PreparedRow, RowBatch
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.job import GroupByField, Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package
from itagflow.model.reports import LoadReport
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.storage.port import Query

Data = Source | Iterable[Row | str | Mapping[str, Any] | Problem]
"""A source that a format reads, or rows: mappings, JSON texts, or what ``read`` yields."""
OnError = Literal["raise", "skip"]
Wrap = Callable[[Iterable[Any]], Iterable[Any]]
"""Wraps an iterable to show how far it is, such as ``tqdm`` or ``rich.progress.track``."""

MAX_PROBLEMS = 1_000
"""How many problems a report or an error holds; all are counted."""


@attrs.frozen(kw_only=True)
class LoadSpec:
    """What is loaded into a job and how: what `create`, `load` and `append` are given."""

    data: Data
    """A source, or rows."""
    by: MemberRef
    """The member who loads."""
    format: str = "itag"
    """The format of a source."""
    on_error: OnError = "raise"
    """What to do about bad rows."""
    progress: Wrap | None = None
    """Wraps the iterable of rows."""
    shared: bool = False
    """Whether somebody else may load the same data into the same draft meanwhile: each stores the
    rows that the other has not stored."""


@attrs.frozen
class _CheckedRows:
    """What was read of the data at once: its good rows, and how many rows were read with them."""

    rows: list[PreparedRow]
    numbers: list[int]
    """The places of these rows in the data, from 1."""
    rows_read: int

    def without_first(self, rows_read: int) -> _CheckedRows:
        """Return the same without the rows up to this place."""
        start = bisect_right(self.numbers, rows_read)
        return attrs.evolve(self, rows=self.rows[start:], numbers=self.numbers[start:])


@attrs.define
class _LoadCounts:
    """How many rows were loaded or left out so far, and why."""

    loaded: int = 0
    duplicates: int = 0
    bad: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def count_rows(self, new: list[PreparedRow], good: list[PreparedRow]) -> None:
        """Count *new* rows, which are those of the *good* ones whose key was not known."""
        self.loaded += len(new)
        self.duplicates += len(good) - len(new)

    def count_bad_row(self, problems: list[Problem]) -> None:
        self.bad += 1
        # all are counted, but memory stays bounded when every row of a large file is bad
        self.problems += problems[: MAX_PROBLEMS - len(self.problems)]

    def make_report(self) -> LoadReport:
        return LoadReport(
            loaded=self.loaded,
            skipped=self.bad,
            duplicates=self.duplicates,
            problems=tuple(self.problems),
        )


@attrs.define(kw_only=True)
class _Loading:
    """A load that runs: rows of one source into one job."""

    engine: Engine
    job: Job
    """The job as it was when the load began; every transaction reads it again."""
    template: Template
    by: MemberRef
    counter: JobCounter
    """The job's counter as it was last read or stored."""
    counts: _LoadCounts = attrs.field(factory=_LoadCounts)


def load(engine: Engine, job: JobRef, spec: LoadSpec) -> LoadReport:
    """Load a draft's data, or go on with it where loading broke off."""
    loading = _begin(engine, "load", job, spec.by)
    rows = read_rows(spec.data, spec.format)
    # The counter says how many rows of the data were read and stored: a load that broke off goes on
    # behind them.  They are counted as they are passed over, so that places in messages stay right.
    passed_over = sum(1 for _ in islice(rows, loading.counter.rows_read))
    for checked in _check_in_batches(loading, rows, spec, passed_over):
        if spec.shared:
            _load_batch_together(loading, checked)
        else:
            _load_batch(loading, checked)
    return _end(loading, spec)


def append(engine: Engine, job: JobRef, spec: LoadSpec) -> LoadReport:
    """Add rows to a published job; they form new packages, and a finished job runs again."""
    loading = _begin(engine, "append", job, spec.by)
    rows = read_rows(spec.data, spec.format)
    for checked in _check_in_batches(loading, rows, spec, 0):
        _append_batch(loading, checked.rows)
    return _end(loading, spec)


def _begin(engine: Engine, operation: str, ref: JobRef, by: MemberRef) -> _Loading:
    """Return the load of rows into a job.

    Raises:
        WrongState: when the job is in another state than *operation* is for; before data is read.
    """
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        template = lookup.template(reader, job.workspace, job.template)
        counter = reader.get(JobCounter, job.key)
    _must_take_rows(operation, job)
    return _Loading(engine=engine, job=job, template=template, by=by, counter=counter)


def _end(loading: _Loading, spec: LoadSpec) -> LoadReport:
    """Return the report of a load of which every row was read.

    Raises:
        InvalidData: when there were bad rows that are not to be skipped.
    """
    counts = loading.counts
    if counts.bad and spec.on_error == "raise":
        raise InvalidData(f"the data of job {loading.job.name!r}", counts.problems, counts.bad)
    return counts.make_report()


def _check_in_batches(
    loading: _Loading, rows: Iterator[object], spec: LoadSpec, passed_over: int
) -> Iterator[_CheckedRows]:
    """Yield the good rows in batches, each of which is stored in one transaction."""
    shown = spec.progress(rows) if spec.progress else rows
    numbered = enumerate(shown, passed_over + 1)
    # asked again for each batch: where the size of packages follows the number of tasks, it grows
    while batch := list(islice(numbered, loading_rules.batch_size(loading.job, loading.counter))):
        checked = _check_rows(loading, batch)
        if spec.on_error == "raise" and loading.counts.bad:
            # Nothing more is stored, but all rows are checked: who mends the data wants to know of
            # all bad rows at once.
            continue
        yield checked


def _load_batch(loading: _Loading, checked: _CheckedRows) -> None:
    """Store rows of a draft.

    Raises:
        Conflict: when somebody else has loaded rows since the counter was read.
    """
    job, seen = loading.job, loading.counter
    with loading.engine.transaction() as transaction:
        ctx = _authorize(transaction, "load", loading)
        new = _find_unknown_rows(transaction, job, checked.rows)
        by_value = _find_packages_by_value(transaction, job, new)
        numbers = loading_rules.place_rows(job, seen, new, by_value, draft=True)
        # Packages are locked before the counter, as everywhere.  So their numbers are worked out
        # from the counter that was read last, and that it is still the same is checked below.
        existing = _lock_packages(transaction, seen, set(numbers))
        if transaction.lock_job_counter(job.id) != seen:
            raise Conflict("Job", job.key)  # somebody else loads the same draft
        draft = transaction.lock_job_for_adding(job.id)
        # asked again of the locked job: it may have been published since the load began
        _must_take_rows("load", draft)
        assignment = lookup.first(transaction.store, Query(Assignment, {"job": job.id}, limit=1))
        loading_rules.must_have_no_prelabels(draft, assignment)
        batch = RowBatch(rows=new, numbers=numbers, existing=existing, rows_read=checked.rows_read)
        change = loading_rules.make_load_change("load", draft, seen, batch, ctx)
        transaction.apply(change)
        counter = transaction.as_stored(loading_rules.counter_after(change))
    # only when it is stored: what is undone is tried again, and must not count twice
    loading.counter = counter
    loading.counts.count_rows(new, checked.rows)


def _load_batch_together(loading: _Loading, checked: _CheckedRows) -> None:
    """Store those rows of the batch that nobody else, who loads the same data, has stored."""
    while loading.counter.rows_read < checked.rows_read:
        try:
            _load_batch(loading, checked.without_first(loading.counter.rows_read))
        except Conflict:
            # The other one was faster.  This ends: each time `rows_read` is higher than before.
            with loading.engine.store.read() as reader:
                loading.counter = reader.get(JobCounter, loading.job.key)


def _append_batch(loading: _Loading, good: list[PreparedRow]) -> None:
    """Store rows in new packages."""
    with loading.engine.transaction() as transaction:
        ctx = _authorize(transaction, "append", loading)
        # Locked before anything is numbered: until the transaction ends nobody else gets a number,
        # and the job does not finish without these packages.
        counter = transaction.lock_job_counter(loading.job.id)
        job = transaction.lock_job_for_adding(loading.job.id)
        _must_take_rows("append", job)
        new = _find_unknown_rows(transaction, job, good)
        if new:
            numbers = loading_rules.place_rows(job, counter, new, {}, draft=False)
            batch = RowBatch(rows=new, numbers=numbers, rows_read=counter.rows_read)
            change = loading_rules.make_load_change("append", job, counter, batch, ctx)
            transaction.apply(change)
            counter = transaction.as_stored(loading_rules.counter_after(change))
    loading.counter = counter
    loading.counts.count_rows(new, good)


def _authorize(transaction: Transaction, operation: str, loading: _Loading) -> Context:
    """Return the context of who loads, after checking that they may and that the job takes rows.

    Raises:
        NotAllowed: when the member may not manage jobs.
        WrongState: when the job is in another state than *operation* is for.
    """
    job = transaction.job(loading.job)
    ctx = transaction.authorize(job.workspace, loading.by, Action.MANAGE_JOB, job)
    _must_take_rows(operation, job)
    return ctx


def _must_take_rows(operation: str, job: Job) -> None:
    JOB.advance(job.state, operation, JobCommand(job=job), f"job {job.name!r}")


def read_rows(data: Data, format: str) -> Iterator[object]:
    """Return an iterator over rows, read by *format* unless they are rows already."""
    is_path = isinstance(data, str | os.PathLike)
    # an open file, or a place of a library such as fsspec or importlib.resources
    if is_path or hasattr(data, "readline") or hasattr(data, "__truediv__"):
        return formats.find(format).read(cast(Source, data))
    return iter(cast("Iterable[object]", data))


def _check_rows(loading: _Loading, batch: list[tuple[int, object]]) -> _CheckedRows:
    good, numbers = list[PreparedRow](), list[int]()
    for number, item in batch:
        row = loading_rules.prepare_row(item, number, loading.template, loading.job)
        if isinstance(row, PreparedRow):
            good.append(row)
            numbers.append(number)
        else:
            loading.counts.count_bad_row(row)
    return _CheckedRows(good, numbers, batch[-1][0])


def _find_unknown_rows(
    transaction: Transaction, job: Job, rows: list[PreparedRow]
) -> list[PreparedRow]:
    """Return the rows whose row key the job does not know yet, each key once."""
    if job.row_key is None:
        return rows
    # from the last to the first, so that of rows with the same key the first is left
    by_key = {row.row_key: row for row in reversed(rows)}
    known = transaction.store.tally(
        Query(Task, {"job": job.id, "row_key": tuple(by_key)}), by=("row_key",)
    )
    return [row for row in rows if by_key[row.row_key] is row and (row.row_key,) not in known]


def _find_packages_by_value(
    transaction: Transaction, job: Job, rows: list[PreparedRow]
) -> dict[str, int]:
    """Return which package of a draft has which value, of the values that *rows* name."""
    if not isinstance(job.packaging, GroupByField):
        return {}
    values = tuple({row.value for row in rows})
    packages = transaction.store.find(Query(Package, {"job": job.id, "value": values}))
    return {package.value: package.number for package in packages}


def _lock_packages(
    transaction: Transaction, counter: JobCounter, numbers: set[int]
) -> dict[int, Package]:
    """Lock those packages with these *numbers* that exist, and return them."""
    # by number, which is the order in which everybody locks packages
    existing = [number for number in sorted(numbers) if number <= counter.packages]
    return {number: transaction.lock(Package, (counter.job, number)) for number in existing}
