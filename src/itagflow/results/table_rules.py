"""Whether several jobs make one table, and where a page of it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast

import attrs

from itagflow.errors import InvalidData, NotFound, Problem
from itagflow.model.arguments import make_error
from itagflow.model.job import Job
from itagflow.model.number import is_whole
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.template import Template


@attrs.frozen
class TableSource:
    """One of the jobs, or parts of jobs, that a table is made of."""

    job: Job
    """The job."""
    template: Template
    """The template that its tasks are answered with."""
    part: JobPartition
    """The tasks that are meant; for a whole job those that it has when it is asked for."""


def require_one_table(sources: Sequence[TableSource]) -> None:
    """Check that the rows of *sources* have the same columns, and that no task is there twice.

    Raises:
        InvalidData: when they do not; it names the jobs and what differs.
    """
    first, *others = sources
    for index, other in enumerate(others, 1):
        if other.job.workspace != first.job.workspace:
            raise _make_error(first, other, "are in two workspaces: read each by itself")
        ours, theirs = _describe_questions(first.template), _describe_questions(other.template)
        if ours != theirs:
            reason = f"ask different questions, {ours} and {theirs}: read each by itself"
            raise _make_error(first, other, reason)
        for before in sources[:index]:
            if _overlap(before.part, other.part):
                raise InvalidData(
                    "the rows", [Problem("job", f"{other.job.name!r} is there twice")]
                )


def _make_error(first: TableSource, other: TableSource, reason: str) -> InvalidData:
    return InvalidData(
        "the rows", [Problem("job", f"{first.job.name!r} and {other.job.name!r} {reason}")]
    )


def _describe_questions(template: Template) -> list[str]:
    """Return what decides about the columns of a template's questions: their ids and titles."""
    return [
        f"{question.id} {question.title} ({question.kind.value})" for question in template.asked
    ]


def _overlap(one: JobPartition, other: JobPartition) -> bool:
    return one.job == other.job and one.first <= other.last and other.first <= one.last


def find_source(sources: Sequence[TableSource], after: Any) -> int:
    """Return which of *sources* a page goes on in that begins behind *after*.

    Raises:
        NotFound: when it belongs to none of them.
        InvalidData: when it does not say to which of several it belongs.
    """
    if len(sources) == 1 or after is None:
        return 0
    job, number = _get_place(after.task if isinstance(after, Result) else after)
    for index, source in enumerate(sources):
        is_same_job = job in (source.job.id, source.job.name, source.job)
        if is_same_job and source.part.first <= number <= source.part.last:
            return index
    raise NotFound("Task", (job, number))


def _get_place(task: object) -> tuple[Any, int]:
    """Return the job and the number of a task that is given as such, as a row or as both.

    Raises:
        InvalidData: when the job is not said, or the number is none.
    """
    given: Any = task
    job, number = None, None
    if isinstance(task, Task):
        job, number = task.job, task.number
    elif isinstance(task, Mapping):
        row = cast("Mapping[str, Any]", task)
        job, number = row.get("job"), row.get("task")
    elif _is_pair(task):
        job, number = task
    if job is None or not is_whole(number):
        reason = "must say which job it is of: a row, a Result, or (job, number)"
        raise make_error("the rows", "after", reason, given)
    return job, number


def _is_pair(value: object) -> TypeGuard[tuple[Any, Any]]:
    return isinstance(value, tuple) and len(cast("tuple[object, ...]", value)) == 2
