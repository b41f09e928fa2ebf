"""How much of the time that a client tells is counted."""

from __future__ import annotations

from datetime import datetime

from itagflow.model.entity import evolve
from itagflow.model.package import Assignment

MOST_COUNTED = 300.0
"""How many seconds one call can count: who tells more has left the screen."""


def count_time(
    assignment: Assignment, sent: float | None, at: datetime
) -> tuple[float, Assignment]:
    """Return how many of the *sent* seconds count, and *assignment* with time counted until *at*.

    Not more than have passed since the last call that was counted, so that a call that is sent
    again, or from two windows at once, counts no second twice; and at most `MOST_COUNTED`.  None:
    nothing was told, and nothing changes.
    """
    if sent is None:
        return 0.0, assignment
    since = assignment.counted_at or assignment.made_at
    # a clock that was set back counts nothing
    passed = max(0.0, (at - since).total_seconds())
    # thousandths, as stores keep them
    counted = round(min(sent, passed, MOST_COUNTED), 3)
    return counted, evolve(assignment, counted_at=at)


def add_to_assignment(assignment: Assignment, sent: float | None, at: datetime) -> Assignment:
    """Return *assignment* with the seconds that were told for it as a whole."""
    counted, after = count_time(assignment, sent, at)
    if not counted:
        return after
    return evolve(after, seconds=round(after.seconds + counted, 3))
