"""The JSON of what is delivered, plain or as CloudEvents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from itagflow.delivery.messages import Message
from itagflow.model.event import Event
from itagflow.model.result import Result

EVENT_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An event of itagflow",
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The same whenever this event is delivered."},
        "type": {"type": "string", "description": "What was done, such as submit."},
        "position": {"type": "integer", "minimum": 1, "description": "Its place in the log."},
        "at": {"type": "string", "format": "date-time", "description": "When, in UTC."},
        "workspace": {"type": "string", "description": "The key of the workspace."},
        "job": {"type": ["string", "null"], "description": "The key of the job."},
        "package": {"type": ["integer", "null"], "description": "The number of the package."},
        "tasks": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "The numbers of the tasks it is about, as far as it names them.",
        },
        "became": {
            "type": "string",
            "description": "What became of the tasks, such as final; or empty.",
        },
        "outcomes": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "integer"}},
            "description": "All tasks of which something became, by what it is.",
        },
        "account": {"type": "string", "description": "Who did it; empty: the application."},
        "data": {"type": "object", "description": "What else there is to know."},
    },
    "required": [
        "id",
        "type",
        "position",
        "at",
        "workspace",
        "job",
        "package",
        "tasks",
        "became",
        "outcomes",
        "account",
        "data",
    ],
    "additionalProperties": False,
}
"""The JSON Schema of an event as it is sent."""

RESULT_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A result of itagflow",
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The same whenever this result is delivered."},
        "type": {"const": "result"},
        "position": {"type": "integer", "minimum": 1, "description": "That of its event."},
        "at": {"type": "string", "format": "date-time", "description": "When, in UTC."},
        "workspace": {"type": "string", "description": "The key of the workspace."},
        "job": {"type": "string", "description": "The key of the job."},
        "package": {"type": "integer", "description": "The number of the package."},
        "task": {"type": "integer", "description": "The number of the task."},
        "row_key": {"type": ["string", "integer", "null"], "description": "The key of its row."},
        "became": {"type": "string", "description": "What became of the task, such as final."},
        "revision": {"type": "integer", "description": "How many times work on it has ended."},
        "data": {"type": "object", "description": "The data of its row."},
        "replies": {
            "type": ["object", "null"],
            "description": "The replies by question id; null: there are none.",
        },
        "abandon_reason": {"type": ["string", "null"], "description": "Why it was abandoned."},
    },
    "required": [
        "id",
        "type",
        "position",
        "at",
        "workspace",
        "job",
        "package",
        "task",
        "row_key",
        "became",
        "revision",
        "data",
        "replies",
        "abandon_reason",
    ],
    "additionalProperties": False,
}
"""The JSON Schema of a result as it is sent."""


def make_id(cursor: int, position: int, part: int | None = None) -> str:
    """Return the id of a message: of an event, or of one of several parts of it."""
    if part is None:
        return f"msg_{cursor}_{position}"
    return f"msg_{cursor}_{position}_{part}"


def make_batch_id(messages: Sequence[Message]) -> str:
    """Return the id of a batch: it is the same for the same messages."""
    ids = " ".join(message.id for message in messages)
    digest = hashlib.sha256(ids.encode("ascii")).hexdigest()
    return f"{messages[0].id}_{digest[:16]}"


def describe_event(id: str, event: Event) -> dict[str, Any]:
    """Return the JSON of an event.

    Keys are texts: they have up to 63 bits, and a reader in JavaScript would round them as numbers.
    """
    return {
        "id": id,
        "type": event.type,
        "position": event.position,
        "at": event.at.isoformat(),
        "workspace": str(event.workspace),
        "job": _to_text(event.job),
        "package": event.package or None,
        "tasks": list_tasks(event),
        "became": event.became,
        "outcomes": {became: list(tasks) for became, tasks in event.outcomes.items()},
        "account": event.account,
        "data": dict(event.data),
    }


def describe_result(
    id: str, event: Event, result: Result, replies: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the JSON of a result, whose *replies* are plain JSON types."""
    task, last = result.task, result.last
    return {
        "id": id,
        "type": "result",
        "position": event.position,
        "at": event.at.isoformat(),
        "workspace": str(event.workspace),
        "job": str(task.job),
        "package": task.package,
        "task": task.number,
        "row_key": task.row_key,
        "became": result.became,
        "revision": result.revision,
        "data": dict(task.data),
        "replies": replies,
        "abandon_reason": None if last is None else last.abandon_reason,
    }


def number_tasks(event: Event) -> dict[int, int]:
    """Return which message each task of an event is, by its number: from 0, in order."""
    numbers = sorted(number for tasks in event.outcomes.values() for number in tasks)
    return {number: part for part, number in enumerate(numbers)}


def list_tasks(event: Event) -> list[int]:
    """Return the numbers of the tasks that an event names, first those of which it ends work."""
    if event.tasks:
        return list(event.tasks)
    if event.task:
        return [event.task]
    return list(event.data.get("tasks", ()))


def wrap_in_cloud_event(message: Message, source: str) -> dict[str, Any]:
    """Return a message as an event of CloudEvents 1.0, in structured mode."""
    event = message.event
    envelope = {
        "specversion": "1.0",
        "id": message.id,
        "source": source,
        "type": f"itagflow.{message.payload['type']}",
        "time": event.at.isoformat(),
        "datacontenttype": "application/json",
        "data": dict(message.payload),
    }
    subject = _format_subject(event)
    if subject:  # the standard allows none that is empty
        envelope["subject"] = subject
    return envelope


def _format_subject(event: Event) -> str:
    if not event.job:
        return ""
    if not event.package:
        return f"jobs/{event.job}"
    return f"jobs/{event.job}/packages/{event.package}"


def _to_text(key: int) -> str | None:
    # 0 stands for nothing
    if not key:
        return None
    return str(key)
