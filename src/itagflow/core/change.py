"""What a rule returns: the entities to add and save, and the one event that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.entity import Entity
from itagflow.model.event import Event, FieldChange
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.text import find_text_error
from itagflow.model.workspace import Member

Saved = tuple[Entity, Entity]
"""An entity as it is stored, and as it will be.  The transaction advances its version."""

_TRACKED: Mapping[type, tuple[str, tuple[str, ...]]] = {
    Job: ("job", ("state",)),
    Package: ("package", ("state", "round")),
    Assignment: ("assignment", ("state", "member", "round")),
    Member: ("member", ("role", "active")),
}


@attrs.frozen
class Act:
    """Who acts, where and when: the part of an event that every rule needs."""

    at: datetime
    """When, by the Flow's clock."""
    workspace: int
    """The workspace."""
    member: int = 0
    """Who acts; 0 when the application does."""


@attrs.frozen
class Change:
    """What an act does: all of it is stored, or nothing."""

    event: Event
    """The record of the act."""
    add: tuple[Entity, ...] = ()
    """What is new."""
    save: tuple[Saved, ...] = ()
    """What is replaced, each with what it was."""


def record(
    act: Act,
    verb: str,
    *,
    about: Job | Package | Assignment | None = None,
    task: int = 0,
    add: Sequence[Entity] = (),
    save: Sequence[Saved] = (),
    data: Mapping[str, Any] | None = None,
) -> Change:
    """Return the change with its event, whose changes follow from what is added and saved.

    Packages are made by loading alone, whose event names them as a range: see `Event.all_changes`.

    Raises:
        InvalidData: when the comment or reason in *data* cannot be stored.
    """
    for name in ("comment", "reason"):
        wrong = find_text_error(data.get(name, "")) if data else None
        if wrong:
            raise InvalidData(f"the {name} to {verb}", [Problem(name, wrong)])
    job, package, assignment = _place(about)
    event = Event(
        at=act.at,
        type=verb,
        workspace=act.workspace,
        member=act.member,
        job=job,
        package=package,
        assignment=assignment,
        task=task,
        changes=(*_new(add), *_moved(save)),
        data={} if data is None else data,
    )
    return Change(event, tuple(add), tuple(save))


def _place(about: Job | Package | Assignment | None) -> tuple[int, int, int]:
    match about:
        case None:
            return 0, 0, 0
        case Job():
            return about.id, 0, 0
        case Package():
            return about.job, about.number, 0
        case Assignment():
            return about.job, about.package, about.id


def _new(added: Sequence[Entity]) -> Iterator[FieldChange]:
    for entity in added:
        if (tracked := _TRACKED.get(type(entity))) and not isinstance(entity, Package):
            kind, fields = tracked
            for field in fields:
                yield FieldChange(kind, entity.key, field, None, _plain(getattr(entity, field)))


def _moved(saved: Sequence[Saved]) -> Iterator[FieldChange]:
    for before, after in saved:
        if tracked := _TRACKED.get(type(after)):
            kind, fields = tracked
            for field in fields:
                old, new = getattr(before, field), getattr(after, field)
                if old != new:
                    yield FieldChange(kind, after.key, field, _plain(old), _plain(new))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
