"""What the events say: replaying them gives the stored states, holders and rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import attrs

from itagflow.model.entity import Key
from itagflow.model.event import (
    ANSWERING,
    LOADING,
    Event,
    FieldChange,
    build_first_changes,
)
from itagflow.model.inconsistency import Inconsistency
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.task import Answer
from itagflow.model.workspace import Member

EntityKey = tuple[str, Key]
"""A kind, such as ``package``, and a key."""
Fields = dict[str, str | int | None]
"""The tracked fields of a thing."""

ENDING = ("submit", "review", "accept", "discard", "reopen", "overdue", "close_vote")
"""Package operations that may change the job too: they close or reopen the last open one."""


@attrs.define
class Replay:
    """The state after some events; events of the same entity come in order of position."""

    fields: dict[EntityKey, Fields] = attrs.field(factory=dict[EntityKey, Fields])
    """The last known value of every tracked field, by kind and key."""
    saves: Counter[Key] = attrs.field(factory=Counter[Key])
    """How many times each answer was saved, by its key."""
    breaks: list[Inconsistency] = attrs.field(factory=list[Inconsistency])
    """The changes that do not start where the one before ended."""

    def add_package(self, package: Package) -> None:
        """Add a package as it is when it is loaded: events name those as a range."""
        for change in build_first_changes(package.key):
            self.apply_change(0, change)

    def apply(self, event: Event) -> None:
        """Apply the changes of *event*; those of a job are applied by `apply_to_job`."""
        for change in event.changes:
            if change.kind != "job":
                self.apply_change(event.position, change)
            elif event.type not in ENDING:
                self.breaks.append(
                    Inconsistency("event", event.key, "type", event.type, "one that moves a job")
                )
        if event.task and event.type in ANSWERING:
            self.saves[event.job, event.assignment, event.task] += 1
        for task in event.data.get("answered", ()):
            self.saves[event.job, event.assignment, int(task)] += 1

    def apply_to_job(self, event: Event) -> None:
        """Take in what *event* moved of a job."""
        for change in event.changes:
            if change.kind == "job":
                self.apply_change(event.position, change)

    def apply_change(self, position: int, change: FieldChange) -> None:
        """Apply one change of the event at *position*."""
        known = self.fields.setdefault((change.kind, change.key), {})
        before = known.get(change.field)
        if before != change.before:
            field = f"{change.field} of {change.kind} {change.key[-1]} before it"
            self.breaks.append(Inconsistency("event", (position,), field, change.before, before))
        # also after a break: one lost event is one inconsistency, and not one for each that follows
        known[change.field] = change.after


@attrs.define
class Loads:
    """The sum of the transactions of loaded rows: each begins after the last."""

    rows: int = 0
    """How many rows were loaded."""
    packages: int = 0
    """How many packages they made."""
    breaks: list[Inconsistency] = attrs.field(factory=list[Inconsistency])
    """The transactions that do not begin where the one before ended."""

    def apply(self, event: Event) -> None:
        """Apply *event*, if it is about a transaction of loaded rows."""
        if event.type not in LOADING:
            return
        # each load starts where the one before ended: a gap is a load that is lost
        for name, known in (("rows", self.rows), ("packages", self.packages)):
            first, last = event.data[name]
            if first != known + 1:
                self.breaks.append(
                    Inconsistency("event", event.key, f"the first of its {name}", first, known + 1)
                )
            setattr(self, name, last)


@attrs.define
class Guidelines:
    """What the events of a job say of its guideline, and of who has acknowledged it."""

    version: int = 0
    """How many versions there are."""
    acknowledged: dict[int, int] = attrs.field(factory=dict[int, int])
    """The newest version that each member has acknowledged."""

    def apply(self, event: Event) -> None:
        """Apply *event*, if it is about the guideline."""
        if "guideline_version" in event.data:
            self.version = event.data["guideline_version"]
        elif event.type == "acknowledge":
            known = self.acknowledged.get(event.member, 0)
            self.acknowledged[event.member] = max(known, event.data["version"])


def compare_replay(
    replay: Replay,
    entities: Iterable[Member | Job | Package | Assignment],
    answers: Iterable[Answer] = (),
) -> Iterator[Inconsistency]:
    """Yield where *replay*, of all events, differs from what is stored."""
    yield from replay.breaks
    stored = dict(map(_get_tracked, entities))
    for (kind, key), fields in stored.items():
        replayed = replay.fields.get((kind, key))
        if replayed is None:
            yield Inconsistency(kind, key, "what the history tells of it", None, "how it was made")
        else:
            yield from _compare_fields((kind, key), fields, replayed)
    for kind, key in replay.fields.keys() - stored.keys():
        yield Inconsistency(kind, key, "what is stored", None, "what the history tells of")
    yield from _compare_answers(replay.saves, answers)


def _get_tracked(entity: Member | Job | Package | Assignment) -> tuple[EntityKey, Fields]:
    match entity:
        case Member():
            told: Fields = {
                "role": str(entity.role),
                "active": entity.active,
                "paused": entity.paused,
            }
            return ("member", entity.key), told
        case Job():
            return ("job", entity.key), {"state": entity.state.value}
        case Package():
            return ("package", entity.key), {
                "state": entity.state.value,
                "round": entity.round,
                "whole_round": entity.whole_round,
                "reopened_round": entity.reopened_round,
                "reopenings": entity.reopenings,
                "skipped": ",".join(stage.value for stage in entity.skipped) or None,
                "campaigns": ",".join(map(str, entity.campaigns)) or None,
                "withdrawals": ",".join(map(str, entity.withdrawals)) or None,
            }
        case Assignment():
            fields: Fields = {
                "state": entity.state.value,
                "member": entity.member,
                "round": entity.round,
            }
            return ("assignment", entity.key), fields


def _compare_fields(thing: EntityKey, stored: Fields, replayed: Fields) -> Iterator[Inconsistency]:
    for name, value in stored.items():
        if value != replayed.get(name):
            yield Inconsistency(
                *thing, f"{name}, as the history tells it,", value, replayed.get(name)
            )


def _compare_answers(
    replayed: Mapping[Key, int], answers: Iterable[Answer]
) -> Iterator[Inconsistency]:
    """Yield the answers that were saved more or less often than the history has events.

    The answers of an assignment without a member are stored with the assignment; only later changes
    of them have events.
    """
    stored: dict[Key, int] = {
        answer.key: answer.version + int(answer.member is not None) for answer in answers
    }
    for key in sorted({*replayed, *stored}):
        if stored.get(key) != replayed.get(key, 0):
            yield Inconsistency(
                "answer", key, "how often it was said", stored.get(key), replayed.get(key, 0)
            )
