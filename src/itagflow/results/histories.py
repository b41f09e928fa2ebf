"""What was ever said about some tasks, read from a store in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from itagflow.core.visibility import Access
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer, Task
from itagflow.results.rules import Case, sort_assignments
from itagflow.storage.port import Query, Reader, Span

AnswersByTask = Mapping[int, Mapping[int, Answer]]
"""Answers by the number of their task, then by the id of their assignment."""


def read_answers(reader: Reader, job: int, tasks: Sequence[int]) -> dict[int, dict[int, Answer]]:
    """Return every answer about these tasks."""
    said: dict[int, dict[int, Answer]] = {number: {} for number in tasks}
    whole = bool(tasks) and tasks[-1] - tasks[0] == len(tasks) - 1
    numbers = Span(tasks[0], tasks[-1]) if whole else tuple(tasks)
    for answer in reader.find(Query(Answer, {"job": job, "task": numbers})) if tasks else ():
        said[answer.task][answer.assignment] = answer
    return said


def read_task_numbers(reader: Reader, package: Package) -> list[int]:
    """Return the numbers of the tasks of *package*, in order, without reading the tasks."""
    query = Query(Task, {"job": package.job, "package": package.number})
    return sorted(
        number for (number,) in reader.tally(query, by=("number",)) if isinstance(number, int)
    )


def build_cases(
    job: Job, package: Package, assignments: Sequence[Assignment], said: AnswersByTask
) -> Iterator[Case]:
    """Yield the case of each task of *package* in *said*."""
    ordered = sort_assignments(assignments)
    return (Case(job, package, ordered, answers, number) for number, answers in said.items())


def read_cases(
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
    said = read_answers(reader, job.id, [task.number for task in tasks])
    for task in tasks:
        yield Case(
            job,
            packages[task.package],
            ordered.get(task.package, []),
            said[task.number],
            task.number,
        )
