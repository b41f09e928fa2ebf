"""What every format reads from and writes to, and the text of a row in it."""

from __future__ import annotations

import io
import json
import os
import re
import stat
import zlib
from collections.abc import Collection, Generator, Iterator
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Protocol, cast

import attrs
from typing_extensions import TypeIs

from itagflow.contexts import safe_context
from itagflow.errors import InvalidData, Problem, StoreFailed
from itagflow.formats._compression import find_suffix, open_compressor, open_decompressor
from itagflow.model.text import format_value

MAX_ROW_BYTES = 8 * 1024 * 1024
"""How many bytes one row may have unless the caller says otherwise."""
CHUNK = 64 * 1024
"""How much of a line that is too long is held at once."""
MAGIC = {
    b"\x1f\x8b": "is compressed (gzip): open it with gzip.open, and pass the open file",
    b"PK\x03\x04": "is a ZIP file: pass one of its files, such as a zipfile.Path",
    b"BZh": "is compressed (bzip2): open it with bz2.open, and pass the open file",
    b"\xfd7zXZ\0": "is compressed (xz): open it with lzma.open, and pass the open file",
    b"\x28\xb5\x2f\xfd": "is compressed (Zstandard): unpack it first",
    b"SQLite format 3": "is an SQLite database: open it with itagflow.open",
    b"PAR1": "is a Parquet file: pass format='parquet', or a data frame",
    b"\xff\xfe": "is in UTF-16 or UTF-32: save it as UTF-8",
    b"\xfe\xff": "is in UTF-16 or UTF-32: save it as UTF-8",
}
"""How files begin that are often taken for one of ours."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
""""C:/…" is a path: a scheme has at least two letters here."""


class BinaryFile(Protocol):
    """An open file of bytes, such as from ``open``, ``gzip``, ``zipfile`` or ``io.BytesIO``."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, cut off after *size* bytes."""
        ...

    def write(self, data: bytes, /) -> object:
        """Write all of *data*."""
        ...


class OpenablePath(Protocol):
    """Anything path-like with ``open`` and ``/``: in a zip file, a bucket, elsewhere."""

    def open(self, mode: str, /) -> AbstractContextManager[Any]:
        """Open it as the built-in ``open`` would."""
        ...

    def __truediv__(self, name: str, /) -> Any:
        """Return the place called *name* in this one."""
        ...


Source = str | os.PathLike[str] | OpenablePath | BinaryFile
"""What can be read."""
Target = str | os.PathLike[str] | OpenablePath | BinaryFile
"""What can be written."""


@safe_context
def open_source(source: Source) -> Generator[BinaryFile]:
    """Open *source* for reading; a file that the caller has opened is left open.

    A path with the suffix ``.gz`` is decompressed, and so is ``.zst`` where Python can.

    Raises:
        InvalidData: when it is a URL, or no file that bytes can be read from; or when its suffix
            says that it is compressed in another way.
        StoreFailed: when the system does not open a path, or does not read it.
    """
    suffix = find_suffix(source)
    with open_raw_source(source) as file:
        if not suffix:
            yield file
            return
        with open_decompressor(file, suffix) as plain:
            yield CheckedFile(plain, get_file_name(source))


@safe_context
def open_raw_source(source: Source) -> Generator[BinaryFile]:
    """Open *source* for reading as it is, also when it is compressed.

    Raises:
        InvalidData: when it is a URL, or no file that bytes can be read from.
        StoreFailed: when the system does not open a path, or does not read it.
    """
    _require_local(source)
    if _is_openable(source):
        with source.open("rb") as file:
            yield file
    elif isinstance(source, str | os.PathLike):
        with _open_path(source) as file:
            yield CheckedFile(file, source)
    else:
        file = _require_binary(source, "readline")
        yield CheckedFile(cast("IO[bytes]", file), _get_name(file))


@safe_context
def open_target(target: Target) -> Generator[BinaryFile]:
    """Open *target* for writing; when the block raises, a path or place is left as it was.

    A file that the caller has opened is written straight and left open.  A file that is replaced
    keeps its mode, and its owner and group where this process may give it to them.  A path with the
    suffix ``.gz`` is compressed, and so is ``.zst`` where Python can.

    Raises:
        InvalidData: when it is a URL, or no file that bytes can be written to; or when its suffix
            says that it is compressed in another way.
        StoreFailed: when the system does not write a path: a full disk, no permission, no such
            folder.
    """
    with open_hashed_target(target) as hashed, hashed.open() as file:
        yield file


@safe_context
def open_hashed_target(target: Target) -> Generator[HashedFile]:
    """Open *target* as `open_target` does; what is opened by `HashedFile.open` is written to it.

    In between, the size and the hash of the whole file are known, and it has not taken its place.

    Raises:
        InvalidData: as `open_target`.
        StoreFailed: as `open_target`.
    """
    suffix = find_suffix(target)
    with _open_raw_target(target) as file:
        yield HashedFile(file, suffix)


@safe_context
def _open_raw_target(target: Target) -> Generator[BinaryFile]:
    """Open *target* for writing as it is."""
    _require_local(target)
    if _is_openable(target):
        with open_spool() as draft:  # a bucket keeps whatever was sent when its file closes
            yield draft
            draft.seek(0)
            with target.open("wb") as file:
                from shutil import copyfileobj

                copyfileobj(draft, file)
    elif isinstance(target, str | os.PathLike):
        with translate_errors(target, "be written"):
            path = Path(os.path.realpath(target))  # a link goes on pointing where it points
        with _replace_file(path) as file:
            yield file
    else:
        yield _require_binary(target, "write")


@attrs.define(eq=False)
class HashedFile:
    """Writes to an open file, and knows the size and the hash of what was written."""

    file: BinaryFile
    suffix: str = ""
    """How what is written is compressed; empty: not at all."""
    size: int = attrs.field(default=0, init=False)
    """How many bytes were written."""
    _hash: Any = attrs.field(factory=sha256, init=False)

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, in hexadecimal digits."""
        digest: str = self._hash.hexdigest()
        return digest

    @safe_context
    def open(self) -> Generator[BinaryFile]:
        """Open it for what is to be compressed, if anything is, and written."""
        if not self.suffix:
            yield self
            return
        with open_compressor(self, self.suffix) as file:
            yield file

    def write(self, data: bytes, /) -> int:
        """Write *data*, and return how many bytes that are."""
        self.file.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def readline(self, _size: int, /) -> bytes:
        """Return nothing: it is open for writing."""
        return b""

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Do nothing: a file is written out when it is closed."""


def read_lines(file: BinaryFile, limit: int) -> Iterator[bytes | None]:
    """Yield the lines without their ends, and None for one of more than *limit* bytes.

    However long a line is, at most *limit* bytes and a bit are held.
    """
    # room for the line's end, which does not count for the limit
    while raw := file.readline(limit + len("\r\n")):
        is_complete = raw.endswith(b"\n") or not _skip_rest(file)
        line = raw.rstrip(b"\r\n")
        if is_complete and len(line) <= limit:
            yield line
        else:
            yield None


def decode_line(line: bytes, number: int) -> str | Problem:
    """Return line *number* of a file as text without a byte order mark, or the problem with it."""
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        return Problem(
            f"line {number}", f"is not UTF-8: byte {error.start + 1} is 0x{line[error.start]:02X}"
        )
    # a raw NUL is the sign of UTF-16 or of a broken download, and PostgreSQL cannot store it
    if "\0" in text:
        return Problem(f"line {number}", "contains a NUL character")
    return text


def _skip_rest(file: BinaryFile) -> bool:
    """Skip the rest of the line, and return whether there was one."""
    start = rest = file.readline(CHUNK)
    while rest and not rest.endswith(b"\n"):
        rest = file.readline(CHUNK)
    return bool(start)


def _open_path(source: str | os.PathLike[str]) -> IO[bytes]:
    with translate_errors(source, "be read"):
        return open(source, "rb")


@safe_context
def open_spool() -> Generator[CheckedFile]:
    """Open a temporary file without a name; it is deleted when it is closed.

    Raises:
        StoreFailed: when the disk for temporary files is full.
    """
    import tempfile  # loaded when one is needed: it takes long

    folder = tempfile.gettempdir()
    file = _create_spool(folder)
    try:
        yield CheckedFile(file, folder)
    finally:
        # what could not be written has raised already, and the rest is not needed
        with suppress(OSError):
            file.close()


def _create_spool(folder: str) -> IO[bytes]:
    import tempfile

    with translate_errors(folder, "be written"):
        return tempfile.TemporaryFile()


@safe_context
def translate_errors(path: str | os.PathLike[str], action: str) -> Generator[None]:
    """Raise our error for the system's.

    Raises:
        StoreFailed: when the system cannot do *action* with *path*, or cannot even take its name.
    """
    try:
        yield
    except (
        OSError,
        ValueError,
    ) as error:  # such as a name with a NUL character, or half of a surrogate pair
        raise _make_error(path, action, error) from error


def _make_error(
    path: str | os.PathLike[str], action: str, error: OSError | EOFError | ValueError | zlib.error
) -> StoreFailed:
    reason = str(error)
    if isinstance(error, OSError) and error.strerror:
        reason = error.strerror  # without the number and the path that `str` adds
    hint = "Check that it is there, and that it may be read"
    if action == "be written":
        hint = (
            "Check that its folder is there and can be written, and that the disk has room; "
            "it is left as it was"
        )
    return StoreFailed(
        os.fsdecode(path) or "the open file", f"the file cannot {action}: {reason}", hint
    )


@attrs.frozen
class CheckedFile:
    """A file whose errors are raised as ours; errors of callbacks in between are not changed."""

    file: IO[bytes]
    path: str | os.PathLike[str]

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or so many bytes of it."""
        try:
            line = self.file.readline(size)
        # EOFError, zlib.error: a compressed file that is cut off or broken; ValueError: one that is
        # closed meanwhile
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise _make_error(self.path, "be read", error) from error
        if not isinstance(cast(object, line), bytes):
            reason = f"must give bytes, not {format_value(line)}: open it in binary mode"
            raise InvalidData("the file", [Problem(os.fsdecode(self.path), reason)])
        return line

    def read(self, size: int = -1, /) -> bytes:
        """Return so many bytes, or all that are left."""
        try:
            return self.file.read(size)
        except OSError as error:
            raise _make_error(self.path, "be read", error) from error

    def write(self, data: bytes, /) -> int:
        """Write bytes, and return how many."""
        try:
            return self.file.write(data)
        except OSError as error:
            raise _make_error(self.path, "be written", error) from error

    def seek(self, position: int, /) -> int:
        """Go on at a place from the beginning."""
        try:
            return self.file.seek(position)  # what is still held back is written first
        except OSError as error:
            raise _make_error(self.path, "be written", error) from error

    def tell(self) -> int:
        """Return the place from the beginning."""
        return self.file.tell()

    def flush(self) -> None:
        """Write what is still held back."""
        try:
            self.file.flush()
        except OSError as error:
            raise _make_error(self.path, "be written", error) from error

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines that are left."""
        while line := self.readline(-1):
            yield line


@safe_context
def _replace_file(path: Path) -> Generator[CheckedFile]:
    with translate_errors(path, "be written"):
        replaced = None
        if path.exists():
            replaced = path.stat()
        plain = replaced is None or stat.S_ISREG(replaced.st_mode)
        # a pipe or a device, such as /dev/stdout, must not be replaced
        draft = path
        if plain:
            # in the same folder, since only within one file system a rename is atomic
            draft = path.with_name(f".itagflow-{os.urandom(8).hex()}.part")
            file = _create_replacement(draft, replaced)
        else:
            file = path.open("wb")
    try:
        yield CheckedFile(file, path)
        with translate_errors(path, "be written"):
            file.close()  # only now it is all on its way to the disk, or not
            if plain:
                # in one step: whoever opens the path gets the old file or the new one, never half
                # of it
                os.replace(draft, path)
    finally:
        with suppress(OSError):
            file.close()
        if plain:
            draft.unlink(missing_ok=True)


def _create_replacement(draft: Path, replaced: os.stat_result | None) -> IO[bytes]:
    """Open a new file for *draft*, never with wider permissions than the file it replaces."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # O_EXCL: never through a link that somebody put there.  A replacement is private until it has
    # the mode of the old file: what was readable by its owner only never is by others.
    mode = 0o666 if replaced is None else 0o600
    descriptor = os.open(draft, flags, mode)
    try:
        if replaced is not None:
            _copy_access(draft, replaced)
        return open(descriptor, "wb")
    except BaseException:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise


def _copy_access(draft: Path, replaced: os.stat_result) -> None:
    """Give a new file the owner, group and mode of the one that it replaces, where permitted."""
    mode = stat.S_IMODE(replaced.st_mode)
    if hasattr(os, "chown") and not _change_owner(draft, replaced.st_uid, replaced.st_gid):
        # set-user-id would run it in the name of this process's owner, not of the old one
        mode &= ~stat.S_ISUID
        if not _change_owner(draft, -1, replaced.st_gid):
            # another group may no more than all
            mode &= ~(stat.S_ISGID | stat.S_IRWXG) | (mode & stat.S_IRWXO) << 3
    draft.chmod(mode)


def _change_owner(draft: Path, owner: int, group: int) -> bool:
    try:
        os.chown(draft, owner, group)
    except OSError:
        return False
    return True


def _is_openable(source: Source) -> TypeIs[OpenablePath]:
    # a pathlib.Path looks like one as well, but is local: it can be replaced in one step
    return (
        hasattr(source, "open")
        and hasattr(source, "__truediv__")
        and type(source) is not type(Path())
    )


def must_be_readable(source: Source) -> None:
    """Check what can be known of a source before it is opened.

    Raises:
        InvalidData: when it is a URL, is closed, or is open in text mode.
    """
    _require_local(source)
    if not _is_openable(source) and not isinstance(source, str | os.PathLike):
        _require_binary(source, "readline")


def _require_local(place: object) -> None:
    """Check that a text is no URL, which `open` would take for a folder.

    Raises:
        InvalidData: when it is one.
    """
    if isinstance(place, str) and _URL.match(place):
        reason = "is a URL: open it, for example with fsspec.open, and pass the open file"
        # without what follows the scheme, which may hold a password
        raise InvalidData("the file", [Problem(f"{place.partition('://')[0]}://…", reason)])


def _require_binary(file: BinaryFile, method: str) -> BinaryFile:
    """Return *file*, if it is open in binary mode.

    Raises:
        InvalidData: when it is not.
    """
    # refused before anything is read: bytes written to a text file fail only after half of the work
    if isinstance(file, io.TextIOBase):
        reason = "is open in text mode: open it in binary mode, 'rb' or 'wb'"
    elif getattr(file, "closed", False) is True:
        reason = "is closed: open it again"
    elif not isinstance(file, io.IOBase) and not _takes_one_argument(getattr(file, method, None)):
        reason = f"must be a path or an open binary file, not {format_value(file)}"
    else:
        return file
    raise InvalidData("the file", [Problem(_get_name(file), reason)])


def _takes_one_argument(method: object) -> bool:
    """Return whether *method* takes bytes to write, or how many to read: a store's does not."""
    if not callable(method):
        return False
    # loaded for files of a class of their own only: it takes long
    from inspect import signature

    try:
        signature(method).bind(b"")
    except TypeError:
        return False
    except ValueError:  # a method in C need not say what it takes
        return True
    return True


def get_file_name(place: object) -> str:
    """Return the path of a source or target as it was given, or the name of an open file."""
    if isinstance(place, str | os.PathLike):
        return os.fsdecode(cast("str | os.PathLike[str]", place))
    if _is_openable(cast(Source, place)):
        try:
            return str(place)
        except TypeError:  # a place in a zip file that has no path itself
            return _get_name(place)
    return _get_name(place)


def _get_name(file: object) -> str:
    """Return the path of an open file, if it has one."""
    name = getattr(file, "name", "")
    if isinstance(name, str):
        return name
    return ""


CR_ALONE = Problem("line 1", "has line ends of CR alone: write LF or CR LF")
"""What is wrong with a file that is a single line for every reader of today."""


def find_file_problem(line: bytes | None) -> Problem | None:
    """Return what the first line of a file tells to be wrong with all of it, or None."""
    if line is None:
        return None
    for start, reason in MAGIC.items():
        if line.startswith(start):
            return Problem("line 1", f"cannot be read: the file {reason}")
    return None


# the white space of JSON, which is less than what "\s" matches
_SPACE = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


def remove_fields(row: str, keys: Collection[str]) -> str:
    """Return the text of a JSON object without these fields.

    >>> remove_fields('{"data": {"n": 1.0}, "label-4": {"results": []}}', ["label-4"])
    '{"data": {"n": 1.0}}'
    """
    fields = [text for key, text in _iter_fields(row) if key not in keys]
    return f"{{{','.join(fields)}}}"


def find_field(row: str, name: str) -> str:
    """Return the text of the value that a field of a JSON object has; the last one counts.

    >>> find_field('{"row": {"n": 1.0}, "n": 2}', "row")
    '{"n": 1.0}'
    """
    # Nearly always it is the last one.  A text holds no quotation mark that is not escaped: so this
    # is where a field begins, and it is one of this object if its value ends where the object does.
    begin = row.rfind(f',"{name}":')
    if begin >= 0:
        start = _skip_space(row, begin + len(name) + len(',"":'))
        _, end = _decode(row, start)
        if row[end:].strip() == "}":
            return row[start:end]
    (*_, found) = [text for key, text in _iter_fields(row) if key == name]
    _, colon = _decode(found, 0)
    return found[_skip_space(found, _skip_space(found, colon) + len(":")) :]


def _iter_fields(row: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a valid JSON object: each key, and the text of key and value."""
    position = _skip_space(row, _skip_space(row, 0) + len("{"))
    while row[position] == '"':
        key, colon = _decode(row, position)
        # decoded only to find where it ends: what is kept is the text itself
        _, end = _decode(row, _skip_space(row, _skip_space(row, colon) + len(":")))
        yield key, row[position:end]
        position = _skip_space(row, end)
        if row[position] == ",":
            position = _skip_space(row, position + len(","))


def _skip_space(row: str, position: int) -> int:
    space = _SPACE.match(row, position)
    if space is None:  # never: the pattern also matches nothing
        return position
    return space.end()
