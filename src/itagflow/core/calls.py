"""The call that runs in this thread, where somebody may give it up while it runs.

A task that awaits a verb (`itagflow.aio`) can be cancelled, but a thread cannot be stopped from
outside.  So the call asks itself, where it can end without a trace: before it commits a
transaction, before it reads the next page, and while it waits for events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Protocol

from itagflow.model.event import Event


# an `Exception`: who cleans up after a failure, such as `jobs.create`, cleans up after this one too
class GivenUp(Exception):
    """Nobody waits for the call any more.  No caller ever sees it."""


class Call(Protocol):
    """**Protocol:** what a call asks whoever has started it."""

    def require_wanted(self) -> None:
        """Check that somebody still waits for the call.

        Raises:
            GivenUp: when nobody does; once, so that what cleans up after it can go on.
        """
        ...

    def note_committed(self, events: Sequence[Event]) -> None:
        """Note what a transaction has stored."""
        ...

    def wait(self, wait: Callable[[float], object], seconds: float) -> None:
        """Wait by *wait* for so many seconds, or until that is woken or nobody waits any more."""
        ...


running_call: ContextVar[Call | None] = ContextVar("itagflow_running_call", default=None)
"""The call that runs in this thread; None where its caller stands still until it ends."""


def wait_for(wait: Callable[[float], object], seconds: float) -> None:
    """Wait by *wait* for so many seconds, or until that is woken.

    Raises:
        GivenUp: when nobody waits for the call any more.
    """
    call = running_call.get()
    if call is None:
        wait(seconds)
    else:
        call.wait(wait, seconds)
