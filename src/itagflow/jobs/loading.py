"""Rows of data into a job: a draft's own, and what is appended later."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Literal

import attrs

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show_rest
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef
from itagflow.core.transaction import Transaction
from itagflow.errors import Conflict, InvalidData, Problem
from itagflow.formats._port import FormatRef
from itagflow.jobs import loading_rules, row_rules
from itagflow.jobs.loading_rules import NO_TERMS, QueueTerms, RowBatch
from itagflow.jobs.row_rules import PreparedRow
from itagflow.jobs.row_sources import Data, must_have_rows, read_rows
from itagflow.jobs.staffing import require_people_again
from itagflow.lifecycle.tables import JOB, JobCommand
from itagflow.model.change import Context
from itagflow.model.event import Event
from itagflow.model.job import (
    Job,
    JobState,
)
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package
from itagflow.model.packaging import (
    GroupByField,
)
from itagflow.model.reports import MAX_PROBLEMS, LeftOut, LoadReport, build_load_report, join_ranges
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.model.text import format_value
from itagflow.storage.port import Condition, Query, Span, SupportsStatistics

MANY = 10_000
"""So many rows in one load may make the statistics of a database wrong."""

OnError = Literal["raise", "skip"]


@attrs.frozen(kw_only=True)
class LoadSpec:
    """What is loaded into a job and how: what `create`, `load` and `append` are given."""

    data: Data
    """A source, or rows."""
    by: MemberRef
    """The member who loads."""
    format: FormatRef = "itag"
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
    """What was read of the data at once: its good rows, its bad ones, and how many were read."""

    rows: list[PreparedRow]
    numbers: list[int]
    """The places of these rows in the data, from 1."""
    bad: list[tuple[int, list[Problem]]]
    """The places of the bad rows, and what is wrong with them."""
    rows_read: int

    def without_first(self, rows_read: int) -> _CheckedRows:
        """Return the same without the rows up to this place."""
        start = bisect_right(self.numbers, rows_read)
        return attrs.evolve(
            self,
            rows=self.rows[start:],
            numbers=self.numbers[start:],
            bad=[row for row in self.bad if row[0] > rows_read],
        )


@attrs.define
class _LoadCounts:
    """Which tasks were made so far, and which rows were left out, and why."""

    tasks: list[range] = attrs.field(factory=list[range])
    skipped: int = 0
    known: int = 0
    duplicates: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def add(self, first: int, loaded: int, left_out: LeftOut) -> None:
        """Count what one transaction has stored: tasks from number *first* on."""
        self.tasks.append(range(first, first + loaded))
        self.skipped += left_out.skipped
        self.known += left_out.known
        self.duplicates += left_out.duplicates
        self.problems += left_out.problems

    def count_bad_rows(self, checked: _CheckedRows) -> LeftOut:
        """Return the bad rows of *checked*, with as many problems as there is still room for."""
        problems = [problem for _, wrong in checked.bad for problem in wrong]
        # all are counted, but memory stays bounded when every row of a large file is bad
        room = MAX_PROBLEMS - len(self.problems)
        return LeftOut(skipped=len(checked.bad), problems=tuple(problems[:room]))

    def make_report(self) -> LoadReport:
        return LoadReport(
            tasks=join_ranges(self.tasks),
            skipped=self.skipped,
            known=self.known,
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
    wrapped: bool | None = None
    """Whether the first good mapping has its fields in ``data``; None when there was none yet."""
    counts: _LoadCounts = attrs.field(factory=_LoadCounts)


def load(engine: Engine, job: JobRef, spec: LoadSpec) -> LoadReport:
    """Load a draft's data, or go on with it where loading broke off."""
    loading = _begin(engine, "load", job, spec)
    rows = read_source(loading.job, loading.template, spec)
    passed_over = _pass_over(loading, rows)
    for checked in _check_in_batches(loading, rows, spec, passed_over):
        if spec.shared:
            _load_batch_together(loading, checked)
        else:
            _load_batch(loading, checked)
    _end(loading, spec)
    return loading.counts.make_report()


def read_report(engine: Engine, job: Job) -> LoadReport:
    """Return what loading the first data of a job has done so far, by its events.

    Also what was loaded before the load broke off, and by others who loaded the same data.
    """
    events = Query(
        Event, {"job": job.id, "type": ("load", "import"), "package": 0}, order=("position",)
    )
    return build_load_report(event.data for event in lookup.iterate_query(engine.store, events))


def append(engine: Engine, job: JobRef, spec: LoadSpec, terms: QueueTerms = NO_TERMS) -> LoadReport:
    """Add rows to a published job; they form new packages, and a finished job runs again."""
    loading = _begin(engine, "append", job, spec)
    rows = read_source(loading.job, loading.template, spec)
    for checked in _check_in_batches(loading, rows, spec, 0):
        _append_batch(loading, checked, terms)
    _end(loading, spec)
    return loading.counts.make_report()


def _begin(engine: Engine, operation: str, ref: JobRef, spec: LoadSpec) -> _Loading:
    """Return the load of rows into a job.

    Raises:
        InvalidData: when an argument is not one of its values.
        WrongState: when the job is in another state than *operation* is for; before data is read.
    """
    must_be_valid(spec)
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        template = lookup.template(reader, job.workspace, job.template)
        counter = reader.get(JobCounter, job.key)
    _must_take_rows(operation, job)
    return _Loading(engine=engine, job=job, template=template, by=spec.by, counter=counter)


def must_be_valid(spec: LoadSpec) -> None:
    """Check what `create`, `load` and `append` were told about the data.

    Raises:
        InvalidData: when it is none of the values that there are.
    """
    if spec.on_error not in ("raise", "skip"):
        reason = f"must be 'raise' or 'skip', not {format_value(spec.on_error)}"
        raise InvalidData("the data", [Problem("on_error", reason)])
    if spec.progress is not None and not callable(spec.progress):
        reason = f"must wrap an iterable, such as tqdm, not {format_value(spec.progress)}"
        raise InvalidData("the data", [Problem("progress", reason)])
    must_have_rows(spec.data, spec.format)


def read_source(job: Job, template: Template, spec: LoadSpec) -> Iterator[object]:
    """Return an iterator over the rows that *spec* has for *job*, which asks *template*."""
    fields = sorted(row_rules.find_required_fields(template, job))
    return read_rows(spec.data, spec.format, template=template, fields=fields)


def _pass_over(loading: _Loading, rows: Iterator[object]) -> int:
    """Pass over the rows that were read and stored before, and return how many there are.

    The counter says it: a load that broke off goes on behind them.  They are counted as they are
    passed over, so that places in messages stay right.
    """
    passed_over = 0
    for item in islice(rows, loading.counter.rows_read):
        passed_over += 1
        # read again only until one says whether rows have their fields in `data`
        if loading.wrapped is None and row_rules.is_wrapped(item) is not None:
            _prepare_row(loading, item, passed_over)
    return passed_over


def _prepare_row(loading: _Loading, item: object, number: int) -> PreparedRow | list[Problem]:
    """Return the row that *item* is, or its problems; the first good mapping decides for all."""
    row = row_rules.prepare_row(
        item, number, loading.template, loading.job, wrapped=loading.wrapped
    )
    if loading.wrapped is None and isinstance(row, PreparedRow):
        loading.wrapped = row_rules.is_wrapped(item)
    return row


def _end(loading: _Loading, spec: LoadSpec) -> None:
    """Check a load of which every row was read, and let the store know that it was a large one.

    Raises:
        InvalidData: when there were bad rows that are not to be skipped.
    """
    counts, store = loading.counts, loading.engine.store
    if sum(map(len, counts.tasks)) >= MANY and isinstance(store, SupportsStatistics):
        store.gather_statistics()
    if counts.skipped and spec.on_error == "raise":
        raise loading_rules.make_rows_error(loading.job, counts.problems, counts.skipped)


def _check_in_batches(
    loading: _Loading, rows: Iterator[object], spec: LoadSpec, passed_over: int
) -> Iterator[_CheckedRows]:
    """Yield the good rows in batches, each of which is stored in one transaction."""
    numbered = enumerate(show_rest(rows, spec.progress), passed_over + 1)
    # asked again for each batch: where the size of packages follows the number of tasks, it grows
    while batch := list(islice(numbered, loading_rules.batch_size(loading.job, loading.counter))):
        checked = _check_rows(loading, batch)
        if spec.on_error == "raise" and (checked.bad or loading.counts.skipped):
            # Nothing more is stored, but all rows are checked: whoever corrects the data wants to
            # know of all bad rows at once.
            loading.counts.add(0, 0, loading.counts.count_bad_rows(checked))
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
        new, left_out = _find_unknown_rows(transaction, loading, checked)
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
        batch = RowBatch(
            rows=new,
            numbers=numbers,
            existing=existing,
            rows_read=checked.rows_read,
            left_out=left_out,
        )
        change = loading_rules.make_load_change("load", draft, seen, batch, ctx)
        transaction.apply(change)
        counter = transaction.as_stored(loading_rules.counter_after(change))
    # only when it is stored: what is undone is tried again, and must not count twice
    loading.counts.add(seen.tasks + 1, len(new), left_out)
    loading.counter = counter


def _load_batch_together(loading: _Loading, checked: _CheckedRows) -> None:
    """Store those rows of the batch that nobody else, who loads the same data, has stored."""
    while loading.counter.rows_read < checked.rows_read:
        try:
            _load_batch(loading, checked.without_first(loading.counter.rows_read))
        except Conflict:
            # The other one was faster.  This ends: each time `rows_read` is higher than before.
            with loading.engine.store.read() as reader:
                loading.counter = reader.get(JobCounter, loading.job.key)


def _append_batch(loading: _Loading, checked: _CheckedRows, terms: QueueTerms) -> None:
    """Store rows in new packages.

    Raises:
        Incomplete: when a finished job would run again, and too few members may do the work.
    """
    with loading.engine.transaction() as transaction:
        ctx = _authorize(transaction, "append", loading)
        # Locked before anything is numbered: until the transaction ends nobody else gets a number,
        # and the job does not finish without these packages.
        before = counter = transaction.lock_job_counter(loading.job.id)
        job = transaction.lock_job_for_adding(loading.job.id)
        _must_take_rows("append", job)
        new, left_out = _find_unknown_rows(transaction, loading, checked)
        if new:
            require_people_again(transaction, job, "append")
            numbers = loading_rules.place_rows(job, counter, new, {}, draft=False)
            batch = RowBatch(
                rows=new,
                numbers=numbers,
                rows_read=counter.rows_read,
                left_out=left_out,
                terms=terms,
            )
            change = loading_rules.make_load_change("append", job, counter, batch, ctx)
            transaction.apply(change)
            counter = transaction.as_stored(loading_rules.counter_after(change))
    # only when it is stored: what is undone is tried again, and must not count twice
    loading.counts.add(before.tasks + 1, len(new), left_out)
    loading.counter = counter


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


def _check_rows(loading: _Loading, batch: list[tuple[int, object]]) -> _CheckedRows:
    good: list[PreparedRow] = []
    numbers: list[int] = []
    bad: list[tuple[int, list[Problem]]] = []
    for number, item in batch:
        row = _prepare_row(loading, item, number)
        if isinstance(row, PreparedRow):
            good.append(row)
            numbers.append(number)
        else:
            bad.append((number, row))
    return _CheckedRows(good, numbers, bad, batch[-1][0])


def _find_unknown_rows(
    transaction: Transaction, loading: _Loading, checked: _CheckedRows
) -> tuple[list[PreparedRow], LeftOut]:
    """Return the rows whose row key the job does not know yet, each key once, and the others."""
    rows, left_out = checked.rows, loading.counts.count_bad_rows(checked)
    if loading.job.row_key is None:
        return rows, left_out
    # from the last to the first, so that of rows with the same key the first is left
    by_key = {row.row_key: row for row in reversed(rows)}
    stored = _find_keys(transaction, {"job": loading.job.id, "row_key_text": tuple(by_key)})
    new = [row for row in rows if by_key[row.row_key] is row and row.row_key not in stored]
    known = 0
    # a draft has the rows of this data only: what it knows came twice in them
    if stored and loading.job.state is not JobState.DRAFT:
        before = stored - _find_own_keys(transaction, loading, stored)
        known = sum(row.row_key in before for row in rows)
    duplicates = len(rows) - len(new) - known
    return new, attrs.evolve(left_out, known=known, duplicates=duplicates)


def _find_keys(transaction: Transaction, where: dict[str, Condition]) -> set[str]:
    tally = transaction.store.tally(Query(Task, where), by=("row_key_text",))
    return {str(key) for (key,) in tally}


def _find_own_keys(transaction: Transaction, loading: _Loading, stored: set[str]) -> set[str]:
    """Return which of these row keys are of tasks that this call has made."""
    own: set[str] = set()
    for numbers in join_ranges(loading.counts.tasks):
        made = Span(numbers.start, numbers.stop - 1)
        own |= _find_keys(
            transaction, {"job": loading.job.id, "row_key_text": tuple(stored), "number": made}
        )
    return own


def _find_packages_by_value(
    transaction: Transaction, job: Job, rows: list[PreparedRow]
) -> dict[str, Package]:
    """Return the last package of a draft with each value, of the values that *rows* name."""
    if not isinstance(job.packaging, GroupByField):
        return {}
    values = tuple({row.value for row in rows})
    query = Query(Package, {"job": job.id, "value": values}, order=("number",))
    # a large group has several, of which only the last has room: later ones replace earlier ones
    return {package.value: package for package in transaction.store.find(query)}


def _lock_packages(
    transaction: Transaction, counter: JobCounter, numbers: set[int]
) -> dict[int, Package]:
    """Lock those packages with these *numbers* that exist, and return them."""
    # by number, which is the order in which everybody locks packages
    existing = [number for number in sorted(numbers) if number <= counter.packages]
    return {number: transaction.lock(Package, (counter.job, number)) for number in existing}
