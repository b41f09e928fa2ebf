"""A part of a job: what one of many workers reads."""

from collections.abc import Callable
from typing import Any

import attrs

from itagflow.model.number import require_whole_number
from itagflow.reprs import show_fields


def _require_at_least(least: int) -> Callable[[object, "attrs.Attribute[Any]", object], None]:
    """Return what checks that a field is a task number or 0."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        require_whole_number("part", attribute.name, value, least=least)

    return check


@attrs.frozen(kw_only=True)
class JobPartition:
    """A range of the tasks of a job: a plain value that can go to any process or machine.

    >>> print(JobPartition(job=4, first=2001, last=3000, index=3, of=8))
    part 3 of 8: tasks 2001 to 3000
    >>> len(JobPartition(job=4, first=2001, last=3000))
    1000
    """

    job: int
    """The job's key."""
    first: int = attrs.field(validator=_require_at_least(1))
    """The number of the first task."""
    last: int = attrs.field(validator=_require_at_least(0))
    """The number of the last task; one below `first` when there is none."""
    index: int = 1
    """Which part it is, from 1."""
    of: int = 1
    """How many parts there are."""
    packages: tuple[int, int] | None = None
    """The first and last package verified with it; None in a part that `partition` did not make.

    Its tasks lie in any packages: a package may have tasks of many parts.
    """

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"part {self.index} of {self.of}: tasks {self.first} to {self.last}"

    __repr__ = show_fields
