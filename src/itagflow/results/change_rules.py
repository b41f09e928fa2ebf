"""Which results may have changed behind a position: those of the packages that events are about."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import attrs

from itagflow.errors import Problem
from itagflow.model.event import LOADING, Event
from itagflow.model.export import Export
from itagflow.model.result import Result
from itagflow.model.selection import Selection
from itagflow.model.task import Task, TaskState
from itagflow.printing import format_repr
from itagflow.results.selection_rules import is_selected, is_task_selected

BLOCK = 500
"""How many packages are read at once."""
ERASED, WITHDRAWN, UNSELECTED = "erased", "withdrawn", "unselected"
"""Why a task is no longer in the files of a job."""

_WITHOUT_EFFECT = frozenset(
    {
        *("acknowledge", "archive", "comment", "create_job", "export", "finish", "pause"),
        *("prioritize", "publish", "renew", "reopen_comment", "resolve_comment", "resume"),
        *("set_due", "set_validator", "snapshot", "drop_snapshot"),
    }
)
"""The types of events that leave all results of a job as they were."""
_ABOUT_SECRETS = frozenset({"set_workforce", "update_job"})
"""Those that change only what is shown to one member and not to another."""


@attrs.define
class Changes:
    """The packages of a job of which something may have changed; it is filled event by event.

    Of a package that an event is about, all results may have changed.  An event that is about the
    whole job, and not known to leave results alone, may have changed every result.
    """

    for_member: bool = False
    """Whether a member reads, who does not see everything."""
    is_everything: bool = False
    """Whether all results may have changed."""
    first_new: int | None = None
    """The number of the first package that was loaded meanwhile; None: none was."""
    _marks: bytearray = attrs.field(factory=bytearray)
    """A byte for each package: millions of numbers would need more memory."""

    def apply(self, event: Event) -> None:
        """Note what *event* may have changed."""
        if event.type in LOADING:
            first, last = event.data["packages"]
            self._mark(first, last)
            self.first_new = min(first, self.first_new or first)
        elif event.package:
            if event.type not in _WITHOUT_EFFECT:
                self._mark(event.package, event.package)
        elif event.type in _ABOUT_SECRETS:
            self.is_everything |= self.for_member
        elif event.type not in _WITHOUT_EFFECT:
            self.is_everything = True

    def _mark(self, first: int, last: int) -> None:
        missing = last + 1 - len(self._marks)
        if missing > 0:
            self._marks.extend(bytes(missing))
        self._marks[first : last + 1] = b"\1" * (last + 1 - first)

    def take_block(self, start: int) -> tuple[int, ...]:
        """Return the numbers of the next packages that may have changed, from *start* on.

        >>> changes = Changes()
        >>> changes.take_block(1)
        ()
        """
        marked = (n for n in range(start, len(self._marks)) if self._marks[n])
        return tuple(islice(marked, BLOCK))

    def is_new(self, task: Task) -> bool:
        """Return whether *task* was loaded meanwhile: no earlier file can have it."""
        return self.first_new is not None and task.package >= self.first_new


def may_have_been_selected(task: Task, selection: Selection | None) -> bool:
    """Return whether an earlier file can have *task*: its package and its data never change."""
    if selection is None:
        return True
    if task.erased:  # what its data was is not known any more
        return selection.package in (None, task.package)
    return is_task_selected(selection, task)


def find_removal(result: Result, selection: Selection | None) -> str:
    """Return why a file does not have the task of *result*; empty when it has."""
    if result.task.erased:
        return ERASED
    if result.state is TaskState.WITHDRAWN:
        return WITHDRAWN
    if selection is not None and not is_selected(selection, result):
        return UNSELECTED
    return ""


def build_removal(result: Result, reason: str) -> Result:
    """Return what an increment has of a task that is no longer in the file: nothing that was said.

    Args:
        result: The task with its result.
        reason: Why it is not.
    """
    task = attrs.evolve(result.task, row='{"data":{}}')
    return Result(
        task=task,
        state=result.state,
        stages={},
        became=result.became,
        revision=result.revision,
        removed=reason,
    )


def find_differences(export: Export, wanted: Mapping[str, Any]) -> list[Problem]:
    """Return what the export that another one goes on from has differently.

    Args:
        export: The earlier one.
        wanted: What this one has, by the name of the field.
    """
    return [
        Problem(
            "since",
            f"is an export with the {name} {format_repr(getattr(export, name))}, "
            f"and this one has {format_repr(value)}",
        )
        for name, value in wanted.items()
        if getattr(export, name) != value
    ]
