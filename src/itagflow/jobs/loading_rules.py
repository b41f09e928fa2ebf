"""How rows become tasks: checked, numbered, and put into packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import attrs

from itagflow import jsontext
from itagflow.core.change import (
    Act,
    Change,
    Saved,
    record,
)
from itagflow.errors import NotAllowed, Problem
from itagflow.jobs.rules import brought_back
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
from itagflow.model.text import flaw, key_flaw

MAX_ROW_CHARACTERS = 4 * 1024 * 1024
"""How long a row's JSON text may be; larger data belongs in a file that the row points to."""

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character as JSON escapes it; behind an escaped backslash it is only text."""

MAX_DEPTH = 200
"""How deep the lists and objects of a row may be nested; Python's stack sets a limit."""

BLOCK = 5_000
"""About how many rows are stored as one transaction."""


@attrs.frozen
class Ready:
    """A row that can become a task."""

    text: str
    """Its JSON text."""
    row_key: str
    """What tells it apart, if the job has a row key."""
    value: str
    """The value of the field that names its package (FIELD_BASE), as JSON."""


def ready(item: object, number: int, template: Template, job: Job) -> Ready | list[Problem]:
    """Return *item* as a row that can become a task, or everything that is wrong with it.

    *item* is a `Row`, a JSON text, a mapping, or the problem that a reader found; *number* is its
    place in the source, from 1.
    """
    where = f"line {item.line}" if isinstance(item, Row) and item.line else f"row {number}"
    if isinstance(item, Problem):
        return [item]
    text = _text(item)
    if isinstance(text, str) and len(text) > MAX_ROW_CHARACTERS:
        return [
            Problem(
                where, f"is {len(text)} characters long; at most {MAX_ROW_CHARACTERS} are allowed"
            )
        ]
    try:
        content: Any = cast(Any, item) if isinstance(item, Mapping) else jsontext.loads(text or "")
        # what a mapping holds may be anything: the standard library refuses what is not JSON, and
        # msgspec writes it
        text = standard.dumps(item) if text is None else text
    except (ValueError, TypeError, RecursionError) as error:
        return [Problem(where, f"is not JSON: {error}")]
    if found := _row_problems(where, text, content, template, job):
        return found
    data, packaging = content["data"], job.packaging
    try:
        key = _as_key(data[job.row_key]) if job.row_key else ""
        value = standard.dumps(data[packaging.field]) if isinstance(packaging, GroupByField) else ""
    except ValueError:  # 1e400 and 1e500 are both read as infinite, and would be taken for the same
        return [
            Problem(
                f"{where}, data", "a number that no float can hold names the row or its package"
            )
        ]
    if wrong := key_flaw(key) or key_flaw(value):  # the row itself has it escaped
        return [Problem(f"{where}, data", f"a field that names rows or packages {wrong}")]
    return Ready(text, key, value)


def _text(item: object) -> str | None:
    """Return the JSON text of a row, or None when it has to be made from a mapping."""
    if isinstance(item, Row):
        return item.text
    if isinstance(item, str):
        return item.strip()
    return None if isinstance(item, Mapping) else repr(item)


def _row_problems(
    where: str, text: str, content: Any, template: Template, job: Job
) -> list[Problem]:
    if not isinstance(content, Mapping):
        return [Problem(where, "must be a JSON object with the field 'data'")]
    data: Any = cast("Mapping[str, Any]", content).get("data")
    if not isinstance(data, Mapping):
        return [
            Problem(
                f"{where}, data", "is missing" if data is None else "must be an object of fields"
            )
        ]
    if _is_too_deep(text, content):
        return [Problem(where, f"is nested more than {MAX_DEPTH} deep")]
    escaped = "\\u0000" in text and _ESCAPED_NUL.search(text)  # `in` is much faster
    if wrong := flaw("\0" if escaped else text):
        return [Problem(where, wrong)]
    wanted = set(template.fields)
    if job.row_key:
        wanted.add(job.row_key)
    if isinstance(job.packaging, GroupByField):
        wanted.add(job.packaging.field)
    lacking = wanted.difference(cast("Mapping[str, Any]", data))
    return [Problem(f"{where}, data.{field}", "is missing") for field in sorted(lacking)]


def _is_too_deep(text: str, content: Any) -> bool:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level: list[Any] = [content]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(value, dict | list | tuple) for value in level)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("list[Any]", value) if isinstance(value, list | tuple) else ()


def _as_key(value: object) -> str:
    # always spelled by the standard library: keys are compared with those that are stored
    return value if isinstance(value, str) else standard.dumps(value)


def must_have_no_prelabels(job: Job, assignment: Assignment | None) -> None:
    """Check that the draft *job* can take more rows; *assignment* is any assignment of it.

    Raises:
        NotAllowed: when pre-labels have come to its packages, which may have gone on.
    """
    if assignment is not None:
        raise NotAllowed(
            "nobody", "load more rows", f"job {job.name!r} has pre-labels: publish it, then append"
        )


def block_size(job: Job, counter: JobCounter) -> int:
    """Return how many rows are stored in one transaction: whole packages of a fixed size."""
    size = _fixed_size(job, counter)
    return BLOCK if size is None else max(size, BLOCK // size * size)


def _fixed_size(job: Job, counter: JobCounter) -> int | None:
    """Return the size of the packages that appended rows form, or None when a field names them."""
    match job.packaging:
        case FixedSize(size):
            return size
        case PackageCount(packages):
            return max(1, -(-counter.tasks // packages))
        case GroupByField():
            return None


def places(
    job: Job, counter: JobCounter, rows: Sequence[Ready], known: Mapping[str, int], *, draft: bool
) -> list[int]:
    """Return the number of the package of each row, in order.

    *known* says which package has which value (FIELD_BASE).  A draft goes on filling its packages;
    what is appended later forms new ones.
    """
    numbers = range(counter.tasks, counter.tasks + len(rows))
    match job.packaging:
        case FixedSize(size) if draft:
            return [number // size + 1 for number in numbers]
        case PackageCount(packages) if draft:
            return [number % packages + 1 for number in numbers]
        case GroupByField():
            return _by_value(rows, dict(known) if draft else {}, counter.packages)
        case _:
            size = _fixed_size(job, counter) or 1
            return [counter.packages + 1 + index // size for index in range(len(rows))]


def _by_value(rows: Sequence[Ready], found: dict[str, int], last: int) -> list[int]:
    placed = list[int]()
    for row in rows:
        if row.value not in found:
            last += 1
            found[row.value] = last
        placed.append(found[row.value])
    return placed


@attrs.frozen(kw_only=True)
class Batch:
    """Rows that are stored together, and where they go."""

    rows: Sequence[Ready]
    """The rows."""
    placed: Sequence[int]
    """The number of the package of each."""
    present: Mapping[int, Package] = attrs.field(factory=dict[int, Package])
    """Those packages that exist already, by number."""
    rows_read: int
    """How many rows of the job's first data have been read with these."""


def loaded(verb: str, job: Job, counter: JobCounter, batch: Batch, act: Act) -> Change:
    """Return the change that stores rows as tasks, with packages and the job's counter.

    Raises:
        WrongState: when the job is in another state than *verb* is for.
    """
    rows, placed = batch.rows, batch.placed
    tasks = tuple(
        Task(job=job.id, number=number, package=package, row=row.text, row_key=row.row_key)
        for number, (row, package) in enumerate(zip(rows, placed, strict=True), counter.tasks + 1)
    )
    new, grown = _packages(job, batch, act.at)
    last = max((counter.packages, *placed))
    after = attrs.evolve(
        counter, tasks=counter.tasks + len(rows), packages=last, rows_read=batch.rows_read
    )
    save = (*grown, (counter, after), *brought_back(job, verb))
    data = {"rows": [counter.tasks + 1, after.tasks], "packages": [counter.packages + 1, last]}
    return record(act, verb, about=job, add=(*new, *tasks), save=save, data=data)


def counter_after(change: Change) -> JobCounter:
    """Return the job's counter as a change by `loaded` leaves it."""
    return next(after for _, after in change.save if isinstance(after, JobCounter))


def _packages(job: Job, batch: Batch, at: datetime) -> tuple[list[Package], list[Saved]]:
    sizes: dict[int, int] = {}
    values: dict[int, str] = {}
    for row, number in zip(batch.rows, batch.placed, strict=True):
        sizes[number] = sizes.get(number, 0) + 1
        values[number] = row.value
    votes = job.workflow.label.votes
    new = [
        Package(
            job=job.id, number=number, free=votes, waiting_since=at, size=size, value=values[number]
        )
        for number, size in sizes.items()
        if number not in batch.present
    ]
    grown: list[Saved] = [
        (package, attrs.evolve(package, size=package.size + sizes[number]))
        for number, package in batch.present.items()
    ]
    return new, grown
