"""What every format reads from and writes to."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

import attrs
from typing_extensions import TypeIs

from itagflow.contexts import safe_context
from itagflow.errors import Problem, StoreFailed

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
    """Anything path-like with ``open`` and ``/``: in a zip file, a bucket, elsewhere."""

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
    """Open *source* for reading; a file that the caller has opened is left open.

    Raises:
        StoreFailed: when the system does not open a path, or does not read it.
    """
    if _is_place(source):
        with source.open("rb") as file:
            yield file
    elif isinstance(source, str | os.PathLike):
        with _opened(source) as file:
            yield _Told(file, source)
    else:
        yield _binary(source)


@safe_context
def writing(target: Target) -> Generator[BinaryFile]:
    """Open *target* for writing; when the block raises, a path or place is left as it was.

    A file that the caller has opened is written straight and left open.  A file that is replaced
    keeps its mode, and its owner and group where this process may give it to them.

    Raises:
        StoreFailed: when the system does not write a path: a full disk, no permission, no such
            folder.
    """
    if _is_place(target):
        with spooled() as draft:  # a bucket keeps whatever was sent when its file closes
            yield draft
            draft.seek(0)
            with target.open("wb") as file:
                from shutil import copyfileobj

                copyfileobj(draft, file)
    elif isinstance(target, str | os.PathLike):
        with telling(target, "be written"):
            path = Path(os.path.realpath(target))  # a link goes on pointing where it points
        with _replacing(path) as file:
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
    """Return line *number* of a file as text without a byte order mark, or the problem with it."""
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        return Problem(
            f"line {number}", f"is not UTF-8: byte {error.start + 1} is 0x{line[error.start]:02X}"
        )
    return Problem(f"line {number}", "contains a NUL character") if "\0" in text else text


def _skip_rest(file: BinaryFile) -> bool:
    """Skip the rest of the line, and return whether there was one."""
    first = rest = file.readline(CHUNK)
    while rest and not rest.endswith(b"\n"):
        rest = file.readline(CHUNK)
    return bool(first)


def _opened(source: str | os.PathLike[str]) -> IO[bytes]:
    with telling(source, "be read"):
        return open(source, "rb")


@safe_context
def spooled() -> Generator[_Told]:
    """Open a temporary file without a name; it is deleted when it is closed.

    Raises:
        StoreFailed: when the disk for temporary files is full.
    """
    import tempfile  # loaded when one is needed: it takes long

    place = tempfile.gettempdir()
    file = _spool(place)
    try:
        yield _Told(file, place)
    finally:
        # what could not be written is told already, and nobody needs the rest
        with suppress(OSError):
            file.close()


def _spool(place: str) -> IO[bytes]:
    import tempfile

    with telling(place, "be written"):
        return tempfile.TemporaryFile()


@safe_context
def telling(path: str | os.PathLike[str], what: str) -> Generator[None]:
    """Raise our error for the system's.

    Raises:
        StoreFailed: when the system cannot do with *path* *what* was asked, or cannot even take its
            name.
    """
    try:
        yield
    except (
        OSError,
        ValueError,
    ) as error:  # such as a name with a NUL character, or half of a surrogate pair
        raise _failed(path, what, error) from error


def _failed(path: str | os.PathLike[str], what: str, error: OSError | ValueError) -> StoreFailed:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    hint = "Check that it is there, and that it may be read"
    if what == "be written":
        hint = (
            "Check that its folder is there and can be written, and that the disk has room; "
            "it is left as it was"
        )
    return StoreFailed(os.fsdecode(path), f"the file cannot {what}: {reason}", hint)


@attrs.frozen
class _Told:
    """A file whose errors are raised as ours; errors of callbacks in between are not changed."""

    file: IO[bytes]
    path: str | os.PathLike[str]

    def readline(self, size: int, /) -> bytes:
        try:
            return self.file.readline(size)
        except OSError as error:
            raise _failed(self.path, "be read", error) from error

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self.file.read(size)
        except OSError as error:
            raise _failed(self.path, "be read", error) from error

    def write(self, data: bytes, /) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            raise _failed(self.path, "be written", error) from error

    def seek(self, place: int, /) -> int:
        try:
            return self.file.seek(place)  # what is still held back is written first
        except OSError as error:
            raise _failed(self.path, "be written", error) from error

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline(-1):
            yield line


@safe_context
def _replacing(path: Path) -> Generator[_Told]:
    with telling(path, "be written"):
        old = path.stat() if path.exists() else None
        plain = old is None or stat.S_ISREG(old.st_mode)
        # a pipe or a device, such as /dev/stdout, must not be replaced
        part = path.with_name(f".itagflow-{os.urandom(8).hex()}.part") if plain else path
        file = _created(part, old) if plain else path.open("wb")
    try:
        yield _Told(file, path)
        with telling(path, "be written"):
            file.close()  # only now it is all on its way to the disk, or not
            if plain:
                os.replace(part, path)
    finally:
        with suppress(OSError):
            file.close()
        if plain:
            part.unlink(missing_ok=True)


def _created(part: Path, old: os.stat_result | None) -> IO[bytes]:
    """Open a new file that will replace *old*, never with wider permissions than *old*."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(part, flags, 0o666 if old is None else 0o600)
    try:
        if old is not None:
            _keep_access(part, old)
        return open(descriptor, "wb")
    except BaseException:
        os.close(descriptor)
        part.unlink(missing_ok=True)
        raise


def _keep_access(part: Path, old: os.stat_result) -> None:
    """Give a new file the owner, group and mode of the one that it replaces, where permitted."""
    mode = stat.S_IMODE(old.st_mode)
    if hasattr(os, "chown") and not _is_given(part, old.st_uid, old.st_gid):
        mode &= ~stat.S_ISUID  # not in the name of somebody else
        if not _is_given(part, -1, old.st_gid):
            # another group may no more than all
            mode &= ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    part.chmod(mode)


def _is_given(part: Path, owner: int, group: int) -> bool:
    try:
        os.chown(part, owner, group)
    except OSError:
        return False
    return True


def _is_place(given: Source) -> TypeIs[Place]:
    # a pathlib.Path looks like one as well, but is local: it can be replaced at one stroke
    return (
        hasattr(given, "open") and hasattr(given, "__truediv__") and type(given) is not type(Path())
    )


def _binary(file: BinaryFile) -> BinaryFile:
    if isinstance(file, io.TextIOBase):
        raise TypeError("the file is open in text mode: open it in binary mode, 'rb' or 'wb'")
    return file
