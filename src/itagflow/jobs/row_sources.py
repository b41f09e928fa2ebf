"""Where rows come from: files that a format reads, data frames, and any iterable of rows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from operator import length_hint
from typing import Any, Protocol, cast

from itagflow import formats
from itagflow.core.counted import Remaining
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import Source, must_be_readable
from itagflow.formats._port import FormatRef
from itagflow.model.task import Row
from itagflow.model.template import Template
from itagflow.model.text import format_value

MANIFEST = "itag"
"""The format of a source unless one is named."""


class DataFrame(Protocol):
    """A table of pandas, Polars or PyArrow; none of them is imported for it."""

    @property
    def columns(self) -> Any:
        """Its columns, or their names."""
        ...


Data = Source | DataFrame | Iterable[Row | str | Mapping[str, Any] | Problem]
"""A source that a format reads, a data frame, or rows: mappings, JSON texts, or what ``read``
yields."""


def read_rows(
    data: Data,
    format: FormatRef,
    *,
    template: Template | None = None,
    fields: Collection[str] = (),
) -> Iterator[object]:
    """Return an iterator over rows, read by *format* unless they are rows already.

    Args:
        data: A source, a data frame, or rows.
        format: The format of a source.
        template: What is asked about the rows.
        fields: What every row needs; a format with a line of names says at once what it lacks.

    Raises:
        InvalidData: when it is nothing that has rows.
        UnknownFormat: when there is no such format.
    """
    must_have_rows(data, format)
    if _is_source(data):
        found = formats.read(format, cast(Source, data), template=template, fields=fields)
        return _explain_table(found) if format == MANIFEST and _is_called_csv(data) else found
    rows = _iter_frame(data) if _is_frame(data) else iter(cast("Iterable[object]", data))
    # an iterator over a list knows how many there are; over a frame it does not
    count = length_hint(data, -1) if length_hint(rows, -1) < 0 else -1
    return rows if count < 0 else Remaining(rows, count)


def _is_called_csv(data: object) -> bool:
    """Return whether *data* is the path of a file that is a table by its name."""
    return isinstance(data, str | os.PathLike) and f"{data}".lower().endswith(".csv")


def _explain_table(rows: Iterator[object]) -> Iterator[object]:
    """Yield rows; a first one that is no JSON becomes the problem that the format was not named."""
    for first in rows:
        if isinstance(first, Row) and not first.text.lstrip().startswith("{"):
            yield Problem("line 1", "is not JSON: pass format='csv' for a table")
        else:
            yield first
        break
    yield from rows


def _has_rows(data: object) -> bool:
    """Return whether *data* can be gone through.

    `iter` is not called to find out: it may start work, such as the processes of a data loader.
    """
    # a class and an array of no dimension have an `__iter__` too, which raises
    is_single = isinstance(data, type) or getattr(data, "ndim", None) == 0
    return hasattr(data, "__iter__") and not is_single


def must_have_rows(data: object, format: FormatRef) -> None:
    """Check that *data* can have rows, before anything is stored for them.

    Raises:
        InvalidData: when it cannot.
        UnknownFormat: when there is no such format for a source.
    """
    if _is_source(data):
        formats.find(format)
        must_be_readable(cast(Source, data))
    elif _is_frame(data):
        _find_columns(data)
    elif hasattr(data, "collect") and hasattr(data, "lazy"):
        raise _make_error("are a frame that is not computed yet: pass what its collect() returns")
    elif isinstance(data, Mapping):
        raise _make_error("is one row: put it in a list")
    elif isinstance(data, bytes | bytearray | memoryview):
        raise _make_error("are bytes: pass the path of the file, or the bytes as io.BytesIO")
    elif not _has_rows(data):
        wanted = "must be a path, an open file, a data frame or several rows"
        raise _make_error(f"{wanted}, not {format_value(data)}")


def _is_source(data: object) -> bool:
    """Return whether *data* is read by a format."""
    if isinstance(data, str | os.PathLike):
        return True
    # an open file, or a place of a library such as fsspec or importlib.resources
    return hasattr(data, "readline") or (hasattr(data, "open") and hasattr(data, "__truediv__"))


def _is_frame(data: object) -> bool:
    """Return whether *data* is a data frame, by the methods of pandas, Polars and PyArrow."""
    methods = ("itertuples", "iter_rows", "to_batches")
    return hasattr(data, "columns") and any(hasattr(data, name) for name in methods)


def _make_error(reason: str) -> InvalidData:
    return InvalidData("the data", [Problem("", reason)])


def _iter_frame(frame: Any) -> Iterator[object]:
    """Return an iterator over the rows of a data frame as mappings by the names of its columns.

    A missing value (NaN, NaT, NA) becomes None: pandas has no other way to say that there is none.
    """
    names = _find_columns(frame)
    if hasattr(frame, "to_batches"):  # PyArrow
        return _iter_batches(frame)
    if hasattr(frame, "itertuples"):  # pandas
        rows = frame.itertuples(index=False, name=None)
    else:  # Polars
        rows = frame.iter_rows()
    return (_make_mapping(names, row) for row in rows)


def _find_columns(frame: Any) -> list[str]:
    """Return the names of the columns of a data frame.

    Raises:
        InvalidData: when they cannot be the names of fields.
    """
    # `columns` of PyArrow are the columns themselves
    names = list(frame.column_names if hasattr(frame, "column_names") else frame.columns)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        reason = f"have a column whose name is no text, but {format_value(wrong[0])}: rename it"
        raise _make_error(reason)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise _make_error(f"have several columns of the name {', '.join(repeated)}: rename them")
    return names


def _iter_batches(table: Any) -> Iterator[object]:
    # batch by batch: a table of some gigabytes is not made Python objects at once
    for batch in table.to_batches():
        yield from batch.to_pylist()


def _make_mapping(names: list[str], row: Iterable[Any]) -> dict[str, Any]:
    pairs = zip(names, row, strict=True)
    return {name: None if _is_missing(value) else value for name, value in pairs}


def _is_missing(value: object) -> bool:
    if isinstance(value, float):
        return value != value
    # of pandas, whose NA cannot be compared, and whose NaT is a kind of time
    return type(value).__name__ in ("NAType", "NaTType")
