"""A row's own JSON text, cut without being built again: what stays, stays to the letter."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

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
