"""Entities to plain JSON types and back, through one private cattrs converter.

Bodies are compact: keys are field names, and fields that have their default are left out.

The converter is made, with all its functions, when it is first used: that takes longer than
importing the library.
"""

from __future__ import annotations

from _thread import LockType, allocate_lock, start_new_thread
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from operator import attrgetter
from typing import Any, get_args

import attrs
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

from itagflow import jsontext
from itagflow.model.event import FieldChange
from itagflow.model.job import (
    Accept,
    CrewKey,
    Inspect,
    Label,
    Route,
    Workflow,
    parse_crew_key,
)
from itagflow.model.lot import Lot
from itagflow.model.merging import Merge, MergeReport, QuestionMerge
from itagflow.model.migration import TemplateChange, TemplateStep
from itagflow.model.overdue import OverdueRule, convert_on_overdue
from itagflow.model.package import QueueCursor
from itagflow.model.packaging import (
    Packaging,
)
from itagflow.model.plan import AcceptancePlan, LotEntry, PackageLot, SwitchingState
from itagflow.model.region import Keypoint, Region
from itagflow.model.reply import Reply
from itagflow.model.result import Provenance, StageResult
from itagflow.model.segment import Segment
from itagflow.model.skills import Field
from itagflow.model.span import Relation, TextSpan
from itagflow.model.task import Answer
from itagflow.model.template import (
    Option,
    Question,
    Scale,
    Template,
    View,
)
from itagflow.model.text import format_value
from itagflow.quality.stored_plans import Plan


def to_json(value: Any) -> Any:
    """Return an entity, or a part of one, as plain JSON types."""
    return _converter().unstructure(value)


def encoder(kind: Any) -> Callable[[Any], Any]:
    """Return the function that makes plain JSON types of a value declared as *kind*."""
    return _converter().get_unstructure_hook(kind)


def encoder_without_replies(kind: type[StageResult | Answer]) -> Callable[[Any], Any]:
    """Return the function that makes plain JSON types of all fields but the replies."""
    return make_dict_unstructure_fn(
        kind, _converter(), _cattrs_omit_if_default=True, replies=override(omit=True)
    )


def decoder(kind: Any) -> Callable[[Any], Any]:
    """Return the function that makes a value declared as *kind* of plain JSON types."""
    hook = _converter().get_structure_hook(kind)
    return lambda value: hook(value, kind)


DecodingError = BaseValidationError
"""What a decoder raises when fields are missing, or hold something else."""


def list_problems(error: DecodingError) -> list[tuple[str, str]]:
    """Return what is wrong, each with its place, such as ``.votes[0].round``."""
    problems: list[tuple[str, str]] = []
    for told in transform_error(error):
        # such as "required field missing @ $.round"
        reason, _, path = told.rpartition(" @ $")
        problems.append((path, reason or told))
    return problems


class StoredReplies(Mapping[str, Reply]):
    """The replies by question id that are stored as JSON: each is made when it is asked for.

    They equal a dict of the same replies, and are one once they are copied or pickled.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        """Begin without a reply that is made."""
        self._made: dict[str, Reply] = {}

    @property
    @abstractmethod
    def plain(self) -> Mapping[str, Any]:
        """The plain JSON by question id, as it is stored; not to be changed."""

    @property
    def text(self) -> str:
        """The plain JSON as compact text, as `jsontext.dumps` writes it."""
        return jsontext.dumps(self.plain)

    def __getitem__(self, id: str) -> Reply:
        made = self._made.get(id)
        if made is None:
            # of several threads that ask at once, all get what the first one has made
            made = self._made.setdefault(id, decode_reply(self.plain[id]))
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return len(self.plain)

    def __contains__(self, id: object) -> bool:
        return id in self.plain

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[Any, ...]:
        # a copy belongs to whoever made it
        return (dict, (dict(self),))


class ParsedReplies(StoredReplies):
    """Replies whose plain JSON is there already."""

    __slots__ = ("_plain",)

    def __init__(self, plain: Mapping[str, Any]) -> None:
        """Have them from their *plain* JSON."""
        super().__init__()
        self._plain = plain

    @property
    def plain(self) -> Mapping[str, Any]:
        """The plain JSON by question id."""
        return self._plain


def encode_replies(replies: Mapping[str, Reply]) -> Mapping[str, Any]:
    """Return *replies* as the plain JSON that they are stored as; not to be changed.

    >>> from itagflow import Choice
    >>> encode_replies({"1": Choice("cat")})
    {'1': {'key': 'cat', 'kind': 'choice'}}
    """
    if isinstance(replies, StoredReplies):  # without making one
        return replies.plain
    encode = encoder(Reply)
    return {id: encode(reply) for id, reply in replies.items()}


def write_replies(replies: Mapping[str, Reply]) -> str:
    """Return *replies* as the compact JSON that they are stored as.

    >>> from itagflow import Choice
    >>> write_replies({"1": Choice("cat")})
    '{"1":{"key":"cat","kind":"choice"}}'
    """
    if isinstance(replies, StoredReplies):
        return replies.text
    return jsontext.dumps(encode_replies(replies))


def decode_reply(plain: Any) -> Reply:
    """Return the reply that is stored as this plain JSON."""
    made: Reply = decoder(Reply)(plain)
    return made


def decode_region(plain: Any) -> Region:
    """Return the region that is stored as this plain JSON in a reply."""
    made: Region = decoder(Region)(plain)
    return made


def _make_tag(kind: type) -> str:
    return kind.__name__.lower()


_RULES: Mapping[str, type[Label | Inspect | Accept]] = {
    "label": Label,
    "inspect": Inspect,
    "accept": Accept,
}


_converters: dict[str, Converter] = {}
"""The converter, once it is made."""


def _converter() -> Converter:
    """Return the converter, which is made by a thread of its own.

    cattrs notes, for each thread, which function that thread is making.  An exception from outside,
    such as Ctrl-C, can strike between the note and the code that takes it back; that thread could
    never have the function then. Nobody sends exceptions to a thread that nobody knows, and when
    one strikes whoever waits here, it goes on.

    There is no lock, which a child that is forked meanwhile would inherit locked.  When several
    threads are the first, each makes a converter, and the one that is ready first is everybody's.
    """
    converter = _converters.get("converter")
    if converter is not None:
        return converter
    # of C, as all here: nothing of `threading`, which could be left half done
    is_done = allocate_lock()
    is_done.acquire()
    try:
        start_new_thread(_make_once, (is_done,))
    except RuntimeError:  # where no thread can be started, there is no better place than here
        _make_once(is_done)
    else:
        is_done.acquire()
    return _converters["converter"]


def _make_once(is_done: LockType) -> None:
    """Make a converter, keep it unless another thread was faster, and wake who waits for it."""
    # whatever happens here, who waits goes on, and finds the error where the converter is missing
    try:
        _converters.setdefault("converter", _make_converter())
    finally:
        is_done.release()


def _make_converter() -> Converter:
    # Defaults are left out: most fields have theirs, and a field that is added later needs no
    # migration.  So a default that was released never changes.
    converter = Converter(omit_if_default=True)
    # In this order: a function that cattrs makes has the functions of its fields in it, and does
    # not see what is registered after it was made.
    _add_plain_values(converter)
    _add_changes_of_fields(converter)
    for kind in (Keypoint, *get_args(Region), TextSpan, Relation, Segment):
        _register_attrs(converter, kind)
    for union in (Region, Packaging):
        configure_tagged_union(union, converter, tag_generator=_make_tag, tag_name="kind")
    _add_replies(converter)
    configure_tagged_union(TemplateStep, converter, tag_generator=_make_tag, tag_name="kind")
    _add_plans(converter)
    converter.register_unstructure_hook(
        Workflow, lambda flow: _unstructure_workflow(converter, flow)
    )
    converter.register_structure_hook(
        Workflow, lambda rules, _: _structure_workflow(converter, rules)
    )
    for kind in (
        Option,
        Scale,
        View,
        Question,
        Template,
        TemplateChange,
        Merge,
        QuestionMerge,
        MergeReport,
        Field,
        Lot,
        *_RULES.values(),
        *(PackageLot, LotEntry, SwitchingState),
        QueueCursor,
        Provenance,
        StageResult,
    ):
        # made here, where no exception strikes (see `_converter`), and not when each of them is
        # first used
        _register_attrs(converter, kind)
    return converter


def _add_plain_values(converter: Converter) -> None:
    """Store times as text and durations in seconds; take numbers, flags and texts as they are."""
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_unstructure_hook(timedelta, timedelta.total_seconds)
    converter.register_structure_hook(timedelta, _structure_duration)
    converter.register_structure_hook(str | int | None, lambda value, _: value)
    converter.register_structure_hook(float, lambda value, _: value)
    converter.register_structure_hook(int, _structure_integer)
    converter.register_structure_hook(bool, _structure_flag)
    converter.register_structure_hook(str, _structure_text)
    converter.register_structure_hook(str | tuple[str, ...], _structure_one_or_more)
    converter.register_structure_hook(str | tuple[str, ...] | None, _structure_one_or_more)
    converter.register_structure_hook(Route | int | str, _structure_route)
    converter.register_structure_hook(CrewKey, lambda value, _: parse_crew_key(value))
    converter.register_unstructure_hook(CrewKey, lambda key: key.value)
    # as `value`, in a fourth of the time
    converter.register_unstructure_hook_func(_is_enum, attrgetter("_value_"))
    converter.register_unstructure_hook(
        Route | int | str, lambda route: route.value if isinstance(route, Enum) else route
    )


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _add_changes_of_fields(converter: Converter) -> None:
    """Store a change of a field as a list: an event has many, and the names would be most of it."""
    converter.register_unstructure_hook(
        FieldChange,
        lambda change: [change.kind, change.key, change.field, change.before, change.after],
    )
    converter.register_structure_hook(
        FieldChange, lambda row, _: FieldChange(row[0], tuple(row[1]), row[2], row[3], row[4])
    )


def _add_replies(converter: Converter) -> None:
    """Store a reply with its kind, or null; after the regions, spans and segments in it."""
    for kind in get_args(Reply):
        _register_attrs(converter, kind)
    configure_tagged_union(Reply, converter, tag_generator=_make_tag, tag_name="kind")
    read, write = converter.get_structure_hook(Reply), converter.get_unstructure_hook(Reply)
    converter.register_structure_hook(
        Reply | None, lambda value, _: None if value is None else read(value, Reply)
    )
    converter.register_unstructure_hook(
        Reply | None, lambda reply: None if reply is None else write(reply)
    )
    replies = Mapping[str, Reply] | None
    converter.register_structure_hook(replies, _structure_replies)
    converter.register_unstructure_hook(
        replies, lambda value: None if value is None else encode_replies(value)
    )
    converter.register_structure_hook(OverdueRule, partial(_structure_overdue_rule, read))
    converter.register_unstructure_hook(OverdueRule, partial(_unstructure_overdue_rule, write))


def _add_plans(converter: Converter) -> None:
    """Store an acceptance plan with its kind, or null."""
    for kind in get_args(Plan):
        _register_attrs(converter, kind)
    configure_tagged_union(Plan, converter, tag_generator=_make_tag, tag_name="kind")
    read, write = converter.get_structure_hook(Plan), converter.get_unstructure_hook(Plan)
    converter.register_structure_hook(
        AcceptancePlan | None, lambda value, _: None if value is None else read(value, Plan)
    )
    converter.register_unstructure_hook(
        AcceptancePlan | None, lambda plan: None if plan is None else write(plan)
    )


def _structure_replies(value: Any, _: object) -> Mapping[str, Reply] | None:
    if value is None:
        return None
    return ParsedReplies(value)


def _structure_overdue_rule(
    read: Callable[[Any, Any], Reply], value: Any, _: object
) -> OverdueRule:
    if value is None or isinstance(value, str):
        return convert_on_overdue(value)
    return {question: read(reply, Reply) for question, reply in value.items()}


def _unstructure_overdue_rule(write: Callable[[Reply], Any], rule: OverdueRule) -> Any:
    if isinstance(rule, Mapping):
        return {question: write(reply) for question, reply in rule.items()}
    return None if rule is None else rule.value


def _register_attrs(converter: Converter, kind: type[attrs.AttrsInstance]) -> None:
    """Let *kind*'s own attrs converters make tuples; cattrs only builds what is inside."""
    converter.register_unstructure_hook(
        kind, make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)
    )
    converter.register_structure_hook(kind, make_dict_structure_fn(kind, converter))


def _structure_integer(value: object, _: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as JSON Schema has it
    raise TypeError(f"needs a whole number, not {format_value(value)}")


def _structure_duration(seconds: float, _: object) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:  # the longest one, rounded up as a number
        return timedelta.max


def _structure_flag(value: object, _: object) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError(f"needs true or false, not {format_value(value)}")


def _structure_text(value: object, _: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"needs a string, not {format_value(value)}")


def _structure_one_or_more(
    value: str | list[str] | None, _: object
) -> str | tuple[str, ...] | None:
    if isinstance(value, list):
        return tuple(value)
    return value


def _structure_route(value: str | int, _: object) -> Route | int | str:
    if isinstance(value, int):  # the key of a member
        return value
    return Route(value)


def _unstructure_workflow(converter: Converter, flow: Workflow) -> dict[str, Any]:
    rules = {name: getattr(flow, name) for name in _RULES}
    return {name: converter.unstructure(rule) for name, rule in rules.items() if rule is not None}


def _structure_workflow(converter: Converter, rules: Mapping[str, Any]) -> Workflow:
    return Workflow(
        *(converter.structure(rules[name], kind) for name, kind in _RULES.items() if name in rules)
    )
