"""JSON by msgspec, which takes a part of the time.

What msgspec refuses, or would write as something else, is left to the standard library, so that
texts, values and errors are the same.  Two things are not, and neither matters to plain JSON types
with strings as keys: msgspec also writes dates, bytes and sets, and takes NaN as a key.
"""

from __future__ import annotations

from typing import Any

import msgspec

from itagflow.jsontext import standard

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def dumps(value: Any) -> str:
    """Return *value*, made of plain JSON types, as compact JSON text.

    >>> dumps({"name": "猫", "size": [1, 2.5]})
    '{"name":"猫","size":[1,2.5]}'

    Raises:
        ValueError: when it holds NaN or an infinite number, which JSON does not have.
        TypeError: when it holds something that neither JSON nor msgspec has.
        RecursionError: when it is nested too deeply, or is part of itself.
    """
    try:
        text: str = _encode(value).decode()
    except (
        TypeError,
        ValueError,
        RecursionError,
    ):  # such as half a surrogate pair, or a subclass of str
        return standard.dumps(value)
    # msgspec writes NaN as null; only the standard library says whether it was one
    if "null" in text:
        return standard.dumps(value)
    return standard.escape(text)


def loads(text: str | bytes) -> Any:
    """Return what JSON *text* holds, as plain types.

    >>> loads('{"name": "猫", "size": [1, 2.5]}')
    {'name': '猫', 'size': [1, 2.5]}

    Raises:
        ValueError: when it is not JSON; NaN and Infinity are not.
        RecursionError: when it is nested too deeply.
    """
    try:
        return _decode(text)
    except (
        msgspec.DecodeError,
        UnicodeError,
        RecursionError,
    ):  # such as 1e400, NaN, half a surrogate pair
        return standard.loads(text)


def loads_own(text: str) -> Any:
    """Return what JSON *text* holds that `dumps` has written.

    >>> loads_own('{"size":[1,2.5]}')
    {'size': [1, 2.5]}

    Raises:
        ValueError: when it is not JSON.
        RecursionError: when it is nested too deeply.
    """
    return loads(text)
