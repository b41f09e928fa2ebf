"""A listener is told the event that readers find later."""

from __future__ import annotations

import pytest
from support.pins import story
from support.scenes import Clock

import itagflow
from itagflow import Event


def test_a_listener_gets_every_event_as_it_is_read_later(url: str) -> None:
    told, clock = list[Event](), Clock()
    with itagflow.open(url, clock=clock, listeners=[told.append]) as flow:
        story.tell(flow, clock)
        read = {event.position: event for event in flow.events.since()}
    assert len(told) > 100
    # what a deletion or an erasure has changed since is not there any more as it was told
    changed = {told_event.position for told_event in told} - read.keys()
    changed |= {event.position for event in read.values() if event.version}
    compared = [event for event in told if event.position not in changed]
    assert len(compared) > 100
    for event in compared:
        stored = read[event.position]
        assert event == stored
        assert event.data == stored.data
        assert _shape(event.data) == _shape(stored.data)
        if not stored.account.startswith("erased"):
            assert event.account == stored.account
    assert {"ada", "ben", "di"} <= {event.account for event in told}


def _shape(value: object) -> object:
    """The types of plain values, which equality does not tell apart: a tuple, a list, an enum."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [type(value), *map(_shape, value)]
    return type(value)


@pytest.mark.parametrize("account", ["ada", "Zoe\u0308"])
def test_it_names_who_acted_also_the_first_administrator(account: str, url: str) -> None:
    told = list[Event]()
    with itagflow.open(url, listeners=[told.append]) as flow:
        flow.workspaces.create("street", admin=account)
    assert [(event.account, event.position > 0) for event in told] == [(account, True)]
