"""How each kind is laid out: its table, its key, its index columns, and what goes into the body.

A row is the key, the version, the index columns and a JSON body with everything else: a new field is no
migration, a new index column is.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any, Generic, cast

import attrs

from itagflow import codec, jsontext
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, PackageState, Seat, TurnState
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.store import Query
from itagflow.stores._numbers import spelled_out

Decode = Callable[[Any], Any]
Encode = Callable[[Any], Any]

NEVER = 2**63 - 1
"""Stands for "no time limit" in a column, which is never NULL: it sorts after every time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Return a time as whole microseconds since 1970."""
    return (at - _EPOCH) // _TICK


def moment(value: int) -> datetime:
    """Return the time that `micros` made this number of."""
    return _EPOCH + timedelta(microseconds=value)


def plain(value: Any) -> Any:
    """Return *value* as a column keeps it: enums by value, times in microseconds, booleans as 0 and 1."""
    if value.__class__ is int or value.__class__ is str:
        return value
    if isinstance(value, Enum):
        return value.value
    return micros(value) if isinstance(value, datetime) else int(value)


@attrs.frozen
class Column:
    """One index column: how a field, or a property, is kept in it and read back."""

    name: str
    """The field or property of the entity, and the column's name."""
    store: Callable[[Any], Any]
    """From the field's value to the column's."""
    load: Callable[[Any], Any] | None
    """From the column's value to the field's; None when it is a property, and not read back."""


def _own(make: Callable[[Any], Any]) -> Any:
    """Return a default that is worked out from the other fields."""
    return attrs.Factory(make, takes_self=True)


def _body(layout: Layout[Any]) -> Mapping[str, tuple[Decode, Encode, Any]]:
    types = typing.get_type_hints(layout.kind)
    apart = {"version", "who", *(column.name for column in (*layout.key, *layout.columns))}
    return {
        field.name: (codec.decoder(types[field.name]), codec.encoder(types[field.name]), _default(field))
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", layout.kind))
        if field.name not in apart
    }


def _default(field: attrs.Attribute[Any]) -> Any:
    """Return the value that a field has when it is not given."""
    made: Any = field.default
    return made.factory() if hasattr(made, "factory") else made


def _stored(layout: Layout[Any]) -> tuple[Column, ...]:
    return (*layout.key, whole("version"), *layout.columns)


def _names(layout: Layout[Any]) -> frozenset[str]:
    return frozenset(column.name for column in layout.stored)


def _getter(layout: Layout[Any]) -> Callable[[Any], tuple[Any, ...]]:
    get: Callable[[Any], tuple[Any, ...]] = attrgetter(*(column.name for column in layout.stored))
    return get


def _stores(layout: Layout[Any]) -> tuple[tuple[int, Encode], ...]:
    return tuple((at, column.store) for at, column in enumerate(layout.stored) if column.store is not _same)


def _loads(layout: Layout[Any]) -> tuple[tuple[str, int, Decode | None], ...]:
    columns = [(at, column) for at, column in enumerate(layout.stored) if column.load is not None]
    return tuple((column.name, at, None if column.load is _same else column.load) for at, column in columns)


@attrs.frozen(eq=False)
class Layout(Generic[E]):
    """How one kind is laid out."""

    kind: type[E]
    """The kind."""
    table: str
    """The name of its table."""
    key: tuple[Column, ...]
    """The columns of its key."""
    columns: tuple[Column, ...]
    """Its index columns."""
    indexes: tuple[tuple[str, ...], ...] = ()
    """The combinations of columns that queries use, in the order in which they sort."""
    unique: tuple[str, ...] = ()
    """The columns that no two entities may share, unless the last of them is empty."""
    sparse: frozenset[str] = frozenset()
    """The text columns that are empty for most: their indexes leave those out."""
    text: str = ""
    """The field whose text is the whole body; empty when the body is JSON of the remaining fields."""
    cached: bool = False
    """Whether it changes so seldom that a store decodes it once for each version."""
    body: Mapping[str, tuple[Decode, Encode, Any]] = attrs.field(init=False, default=_own(_body))
    """The fields of the body: how each is read and written, and its default."""
    stored: tuple[Column, ...] = attrs.field(init=False, default=_own(_stored))
    """The columns of key, version and index, in the order of a row."""
    names: frozenset[str] = attrs.field(init=False, default=_own(_names))
    """The names that a query may use."""
    getter: Callable[[Any], tuple[Any, ...]] = attrs.field(init=False, default=_own(_getter))
    """Gets the fields of a row out of an entity."""
    stores: tuple[tuple[int, Encode], ...] = attrs.field(init=False, default=_own(_stores))
    """Which columns do not keep a field as it is: the place in a row, and what is kept."""
    loads: tuple[tuple[str, int, Decode | None], ...] = attrs.field(init=False, default=_own(_loads))
    """Where each field is in a row, and how it is read back, unless as it is."""

    def row(self, entity: E) -> tuple[Any, ...]:
        """Return *entity* as a row."""
        values = list(self.getter(entity))
        for at, store in self.stores:
            values[at] = store(values[at])
        values.append(self._encoded(entity))
        return tuple(values)

    def entity(self, row: tuple[Any, ...]) -> E:
        """Return the entity that `row` made this row of."""
        fields = {name: row[at] if load is None else load(row[at]) for name, at, load in self.loads}
        if self.text:
            fields[self.text] = row[-1]
        elif row[-1] != "{}":
            for name, value in jsontext.loads(row[-1]).items():
                if name in self.body:
                    fields[name] = self.body[name][0](value)
        return self.kind(**fields)

    def value(self, entity: E, name: str) -> Any:
        """Return what the column *name* holds for *entity*."""
        return next(column for column in self.stored if column.name == name).store(getattr(entity, name))

    def _encoded(self, entity: E) -> str:
        if self.text:
            return str(getattr(entity, self.text))
        body: dict[str, Any] = {}
        for name, (_, encode, default) in self.body.items():
            value = getattr(entity, name)
            if value != default:
                body[name] = encode(value)
        return spelled_out(jsontext.dumps(body)) if body else "{}"


def _same(value: Any) -> Any:
    return value


def whole(name: str) -> Column:
    """Return a column of integers."""
    return Column(name, _same, _same)


def maybe_whole(name: str) -> Column:
    """Return a column of integers with 0 for None."""
    return Column(name, lambda value: value or 0, lambda value: value or None)


def word(name: str) -> Column:
    """Return a column of texts."""
    return Column(name, _same, _same)


def flag(name: str, *, derived: bool = False) -> Column:
    """Return a column of booleans; a *derived* one is a property."""
    return Column(name, int, None if derived else bool)


def sum_of(name: str) -> Column:
    """Return a column of integers that is a property."""
    return Column(name, _same, None)


def choice(name: str, kind: type[Enum]) -> Column:
    """Return a column that holds an enum by value."""
    by_value = {member.value: member for member in kind}
    return Column(name, attrgetter("value"), by_value.__getitem__)


def maybe_choice(name: str, kind: type[Enum]) -> Column:
    """Return a column that holds an enum by value, empty for None."""
    by_value = {"": None, **{member.value: member for member in kind}}
    return Column(name, lambda value: value.value if value else "", by_value.__getitem__)


def time(name: str) -> Column:
    """Return a column of times."""
    return Column(name, micros, moment)


def time_limit(name: str) -> Column:
    """Return a column of times with `NEVER` for None."""
    return Column(
        name,
        lambda at: NEVER if at is None else micros(at),
        lambda value: None if value == NEVER else moment(value),
    )


WORKSPACE = Layout(Workspace, "workspace", (whole("id"),), (word("name"),), (("name",),), unique=("name",), cached=True)
MEMBER = Layout(
    Member,
    "member",
    (whole("id"),),
    (whole("workspace"), word("account"), flag("active")),
    (("workspace", "account"), ("account",)),
    unique=("workspace", "account"),
    cached=True,
)
TEMPLATE = Layout(
    Template,
    "template",
    (whole("id"),),
    (whole("workspace"), word("name")),
    (("workspace", "name"),),
    unique=("workspace", "name"),
    sparse=frozenset({"name"}),
    cached=True,
)
JOB = Layout(
    Job,
    "job",
    (whole("id"),),
    (whole("workspace"), word("name"), choice("state", JobState)),
    (("workspace", "name"), ("name",)),
    unique=("workspace", "name"),
    cached=True,
)
PACKAGE = Layout(
    Package,
    "package",
    (whole("job"), whole("number")),
    (
        choice("state", PackageState),
        flag("waiting", derived=True),
        whole("priority"),
        time("waiting_since"),
        whole("free"),
        whole("round"),
        whole("size"),
        whole("abandoned"),
        whole("wrong"),
        sum_of("disputed"),
        word("value"),
        whole("prelabeled"),
        whole("corrected"),
        flag("open", derived=True),
    ),
    (
        ("job", "open", "number"),
        ("job", "state", "waiting", "-priority", "waiting_since", "number"),
        ("job", "state", "number"),
        ("job", "value", "number"),
    ),
    sparse=frozenset({"value"}),
)
TASK = Layout(
    Task,
    "task",
    (whole("job"), whole("number")),
    (whole("package"), word("row_key")),
    (("job", "package", "number"), ("job", "row_key")),
    unique=("job", "row_key"),
    sparse=frozenset({"row_key"}),
    text="row",
)
ASSIGNMENT = Layout(
    Assignment,
    "assignment",
    (whole("job"), whole("id")),
    (
        whole("package"),
        choice("stage", Stage),
        whole("round"),
        maybe_whole("member"),
        choice("state", TurnState),
        flag("live", derived=True),
        time_limit("lease_until"),
        word("token"),
    ),
    (
        ("job", "package", "id"),
        ("job", "member", "token"),
        ("member", "state", "job", "id"),
        ("job", "live", "stage", "lease_until", "id"),
    ),
    sparse=frozenset({"token"}),
)
ANSWER = Layout(
    Answer,
    "answer",
    (whole("job"), whole("assignment"), whole("task")),
    (
        whole("package"),
        choice("stage", Stage),
        whole("round"),
        maybe_whole("member"),
        flag("counts", derived=True),
        flag("dropped", derived=True),
        maybe_choice("verdict", Verdict),
    ),
    (("job", "task", "assignment"),),
)
SEAT = Layout(Seat, "seat", (whole("job"), choice("stage", Stage), whole("member")), (whole("held"),))
EVENT = Layout(
    Event,
    "event",
    (whole("position"),),
    (
        whole("workspace"),
        whole("job"),
        whole("package"),
        whole("turn"),
        whole("task"),
        whole("member"),
        word("verb"),
        time("at"),
    ),
    (("job", "position"), ("job", "package", "position")),
)

_ALL: list[Layout[Any]] = [
    WORKSPACE,
    MEMBER,
    TEMPLATE,
    JOB,
    PACKAGE,
    TASK,
    ASSIGNMENT,
    ANSWER,
    SEAT,
    EVENT,
]
LAYOUTS: Mapping[type[Any], Layout[Any]] = {each.kind: each for each in _ALL}
"""How each kind is laid out."""


def check(query: Query[Any]) -> Layout[Any]:
    """Return the layout of a query's kind, after checking that it names index columns only.

    Raises:
        ValueError: when it names anything else.
    """
    layout = LAYOUTS[query.kind]
    named = {*query.where, *(name.removeprefix("-") for name in query.order)}
    if not named <= layout.names:
        raise ValueError(f"{query.kind.__name__} has no index column {sorted(named - layout.names)}")
    return layout


def cursor(query: Query[E], entity: E) -> tuple[Any, ...]:
    """Return where a page of *query* ends that ends with *entity*: what `Query.after` takes."""
    layout = LAYOUTS[query.kind]
    return (
        *(layout.value(entity, name.removeprefix("-")) for name in query.order),
        *layout.row(entity)[: len(layout.key)],
    )
