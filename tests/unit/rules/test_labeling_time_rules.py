"""Time that a client tells: how much of it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from itagflow.labeling.time_rules import MOST_COUNTED, add_to_assignment, count_time
from itagflow.testing import AT, make_assignment


@pytest.mark.parametrize(
    ("sent", "passed", "counted"),
    [(10, 60, 10), (60, 10, 10), (900, 1000, MOST_COUNTED), (0, 60, 0), (5, -60, 0), (1 / 3, 9, 0.333)],
)  # fmt: skip
def test_counted_is_the_least_of_three(sent: float, passed: float, counted: float) -> None:
    at = AT + timedelta(seconds=passed)
    seconds, after = count_time(make_assignment(), sent, at)
    assert (seconds, after.counted_at) == (counted, at)


def test_time_that_was_counted_is_not_counted_again() -> None:
    assignment = make_assignment(counted_at=AT + timedelta(seconds=50))
    assert count_time(assignment, 60, AT + timedelta(seconds=60))[0] == 10


def test_where_nothing_is_told_nothing_changes() -> None:
    assignment = make_assignment()
    seconds, after = count_time(assignment, None, AT + timedelta(seconds=60))
    assert seconds == 0
    assert after is assignment
    assert add_to_assignment(assignment, None, AT) is assignment


def test_time_of_the_assignment_itself_adds_up() -> None:
    later = AT + timedelta(seconds=60)
    after = add_to_assignment(make_assignment(seconds=2.5), 10, later)
    assert (after.seconds, after.counted_at) == (12.5, later)
    assert add_to_assignment(after, 10, later).seconds == 12.5
