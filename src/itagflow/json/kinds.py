"""The values that have a JSON form, by the name under which users import them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, cast, get_args

import attrs

from itagflow import delivery, formats, model, quality
from itagflow.access import Permission
from itagflow.errors import InvalidData, ItagflowError, Problem
from itagflow.model.job import Workflow
from itagflow.model.migration import TemplateStep
from itagflow.model.packaging import Packaging
from itagflow.model.prelabel import PreLabel
from itagflow.model.region import Keypoint, Region
from itagflow.model.reply import Replies, Reply
from itagflow.model.segment import Segment
from itagflow.model.span import Relation, TextSpan
from itagflow.printing import format_repr
from itagflow.quality.stored_plans import Plan

UNIONS: Mapping[str, Any] = {
    "Packaging": Packaging,
    "Plan": Plan,
    "Region": Region,
    "Reply": Reply,
    "TemplateStep": TemplateStep,
}
"""The unions whose JSON says which class it is of: ``kind`` is its name in lower case."""


def _list_values(module: Any, names: tuple[str, ...] = ()) -> dict[str, type[Any]]:
    found = {name: getattr(module, name) for name in names or module.__all__}
    return {name: kind for name, kind in found.items() if attrs.has(kind)}


_MODEL = {
    name: kind
    for name, kind in _list_values(model).items()
    # the bases of others: no value is of one of them; and arguments of calls in Python only
    if name not in ("Annotation", "ReviewRule", "StageRule", "Row", "Dataset", "Split")
}
_DELIVERY = ("DeadLetter", "DelayedJob", "DeliveryStatus", "Message", "Retries")
KINDS: Mapping[str, Any] = {
    **_MODEL,
    **_list_values(delivery, _DELIVERY),
    **_list_values(quality),
    "Permission": Permission,
    "Problem": Problem,
    "WriteReport": formats.WriteReport,
    "ItagflowError": ItagflowError,
    "Replies": Replies,
    **UNIONS,
}
"""Everything that has one."""

ENUMS: Mapping[str, type[Enum]] = {
    name: kind
    for name, kind in ((name, getattr(model, name)) for name in model.__all__)
    if isinstance(kind, type) and issubclass(kind, Enum)
}
"""The enums, which are written by value."""

PARTS_OF_REPLIES = (*get_args(Reply), *get_args(Region), Keypoint, TextSpan, Relation, Segment)
"""What has the JSON in which answers are stored and sent."""

INPUTS: Mapping[str, Any] = {
    "Replies": Replies,
    **UNIONS,
    **{
        kind.__name__: kind
        for kind in (
            *PARTS_OF_REPLIES,
            *get_args(Packaging),
            *get_args(Plan),
            *get_args(TemplateStep),
            model.Accept,
            model.Field,
            model.Group,
            model.Inspect,
            model.JobPartition,
            model.Label,
            model.Lot,
            model.Merge,
            model.Option,
            PreLabel,
            Problem,
            model.Question,
            model.Scale,
            model.Selection,
            model.Template,
            model.View,
            Workflow,
        )
    },
}
"""What is read, too: what users make and send."""


def find_kind(what: str, kind: object, known: Mapping[str, Any] = KINDS) -> Any:
    """Return a kind of value that is given as a class, a union or its name.

    Raises:
        InvalidData: when there is none; it lists those that there are.

    >>> find_kind("json_schema", "Job") is find_kind("json_schema", model.Job) is model.Job
    True
    """
    if isinstance(kind, str):
        if kind in known:
            return known[kind]
        raise InvalidData(what, [Problem("kind", _explain_unknown(what, kind, known))])
    for value in known.values():
        # classes are compared by what they are, unions by what is in them
        is_same_union = type(value) is type(kind) and not isinstance(kind, type) and value == kind
        if value is kind or is_same_union:
            return value
    raise InvalidData(what, [Problem("kind", _explain_unknown(what, kind, known))])


def _explain_unknown(what: str, kind: object, known: Mapping[str, Any]) -> str:
    name = cast("type[Any]", kind).__name__ if isinstance(kind, type) else kind
    if known is INPUTS and isinstance(name, str) and name in KINDS:
        return f"{name} is only written; {what} reads {', '.join(INPUTS)}"
    wanted = "must be a class of values, such as itagflow.Workflow, or its name"
    return f"{wanted}, not {format_repr(kind)}"


def name_kind(kind: Any) -> str:
    """Return the name of a kind."""
    return next(name for name, value in KINDS.items() if value is kind or value == kind)


def tag(kind: type[Any]) -> str | None:
    """Return what ``kind`` is in the JSON of a value of this class, if it has that.

    >>> tag(model.Box), tag(model.Job)
    ('box', None)
    """
    return _TAGS.get(kind)


_TAGS: Mapping[type[Any], str] = {
    kind: kind.__name__.lower() for union in UNIONS.values() for kind in get_args(union)
}
