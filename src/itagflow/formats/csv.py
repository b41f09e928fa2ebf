"""CSV: a header line, then one record per task with its data fields and a column per question.

::

    source,结果字段-Single-choice
    1.jpg,cat

A row that is read has all columns as fields of its ``data``, and every field is a string.  The
encoding is UTF-8. Source: RFC 4180; for the names of the columns iTAG, *Configure intelligent
pre-labeling in iTAG*.
"""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from threading import Lock
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._arguments import require_mapping, require_template
from itagflow.formats._cells import (
    HEADINGS,
    ITAG,
    escape,
    escape_apostrophe,
    name_columns,
    parse_replies,
    render_cell,
    unescape,
)
from itagflow.formats._files import (
    CHUNK,
    CR_ALONE,
    BinaryFile,
    CheckedFile,
    Source,
    Target,
    decode_line,
    find_file_problem,
    open_source,
    open_spool,
    open_target,
)
from itagflow.formats._port import LIMIT, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._regions import RegionIds
from itagflow.formats._rendering import Elements
from itagflow.model.reply import Reply
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.model.text import normalize_name
from itagflow.printing import format_count
from itagflow.storage.codec import encode_replies

__all__ = ["INCREMENTAL", "READ_OPTIONS", "WRITE_OPTIONS", "parse", "read", "write"]

INCREMENTAL = True
"""A record can say which task it is of, and that this is no longer there."""
MARKS = ("job", "task", "removed")
"""The first columns of a file that others are put together with: which task, and why it is gone."""
READ_OPTIONS = (LIMIT,)
"""How long a record may be."""
NAMING = FormatOption("headings", str, ITAG, choices=tuple(HEADINGS))
"""How the columns of questions are called."""
WRITE_OPTIONS = (
    FormatOption("escape_formulas", bool, False),
    FormatOption("bom", bool, False),
    NAMING,
)
"""What programs that show tables need, and how the columns of results are called."""
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""What some programs write between cells instead of commas, and what it is called."""
MAX_SHOWN = 20
"""How many names of columns a message has."""
MAX_NAME = 60
"""How many characters of a name a message has."""
_SEP = re.compile("sep=(.)?", re.IGNORECASE)
"""The first line by which a program tells a spreadsheet what separates the cells."""

_OF_DATA = " (data)"
"""What stands behind the name of a field that is also that of another column."""
_SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half of a pair: UTF-8 has no bytes for it."""

MAX_FIELD = 2**31 - 1
"""The most that the limit of the standard library's reader can be on every platform."""

MAX_COLUMNS = 16_384
"""The most columns that spreadsheets take; if each row has its own, most cells are empty."""


class _FieldLimit:
    """The limit of the standard library's reader, which is one for the whole process."""

    lock = Lock()


Record = tuple[int, list[str]]
"""The line that a record begins at, and its cells."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    r"""Yield the records after the line of names as rows, or what is wrong with one, with its line.

    Blank lines and a byte order mark are skipped.  When the names cannot be used, or lack one of
    the fields that rows need, that is the only thing yielded; it lists the names, and says if the
    cells seem to be separated by something else than commas.  After a quote that is out of place,
    the next record is looked for on the next line.  The apostrophe by which `write`, and many other
    programs, escape what begins like a formula is taken away.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: The columns that there must be, and the option ``limit``: how many bytes a record
            may have, with its line ends; a longer one is never held in memory.

    Raises:
        StoreFailed: when the system does not read a path.

    >>> import io
    >>> from itagflow import formats
    >>> table = io.BytesIO(b"source,animal\r\n1.jpg,cat")
    >>> [row.text for row in formats.read("csv", table)]
    ['{"data":{"source":"1.jpg","animal":"cat"}}']
    """
    limit = context.options["limit"]
    _raise_field_limit(limit)
    with open_source(source) as file:
        records = _read_records(file, limit)
        names = _read_names(records, context.fields)
        if isinstance(names, Problem):
            yield names
            return
        for record in records:
            if isinstance(record, Problem):
                yield record
            else:
                yield _build_row(names, *record)


def _make_lock_in_child() -> None:
    """Make a new lock in a forked child: a thread of the parent may have held the old one."""
    _FieldLimit.lock = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_make_lock_in_child)


def _raise_field_limit(limit: int) -> None:
    with _FieldLimit.lock:  # others may need more than we do
        csv.field_size_limit(max(csv.field_size_limit(), min(limit, MAX_FIELD)))


def _read_names(
    records: Iterator[Record | Problem], fields: Collection[str]
) -> list[str] | Problem:
    header = next(records, Problem("line 1", "must name the columns, and there is nothing"))
    if isinstance(header, Problem):
        return header
    line, names = header
    reason = _find_separator_problem(names) or _find_names_problem(names)
    if reason is None and not set(fields) <= set(names):
        reason = _describe_missing(names, [field for field in fields if field not in names])
    if reason is None:
        return names
    return Problem(f"line {line}", reason)


def _find_separator_problem(names: list[str]) -> str | None:
    """Return what is wrong with a first line that only tells a spreadsheet what separates cells."""
    match = _SEP.fullmatch(names[0])
    # "sep=," is two cells, the second of them empty
    if match is None or names[1:] not in ([], [""]):
        return None
    separator = match[1] or ","
    if separator == ",":
        return "is 'sep=,', which is for spreadsheets only: remove this line"
    return f"is {names[0]!r}: {_name_remedy(separator)}, and remove this line"


def _find_names_problem(names: list[str]) -> str | None:
    if "" in names:
        return f"must name every column; that of column {names.index('') + 1} is empty"
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        return f"names a column twice: {', '.join(map(_shorten, repeated[:MAX_SHOWN]))}"
    return None


def _describe_missing(names: list[str], missing: list[str]) -> str:
    """Return what a line of names lacks, which names it has, and what may be the cause."""
    lacks = f"lacks the {_count_columns(missing)} {', '.join(map(repr, missing))}"
    shown = ", ".join(repr(_shorten(name)) for name in names[:MAX_SHOWN])
    hidden = len(names) - MAX_SHOWN
    more = f" and {hidden} more" if hidden > 0 else ""
    reason = f"{lacks}; it names {shown}{more}"
    for separator in SEPARATORS:
        if any(separator in name for name in names):
            return f"{reason}: {_name_remedy(separator)}"
    alike = {_fold(name) for name in names}
    if any(_fold(name) in alike for name in missing):
        return f"{reason}: spaces, upper and lower case, and the Unicode form must be the same"
    return reason


def _shorten(name: str) -> str:
    """Return a name as messages have it: a file that is no CSV may have one very long name."""
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"


def _fold(name: str) -> str:
    """Return what is the same for names that people take for the same."""
    return normalize_name(name.strip().casefold())


def _count_columns(names: list[str]) -> str:
    return "column" if len(names) == 1 else "columns"


def _name_remedy(separator: str) -> str:
    name = SEPARATORS.get(separator, repr(separator))
    return f"its cells seem to be separated by {name}: save it with commas"


def _build_row(names: list[str], line: int, cells: list[str]) -> Row | Problem:
    if len(cells) != len(names):
        return Problem(
            f"line {line}",
            f"has {format_count(len(cells), 'cell')}; "
            f"the first line names {format_count(len(names), 'column')}",
        )
    return Row(jsontext.dumps({"data": dict(zip(names, cells, strict=True))}), line)


@attrs.define
class _Lines:
    """The lines of a file as a csv reader takes them, and the problem of the current record.

    Whatever is wrong, the csv reader gets to know the quotes, so that it finds where the record
    ends.
    """

    file: BinaryFile
    limit: int
    number: int = 0
    """The line read last, from 1."""
    first_line: int = 0
    """The line that the record begins at."""
    size: int = 0
    """How many bytes of the record are read."""
    problem: Problem | None = None
    has_ended: bool = False

    def begin(self) -> None:
        """Begin a new record."""
        self.first_line, self.size, self.problem = self.number + 1, 0, None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.has_ended:
            raise StopIteration
        line = self.file.readline(self.limit + 1)
        if not line:
            self.has_ended = True
            raise StopIteration
        self.number += 1
        if self.number == 1:
            self.problem = _find_file_problem(line)
            if self.problem is not None:
                # the one problem of all its lines
                self.has_ended = True
                raise StopIteration
        self.size += len(line)
        if self.size > self.limit:
            self.problem = self.problem or self._make_length_problem()
            # an odd number of quotes opens or closes a field: one is enough to keep the reader in
            # step
            return '"' * (self._count_quotes(line) % 2)
        text = decode_line(line, self.number)
        if isinstance(text, Problem):
            self.problem = self.problem or text
            return line.decode(errors="replace")
        return text

    def _count_quotes(self, line: bytes) -> int:
        """Count the quotes in *line* and in what is still to be read of it."""
        count = line.count(b'"')
        while line and not line.endswith(b"\n"):
            line = self.file.readline(CHUNK)
            count += line.count(b'"')
        return count

    def _make_length_problem(self) -> Problem:
        suffix = ""
        if self.first_line != self.number:
            suffix = " with the lines after it: is a quote never closed?"
        return Problem(f"line {self.first_line}", f"is longer than {self.limit:,} bytes{suffix}")


def _find_file_problem(line: bytes) -> Problem | None:
    # first what kind of file it is: another kind may have any bytes
    problem = find_file_problem(line)
    # in quotes CR is a part of a cell
    if problem is None and b"\r" in line.rstrip(b"\r\n") and b'"' not in line:
        return CR_ALONE
    return problem


def _read_records(file: BinaryFile, limit: int) -> Iterator[Record | Problem]:
    lines = _Lines(file, limit)
    reader = csv.reader(lines, strict=True)
    while True:
        # before each record: the limit is one of records, not of lines
        lines.begin()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            reason = f"is not CSV: {error}"
            if lines.has_ended:
                reason = "has a quote that is never closed"
            # a line that is too long or no UTF-8 is the cause of what csv complains about
            yield lines.problem or Problem(f"line {lines.first_line}", reason)
            continue
        if cells is None:
            if lines.problem:
                yield lines.problem
            return
        if lines.problem:
            yield lines.problem
        elif cells:
            yield lines.first_line, list(map(unescape, cells))


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write each task's data and its result: that of the last of the stages that it has one at.

    With ``escape_formulas`` what people wrote does not become a formula in the program that opens
    the file: a cell that a spreadsheet would calculate gets an apostrophe in front; numbers such as
    ``-5`` stay as they are.  It is off unless asked for: most files are read by programs, which
    would take the apostrophe for a part of the text.  In either way `read` gives everything back as
    it was: a cell that has such an apostrophe of its own gets another.

    With ``bom`` the file begins with a byte order mark, without which Excel reads UTF-8 as another
    encoding.  It is off unless asked for: many programs take it for a part of the first name.

    With ``headings="english"`` the column of a question is called ``result-`` and its title.

    The columns are all fields that any row's ``data`` has, in the order in which they first appear,
    then one per question; where a field has the name of a question's column, that column is the
    result's: where nobody has answered, it is empty, whatever the field said.  A field that is no
    string is written as JSON.  A result that is abandoned, or none, leaves its cells empty.  The
    report counts the results of every stage, as for the manifest, although a row holds only one.

    In an export with ``since`` the columns ``MARKS`` come first.  A field that is called so gets
    ``(data)`` behind its name.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options ``escape_formulas``, for a file that
            people open, ``bom``, for Excel, and ``headings``: ``itag`` or ``english``.

    Raises:
        InvalidData: when a text holds half of a surrogate pair, which UTF-8 has no bytes for, or
            when the rows have more fields than a table can have columns.
        StoreFailed: when the system does not write a path.
    """
    counts = Counts(context)
    rendered = _Cells(context.asked, context.options[NAMING.name])
    # all rows have to be seen before the first line can be written
    with open_target(target) as file, open_spool() as spool:
        spell_cell = escape if context.options["escape_formulas"] else escape_apostrophe
        marks = MARKS if context.is_increment else ()
        table = _Table(spool, tuple(rendered.names.values()), spell_cell, marks)
        for result in results:
            reached = counts.add_task(result)
            replies = reached[-1].replies if reached else None
            cells = rendered.render(result.task, replies or {})
            fields = _encode_fields(result.task)
            if marks:
                fields = {_name_beside_marks(name): text for name, text in fields.items()}
                cells = {**_mark(result), **cells}
            table.add(result.task, fields, cells)
        if context.options["bom"]:
            file.write(codecs.BOM_UTF8)
        table.copy_to(file)
    return counts.build_report()


def _encode_fields(task: Task) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else jsontext.dumps(value)
        for name, value in task.data.items()
    }


def _mark(result: Result) -> dict[str, str]:
    """Return the cells that say which task a record is of, and why it is gone."""
    task = result.task
    return dict(zip(MARKS, (str(task.job), str(task.number), result.removed), strict=True))


def _name_beside_marks(name: str) -> str:
    # also for a field that has such an end already, so that no two get the same
    plain = name
    while plain.endswith(_OF_DATA):
        plain = plain.removesuffix(_OF_DATA)
    return name + _OF_DATA if plain in MARKS else name


class _Cells:
    """Makes the cells of the replies to one template."""

    def __init__(self, template: Template, headings: str) -> None:
        self.names = name_columns(template, headings)
        """The column of each question, by its id."""
        self._questions = {question.id: question for question in template.asked}
        self._elements = Elements(template)

    def render(self, task: Task, replies: Mapping[str, Reply]) -> dict[str, str]:
        """Return the cell of every question, by column; empty where there is no reply."""
        region_id = RegionIds(task.job, task.number)
        elements = self._elements.render_each(encode_replies(replies), region_id)
        return {
            name: render_cell(self._questions[id], elements[id]) if id in elements else ""
            for id, name in self.names.items()
        }


@attrs.define
class _Table:
    """Rows that are put aside as lines of CSV until the names of all columns are known."""

    spool: CheckedFile
    results: tuple[str, ...]
    """The columns of the questions, which come last."""
    spell_cell: Callable[[str], str]
    marks: tuple[str, ...] = ()
    """The columns that come first."""
    fields: dict[str, None] = attrs.field(factory=dict[str, None], init=False)
    """The fields of the data, in the order in which they have first appeared."""
    columns: list[str] = attrs.field(factory=list[str], init=False)
    """The columns of the last row."""
    parts: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]], init=False)
    """How many fields were known at how many rows, in the order of the rows."""
    _writer: Any = attrs.field(init=False)
    """Writes the rows that are put aside."""

    def __attrs_post_init__(self) -> None:
        """Make the writer, which costs as much as to write a short row."""
        self._writer = csv.writer(_TextWriter(self.spool))

    def add(self, task: Task, fields: Mapping[str, str], results: Mapping[str, str]) -> None:
        """Put a row aside.

        Raises:
            InvalidData: when a text has no bytes in UTF-8, or there are too many columns.
        """
        cells = {**fields, **results}
        try:
            if not self.parts or fields.keys() - self.fields.keys():
                self._add_columns(fields)
            self._writer.writerow([self.spell_cell(cells.get(name, "")) for name in self.columns])
        except UnicodeEncodeError:
            raise _make_text_error(task, cells) from None
        known, count = self.parts[-1]
        self.parts[-1] = known, count + 1

    def _add_columns(self, fields: Iterable[str]) -> None:
        self.fields.update(dict.fromkeys(fields))
        self.columns = self._list_columns(len(self.fields))
        _require_column_limit(len(self.columns))
        "".join(self.columns).encode()  # written last, when nobody knows which row they are of
        self.parts.append((len(self.fields), 0))

    def _list_columns(self, known: int) -> list[str]:
        """Return the columns of the rows at which so many fields were known."""
        # where a field has the name of a question's column, that column is the result's
        return list(dict.fromkeys((*self.marks, *islice(self.fields, known), *self.results)))

    def copy_to(self, file: BinaryFile) -> None:
        """Write the line of names, and all rows behind it."""
        # the writer ends lines with CR LF, as RFC 4180 has it; a text file could change that
        writer = csv.writer(_TextWriter(file))
        columns = self.columns or [*self.marks, *self.results]
        writer.writerow(map(self.spell_cell, columns))
        self.spool.seek(0)
        if len(self.parts) <= 1:  # nearly always: all rows have the same fields
            while part := self.spool.read(CHUNK):
                file.write(part)
            return
        _raise_field_limit(MAX_FIELD)
        lines = (line.decode() for line in self.spool)
        rows = csv.reader(lines, strict=True)
        for known, count in self.parts:
            own = self._list_columns(known)
            for row in islice(rows, count):
                cells = dict(zip(own, row, strict=True))
                writer.writerow([cells.get(name, "") for name in columns])


def _require_column_limit(columns: int) -> None:
    if columns > MAX_COLUMNS:
        reason = (
            f"they have more than {MAX_COLUMNS:,} in all, which no spreadsheet takes: "
            "use the format 'itag'"
        )
        raise InvalidData("the results", [Problem("the fields of the rows", reason)])


def _make_text_error(task: Task, cells: Mapping[str, str]) -> InvalidData:
    """Return the error that names every column with half of a surrogate pair."""
    problems: list[Problem] = []
    for name, cell in cells.items():
        halves = _SURROGATE.search(cell) or _SURROGATE.search(name)
        if halves is not None:
            half = f"holds {halves[0]!r}, half of a surrogate pair"
            reason = f"{half}, which CSV cannot: use the format 'itag'"
            problems.append(Problem(name.encode(errors="backslashreplace").decode(), reason))
    return InvalidData(str(task), problems)


@attrs.frozen
class _TextWriter:
    """A file of bytes that takes text."""

    file: BinaryFile

    def write(self, text: str) -> None:
        self.file.write(text.encode())


def parse(
    cells: Mapping[str, str], template: Template, *, headings: str = ITAG
) -> dict[str, Reply]:
    """Return the replies in a record's result columns, by question id; others are ignored.

    Whether a choice is among the options is not checked here.

    Args:
        cells: The cells by the names of their columns, such as a row's ``data`` that `read` has
            yielded.
        template: The template that they answer.
        headings: How the columns are called, as in `write`.

    Raises:
        InvalidData: when a cell is not of its question's shape; it lists every problem with its
            path.

    >>> from itagflow.templates import image_classification
    >>> parse({"source": "1.jpg", "结果字段-Single-choice": "cat"}, image_classification(["cat"]))
    {'1': Choice('cat')}
    """
    require_mapping("cells", cells)
    require_template(template)
    names = name_columns(template, NAMING.parse(headings))
    return parse_replies({id: cells.get(name) for id, name in names.items()}, template)
