"""The fields of each kind: by which a query may ask and sort, and which no two entities may share.

A store keeps entities whole, and finds them by these fields only.  `FIELDS` lists them; a page of
the documentation has the same as a table.  Stores compare *encoded* values, which are integers and
texts and never None; only a priority may also be a finite float:

- an enum is its value, a boolean 0 or 1, a time the microseconds since 1970, and no time limit is
  `NEVER`;
- no member is 0, and no verdict is the empty text;
- a name is in Unicode's form NFC, so that it is found however it was typed; the entity keeps it as
  it was given.

Texts compare by code point, not as in any language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any

import attrs

from itagflow.model.comment import Comment
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.entity import E, Entity
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.number import to_shortest
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    ClaimCounter,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.plan import LotState
from itagflow.model.task import Answer, Draft, Task, Verdict
from itagflow.model.template import Template
from itagflow.model.text import normalize_name
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.port import Query

NEVER = 2**63 - 1
"""Stands for "no time limit" where it is encoded: it sorts after every time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_value(value: Any) -> Any:
    """Return a value of a condition as stores compare it.

    >>> at = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    >>> encode_value(Stage.LABEL), encode_value(True), encode_value(at)
    ('label', 1, 1000000)
    """
    # by class and not isinstance: true is an int, and a StrEnum is a text
    if value.__class__ is int or value.__class__ is str or value.__class__ is float:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return _to_microseconds(value)
    return int(value)


@attrs.frozen
class IndexField:
    """One field of a kind that queries may name."""

    name: str
    """The attribute of the entity."""
    encode: Callable[[Any], Any]
    """From the attribute's value to the one that stores compare."""
    decode: Callable[[Any], Any] | None
    """The way back; None for a property, which follows from other attributes."""


def _map_by_name(fields: Fields) -> Mapping[str, IndexField]:
    return {field.name: field for field in (*fields.key, *fields.indexed)}


@attrs.frozen(eq=False)
class Fields:
    """What queries may name of one kind, and what is unique in it."""

    kind: type[Any]
    """The kind."""
    key: tuple[IndexField, ...]
    """The fields of its key, in order: `key` of an entity has their encoded values."""
    indexed: tuple[IndexField, ...]
    """The other fields that a query may name."""
    indexes: tuple[tuple[str, ...], ...] = ()
    """The combinations of fields that the library queries most: what a database should index."""
    unique: tuple[str, ...] = ()
    """Fields whose values together must be unique, unless the last of them is empty."""
    by_name: Mapping[str, IndexField] = attrs.field(
        init=False, default=attrs.Factory(_map_by_name, takes_self=True)
    )
    """All fields that a query may name: those of the key, then the others."""


def field_value(entity: Entity, name: str) -> Any:
    r"""Return the encoded value of a field of *entity*.

    >>> street = Workspace(id=1, name="Zoe\N{COMBINING DIAERESIS}", created_at=_EPOCH)
    >>> field_value(street, "name") == "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"
    True
    """
    return FIELDS[type(entity)].by_name[name].encode(getattr(entity, name))


def unique_values(entity: Entity) -> tuple[Any, ...] | None:
    """Return the encoded values that must be unique in its kind; None when there are none.

    A store that finds another one with them raises `AlreadyExists` with the last of them.
    """
    names = FIELDS[type(entity)].unique
    values = tuple(field_value(entity, name) for name in names)
    if not values or values[-1] == "":
        return None
    return values


def check_query(query: Query[Any]) -> Fields:
    """Return the fields of a query's kind, after checking that it names no others.

    Raises:
        ValueError: when it names anything else.
    """
    fields = FIELDS[query.kind]
    check_names(fields, (*query.where, *query.order))
    return fields


def check_names(fields: Fields, names: tuple[str, ...]) -> None:
    """Check that a query may name all of *names*, which may begin with ``-``.

    Raises:
        ValueError: when it may not.
    """
    unknown = {name.removeprefix("-") for name in names} - fields.by_name.keys()
    if unknown:
        raise ValueError(f"{fields.kind.__name__} has no index column {sorted(unknown)}")


def cursor(query: Query[E], entity: E) -> tuple[Any, ...]:
    """Return where a page of *query* ends that ends with *entity*: what `Query.after` takes.

    It is the encoded values of the fields that the query sorts by, and then those of the key.
    """
    fields = FIELDS[query.kind]
    names = (
        *(name.removeprefix("-") for name in query.order),
        *(field.name for field in fields.key),
    )
    return tuple(fields.by_name[name].encode(getattr(entity, name)) for name in names)


# -- how fields are encoded --


# Integers, since a float of seconds is not exact: a page that ends with a time must go on behind
# it.
def _to_microseconds(at: datetime) -> int:
    since = at - _EPOCH
    # every row has times, and to divide by a timedelta takes twice as long
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _to_datetime(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def keep_value(value: Any) -> Any:
    """Return *value*: the encoding of a field that is kept as it is, which stores may skip."""
    return value


def _integer(name: str, *, derived: bool = False) -> IndexField:
    return IndexField(name, keep_value, None if derived else keep_value)


def _integer_or_none(name: str) -> IndexField:
    """Return a field with 0 for None."""
    return IndexField(name, lambda value: value or 0, lambda value: value or None)


def _number(name: str) -> IndexField:
    """Return a field of numbers that need not be whole: a database may have 2 as 2.0."""
    return IndexField(name, keep_value, to_shortest)


def _thousandths(name: str) -> IndexField:
    """Return a field of numbers with three decimals, kept as integers: their sums are exact."""
    return IndexField(name, lambda value: round(value * 1_000), lambda value: value / 1_000)


def _text(name: str, *, derived: bool = False) -> IndexField:
    return IndexField(name, keep_value, None if derived else keep_value)


def _name(name: str) -> IndexField:
    """Return a field of names, which are compared in Unicode's form NFC."""
    return IndexField(name, normalize_name, keep_value)


def _flag(name: str, *, derived: bool = False) -> IndexField:
    return IndexField(name, int, None if derived else bool)


def _choice(name: str, kind: type[Enum]) -> IndexField:
    by_value = {member.value: member for member in kind}
    # an attribute, which is read in C; `value` is a property written in Python
    return IndexField(name, attrgetter("_value_"), by_value.__getitem__)


def _choice_or_none(name: str, kind: type[Enum]) -> IndexField:
    """Return a field with the empty text for None."""
    by_value = {"": None, **{member.value: member for member in kind}}
    by_member = {member: value for value, member in by_value.items()}
    return IndexField(name, by_member.__getitem__, by_value.__getitem__)


def _time(name: str) -> IndexField:
    return IndexField(name, _to_microseconds, _to_datetime)


def _time_limit(name: str) -> IndexField:
    """Return a field with `NEVER` for None."""
    return IndexField(
        name,
        lambda at: NEVER if at is None else _to_microseconds(at),
        lambda value: None if value == NEVER else _to_datetime(value),
    )


# -- the fields of each kind --

_WORKSPACE = Fields(Workspace, (_integer("id"),), (_name("name"),), (("name",),), unique=("name",))
_MEMBER = Fields(
    Member,
    (_integer("id"),),
    (_integer("workspace"), _name("account"), _flag("active")),
    (("workspace", "account"), ("account",)),
    unique=("workspace", "account"),
)
_TEMPLATE = Fields(
    Template,
    (_integer("id"),),
    (_integer("workspace"), _name("name")),
    (("workspace", "name"),),
    unique=("workspace", "name"),
)
_JOB = Fields(
    Job,
    (_integer("id"),),
    (_integer("workspace"), _name("name"), _choice("state", JobState), _integer("priority")),
    (("workspace", "name"), ("name",), ("workspace", "state", "id")),
    unique=("workspace", "name"),
)
_JOB_COUNTER = Fields(
    JobCounter,
    (_integer("job"),),
    # all of it are columns: a row that every append changes is small, and no JSON is read or
    # written for it
    (_integer("tasks"), _integer("packages"), _integer("rows_read")),
)
_PACKAGE = Fields(
    Package,
    (_integer("job"), _integer("number")),
    (
        _choice("state", PackageState),
        _flag("waiting", derived=True),
        _number("priority"),
        _time("waiting_since"),
        _integer("free"),
        _integer("round"),
        _integer("size"),
        _integer("abandoned"),
        _integer("wrong"),
        _integer("disputed", derived=True),
        _text("value"),
        _integer("prelabeled"),
        _integer("corrected"),
        _integer("final", derived=True),
        _flag("open", derived=True),
        _time_limit("due"),
        _flag("ranked", derived=True),
        _integer("first_task"),
        _flag("has_deadline", derived=True),
        _flag("is_deadline_pending", derived=True),
        _text("waiting_value", derived=True),
        _text("lot_key", derived=True),
    ),
    (
        ("job", "open", "number"),
        ("job", "state", "waiting", "-priority", "due", "waiting_since", "number"),
        ("job", "state", "ranked", "has_deadline", "due", "-priority", "waiting_since", "number"),
        ("job", "state", "ranked", "waiting_since", "-priority", "due", "number"),
        ("job", "has_deadline", "due", "number"),
        ("job", "is_deadline_pending", "due", "number"),
        ("job", "state", "number"),
        ("job", "value", "number"),
        ("job", "state", "waiting_value", "-priority", "due", "waiting_since", "number"),
        ("job", "state", "waiting_value", "due", "-priority", "waiting_since", "number"),
        ("job", "state", "waiting_value", "waiting_since", "-priority", "due", "number"),
        ("job", "state", "waiting_value", "number"),
    ),
)
_LOT = Fields(
    AcceptanceLot,
    (_integer("job"), _integer("number")),
    (_choice("state", LotState),),
)
_TASK = Fields(
    Task,
    (_integer("job"), _integer("number")),
    (_integer("package"), _text("row_key_text")),
    (("job", "package", "number"), ("job", "row_key_text")),
    unique=("job", "row_key_text"),
)
_ASSIGNMENT = Fields(
    Assignment,
    (_integer("job"), _integer("id")),
    (
        _integer("package"),
        _choice("stage", Stage),
        _integer("round"),
        _integer_or_none("member"),
        _choice("state", AssignmentState),
        _flag("live", derived=True),
        _time_limit("lease_until"),
        _text("token"),
        _choice("purpose", Purpose),
        _flag("authored"),
    ),
    (
        ("job", "package", "id"),
        ("member", "token", "job"),
        ("member", "state", "job", "id"),
        ("job", "live", "stage", "lease_until", "id"),
    ),
)
_ANSWER = Fields(
    Answer,
    (_integer("job"), _integer("assignment"), _integer("task")),
    (
        _integer("package"),
        _choice("stage", Stage),
        _integer("round"),
        _integer_or_none("member"),
        _flag("is_resolved", derived=True),
        _flag("is_abandoned", derived=True),
        _choice_or_none("verdict", Verdict),
        _thousandths("seconds"),
    ),
    (("job", "task", "assignment"),),
)
_DRAFT = Fields(
    Draft,
    (_integer("job"), _integer("assignment"), _integer("task")),
    (_integer("package"), _integer_or_none("member")),
    (("job", "package", "task"),),
)
_COUNTER = Fields(
    ClaimCounter,
    (_integer("job"), _choice("stage", Stage), _integer("member")),
    (_integer("active"),),
)
_COMMENT = Fields(
    Comment,
    (_integer("job"), _integer("id")),
    (_integer("task"),),
    (("job", "task", "id"),),
)
_EVENT = Fields(
    Event,
    (_integer("position"),),
    (
        _integer("workspace"),
        _integer("job"),
        _integer("package"),
        _integer("assignment"),
        _integer("task"),
        _integer("member"),
        _text("type"),
        _time("at"),
        _text("became", derived=True),
    ),
    (("job", "position"), ("job", "package", "position"), ("job", "became", "position")),
)

_DELIVERY_CURSOR = Fields(DeliveryCursor, (_text("receiver"),), (_integer("position"),))
_DELAYED_JOB = Fields(
    DelayedJob,
    (_text("receiver"), _integer("job")),
    (_time("next_attempt_at"),),
    (("receiver", "next_attempt_at", "job"),),
)
_DEAD_LETTER = Fields(
    DeadLetter,
    (_text("receiver"), _integer("position"), _integer("part")),
    (_integer("job"), _time_limit("next_attempt_at")),
    (("receiver", "next_attempt_at", "position", "part"),),
)

_ALL = (
    _WORKSPACE,
    _MEMBER,
    _TEMPLATE,
    _JOB,
    _JOB_COUNTER,
    _PACKAGE,
    _LOT,
    _TASK,
    _ASSIGNMENT,
    _ANSWER,
    _DRAFT,
    _COUNTER,
    _COMMENT,
    _EVENT,
    _DELIVERY_CURSOR,
    _DELAYED_JOB,
    _DEAD_LETTER,
)

FIELDS: Mapping[type[Any], Fields] = {fields.kind: fields for fields in _ALL}
"""The fields of each kind that a store keeps."""
