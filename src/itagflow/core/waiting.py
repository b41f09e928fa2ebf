"""Waiting for what others store: a store tells, or is asked again after a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from itagflow.core.calls import wait_for
from itagflow.storage.port import Store, SupportsNotify

POLL = 1.0
"""After how many seconds one looks again, whether or not the store has told of something."""
PAUSE = 0.1
"""After how many seconds one looks again at a store that tells nobody."""

T = TypeVar("T")
Wait = Callable[[float], object]
"""Waits until something was stored, or so many seconds."""


def open_wait(store: Store) -> AbstractContextManager[Wait]:
    """Begin to listen to *store*.

    Look once more behind it, before the first wait: then nothing falls in between.
    """
    if isinstance(store, SupportsNotify):
        return store.subscribe()
    return nullcontext(_pause)


def _pause(seconds: float) -> None:
    time.sleep(min(seconds, PAUSE))


def follow(store: Store, look: Callable[[], Iterator[T]], timeout: float | None) -> Iterator[T]:
    """Yield what *look* yields, again and again: each time what has come since.

    It ends after *timeout* seconds without anything.
    """
    # opened before the first look, so that nothing falls in between
    with open_wait(store) as wait:
        last = time.monotonic()
        while True:
            for item in look():
                yield item
                last = time.monotonic()
            # the monotonic clock: one that is set back would never reach the end
            remaining = POLL if timeout is None else last + timeout - time.monotonic()
            if remaining <= 0:
                return
            # never longer than POLL, since a notification is lost with its connection
            wait_for(wait, min(POLL, remaining))
