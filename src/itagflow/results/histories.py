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
    answers: dict[int, dict[int, Answer]] = {number: {} for number in tasks}
    is_consecutive = bool(tasks) and tasks[-1] - tasks[0] == len(tasks) - 1
    numbers = Span(tasks[0], tasks[-1]) if is_consecutive else tuple(tasks)
    for answer in reader.find(Query(Answer, {"job": job, "task": numbers})) if tasks else ():
        answers[answer.task][answer.assignment] = answer
    return answers


def read_task_numbers(reader: Reader, package: Package) -> list[int]:
    """Return the numbers of the tasks of *package*, in order, without reading the tasks."""
    query = Query(Task, {"job": package.job, "package": package.number})
    return sorted(
        number for (number,) in reader.tally(query, by=("number",)) if isinstance(number, int)
    )


def build_cases(
    job: Job, package: Package, assignments: Sequence[Assignment], task_answers: AnswersByTask
) -> Iterator[Case]:
    """Yield the case of each task of *package* in *said*."""
    ordered = sort_assignments(assignments)
    return (
        Case(job, package, ordered, task_answers, number)
        for number, task_answers in task_answers.items()
    )


def read_cases(
    reader: Reader, job: Job, tasks: Sequence[Task], access: Access | None = None
) -> Iterator[Case]:
    """Yield the case of each task; *tasks* are sorted by number, of one or several packages.

    With *access* it is without the votes that are secret from the one who reads.
    """
    numbers = tuple({task.package for task in tasks})
    packages = {
        package.number: package
        for package in reader.find(Query(Package, {"job": job.id, "number": numbers}))
    }
    visible: Sequence[Assignment] = list(
        reader.find(Query(Assignment, {"job": job.id, "package": numbers}))
    )
    if access is not None:
        visible = access.without_secrets(job, packages.values(), visible)
    assignments: dict[int, list[Assignment]] = defaultdict(list)
    for assignment in visible:
        assignments[assignment.package].append(assignment)
    ordered = {
        number: sort_assignments(package_assignments)
        for number, package_assignments in assignments.items()
    }
    answers = read_answers(reader, job.id, [task.number for task in tasks])
    for task in tasks:
        yield Case(
            job,
            packages[task.package],
            ordered.get(task.package, []),
            answers[task.number],
            task.number,
        )
