"""Messages are for screens: they show values as people write them, and never Python's internals."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import pytest

from itagflow import AlreadyExists, InvalidData, ItagflowError, Label, NotFound, Stage
from itagflow.errors import Problem
from itagflow.printing import MAX_SHOWN, format_repr
from itagflow.reprs import show


class Hostile:
    def _raise(self, *_: object) -> Any:
        raise RuntimeError("asked")

    __eq__ = __repr__ = __str__ = __len__ = __bool__ = __hash__ = _raise


class Words(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"Words({str.__repr__(self)})"


class Number(float):
    def __repr__(self) -> str:
        return f"np.float64({float.__repr__(self)})"


def itself() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def deep() -> Any:
    made: Any = {}
    for _ in range(5_000):
        made = {"a": made}
    return made


SHOWN: list[tuple[Any, str]] = [
    (None, "None"),
    ("cat", "'cat'"),
    (Words("cat"), "'cat'"),
    (Number(4), "4.0"),
    (Stage.LABEL, "Stage.LABEL"),
    (Label(votes=1), "Label()"),
    (int, "the class int"),
    (timedelta(days=1), "1 day, 0:00:00"),
    (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00+00:00"),
    (PurePosixPath("a"), "PurePosixPath('a')"),
    (object(), "a value of type object"),
    ([object()], "a value of type list"),
    (print, "a value of type builtin_function_or_method"),
    (lambda: None, "a value of type function"),
    (sys, "a value of type module"),
    (Hostile(), "a value of type Hostile"),
    (10**5_000, "a value of type int"),
    (itself(), "[[...]]"),
]


@pytest.mark.parametrize(("value", "shown"), SHOWN, ids=[shown for _, shown in SHOWN])
def test_a_value_is_shown_as_a_person_would_write_it(value: Any, shown: str) -> None:
    assert format_repr(value) == shown


@pytest.mark.parametrize("value", ["x" * 100_000, ["x"] * 10_000, list(range(10**5)), b"x" * 10**6])
def test_a_long_value_is_cut(value: Any) -> None:
    assert len(format_repr(value)) <= MAX_SHOWN + 1


@pytest.mark.parametrize(
    "value",
    [value for value, _ in SHOWN] + [deep(), {"a": itself()}, (((((1,),),),),)],
    ids=lambda one: type(one).__name__,
)
def test_every_error_can_be_shown_whatever_is_in_it(value: Any) -> None:
    """What failed to be shown hid the refusal behind an error of its own."""
    errors: list[ItagflowError] = [
        NotFound("Job", value),
        AlreadyExists("Job", value, ("template",)),
        InvalidData("job", [Problem("seed", format_repr(value))]),
    ]
    for error in errors:
        for text in (str(error), repr(error), show(value)):
            assert " at 0x" not in text
            assert "\n" not in text
