"""What is delivered, and when it is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.event import Event
from itagflow.model.number import to_whole, validate_whole
from itagflow.model.result import Result
from itagflow.printing import format_repr
from itagflow.reprs import show_fields, show_line

MAX_DELAY = timedelta(days=365)
"""The longest time between two attempts."""


def _validate_delay(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    wanted = "a timedelta of more than nothing, and at most a year"
    if not isinstance(value, timedelta) or not timedelta() < value <= MAX_DELAY:
        problem = Problem(attribute.name, f"must be {wanted}, not {format_repr(value)}")
        raise InvalidData("Retries", [problem])


@attrs.frozen
class Retries:
    """When a message that was not taken is tried again: after twice as long each time.

    With the defaults it is given up after about three days.

    >>> Retries(attempts=5).first
    datetime.timedelta(seconds=5)
    """

    first: timedelta = attrs.field(default=timedelta(seconds=5), validator=_validate_delay)
    """How long to wait after the first attempt.

    Half of each time is certain, and the other half is left to chance.
    """
    longest: timedelta = attrs.field(default=timedelta(hours=1), validator=_validate_delay)
    """The longest time between two attempts."""
    attempts: int = attrs.field(
        default=100, converter=to_whole, validator=validate_whole(least=1, most=1_000_000)
    )
    """How many attempts there are before the message is given up, and is a dead letter."""

    def __attrs_post_init__(self) -> None:
        """Check that the delays go together."""
        if self.longest < self.first:
            reason = f"must be at least first, which is {self.first}, not {self.longest}"
            raise InvalidData("Retries", [Problem("longest", reason)])

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class Message:
    """What is delivered of one event."""

    id: str
    """It is the same whenever this is delivered, and different from that of any other message."""
    position: int
    """The position of the event."""
    part: int = 0
    """Which message of that event it is, from 0."""
    job: int
    """The job of the event; 0: of no job."""
    event: Event
    """The event."""
    result: Result | None = None
    """The result of the task, for a receiver of results."""
    payload: Mapping[str, Any] = attrs.field(hash=False)
    """What a webhook sends: plain JSON types."""

    def __repr__(self) -> str:
        return show_line(self, self.id, self.event.type)
