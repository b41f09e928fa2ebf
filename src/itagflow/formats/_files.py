"""What every format reads from and writes to."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Protocol

from typing_extensions import TypeIs

from itagflow.contexts import safe_context
from itagflow.errors import Problem

MAX_ROW_BYTES = 8 * 1024 * 1024
"""How many bytes one row may have unless the caller says otherwise."""
CHUNK = 64 * 1024
"""How much of a line that is too long is held at once."""


class BinaryFile(Protocol):
    """An open file of bytes, such as from ``open``, ``gzip``, ``zipfile`` or ``io.BytesIO``."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, cut off after *size* bytes."""
        ...

    def write(self, data: bytes, /) -> object:
        """Write all of *data*."""
        ...


class Place(Protocol):
    """Anything path-like with ``open`` and ``/``: a path in a zip file, in a bucket, on another machine."""

    def open(self, mode: str, /) -> AbstractContextManager[Any]:
        """Open it as the built-in ``open`` would."""
        ...

    def __truediv__(self, name: str, /) -> Any:
        """Return the place called *name* in this one."""
        ...


Source = str | os.PathLike[str] | Place | BinaryFile
"""What can be read."""
Target = str | os.PathLike[str] | Place | BinaryFile
"""What can be written."""


@safe_context
def reading(source: Source) -> Generator[BinaryFile]:
    """Open *source* for reading; a file that the caller has opened is left open."""
    if _is_place(source):
        with source.open("rb") as file:
            yield file
    elif isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            yield file
    else:
        yield _binary(source)


@safe_context
def writing(target: Target) -> Generator[BinaryFile]:
    """Open *target* for writing; when the block raises, a path or place is left as it was.

    A file that the caller has opened is written straight and left open.
    """
    if _is_place(target):
        with tempfile.TemporaryFile() as draft:  # a bucket keeps whatever was sent when its file closes
            yield draft
            draft.seek(0)
            with target.open("wb") as file:
                shutil.copyfileobj(draft, file)
    elif isinstance(target, str | os.PathLike):
        with _replacing(Path(os.path.realpath(target))) as file:  # a link goes on pointing where it points
            yield file
    else:
        yield _binary(target)


def lines(file: BinaryFile, limit: int) -> Iterator[bytes | None]:
    """Yield the lines without their ends, and None for one of more than *limit* bytes.

    However long a line is, at most *limit* bytes and a bit are held.
    """
    while raw := file.readline(limit + len("\r\n")):
        ended = raw.endswith(b"\n") or not _skip_rest(file)
        line = raw.rstrip(b"\r\n")
        yield line if ended and len(line) <= limit else None


def decoded(line: bytes, number: int) -> str | Problem:
    """Return line *number* of a file as text, without a byte order mark, or what is wrong with it."""
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        return Problem(f"line {number}", f"is not UTF-8: byte {error.start + 1} is 0x{line[error.start]:02X}")
    return Problem(f"line {number}", "contains a NUL character") if "\0" in text else text


def _skip_rest(file: BinaryFile) -> bool:
    """Skip the rest of the line, and return whether there was one."""
    first = rest = file.readline(CHUNK)
    while rest and not rest.endswith(b"\n"):
        rest = file.readline(CHUNK)
    return bool(first)


@safe_context
def _replacing(path: Path) -> Generator[IO[bytes]]:
    if path.exists() and not path.is_file():  # a pipe or a device, such as /dev/stdout, must not be replaced
        with path.open("wb") as file:
            yield file
        return
    part = path.with_name(f".itagflow-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _is_place(given: Source) -> TypeIs[Place]:
    # a pathlib.Path looks like one as well, but is local: it can be replaced at one stroke
    return hasattr(given, "open") and hasattr(given, "__truediv__") and type(given) is not type(Path())


def _binary(file: BinaryFile) -> BinaryFile:
    if isinstance(file, io.TextIOBase):
        raise TypeError("the file is open in text mode: open it in binary mode, 'rb' or 'wb'")
    return file
