"""The texts that are pinned, and where they are kept."""

from __future__ import annotations

import difflib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any

import attrs

import itagflow
from itagflow import Event, Flow, Job, Stage, maintenance
from itagflow.model import FieldChange
from support.pins.public import render
from support.pins.story import tell
from support.scenes import Clock

FOLDER = Path(__file__).parents[2] / "docs" / "pins"
FIELD = re.compile(r"(?<=,)( ?\"\"?[^\",]+\"\"?:)")
"""The name of a field of a JSON object, also in a cell of a CSV, where quotes are doubled."""
CONTEXT = 8
"""How many lines a diff shows around a change: enough to see which event or row it is in."""
V1 = ("signs", "moods", "imported")
"""The jobs that the old format of iTAG can hold."""


def public() -> dict[str, str]:
    """Return the public names and signatures, by file."""
    return {"public.txt": render()}


def story(url: str) -> dict[str, str]:
    """Tell the story on an empty store, and return its history and its exports, by file."""
    clock = Clock()
    with itagflow.open(url, clock=clock, ids=count(1).__next__) as flow:
        jobs = tell(flow, clock)
        events = list(flow.events.since())
        assert not list(maintenance.verify(flow))
        return {
            "history.txt": "".join(f"{event.position} {event}\n" for event in events),
            "history.jsonl": "".join(map(_line, events)),
            **dict(_exports(flow, jobs)),
        }


def _exports(flow: Flow, jobs: dict[str, Job]) -> Iterator[tuple[str, str]]:
    """Yield every export, and at last what the exports reported."""
    reports = list[str]()
    for name, format, file, stages in _wanted(jobs):
        target = io.BytesIO()
        report = flow.results.export(jobs[name], format, target, stages=stages)
        reports.append(f"{file}: {json.dumps(_plain(report))}\n")
        yield f"exports/{file}", target.getvalue().decode()
    yield "exports/reports.txt", "".join(reports)


def _wanted(jobs: Iterable[str]) -> Iterator[tuple[str, str, str, list[Stage] | None]]:
    for name in jobs:
        yield name, "itag", f"{name}.jsonl", None
        yield name, "csv", f"{name}.csv", None
        if name in V1:
            yield name, "itag_v1", f"{name}.v1.jsonl", None
    yield "signs", "itag", "signs.label.jsonl", [Stage.LABEL]


def _line(event: Event) -> str:
    """Return an event as JSON, without the fields that say nothing; a change is a list."""
    fields = {name: value for name, value in _plain(event).items() if value not in (0, "", [], {})}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(value: Any) -> Any:
    """Return a value as JSON types, by its public fields alone."""
    if isinstance(value, FieldChange):
        return [_plain(held) for held in attrs.astuple(value)]
    if attrs.has(type(value)):
        return {
            field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))
        }
    if isinstance(value, Mapping):
        # sorted: JSON objects have no order
        return dict(sorted((_plain(key), _plain(held)) for key, held in value.items()))
    if isinstance(value, tuple | list):
        return [_plain(held) for held in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def read(name: str) -> str:
    """Return a pinned text, with its line ends as they are."""
    path = FOLDER / name
    return path.read_bytes().decode() if path.exists() else ""


def write(texts: dict[str, str]) -> None:
    """Keep these texts as the pinned ones."""
    for name, text in texts.items():
        (FOLDER / name).write_bytes(text.encode())


def difference(texts: dict[str, str]) -> str:
    """Return how texts differ from the pinned ones, as unified diffs; empty if they do not."""
    return "\n".join(line for name in texts for line in _diff(name, read(name), texts[name]))


def _diff(name: str, before: str, after: str) -> list[str]:
    if before == after:
        return []
    files = f"{name} (pinned)", f"{name} (now)"
    lines = difflib.unified_diff(_pieces(before), _pieces(after), *files, n=CONTEXT, lineterm="")
    return list(lines) or [f"{name} differs only in characters that no diff shows"]


def _pieces(text: str) -> list[str]:
    """Return the lines of a text, with a new one before each field of the JSON in it."""
    return FIELD.sub(r"\n    \1", text.replace("\r", "\\r")).split("\n")
