"""Numbers as they come in: of any library's kind, converted to `int` or `float`, or refused.

True and false are no numbers.  Whole numbers have 63 bits and a sign, as every database keeps them;
other numbers are finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeGuard

import attrs

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


def require_optional_whole_number(
    what: str, field: str, value: object, *, least: int = LEAST, most: int = MOST
) -> int | None:
    """Return the same, or None for None."""
    if value is None:
        return None
    return require_whole_number(what, field, value, least=least, most=most)


def to_whole(value: int) -> int:
    """Return a whole number of a library's own kind as an `int`: a converter of attrs.

    Anything else is returned as it is, for a validator to refuse: a converter does not know the
    name of the field.
    """
    if type(value) is not int and is_whole(value):
        return int(value)
    return value


def to_optional_whole(value: int | None) -> int | None:
    """Return the same, or None for None."""
    if value is None:
        return None
    return to_whole(value)


def validate_whole(
    least: int = LEAST, most: int = MOST
) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return the attrs validator of a field that holds a whole number in these bounds."""

    def validate(owner: object, attribute: attrs.Attribute[Any], value: object) -> None:
        require_whole_number(type(owner).__name__, attribute.name, value, least=least, most=most)

    return validate


def require_number(
    what: str, field: str, value: object, *, least: float = -math.inf, most: float = math.inf
) -> float:
    """Return *value* as a number in these bounds: as an `int` or a `float`, as its type is.

    Args:
        what: What it is for, such as ``the job``.
        field: What it is called there, such as ``min_confidence``.
        value: What was given.
        least: The least that it can be.
        most: The most that it can be.

    Raises:
        InvalidData: when it is not a number, not finite, or out of bounds.
    """
    number = find_number(value)
    reason = "must be a number"
    if number is not None:
        if least <= number <= most:
            return number
        reason = f"must be at most {most}"
        if number < least:
            reason = f"must be at least {least}"
    elif not isinstance(value, bool) and isinstance(value, Real):
        reason = "must be a finite number"
    raise InvalidData(what, [Problem(field, f"{reason}, not {format_repr(value)}")])


MOST_EXACT = 2**53
"""The greatest whole number up to which each is a float of its own, as databases keep them."""


def require_priority(what: str, field: str, value: object) -> float:
    """Return *value* as a priority: an `int` where it is whole, else a `float`.

    Raises:
        InvalidData: when it is no finite number, or a whole one beyond 2**53.
    """
    if type(value) is float and math.isfinite(value):  # nearly always where there are many
        return to_shortest(value)
    # a database keeps priorities as floats: beyond these, two whole numbers would become equal
    if is_whole(value):
        return require_whole_number(what, field, value, least=-MOST_EXACT, most=MOST_EXACT)
    return to_shortest(require_number(what, field, value))


def to_shortest(value: float) -> float:
    """Return a number as an `int` where that is the same, and small enough to be exact.

    >>> to_shortest(2.0), to_shortest(0.5), to_shortest(-0.0), to_shortest(1e300)
    (2, 0.5, 0, 1e+300)
    """
    if value.__class__ is int:  # nearly always
        return value
    if value.is_integer() and -MOST_EXACT <= value <= MOST_EXACT:
        return int(value)
    return value


def find_number(value: object) -> float | None:
    """Return *value* as an `int` or a finite `float`, or None when it is no such number.

    >>> from fractions import Fraction
    >>> find_number(Fraction(1, 2)), find_number(4), find_number(True), find_number(math.nan)
    (0.5, 4, None, None)
    """
    if type(value) is float:  # nearly always, also where there are millions of them
        return value if math.isfinite(value) else None
    if is_whole(value):
        # the greatest float is far beyond: what is not storable is no number of ours
        return int(value) if LEAST <= value <= MOST else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # such as a fraction of very long numbers
        return None
    return number if math.isfinite(number) else None
