"""What the event of an export says, and how it is read again."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, cast

import attrs

from itagflow.model.became import format_numbers, parse_numbers
from itagflow.model.event import Event
from itagflow.model.export import Export
from itagflow.model.job import Stage
from itagflow.model.selection import Selection

TYPE = "export"
"""The type of the event of an export."""
_LONGEST = 2_000
"""How many characters of numbers an event has as they are; of more it has a bit for each task."""
_BITS = "bits:"


@attrs.frozen
class WrittenFile:
    """A file that an export has written, as its events tell it."""

    format: str
    target: str
    sha256: str
    size: int
    stages: Collection[Stage] | None
    jobs: tuple[int, ...]
    """The jobs of which it has tasks."""
    split: str = ""
    """The part of a split that it is; empty without one."""
    since: int | None = None
    """The position behind which it has what changed; None: it has everything."""
    complete_to: int = 0
    """The position up to which it has everything."""


def build_export_data(
    file: WrittenFile, name: str, tasks: Sequence[int], where: Selection
) -> dict[str, Any]:
    """Return what the event of an export says about one of the jobs.

    Args:
        file: The file.
        name: The name of the job.
        tasks: The numbers of its tasks in the file, in order.
        where: Which of its tasks were selected.
    """
    data: dict[str, Any] = {"split": file.split} if file.split else {}
    if file.since is not None:
        data["since"] = file.since
    return data | {
        "complete_to": file.complete_to,
        "name": name,
        "format": file.format,
        "target": file.target,
        "rows": len(tasks),
        "numbers": format_tasks(tasks),
        "sha256": file.sha256,
        "size": file.size,
        "jobs": list(file.jobs),
        "where": describe_selection(where),
        "stages": None if file.stages is None else [stage.value for stage in file.stages],
    }


def build_export(event: Event) -> Export:
    """Return the export that *event* tells of."""
    data = event.data
    stages = data["stages"]
    return Export(
        position=event.position,
        at=event.at,
        job=event.job,
        member=event.member,
        account=event.account,
        format=data["format"],
        target=data["target"],
        rows=data["rows"],
        sha256=data["sha256"],
        size=data["size"],
        jobs=tuple(data["jobs"]),
        where=data["where"],
        stages=None if stages is None else tuple(stages),
        split=data.get("split", ""),
        since=data.get("since"),
        complete_to=data["complete_to"],
    )


def holds_task(event: Event, number: int) -> bool:
    """Return whether the file of an export has the task of its job with this number."""
    return number in parse_tasks(event.data["numbers"])


def format_tasks(numbers: Sequence[int]) -> str:
    """Return the numbers of tasks, which are in order, as an event keeps them.

    >>> format_tasks([1, 2, 3, 7]), format_tasks([])
    ('1-3,7', '')
    """
    text = format_numbers(numbers) if numbers else ""
    if len(text) <= _LONGEST:
        return text
    bits = bytearray(numbers[-1] // 8 + 1)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return _BITS + base64.b64encode(zlib.compress(bits)).decode()


def parse_tasks(text: str) -> tuple[int, ...]:
    """Return the numbers that `format_tasks` has written.

    >>> parse_tasks("1-3,7"), parse_tasks("")
    ((1, 2, 3, 7), ())
    """
    if not text.startswith(_BITS):
        return parse_numbers(text) if text else ()
    bits = zlib.decompress(base64.b64decode(text.removeprefix(_BITS)))
    return tuple(number for number in range(len(bits) * 8) if bits[number // 8] >> number % 8 & 1)


def describe_selection(selection: Selection) -> dict[str, Any]:
    """Return the conditions of *selection* that are given, as plain JSON types.

    >>> describe_selection(Selection(state="final", field={"site": "north"}))
    {'state': 'final', 'field': {'site': 'north'}}
    """
    described: dict[str, Any] = {}
    for field in attrs.fields(Selection):
        value: Any = getattr(selection, field.name)
        if isinstance(value, Enum):
            value = value.value
        elif isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, Mapping):
            value = dict(cast("Mapping[str, str]", value))
        if value not in (None, {}):
            described[field.name] = value
    return described
