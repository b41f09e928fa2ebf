"""What a rule returns: the entities to add and save, and the one event that says so.

And the pairs of before and after that many rules need: of answers, and of claim counters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from operator import attrgetter
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.copying import evolve
from itagflow.model.entity import Entity
from itagflow.model.event import Event, FieldChange
from itagflow.model.job import Job
from itagflow.model.package import Assignment, ClaimCounter, Package, QueueCursor
from itagflow.model.task import Answer
from itagflow.model.text import find_text_error
from itagflow.model.workspace import Member

Saved = tuple[Entity, Entity]
"""An entity as it is stored, and as it will be.  The transaction advances its version."""

# The fields that a reader of the history asks for.  Others change with nearly every operation, such
# as counts and leases, and would make events long without saying more than the type does.
_TRACKED: Mapping[type, tuple[str, tuple[str, ...]]] = {
    Job: ("job", ("state",)),
    Package: (
        "package",
        (
            *("state", "round", "whole_round", "reopened_round", "reopenings", "skipped"),
            *("campaigns", "withdrawals", "due"),
        ),
    ),
    Assignment: ("assignment", ("state", "member", "round")),
    Member: ("member", ("role", "active", "paused")),
}
_get_tracked: Mapping[type, Callable[[Any], tuple[Any, ...]]] = {
    # all of them in C; the first one twice: of a single name `attrgetter` would make no tuple
    kind: attrgetter(*fields, fields[0])
    for kind, (_, fields) in _TRACKED.items()
}


@attrs.frozen
class Context:
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
    ctx: Context,
    operation: str,
    *,
    about: Job | Package | Assignment | None = None,
    task: int = 0,
    add: Sequence[Entity] = (),
    save: Sequence[Saved] = (),
    data: Mapping[str, Any] | None = None,
    became: str = "",
) -> Change:
    """Return the change with its event, whose changes follow from what is added and saved.

    Packages are made by loading alone, whose event names them as a range: see `Event.all_changes`.
    *became* is what became of which tasks, as `itagflow.model.became` formats it.

    Raises:
        InvalidData: when the comment or reason in *data* cannot be stored.
    """
    # here, because everything that people write passes through an event: an operation that takes a
    # comment needs no check of its own
    if data:
        for name in ("comment", "reason"):
            wrong = find_text_error(data.get(name, ""))
            if wrong:
                raise InvalidData(f"the {name} to {operation}", [Problem(name, wrong)])
    job, package, assignment = _locate(about)
    event = Event(
        at=ctx.at,
        type=operation,
        workspace=ctx.workspace,
        member=ctx.member,
        job=job,
        package=package,
        assignment=assignment,
        task=task,
        changes=(*_list_initial_values(add), *_list_changes(save)),
        data=data or {},
        became_text=became,
    )
    return Change(event, tuple(add), tuple(save))


def _locate(about: Job | Package | Assignment | None) -> tuple[int, int, int]:
    match about:
        case None:
            return 0, 0, 0
        case Job():
            return about.id, 0, 0
        case Package():
            return about.job, about.number, 0
        case Assignment():
            return about.job, about.package, about.id


def _list_initial_values(added: Sequence[Entity]) -> Iterator[FieldChange]:
    for entity in added:
        tracked = _TRACKED.get(type(entity))
        # packages are made by the thousand: the event of the load names them as one range
        if tracked is None or isinstance(entity, Package):
            continue
        kind, fields = tracked
        key = entity.key
        for field in fields:
            yield FieldChange(kind, key, field, None, _to_plain(getattr(entity, field)))


def _list_changes(saved: Sequence[Saved]) -> Iterator[FieldChange]:
    for before, after in saved:
        tracked = _TRACKED.get(type(after))
        if tracked is None:
            continue
        get_values = _get_tracked[type(after)]
        old_values, new_values = get_values(before), get_values(after)
        if old_values == new_values:  # as with most packages that are claimed
            continue
        kind, fields = tracked
        for field, old, new in zip(fields, old_values, new_values, strict=False):
            if old != new:
                yield FieldChange(kind, after.key, field, _to_plain(old), _to_plain(new))


def _to_plain(value: Any) -> Any:
    """Return what an event stores: it is read long after an enum may have got other members."""
    if type(value) is int:  # many are numbers, and to ask for an enum takes longer
        return value
    if isinstance(value, Enum):
        return value._value_  # an attribute; `value` is a property written in Python
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return ",".join(str(_to_plain(part)) for part in cast("tuple[object, ...]", value)) or None
    return value


def move_counter(counter: ClaimCounter, by: int) -> Saved:
    """Return *counter* with *by* added to what its member holds."""
    return (counter, evolve(counter, active=counter.active + by))


def add_to_counter(
    counter: ClaimCounter, by: int, cursor: QueueCursor | None, *, total: int = 0
) -> ClaimCounter:
    """Return *counter* with *by* more active assignments, and a new *cursor* if given.

    *total* is added to what the member has got in the whole job.
    """
    return evolve(
        counter,
        active=counter.active + by,
        total=counter.total + total,
        cursor=cursor or counter.cursor,
    )


def split_answers(
    pairs: Sequence[tuple[Answer | None, Answer]],
) -> tuple[list[Entity], list[Saved]]:
    """Return the answers that are new, and those that replace a stored one, with that one."""
    add: list[Entity] = [new for old, new in pairs if old is None]
    save: list[Saved] = [(old, new) for old, new in pairs if old is not None]
    return add, save
