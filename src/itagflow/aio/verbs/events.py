# Generated from itagflow.api.events by tests/docs/pins/write.py: change that, and run this.
"""Events: what each operation changed; awaited."""

from __future__ import annotations

from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.events import Events
from itagflow.model.event import Event
from itagflow.typing import JobRef, MemberRef, PackageRef, WorkspaceRef


class AsyncEvents:
    """Events: what each operation changed; awaited."""

    def __init__(self, pool: ThreadPool, events: Events) -> None:
        """Do the work of *events* in the threads of *pool*."""
        self._pool = pool
        self._events = events

    def list(
        self,
        job: JobRef,
        *,
        package: PackageRef | int | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: Event | int | None = None,
    ) -> AsyncItems[Event]:
        """Yield the events of a job, or of one of its packages, oldest first.

        Args:
            job: The job.
            package: Only those of this package.
            by: Who reads: all of them, if the member may see the work of others, without votes that
                are secret from them; else those of what the member did.
            limit: How many at the most.
            after: The last event of the page before, or its position.

        Raises:
            NotFound: when there is no such job, it has no such package, or *after* is an event of
                another job.
            NotAllowed: when *by* may not read there, or was removed.
        """
        verb = partial(self._events.list, job, package=package, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    def since(
        self,
        *,
        after: Event | int = 0,
        workspace: WorkspaceRef | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
    ) -> AsyncItems[Event]:
        """Yield every event behind *after*, in order, each once, also after a crash.

        An event waits until no open transaction can put another one before it, so that whoever goes
        on behind the last position that they have seen misses nothing.

        Args:
            after: The last event that was dealt with before, or its position; 0: from the
                beginning.
            workspace: Only the events of this workspace.
            by: Who reads, a member of the *workspace*: it is what `list` shows the member of each
                job; what is of no job is for those who may see the results of all.
            limit: How many at the most.

        Raises:
            InvalidData: when *by* is given without a workspace.
            NotFound: when there is no such workspace, *by* is nobody there, or *after* is an event
                of another workspace.
            NotAllowed: when *by* was removed.
        """
        verb = partial(self._events.since, after=after, workspace=workspace, by=by, limit=limit)
        return AsyncItems(self._pool, verb)

    def follow(
        self,
        *,
        after: Event | int = 0,
        workspace: WorkspaceRef | None = None,
        timeout: float | None = None,
        by: MemberRef | None = None,
    ) -> AsyncItems[Event]:
        """Yield what `since` yields, and go on with what comes, soon after it is stored.

        When the connection is lost it raises: listen again from behind the last position that you
        have dealt with.

        Args:
            after: The last event that was dealt with before, or its position.
            workspace: Only the events of this workspace.
            timeout: After how many seconds without an event to end; None: never.
            by: Who listens, as in `since`; asked again at every read.

        Raises:
            InvalidData: when *timeout* is not a number of seconds; the others are
                errors of `since`.
        """
        verb = partial(
            self._events.follow, after=after, workspace=workspace, timeout=timeout, by=by
        )
        return AsyncItems(self._pool, verb, is_waiting=True)
