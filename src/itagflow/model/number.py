"""What whole numbers can be stored: those of 63 bits and a sign."""

from __future__ import annotations

from numbers import Integral
from typing import TypeGuard

from itagflow.errors import InvalidData, Problem
from itagflow.printing import format_repr

LEAST = -(2**63)
"""The least number that every database keeps."""
MOST = 2**63 - 1
"""The greatest number that every database keeps."""


def is_whole(value: object) -> TypeGuard[int]:
    """Return whether *value* is a whole number; true and false are none, and neither is 1.0."""
    if isinstance(value, int):  # by far the most, and asking for `Integral` takes longer
        return not isinstance(value, bool)
    return isinstance(value, Integral)


def is_storable(value: object) -> bool:
    """Return whether *value*, if it is a number, is one that every database keeps."""
    return not isinstance(value, int) or LEAST <= value <= MOST


def require_whole_number(
    what: str, field: str, value: object, *, least: int = LEAST, most: int = MOST
) -> int:
    """Return *value* as an integer in these bounds.

    Args:
        what: What it is for, such as ``job``.
        field: What it is called there, such as ``priority``.
        value: What was given.
        least: The least that it can be.
        most: The most that it can be.

    Raises:
        InvalidData: when it is no whole number, or out of bounds.
    """
    reason = "must be a whole number"
    if is_whole(value):
        if least <= value <= most:
            # an `int` also of NumPy's integers, which neither JSON nor a database driver takes
            return int(value)
        reason = f"must be at most {most}"
        if value < least:
            reason = f"must be at least {least}"
    raise InvalidData(what, [Problem(field, f"{reason}, not {format_repr(value)}")])
