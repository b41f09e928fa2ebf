"""Files that are put together: an export, and what changed since, as a reader applies them."""

from __future__ import annotations

import csv
import importlib
import io
import json
from typing import Any

from itagflow import Flow
from itagflow.formats import WriteReport

Rows = dict[tuple[str, str], Any]
"""What a reader has of each task, by job and number."""


def apply(copy: Rows, content: bytes, format: str) -> None:
    """Put a file into what a reader has: each row replaces that of its task, or takes it out."""
    for key, removed, row in _read(content, format):
        assert removed or key[0]
        copy.pop(key, None)
        if not removed:
            copy[key] = row


def _read(content: bytes, format: str) -> list[tuple[tuple[str, str], str, Any]]:
    if format == "jsonl":
        lines = [json.loads(line) for line in content.splitlines()]
        return [((str(x["job"]), str(x["number"])), x.get("removed", ""), x) for x in lines]
    if format == "parquet":
        table = importlib.import_module("pyarrow.parquet").read_table(io.BytesIO(content))
        cells = [
            {key: cell for key, cell in row.items() if cell is not None}
            for row in table.to_pylist()
        ]
        return [((str(x["job_id"]), str(x["task"])), x.get("removed", ""), x) for x in cells]
    table = csv.DictReader(io.StringIO(content.decode(), newline=""))
    # which other columns there are depends on the other rows
    rows = [{name: cell for name, cell in row.items() if cell} for row in table]
    return [((row["job"], row["task"]), row.get("removed", ""), row) for row in rows]


def read(content: bytes, format: str) -> Rows:
    """What a reader has who has read one file."""
    rows: Rows = {}
    apply(rows, content, format)
    return rows


class Copy:
    """What a reader has who exports only what changed, each time."""

    def __init__(self, format: str = "jsonl", **how: Any) -> None:
        self.format, self.how = format, how
        self.rows: Rows = {}
        self.report: WriteReport | None = None

    def update(self, flow: Flow, jobs: Any) -> WriteReport:
        """Export what changed since the last time, and put it into what is there."""
        file = io.BytesIO()
        since: Any = 0 if self.report is None else self.report
        self.report = flow.results.export(jobs, self.format, file, since=since, **self.how)
        apply(self.rows, file.getvalue(), self.format)
        return self.report

    def check(self, flow: Flow, jobs: Any) -> WriteReport:
        """The same, and it is what the whole is now."""
        report = self.update(flow, jobs)
        file = io.BytesIO()
        flow.results.export(jobs, self.format, file, since=0, **self.how)
        assert self.rows == read(file.getvalue(), self.format)
        return report
