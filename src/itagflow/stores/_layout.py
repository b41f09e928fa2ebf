"""How each kind is laid out: its table, its key, its index columns, and what goes into the body.

A row is the key, the version, the index columns and a JSON body with everything else: a new field is no
migration, a new index column is.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any, Generic, cast

import attrs

from itagflow import codec, jsontext
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package, PackageState, Purpose, Seat, TurnState
from itagflow.model.result import COUNTS
from itagflow.model.task import Answer, Task, Verdict
from itagflow.model.template import Template
from itagflow.model.text import nfc
from itagflow.model.workspace import Member, Workspace
from itagflow.store import Query, Span
from itagflow.stores._columns import (
    Column,
    Decode,
    Encode,
    choice,
    flag,
    maybe_choice,
    maybe_whole,
    named,
    same,
    sum_of,
    thousandths,
    time,
    time_limit,
    whole,
    word,
)
from itagflow.stores._numbers import spelled_out


def _own(make: Callable[[Any], Any]) -> Any:
    """Return a default that is worked out from the other fields."""
    return attrs.Factory(make, takes_self=True)


def _body(layout: Layout[Any]) -> Mapping[str, tuple[Decode, Encode, Any]]:
    types = typing.get_type_hints(layout.kind)
    columns = (column for column in (*layout.key, *layout.columns) if column.store is not nfc)
    apart = {"version", "who", *(column.name for column in columns)}
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
    return tuple((at, column.store) for at, column in enumerate(layout.stored) if column.store is not same)


def _loads(layout: Layout[Any]) -> tuple[tuple[str, int, Decode | None], ...]:
    columns = [(at, column) for at, column in enumerate(layout.stored) if column.load is not None]
    return tuple((column.name, at, None if column.load is same else column.load) for at, column in columns)


def _apart(layout: Layout[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gets the fields of the body out of an entity, always as a tuple."""
    names = tuple(layout.body)
    if len(names) > 1:
        get: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
        return get
    return lambda entity: tuple(getattr(entity, name) for name in names)


def _writes(layout: Layout[Any]) -> tuple[tuple[str, Encode, Any, bool], ...]:
    body = layout.body.items()
    return tuple((name, encode, default, name in layout.names) for name, (_, encode, default) in body)


Group = tuple[Any, ...]
"""The values of the columns that make a group."""


def _summed(layout: Layout[Any]) -> Callable[[tuple[Any, ...]], tuple[Group, Group]]:
    """Return what takes from a row its group and what is summed of it."""
    if layout.sums is None:
        return lambda _: ((), ())
    places = [column.name for column in layout.stored]
    group, values = (itemgetter(*map(places.index, names)) for names in (layout.sums.by, layout.sums.add))
    return lambda row: (group(row), values(row))


@attrs.frozen
class Sums:
    """Sums over the entities of a kind that are kept, so that they are there at once, however many there are."""

    table: str
    """The name of the table: a row for each group in each of its slots, so that writers seldom meet."""
    by: tuple[str, ...]
    """The columns that make the groups."""
    add: tuple[str, ...]
    """The columns that are summed."""

    def answer(self, query: Query[Any], by: tuple[str, ...], add: tuple[str, ...]) -> bool:
        """Return whether they are what is asked for: some groups, by the other columns."""
        whole = query.unless is None and not any(isinstance(value, tuple | Span) for value in query.where.values())
        return whole and set(add) <= set(self.add) and sorted([*query.where, *by]) == sorted(self.by)


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
    sums: Sums | None = None
    """The sums that are kept of it."""
    body: Mapping[str, tuple[Decode, Encode, Any]] = attrs.field(init=False, default=_own(_body))
    """The fields of the body: how each is read and written, and its default; of a name, which is a column too, none."""
    stored: tuple[Column, ...] = attrs.field(init=False, default=_own(_stored))
    """The columns of key, version and index, in the order of a row."""
    summed: Callable[[tuple[Any, ...]], tuple[Group, Group]] = attrs.field(init=False, default=_own(_summed))
    """Takes from a row its group and what is summed of it."""
    names: frozenset[str] = attrs.field(init=False, default=_own(_names))
    """The names that a query may use."""
    getter: Callable[[Any], tuple[Any, ...]] = attrs.field(init=False, default=_own(_getter))
    """Gets the fields of a row out of an entity."""
    apart: Callable[[Any], tuple[Any, ...]] = attrs.field(init=False, default=_own(_apart))
    """Gets the fields of the body out of an entity."""
    writes: tuple[tuple[str, Encode, Any, bool], ...] = attrs.field(init=False, default=_own(_writes))
    """How each of them is written: its name, how, its default, and whether it is a column too, as a name is."""
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
        for value, (name, encode, default, is_name) in zip(self.apart(entity), self.writes, strict=True):
            if value is default:
                continue  # most are, and comparing takes longer
            if value != (nfc(value) if is_name else default):
                body[name] = encode(value)
        return spelled_out(jsontext.dumps(body)) if body else "{}"


WORKSPACE = Layout(
    Workspace, "workspace", (whole("id"),), (named("name"),), (("name",),), unique=("name",), cached=True
)
MEMBER = Layout(
    Member,
    "member",
    (whole("id"),),
    (whole("workspace"), named("account"), flag("active")),
    (("workspace", "account"), ("account",)),
    unique=("workspace", "account"),
    cached=True,
)
TEMPLATE = Layout(
    Template,
    "template",
    (whole("id"),),
    (whole("workspace"), named("name")),
    (("workspace", "name"),),
    unique=("workspace", "name"),
    sparse=frozenset({"name"}),
    cached=True,
)
JOB = Layout(
    Job,
    "job",
    (whole("id"),),
    (whole("workspace"), named("name"), choice("state", JobState), whole("priority")),
    (("workspace", "name"), ("name",)),
    unique=("workspace", "name"),
    cached=True,
)
JOB_COUNTER = Layout(
    JobCounter,
    "job_counter",
    (whole("job"),),
    # all of it are columns: a row that every append changes is small, and no JSON is read or written for it
    (whole("tasks"), whole("packages"), whole("rows_read")),
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
        time_limit("due"),
    ),
    (
        ("job", "open", "number"),
        ("job", "state", "waiting", "-priority", "waiting_since", "number"),
        ("job", "state", "number"),
        ("job", "value", "number"),
    ),
    sparse=frozenset({"value"}),
    sums=Sums("package_sums", by=("job", "state"), add=("size", *COUNTS)),
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
        choice("purpose", Purpose),
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
        thousandths("seconds"),
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
        word("became", derived=True),
    ),
    (("job", "position"), ("job", "package", "position"), ("job", "became", "position")),
    sparse=frozenset({"became"}),
)

_ALL: list[Layout[Any]] = [
    WORKSPACE,
    MEMBER,
    TEMPLATE,
    JOB,
    JOB_COUNTER,
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
