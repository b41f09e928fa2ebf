"""One call in a thread, which a task awaits and may give up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TypeVar

from itagflow.core.calls import GivenUp, running_call
from itagflow.model.event import Event

T = TypeVar("T")

STEP = 0.2
"""How many seconds a store waits for events before the call asks whether it is still wanted.

The store's own way of waiting cannot be woken by anybody else.
"""


class ThreadCall:
    """A call that runs in a thread, as `itagflow.core.calls.Call` has it."""

    def __init__(self) -> None:
        """Begin as wanted."""
        self.claimed: list[tuple[int, int]] = []
        """The keys of the assignments that it has claimed and stored."""
        self._given_up = threading.Event()
        self._has_told = False

    def prepare(self, verb: Callable[[], T]) -> Callable[[], T]:
        """Return what makes the call in a thread, with the context variables that are set now."""
        context = copy_context()
        return lambda: context.run(self._make, verb)

    def _make(self, verb: Callable[[], T]) -> T:
        """Call *verb*, in a context that is this call's own.

        Raises:
            RuntimeError: when it raises `StopIteration`, which nobody can await.
        """
        running_call.set(self)
        try:
            return verb()
        except StopIteration as error:
            raise RuntimeError(f"the call raised {error!r}") from error

    def give_up(self) -> None:
        """Note that nobody waits for it any more."""
        self._given_up.set()

    def require_wanted(self) -> None:
        """Check that somebody waits for it.

        Raises:
            GivenUp: when nobody does; once, so that what cleans up after it can go on.
        """
        if self._given_up.is_set() and not self._has_told:
            self._has_told = True
            raise GivenUp("nobody waits for this call any more")

    def note_committed(self, events: Sequence[Event]) -> None:
        """Note what it has claimed."""
        self.claimed += [(event.job, event.assignment) for event in events if event.type == "claim"]

    def wait(self, wait: Callable[[float], object], seconds: float) -> None:
        """Wait by *wait* for so many seconds, or until that is woken or nobody waits any more."""
        until = time.monotonic() + seconds
        self.require_wanted()
        if wait is time.sleep:
            # nobody wakes a thread that sleeps; this event does
            self._given_up.wait(seconds)
            self.require_wanted()
            return
        while (remaining := until - time.monotonic()) > 0:
            step = min(STEP, remaining)
            begun = time.monotonic()
            wait(step)
            self.require_wanted()
            if time.monotonic() - begun < step:
                return  # it was woken
