"""Lists of the files in a zip file: JSON Lines with what the files themselves cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import MAX_ROW_BYTES, decode_line, read_lines
from itagflow.formats._plain import is_a
from itagflow.printing import format_count


def read_listing(archive: ZipFile, name: str) -> Iterator[tuple[str, str | Problem]]:
    """Yield the lines of the file *name*, or what is wrong with one, each with where it is."""
    with archive.open(name) as lines:
        for number, line in enumerate(read_lines(lines, MAX_ROW_BYTES), 1):
            where = f"{name}, line {number}"
            if line is None:
                yield where, Problem(where, f"has more than {format_count(MAX_ROW_BYTES, 'byte')}")
            else:
                yield where, decode_line(line, number)


def parse_entry(where: str, text: str | Problem, *texts: str) -> dict[str, Any]:
    """Return the object in a line, which must have these texts.

    Raises:
        InvalidData: when it is something else, or lacks one.
    """
    if isinstance(text, Problem):
        raise make_listing_error(where, text.reason)
    try:
        entry: Any = jsontext.loads(text)
    except (ValueError, RecursionError) as error:
        raise make_listing_error(where, f"is not JSON: {error}") from error
    if not is_a(entry, dict):
        raise make_listing_error(where, "must be an object")
    for each in texts:
        if not is_a(entry.get(each), str):
            raise make_listing_error(f"{where}, {each}", "must be a text")
    return dict(entry)


def render_entry(entry: dict[str, Any]) -> bytes:
    """Return an object as a line."""
    # half of a surrogate pair has no place in UTF-8, and in JSON it has
    return f"{jsontext.dumps(entry)}\n".encode(errors="backslashreplace")


def make_listing_error(where: str, reason: str) -> InvalidData:
    """Return the error of a line."""
    return InvalidData("the file", [Problem(where, reason)])
