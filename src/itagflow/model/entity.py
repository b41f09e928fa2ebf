"""What a store keeps: every kind of entity, and how one becomes its next version."""

from __future__ import annotations

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
    """Return *entity* with some fields changed, like `attrs.evolve` in a fraction of its time.

    Every write makes several new values of entities with some twenty fields each, so this is a
    good part of what a claim or a submission costs.

    >>> from itagflow.testing import make_package
    >>> evolve(make_package(), free=0).free
    0
    """
    kind = type(entity)
    if kind not in COPIED:
        return attrs.evolve(entity, **changes)
    # All fields by one call in C, past `__init__`: these kinds convert and check nothing there.
    changed = object.__new__(kind)
    fields = changed.__dict__
    fields.update(entity.__dict__)
    count = len(fields)
    fields.update(changes)
    if len(fields) != count:  # `__init__` would have refused a name that is no field
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes.keys() - _names(kind))}")
    return changed


def stamp(old: Entity, new: E) -> E:
    """Return *new* as stored in the place of *old*: with the next version."""
    version = old.version + 1
    if new.version == version:
        return new
    return evolve(new, version=version)


COPIED: frozenset[type[Any]] = frozenset({Package, Assignment, Answer, Draft})
"""The kinds of which every operation changes some: they keep their fields in a ``__dict__``."""


def _names(kind: type[Any]) -> set[str]:
    return {field.name for field in attrs.fields(kind)}
