"""New keys: 63 bits that sort by time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

RANDOM_BITS = 22
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


class TimeOrdered:
    """Makes keys: 41 bits of milliseconds since 1970, then 22 random ones; in the same millisecond the last + 1."""

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        """Start with the time that *clock* tells."""
        self._clock = clock
        self._lock = Lock()
        self._last = 0
        self._process = os.getpid()

    def __call__(self) -> int:
        """Return the next key; never one that this object has returned before, in any thread."""
        with self._lock:
            moment = (self._clock() - _EPOCH) // _MILLISECOND
            fresh = moment > self._last >> RANDOM_BITS or self._process != os.getpid()
            drawn = moment << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
            self._last = drawn if fresh and drawn > self._last else self._last + 1
            self._process = os.getpid()
            return self._last
