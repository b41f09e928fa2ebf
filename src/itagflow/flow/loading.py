"""Rows of data into a job: a draft's own, and what is appended later."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, cast

import attrs

from itagflow import formats
from itagflow.errors import Conflict, InvalidData, Problem
from itagflow.flow import _find
from itagflow.flow._act import Block, Shell
from itagflow.flow._find import JobRef, MemberRef
from itagflow.formats._files import Source
from itagflow.model.job import FieldBase, Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.rules import loading
from itagflow.rules.access import Action
from itagflow.rules.change import Act
from itagflow.rules.lifecycles import JOB, JobAct
from itagflow.rules.loading import Batch, LoadReport, Ready
from itagflow.storage.port import Query

Data = Source | Iterable[Row | str | Mapping[str, Any] | Problem]
"""A source that a format reads, or rows: mappings, JSON texts, or what a format's ``read`` yields."""
OnError = Literal["raise", "skip"]
Wrap = Callable[[Iterable[Any]], Iterable[Any]]
"""Wraps an iterable to show how far it is, such as ``tqdm`` or ``rich.progress.track``."""

KEPT = 1_000
"""How many problems a report or an error holds; all are counted."""


@attrs.frozen
class _Checked:
    """What was read of the data at once: its good rows, and how many rows were read with them."""

    rows: list[Ready]
    rows_read: int


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


class Loading(Shell):
    """The verbs that bring data into a job."""

    def load(
        self,
        job: JobRef,
        data: Data,
        *,
        by: MemberRef,
        format: str = "itag",
        on_error: OnError = "raise",
        progress: Wrap | None = None,
    ) -> LoadReport:
        """Load a draft's data, or go on with it where loading broke off.

        Rows are stored in blocks.  When the process ends between two, call it again with the same data: rows
        that were read before are passed over.

        Args:
            job: A job that is a draft.
            data: A path, an open binary file or place that *format* reads, or an iterable of rows.
            by: The member who loads.
            format: The format of a path, file or place.
            on_error: ``"raise"`` stores nothing from the block of the first bad row on, and raises;
                ``"skip"`` leaves bad rows out.
            progress: Wraps the iterable of rows, such as ``tqdm``.

        Raises:
            InvalidData: on bad rows; it lists the first 1,000 problems and counts all.
            WrongState: when the job is not a draft: `append` to it.
            NotAllowed: when *by* may not manage jobs.
        """
        return self._load("load", job, data, by, format, on_error, progress)

    def append(
        self,
        job: JobRef,
        data: Data,
        *,
        by: MemberRef,
        format: str = "itag",
        on_error: OnError = "raise",
        progress: Wrap | None = None,
    ) -> LoadReport:
        """Add rows to a job that is published; they form new packages, and a finished job runs again.

        Where the job has a row key, rows that it knows are left out, so a broken append is simply sent again.
        The arguments are those of `load`.

        Raises:
            InvalidData: on bad rows; it lists the first 1,000 problems and counts all.
            WrongState: when the job is a draft (`load` into it) or archived.
            NotAllowed: when *by* may not manage jobs.
        """
        return self._load("append", job, data, by, format, on_error, progress)

    def _load(
        self, verb: str, ref: JobRef, data: Data, by: MemberRef, format: str, on_error: OnError, progress: Wrap | None
    ) -> LoadReport:
        with self.store.read() as reader:
            job = _find.job(reader, ref)
            template = _find.template(reader, job.workspace, job.template)
            counter = reader.get(JobCounter, job.key)
        _must_take_rows(verb, job)
        rows = rows_in(data, format)
        passed_over = sum(1 for _ in islice(rows, counter.rows_read)) if verb == "load" else 0
        numbered = enumerate(progress(rows) if progress else rows, passed_over + 1)
        tally = _Tally()
        while batch := list(islice(numbered, loading.block_size(job, counter))):
            checked = _Checked(_checked(batch, template, job, tally), batch[-1][0])
            if on_error == "raise" and tally.bad:
                continue  # only what else is bad is still looked for
            if verb == "load":
                counter = self._load_batch(job, counter, checked, by, tally)
            else:
                counter = self._append_batch(job, checked.rows, by, tally)
        if tally.bad and on_error == "raise":
            raise InvalidData(f"the data of job {job.name!r}", tally.problems, tally.bad)
        return LoadReport(
            loaded=tally.loaded, skipped=tally.bad, duplicates=tally.duplicates, problems=tuple(tally.problems)
        )

    def _load_batch(self, job: Job, seen: JobCounter, checked: _Checked, by: MemberRef, tally: _Tally) -> JobCounter:
        """Store rows of a draft, which fill its packages, and return its counter as it is then; *seen* is the last."""
        with self._acting() as block:
            act = _may_take_rows(block, "load", job, by)
            new = _unknown(block, job, checked.rows)
            placed = loading.places(job, seen, new, _values(block, job, new), draft=True)
            # packages are held before the counter, as everywhere; so their numbers are worked out with the last one
            present = _hold_packages(block, seen, set(placed))
            if block.hold_counter(job.id) != seen:
                raise Conflict("Job", job.key)  # somebody else loads the same draft
            now = block.hold_job_to_open(job.id)
            _must_take_rows("load", now)
            turn = _find.first(block.store, Query(Assignment, {"job": now.id}, limit=1))
            loading.must_have_no_prelabels(now, turn)
            batch = Batch(rows=new, placed=placed, present=present, rows_read=checked.rows_read)
            change = loading.loaded("load", now, seen, batch, act)
            block.do(change)
            tally.stored(new, checked.rows)
            return block.as_stored(loading.counter_after(change))

    def _append_batch(self, job: Job, good: list[Ready], by: MemberRef, tally: _Tally) -> JobCounter:
        """Store rows in new packages, and return the job's counter as it is then."""
        with self._acting() as block:
            act = _may_take_rows(block, "append", job, by)
            # until the block ends nobody else gets a number, and the job does not finish without these packages
            counter = block.hold_counter(job.id)
            now = block.hold_job_to_open(job.id)
            _must_take_rows("append", now)
            new = _unknown(block, now, good)
            tally.stored(new, good)
            if not new:
                return counter
            placed = loading.places(now, counter, new, {}, draft=False)
            batch = Batch(rows=new, placed=placed, rows_read=counter.rows_read)
            change = loading.loaded("append", now, counter, batch, act)
            block.do(change)
            return block.as_stored(loading.counter_after(change))


def _may_take_rows(block: Block, verb: str, job: Job, by: MemberRef) -> Act:
    """Return the act of *by*, after checking that they may load, and that the job can take rows.

    Raises:
        NotAllowed: when the member may not manage jobs.
        WrongState: when the job is in another state than *verb* is for.
    """
    now = block.job(job)
    act = block.allowed(now.workspace, by, Action.MANAGE_JOB, now)
    _must_take_rows(verb, now)
    return act


def _must_take_rows(verb: str, job: Job) -> None:
    JOB.advance(job.state, verb, JobAct(job=job), f"job {job.name!r}")


def rows_in(data: Data, format: str) -> Iterator[object]:
    """Return an iterator over rows, read by *format* unless they are rows already."""
    if isinstance(data, str | os.PathLike) or hasattr(data, "readline") or hasattr(data, "__truediv__"):
        return formats.find(format).read(cast(Source, data))
    return iter(cast("Iterable[object]", data))


def _checked(batch: list[tuple[int, object]], template: Template, job: Job, tally: _Tally) -> list[Ready]:
    good = list[Ready]()
    for number, item in batch:
        row = loading.ready(item, number, template, job)
        if isinstance(row, Ready):
            good.append(row)
        else:
            tally.note(row)
    return good


def _unknown(block: Block, job: Job, rows: list[Ready]) -> list[Ready]:
    """Return the rows whose row key the job does not know yet, each key once."""
    if job.row_key is None:
        return rows
    by_key = {row.row_key: row for row in reversed(rows)}
    known = block.store.tally(Query(Task, {"job": job.id, "row_key": tuple(by_key)}), by=("row_key",))
    return [row for row in rows if by_key[row.row_key] is row and (row.row_key,) not in known]


def _values(block: Block, job: Job, rows: list[Ready]) -> dict[str, int]:
    """Return which package of a draft has which value, of the values that *rows* name."""
    if not isinstance(job.packaging, FieldBase):
        return {}
    named = tuple({row.value for row in rows})
    found = block.store.find(Query(Package, {"job": job.id, "value": named}))
    return {package.value: package.number for package in found}


def _hold_packages(block: Block, counter: JobCounter, numbers: set[int]) -> dict[int, Package]:
    """Return those packages with these *numbers* that are there already, held in the order in which everybody does."""
    known = [number for number in sorted(numbers) if number <= counter.packages]
    return {number: block.hold(Package, (counter.job, number)) for number in known}
