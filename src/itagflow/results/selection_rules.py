"""Whether a task is one of those that a ``Selection`` means."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow import jsontext
from itagflow.model.job import Stage
from itagflow.model.package import LABELING, PASSING
from itagflow.model.result import Provenance, Result
from itagflow.model.selection import Selection
from itagflow.model.task import Task
from itagflow.validation.answers import has_label


def is_task_selected(selection: Selection, task: Task) -> bool:
    """Return whether *task* meets the conditions that need none of its answers.

    *selection* names its package by number.
    """
    if selection.package not in (None, task.package):
        return False
    if not selection.field:
        return True
    data = task.data
    return all(
        name in data and format_field(data[name]) == text for name, text in selection.field.items()
    )


def is_selected(selection: Selection, result: Result) -> bool:
    """Return whether the task of *result* meets all conditions of *selection*.

    *selection* names its package by number, and its member by key.
    """
    if selection.state not in (None, result.state):
        return False
    if selection.label is not None and not has_label(result.replies, selection.label):
        return False
    if asks_about_work(selection) and not any(
        is_work_selected(selection, work) for work in iterate_work(result)
    ):
        return False
    return is_task_selected(selection, result.task)


def asks_about_work(selection: Selection) -> bool:
    """Return whether some condition is about the work that a result comes from."""
    conditions = (
        *(selection.stage, selection.member, selection.since, selection.until),
        *(selection.template_version, selection.guideline_version),
    )
    return any(condition is not None for condition in conditions)


def iterate_work(result: Result) -> Iterator[Provenance]:
    """Yield the work that *result* comes from: its newest labeling, and the reviews it passed."""
    label = result.stages.get(Stage.LABEL)
    if label is None:
        return  # it is not labeled, or is being labeled again
    for entry in result.provenance:
        if not entry.inspected or entry.round < label.round:
            continue
        if entry.outcome in LABELING or entry.outcome in PASSING:
            yield entry


def is_work_selected(selection: Selection, work: Provenance) -> bool:
    """Return whether one assignment that a task went through meets all conditions about work."""
    stage = selection.stage
    has_version = (selection.template_version, selection.guideline_version) != (None, None)
    if stage is None and has_version:
        # by which rules a task was labeled is asked, and not by which it was checked later
        stage = Stage.LABEL
    return (
        stage in (None, work.stage)
        and selection.member in (None, work.member)
        and (selection.since is None or work.at >= selection.since)
        and (selection.until is None or work.at < selection.until)
        and selection.template_version in (None, work.template_version)
        and selection.guideline_version in (None, work.guideline_version)
    )


def format_field(value: object) -> str:
    """Return the text of a data field: a value that is no text as JSON.

    >>> format_field("north"), format_field(7), format_field(None)
    ('north', '7', 'null')
    """
    return value if isinstance(value, str) else jsontext.dumps(value)
