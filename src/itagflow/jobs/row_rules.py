"""One row of data: what it may be, and what tells it apart from others."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
from numbers import Integral, Real
from typing import Any, cast

import attrs

from itagflow import jsontext
from itagflow.errors import Problem
from itagflow.jobs.skill_rules import find_value_field, format_package_value
from itagflow.jsontext import standard
from itagflow.model.job import (
    Job,
)
from itagflow.model.number import is_storable
from itagflow.model.row_key import format_row_key
from itagflow.model.task import Row
from itagflow.model.template import Template
from itagflow.model.text import find_key_error, find_text_error, format_value
from itagflow.printing import format_repr

MAX_ROW_CHARACTERS = 4 * 1024 * 1024
"""How long a row's JSON text may be; larger data belongs in a file that the row points to."""

MAX_DEPTH = 200
"""How deep the lists and objects of a row may be nested; Python's stack sets a limit."""

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character as JSON escapes it; behind an escaped backslash it is only text."""


_BLOCK = re.compile(r"label-[^-]+(-check|-verify)?")
"""The key of a block of results in iTAG's manifest."""


@attrs.frozen
class PreparedRow:
    """A row that can become a task."""

    text: str
    """Its JSON text."""
    row_key: str
    """What tells it apart, as it is stored, if the job has a row key."""
    value: str
    """The value of the field that names its package, as JSON; see `GroupByField`."""


class _BadRow(Exception):
    """A row cannot become a task; what is wrong with it."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = list(problems)


def is_wrapped(item: object) -> bool | None:
    """Return whether a mapping has its fields in ``data``; None for what is no mapping.

    A mapping with a field ``data`` is wrapped, whatever stands beside it: `prepare_row` refuses it
    when ``data`` is no object.

    >>> is_wrapped({"data": {"source": "1.jpg"}}), is_wrapped({"source": "1.jpg"})
    (True, False)
    """
    if not isinstance(item, Mapping):
        return None
    return "data" in item


def prepare_row(
    item: object, number: int, template: Template, job: Job, *, wrapped: bool | None = None
) -> PreparedRow | list[Problem]:
    """Return *item* as a row that can become a task, or everything that is wrong with it.

    Args:
        item: A `Row`, a JSON text, a mapping, or the problem that a reader found.
        number: Its place in the source, from 1.
        template: The template that says which fields it needs.
        job: The job that it is loaded into.
        wrapped: Whether the first good mapping of the source has its fields in ``data``; None when
            there was none yet.
    """
    if isinstance(item, Problem):
        return [item]
    where = f"row {number}"
    if isinstance(item, Row) and item.line:
        where = f"line {item.line}"  # what an editor shows: a file may have empty lines
    try:
        text, content = _read_row(where, item, wrapped)
        _check_content(where, text, content)
        data = _find_data(where, content)
        _check_fields(where, data, template, job)
        return PreparedRow(text, _find_key(where, data, job), _find_value(where, data, job))
    except _BadRow as error:
        return error.problems


def _read_row(where: str, item: object, wrapped: bool | None) -> tuple[str, Any]:
    """Return the JSON text of a row, and what it says."""
    if isinstance(item, Mapping):
        # the keys may be anything
        return _read_mapping(where, cast("Mapping[object, object]", item), wrapped)
    if isinstance(item, Row):
        text = item.text
    elif isinstance(item, str):
        text = item.strip()
    else:
        wanted = "must be a mapping of fields, a JSON text or a Row"
        raise _BadRow(Problem(where, f"{wanted}, not {format_value(item)}"))
    _check_length(where, text)
    try:
        return text, jsontext.loads(text)
    except ValueError as error:
        raise _BadRow(Problem(where, f"is not JSON: {error}")) from None
    except RecursionError:
        raise _BadRow(_too_deep(where)) from None


def _read_mapping(where: str, item: Mapping[Any, Any], wrapped: bool | None) -> tuple[str, Any]:
    """Return the JSON text of a mapping, wrapped in ``data`` if it is not, and what it says."""
    is_wrapped_itself = "data" in item
    if wrapped is not None and wrapped is not is_wrapped_itself:
        raise _BadRow(_make_wrapping_problem(where, wrapped))
    if not is_wrapped_itself:
        _check_has_no_results(where, item)
    row: Any = to_plain(where, item)
    if not is_wrapped_itself:
        row = {"data": row}
    # The standard library refuses what is not JSON; msgspec would write some of it.
    text = standard.dumps(row)
    _check_length(where, text)
    return text, row


def _make_wrapping_problem(where: str, wrapped: bool) -> Problem:
    """Return the problem of a mapping that is not like the first good one of its source."""
    advice = "write all rows of a source alike"
    reason = f"has a field 'data', which the rows before it do not have: {advice}"
    if wrapped:
        reason = f"is missing, and the rows before it have their fields in 'data': {advice}"
    return Problem(f"{where}, data", reason)


def _check_has_no_results(where: str, item: Mapping[Any, Any]) -> None:
    """Check that a mapping without ``data`` is no exported row that has lost it.

    Raises:
        _BadRow: when it has results.
    """
    blocks = [key for key in item if isinstance(key, str) and _BLOCK.fullmatch(key)]
    if blocks:
        # it would become a row with a field of results
        reason = f"is missing: a row with results ({blocks[0]}) has its fields in 'data'"
        raise _BadRow(Problem(f"{where}, data", reason))


def to_plain(where: str, value: object, depth: int = 1) -> Any:
    """Return a value of a row as plain JSON types.

    Any mapping becomes an object, a tuple a list, a number of NumPy an int or a float, and a time
    or a date its text as ISO 8601 has it.

    Raises:
        _BadRow: when it holds what JSON does not have: another type, a number that is not finite,
            or a key that is no text, which could become the same as another one.
    """
    # exact classes first: nearly all values are of these, and a row has many
    kind = value.__class__
    if value is None or kind is str or kind is bool or kind is int:
        return value
    if isinstance(value, Mapping):
        _check_depth(where, depth)
        fields = cast("Mapping[object, object]", value)
        wrong = [key for key in fields if not isinstance(key, str)]
        if wrong:
            # JSON would make 1 and "1" the same key, and lose one of the two fields
            reason = f"the name of a field must be a text, not {format_repr(wrong[0])}"
            raise _BadRow(Problem(where, reason))
        return {str(key): to_plain(where, field, depth + 1) for key, field in fields.items()}
    if isinstance(value, list | tuple):
        _check_depth(where, depth)
        elements = cast("list[object] | tuple[object, ...]", value)
        return [to_plain(where, element, depth + 1) for element in elements]
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        _check_depth(where, depth)
        # an array or a scalar of NumPy, which need not be installed
        array: Any = value
        return to_plain(where, array.tolist(), depth + 1)
    return _to_plain_scalar(where, value)


def _to_plain_scalar(where: str, value: object) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _to_finite(where, value)
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    reason = f"is not JSON: it has a value of type {type(value).__name__}"
    wanted = "wanted are texts, numbers, true, false, null, lists and objects"
    raise _BadRow(Problem(where, f"{reason}; {wanted}"))


def _to_finite(where: str, value: Real) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        reason = "is not JSON: NaN and Infinity are no numbers there; use null for what is missing"
        raise _BadRow(Problem(where, reason))
    return number


def _check_length(where: str, text: str) -> None:
    if len(text) > MAX_ROW_CHARACTERS:
        reason = f"is {len(text)} characters long; at most {MAX_ROW_CHARACTERS} are allowed"
        raise _BadRow(Problem(where, reason))


def _check_depth(where: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _BadRow(_too_deep(where))


def _too_deep(where: str) -> Problem:
    return Problem(where, f"is nested more than {MAX_DEPTH} deep")


def _check_content(where: str, text: str, content: Any) -> None:
    """Check what no database or reader could take.

    Raises:
        _BadRow: when the row is nested too deeply, or holds a NUL character or half of a surrogate
            pair.  Numbers that no float can hold are refused where JSON is read.
    """
    if _is_too_deep(text, content):
        raise _BadRow(_too_deep(where))
    # An escaped NUL is as bad as the character: what reads the row later gets it.  `in` goes first,
    # for it is many times faster than the pattern, and nearly no row has one.
    has_escaped_nul = "\\u0000" in text and _ESCAPED_NUL.search(text)
    wrong = find_text_error("\0" if has_escaped_nul else text)
    if wrong:
        raise _BadRow(Problem(where, wrong))


def _find_data(where: str, content: Any) -> Mapping[str, Any]:
    """Return the fields of a row.

    Raises:
        _BadRow: when it has none.
    """
    if not isinstance(content, Mapping):
        raise _BadRow(Problem(where, "must be a JSON object with the field 'data'"))
    data: Any = cast("Mapping[str, Any]", content).get("data")
    if data is None:
        raise _BadRow(Problem(f"{where}, data", "is missing"))
    if not isinstance(data, Mapping):
        reason = "must be an object of fields; if it is a field itself, wrap each row in 'data'"
        raise _BadRow(Problem(f"{where}, data", reason))
    return cast("Mapping[str, Any]", data)


def _check_fields(where: str, data: Mapping[str, Any], template: Template, job: Job) -> None:
    missing = find_required_fields(template, job).difference(data)
    if missing:
        raise _BadRow(
            *(Problem(f"{where}, data.{field}", "is missing") for field in sorted(missing))
        )


def find_required_fields(template: Template, job: Job) -> set[str]:
    """Return the fields that every row needs: of the template, the row key and the packages."""
    required = set(template.fields)
    if job.row_key:
        required.add(job.row_key)
    if field := find_value_field(job):
        required.add(field)
    return required


def _find_key(where: str, data: Mapping[str, Any], job: Job) -> str:
    if not job.row_key:
        return ""
    value = data[job.row_key]
    path = f"{where}, data.{job.row_key}"
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer and not isinstance(value, str):
        reason = f"must be a text or a whole number to tell rows apart, not {format_value(value)}"
        raise _BadRow(Problem(path, reason))
    if not is_storable(value):
        raise _BadRow(Problem(path, "is out of the range of 64 bits"))
    if isinstance(value, str) and not value.strip():
        # two rows without a key are not the same row
        raise _BadRow(Problem(path, "is empty: it must tell the row apart from all others"))
    key = format_row_key(value, as_text=job.row_key_type == "text")
    wrong = find_key_error(key)
    if wrong:
        raise _BadRow(Problem(path, f"tells rows apart, and {wrong}"))
    return key


def _find_value(where: str, data: Mapping[str, Any], job: Job) -> str:
    field = find_value_field(job)
    if not field:
        return ""
    value, wrong = format_package_value(job, data[field])
    if wrong:
        raise _BadRow(Problem(f"{where}, data.{field}", wrong))
    wrong = find_key_error(value)
    if wrong:
        raise _BadRow(Problem(f"{where}, data.{field}", f"names a package, and {wrong}"))
    return value


def _is_too_deep(text: str, content: Any) -> bool:
    # every level opens with one of these: nearly all rows are known to be flat without a walk
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level: list[Any] = [content]
    # level by level and not by recursion, which itself would reach Python's limit
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _list_inner_values(outer)]
    return any(isinstance(value, dict | list | tuple) for value in level)


def _list_inner_values(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    if isinstance(value, list | tuple):
        return cast("list[Any]", value)
    return ()
