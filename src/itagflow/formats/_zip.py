"""Zip files of many small files, with the same bytes each time."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Generator
from typing import IO, Protocol, cast

from itagflow.contexts import safe_context
from itagflow.formats._files import (
    CHUNK,
    MAX_ROW_BYTES,
    Source,
    Target,
    open_source,
    open_spool,
    open_target,
)

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,  # another compression
    RuntimeError,  # a password
    EOFError,
    ValueError,
    OSError,  # a place before the beginning
)
"""What reading raises when a zip file, or an entry of it, is broken."""
_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry: the same results are the same bytes."""
_UNIX, _MODE = 3, 0o100644


class Spool(Protocol):
    """An open file that can be read in parts."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at its end."""
        ...


@safe_context
def create_zip(target: Target) -> Generator[zipfile.ZipFile]:
    """Open a new zip file; when the block raises, a path or place is left as it was.

    Raises:
        InvalidData: as `open_target`.
        StoreFailed: as `open_target`.
    """
    # the size of an entry stands before it, but is known after it: so it needs a file with places
    with open_target(target) as file, open_spool() as spool:
        with zipfile.ZipFile(cast("IO[bytes]", spool), "w") as archive:
            yield archive
        spool.seek(0)
        while part := spool.read(CHUNK):
            file.write(part)


def add_entry(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Write a file into a zip file.  It is not compressed: versions of zlib differ in bytes."""
    archive.writestr(_make_entry(name), content)


@safe_context
def open_entry(archive: zipfile.ZipFile, name: str) -> Generator[IO[bytes]]:
    """Open a new file in a zip file for writing."""
    with archive.open(_make_entry(name), "w", force_zip64=True) as file:
        yield file


def add_file(archive: zipfile.ZipFile, name: str, content: Spool) -> None:
    """Write what is left of an open file into a zip file, in parts."""
    with open_entry(archive, name) as file:
        while part := content.read(CHUNK):
            file.write(part)


def _make_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.create_system = _UNIX  # otherwise that of the machine
    entry.external_attr = _MODE << 16
    return entry


@safe_context
def open_zip(source: Source) -> Generator[zipfile.ZipFile]:
    """Open a zip file for reading, from any source.

    Raises:
        InvalidData: as `open_source`.
        StoreFailed: as `open_source`.
        zipfile.BadZipFile: or another of `BROKEN`, when it is no zip file.
    """
    with open_spool() as spool:
        with open_source(source) as file:
            while part := file.readline(CHUNK):
                spool.write(part)
        spool.seek(0)
        # the file itself: whatever a place in it is that is none, is wrong with the zip file
        with zipfile.ZipFile(spool.file) as archive:
            yield archive


def read_entry(archive: zipfile.ZipFile, name: str) -> bytes | None:
    """Return a file of a zip file; None when it is not there.

    Raises:
        zipfile.BadZipFile: or another of `BROKEN`, when it is broken or too large.
    """
    if name not in archive.NameToInfo:
        return None
    # the sizes of small files may be false: no more is read than is said
    if archive.getinfo(name).file_size > MAX_ROW_BYTES:
        raise zipfile.BadZipFile(f"{name} is too large")
    return archive.read(name)
