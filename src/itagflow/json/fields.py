"""Which fields of a value are in its JSON, and what each of them holds.

What is written, what is read and what a schema says are all taken from here, so that they agree.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from itagflow.delivery import DeadLetter, DelayedJob, Message
from itagflow.model.batch import BatchResult
from itagflow.model.comment import Comment, Thread
from itagflow.model.erasing import EraseReport, TasksOfJob
from itagflow.model.event import Event
from itagflow.model.export import Export
from itagflow.model.guideline import Guideline
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.job import Job, Label, ReviewRule, StageWorkers, Workflow
from itagflow.model.lot import AcceptanceLot
from itagflow.model.merging import MergeReport, QuestionMerge
from itagflow.model.package import Assignment, Package
from itagflow.model.partition import JobPartition
from itagflow.model.plan import LotEntry, LotVerdict
from itagflow.model.prelabel import PreLabel
from itagflow.model.reports import (
    CheckReport,
    LoadReport,
    QueueReport,
    ReopenReport,
    TickReport,
)
from itagflow.model.result import Progress, Provenance, Result, StageResult
from itagflow.model.selection import Selection
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.quality.stored_plans import Plan


class KeyText:
    """Stands for an integer that is a key: a text in JSON."""


class MemberKey:
    """Stands for the key of a member: an object with ``id`` and ``account`` in JSON."""


class MemberName:
    """Stands for a member as callers name one: an account, or an object with ``id``."""


class RouteOrMember:
    """Stands for a `Route`, or a member as callers name one."""


class PackageNumber:
    """Stands for a package or its number: the number in JSON."""


class OneOrMoreReplies:
    """Stands for one reply, or replies by question id."""


@attrs.frozen
class JsonField:
    """One field of the JSON of a value."""

    name: str
    """Its name."""
    hint: Any
    """What it holds: a type, or one of the classes of this module that stand for something."""
    is_required: bool
    """Whether it has to be there when the value is read."""
    default: Any = None
    """What is left out of the JSON of parts of replies: a value, or a factory of attrs."""
    is_computed: bool = False
    """Whether it is only written, since it follows from the others."""
    is_zero_nothing: bool = False
    """Whether 0 stands for nothing, which is null in JSON."""


KEYS: Mapping[type, Mapping[str, type]] = {
    Workspace: {"id": KeyText},
    Member: {"id": KeyText, "workspace": KeyText},
    Template: {"id": KeyText, "workspace": KeyText},
    Job: {"id": KeyText, "workspace": KeyText, "template": KeyText, "created_by": MemberKey},
    StageWorkers: {"members": MemberKey},
    Package: {"job": KeyText},
    Task: {"job": KeyText},
    JobPartition: {"job": KeyText},
    Assignment: {"job": KeyText, "id": KeyText, "member": MemberKey},
    Answer: {"job": KeyText, "assignment": KeyText, "picked": KeyText, "member": MemberKey},
    MergeReport: {"voters": MemberKey, "abandoned_by": MemberKey},
    QuestionMerge: {"voters": MemberKey},
    StageResult: {"member": MemberKey},
    Provenance: {"member": MemberKey},
    Guideline: {"member": MemberKey},
    Comment: {"job": KeyText, "id": KeyText, "thread": KeyText, "member": MemberKey},
    Thread: {"job": KeyText, "id": KeyText},
    Event: {
        "workspace": KeyText,
        "member": MemberKey,
        "job": KeyText,
        "assignment": KeyText,
    },
    Export: {"job": KeyText, "jobs": KeyText, "member": MemberKey},
    TasksOfJob: {"job": KeyText},
    BatchResult: {"key": KeyText},
    Message: {"job": KeyText},
    DelayedJob: {"job": KeyText},
    DeadLetter: {"job": KeyText},
    AcceptanceLot: {"job": KeyText},
}
"""The fields that hold keys, by class; subclasses have them too."""

ZERO_IS_NOTHING: Mapping[type, frozenset[str]] = {
    Template: frozenset({"id", "workspace"}),
    Event: frozenset({"member", "job", "package", "assignment", "task"}),
    Package: frozenset({"rejected_lot"}),
    AcceptanceLot: frozenset({"again"}),
    LotEntry: frozenset({"lot"}),
    LotVerdict: frozenset({"number"}),
    Export: frozenset({"member"}),
    Message: frozenset({"job"}),
    DelayedJob: frozenset({"job"}),
    DeadLetter: frozenset({"job"}),
}
"""The fields in which 0 says that there is none."""

MAY_BE_MISSING = frozenset({Workflow})
"""The classes whose constructor has its own way to leave something out."""

LEFT_OUT: Mapping[type, frozenset[str]] = {
    # whoever has it can tell who is behind a pseudonym
    Workspace: frozenset({"pseudonym_key"}),
    # whoever knows the seed can tell which tasks will be reviewed, and who is behind "labeler 1"
    Job: frozenset({"seed"}),
    # what one member's program calls its claim
    Assignment: frozenset({"token", "token_arguments"}),
    # how they are stored: what can be read is computed
    Task: frozenset({"row", "row_key_text"}),
    Event: frozenset({"became_text"}),
}
"""The fields that are not written."""

COMPUTED: Mapping[type, tuple[str, ...]] = {
    Task: ("row_key", "data", "tags", "erased"),
    Package: ("stage",),
    Event: ("became", "tasks", "outcomes"),
    Result: ("replies", "kept", "decided_by"),
    Progress: ("total", "done", "is_idle"),
    LoadReport: ("loaded",),
    CheckReport: ("ok",),
    ReopenReport: ("selected",),
    TasksOfJob: ("count",),
    EraseReport: ("count",),
    QueueReport: ("waiting", "held", "offered", "overdue", "oldest_waiting_since"),
    TickReport: ("changed",),
    Inconsistency: ("place", "finding"),
}
"""The properties that are written, too, by class: what screens ask for."""

HINTS: Mapping[tuple[type, str], Any] = {
    (Label, "rework"): RouteOrMember,
    (Selection, "member"): MemberName | None,
    (Selection, "package"): PackageNumber | None,
    (PreLabel, "replies"): OneOrMoreReplies,
    (ReviewRule, "plan"): Plan | None,
}
"""What fields hold whose types say it for Python alone."""


@cache
def list_fields(kind: type[Any]) -> tuple[JsonField, ...]:
    """Return the fields of the JSON of a class made with attrs, in the order of the class.

    >>> [field.name for field in list_fields(Workspace)]
    ['id', 'name', 'created_at', 'version']
    """
    hints = get_type_hints(kind)
    left_out = _look_up(LEFT_OUT, kind, frozenset[str]())
    zeros = _look_up(ZERO_IS_NOTHING, kind, frozenset[str]())
    found: list[JsonField] = []
    for field in attrs.fields(kind):
        if field.name in left_out or field.name.startswith("_"):
            continue
        hint = _choose_hint(kind, field.name, hints[field.name])
        is_zero_nothing = field.name in zeros
        if is_zero_nothing:
            hint = hint | None
        is_required = field.default is attrs.NOTHING and kind not in MAY_BE_MISSING
        found.append(
            JsonField(field.name, hint, is_required, field.default, is_zero_nothing=is_zero_nothing)
        )
    computed = (
        JsonField(name, _hint_of_property(kind, name), False, is_computed=True)
        for name in _look_up(COMPUTED, kind, ())
    )
    return (*found, *computed)


def _look_up(table: Mapping[type, Any], kind: type[Any], default: Any) -> Any:
    """Return what a table has for a class, or for the class that it is made from."""
    return next((table[base] for base in kind.__mro__ if base in table), default)


def _choose_hint(kind: type[Any], name: str, hint: Any) -> Any:
    for base in kind.__mro__:
        if (base, name) in HINTS:
            return HINTS[base, name]
    marker = _look_up(KEYS, kind, {}).get(name)
    return hint if marker is None else _put_in(marker, hint)


def _put_in(marker: type[Any], hint: Any) -> Any:
    """Return *hint* with a class of this module for each ``int`` in it."""
    if hint is int:
        return marker
    arguments = tuple(_put_in(marker, each) for each in get_args(hint))
    if not arguments:
        return hint
    container: Any = tuple if get_origin(hint) is tuple else Union
    return container[arguments]


def _hint_of_property(kind: type[Any], name: str) -> Any:
    getter: Any = inspect.getattr_static(kind, name)
    return get_type_hints(getter.fget)["return"]
