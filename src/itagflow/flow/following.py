"""Following the history as it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from itagflow.flow import _find
from itagflow.flow._access import access_of, must_name_workspace
from itagflow.flow._find import MemberRef, WorkspaceRef
from itagflow.flow.reading import Reading
from itagflow.model.event import Event
from itagflow.model.number import whole_number
from itagflow.storage.port import Query, Span, SupportsNotify

POLL = 1.0
"""After how many seconds a listener looks again, whether or not it was woken."""


class Following(Reading):
    """The verbs that follow what happens."""

    def events(
        self, *, after: int = 0, workspace: WorkspaceRef | None = None, by: MemberRef | None = None
    ) -> Iterator[Event]:
        """Yield every event behind position *after*, in order, none twice: the truth to follow, also after a crash.

        An event waits until no open transaction can put another one before it, so that whoever goes on behind the last
        position that they have seen misses nothing.

        With *by*, a member of the *workspace*, it is what `history` shows the member of each job; what is of no job is
        for those who may see the results of all.

        Raises:
            InvalidData: when *by* is given without a workspace.
        """
        return self._events("events", after, workspace, by)

    def _events(self, name: str, after: int, workspace: WorkspaceRef | None, by: MemberRef | None) -> Iterator[Event]:
        behind = whole_number("the events", "after", after) + 1
        where: dict[str, Any] = {"position": Span(behind, self.store.high_water_mark())}
        if workspace is None:
            must_name_workspace("the events", by)
            return self._told(name, Query(Event, where, order=("position",)), None, None)
        with self.store.read() as reader:
            where["workspace"] = _find.workspace(reader, workspace).id
            access_of(reader, self.policy, where["workspace"], by)
        return self._told(name, Query(Event, where, order=("position",)), where["workspace"], by)

    def listen(
        self,
        *,
        after: int = 0,
        workspace: WorkspaceRef | None = None,
        timeout: float | None = None,
        by: MemberRef | None = None,
    ) -> Iterator[Event]:
        """Yield what `events` yields, and go on with what comes, soon after it is stored.

        When the connection is lost it raises: listen again from behind the last position that you have dealt with.

        Args:
            after: The last position that was dealt with before.
            workspace: Only the events of this workspace.
            timeout: After how many seconds without an event to end; None: never.
            by: Who listens, as in `events`; asked again at every look.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.create_workspace("street", admin="ada")
        >>> [event.verb for event in flow.listen(timeout=0)]
        ['create_workspace']
        """
        with self._ear() as wait:  # opened before the first look, so that nothing falls in between
            heard = time.monotonic()
            while True:
                for event in self._events("listen", after, workspace, by):
                    after = event.position
                    yield event
                    heard = time.monotonic()
                left = POLL if timeout is None else heard + timeout - time.monotonic()
                if left <= 0:
                    return
                wait(min(POLL, left))

    def _ear(self) -> AbstractContextManager[Callable[[float], object]]:
        return self.store.subscribe() if isinstance(self.store, SupportsNotify) else nullcontext(time.sleep)
