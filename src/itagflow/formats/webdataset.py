"""WebDataset: a tar file with a sample for each task, for programs that stream their data.

::

    000000001.json           everything that the result of task 1 has, as a line of ``jsonl``
    000000002.json

A file that is called alike, such as ``000000001.jpg``, belongs to the same sample.  The name of a
sample ends at the first dot, so that it has none.  Two tar files, one after the other, are read as
one.  Source: github.com/webdataset/webdataset; POSIX.1-1988, *ustar*.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from typing import IO

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import (
    CHUNK,
    Source,
    Target,
    decode_line,
    open_source,
    open_spool,
    open_target,
)
from itagflow.formats._port import LIMIT, Counts, FormatContext, WriteReport
from itagflow.formats.jsonl import LineWriter, read_row
from itagflow.model.result import Result
from itagflow.model.task import Row

__all__ = ["READ_OPTIONS", "read", "write"]

READ_OPTIONS = (LIMIT,)
"""How long a sample may be."""
SUFFIX = ".json"
_BLOCK = 512
"""A tar file consists of blocks of so many bytes."""
_MODE = 0o644
_BROKEN = (tarfile.TarError, EOFError, ValueError, OSError)
"""What reading raises when a tar file is broken."""


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a sample for each task; the same bytes each time.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: The stages whose results are written, with the work and the votes at them.
    """
    counts, line = Counts(context), LineWriter(frozenset(context.stages))
    with open_target(target) as file:
        for result in results:
            content = line.render(result, counts.add_task(result))
            name = f"{context.number_task(result.task):09}{SUFFIX}"
            file.write(_render_header(name, len(content)) + content + _pad(len(content)))
        # two blocks of zeros are the end
        file.write(bytes(2 * _BLOCK))
    return counts.build_report()


def _render_header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, _MODE
    return entry.tobuf(tarfile.USTAR_FORMAT)


def _pad(size: int) -> bytes:
    """Return what is missing to a whole block."""
    return bytes(-size % _BLOCK)


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield the row of each sample with its results at each stage, or what is wrong with it.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What was asked, and the option ``limit``: how many bytes a sample may have.
    """
    with open_spool() as spool:
        with open_source(source) as file:
            while part := file.readline(CHUNK):
                spool.write(part)
        spool.seek(0)
        try:
            # the ends of files that were put together are skipped
            with tarfile.open(fileobj=spool.file, mode="r:", ignore_zeros=True) as archive:
                for entry in archive:
                    if entry.isreg() and entry.name.endswith(SUFFIX):
                        yield from _read_sample(archive, entry, context)
        except _BROKEN as error:
            yield Problem("the file", f"is no tar file that can be read: {error}")


def _read_sample(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, context: FormatContext
) -> Iterator[Row | Problem]:
    content: IO[bytes] | None = archive.extractfile(entry)
    if content is None or entry.size > context.options[LIMIT.name]:
        yield Problem(entry.name, "is longer than limit=")
        return
    text = decode_line(content.read().strip(), 1)
    if isinstance(text, Problem):
        yield Problem(entry.name, text.reason)
        return
    try:
        yield read_row(Row(text, 0), context)
    except InvalidData as error:
        for problem in error.problems:
            yield Problem(f"{entry.name}, {problem.where}".removesuffix(", "), problem.reason)
