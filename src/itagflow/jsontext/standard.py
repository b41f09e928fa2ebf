"""JSON by the standard library: it defines what is accepted and which error is raised."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is no number that can be kept: it is too large")
    return number


_BREAKING = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What is allowed in JSON as it is, and tears a line where a program splits texts by lines."""
_HUGE = re.compile(r"e\+?[0-9]{3}")
"""What a number has that is larger than any float; texts may have it, too."""
_UPPER_HUGE = re.compile(r"E\+?[0-9]{3}")
"""The same of another spelling: one character is found many times as fast as one of two."""
_MAX_DIGITS = 308 - 99
"""How many digits can stand before an exponent of two digits; all floats are below 1e309."""
_LONG = re.compile(f"[0-9]{{{_MAX_DIGITS + 1}}}")
"""What such a number has without an exponent of three digits."""
_STEP = 15
"""Of the characters of a text, one in so many is searched first."""
_PERHAPS_LONG = re.compile(f"[0-9]{{{(_MAX_DIGITS + 1) // _STEP}}}")
"""What is left of `_LONG` among them."""

# Not asking each list and dict whether it is part of itself saves a third of the time: one that is
# nested without end is refused as too deep.
_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
_decoder = json.JSONDecoder(parse_constant=_refuse)
_decode_carefully = json.JSONDecoder(parse_constant=_refuse, parse_float=_parse_float).decode


def dumps(value: Any) -> str:
    """Return *value*, made of plain JSON types, as compact JSON text.

    >>> dumps({"name": "猫", "size": [1, 2.5]})
    '{"name":"猫","size":[1,2.5]}'

    Raises:
        ValueError: when it holds NaN or an infinite number, which JSON does not have.
        TypeError: when it holds something that is no JSON type.
        RecursionError: when it is nested too deeply, or is part of itself.
    """
    return escape(_encode(value))


def loads(text: str | bytes) -> Any:
    """Return what JSON *text* holds, as plain types.

    >>> loads('{"name": "猫", "size": [1, 2.5]}')
    {'name': '猫', 'size': [1, 2.5]}

    Raises:
        ValueError: when it is not JSON; NaN and Infinity are not, nor is a number that would
            become infinite.
        RecursionError: when it is nested too deeply.
    """
    if isinstance(text, str) and not text.startswith("\ufeff"):
        # only where it may matter: a function of Python for each number takes twice the time
        if _may_be_too_large(text):
            return _decode_carefully(text)
        return _decode(text)
    # which finds the encoding of bytes, and refuses a byte order mark
    return json.loads(text, parse_constant=_refuse, parse_float=_parse_float)


def _may_be_too_large(text: str) -> bool:
    """Return whether a number in JSON *text* may be larger than any float."""
    if _HUGE.search(text) or _UPPER_HUGE.search(text):
        return True
    # so many digits that follow each other have enough of the characters that are searched first
    return bool(_PERHAPS_LONG.search(text[::_STEP]) and _LONG.search(text))


def loads_own(text: str) -> Any:
    """Return what JSON *text* holds that `dumps` has written, which has no number too large.

    >>> loads_own('{"size":[1,2.5]}')
    {'size': [1, 2.5]}

    Raises:
        ValueError: when it is not JSON.
        RecursionError: when it is nested too deeply.
    """
    return _decode(text)


def _decode(text: str) -> Any:
    # Our own texts have no space around the value, and to look for it takes as long as to read a
    # short value.  `decode` deals with all others, and says what is wrong.
    value, end = None, -1
    try:
        value, end = _decoder.raw_decode(text)
    except ValueError:
        end = -1
    if end != len(text):
        return _decoder.decode(text)
    return value


def escape(text: str) -> str:
    r"""Return JSON *text* with the characters escaped that end a line elsewhere: U+0085, U+2028 ….

    In JSON they can only stand inside of strings, so the value is the same.

    >>> escape('"a\u2028b"')
    '"a\\u2028b"'
    """
    if text.isascii() and "\x7f" not in text:  # nearly always, and known without a search
        return text
    return _BREAKING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
