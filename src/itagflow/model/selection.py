"""Which tasks are meant: conditions on a task, its result, and the work that led to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error, require_kind, require_mapping
from itagflow.model.enums import parse_optional_enum
from itagflow.model.job import Stage
from itagflow.model.moment import to_utc
from itagflow.model.number import (
    is_whole,
    require_optional_whole_number,
    require_whole_number,
    to_optional_whole,
)
from itagflow.model.package import Package
from itagflow.model.task import TaskState
from itagflow.model.text import (
    find_name_error,
    find_text_error,
    require_optional_text,
    require_text,
    to_optional_text,
    to_text,
)
from itagflow.model.workspace import Member
from itagflow.printing import format_repr
from itagflow.reprs import show_line

_WHAT = "Selection"


def _convert_state(value: TaskState | str | None) -> TaskState | None:
    return parse_optional_enum(TaskState, value)


def _convert_stage(value: Stage | str | None) -> Stage | None:
    return parse_optional_enum(Stage, value)


def _convert_member(value: Member | int | str | None) -> Member | int | str | None:
    if isinstance(value, str):
        return to_text(value)
    if value is None or isinstance(value, Member):
        return value
    return to_optional_whole(value)


def _check_member(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is None or isinstance(value, Member):
        return
    if is_whole(value):
        require_whole_number(_WHAT, attribute.name, value, least=1)
        return
    reason = "must be a member, or the key or the account of one"
    if not isinstance(value, str):
        raise make_error(_WHAT, attribute.name, reason, value)
    if error := find_name_error(value):
        problem = f"{reason}: {format_repr(value)} {error}"
        raise InvalidData(_WHAT, [Problem(attribute.name, problem)])


def _convert_package(value: Package | int | None) -> Package | int | None:
    return value if isinstance(value, Package) else to_optional_whole(value)


def _check_package(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, Package):
        return
    require_optional_whole_number(_WHAT, attribute.name, value, least=1)


def _convert_since(value: datetime | None) -> datetime | None:
    return None if value is None else to_utc(_WHAT, "since", value)


def _convert_until(value: datetime | None) -> datetime | None:
    return None if value is None else to_utc(_WHAT, "until", value)


def _check_until(selection: Any, _: object, value: datetime | None) -> None:
    # attrs validates in the order of the fields: `since` was checked before
    if value is not None and selection.since is not None and value <= selection.since:
        reason = f"must be later than since ({selection.since}), not {value}"
        raise InvalidData(_WHAT, [Problem("until", reason)])


def _check_version(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    require_optional_whole_number(_WHAT, attribute.name, value, least=0)


def _check_label(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    require_optional_text(_WHAT, attribute.name, value)


def _convert_field(value: Mapping[str, str]) -> Mapping[str, str]:
    given = require_mapping(_WHAT, "field", value, "from the names of data fields to their texts")
    fields: dict[str, str] = {}
    for name, text in given.items():
        if not isinstance(cast(object, name), str) or find_text_error(name):
            raise make_error(_WHAT, "field", "must have the names of data fields as keys", name)
        fields[to_text(name)] = require_text(_WHAT, f"field[{format_repr(name)}]", text)
    return fields


@attrs.frozen(kw_only=True)
class Selection:
    """Tasks of a job that meet all of the given conditions; without any, all tasks.

    `label`, `state`, `package` and `field` are about the task and its result. The others are about
    the work that the result comes from: one assignment of the task's newest labeling, or a review
    since, must meet all of them.

    >>> import itagflow
    >>> flow = itagflow.open("memory:")
    >>> street = flow.workspaces.create("street", admin="ada")
    >>> cats = itagflow.templates.image_classification(["cat", "dog"])
    >>> data = [{"data": {"source": "1.jpg", "site": "north"}}, {"data": {"source": "2.jpg"}}]
    >>> job = flow.jobs.create(street, "cats", template=cats, data=data, by="ada")
    >>> north = itagflow.Selection(field={"site": "north"})
    >>> [result.task.number for result in flow.results.list(job, where=north)]
    [1]
    """

    label: str | None = attrs.field(
        default=None, converter=to_optional_text, validator=_check_label
    )
    """An option that is chosen in the result, for the task or one of its annotations."""
    state: TaskState | None = attrs.field(default=None, converter=_convert_state)
    """How far the task is; also by value."""
    stage: Stage | None = attrs.field(default=None, converter=_convert_stage)
    """The stage at which the work was done; also by value."""
    member: Member | int | str | None = attrs.field(
        default=None, converter=_convert_member, validator=_check_member
    )
    """Who did the work: a member, the key, or the account."""
    package: Package | int | None = attrs.field(
        default=None, converter=_convert_package, validator=_check_package
    )
    """The package of the task, or its number."""
    since: datetime | None = attrs.field(default=None, converter=_convert_since)
    """The work ended at this time or later."""
    until: datetime | None = attrs.field(
        default=None, converter=_convert_until, validator=_check_until
    )
    """The work ended before this time."""
    template_version: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=_check_version
    )
    """The version of the template that the answer fits; without `stage`, that of a labeling."""
    guideline_version: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=_check_version
    )
    """The version of the guideline under which it was done; without `stage`, that of a labeling."""
    field: Mapping[str, str] = attrs.field(
        factory=dict[str, str], converter=_convert_field, hash=False
    )
    """What is in fields of the data, by name: the text, or the JSON of a value that is none."""

    def __repr__(self) -> str:
        given = (
            f"{field.name}={format_repr(getattr(self, field.name))}"
            for field in attrs.fields(type(self))
            if getattr(self, field.name) not in (None, {})
        )
        return show_line(self, *given)


ALL_TASKS = Selection()
"""No conditions."""


def require_selection(what: str, value: object) -> Selection:
    """Return the argument ``where`` of an operation.

    Raises:
        InvalidData: when it is no selection.
    """
    wanted = "a Selection, such as Selection(label='car')"
    return cast(Selection, require_kind(what, "where", value, Selection, wanted))


def parse_where(what: str, value: object) -> Selection:
    """Return the same; None stands for all tasks."""
    return ALL_TASKS if value is None else require_selection(what, value)
