"""What a store keeps: every kind of entity, and how one becomes its next version."""

from __future__ import annotations

from typing import Any, TypeVar

from itagflow.model.comment import Comment
from itagflow.model.copying import evolve
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace

Entity = (
    Workspace
    | Member
    | Template
    | Job
    | JobCounter
    | Package
    | AcceptanceLot
    | Task
    | Assignment
    | Answer
    | Draft
    | ClaimCounter
    | Comment
    | Event
    | DeliveryCursor
    | DelayedJob
    | DeadLetter
)
"""Everything with a key and a version."""

Key = tuple[int | str, ...]
"""What an entity is known by in its kind."""

E = TypeVar("E", bound=Entity)


def advance(entity: E, **changes: Any) -> E:
    """Return the next version of *entity*, with some fields changed.

    For what is changed by the thousand: a transaction advances everything else, by another copy.
    """
    return evolve(entity, version=entity.version + 1, **changes)


def stamp(old: Entity, new: E) -> E:
    """Return *new* as stored in the place of *old*: with the next version."""
    version = old.version + 1
    if new.version == version:
        return new
    return evolve(new, version=version)
