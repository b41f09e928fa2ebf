"""Threads whose outcome can be waited for, started with or without `threading`."""

from __future__ import annotations

import sys
import threading
from _thread import get_ident, start_new_thread
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import attrs

TIMEOUT = 30.0
"""After how many seconds a thread that has not ended is a failure."""
MOMENT = 0.2
"""For how many seconds a thread may go on that might be waiting for another."""


@attrs.define
class Running:
    """Work under way in another thread."""

    work: Callable[[], Any]
    """What it does."""
    ended: threading.Event = attrs.field(factory=threading.Event)
    """Set when it has ended."""
    value: Any = None
    """What it returned."""
    error: BaseException | None = None
    """What it raised."""
    thread: int = 0
    """The identity of the thread, once it has begun."""

    def run(self) -> None:
        """Do the work, and keep what comes of it."""
        self.thread = get_ident()
        try:
            self.value = self.work()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()

    def result(self, what: str = "a thread", timeout: float = TIMEOUT) -> Any:
        """Return what came of it, or raise what it raised.

        Raises:
            AssertionError: when it has not ended in time.
        """
        assert self.ended.wait(timeout), f"{what} has not ended after {timeout:g} seconds"
        if self.error is not None:
            raise self.error
        return self.value


def start(work: Callable[[], Any], *, unknown: bool = False) -> Running:
    """Start *work* in a thread; an *unknown* one bypasses `threading`, as servers in C do."""
    running = Running(work)
    if unknown:
        # such a thread has no `Thread` object, and nothing tells a store when it ends
        start_new_thread(running.run, ())
    else:
        threading.Thread(target=running.run, daemon=True).start()
    return running


@contextmanager
def often_switched() -> Generator[None]:
    """Make the interpreter switch threads as often as it can, so that races show."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.00001)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
