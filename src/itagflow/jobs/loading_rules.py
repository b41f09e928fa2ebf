"""How rows become tasks: checked, numbered, and put into packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import attrs

from itagflow import jsontext
from itagflow.core.change import Change, Context, Saved, record
from itagflow.errors import NotAllowed, Problem
from itagflow.jobs.rules import reopen_finished
from itagflow.jsontext import standard
from itagflow.model.job import (
    FixedSize,
    GroupByField,
    Job,
    PackageCount,
)
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.model.text import find_key_error, find_text_error

MAX_ROW_CHARACTERS = 4 * 1024 * 1024
"""How long a row's JSON text may be; larger data belongs in a file that the row points to."""

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character as JSON escapes it; behind an escaped backslash it is only text."""

MAX_DEPTH = 200
"""How deep the lists and objects of a row may be nested; Python's stack sets a limit."""

ROWS_PER_TRANSACTION = 5_000
"""About how many rows are stored in one transaction.

More would keep writers waiting longer, and lose more of a load that breaks off; the cost of a
commit is spread over enough rows as it is.
"""


@attrs.frozen
class PreparedRow:
    """A row that can become a task."""

    text: str
    """Its JSON text."""
    row_key: str
    """What tells it apart, if the job has a row key."""
    value: str
    """The value of the field that names its package, as JSON; see `GroupByField`."""


def prepare_row(
    item: object, number: int, template: Template, job: Job
) -> PreparedRow | list[Problem]:
    """Return *item* as a row that can become a task, or everything that is wrong with it.

    *item* is a `Row`, a JSON text, a mapping, or the problem that a reader found; *number* is its
    place in the source, from 1.
    """
    if isinstance(item, Problem):
        return [item]
    where = f"row {number}"
    if isinstance(item, Row) and item.line:
        where = f"line {item.line}"  # what an editor shows: a file may have empty lines
    text = _text(item)
    if isinstance(text, str) and len(text) > MAX_ROW_CHARACTERS:
        reason = f"is {len(text)} characters long; at most {MAX_ROW_CHARACTERS} are allowed"
        return [Problem(where, reason)]
    try:
        if isinstance(item, Mapping):
            content: Any = cast(Any, item)
        else:
            content = jsontext.loads(text or "")
        if text is None:
            # What a mapping holds may be anything.  The standard library refuses what is not JSON;
            # msgspec would write some of it.
            text = standard.dumps(item)
    except (ValueError, TypeError, RecursionError) as error:
        return [Problem(where, f"is not JSON: {error}")]
    problems = _row_problems(where, text, content, template, job)
    if problems:
        return problems
    return _prepare_valid_row(where, text, content["data"], job)


def _prepare_valid_row(
    where: str, text: str, data: Mapping[str, Any], job: Job
) -> PreparedRow | list[Problem]:
    """Return the row with what tells it apart, or what is wrong with that."""
    key = value = ""
    try:
        if job.row_key:
            key = _as_key(data[job.row_key])
        if isinstance(job.packaging, GroupByField):
            value = standard.dumps(data[job.packaging.field])
    except ValueError:
        # 1e400 and 1e500 are both read as infinite, and would be taken for the same
        reason = "a number that no float can hold names the row or its package"
        return [Problem(f"{where}, data", reason)]
    # the row itself was checked as its text, where such characters are escaped
    wrong = find_key_error(key) or find_key_error(value)
    if wrong:
        return [Problem(f"{where}, data", f"a field that names rows or packages {wrong}")]
    return PreparedRow(text, key, value)


def _text(item: object) -> str | None:
    """Return the JSON text of a row, or None when it has to be made from a mapping."""
    if isinstance(item, Row):
        return item.text
    if isinstance(item, str):
        return item.strip()
    if isinstance(item, Mapping):
        return None
    return repr(item)  # no row at all: the message shows it


def _row_problems(
    where: str, text: str, content: Any, template: Template, job: Job
) -> list[Problem]:
    if not isinstance(content, Mapping):
        return [Problem(where, "must be a JSON object with the field 'data'")]
    data: Any = cast("Mapping[str, Any]", content).get("data")
    if not isinstance(data, Mapping):
        reason = "is missing" if data is None else "must be an object of fields"
        return [Problem(f"{where}, data", reason)]
    if _is_too_deep(text, content):
        return [Problem(where, f"is nested more than {MAX_DEPTH} deep")]
    # An escaped NUL is as bad as the character: what reads the row later gets it.  `in` goes first,
    # for it is many times faster than the pattern, and nearly no row has one.
    has_escaped_nul = "\\u0000" in text and _ESCAPED_NUL.search(text)
    wrong = find_text_error("\0" if has_escaped_nul else text)
    if wrong:
        return [Problem(where, wrong)]
    required = set(template.fields)
    if job.row_key:
        required.add(job.row_key)
    if isinstance(job.packaging, GroupByField):
        required.add(job.packaging.field)
    missing = required.difference(cast("Mapping[str, Any]", data))
    return [Problem(f"{where}, data.{field}", "is missing") for field in sorted(missing)]


def _is_too_deep(text: str, content: Any) -> bool:
    # every level opens with one of these: nearly all rows are known to be flat without a walk
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level: list[Any] = [content]
    # level by level and not by recursion, which itself would reach Python's limit
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(value, dict | list | tuple) for value in level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    if isinstance(value, list | tuple):
        return cast("list[Any]", value)
    return ()


def _as_key(value: object) -> str:
    if isinstance(value, str):
        return value
    # Always written by the standard library, however rows are read: keys are compared with those
    # that are stored, and another writer may write the same number differently.
    return standard.dumps(value)


def must_have_no_prelabels(job: Job, assignment: Assignment | None) -> None:
    """Check that the draft *job* can take more rows; *assignment* is any assignment of it.

    Raises:
        NotAllowed: when pre-labels have come to its packages, which may have gone on.
    """
    if assignment is not None:
        raise NotAllowed(
            "", "load more rows", f"job {job.name!r} has pre-labels: publish it, then append"
        )


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
    by_value: Mapping[str, int],
    *,
    draft: bool,
) -> list[int]:
    """Return the number of the package of each row, in order.

    *by_value* says which package has which value of the field.  A draft goes on filling its
    packages; what is appended later forms new ones.
    """
    numbers = range(counter.tasks, counter.tasks + len(rows))
    match job.packaging:
        case FixedSize(size) if draft:
            return [number // size + 1 for number in numbers]
        case PackageCount(packages) if draft:
            # dealt out in turn: how many rows will come is not known, and sizes differ by one
            return [number % packages + 1 for number in numbers]
        case GroupByField():
            return _place_by_value(rows, dict(by_value) if draft else {}, counter.packages)
        case _:
            size = _package_size(job, counter) or 1
            return [counter.packages + 1 + index // size for index in range(len(rows))]


def _place_by_value(rows: Sequence[PreparedRow], by_value: dict[str, int], last: int) -> list[int]:
    numbers = list[int]()
    for row in rows:
        if row.value not in by_value:
            last += 1
            by_value[row.value] = last
        numbers.append(by_value[row.value])
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
        Task(job=job.id, number=number, package=package, row=row.text, row_key=row.row_key)
        for number, (row, package) in enumerate(placed, first)
    )
    new, grown = _fill_packages(job, batch, ctx.at)
    last_package = max((counter.packages, *batch.numbers))
    after = attrs.evolve(
        counter,
        tasks=counter.tasks + len(batch.rows),
        packages=last_package,
        rows_read=batch.rows_read,
    )
    save = (*grown, (counter, after), *reopen_finished(job, operation))
    # Ranges, not lists: one event may stand for thousands of rows.
    data = {"rows": [first, after.tasks], "packages": [counter.packages + 1, last_package]}
    return record(ctx, operation, about=job, add=(*new, *tasks), save=save, data=data)


def counter_after(change: Change) -> JobCounter:
    """Return the job's counter as a change by `make_load_change` leaves it."""
    return next(after for _, after in change.save if isinstance(after, JobCounter))


def _fill_packages(job: Job, batch: RowBatch, at: datetime) -> tuple[list[Package], list[Saved]]:
    """Return the packages that are new, and those that have grown."""
    sizes: dict[int, int] = {}
    values: dict[int, str] = {}
    for row, number in zip(batch.rows, batch.numbers, strict=True):
        sizes[number] = sizes.get(number, 0) + 1
        values[number] = row.value
    votes = job.workflow.label.votes
    new = [
        Package(
            job=job.id, number=number, free=votes, waiting_since=at, size=size, value=values[number]
        )
        for number, size in sizes.items()
        if number not in batch.existing
    ]
    grown: list[Saved] = [
        (package, attrs.evolve(package, size=package.size + sizes[number]))
        for number, package in batch.existing.items()
    ]
    return new, grown
