"""What every store refuses alike: a block inside a block, and work after closing."""

from __future__ import annotations

import threading

from itagflow.errors import StoreFailed


class Guard:
    """Knows in which threads a block is open, and whether the store is closed."""

    def __init__(self, store: str) -> None:
        """Watch over the store of this name."""
        self._store = store
        self._inside = threading.local()
        self.closed = False

    def enter(self) -> None:
        """Note that this thread opens a block.

        Raises:
            StoreFailed: when it has one open, or the store is closed.
        """
        self.must_be_open()
        if getattr(self._inside, "block", False):
            hint = "End it first: a verb inside another's block would see half an act"
            raise StoreFailed(self._store, "this thread has a block open already", hint)
        self._inside.block = True

    def leave(self) -> None:
        """Note that this thread's block has ended."""
        self._inside.block = False

    def must_be_open(self) -> None:
        """Check that the store can be used.

        Raises:
            StoreFailed: when it was closed.
        """
        if self.closed:
            raise StoreFailed(self._store, "the store is closed", "Open it again")
