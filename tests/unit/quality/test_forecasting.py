"""How many days of work are left, with an interval."""

from __future__ import annotations

import random
from typing import Any

import pytest

from itagflow import InvalidData, quality
from itagflow.quality.distributions import t_quantile


def test_the_worked_case() -> None:
    found = quality.forecast([180, 220, 160, 240, 200], 1000)
    assert (found.pace, found.days, found.observed, found.why) == (200, 5, 5, "")
    assert (found.low, found.high) == (
        pytest.approx(4.2334, abs=5e-5),
        pytest.approx(5.7666, abs=5e-5),
    )


def test_a_wider_interval_is_more_often_right() -> None:
    narrow, wide = (
        quality.forecast([180, 220, 160, 240, 200], 1000, level=level) for level in (0.8, 0.95)
    )
    assert narrow.low is not None
    assert wide.low is not None
    assert wide.low < narrow.low < 5
    even = quality.forecast([10] * 6, 25)
    assert (even.low, even.days, even.high) == (2.5, 2.5, 2.5)


def test_what_cannot_be_said_is_said() -> None:
    assert quality.forecast([], 5).why == "nothing was done yet"
    assert quality.forecast([0, 0], 5).days is None
    few = quality.forecast([3, 5], 8)
    assert (few.days, few.low, few.high) == (2, None, None)
    assert few.why == "there is no interval: 2 of at least 5 days were worked"
    assert quality.forecast([], 0).days == 0
    assert quality.forecast([1, 1, 1, 1, 99], 1000).low == 0


@pytest.mark.parametrize(
    "given",
    [
        {"counts": [-1]},
        {"counts": ["3"]},
        {"counts": 3},
        {"left": -1},
        {"left": float("inf")},
        {"level": 1},
        {"level": 0},
        {"level": None},
    ],
)
def test_numbers_are_checked(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidData):
        quality.forecast(**{"counts": [3], "left": 2, **given})


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    # from tables of the distribution
    [(0.9, 4, 1.533206), (0.975, 4, 2.776445), (0.95, 1, 6.313752), (0.995, 30, 2.749996)],
)
def test_quantiles_of_the_t_distribution(share: float, freedom: float, value: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(value, abs=1e-6)
    assert t_quantile(0.5, freedom) == pytest.approx(0, abs=1e-6)


def test_the_interval_has_the_truth_at_its_level() -> None:
    """Days that vary more than by chance alone: ten are known, and 2,000 tasks are left."""
    draws = random.Random("forecast")
    jobs, right = 1_500, {0.8: 0, 0.95: 0}
    for _ in range(jobs):
        known = [draws.gammavariate(5, 40) for _ in range(10)]
        left, real = 2000.0, 0.0
        while left > 0:
            more = draws.gammavariate(5, 40)
            real += min(1.0, left / more)
            left -= more
        for level in right:
            found = quality.forecast(known, 2000, level=level)
            assert found.low is not None
            assert found.high is not None
            right[level] += found.low <= real <= found.high
    # three standard errors
    assert right[0.8] / jobs == pytest.approx(0.8, abs=0.031)
    assert right[0.95] / jobs == pytest.approx(0.95, abs=0.017)
