"""Parquet: the table of rows with typed columns, one row per task; it needs the extra ``arrow``.

The columns are those of ``results.rows``: what is known of every task, the fields of its data, and
one for each question.  A field of the data is a text; a value that is none is written as JSON.
Annotations are a list of structs.  The types follow from the template and the fields alone, so that
the files of several jobs are one data set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from itagflow.errors import Problem
from itagflow.formats._arrow_draft import ArrowDraft
from itagflow.formats._files import (
    CHUNK,
    Source,
    Target,
    open_source,
    open_spool,
    open_target,
)
from itagflow.formats._packages import load_pyarrow
from itagflow.formats._parquet import CLASS_IDS, number_classes, read_file, write_batches
from itagflow.formats._port import ACCOUNTS, Counts, FormatContext, FormatOption, WriteReport
from itagflow.model.result import Result
from itagflow.model.task import Row

__all__ = ["INCREMENTAL", "READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

INCREMENTAL = True
"""A file of what changed says of each row which task it is of, and which are taken out."""
READ_OPTIONS = ()
"""Reading needs to be told nothing."""
WRITE_OPTIONS = (FormatOption(CLASS_IDS, bool, False), ACCOUNTS)
"""Names or ids of classes; pseudonyms or accounts of people."""
NAME = "the format 'parquet'"


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a row for each task, with the replies of the last of the stages that it has one at.

    Which fields the data has is known after the last row: the rows wait in a temporary file, and
    memory does not grow with them.

    In an export with ``since`` the columns ``job_id`` and ``removed`` come first.

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
        draft = ArrowDraft(pa, spool, counts, number_classes(context))
        for result in results:
            draft.add(result)
        table = draft.make_table()
        write_batches(file, table, draft.iter_batches(table.schema))
    return counts.build_report()


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
    # a table is read from its end: it has to be in a file with places
    with open_spool() as spool:
        with open_source(source) as file:
            while part := file.readline(CHUNK):
                spool.write(part)
        spool.seek(0)
        yield from read_file(pa, spool.file, context)
