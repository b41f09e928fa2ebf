"""Parquet: the table of rows with typed columns, one row per task; it needs the extra ``arrow``.

The columns are those of ``results.rows``: what is known of every task, the fields of its data, and
one for each question.  A field of the data is a text; a value that is none is written as JSON.
Annotations are a list of structs.  The types follow from the template and the fields alone, so that
the files of several jobs are one data set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arrow import BATCH, Description, number_options, parse_description
from itagflow.formats._arrow_draft import GROUP_BYTES, ArrowDraft
from itagflow.formats._arrow_reading import RowReader
from itagflow.formats._files import (
    CHUNK,
    BinaryFile,
    Source,
    Target,
    open_source,
    open_spool,
    open_target,
)
from itagflow.formats._port import ACCOUNTS, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._pyarrow import load_pyarrow
from itagflow.model.result import Result
from itagflow.model.task import Row

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = ()
"""Reading needs to be told nothing."""
CLASS_IDS = FormatOption("class_ids", bool, False)
"""Whether questions of one option have numbers, which ``datasets`` takes for a ``ClassLabel``."""
WRITE_OPTIONS = (CLASS_IDS, ACCOUNTS)
"""Names or ids of classes; pseudonyms or accounts of people."""
NAME = "the format 'parquet'"
GROUP_ROWS = 10_000
"""How many rows a row group has at the most; so many are held."""
COMPRESSION = "zstd"
"""What all that read Parquet today can unpack, and is smaller than the default."""


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a row for each task, with the replies of the last of the stages that it has one at.

    Which fields the data has is known after the last row: the rows wait in a temporary file, and
    memory does not grow with them.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options ``class_ids`` and ``accounts``.

    Raises:
        InvalidData: when PyArrow is not installed, when the rows have more fields than a table can
            have columns, or when a text holds half of a surrogate pair.
        StoreFailed: when the system does not write a path.
    """
    pa = load_pyarrow(NAME)
    counts = Counts(context)
    with open_target(target) as file, open_spool() as spool:
        draft = ArrowDraft(pa, spool, counts, _number_classes(context))
        for result in results:
            draft.add(result)
        _write_file(file, draft)
    return counts.build_report()


def _number_classes(context: FormatContext) -> dict[str, Mapping[str, int]]:
    if not context.options[CLASS_IDS.name]:
        return {}
    return number_options(context.asked, context.number_classes)


@attrs.define
class _Sink:
    """The file as PyArrow writes it."""

    file: BinaryFile
    position: int = attrs.field(default=0, init=False)
    closed: bool = attrs.field(default=False, init=False)
    is_dropped: bool = attrs.field(default=False, init=False)
    """Whether what comes is thrown away, so that nothing looks like a whole file."""

    def write(self, data: Any) -> int:
        content = bytes(data)
        if not self.is_dropped:
            self.file.write(content)
        self.position += len(content)
        return len(content)

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        """Do nothing: what opened the file writes all of it."""


def _write_file(file: BinaryFile, draft: ArrowDraft) -> None:
    """Write the batches of *draft*, several of which make a row group."""
    table = draft.make_table()
    sink = _Sink(file)
    parquet = import_module("pyarrow.parquet")
    writer = parquet.ParquetWriter(sink, table.schema, compression=COMPRESSION)
    try:
        group: list[Any] = []
        for batch in draft.iter_batches(table.schema):
            if group and _is_full(group, batch):
                writer.write_table(table.pa.Table.from_batches(group))
                group.clear()
            group.append(batch)
        if group:
            writer.write_table(table.pa.Table.from_batches(group))
    except BaseException:
        sink.is_dropped = True
        raise
    finally:
        # also when something went wrong: it would close itself later, and write what ends a file
        writer.close()


def _is_full(group: Sequence[Any], batch: Any) -> bool:
    rows: int = batch.num_rows + sum(each.num_rows for each in group)
    size: int = batch.nbytes + sum(each.nbytes for each in group)
    return rows > GROUP_ROWS or size > GROUP_BYTES


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield the rows, with their replies as the result of labeling, or what is wrong with one.

    Of a file that another program wrote all columns are fields of the data.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the fields that there must be.

    Raises:
        InvalidData: when PyArrow is not installed.
    """
    pa = load_pyarrow(NAME)
    with open_spool() as spool:
        # a table is read from its end: it has to be in a file with places
        with open_source(source) as file:
            while part := file.readline(CHUNK):
                spool.write(part)
        spool.seek(0)
        try:
            table = import_module("pyarrow.parquet").ParquetFile(spool.file)
            yield from _read_table(table, context)
        except (pa.ArrowException, OSError) as error:
            yield Problem("the file", f"is no Parquet file that can be read: {error}")


def _read_table(table: Any, context: FormatContext) -> Iterator[Row | Problem]:
    try:
        told = _read_description(table.schema_arrow, context)
    except InvalidData as error:
        yield from error.problems
        return
    rows = RowReader(told, context.template)
    number = 0
    for batch in table.iter_batches(batch_size=BATCH):
        for cells in batch.to_pylist():
            number += 1
            try:
                yield rows.read(cells)
            except InvalidData as error:
                for problem in error.problems:
                    where = f"row {number}, {problem.where}".removesuffix(", ")
                    yield Problem(where, problem.reason)


def _read_description(schema: Any, context: FormatContext) -> Description:
    """Return what the columns of a file are.

    Raises:
        InvalidData: when the file cannot be read, or lacks fields that rows need.
    """
    names: list[str] = schema.names
    reasons: list[str] = []
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        reasons.append(f"has several columns of the name {', '.join(repeated)}")
    told = parse_description(schema)
    found = set(told.fields.values())
    if missing := [field for field in context.fields if field not in found]:
        lacked, shown = ", ".join(map(repr, missing)), ", ".join(map(repr, sorted(found)))
        reasons.append(f"lacks the fields {lacked}; it has {shown or 'none'}")
    if reasons:
        raise InvalidData("the file", [Problem("the file", reason) for reason in reasons])
    return told
