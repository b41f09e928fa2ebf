"""What authors of formats need; the library's own formats are made of it.

A format declares its options as `FormatOption`, opens files by `open_source` and `open_target`,
counts what it writes and what it loses by `Counts`, and makes the rows that it reads by
`render_row`.
"""

from __future__ import annotations

from itagflow.errors import Problem
from itagflow.formats import Format, FormatContext, WriteReport
from itagflow.formats._files import (
    BinaryFile,
    OpenablePath,
    Source,
    Target,
    decode_line,
    find_file_problem,
    open_source,
    open_spool,
    open_target,
    read_lines,
)
from itagflow.formats._geometry import decode_counts, encode_counts
from itagflow.formats._port import ACCOUNTS, CLASSES, LIMIT, Counts, FormatOption
from itagflow.formats._regions import RegionIds
from itagflow.formats._rows import parse_row, render_row
from itagflow.model.task import Row

for _public in (
    Counts,
    RegionIds,
    decode_counts,
    decode_line,
    encode_counts,
    find_file_problem,
    open_source,
    open_spool,
    open_target,
    parse_row,
    read_lines,
    render_row,
):
    _public.__module__ = __name__  # where users import it from

__all__ = [
    "ACCOUNTS",
    "CLASSES",
    "LIMIT",
    "BinaryFile",
    "Counts",
    "Format",
    "FormatContext",
    "FormatOption",
    "OpenablePath",
    "Problem",
    "RegionIds",
    "Row",
    "Source",
    "Target",
    "WriteReport",
    "decode_counts",
    "decode_line",
    "encode_counts",
    "find_file_problem",
    "open_source",
    "open_spool",
    "open_target",
    "parse_row",
    "read_lines",
    "render_row",
]
