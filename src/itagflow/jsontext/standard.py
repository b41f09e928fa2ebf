"""JSON by the standard library: it defines what is accepted and which error is raised."""

from __future__ import annotations

import json
from typing import Any, NoReturn


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder(parse_constant=_refuse).decode


def dumps(value: Any) -> str:
    """Return *value*, made of plain JSON types, as compact JSON text.

    >>> dumps({"name": "猫", "size": [1, 2.5]})
    '{"name":"猫","size":[1,2.5]}'

    Raises:
        ValueError: when it holds NaN or an infinite number, which JSON does not have.
        TypeError: when it holds something that is no JSON type.
    """
    return _encode(value)


def loads(text: str | bytes) -> Any:
    """Return what JSON *text* holds, as plain types.

    >>> loads('{"name": "猫", "size": [1, 2.5]}')
    {'name': '猫', 'size': [1, 2.5]}

    Raises:
        ValueError: when it is not JSON; NaN and Infinity are not.
        RecursionError: when it is nested too deeply.
    """
    if isinstance(text, str) and not text.startswith("\ufeff"):
        return _decode(text)
    # which finds the encoding of bytes, and refuses a byte order mark
    return json.loads(text, parse_constant=_refuse)
