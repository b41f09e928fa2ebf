"""A row's own JSON text, cut without being built again: what stays, stays to the letter."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

_LINE_ENDS = re.compile("[\x7f-\x9f\u2028\u2029]")
"""What JSON may hold as it is, and some programs take for the end of a line or a command."""

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


def escape_line_ends(text: str) -> str:
    r"""Return JSON *text* with the characters escaped that some programs take for a line's end.

    JSON has them only inside of strings, where an escape says the same.

    >>> escape_line_ends('["one\u2028two"]')
    '["one\\u2028two"]'
    """
    # known of every ASCII text without a look at it, which most rows are
    if text.isascii() and "\x7f" not in text:
        return text
    return _LINE_ENDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


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
