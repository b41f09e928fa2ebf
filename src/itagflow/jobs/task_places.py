"""Which packages are named, by tasks, row keys or numbers, without reading what is in them.

With ``ignore_missing`` what the job does not have is passed over: other systems name tasks, too,
and theirs may be gone, or never have come here.  What cannot be a task of the job, such as a task
of another job, is refused in any case: that is a mistake of the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import PackageRef, TaskRef
from itagflow.errors import NotFound
from itagflow.jobs.priority_rules import format_stored_key
from itagflow.model.job import Job
from itagflow.model.number import is_whole
from itagflow.model.package import Package
from itagflow.model.task import Task, WorkItem
from itagflow.storage.port import Query

PAGE = 5_000
"""How many are looked up in one short transaction.

For this many row keys, PostgreSQL may go through all tasks of a job of some hundred thousand.
"""
T = TypeVar("T")


class TaskNumbers(NamedTuple):
    """A task by number, and its package: a tuple, since there may be very many."""

    task: int
    package: int


def find_by_number(
    engine: Engine, job: Job, refs: Iterable[TaskRef], *, ignore_missing: bool = False
) -> Iterator[TaskNumbers | None]:
    """Yield the place of each of these tasks of *job*, in their order.

    None stands for one that is not there, with *ignore_missing*.

    Raises:
        NotFound: when one is not there, or is no number, or a task of another job.
    """
    for page in _cut(refs):
        numbers = [lookup.number_in(job.id, ref) for ref in page]
        in_order = sorted(set(numbers))
        query = lookup.query_numbered(Task, job.id, in_order)
        with engine.store.read() as reader:
            tally = reader.tally(query, by=("number", "package"))
        packages = dict(cast("Iterable[tuple[int, int]]", tally.keys()))
        for ref, number in zip(page, numbers, strict=True):
            package = packages.get(number)
            task = ref.task if isinstance(ref, WorkItem) else ref
            # an object that is passed may be of a job that had this key before
            is_another = isinstance(task, Task) and task.package != package
            if package is not None and not is_another:
                yield TaskNumbers(number, package)
            elif ignore_missing:
                yield None
            else:
                raise NotFound("Task", (job.id, number))


def find_by_key(
    engine: Engine, job: Job, keys: Iterable[str | int], *, ignore_missing: bool = False
) -> Iterator[TaskNumbers | None]:
    """Yield the place of each task of *job* with one of these row keys, in their order.

    None stands for a key that no task has, with *ignore_missing*.

    Raises:
        NotFound: when no task has one of them.
    """
    for page in _cut(keys):
        stored = [format_stored_key(job, key) for key in page]
        where: dict[str, Any] = {
            "job": job.id,
            "row_key_text": tuple(text for text in stored if text is not None),
        }
        with engine.store.read() as reader:
            tally = reader.tally(Query(Task, where), by=("row_key_text", "number", "package"))
        places = {str(key): TaskNumbers(int(n), int(p)) for key, n, p in cast(Any, tally.keys())}
        for key, text in zip(page, stored, strict=True):
            place = None if text is None else places.get(text)
            if place is None and not ignore_missing:
                raise NotFound("Task", key)
            yield place


def find_packages(engine: Engine, job: Job, refs: Sequence[PackageRef | int]) -> list[int]:
    """Return the numbers of these packages of *job*: none of them ever goes before its job does.

    Raises:
        NotFound: when one is none of the job's.
    """
    numbers = [lookup.require_number(Package, ref) for ref in refs if is_whole(ref)]
    for page in _cut(numbers):
        where: dict[str, Any] = {"job": job.id, "number": tuple(page)}
        with engine.store.read() as reader:
            tally = reader.tally(Query(Package, where), by=("number",))
        for number in page:
            if (number,) not in tally:
                raise NotFound("Package", (job.id, number))
    # an object may be of a package that is there no more, and a pair may name its job in any way
    others = [ref for ref in refs if not is_whole(ref)]
    if others:
        with engine.store.read() as reader:
            numbers += [lookup.package_in(reader, job.id, ref).number for ref in others]
    return numbers


def _cut(values: Iterable[T]) -> Iterator[list[T]]:
    left = iter(values)
    while page := list(islice(left, PAGE)):
        yield page
