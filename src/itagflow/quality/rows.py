"""Rows as callers give them: a tuple or a list of so many elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast


def is_row(value: object, length: int) -> bool:
    """Return whether *value* is a tuple or a list of so many elements; a text is none.

    >>> is_row((1, "ann", "cat"), 3), is_row("cat", 3)
    (True, False)
    """
    return isinstance(value, list | tuple) and len(cast("Sequence[object]", value)) == length
