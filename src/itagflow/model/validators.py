"""Converters and validators of the fields of templates and replies.

A converter brings what callers have - NumPy's numbers, members of an `IntEnum`, lists - to the
plain type that is stored, and leaves alone what it does not understand; the validator behind it,
which knows the name of the field, refuses that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from numbers import Integral, Real
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.number import MOST
from itagflow.model.text import find_text_error, to_text
from itagflow.printing import format_repr

T = TypeVar("T")
M = TypeVar("M", bound=Enum)
Field: TypeAlias = "attrs.Attribute[Any]"
Validator = Callable[[Any, Field, Any], None]
MAX_FLOAT = math.nextafter(math.inf, 0)
"""The greatest number that a float can hold; whole numbers can be greater."""
MAX_SHOWN = 60
"""How many characters of a wrong value a message shows: enough to recognize it."""


def show_value(value: object) -> str:
    """Return a wrong value for a message: written out where that is short and says something.

    >>> show_value("car"), show_value([1] * 100), show_value(len)
    ("'car'", 'a value of type list', 'a value of type builtin_function_or_method')
    """
    kind = type(value)
    # the representation of any other class may be long, wrong, or an address in memory
    if kind.__module__ not in ("builtins", "numpy") or callable(value):
        return f"a value of type {kind.__name__}"
    shown = format_repr(value)
    if len(shown) > MAX_SHOWN:
        return f"a value of type {kind.__name__}"
    return shown


def make_error(owner: object, name: str, reason: str) -> InvalidData:
    """Return the error that the field *name* of *owner* has a wrong value."""
    return InvalidData(f"the {type(owner).__name__}", [Problem(name, reason)])


def to_number(value: float) -> float:
    """Return *value* as an ``int`` or a ``float``, if it is a number."""
    kind: object = type(value)
    # by far the most; also true and false, which the validator refuses
    if kind is float or kind is int or kind is bool:
        return value
    # NumPy's scalars and members of an IntEnum, which neither JSON nor a database takes
    try:
        if isinstance(value, Integral):
            return int(value)
        if isinstance(value, Real):
            return float(value)
    except (OverflowError, ValueError):  # a fraction beyond all floats: refused as it is
        return value
    return value


def to_whole(value: int) -> int:
    """Return *value* as an ``int``, if it is a whole number."""
    kind: object = type(value)
    if kind is int or kind is bool or not isinstance(cast(object, value), Integral):
        return value
    return int(value)


def to_texts(values: Iterable[str]) -> tuple[str, ...]:
    """Return several texts as a tuple of plain ``str``; what is not several as it is."""
    several = to_tuple(values)
    if not isinstance(cast(object, several), tuple):
        return several
    return tuple(to_text(value) for value in several)


def is_finite(number: object) -> bool:
    """Return whether *number* is one that a float can hold: not true or false, NaN or infinite."""
    kind = type(number)
    if kind is not float and kind is not int:
        return False
    return abs(cast(float, number)) <= MAX_FLOAT


def validate_number(owner: object, field: Field, value: object) -> None:
    """Check that a field holds a finite number: an attrs validator.

    Raises:
        InvalidData: when it does not.
    """
    # Nearly always: an image has thousands of regions, and each has several numbers.  NaN is in no
    # bounds.
    if type(value) is float and -MAX_FLOAT <= value <= MAX_FLOAT:
        return
    if not is_finite(value):
        raise make_error(owner, field.name, f"must be a finite number, not {show_value(value)}")


def number_above(least: float, *, or_equal: bool = False) -> Validator:
    """Return an attrs validator for a finite number that is more than *least*, or equal to it."""
    wanted = f"more than {least:g}"
    if or_equal:
        wanted = f"at least {least:g}"

    def validate(owner: object, field: Field, value: Any) -> None:
        if type(value) is float and least < value <= MAX_FLOAT:
            return  # nearly always, as in `validate_number`
        validate_number(owner, field, value)
        if value < least or (value == least and not or_equal):
            raise make_error(owner, field.name, f"must be {wanted}, not {show_value(value)}")

    return validate


def whole_number(least: int, most: int = MOST) -> Validator:
    """Return an attrs validator for a whole number in these bounds."""
    bounds = f"at least {least}"
    if most != MOST:
        bounds = f"from {least} to {most:,}"

    def validate(owner: object, field: Field, value: Any) -> None:
        if type(value) is not int or not least <= value <= most:
            reason = f"must be a whole number, {bounds}, not {show_value(value)}"
            raise make_error(owner, field.name, reason)

    return validate


def validate_string(owner: object, field: Field, value: object) -> None:
    """Check that a field holds a text that can be stored: an attrs validator.

    Raises:
        InvalidData: when it does not.
    """
    if not isinstance(value, str):
        raise make_error(owner, field.name, f"must be a text, not {show_value(value)}")
    if error := find_text_error(value):
        raise make_error(owner, field.name, error)


def validate_optional_string(owner: object, field: Field, value: object) -> None:
    """Check that a field holds a text that can be stored, or None: an attrs validator.

    Raises:
        InvalidData: when it does not.
    """
    if value is not None:
        validate_string(owner, field, value)


def validate_strings(owner: object, field: Field, values: object) -> None:
    """Check that a field holds a tuple of texts that can be stored: an attrs validator.

    Raises:
        InvalidData: when it does not; it lists every one that is wrong.
    """
    texts = require_tuple(owner, field, values, "texts")
    problems: list[Problem] = []
    for index, text in enumerate(texts):
        error = find_text_error(text)
        if not isinstance(text, str):
            error = f"must be a text, not {show_value(text)}"
        if error:
            problems.append(Problem(f"{field.name}[{index}]", error))
    if problems:
        raise InvalidData(f"the {type(owner).__name__}", problems)


def validate_flag(owner: object, field: Field, value: object) -> None:
    """Check that a field holds true or false: an attrs validator.

    Raises:
        InvalidData: when it does not.
    """
    if not isinstance(value, bool):
        raise make_error(owner, field.name, f"must be True or False, not {show_value(value)}")


def validate_optional_one_or_more(owner: object, field: Field, value: object) -> None:
    """Check that a field holds a text, a tuple of texts, or None: an attrs validator.

    Raises:
        InvalidData: when it does not.
    """
    if isinstance(value, tuple):
        validate_strings(owner, field, cast(object, value))
    elif value is not None and not isinstance(value, str):
        reason = f"must be a text, or several texts, not {show_value(value)}"
        raise make_error(owner, field.name, reason)
    else:
        validate_optional_string(owner, field, value)


def to_tuple(values: Iterable[T]) -> tuple[T, ...]:
    """Return the elements of a list, or of anything else in an order, as a tuple.

    What is one value and not several is left as it is, for a validator to refuse: a text would
    become its letters, a mapping its keys, a file its lines, and a set has no order.
    """
    if isinstance(values, tuple):
        return tuple(values)
    if isinstance(values, str | bytes | bytearray | Mapping | AbstractSet):
        return cast("tuple[T, ...]", values)
    if not hasattr(values, "__iter__") or hasattr(values, "readline"):
        return cast("tuple[T, ...]", values)
    try:
        return tuple(values)
    except TypeError:  # an array of NumPy without dimensions says that it can be iterated
        return cast("tuple[T, ...]", values)


def require_tuple(owner: object, field: Field, values: object, wanted: str) -> tuple[object, ...]:
    """Return *values*, which a converter has made a tuple if they are several.

    Raises:
        InvalidData: when they are not.
    """
    if not isinstance(values, tuple):
        reason = f"must be several {wanted}, such as a list, not {show_value(values)}"
        raise make_error(owner, field.name, reason)
    return cast("tuple[object, ...]", values)


def tuple_of(wanted: str, *kinds: type) -> Validator:
    """Return an attrs validator for a tuple of values of these classes.

    Args:
        wanted: What they are, for messages, such as ``regions``.
        kinds: The classes.
    """
    names = ", ".join(kind.__name__ for kind in kinds[:-1])
    names = f"{names} or {kinds[-1].__name__}".removeprefix(" or ")

    def validate(owner: object, field: Field, values: object) -> None:
        for index, value in enumerate(require_tuple(owner, field, values, wanted)):
            if not isinstance(value, kinds):
                raise make_error(
                    owner, f"{field.name}[{index}]", f"must be a {names}, not {show_value(value)}"
                )

    return validate


def no_deeper_than(most: int, get_parts: Callable[[Any], Iterable[Any]]) -> Validator:
    """Return an attrs validator for parts that are nested at most so deep.

    What is nested deeper cannot be gone through by functions that call themselves.

    Args:
        most: How many levels there may be, with that of the owner.
        get_parts: Returns what is directly inside of a part.
    """

    def validate(owner: object, field: Field, parts: Iterable[Any]) -> None:
        # level by level, and not by recursion, which is what has to be bounded
        level, depth = list(parts), 1
        while level:
            depth += 1
            if depth > most:
                raise make_error(owner, field.name, f"are nested more than {most} deep")
            level = [inner for part in level for inner in get_parts(part)]

    return validate


def instance_of(kind: type, *, or_none: bool = False) -> Validator:
    """Return an attrs validator for a value of one class, or None."""
    wanted = kind.__name__
    if or_none:
        wanted = f"{wanted} or None"

    def validate(owner: object, field: Field, value: object) -> None:
        if not isinstance(value, kind) and not (or_none and value is None):
            raise make_error(owner, field.name, f"must be a {wanted}, not {show_value(value)}")

    return validate


def to_member(kind: type[M], value: M | str) -> M:
    """Return the member of *kind* whose value *value* is; anything else as it is."""
    if not isinstance(value, str):
        return value
    return next((member for member in kind if member.value == value), cast(M, value))


def member_of(kind: type[Enum], *, or_none: bool = False) -> Validator:
    """Return an attrs validator for a member of an enum, or None."""
    known = ", ".join(format_repr(member.value) for member in kind)

    def validate(owner: object, field: Field, value: object) -> None:
        if not isinstance(value, kind) and not (or_none and value is None):
            reason = f"must be a {kind.__name__} ({known}), not {show_value(value)}"
            raise make_error(owner, field.name, reason)

    return validate
