"""What verifying finds: a stored value that does not agree with the rest of the store."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import cast

import attrs

from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.entity import Entity, Key
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.printing import make_printable
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
    AcceptanceLot: "lot",
    Task: "task",
    Assignment: "assignment",
    Answer: "answer",
    Draft: "draft",
    ClaimCounter: "claim_counter",
    Event: "event",
    DeliveryCursor: "delivery_cursor",
    DelayedJob: "delayed_job",
    DeadLetter: "dead_letter",
}
_PLACES = {
    "job_counter": "the counter of job {0}",
    "package": "package {1} of job {0}",
    "lot": "lot {1} of job {0}",
    "task": "task {1} of job {0}",
    "assignment": "assignment {1} of job {0}",
    "answer": "the answer of assignment {1} to task {2} of job {0}",
    "draft": "the draft of assignment {1} for task {2} of job {0}",
    "claim_counter": "the claim counter of member {2} at {1} in job {0}",
    "delivery_cursor": "the cursor of receiver {0}",
    "delayed_job": "the delay of job {1} at receiver {0}",
    "dead_letter": "the dead letter {2} of event {1} to receiver {0}",
}


def _unwrap_enum(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


@attrs.frozen
class Inconsistency:
    """One stored value that does not agree with everything else in the store.

    >>> print(Inconsistency("package", (4, 1), "wrong", 1, 0))
    package 1 of job 4: wrong is 1, and should be 0
    """

    kind: str
    """The kind of entity: ``workspace``, ``member``, ``job``, ``package``, ``task``, …"""
    key: Key
    """The entity's key."""
    field: str
    """The field, or what was counted."""
    actual: object = attrs.field(converter=_unwrap_enum, hash=False)
    """What the store has; None when it has nothing."""
    expected: object = attrs.field(converter=_unwrap_enum, hash=False)
    """What it should be."""

    @property
    def place(self) -> str:
        """The entity in words, such as ``package 1 of job 4``."""
        return _PLACES.get(self.kind, f"{self.kind} {{0}}").format(*self.key)

    @property
    def finding(self) -> str:
        """What was found there, such as ``wrong is 1, and should be 0``."""
        actual, expected = _format_value(self.actual), _format_value(self.expected)
        return f"{self.field} is {actual}, and should be {expected}"

    def __str__(self) -> str:
        """Say it in one line."""
        return make_printable(f"{self.place}: {self.finding}")

    __repr__ = show_fields


def compare_field(
    entity: Entity, field: str, actual: object, expected: object
) -> Iterator[Inconsistency]:
    """Yield an inconsistency if the *actual* value of *entity* is not the *expected* one."""
    if actual != expected:
        yield Inconsistency(_KINDS[type(entity)], entity.key, field, actual, expected)


def _format_value(value: object) -> str:
    if isinstance(value, tuple | list):
        elements = cast("tuple[object, ...]", value)
        more = ""
        if len(elements) > SHOWN:
            more = f" and {len(elements) - SHOWN} more"
        return ", ".join(map(str, elements[:SHOWN])) + more or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    return str(value)
