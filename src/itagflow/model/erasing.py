"""What an erasure by a field of the data has found and done."""

from itertools import chain
from typing import Any, cast

import attrs

from itagflow.model.arguments import make_error
from itagflow.model.export import Export
from itagflow.model.number import to_whole, validate_whole
from itagflow.printing import format_count
from itagflow.reprs import show_line


def _each_is(kind: type[object], wanted: str) -> Any:
    """Return an attrs validator for a tuple of values of *kind*."""

    def check(owner: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        items = cast("tuple[object, ...]", value) if isinstance(value, tuple) else None
        if items is None or not all(isinstance(item, kind) for item in items):
            raise make_error(type(owner).__name__, attribute.name, f"must be {wanted}", value)

    return check


@attrs.frozen(kw_only=True)
class TasksOfJob:
    """Some tasks of a job, by number.

    >>> TasksOfJob(job=7, name="cats", tasks=(range(1, 4), range(9, 10))).count
    4
    """

    job: int
    """The job."""
    name: str
    """What it is called."""
    tasks: tuple[range, ...] = attrs.field(validator=_each_is(range, "a tuple of ranges"))
    """The numbers of the tasks, ascending, as ranges."""

    @property
    def count(self) -> int:
        """How many they are."""
        return sum(map(len, self.tasks))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers, one by one."""
        return tuple(chain.from_iterable(self.tasks))

    def __repr__(self) -> str:
        return show_line(self, self.name, format_count(self.count, "task"))


@attrs.frozen(kw_only=True)
class EraseReport:
    """What ``maintenance.erase_where`` has erased, and where the same data may be still.

    >>> cats = TasksOfJob(job=7, name="cats", tasks=(range(1, 4),))
    >>> print(EraseReport(jobs=(cats,), erased_before=1))
    erased 3 tasks of 1 job, 1 of them before; no export holds them
    """

    jobs: tuple[TasksOfJob, ...] = attrs.field(
        default=(), validator=_each_is(TasksOfJob, "a tuple of TasksOfJob")
    )
    """The tasks that are erased, by job; with ``dry_run`` those that would be."""
    erased_before: int = attrs.field(default=0, converter=to_whole, validator=validate_whole(0))
    """How many of them an earlier call with the same field and value has erased."""
    drafts: tuple[TasksOfJob, ...] = attrs.field(
        default=(), validator=_each_is(TasksOfJob, "a tuple of TasksOfJob")
    )
    """The tasks of drafts, which are not erased: these can be deleted."""
    exports: tuple[Export, ...] = attrs.field(
        default=(), validator=_each_is(Export, "a tuple of Export")
    )
    """The exports whose files hold some of the erased tasks, an entry for each job of a file."""
    dry_run: bool = False
    """Whether nothing was erased, and this only says what would be."""

    @property
    def count(self) -> int:
        """How many tasks are erased, or would be."""
        return sum(tasks.count for tasks in self.jobs)

    def __str__(self) -> str:
        verb = "would erase" if self.dry_run else "erased"
        jobs = format_count(len(self.jobs), "job")
        phrase = f"{verb} {format_count(self.count, 'task')} of {jobs}"
        if self.erased_before:
            phrase += f", {self.erased_before} of them before"
        hold = "holds" if len(self.exports) == 1 else "hold"
        exports = format_count(len(self.exports), "export") if self.exports else "no export"
        parts = [phrase, f"{exports} {hold if self.exports else 'holds'} them"]
        if self.drafts:
            left = format_count(sum(tasks.count for tasks in self.drafts), "task")
            drafts = format_count(len(self.drafts), "draft")
            parts.append(f"{left} of {drafts} left: delete the drafts")
        return "; ".join(parts)

    def __repr__(self) -> str:
        return show_line(self, self)
