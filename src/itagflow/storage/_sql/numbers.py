"""How numbers are spelled in a body, so that every database gives them back as they were."""

from __future__ import annotations

import re
from decimal import Decimal

_BIG = re.compile(r"e\+?\d\d")
"""Finds what may be a big float in JSON, which is written with an exponent."""
_TEXT_OR_BIG = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<big>-?\d+(?:\.\d+)?e\+?\d+)')


def expand_floats(text: str) -> str:
    """Return JSON *text* with big floats in full: a database might make an integer of 1e16."""
    return _TEXT_OR_BIG.sub(_expand, text) if _BIG.search(text) else text


def _expand(match: re.Match[str]) -> str:
    return f"{Decimal(match['big']):f}.0" if match["big"] else match[0]
