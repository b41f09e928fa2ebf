"""A part of a job: what one of many workers reads."""

from collections.abc import Callable
from typing import Any, cast

import attrs

from itagflow.model.arguments import make_error, require_kind
from itagflow.model.number import require_whole_number, to_whole
from itagflow.reprs import show_fields


def _require_at_least(least: int) -> Callable[[object, "attrs.Attribute[Any]", object], None]:
    """Return what checks that a field is a task number or 0."""

    def check(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        require_whole_number("part", attribute.name, value, least=least)

    return check


def _require_last(part: Any, attribute: "attrs.Attribute[Any]", value: object) -> None:
    # attrs validates in the order of the fields: `first` was checked before
    require_whole_number("part", attribute.name, value, least=part.first - 1)


def _check_packages(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is None:
        return
    pair = cast("tuple[object, ...]", require_kind("part", attribute.name, value, tuple, _PAIR))
    if len(pair) != 2:
        raise make_error("part", attribute.name, f"must be {_PAIR}", pair)
    for number in pair:
        require_whole_number("part", attribute.name, number, least=0)


_PAIR = "the numbers of the first and the last package, or None"


@attrs.frozen(kw_only=True)
class JobPartition:
    """A range of the tasks of a job: a plain value that can go to any process or machine.

    >>> print(JobPartition(job=4, first=2001, last=3000, index=3, of=8))
    part 3 of 8: tasks 2001 to 3000
    >>> len(JobPartition(job=4, first=2001, last=3000))
    1000
    """

    job: int = attrs.field(converter=to_whole)
    """The job's key."""
    first: int = attrs.field(converter=to_whole, validator=_require_at_least(1))
    """The number of the first task."""
    last: int = attrs.field(converter=to_whole, validator=_require_last)
    """The number of the last task; one below `first` when there is none."""
    index: int = attrs.field(default=1, converter=to_whole, validator=_require_at_least(1))
    """Which part it is, from 1."""
    of: int = attrs.field(default=1, converter=to_whole, validator=_require_at_least(1))
    """How many parts there are."""
    packages: tuple[int, int] | None = attrs.field(default=None, validator=_check_packages)
    """The first and last package verified with it; None in a part that `partition` did not make.

    Its tasks lie in any packages: a package may have tasks of many parts.
    """

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"part {self.index} of {self.of}: tasks {self.first} to {self.last}"

    __repr__ = show_fields
