"""Following the history as it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef
from itagflow.core.visibility import access_of, must_name_workspace
from itagflow.model.event import Event
from itagflow.model.number import require_whole_number
from itagflow.results.service import read_events
from itagflow.storage.port import Query, Span, SupportsNotify

POLL = 1.0
"""After how many seconds a listener looks again, whether or not it was woken."""


def list_events_since(
    engine: Engine,
    *,
    after: int = 0,
    workspace: WorkspaceRef | None = None,
    by: MemberRef | None = None,
) -> Iterator[Event]:
    """Yield every event after position *after*, in order, each once, also after a crash."""
    return _read_events_since(engine, "events.since", after, workspace, by)


def _read_events_since(
    engine: Engine, name: str, after: int, workspace: WorkspaceRef | None, by: MemberRef | None
) -> Iterator[Event]:
    first = require_whole_number("the events", "after", after) + 1
    where: dict[str, Any] = {"position": Span(first, engine.store.high_water_mark())}
    if workspace is None:
        must_name_workspace("the events", by)
        return read_events(engine, name, Query(Event, where, order=("position",)), None, None)
    with engine.store.read() as reader:
        where["workspace"] = lookup.workspace(reader, workspace).id
        access_of(reader, engine.policy, where["workspace"], by)
    return read_events(
        engine, name, Query(Event, where, order=("position",)), where["workspace"], by
    )


def follow_events(
    engine: Engine,
    *,
    after: int = 0,
    workspace: WorkspaceRef | None = None,
    timeout: float | None = None,
    by: MemberRef | None = None,
) -> Iterator[Event]:
    """Yield what `events` yields, and go on with what comes, soon after it is stored."""
    with _open_wait(
        engine
    ) as wait:  # opened before the first look, so that nothing falls in between
        last_event = time.monotonic()
        while True:
            for event in _read_events_since(engine, "events.follow", after, workspace, by):
                after = event.position
                yield event
                last_event = time.monotonic()
            remaining = POLL
            if timeout is not None:
                # the monotonic clock: one that is set back would never reach the end
                remaining = last_event + timeout - time.monotonic()
            if remaining <= 0:
                return
            # never longer than POLL, since a notification is lost with its connection
            wait(min(POLL, remaining))


def _open_wait(engine: Engine) -> AbstractContextManager[Callable[[float], object]]:
    if isinstance(engine.store, SupportsNotify):
        return engine.store.subscribe()
    # other stores tell nobody: there waiting is sleeping
    return nullcontext(time.sleep)
