"""The order in which a transaction locks rows, and the check that refuses every other order."""

from __future__ import annotations

from typing import Any

from itagflow.model.entity import Entity, Key
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, ClaimCounter, Package
from itagflow.model.task import Task
from itagflow.model.workspace import Member, Workspace

LOCK_ORDER: tuple[type[Entity], ...] = (
    Workspace,
    Package,
    Task,
    Assignment,
    ClaimCounter,
    JobCounter,
    Job,
    Member,
    Event,
)
"""The kinds that are locked, in the order in which they are locked; rows of a kind go by key.

What many operations have in common comes late, so that they hold it only for a short time: every
claim of a job locks the job and its member, and each its own package.
"""

_RANKS: dict[type[Any], int] = {kind: rank for rank, kind in enumerate(LOCK_ORDER)}
_JOB, _MEMBER = _RANKS[Job], _RANKS[Member]
_START: tuple[int, Key] = (-1, ())


def _get_position(kind: type[Any], rank: int, key: Key) -> tuple[int, Key]:
    """Return the position of a row in the order; a job is between its counter and the next job."""
    # the fifth rule: both have the rank of jobs, and a counter comes right before its job
    if kind is JobCounter:
        return _JOB, (*key, 0)
    if kind is Job:
        return _JOB, (*key, 1)
    return rank, key


class LockOrderError(RuntimeError):
    """A transaction was about to lock rows out of order.  This is a bug in the library."""


class LockOrder:
    """What one transaction has locked so far, and what it may still wait for.

    A store with row locks makes a transaction wait for whoever has locked the row.  Two
    transactions that wait for each other are a deadlock: the database ends one of them, and its
    work is lost.  These rules prevent that:

    1. A transaction waits only for a row that comes behind everything it has locked, in
       `LOCK_ORDER` and then by key.  So among transactions that wait for each other, the one that
       has come furthest waits for none of them.
    2. ``take`` skips rows that others have locked.  It never waits, so it may come at any time.
       This is how a transaction that holds a package looks for another one: it never waits for a
       package behind its first locks.
    3. An assignment is locked behind its package, or alone.  Behind its package it may come at any
       time, for example once a package was taken: only transactions that hold nothing else can have
       it, and these never wait.  For the same reason nothing is locked behind an assignment that
       was locked alone.
    4. A shared lock is never raised to an exclusive one: two transactions that share it would wait
       for each other.
    5. A job and its counter stand together, the counter first: a batch acts on one job after the
       other, and may lock the counter of the second behind the first.
    6. In a batch, each operation may lock its job and members behind the members of the operation
       before (`begin_operation`).  Members are only locked in shared mode behind other rows, and a
       transaction that locks a member exclusively waits for no package, assignment, claim counter
       or job, so no cycle leads through a member.
    """

    # Nothing is locked yet.  Defaults of the class, which cost nothing: one is made for every
    # operation, and many lock a row or two.
    _last = _START
    _last_job = _START
    _shared: frozenset[tuple[type[Any], Key]] = frozenset()
    _is_alone = False

    def require_next(self, kind: type[Any], key: Key, *, shared: bool) -> None:
        """Check that a row may be locked now, and note that it is.

        Raises:
            LockOrderError: when it may not.
        """
        rank = _RANKS.get(kind)
        if rank is None:
            raise LockOrderError(
                f"{kind.__name__} {key} cannot be locked: the kind is not in LOCK_ORDER"
            )
        if kind is Assignment:
            return  # `require_package` checks it: only the row says which package it is on
        if self._is_alone:
            raise LockOrderError(
                f"{kind.__name__} {key} is locked behind an assignment without its package"
            )
        position = _get_position(kind, rank, key)
        if position <= self._last:
            last, last_key = self._last
            raise LockOrderError(
                f"{kind.__name__} {key} is locked behind {LOCK_ORDER[last].__name__} {last_key}"
            )
        # the sixth rule; rank 0 is the workspace, and -1 nothing
        if rank == _MEMBER and not shared and self._last[0] > 0:
            raise LockOrderError(
                f"Member {key} is locked exclusively behind other rows than its workspace"
            )
        self._last = position
        if position[0] == _JOB:
            self._last_job = self._last
        if shared:
            self._shared |= {(kind, key)}  # a new set: the first one belongs to the class

    def require_package(self, assignment: Assignment, *, is_locked: bool) -> None:
        """Check that an assignment was locked behind its package, or before anything else.

        Args:
            assignment: The assignment, which has just been locked.
            is_locked: Whether this transaction has locked its package.

        Raises:
            LockOrderError: when it was not.
        """
        if not is_locked and (self._is_alone or self._last != _START):
            raise LockOrderError(f"{assignment} is locked without its package behind other rows")
        self._is_alone = not is_locked
        # the later of both: an assignment may come behind rows that follow it, see the third rule
        self._last = max(self._last, (_RANKS[Assignment], assignment.key))

    def require_not_shared(self, kind: type[Any], key: Key) -> None:
        """Check that a row to be locked exclusively, or saved, is not locked in shared mode.

        Raises:
            LockOrderError: when it is.
        """
        if (kind, key) in self._shared:
            raise LockOrderError(
                f"{kind.__name__} {key} is locked in shared mode: lock it exclusively at once"
            )

    def note_locked_first(self, kind: type[Any], key: Key) -> None:
        """Note a row that was locked without waiting; later rows that may wait must follow it."""
        # the later of both: by the second rule it may stand anywhere
        self._last = max(self._last, _get_position(kind, _RANKS[kind], key))

    def begin_operation(self) -> None:
        """Let the next operation of a batch lock its job and members, see the sixth rule."""
        # back to the last job and not further: the next operation is on the same one or a later one
        if self._last[0] == _MEMBER:
            self._last = self._last_job
