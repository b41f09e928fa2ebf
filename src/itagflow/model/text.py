"""What texts can be stored, and how values that came from outside stand in a message."""

from __future__ import annotations

import re

_FLAW = re.compile("[\0\ud800-\udfff]")


def flaw(text: str) -> str | None:
    r"""Return what keeps *text* from being stored, or None: a NUL character, or half of a surrogate pair.

    Not every database keeps the one, and the other cannot be written as UTF-8; JSON can say both.

    >>> flaw("a\0b")
    'contains a NUL character'
    """
    found = _FLAW.search(text)
    return found and ("contains a NUL character" if found[0] == "\0" else "contains half of a surrogate pair")


def shown(value: object) -> str:
    """Return *value* as messages have it: written out when that is short work, else only its type.

    >>> shown("cat"), shown([[[]]])
    ("'cat'", 'a value of type list')
    """
    # very deep lists and very long numbers cannot be written out
    plain = value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**64)
    return repr(value) if plain else f"a value of type {type(value).__name__}"
