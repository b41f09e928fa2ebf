"""How numbers are spelled in a body, so that every database gives them back as they were."""

from __future__ import annotations

import re
from decimal import Decimal

_BIG = re.compile(r"e\+?[0-9]{2}")
"""Finds what may be a big float in JSON, which is written with an exponent."""
_TEXT_OR_BIG = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<big>-?\d+(?:\.\d+)?e\+?\d+)')


def expand_floats(text: str) -> str:
    """Return JSON *text* with big floats in full: a database might make an integer of 1e16."""
    # Nearly no body has one, and the search alone is fast.  It may find an exponent inside a
    # string; the substitution takes strings as a whole, and leaves them as they are.
    if not _BIG.search(text):
        return text
    return _TEXT_OR_BIG.sub(_expand, text)


def _expand(match: re.Match[str]) -> str:
    if not match["big"]:
        return match[0]
    return f"{Decimal(match['big']):f}.0"
