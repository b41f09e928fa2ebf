"""How events keep what became of tasks: words, and numbers as ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itagflow import Became
from itagflow.model.became import (
    drop_numbers,
    format_became,
    format_numbers,
    parse_became,
    parse_numbers,
)
from itagflow.testing import make_event


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([7], "7"),
        ([7, 8], "7-8"),
        (range(1, 51), "1-50"),
        ([1, 2, 3, 5], "1-3,5"),
        ([1, 3], "1,3"),
        ([1, 3, 5], "1-5/2"),
        (range(3, 1_000, 10), "3-993/10"),
        ([1, 5, 6, 7, 20, 30, 40, 41], "1,5-7,20-40/10,41"),
        ([1, 2, 4], "1-2,4"),
    ],
)
def test_numbers_are_ranges(numbers: list[int], text: str) -> None:
    assert format_numbers(numbers) == text
    assert parse_numbers(text) == tuple(numbers)


@given(st.sets(st.integers(1, 200), min_size=1))
def test_every_set_of_numbers_comes_back(numbers: set[int]) -> None:
    in_order = sorted(numbers)
    assert parse_numbers(format_numbers(in_order)) == tuple(in_order)


@given(st.dictionaries(st.sampled_from(Became), st.sets(st.integers(1, 99)).map(sorted)))
def test_what_became_of_which_comes_back_without_what_nothing_became(
    tasks: dict[Became, list[int]],
) -> None:
    expected = {became.value: tuple(numbers) for became, numbers in tasks.items() if numbers}
    assert parse_became(format_became(tasks)) == expected


def test_a_package_of_many_tasks_takes_little_room() -> None:
    assert len(format_became({Became.FINAL: range(1, 10_001)})) < 20
    dealt = {Became.FINAL: range(7, 1_000_000, 100), Became.ABANDONED: [1_000_007]}
    assert format_became(dealt) == "final 7-999907/100 abandoned 1000007"


def test_numbers_without_some() -> None:
    every = range(1, 5)
    assert drop_numbers(every, ()) is every
    assert list(drop_numbers(every, (2, 9))) == [1, 3, 4]


def test_an_event_says_it_in_three_ways() -> None:
    event = make_event("submit", became_text="final 1-2,4 abandoned 3")
    assert (event.became, event.tasks) == (Became.FINAL, (1, 2, 4))
    assert event.outcomes == {"final": (1, 2, 4), "abandoned": (3,)}
    assert (make_event().became, make_event().tasks, make_event().outcomes) == ("", (), {})
