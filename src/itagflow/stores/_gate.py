"""A lock that threads and processes wait for in turn, before they ask SQLite for its write lock."""

from __future__ import annotations

import os
import sys
import threading
import weakref

if sys.platform == "win32":  # no such lock there: SQLite's own waiting has to do

    def _lock(_: int) -> None:
        return

    def _unlock(_: int) -> None:
        return

else:
    from fcntl import LOCK_EX, LOCK_UN, flock

    def _lock(fd: int) -> None:
        flock(fd, LOCK_EX)

    def _unlock(fd: int) -> None:
        flock(fd, LOCK_UN)


class Gate:
    """Lets one writer at a time through, whichever thread or process of this machine it is in.

    SQLite's own waiting polls, so that under load somebody may wait for long; the system's file lock wakes
    the next one at once.
    """

    def __init__(self, path: str) -> None:
        """Use the file *path*, which is made if need be and never written."""
        self._path = path
        self._fd: int | None = None
        self._threads = threading.Lock()
        _GATES.add(self)

    def __enter__(self) -> None:
        """Wait until this writer may go through."""
        self._threads.acquire()
        try:
            _lock(self._file())
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        """Let the next one through."""
        try:
            _unlock(self._file())
        finally:
            self._threads.release()

    def close(self) -> None:
        """Give the file back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def start_anew(self) -> None:
        """Share nothing with the process that this one was forked from: its lock is not ours."""
        self.close()
        self._threads = threading.Lock()

    def _file(self) -> int:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        return self._fd


_GATES: weakref.WeakSet[Gate] = weakref.WeakSet()


def _after_fork() -> None:
    for gate in list(_GATES):
        gate.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
