"""Hugging Face: a zip file with Parquet files and a card, as ``datasets`` loads it.

::

    README.md                             the card: what the columns are, for ``datasets``
    data/train-00000-of-00001.parquet     the rows, as ``parquet`` writes them

When it is unpacked, ``datasets.load_dataset`` takes the folder as it is, and its files can be put
into a repository.  Questions of one option are a ``ClassLabel``, with the classes in the order of
the template.  The zip files of several splits can be unpacked into one folder.  It needs the extra
``arrow``.  Source: huggingface.co, *Structure your repository*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arrow_draft import ArrowDraft
from itagflow.formats._card import render_card
from itagflow.formats._files import CHUNK, BinaryFile, Source, Target, open_spool
from itagflow.formats._packages import load_pyarrow
from itagflow.formats._parquet import CLASS_IDS, number_classes, read_file, write_batches
from itagflow.formats._port import ACCOUNTS, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._zip import BROKEN, add_entry, create_zip, open_entry, open_zip
from itagflow.model.result import Result
from itagflow.model.task import Row

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

SPLIT = "split"
READ_OPTIONS = (FormatOption(SPLIT, str, None),)
"""What is read: the rows of one split, or all."""
PART_ROWS = FormatOption("part_rows", int, 500_000, least=1)
"""How many rows a file has at the most."""
WRITE_OPTIONS = (
    FormatOption(SPLIT, str, "train"),
    FormatOption(CLASS_IDS, bool, True),
    ACCOUNTS,
    PART_ROWS,
)
"""What the rows are for; ids or names of classes; pseudonyms or accounts; the size of files."""
NAME = "the format 'hugging_face'"
CARD = "README.md"
_SPLIT = re.compile(r"\w+(\.\w+)*")
"""What ``datasets`` takes for the name of a split."""
_FILE = re.compile(r"(?:.*/)?([^/]+?)(-[0-9]{5}-of-[0-9]{5})?\.parquet")


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a row for each task, as the format ``parquet`` does, and the card that belongs to them.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``split`` (``train``, ``validation``
            or ``test``, for example), ``class_ids``, ``accounts`` and ``part_rows`` (how many rows
            a file has at the most).

    Raises:
        InvalidData: when PyArrow is not installed, when no split can be called so, when the rows
            have more fields than a table can have columns, or when a text holds half of a
            surrogate pair.
        StoreFailed: when the system does not write a path.
    """
    pa = load_pyarrow(NAME)
    split: str = context.options[SPLIT]
    if not _SPLIT.fullmatch(split):
        reason = "must have letters, digits and _, with dots in between"
        raise InvalidData("the format", [Problem(SPLIT, reason)])
    counts = Counts(context)
    with create_zip(target) as archive, open_spool() as spool:
        draft = ArrowDraft(pa, spool, counts, number_classes(context))
        for result in results:
            draft.add(result)
        table = draft.make_table()
        card = render_card(pa, table.schema, context.asked, counts.rows)
        add_entry(archive, CARD, card.encode())
        most = context.options[PART_ROWS.name]
        parts = max(1, -(-counts.rows // most))
        numbered = _number_parts(draft.iter_batches(table.schema), most)
        groups = groupby(numbered, key=itemgetter(0))
        for number in range(parts):
            # without a row there is no group, and still a file with the columns
            _, batches = next(groups, (number, ()))
            name = f"data/{split}-{number:05}-of-{parts:05}.parquet"
            with open_entry(archive, name) as file:
                write_batches(cast(BinaryFile, file), table, map(itemgetter(1), batches))
    return counts.build_report()


def _number_parts(batches: Iterable[Any], most: int) -> Iterator[tuple[int, Any]]:
    """Yield batches that lie within one file, each with the number of its file."""
    row = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            count = min(batch.num_rows - start, most - row % most)
            yield row // most, batch.slice(start, count)
            row += count
            start += count


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield the rows, with their replies as the result of labeling, or what is wrong with one.

    In a file that another program wrote all columns are fields of the data.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file with Parquet files, in any folder.
        context: What is asked, the fields that there must be, and the option ``split`` (all unless
            given).

    Raises:
        InvalidData: when PyArrow is not installed.
    """
    pa = load_pyarrow(NAME)
    split = context.options[SPLIT]
    try:
        with open_zip(source) as archive:
            found = [match for name in archive.namelist() if (match := _FILE.fullmatch(name))]
            names = sorted(match[0] for match in found if split in (None, match[1]))
            if not names:
                of_split = "" if split is None else f" of the split {split!r}"
                yield Problem("the file", f"has no .parquet file{of_split}")
            for name in names:
                with archive.open(name) as entry, open_spool() as spool:
                    while part := entry.read(CHUNK):
                        spool.write(part)
                    spool.seek(0)
                    for item in read_file(pa, spool.file, context):
                        yield _place(item, name) if isinstance(item, Problem) else item
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _place(problem: Problem, name: str) -> Problem:
    """Return a problem with the file in which it is."""
    return Problem(f"{name}, {problem.where}".removesuffix(", the file"), problem.reason)
