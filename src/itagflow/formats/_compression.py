"""Files that are compressed, as the suffix of their path says: gzip, and Zstandard."""

from __future__ import annotations

import os
from collections.abc import Generator
from importlib import import_module
from importlib.util import find_spec
from typing import IO, Any, cast

from itagflow.contexts import safe_context
from itagflow.errors import InvalidData, Problem

GZIP, ZSTANDARD = ".gz", ".zst"
REFUSED = {".bz2": "bzip2", ".xz": "xz", ".lz4": "LZ4", ".br": "Brotli"}
"""What else files are compressed by: none is written under a suffix that says so."""
_LEVEL = 6
"""How much gzip compresses: as the program of that name does unless told otherwise."""


def find_suffix(place: object) -> str:
    """Return the suffix of a path that says how it is compressed; empty for any other place.

    An open file is written as it is: whoever has opened it may have done so by ``gzip.open``.

    Raises:
        InvalidData: when it cannot be written so here.

    >>> find_suffix("cats.csv.gz"), find_suffix("cats.csv")
    ('.gz', '')
    """
    if isinstance(place, str | os.PathLike):
        name = os.fsdecode(cast("str | os.PathLike[str]", place))
    elif hasattr(place, "__truediv__"):
        # the last part of its path, as `pathlib` has it
        name = str(getattr(place, "name", ""))
    else:
        return ""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in REFUSED:
        reason = f"is compressed by {REFUSED[suffix]}, which is not read or written: use .gz"
        raise InvalidData("the file", [Problem(name, reason)])
    if suffix == ZSTANDARD and find_spec("compression") is None:
        reason = "needs Zstandard, which Python has from 3.14 on: use .gz"
        raise InvalidData("the file", [Problem(name, reason)])
    return suffix if suffix in (GZIP, ZSTANDARD) else ""


@safe_context
def open_compressor(file: Any, suffix: str) -> Generator[IO[bytes]]:
    """Open *file*, which is open for writing, for what is to be compressed; it is left open.

    The same content is the same bytes each time: neither a name nor a time is in the file.
    """
    with _open(file, suffix, "wb") as compressed:
        yield compressed


@safe_context
def open_decompressor(file: Any, suffix: str) -> Generator[IO[bytes]]:
    """Open *file*, which is open for reading, for what was compressed; it is left open."""
    with _open(file, suffix, "rb") as plain:
        yield plain


def _open(file: Any, suffix: str, mode: str) -> IO[bytes]:
    if suffix == GZIP:
        import gzip  # loaded when a file is compressed

        level = _LEVEL if mode == "wb" else 9
        return cast("IO[bytes]", gzip.GzipFile("", mode, level, file, mtime=0))
    zstd: Any = import_module("compression.zstd")
    return cast("IO[bytes]", zstd.ZstdFile(file, mode))
