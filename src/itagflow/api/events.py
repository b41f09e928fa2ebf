"""Events: what each operation changed."""

from __future__ import annotations

from collections.abc import Iterator

from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.core.settings import require_optional_seconds
from itagflow.events import service as events
from itagflow.model.event import Event
from itagflow.results import service as results
from itagflow.typing import JobRef, MemberRef, PackageRef, WorkspaceRef


class Events:
    """Events: what each operation changed."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def list(
        self,
        job: JobRef,
        *,
        package: PackageRef | int | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: Event | int | None = None,
    ) -> Iterator[Event]:
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
        page = Page(limit, after)
        return results.list_events(self._engine, job, package=package, by=by, page=page)

    def since(
        self,
        *,
        after: Event | int = 0,
        workspace: WorkspaceRef | None = None,
        by: MemberRef | None = None,
        limit: int | None = None,
    ) -> Iterator[Event]:
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
        page = Page(limit, after)
        return events.list_events_since(self._engine, workspace=workspace, by=by, page=page)

    def follow(
        self,
        *,
        after: Event | int = 0,
        workspace: WorkspaceRef | None = None,
        timeout: float | None = None,
        by: MemberRef | None = None,
    ) -> Iterator[Event]:
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

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.workspaces.create("street", admin="ada")
        >>> [event.type for event in flow.events.follow(timeout=0)]
        ['create_workspace']
        """
        # here and not at the first `next`: a mistake is reported where it was made
        timeout = require_optional_seconds("events.follow", "timeout", timeout)
        return events.follow_events(
            self._engine, after=after, workspace=workspace, timeout=timeout, by=by
        )
