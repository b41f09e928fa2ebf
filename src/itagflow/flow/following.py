"""Following the history as it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from itagflow.flow import _find
from itagflow.flow._find import WorkspaceRef
from itagflow.flow.reading import Reading
from itagflow.model.event import Event
from itagflow.model.number import whole_number
from itagflow.store import Query, Span, Waking

POLL = 1.0
"""After how many seconds a listener looks again, whether or not it was woken."""


class Following(Reading):
    """The verbs that follow what happens."""

    def events(self, *, after: int = 0, workspace: WorkspaceRef | None = None) -> Iterator[Event]:
        """Yield every event behind position *after*, in order, none twice: the truth to follow, also after a crash.

        An event waits until no open block can put another one before it, so that whoever goes on behind the last
        position that they have seen misses nothing.
        """
        behind = whole_number("the events", "after", after) + 1
        where: dict[str, Any] = {"position": Span(behind, self.store.settled())}
        if workspace is not None:
            with self.store.read() as reader:
                where["workspace"] = _find.workspace(reader, workspace).id
        return self._told(Query(Event, where, order=("position",)))

    def listen(
        self, *, after: int = 0, workspace: WorkspaceRef | None = None, patience: float | None = None
    ) -> Iterator[Event]:
        """Yield what `events` yields, and go on with what comes, soon after it is stored.

        When the connection is lost it raises: listen again from behind the last position that you have dealt with.

        Args:
            after: The last position that was dealt with before.
            workspace: Only the events of this workspace.
            patience: After how many seconds without an event to end; None: never.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.create_workspace("street", admin="ada")
        >>> [event.verb for event in flow.listen(patience=0)]
        ['create_workspace']
        """
        with self._ear() as wait:  # opened before the first look, so that nothing falls in between
            heard = time.monotonic()
            while True:
                for event in self.events(after=after, workspace=workspace):
                    after = event.position
                    yield event
                    heard = time.monotonic()
                left = POLL if patience is None else heard + patience - time.monotonic()
                if left <= 0:
                    return
                wait(min(POLL, left))

    def _ear(self) -> AbstractContextManager[Callable[[float], object]]:
        return self.store.listening() if isinstance(self.store, Waking) else nullcontext(time.sleep)
