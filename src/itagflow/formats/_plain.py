"""What values from JSON are: none of this trusts a file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from itagflow.errors import InvalidData, Problem
from itagflow.model.number import MOST, is_storable
from itagflow.model.validators import MAX_FLOAT

T = TypeVar("T")

_KEY = re.compile(r"[1-9][0-9]{0,18}")
_DIGITS = re.compile(r"[0-9]{1,400}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def is_a(value: object, kind: type) -> bool:
    """Return whether a value from JSON has this type: true and false are no numbers there."""
    return type(value) is kind


def is_number(number: Any) -> bool:
    """Return whether a value is a number that a float can hold."""
    # JSON has integers that no float can hold, and Python reads NaN and Infinity as well
    return type(number) in (int, float) and abs(number) <= MAX_FLOAT


def is_whole(number: Any) -> bool:
    """Return whether a value is a whole number that a float can hold."""
    return is_a(number, int) and is_number(number)


def parse_whole(value: Any) -> int | None:
    """Return the whole number that *value* is, also as a text or a float; None when it is none.

    >>> parse_whole(1000), parse_whole(1000.0), parse_whole("1000"), parse_whole("1e3")
    (1000, 1000, 1000, None)
    """
    is_written_otherwise = (is_a(value, float) and value.is_integer()) or (
        is_a(value, str) and _DIGITS.fullmatch(value)
    )
    if is_written_otherwise:
        value = int(value)
    if is_whole(value) and is_storable(value):
        return int(value)
    return None


def parse_number(text: str) -> float | None:
    """Return the number that *text* is, whole where it is written so; None when it is none.

    >>> parse_number("4"), parse_number("0.5"), parse_number("1e-3"), parse_number("1_0")
    (4, 0.5, 0.001, None)
    """
    # matched first: `int` and `float` take underscores, digits of any script, and "nan"
    if len(text) >= 400 or not _NUMBER.fullmatch(text.strip(" ")):
        return None
    number = float(text)
    if not math.isfinite(number):  # "1e999" is read as infinite
        return None
    return int(text) if _DIGITS.fullmatch(text.strip(" ").lstrip("+-")) else number


def parse_key(text: str) -> int | None:
    """Return the key that *text* spells as it would be written here, or None when it spells none.

    Ids come from elsewhere: they may be of thousands of digits, or of digits of another script, and
    must not become the key of something else.

    >>> parse_key("15"), parse_key("015"), parse_key("１５"), parse_key("9" * 5_000)
    (15, None, None, None)
    """
    # matched first: `int` takes spaces, underscores and digits of any script, and its time grows
    # with the square of the length
    if not _KEY.fullmatch(text):
        return None
    key = int(text)
    return key if key <= MOST else None


def is_strings(value: Any) -> bool:
    """Return whether a value is a list of strings."""
    return is_a(value, list) and all(is_a(item, str) for item in value)


def is_line(value: Any, min_points: int, width: int = 2) -> bool:
    """Return whether a value is a list of at least *min_points* lists of *width* numbers."""
    return (
        is_a(value, list)
        and len(value) >= min_points
        and all(is_numbers(point, width) for point in value)
    )


def is_numbers(value: Any, count: int) -> bool:
    """Return whether a value is a list of *count* numbers."""
    return is_a(value, list) and len(value) == count and all(map(is_number, value))


def is_counts(value: Any) -> bool:
    """Return whether a value is a list of whole numbers from 0 on."""
    return is_a(value, list) and all(is_whole(item) and item >= 0 for item in value)


def build_each(name: str, items: Iterable[Any], build: Callable[[Any], T]) -> list[T]:
    """Return what *build* makes of each item of the field *name* of an element.

    Raises:
        InvalidData: when values of items cannot be; it lists all of them with their path.
    """
    built: list[T] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        try:
            built.append(build(item))
        except InvalidData as error:
            problems += move_problems(f"{name}[{index}].", error)
    if problems:
        raise InvalidData("the element", problems)
    return built


def move_problems(path: str, error: InvalidData) -> list[Problem]:
    """Return the problems of an error with their path from further outside."""
    return [Problem(f"{path}{problem.where}", problem.reason) for problem in error.problems]


def find_non_texts(where: str, fields: dict[str, Any], *names: str) -> Iterator[Problem]:
    """Yield which of these fields is neither a string nor null nor missing."""
    for name in names:
        if not (fields.get(name) is None or is_a(fields[name], str)):
            yield Problem(f"{where}.{name}", "must be a string or null")
