"""Following the history as it is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from itagflow.core import lookup, waiting
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, Page, WorkspaceRef
from itagflow.core.visibility import access_of, must_name_workspace
from itagflow.errors import NotFound
from itagflow.model.event import Event
from itagflow.results.service import EventViewer, find_position, read_events
from itagflow.storage.port import Query, Span


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

    def look() -> Iterator[Event]:
        nonlocal position
        for event in _read_events_since(engine, viewer, Page(after=position)):
            position = event.position
            yield event

    return waiting.follow(engine.store, look, timeout)
