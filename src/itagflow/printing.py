"""Text in one line: what people wrote cannot break or reorder a message, or forge a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import Enum

BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The characters with the Unicode property ``Bidi_Control``, for a class of an expression."""
BREAKING = "\0-\x1f\x7f-\x9f\u2028\u2029"
"""The control characters (``Cc``) and line separators (``Zl``, ``Zp``), also for a class."""

_ESCAPED = re.compile(f"[{BREAKING}{BIDI}\ud800-\udfff]")
_INTERNAL = re.compile(r" at 0x[0-9a-fA-F]+|<(class|module|function|[A-Za-z_.]+ object)\b")
"""What Python writes for itself in a ``repr``, and nobody else can read."""
MAX_SHOWN = 200
"""How many characters of a value a message shows: enough to find it again."""
MAX_READ = 1_000
"""How many characters of a text are read to show it."""
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
    """Return *value* as a message shows it: in one line, in few words, as a person would write it.

    What Python alone understands, such as an address in memory or the path of a class, is left
    out: then it is only the kind of value.

    >>> format_repr("cat"), format_repr(10**5_000), format_repr(object())
    ("'cat'", 'a value of type int', 'a value of type object')
    """
    try:
        shown = _show_plain(value)
    except Exception:
        # whatever the value does when it is shown: an integer of thousands of digits, a list
        # inside itself a thousand times, a class of the application whose `__repr__` fails
        shown = None
    if shown is None:
        return f"a value of type {make_printable(type(value).__name__)}"
    if len(shown) > MAX_SHOWN:
        shown = f"{shown[:MAX_SHOWN]}…"
    return make_printable(shown)


def _show_plain(value: object) -> str | None:
    """Return the text for *value*, or None where only its type can be told."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    # of a library's own kind of text or number, such as NumPy's: as the plain one is written
    if isinstance(value, str):
        return str.__repr__(value[:MAX_READ])
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, datetime | date | timedelta):
        return str(value)
    if callable(value):
        return None
    shown = repr(value)
    if _INTERNAL.search(shown):
        return None
    return shown


def format_count(number: float, noun: str) -> str:
    """Return a number of things, for a noun whose plural has an "s".

    >>> format_count(1, "task"), format_count(2, "task"), format_count(0, "task")
    ('1 task', '2 tasks', '0 tasks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def list_counts(counts: Iterable[tuple[int, str]]) -> str:
    """Return how many there are of what, without that of which there is nothing.

    >>> list_counts([(2, "bad"), (0, "known"), (1, "without a result")])
    '2 bad, 1 without a result'
    """
    return ", ".join(f"{number} {what}" for number, what in counts if number)


def format_time(at: datetime) -> str:
    """Return a time as a sentence has it.

    >>> from datetime import timezone
    >>> format_time(datetime(2026, 11, 24, 9, 30, tzinfo=timezone.utc))
    '2026-11-24 09:30:00 UTC'
    """
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"
