"""Following the history as it is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from itagflow.core import lookup
from itagflow.core.calls import wait_for
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, Page, WorkspaceRef
from itagflow.core.visibility import access_of, must_name_workspace
from itagflow.errors import NotFound
from itagflow.model.event import Event
from itagflow.results.service import EventViewer, find_position, read_events
from itagflow.storage.port import Query, Span, SupportsNotify

POLL = 1.0
"""After how many seconds a listener looks again, whether or not it was woken."""


def list_events_since(
    engine: Engine,
    *,
    workspace: WorkspaceRef | None = None,
    by: MemberRef | None = None,
    page: Page,
) -> Iterator[Event]:
    """Yield every event behind that of *page*, in order, each once, also after a crash."""
    viewer = _make_viewer(engine, "events.since", workspace, by)
    return _read_events_since(engine, viewer, page)


def _make_viewer(
    engine: Engine, name: str, workspace: WorkspaceRef | None, by: MemberRef | None
) -> EventViewer:
    if workspace is None:
        must_name_workspace("the events", by)
        return EventViewer(name, None, None)
    with engine.store.read() as reader:
        stored = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, stored.id, by)
    return EventViewer(name, stored.id, by)


def _read_events_since(engine: Engine, viewer: EventViewer, page: Page) -> Iterator[Event]:
    first = find_position(page.after) + 1
    where: dict[str, Any] = {"position": Span(first, engine.store.high_water_mark())}
    if viewer.workspace is not None:
        if isinstance(page.after, Event) and page.after.workspace != viewer.workspace:
            raise NotFound("Event", page.after.position)
        where["workspace"] = viewer.workspace
    return read_events(engine, Query(Event, where, order=("position",)), viewer, page)


def follow_events(
    engine: Engine,
    *,
    after: Event | int = 0,
    workspace: WorkspaceRef | None = None,
    timeout: float | None = None,
    by: MemberRef | None = None,
) -> Iterator[Event]:
    """Yield what `list_events_since` yields, and go on with what comes, soon after it is stored."""
    # refused by the call, and not only at the first step of the iterator
    viewer = _make_viewer(engine, "events.follow", workspace, by)
    position = find_position(after)
    if isinstance(after, Event) and viewer.workspace not in (None, after.workspace):
        raise NotFound("Event", position)
    return _follow(engine, viewer, position, timeout)


def _follow(
    engine: Engine, viewer: EventViewer, after: int, timeout: float | None
) -> Iterator[Event]:
    # opened before the first look, so that nothing falls in between
    with _open_wait(engine) as wait:
        last_event = time.monotonic()
        while True:
            for event in _read_events_since(engine, viewer, Page(after=after)):
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
            wait_for(wait, min(POLL, remaining))


def _open_wait(engine: Engine) -> AbstractContextManager[Callable[[float], object]]:
    if isinstance(engine.store, SupportsNotify):
        return engine.store.subscribe()
    # other stores tell nobody: there waiting is sleeping
    return nullcontext(time.sleep)
