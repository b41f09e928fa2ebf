"""The versions of the answers to a task: put together from what the history keeps of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import attrs

from itagflow.model.event import ANSWERING, Event
from itagflow.model.task import Answer, count_versions
from itagflow.model.version import AnswerVersion


@attrs.frozen
class Storing:
    """That an event stored an answer to the task."""

    position: int
    """The position of the event."""
    assignment: int
    """The assignment whose answer it is."""
    replaced: Answer | None
    """What it replaced; None where nothing was."""


def stores_answer(event: Event, task: int) -> bool:
    """Return whether *event* stored an answer of its assignment to this task."""
    if event.type in ANSWERING and event.task == task:
        return True
    return task in event.data.get("answered", ())


def find_made(event: Event) -> Sequence[int]:
    """Return the assignments that *event* made: those of nobody come with all their answers."""
    return [
        int(change.key[1])
        for change in event.changes
        if change.kind == "assignment" and change.field == "state" and change.before is None
    ]


def build_versions(
    storings: Iterable[Storing],
    made: Mapping[int, int],
    answers: Mapping[int, Answer],
    visible: Collection[int],
) -> list[AnswerVersion]:
    """Return the versions of all answers to a task, in the order in which they were stored.

    Args:
        storings: What stored answers to it, in order.
        made: The position at which each assignment was made.
        answers: Its answers as they are stored now, by assignment.
        visible: The assignments whose answers are listed.
    """
    versions, last = list[AnswerVersion](), dict[int, int]()
    for storing in storings:
        if storing.replaced is not None:
            # what replaces the first answer of an assignment without a member was not its first
            position = last.get(storing.assignment, made.get(storing.assignment, 0))
            versions.append(_make_version(storing.replaced, position, is_current=False))
        last[storing.assignment] = storing.position
    for assignment, answer in answers.items():
        position = last.get(assignment, made.get(assignment, 0))
        versions.append(_make_version(answer, position, is_current=True))
    shown = (version for version in versions if version.answer.assignment in visible)
    return sorted(shown, key=lambda version: (version.position, version.answer.assignment))


def _make_version(answer: Answer, position: int, *, is_current: bool) -> AnswerVersion:
    return AnswerVersion(
        answer=answer, number=count_versions(answer), position=position, is_current=is_current
    )
