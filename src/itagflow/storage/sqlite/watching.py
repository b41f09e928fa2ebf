"""Waiting for what is stored in SQLite, which tells nobody: a sign of each commit is watched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

from itagflow.errors import StoreFailed

PAUSE = 0.01
"""After how many seconds the sign is checked again.

A check is one call of the system and reads nothing, so a hundred of them a second cost less than a
query in that time would.
"""


class Closable(Protocol):
    """**Protocol:** the store that is watched."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...


class ChangeWait:
    """Waits until something was stored since the last time, or some seconds."""

    def __init__(self, store: Closable, find_sign: Callable[[], object]) -> None:
        """Begin now: *find_sign* returns something else after each commit."""
        self._store = store
        self._find_sign = find_sign
        self._last = find_sign()

    def __call__(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoreFailed: when the store is closed.
        """
        end = time.monotonic() + seconds
        while not self._has_changed():
            remaining = end - time.monotonic()
            if remaining <= 0:
                return
            time.sleep(min(PAUSE, remaining))

    def _has_changed(self) -> bool:
        if self._store.is_closed:
            raise StoreFailed(self._store.name, "the store is closed", "Open it again")
        sign, last = self._find_sign(), self._last
        # noted before anybody looks at the store: what comes later changes it again
        self._last = sign
        return sign != last


def describe_file(path: str) -> object:
    """Return what is different once something was written to a file, nearly always.

    Two commits within one tick of the clock of the system, of the same length, may look alike;
    whoever waits looks again after a second anyway.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None  # it is gone while nobody has the database open
    return found.st_mtime_ns, found.st_size
