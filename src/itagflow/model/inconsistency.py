"""What verifying finds: one place where a store does not say what the rest of it comes to."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import cast

import attrs

from itagflow.model.entity import Entity, Key
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.printing import printable
from itagflow.reprs import show_fields

SHOWN = 10
"""How many parts of a list are spelled out in a line; the value holds all of them."""

_KINDS: Mapping[type[Entity], str] = {
    Workspace: "workspace",
    Member: "member",
    Template: "template",
    Job: "job",
    JobCounter: "job_counter",
    Package: "package",
    Task: "task",
    Assignment: "assignment",
    Answer: "answer",
    ClaimCounter: "claim_counter",
    Event: "event",
}
_PLACES = {
    "job_counter": "the counter of job {0}",
    "package": "package {1} of job {0}",
    "task": "task {1} of job {0}",
    "assignment": "assignment {1} of job {0}",
    "answer": "the answer of assignment {1} to task {2} of job {0}",
    "claim_counter": "the claim counter of member {2} at {1} in job {0}",
}


def _value(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


@attrs.frozen
class Inconsistency:
    """One place where a store does not say what everything else in it comes to.

    >>> print(Inconsistency("package", (4, 1), "wrong", 1, 0))
    package 1 of job 4: wrong is 1, and should be 0
    """

    kind: str
    """The kind of entity: ``workspace``, ``member``, ``job``, ``package``, ``task``, …"""
    key: Key
    """The entity's key."""
    field: str
    """The field, or what was counted."""
    actual: object = attrs.field(converter=_value)
    """What the store has; None when it has nothing."""
    expected: object = attrs.field(converter=_value)
    """What it should be."""

    @property
    def place(self) -> str:
        """The entity in words, such as ``package 1 of job 4``."""
        return _PLACES.get(self.kind, f"{self.kind} {{0}}").format(*self.key)

    @property
    def finding(self) -> str:
        """What was found there, such as ``wrong is 1, and should be 0``."""
        return f"{self.field} is {_spelled(self.actual)}, and should be {_spelled(self.expected)}"

    def __str__(self) -> str:
        """Say it in one line."""
        return printable(f"{self.place}: {self.finding}")

    __repr__ = show_fields


def differ(entity: Entity, what: str, stored: object, should: object) -> Iterator[Inconsistency]:
    """Yield an inconsistency if *stored* of *entity* is not what it *should* be."""
    if stored != should:
        yield Inconsistency(_KINDS[type(entity)], entity.key, what, stored, should)


def _spelled(value: object) -> str:
    if isinstance(value, tuple | list):
        parts = cast("tuple[object, ...]", value)
        more = f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else ""
        return ", ".join(map(str, parts[:SHOWN])) + more or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)
