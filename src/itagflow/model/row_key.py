"""What tells rows apart: as it is given, and as the text that is stored."""

from __future__ import annotations

import re

from itagflow.errors import InvalidData, Problem
from itagflow.jsontext import standard
from itagflow.model.number import is_whole
from itagflow.model.text import to_text
from itagflow.printing import format_repr

_NUMBER = re.compile(r"-?[0-9]+")


def format_row_key(value: str | int, *, as_text: bool = False) -> str:
    """Return a row key as it is stored: a number and the text with its digits are not the same.

    A number is its digits.  A text is itself, but in quotes if it would look like a number, or
    begins with a quote itself.  With *as_text* a number is the text with its digits.

    >>> format_row_key("a7"), format_row_key(7), format_row_key("7")
    ('a7', '7', '"7"')
    >>> format_row_key(7, as_text=True)
    '"7"'
    """
    if isinstance(value, int):
        if not as_text:
            return str(value)
        value = str(value)
    if value[:1] == '"' or _NUMBER.fullmatch(value):
        # by the standard library, however rows are read: another writer may escape differently
        return standard.dumps(value)
    return value


def parse_row_key(text: str) -> str | int | None:
    """Return the row key that is stored as *text*; None for an empty one, which is none.

    >>> parse_row_key("a7"), parse_row_key("7"), parse_row_key('"7"')
    ('a7', 7, '7')
    """
    if not text:
        return None
    if text[0] != '"' and not _NUMBER.fullmatch(text):
        return text
    try:
        key: str | int = standard.loads(text)
    except ValueError:
        return text  # no row has it: somebody has made the task by hand
    return key


def require_row_key(value: object) -> str | int:
    """Return what tells rows apart: a text, or a whole number, which is not the same as its digits.

    Raises:
        InvalidData: when it is neither.
    """
    if isinstance(value, str):
        return to_text(value)
    if is_whole(value):
        return int(value)
    reason = f"must be a text or a whole number, not {format_repr(value)}"
    raise InvalidData("the task", [Problem("key", reason)])
