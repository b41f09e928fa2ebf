"""Which packages are named, by tasks, row keys or numbers, without reading what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

import attrs

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

PAGE = 2_000
"""How many are looked up in one short transaction."""
T = TypeVar("T")


@attrs.frozen
class TaskPlace:
    """A task by number, and its package."""

    task: int
    package: int


def find_by_number(engine: Engine, job: Job, refs: Sequence[TaskRef]) -> Iterator[TaskPlace]:
    """Yield the place of each of these tasks of *job*, in their order.

    Raises:
        NotFound: when one is none of the job's.
    """
    for page in _cut(refs):
        numbers = [lookup.number_in(job.id, ref) for ref in page]
        where: dict[str, Any] = {"job": job.id, "number": tuple(numbers)}
        with engine.store.read() as reader:
            tally = reader.tally(Query(Task, where), by=("number", "package"))
        packages = dict(cast("Iterable[tuple[int, int]]", tally.keys()))
        for ref, number in zip(page, numbers, strict=True):
            package = packages.get(number)
            task = ref.task if isinstance(ref, WorkItem) else ref
            # an object that is passed may be of a job that had this key before
            is_another = isinstance(task, Task) and task.package != package
            if package is None or is_another:
                raise NotFound("Task", (job.id, number))
            yield TaskPlace(number, package)


def find_by_key(engine: Engine, job: Job, keys: Sequence[str | int]) -> Iterator[TaskPlace]:
    """Yield the place of each task of *job* with one of these row keys, in their order.

    Raises:
        NotFound: when there is none.
    """
    for page in _cut(keys):
        stored = [format_stored_key(job, key) for key in page]
        where: dict[str, Any] = {"job": job.id, "row_key_text": tuple(stored)}
        with engine.store.read() as reader:
            tally = reader.tally(Query(Task, where), by=("row_key_text", "number", "package"))
        places = {str(key): TaskPlace(int(n), int(p)) for key, n, p in cast(Any, tally.keys())}
        for key, text in zip(page, stored, strict=True):
            if text not in places:
                raise NotFound("Task", key)
            yield places[text]


def find_packages(engine: Engine, job: Job, refs: Sequence[PackageRef | int]) -> list[int]:
    """Return the numbers of these packages of *job*.

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


def _cut(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), PAGE):
        yield values[start : start + PAGE]
