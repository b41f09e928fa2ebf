"""Batches of rows as files of Parquet, and such files as batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arrow import (
    BATCH,
    ArrowTable,
    Description,
    number_options,
    parse_description,
)
from itagflow.formats._arrow_draft import GROUP_BYTES
from itagflow.formats._arrow_reading import RowReader
from itagflow.formats._files import BinaryFile
from itagflow.formats._port import FormatContext
from itagflow.model.task import Row

CLASS_IDS = "class_ids"
"""The option that says whether questions of one option have numbers, for ``datasets``."""
GROUP_ROWS = 10_000
"""How many rows a row group has at the most; so many are held."""
COMPRESSION = "zstd"
"""What all that read Parquet today can unpack, and is smaller than the default."""


def number_classes(context: FormatContext) -> dict[str, Mapping[str, int]]:
    """Return the ids of the options of the questions that are to have them."""
    if not context.options[CLASS_IDS]:
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


def write_batches(file: BinaryFile, table: ArrowTable, batches: Iterable[Any]) -> None:
    """Write batches with the columns of *table*, several of which make a row group."""
    sink = _Sink(file)
    parquet = import_module("pyarrow.parquet")
    writer = parquet.ParquetWriter(sink, table.schema, compression=COMPRESSION)
    try:
        group: list[Any] = []
        for batch in batches:
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


def read_file(pa: Any, file: Any, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield the rows of a file, or what is wrong with one.

    Args:
        pa: The module ``pyarrow``.
        file: An open file with places: a table is read from its end.
        context: What is asked, and the fields that there must be.
    """
    try:
        table = import_module("pyarrow.parquet").ParquetFile(file)
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
