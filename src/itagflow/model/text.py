"""What texts can be stored, and how values that came from outside stand in a message."""

from __future__ import annotations

import re
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem

MAX_KEY = 2_500
"""How many bytes a text may have by which something is looked up: PostgreSQL takes little more into an index."""

_FLAW = re.compile("[\0\ud800-\udfff]")


def flaw(text: str) -> str | None:
    r"""Return what keeps *text* from being stored, or None: a NUL character, or half of a surrogate pair.

    Not every database keeps the one, and the other cannot be written as UTF-8; JSON can say both.

    >>> flaw("a\0b")
    'contains a NUL character'
    """
    found = _FLAW.search(text)
    return found and ("contains a NUL character" if found[0] == "\0" else "contains half of a surrogate pair")


def key_flaw(text: str) -> str | None:
    """Return what keeps *text* from being stored as something to look up by, or None.

    >>> key_flaw("x" * 3_000)
    'is 3000 bytes long; at most 2500 fit an index'
    """
    if (wrong := flaw(text)) or len(text) * 4 <= MAX_KEY:
        return wrong
    size = len(text.encode())
    return f"is {size} bytes long; at most {MAX_KEY} fit an index" if size > MAX_KEY else None


def storable(owner: object, attribute: attrs.Attribute[Any], value: str | tuple[str, ...] | None) -> None:
    """Check the text or texts of a field: an attrs validator.

    Raises:
        InvalidData: when one of them cannot be stored.
    """
    for text in (value,) if isinstance(value, str) else value or ():
        if wrong := flaw(text):
            raise InvalidData(f"the {type(owner).__name__.lower()}", [Problem(attribute.name, wrong)])


def shown(value: object) -> str:
    """Return *value* as messages have it: written out when that is short work, else only its type.

    >>> shown("cat"), shown([[[]]])
    ("'cat'", 'a value of type list')
    """
    # very deep lists and very long numbers cannot be written out
    plain = value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**64)
    return repr(value) if plain else f"a value of type {type(value).__name__}"
