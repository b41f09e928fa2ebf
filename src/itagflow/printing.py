"""Text in one line: what people wrote cannot break or reorder a message, or forge a line."""

from __future__ import annotations

import re

BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The characters with the Unicode property ``Bidi_Control``, for a class of an expression."""
BREAKING = "\0-\x1f\x7f-\x9f\u2028\u2029"
"""The control characters (``Cc``) and line separators (``Zl``, ``Zp``), also for a class."""

_ESCAPED = re.compile(f"[{BREAKING}{BIDI}\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def make_printable(text: str) -> str:
    r"""Return *text* as it can be printed: one line, in the order in which it is written.

    Control characters, those that separate lines or change the direction of writing, and halves of
    surrogate pairs are escaped as Python would; everything else stays.

    >>> print(make_printable("ben\n09:14 ada accepted package 1"))
    ben\n09:14 ada accepted package 1
    """
    return _ESCAPED.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    # four digits are enough: every character of the pattern is in the Basic Multilingual Plane
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}"


def format_repr(value: object) -> str:
    """Return the ``repr`` of *value* in one line, or only its type where ``repr`` is too long.

    >>> format_repr("cat"), format_repr(10**5_000)
    ("'cat'", 'a value of type int')
    """
    try:
        return make_printable(repr(value))
    except (
        ValueError,
        RecursionError,
    ):  # an integer of thousands of digits, a list inside itself a thousand times
        return f"a value of type {type(value).__name__}"


def format_count(number: float, noun: str) -> str:
    """Return a number of things, for a noun whose plural has an "s".

    >>> format_count(1, "task"), format_count(2, "task"), format_count(0, "task")
    ('1 task', '2 tasks', '0 tasks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
