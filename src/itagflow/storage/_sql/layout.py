"""How each kind is laid out: its table, the columns of its row, and what goes into the body.

A row is the key, the version, the fields that queries may name (`itagflow.storage.fields`) and a
JSON body with everything else: a new field is no migration, a new column is.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from itertools import compress
from operator import attrgetter, is_not, itemgetter
from typing import Any, Generic, cast

import attrs

from itagflow import jsontext
from itagflow.model.comment import Comment
from itagflow.model.copying import is_copyable, make_of_fields
from itagflow.model.deferred import get_fields, make_deferred
from itagflow.model.delivery import DeadLetter, DelayedJob, DeliveryCursor
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.lot import AcceptanceLot
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.result import COUNTS
from itagflow.model.task import Answer, Draft, Task
from itagflow.model.template import Template
from itagflow.model.text import normalize_name
from itagflow.model.workspace import Member, Workspace
from itagflow.storage._sql.bodies import Body
from itagflow.storage._sql.numbers import expand_floats
from itagflow.storage.codec import decoder, encoder
from itagflow.storage.fields import (
    FIELDS,
    Fields,
    IndexField,
    field_value,
    keep_value,
)
from itagflow.storage.port import Query, Span

Decode = Callable[[Any], Any]
Encode = Callable[[Any], Any]


def _derive(make: Callable[[Any], Any]) -> Any:
    """Return a default that is worked out from the other fields."""
    return attrs.Factory(make, takes_self=True)


def _make_body(layout: Layout[Any]) -> Mapping[str, tuple[Decode, Encode, Any]]:
    types = typing.get_type_hints(layout.kind)
    # A name is in the body too, unless both are equal (see `_encode_body`): its column has it in
    # NFC, to be compared, and the entity gets it back as it was given.
    columns = (
        column for column in (*layout.key, *layout.columns) if column.encode is not normalize_name
    )
    excluded = {"version", *(column.name for column in columns)}
    return {
        field.name: (decoder(types[field.name]), encoder(types[field.name]), _get_default(field))
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", layout.kind))
        # what is not compared is not stored: the account of an event is read with its member
        if field.eq and field.name not in excluded
    }


def _get_default(field: attrs.Attribute[Any]) -> Any:
    """Return the value that a field has when it is not given."""
    default: Any = field.default
    if hasattr(default, "factory"):
        return default.factory()
    return default


def _find_omitted(layout: Layout[Any]) -> dict[str, Any] | None:
    if not is_copyable(layout.kind):
        return None
    # what has no default is in every row; one that follows from other fields has a column
    names = {
        field.name for field in attrs.fields(layout.kind) if field.default is not attrs.NOTHING
    }
    made = {name for name, _ in layout.made}
    return {name: layout.body[name][2] for name in names - made - set(layout.loaded_fields)}


def _list_made(layout: Layout[Any]) -> tuple[tuple[str, Callable[[], Any]], ...]:
    return tuple(
        (field.name, field.default.factory)
        for field in attrs.fields(layout.kind)
        if hasattr(field.default, "factory") and field.name not in layout.loaded_fields
    )


def _find_body_defaults(layout: Layout[Any]) -> dict[str, Any]:
    made = {name for name, _ in layout.made}
    return {
        name: default
        for name, (_, _, default) in layout.body.items()
        if name not in made and default is not attrs.NOTHING
    }


def _list_stored(layout: Layout[Any]) -> tuple[IndexField, ...]:
    return (*layout.key, IndexField("version", keep_value, keep_value), *layout.columns)


def _list_names(layout: Layout[Any]) -> frozenset[str]:
    return frozenset(column.name for column in layout.stored)


def _make_getter(layout: Layout[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gets the columns of a row out of an entity or its dict."""
    names = [column.name for column in layout.stored]
    if not is_copyable(layout.kind):
        return attrgetter(*names)
    own = {field.name for field in attrs.fields(layout.kind)}
    return itemgetter(*(name if name in own else names[0] for name in names))


def _list_computed(layout: Layout[Any]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    if not is_copyable(layout.kind):
        return ()
    own = {field.name for field in attrs.fields(layout.kind)}
    return tuple(
        (index, attrgetter(column.name))
        for index, column in enumerate(layout.stored)
        if column.name not in own
    )


def _list_encoders(layout: Layout[Any]) -> tuple[tuple[int, Encode], ...]:
    return tuple(
        (index, column.encode)
        for index, column in enumerate(layout.stored)
        if column.encode is not keep_value
    )


def _make_loaded_getter(layout: Layout[Any]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    # always a tuple: every kind has at least its key and its version
    indexes = [index for index, column in enumerate(layout.stored) if column.decode is not None]
    get: Callable[[tuple[Any, ...]], tuple[Any, ...]] = itemgetter(*indexes)
    return get


def _list_loaded_fields(layout: Layout[Any]) -> tuple[str, ...]:
    return tuple(column.name for column in layout.stored if column.decode is not None)


def _list_decoders(layout: Layout[Any]) -> tuple[tuple[str, Decode], ...]:
    return tuple(
        (column.name, column.decode)
        for column in layout.stored
        if column.decode is not None and column.decode is not keep_value
    )


def _make_body_getter(layout: Layout[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gets the fields of the body out of an entity or its dict, always as a tuple."""
    names = tuple(layout.body)
    make: Any = itemgetter if is_copyable(layout.kind) else attrgetter
    if len(names) == 1:  # with one name, it would return the value itself
        get_one = make(*names)
        return lambda source: (get_one(source),)
    get: Callable[[Any], tuple[Any, ...]] = make(*names) if names else lambda _: ()
    return get


def _list_body_encoders(layout: Layout[Any]) -> tuple[tuple[str, Encode, Any, bool], ...]:
    body = layout.body.items()
    return tuple(
        (name, encode, default, name in layout.names) for name, (_, encode, default) in body
    )


def _list_defaults(layout: Layout[Any]) -> tuple[Any, ...]:
    return tuple(default for _, _, default in layout.body.values())


Group = tuple[Any, ...]
"""The values of the columns that make a group."""


def _make_sums_splitter(layout: Layout[Any]) -> Callable[[tuple[Any, ...]], tuple[Group, Group]]:
    """Return what takes from a row its group and what is summed of it."""
    if layout.sums is None:
        return lambda _: ((), ())
    # made once, and of C: this is done twice for each package that is saved
    columns = [column.name for column in layout.stored]
    get_group = itemgetter(*map(columns.index, layout.sums.by))
    get_values = itemgetter(*map(columns.index, layout.sums.add))
    return lambda row: (get_group(row), get_values(row))


@attrs.frozen(eq=False)
class ColumnUpdate:
    """What an UPDATE of some columns takes from a row: worked out once, used for many rows."""

    get_values: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    """Gets the new values, and the key behind them."""
    moves_sums: bool
    """Whether the kept sums may change."""


@attrs.frozen
class Sums:
    """Sums over the entities of a kind that are kept, so that reading them takes constant time."""

    table: str
    """The name of the table: a row per group and slot, so that writers rarely conflict."""
    by: tuple[str, ...]
    """The columns that make the groups."""
    add: tuple[str, ...]
    """The columns that are summed."""

    def can_answer(self, query: Query[Any], by: tuple[str, ...], add: tuple[str, ...]) -> bool:
        """Return whether they are what is asked for: some groups, by the other columns."""
        # only equality: that is all that the primary key of the table of sums is good for
        if query.unless is not None:
            return False
        if any(isinstance(value, tuple | Span) for value in query.where.values()):
            return False
        return set(add) <= set(self.add) and sorted([*query.where, *by]) == sorted(self.by)


_BODY = "_body"
"""Under which name an entity keeps the body that was not read yet."""


@attrs.frozen(eq=False)
class Layout(Generic[E]):
    """How one kind is laid out."""

    kind: type[E]
    """The kind."""
    table: str
    """The name of its table."""
    sparse: frozenset[str] = frozenset()
    """The text columns that are empty for most: their indexes leave those out."""
    text: str = ""
    """The field whose text is the whole body; empty when the body is JSON of the other fields."""
    has_replies: bool = False
    """Whether a body is mostly replies: it is read when a field of it is first asked for."""
    cached: bool = False
    """Whether each version is read so often that a store decodes it once.

    What rarely changes, and assignments: every answer that is saved reads one.
    """
    sums: Sums | None = None
    """The sums that are kept of it."""
    key: tuple[IndexField, ...] = attrs.field(
        init=False, default=_derive(lambda layout: layout.fields.key)
    )
    """The columns of its key."""
    columns: tuple[IndexField, ...] = attrs.field(
        init=False, default=_derive(lambda layout: layout.fields.indexed)
    )
    """Its other columns."""
    body: Mapping[str, tuple[Decode, Encode, Any]] = attrs.field(
        init=False, default=_derive(_make_body)
    )
    """The body's fields: how each is read and written, and its default (not for columns)."""
    stored: tuple[IndexField, ...] = attrs.field(init=False, default=_derive(_list_stored))
    """The columns of key, version and index, in the order of a row."""
    split_for_sums: Callable[[tuple[Any, ...]], tuple[Group, Group]] = attrs.field(
        init=False, default=_derive(_make_sums_splitter)
    )
    """Takes from a row its group and what is summed of it."""
    names: frozenset[str] = attrs.field(init=False, default=_derive(_list_names))
    """The names that a query may use."""
    getter: Callable[[Any], tuple[Any, ...]] = attrs.field(
        init=False, default=_derive(_make_getter)
    )
    """Gets the columns of a row out of an entity, or out of its dict."""
    computed: tuple[tuple[int, Callable[[Any], Any]], ...] = attrs.field(
        init=False, default=_derive(_list_computed)
    )
    """The columns that the getter cannot get: the index in a row, and what computes it."""
    get_body: Callable[[Any], tuple[Any, ...]] = attrs.field(
        init=False, default=_derive(_make_body_getter)
    )
    """Gets the fields of the body out of an entity, or out of its dict."""
    body_encoders: tuple[tuple[str, Encode, Any, bool], ...] = attrs.field(
        init=False, default=_derive(_list_body_encoders)
    )
    """How each is written: name, encoder, default, and whether it is a column too."""
    defaults: tuple[Any, ...] = attrs.field(init=False, default=_derive(_list_defaults))
    """The default of each."""
    encoders: tuple[tuple[int, Encode], ...] = attrs.field(
        init=False, default=_derive(_list_encoders)
    )
    """Which columns do not keep a field as it is: the index in a row, and what is kept."""
    get_loaded: Callable[[tuple[Any, ...]], tuple[Any, ...]] = attrs.field(
        init=False, default=_derive(_make_loaded_getter)
    )
    """Gets the columns out of a row that are read back; not what follows from other fields."""
    loaded_fields: tuple[str, ...] = attrs.field(init=False, default=_derive(_list_loaded_fields))
    """The fields that those are read back into."""
    decoders: tuple[tuple[str, Decode], ...] = attrs.field(
        init=False, default=_derive(_list_decoders)
    )
    """How fields are read back that are not kept as they are."""
    made: tuple[tuple[str, Callable[[], Any]], ...] = attrs.field(
        init=False, default=_derive(_list_made)
    )
    """What makes the defaults that no two entities may share, such as an empty dict."""
    omitted: dict[str, Any] | None = attrs.field(init=False, default=_derive(_find_omitted))
    """What other fields have that a row may omit, for kinds whose fields are set all at once."""
    body_defaults: dict[str, Any] = attrs.field(init=False, default=_derive(_find_body_defaults))
    """The defaults of the fields of the body, except for those that are made for each."""
    absent: dict[tuple[str, ...], dict[str, Any]] = attrs.field(
        init=False, factory=dict[tuple[str, ...], dict[str, Any]]
    )
    """The same without the fields that a body has, by their names: bodies have few sets of them."""
    updates: dict[tuple[int, ...], ColumnUpdate] = attrs.field(
        init=False, factory=dict[tuple[int, ...], ColumnUpdate]
    )
    """The updates that there were, by the indexes of their columns: there are few sets of them."""
    field_count: int = attrs.field(
        init=False, default=_derive(lambda layout: len(attrs.fields(layout.kind)))
    )
    """How many fields the kind has."""

    def row(self, entity: E) -> tuple[Any, ...]:
        """Return *entity* as a row."""
        # All fields by one call in C, and then the few that are computed or encoded.  Out of a dict
        # they come three times as fast as by attribute, for which Python asks the class first.
        source: Any = entity if self.omitted is None else get_fields(entity)
        values = list(self.getter(source))
        for index, compute in self.computed:
            values[index] = compute(entity)
        for index, encode in self.encoders:
            values[index] = encode(values[index])
        values.append(str(getattr(entity, self.text)) if self.text else self._encode_body(source))
        return tuple(values)

    def find_update(self, columns: tuple[int, ...]) -> ColumnUpdate:
        """Return the update of the columns with these indexes; the version is one of them."""
        update = self.updates.get(columns)
        if update is None:
            summed = () if self.sums is None else (*self.sums.by, *self.sums.add)
            moved = {column.name for at, column in enumerate(self.stored) if at in columns}
            get_values = itemgetter(*columns, *range(len(self.key)))
            update = ColumnUpdate(get_values, moves_sums=not moved.isdisjoint(summed))
            self.updates[columns] = update
        return update

    def entity(self, row: tuple[Any, ...]) -> E:
        """Return the entity that `row` made this row of."""
        if self.has_replies and row[-1] != "{}":
            return self._defer_body(row)
        # the whole row in C, and then the few columns that need more: this is done for every row
        # that is read.  The body, behind the columns, is left out.
        fields = {} if self.omitted is None else self.omitted.copy()
        fields.update(zip(self.loaded_fields, self.get_loaded(row), strict=True))
        for name, decode in self.decoders:
            fields[name] = decode(fields[name])
        if self.text:
            fields[self.text] = row[-1]
        elif row[-1] != "{}":
            fields.update(self._decode_body(row[-1]))
        if self.omitted is None:
            return self.kind(**fields)
        # past `__init__`, which takes three times as long: see `evolve`
        for name, make in self.made:
            if name not in fields:
                fields[name] = make()
        if len(fields) != self.field_count:
            return self.kind(**fields)  # which says what the row lacks
        return make_of_fields(self.kind, fields)

    def _decode_body(self, text: str) -> dict[str, Any]:
        """Return the fields that are in a body."""
        return {
            name: self.body[name][0](value)
            for name, value in jsontext.loads_own(text).items()
            if name in self.body  # else a newer version has stored it, or an older one did
        }

    def _defer_body(self, row: tuple[Any, ...]) -> E:
        """Return the entity of *row* without reading its body, which nobody may ask for."""
        # as in `entity`
        fields = dict(zip(self.loaded_fields, self.get_loaded(row), strict=True))
        for name, decode in self.decoders:
            fields[name] = decode(fields[name])
        fields[_BODY] = row[-1]
        return make_deferred(self.kind, fields, self._read_field)

    def _read_field(self, fields: dict[str, Any], name: str) -> Any:
        """Return a field of the body of an entity that has these *fields*, or its default.

        Raises:
            AttributeError: when the body cannot have such a field.
        """
        body = fields[_BODY]
        if not isinstance(body, Body):
            body = self._begin_to_read(fields, body)
        if name in fields:
            return fields[name]
        if name not in self.body:
            raise AttributeError(f"{self.kind.__name__!r} object has no attribute {name!r}")
        plain = body.parse()
        if name not in plain:
            return self.make_default(name)
        return self.body[name][0](plain[name])

    def _begin_to_read(self, fields: dict[str, Any], text: str) -> Body:
        """Set what is known of a body without parsing it: nearly always all but few fields."""
        body = Body(text)
        if body.parts is not None:
            others = body.parts.others
            fields.update(self._find_absent(others))
            # where another thread does the same, all get what it has set first
            for name, make in self.made:
                if name not in others:
                    fields.setdefault(name, make())
            fields.setdefault("replies", body)
        fields[_BODY] = body
        return body

    def _find_absent(self, present: tuple[str, ...]) -> dict[str, Any]:
        """Return the defaults of the fields that a body leaves out which has those *present*."""
        absent = self.absent.get(present)
        if absent is None:
            left_out = self.body_defaults.keys() - {"replies", *present}
            absent = {name: self.body_defaults[name] for name in left_out}
            self.absent[present] = absent
        return absent

    def make_default(self, name: str) -> Any:
        """Return the default of a field of the body; what can be changed is made again."""
        for made, make in self.made:
            if made == name:
                return make()
        default = self.body[name][2]
        if default is attrs.NOTHING:
            raise TypeError(f"a row of {self.kind.__name__} is missing {name!r}")
        return default

    def value(self, entity: E, name: str) -> Any:
        """Return what the column *name* holds for *entity*."""
        return field_value(cast(Any, entity), name)

    @property
    def fields(self) -> Fields:
        """What queries may name of it."""
        return FIELDS[self.kind]

    @property
    def unique(self) -> tuple[str, ...]:
        """The columns that no two entities may share, unless the last of them is empty."""
        return self.fields.unique

    @property
    def indexes(self) -> tuple[tuple[str, ...], ...]:
        """The combinations of columns that are indexed, in the order in which they sort."""
        return self.fields.indexes

    def _encode_body(self, source: Any) -> str:
        body: dict[str, Any] = {}
        values = self.get_body(source)
        # First by identity, in C: most are the default itself, and comparing them takes longer.
        for index in compress(range(len(values)), map(is_not, values, self.defaults)):
            name, encode, default, is_name = self.body_encoders[index]
            value = values[index]
            usual = normalize_name(value) if is_name else default
            if value != usual:
                body[name] = encode(value)
        if not body:
            return "{}"
        return expand_floats(jsontext.dumps(body))


_ALL: list[Layout[Any]] = [
    Layout(Workspace, "workspace", cached=True),
    Layout(Member, "member", cached=True),
    Layout(Template, "template", sparse=frozenset({"name"}), cached=True),
    Layout(Job, "job", cached=True),
    Layout(JobCounter, "job_counter"),
    Layout(
        Package,
        "package",
        sparse=frozenset({"value", "waiting_value"}),
        sums=Sums("package_sums", by=("job", "state"), add=("size", *COUNTS)),
    ),
    Layout(AcceptanceLot, "lot"),
    Layout(Task, "task", sparse=frozenset({"row_key_text"}), text="row"),
    Layout(Assignment, "assignment", sparse=frozenset({"token"}), cached=True),
    Layout(Answer, "answer", has_replies=True),
    Layout(Draft, "draft", has_replies=True),
    Layout(ClaimCounter, "claim_counter"),
    Layout(Comment, "comment"),
    Layout(Event, "event", sparse=frozenset({"became"})),
    Layout(DeliveryCursor, "delivery_cursor"),
    Layout(DelayedJob, "delayed_job"),
    Layout(DeadLetter, "dead_letter"),
]
LAYOUTS: Mapping[type[Any], Layout[Any]] = {layout.kind: layout for layout in _ALL}
"""The layout of each kind; made with the first store on an SQL database, not at import."""
