"""Row keys: as rows have them, and as they are stored."""

from __future__ import annotations

from enum import IntEnum

import hypothesis.strategies as st
import pytest
from hypothesis import given

from itagflow import InvalidData
from itagflow.model.row_key import format_row_key, parse_row_key, require_row_key
from itagflow.testing import make_task


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        ("a7", "a7"),
        (7, "7"),
        (-7, "-7"),
        ("7", '"7"'),
        ("-7", '"-7"'),
        ("007", '"007"'),
        ('"7"', '"\\"7\\""'),
        ("7.0", "7.0"),
        ("7\n", "7\n"),
    ],
)
def test_a_number_and_the_text_of_its_digits_are_two_keys(key: str | int, stored: str) -> None:
    assert format_row_key(key) == stored
    assert parse_row_key(stored) == key
    # where the job says so, both are the text
    assert parse_row_key(format_row_key(key, as_text=True)) == str(key)


@given(st.text(min_size=1) | st.integers(-(2**63), 2**63 - 1))
def test_a_key_is_read_as_it_was_given(key: str | int) -> None:
    read = parse_row_key(format_row_key(key))
    assert (read, type(read)) == (key, type(key))


def test_a_task_shows_its_key_as_its_row_has_it() -> None:
    assert [make_task(row_key_text=text).row_key for text in ("", "7", '"7"', "a")] == [
        None,
        7,
        "7",
        "a",
    ]


@pytest.mark.parametrize("text", ['"', '"a', "-" + "9" * 5_000, "-0x"])
def test_what_no_row_has_is_shown_as_it_is(text: str) -> None:
    assert parse_row_key(text) == text


@pytest.mark.parametrize("given", ["a7", "7", 7, -3, IntEnum("Number", {"SEVEN": 7}).SEVEN])
def test_a_row_key_is_a_plain_text_or_a_plain_number(given: object) -> None:
    key = require_row_key(given)
    assert key == given
    assert type(key) in (str, int)


@pytest.mark.parametrize("given", [True, 1.0, None, b"a", ["a"]])
def test_nothing_else_is_a_row_key(given: object) -> None:
    with pytest.raises(InvalidData, match="key: must be a text or a whole number"):
        require_row_key(given)
