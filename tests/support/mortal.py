"""Workers that die at a given step of theirs, between what they send and what they note."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from itagflow.storage import Store


class Death(BaseException):
    """The end of a process, which nothing in it can catch and go on."""


class MortalStore:
    """A store as one process sees it: once that is dead, nothing of it reaches the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_dead = False
        self._writes_left: int | None = None
        self._moment = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def die_at(self, writes: int, moment: str) -> None:
        """Let the process die *before*, *within* or *after* its next transaction but so many."""
        self._writes_left, self._moment = writes, moment

    def live_on(self) -> None:
        """Let the process live, if it has not died."""
        self._writes_left = None

    def die(self) -> None:
        """Let the process die now.

        Raises:
            Death: always.
        """
        self._is_dead = True
        raise Death

    def _require_alive(self) -> None:
        if self._is_dead:
            raise Death

    @contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Any]:
        self._require_alive()
        with self._store.read(snapshot=snapshot) as reader:
            yield reader

    @contextmanager
    def write(self) -> Iterator[Any]:
        self._require_alive()
        moment = self._count_down()
        if moment == "before":
            self.die()
        with self._store.write() as writer:
            yield writer
            if moment == "within":
                self.die()  # nothing of it is stored
        if moment == "after":
            self.die()  # all of it is stored, and nobody here learns of that

    def high_water_mark(self) -> int:
        self._require_alive()
        return self._store.high_water_mark()

    def _count_down(self) -> str:
        """Return at which moment of the transaction that begins it dies, if it does."""
        if self._writes_left is None:
            return ""
        self._writes_left -= 1
        return self._moment if self._writes_left < 0 else ""
