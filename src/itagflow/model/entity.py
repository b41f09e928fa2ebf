"""What a store keeps: every kind of entity, and how one becomes its next version."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

import attrs

from itagflow.model.comment import Comment
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
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
    | Task
    | Assignment
    | Answer
    | Draft
    | ClaimCounter
    | Comment
    | Event
)
"""Everything with a key and a version."""

Key = tuple[int | str, ...]
"""What an entity is known by in its kind."""

E = TypeVar("E", bound=Entity)


def evolve(entity: E, **changes: Any) -> E:
    """Return *entity* with some fields changed, like `attrs.evolve` in a third of its time.

    Every write makes several new values of entities with some twenty fields each, so this is a
    good part of what a claim or a submission costs.

    >>> from itagflow.testing import make_package
    >>> evolve(make_package(), free=0).free
    0
    """
    kind = type(entity)
    reader = _READERS.get(kind) or _add_reader(kind)
    fields = reader(entity)
    fields.update(changes)
    return kind(**fields)


def stamp(old: Entity, new: E) -> E:
    """Return *new* as stored in the place of *old*: with the next version."""
    version = old.version + 1
    if new.version == version:
        return new
    return evolve(new, version=version)


_READERS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {}
"""What reads the fields of each kind; filled as they are needed."""


def _add_reader(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
    names = tuple(field.name for field in attrs.fields(kind) if field.init)
    read_all = attrgetter(*names)  # one call in C for all of them

    def read(entity: Any) -> dict[str, Any]:
        return dict(zip(names, read_all(entity), strict=True))

    _READERS[kind] = read
    return read
