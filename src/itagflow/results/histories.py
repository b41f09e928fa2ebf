"""What was ever said about some tasks, read from a store in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from itagflow.core.visibility import Access
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer, Task
from itagflow.results.rules import Case, cases_in, counted, sort_assignments
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader, Span


def said_about(reader: Reader, job: int, tasks: Sequence[int]) -> dict[int, dict[int, Answer]]:
    """Return every answer about these tasks."""
    said: dict[int, dict[int, Answer]] = {number: {} for number in tasks}
    whole = bool(tasks) and tasks[-1] - tasks[0] == len(tasks) - 1
    numbers = Span(tasks[0], tasks[-1]) if whole else tuple(tasks)
    for answer in reader.find(Query(Answer, {"job": job, "task": numbers})) if tasks else ():
        said[answer.task][answer.assignment] = answer
    return said


def numbers_in(reader: Reader, package: Package) -> list[int]:
    """Return the numbers of the tasks of *package*, in order, without reading the tasks."""
    query = Query(Task, {"job": package.job, "package": package.number})
    return sorted(
        number for (number,) in reader.tally(query, by=("number",)) if isinstance(number, int)
    )


def recount(
    reader: Reader,
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    new: Iterable[Answer] = (),
) -> Package:
    """Return *package* with its counts, given its assignments and *new* answers to be stored."""
    answers = said_about(reader, job.id, numbers_in(reader, package))
    for answer in new:
        answers[answer.task][answer.assignment] = answer
    return counted(package, cases_in(job, package, assignments, answers))


def describe_replaced(*old: Answer | None) -> dict[str, Any]:
    """Return answers as the history keeps them once they are replaced, by task number."""
    return {str(answer.task): codec.to_json(answer) for answer in old if answer is not None}


def cases_of(
    reader: Reader, job: Job, tasks: Sequence[Task], access: Access | None = None
) -> Iterator[Case]:
    """Yield the case of each task; *tasks* are sorted by number, of one or several packages.

    With *access* it is without the votes that are secret from the one who reads.
    """
    named = tuple({task.package for task in tasks})
    packages = {p.number: p for p in reader.find(Query(Package, {"job": job.id, "number": named}))}
    found: Sequence[Assignment] = list(
        reader.find(Query(Assignment, {"job": job.id, "package": named}))
    )
    if access is not None:
        found = access.without_secrets(job, packages.values(), found)
    assignments: dict[int, list[Assignment]] = defaultdict(list)
    for assignment in found:
        assignments[assignment.package].append(assignment)
    ordered = {number: sort_assignments(here) for number, here in assignments.items()}
    said = said_about(reader, job.id, [task.number for task in tasks])
    for task in tasks:
        yield Case(
            job,
            packages[task.package],
            ordered.get(task.package, []),
            said[task.number],
            task.number,
        )
