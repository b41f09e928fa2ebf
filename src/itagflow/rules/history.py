"""What the history says: replaying the events gives the states, holders and rounds that are stored."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from itagflow.model.event import Event
from itagflow.model.package import PackageState

Thing = tuple[str, tuple[int | str, ...]]
"""A kind, such as ``package``, and a key."""


@attrs.define
class Replay:
    """What a stretch of history comes to."""

    fields: dict[Thing, dict[str, str | int | None]] = attrs.field(factory=dict[Thing, "dict[str, str | int | None]"])
    """The last known value of every tracked field, by kind and key."""
    saves: dict[tuple[int, int, int], int] = attrs.field(factory=dict[tuple[int, int, int], int])
    """How many times each answer was said, by its key."""


ANSWERING = frozenset({"save", "abandon", "restore", "judge", "modify"})
"""The verbs that say something about a task."""


def replay(events: Iterable[Event]) -> Replay:
    """Return the states, holders and rounds that *events* lead to, and how often each answer was said.

    Events must come in order of position, from the first one on.
    """
    replayed = Replay()
    for event in events:
        if event.verb in ("load", "append"):
            _load(replayed, event)
        for move in event.changes:
            replayed.fields.setdefault((move.kind, move.key), {})[move.field] = move.after
        if event.task and event.verb in ANSWERING:
            _said(replayed, event.job, event.turn, event.task)
        for task in event.data.get("said", ()):
            _said(replayed, event.job, event.turn, int(task))
    return replayed


def _said(replayed: Replay, job: int, turn: int, task: int) -> None:
    key = (job, turn, task)
    replayed.saves[key] = replayed.saves.get(key, 0) + 1


def _load(replayed: Replay, event: Event) -> None:
    """Take in the packages of a block: events name them as a range, not one by one."""
    first, last = event.data["packages"]
    for number in range(first, last + 1):
        replayed.fields[("package", (event.job, number))] = {"state": PackageState.LABEL.value, "round": 1}
