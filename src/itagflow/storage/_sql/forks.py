"""What happens when a process forks: a child uses no connection and no lock of its parent.

SQLite keeps a record of the locks that a process has on a file, and a child inherits that record
together with the connections.  If a connection is open at the fork, the record of the child is
wrong permanently: a child may be locked out although its parent has long committed, or may read
without taking the locks that it needs.  So no connection to a file is open while the process forks:
nobody begins a transaction, running ones end (for `FORK_TIMEOUT` seconds at most), and idle
connections are closed.  Where that cannot be done, because the forking thread itself is inside a
transaction, another one goes on for longer, or a snapshot is half read, the child refuses to use
the file.

Forks that Python does not see, made in C without its hooks, are not covered.
"""

from __future__ import annotations

import os
import weakref
from _thread import get_ident
from functools import partial
from time import monotonic, sleep
from typing import Any, Protocol

FORK_TIMEOUT = 5.0
"""For how many seconds a fork waits for the transactions of other threads."""
PAUSE = 0.0003
"""How many seconds pass between two looks at something that another thread or process has."""


class Process:
    """This process, as it differs from the one that it was forked from."""

    generation = 0
    """How many forks lie between it and the first of its ancestors that has this module.

    Who looks at this before and in the middle of something learns whether a signal handler has
    forked in between, and this process is the child.  Unlike a call of `os.getpid` this is not a
    place where a signal handler can run.
    """


process = Process()


class Pool(Protocol):
    """**Protocol:** what has connections that must not go through a fork."""

    @property
    def state(self) -> Any:
        """What threads share; its ``running`` has the open transactions, each with its thread."""
        ...

    def is_at_work(self, but: int) -> bool:
        """Return whether another thread than *but* is in something that will end soon."""
        ...

    @property
    def is_closed_at_forks(self) -> bool:
        """Whether no connection may be open at a fork."""
        ...

    def close_idle(self) -> None:
        """Close the connections that nobody uses."""
        ...

    def begin_in_child(self) -> None:
        """Forget, in a child, all that belongs to its parent."""
        ...


_pools: dict[int, weakref.ref[Pool]] = {}
_forking: dict[int, None] = {}
"""The threads that are forking.

Each step on both dicts is one call in C, so no lock is needed, and a child inherits none.
"""


def watch(pool: Pool) -> None:
    """Have forks take care of *pool* for as long as it lives."""
    key = id(pool)
    _pools[key] = weakref.ref(pool, partial(_pools.pop, key))


def must_wait(thread: int, transaction: object) -> bool:
    """Return whether *thread* must wait for a fork before its *transaction* begins.

    Who has another transaction open does not wait: the fork waits for that one.  Nor does the
    forking thread itself, in a signal handler.
    """
    if not _forking or thread in _forking:
        return False
    pools = (found() for found in list(_pools.values()))
    running = [list(pool.state.running.items()) for pool in pools if pool is not None]
    return not any(
        by == thread and other is not transaction for found in running for other, by in found
    )


def keep_for_ever(inherited: object) -> None:
    """Keep what belongs to the parent from being closed here, also when the interpreter ends.

    Closing an inherited connection could give up a lock of the parent, delete its log, or end its
    session.
    """
    import ctypes  # only children of a fork need it

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


def replace_by_nothing(descriptor: int) -> None:
    """Redirect an inherited descriptor to nothing, in this process: the parent keeps its own."""
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nothing, descriptor, inheritable=False)
    finally:
        os.close(nothing)


def _list_pools() -> list[Pool]:
    # weak references: a store that nobody uses any more is gone without a word
    pools = [reference() for reference in list(_pools.values())]
    return [pool for pool in pools if pool is not None]


def _before_fork() -> None:
    thread, until = get_ident(), monotonic() + FORK_TIMEOUT
    _forking[thread] = None
    for pool in _list_pools():
        if pool.is_closed_at_forks:
            while pool.is_at_work(thread) and monotonic() < until:
                sleep(PAUSE)
            pool.close_idle()


def _after_fork_in_parent() -> None:
    _forking.pop(get_ident(), None)


def _after_fork_in_child() -> None:
    process.generation += 1
    _forking.clear()  # the other threads are not here
    for pool in _list_pools():
        pool.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
