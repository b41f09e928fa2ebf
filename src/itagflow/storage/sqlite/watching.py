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


LONGEST_PAUSE = 0.5
"""After a change whoever waits is woken again after `PAUSE`, twice that, and so on up to this.

A file changes before what was written is committed: with ``synchronous=FULL`` the disk may take
long in between.  And two commits within one tick of the system's clock may look alike.
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
        self._pause = PAUSE
        self._due: float | None = None

    def __call__(self, seconds: float) -> None:
        """Wait.

        Raises:
            StoreFailed: when the store is closed.
        """
        end = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            if self._has_changed(now) or now >= end:
                return
            time.sleep(min(PAUSE, end - now))

    def _has_changed(self, now: float) -> bool:
        """Return whether something was stored, or may have been behind the last change."""
        if self._store.is_closed:
            raise StoreFailed(self._store.name, "the store is closed", "Open it again")
        sign = self._find_sign()
        if sign != self._last:
            # noted before anybody looks at the store: what comes later changes it again
            self._last, self._pause = sign, PAUSE
        elif self._due is None or now < self._due:
            return False
        else:
            self._pause *= 2
        self._due = now + self._pause if self._pause <= LONGEST_PAUSE else None
        return True


def describe_file(path: str) -> object:
    """Return what is different once something was written to a file, nearly always."""
    try:
        found = os.stat(path)
    except OSError:
        return None  # it is gone while nobody has the database open
    return found.st_mtime_ns, found.st_size
