"""How rows become tasks: numbered, and put into packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.jobs.row_rules import PreparedRow
from itagflow.jobs.rules import reopen_finished
from itagflow.jobs.skill_rules import find_skill_field
from itagflow.model.change import Change, Context, Saved, record
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package
from itagflow.model.packaging import (
    FixedSize,
    GroupByField,
    PackageCount,
)
from itagflow.model.reports import LeftOut
from itagflow.model.task import Task
from itagflow.reviewing.rules import count_votes


@attrs.frozen(kw_only=True)
class QueueTerms:
    """How new packages wait: the same for all of one call."""

    priority: float = 0
    """Higher comes first in the queue."""
    due: datetime | None = None
    """When their work should be done."""


NO_TERMS = QueueTerms()
"""Nothing sets them apart."""

ROWS_PER_TRANSACTION = 5_000
"""About how many rows are stored in one transaction.

More would keep writers waiting longer, and lose more of a load that breaks off; the cost of a
commit is spread over enough rows as it is.
"""


def must_have_no_prelabels(job: Job, assignment: Assignment | None) -> None:
    """Check that the draft *job* can take more rows; *assignment* is any assignment of it.

    Raises:
        NotAllowed: when pre-labels have come to its packages, which may have gone on.
    """
    if assignment is not None:
        raise NotAllowed(
            "", "load more rows", f"job {job.name!r} has pre-labels: publish it, then append"
        )


def make_rows_error(job: Job, problems: Sequence[Problem], bad_rows: int) -> InvalidData:
    """Return the error for rows that cannot be loaded, of which so many are bad."""
    return InvalidData(f"the data of job {job.name!r}", problems, bad_rows)


def batch_size(job: Job, counter: JobCounter) -> int:
    """Return how many rows are stored in one transaction: whole packages of a fixed size."""
    size = _package_size(job, counter)
    if size is None:
        return ROWS_PER_TRANSACTION
    # rounded down to whole packages, so that no package grows in a later transaction
    return max(size, ROWS_PER_TRANSACTION // size * size)


def _package_size(job: Job, counter: JobCounter) -> int | None:
    """Return the size of the packages that appended rows form, or None when a field names them."""
    match job.packaging:
        case FixedSize(size):
            return size
        case PackageCount(packages):
            return max(1, -(-counter.tasks // packages))  # rounded up, as the draft's packages are
        case GroupByField():
            return None


def place_rows(
    job: Job,
    counter: JobCounter,
    rows: Sequence[PreparedRow],
    by_value: Mapping[str, Package],
    *,
    draft: bool,
) -> list[int]:
    """Return the number of the package of each row, in order.

    *by_value* is the last package of each value of the field.  A draft goes on filling its
    packages; what is appended later forms new ones.
    """
    numbers = range(counter.tasks, counter.tasks + len(rows))
    match job.packaging:
        case FixedSize(size) if draft:
            return [number // size + 1 for number in numbers]
        case PackageCount(packages) if draft:
            # dealt out in turn: how many rows will come is not known, and sizes differ by one
            return [number % packages + 1 for number in numbers]
        case GroupByField(max_size=max_size):
            filled = [(each.value, each.number, each.size) for each in by_value.values() if draft]
            groups = {value: _Group(number, size) for value, number, size in filled}
            return _place_by_value(rows, groups, counter.packages, max_size)
        case _:
            size = _package_size(job, counter) or 1
            return [counter.packages + 1 + index // size for index in range(len(rows))]


def count_packages(job: Job, tasks: int, group_sizes: Iterable[int]) -> int:
    """Return how many packages a draft has with so many tasks, in groups of these sizes."""
    match job.packaging:
        case FixedSize(size):
            return -(-tasks // size)  # rounded up
        case PackageCount(packages):
            return min(tasks, packages)
        case GroupByField(max_size=max_size):
            return sum(1 if max_size is None else -(-size // max_size) for size in group_sizes)


@attrs.define
class _Group:
    """The package that rows of one value go to, as it is filled."""

    number: int
    size: int


def _place_by_value(
    rows: Sequence[PreparedRow], groups: dict[str, _Group], last: int, max_size: int | None
) -> list[int]:
    """Return the package of each row; *last* is the last package, *groups* those of each value."""
    numbers: list[int] = []
    for row in rows:
        group = groups.get(row.value)
        if group is None or group.size == max_size:
            # a group that is too large is cut: its next rows go to a package of their own
            last += 1
            group = groups[row.value] = _Group(last, 0)
        group.size += 1
        numbers.append(group.number)
    return numbers


@attrs.frozen(kw_only=True)
class RowBatch:
    """Rows that are stored together, and where they go."""

    rows: Sequence[PreparedRow]
    """The rows."""
    numbers: Sequence[int]
    """The number of the package of each."""
    existing: Mapping[int, Package] = attrs.field(factory=dict[int, Package])
    """Those packages that exist already, by number."""
    rows_read: int
    """How many rows of the job's first data have been read with these."""
    left_out: LeftOut = attrs.field(factory=LeftOut)
    """The rows that were read with these, and not loaded."""
    terms: QueueTerms = NO_TERMS
    """How the new packages wait."""


def make_load_change(
    operation: str, job: Job, counter: JobCounter, batch: RowBatch, ctx: Context
) -> Change:
    """Return the change that stores rows as tasks, with packages and the job's counter.

    Raises:
        WrongState: when the job is in another state than *operation* is for.
    """
    first = counter.tasks + 1
    placed = zip(batch.rows, batch.numbers, strict=True)
    tasks = tuple(
        Task(job=job.id, number=number, package=package, row=row.text, row_key_text=row.row_key)
        for number, (row, package) in enumerate(placed, first)
    )
    new, grown = _fill_packages(job, batch, first, ctx.at)
    last_package = max((counter.packages, *batch.numbers))
    after = attrs.evolve(
        counter,
        tasks=counter.tasks + len(batch.rows),
        packages=last_package,
        rows_read=batch.rows_read,
    )
    save = (*grown, (counter, after), *reopen_finished(job, operation))
    # Ranges, not lists: one event may stand for thousands of rows.
    data: dict[str, Any] = {
        "rows": [first, after.tasks],
        "packages": [counter.packages + 1, last_package],
        **batch.left_out.to_data(),
    }
    return record(ctx, operation, about=job, add=(*new, *tasks), save=save, data=data)


def counter_after(change: Change) -> JobCounter:
    """Return the job's counter as a change by `make_load_change` leaves it."""
    return next(after for _, after in change.save if isinstance(after, JobCounter))


def _fill_packages(
    job: Job, batch: RowBatch, first: int, at: datetime
) -> tuple[list[Package], list[Saved]]:
    """Return the packages that are new, and those that have grown, with tasks from *first* on."""
    runs: dict[int, _Run] = {}
    values: dict[int, str] = {}
    for task, (row, number) in enumerate(zip(batch.rows, batch.numbers, strict=True), first):
        run = runs.get(number)
        if run is None:
            runs[number] = _Run(task, 1, task)
        else:
            run.add(task)
        values[number] = row.value
    new = list[Package]()
    needs_skill = bool(find_skill_field(job.workflow))
    in_lots = job.workflow.has_lots
    for number, run in runs.items():
        if number in batch.existing:
            continue
        votes = count_votes(job, number)
        package = Package(
            job=job.id,
            number=number,
            free=votes,
            votes=votes,
            waiting_since=at,
            priority=batch.terms.priority,
            due=batch.terms.due,
            size=run.size,
            first_task=run.first if run.is_consecutive else 0,
            value=values[number],
            needs_skill=needs_skill,
            in_lots=in_lots,
        )
        new.append(package)
    grown: list[Saved] = [
        (package, _grow(package, runs[number])) for number, package in batch.existing.items()
    ]
    return new, grown


@attrs.define
class _Run:
    """The rows that a package gets at once."""

    first: int
    """The number of the first task."""
    size: int
    last: int

    def add(self, task: int) -> None:
        self.size += 1
        self.last = task

    @property
    def is_consecutive(self) -> bool:
        return self.last - self.first == self.size - 1


def _grow(package: Package, run: _Run) -> Package:
    """Return *package* with the tasks of *run*, too."""
    goes_on = run.is_consecutive and package.first_task + package.size == run.first
    first = package.first_task if goes_on else 0
    return attrs.evolve(package, size=package.size + run.size, first_task=first)
