"""What `jobs.create`, `jobs.update` and their like are given, as a job keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar, cast

from itagflow import formats
from itagflow.core.counted import Wrap
from itagflow.core.lookup import MemberRef
from itagflow.errors import InvalidData, Problem
from itagflow.formats._port import FormatRef
from itagflow.jobs.loading import LoadSpec, OnError
from itagflow.jobs.row_sources import Data
from itagflow.model.arguments import (
    make_error,
    require_flag,
    require_kind,
    require_several,
    require_wrapper,
)
from itagflow.model.job import Crew, CrewKey, Stage, Workflow, parse_crew_key
from itagflow.model.moment import to_utc
from itagflow.model.number import require_whole_number
from itagflow.model.text import parse_texts, require_text
from itagflow.model.workspace import Group
from itagflow.printing import format_repr

T = TypeVar("T")

Workers = Iterable[MemberRef | Group]
"""Who works at a stage or in a crew: members and groups."""

Workforce = (
    Mapping[CrewKey | str, Workers]
    | Mapping[CrewKey, Workers]
    | Mapping[Stage, Workers]
    | Mapping[Crew, Workers]
)
"""Who works at which stage, and who is in which crew; each may be given by its value."""

ON_ERROR = ("raise", "skip")
"""What can be done about bad rows."""


class JobNotes(TypedDict, total=False):
    """What people note about a job, when it closes and ends, and its rank in claims of any job."""

    tags: Sequence[str]
    remark: str
    guideline: str
    due_at: datetime | None
    closes_at: datetime | None
    auto_finish: bool
    priority: int


class JobFields(JobNotes, total=False):
    """What `flow.jobs.update` can change."""

    name: str
    workflow: Workflow


def parse_notes(verb: str, notes: JobNotes) -> JobNotes:
    """Return the notes of a job as it keeps them.

    Raises:
        InvalidData: when one is of another kind, or a time without its zone.
        TypeError: when there is no such note: no other field of a job can be set so.
    """
    _require_known(verb, notes, JobNotes)
    return cast(JobNotes, _parse_fields(f"jobs.{verb}", notes))


def parse_fields(verb: str, fields: JobFields) -> JobFields:
    """Return the fields of a job that are to change, as it keeps them.

    Raises:
        InvalidData: when one is of another kind, or a time without its zone.
        TypeError: when there is no such field.
    """
    _require_known(verb, fields, JobFields)
    return cast(JobFields, _parse_fields(f"jobs.{verb}", fields))


def _require_known(verb: str, given: Mapping[str, object], known: type[JobNotes]) -> None:
    """Check that only these names are *given*: the type says so, but Python does not look at it.

    Raises:
        TypeError: as for any argument that a function does not have.
    """
    for name in given:
        if name not in known.__annotations__:
            raise TypeError(f"{verb}() got an unexpected keyword argument {name!r}")


def _parse_fields(what: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    parsed: dict[str, Any] = {**fields}
    for name in ("name", "remark", "guideline"):
        if name in fields:
            parsed[name] = require_text(what, name, fields[name])
    if "priority" in fields:
        parsed["priority"] = require_whole_number(what, "priority", fields["priority"])
    if "workflow" in fields:
        wanted = "a Workflow, such as Workflow(Label(), Inspect())"
        require_kind(what, "workflow", fields["workflow"], Workflow, wanted)
    if "auto_finish" in fields:
        parsed["auto_finish"] = require_flag(what, "auto_finish", fields["auto_finish"])
    if "tags" in fields:
        parsed["tags"] = parse_tags(what, fields["tags"])
    for name in ("due_at", "closes_at"):
        if fields.get(name) is not None:
            parsed[name] = to_utc(what, name, fields[name])
    return parsed


def parse_tags(what: str, tags: Iterable[str]) -> tuple[str, ...]:
    """Return free words, such as those of a job or a task.

    Raises:
        InvalidData: when they are one text, or one is none.
    """
    several = parse_texts(what, "tags", tags)
    return tuple(require_text(what, f"tags, number {n}", tag) for n, tag in enumerate(several, 1))


def parse_workforce(verb: str, workforce: Workforce) -> dict[CrewKey, Sequence[MemberRef | Group]]:
    """Return who is named for each stage and each crew, as lists.

    They are gone through here: no transaction is open while code of the caller runs.

    Raises:
        InvalidData: when *workforce* is no mapping by stage or crew, or one has no several members.
    """
    given = cast("Mapping[Any, Workers]", workforce)
    if not isinstance(cast(object, given), Mapping):
        reason = f"must be a mapping by Stage, not {format_repr(given)}"
        raise InvalidData(verb, [Problem("", reason)])
    named = dict[CrewKey, Sequence[MemberRef | Group]]()
    for value, workers in given.items():
        key = parse_crew_key(value)
        if key in named:
            raise InvalidData(verb, [Problem(key.value, "is given twice")])
        named[key] = require_several(verb, key.value, workers, "members or groups")
    return named


def parse_optional_workforce(
    verb: str, workforce: Workforce | None
) -> dict[CrewKey, Sequence[MemberRef | Group]] | None:
    """Return who is named for each stage and each crew; None when nobody is named.

    Raises:
        InvalidData: as in `parse_workforce`.
    """
    if workforce is None:
        return None
    return parse_workforce(verb, workforce)


def parse_load(
    verb: str,
    data: Data,
    by: MemberRef,
    *,
    format: FormatRef = "itag",
    on_error: OnError = "raise",
    progress: Wrap | None = None,
) -> LoadSpec:
    """Return what is loaded and how; the data itself is checked when it is read.

    Raises:
        UnknownFormat: when there is no such format.
        InvalidData: when the format or the word for bad rows is none, or *progress* cannot be
            called.
    """
    formats.find(format)  # asked before anything is stored
    return LoadSpec(
        data=data,
        by=by,
        format=format,
        on_error=_require_on_error(verb, on_error),
        progress=require_wrapper(verb, "progress", progress),
    )


def parse_first_load(
    verb: str,
    data: Data | None,
    by: MemberRef,
    *,
    format: FormatRef,
    on_error: OnError,
    progress: Wrap | None,
) -> LoadSpec | None:
    """Return what is loaded with a new job; None without data, whose arguments are checked too.

    Raises:
        UnknownFormat: as in `parse_load`.
        InvalidData: as in `parse_load`.
    """
    given = cast(Data, data)
    spec = parse_load(verb, given, by, format=format, on_error=on_error, progress=progress)
    if data is None:
        return None
    return spec


def _require_on_error(verb: str, on_error: T) -> T:
    """Return *on_error*, which is a word that there is.

    Raises:
        InvalidData: when it is none.
    """
    given: object = on_error
    if isinstance(given, str) and given in ON_ERROR:
        return on_error
    known = " or ".join(map(format_repr, ON_ERROR))
    raise make_error(verb, "on_error", f"must be {known}", given)
