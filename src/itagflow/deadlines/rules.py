"""Due times: which packages get another one, and which time counts where a call names several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from itagflow.errors import InvalidData, Problem
from itagflow.model.copying import evolve
from itagflow.model.package import Package
from itagflow.printing import format_repr

DueTimes = Mapping[int, datetime | None]
"""When each package is due, by its number; None: never."""


def join_due_times(named: Iterable[tuple[int, datetime | None, str]]) -> DueTimes:
    """Return the due time of each package, of (number, time, how the caller named it).

    Raises:
        InvalidData: when a package is named twice, such as by two of its tasks, with different
            times; it lists every one.
    """
    times: dict[int, datetime | None] = {}
    problems: list[Problem] = []
    for number, due, name in named:
        if times.setdefault(number, due) != due:
            reason = f"is in package {number}, which is given another time too"
            problems.append(Problem(name, reason))
    if problems:
        raise InvalidData("packages.set_due", problems)
    return times


def change_due(packages: Sequence[Package], times: DueTimes) -> list[tuple[Package, Package]]:
    """Return those of *packages* whose due time differs from *times*, before and after.

    What was done about the time before counts no more.
    """
    # what has its time already stays as it is: the call may have been sent again
    return [
        (package, evolve(package, due=times[package.number], overdue_at=None))
        for package in packages
        if package.due != times[package.number]
    ]


def is_overdue(package: Package, at: datetime) -> bool:
    """Return whether there is still work to come on *package*, and its due time has passed."""
    return package.has_deadline and package.due is not None and package.due <= at


def describe_key(key: object) -> str:
    """Return how a message names a key of a mapping by package or task."""
    return f"due[{format_repr(key)}]"
