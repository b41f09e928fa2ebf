"""What was exported: one entry for each file and job, as the history keeps it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from itagflow.printing import format_count, make_printable
from itagflow.reprs import show_line


@attrs.frozen(kw_only=True)
class Export:
    """That a file was written with tasks of a job: who wrote it, when, and what is in it."""

    position: int
    """The position of its event in the history."""
    at: datetime
    """When the file was complete, by the Flow's clock."""
    job: int
    """The job."""
    member: int
    """Who exported; 0 when the application did."""
    account: str = ""
    """The account of the member."""
    format: str
    """What the format is called."""
    target: str
    """The path as it was given; the name of an open file, or empty where it has none."""
    rows: int
    """How many tasks of the job are in the file."""
    sha256: str
    """The hash of the whole file, as ``sha256sum`` tells it."""
    size: int
    """How many bytes the file has."""
    jobs: tuple[int, ...]
    """All jobs of which the file has tasks, in their order."""
    where: Mapping[str, Any] = attrs.field(factory=dict[str, Any], hash=False)
    """The conditions by which the tasks were selected, as plain JSON; empty for all."""
    stages: tuple[str, ...] | None = None
    """The stages whose results were written, by value; None for all."""

    split: str = ""
    """The part of a split that the file is, such as ``train``; empty without one."""

    since: int | None = None
    """The position behind which it has what changed; None for a whole export."""
    complete_to: int = 0
    """The position in the history up to which it has everything."""

    def __str__(self) -> str:
        place = f" to {self.target}" if self.target else ""
        rows = format_count(self.rows, "row")
        who = self.account or "the application"
        return make_printable(f"{who} wrote {rows}{place} in the format {self.format!r}")

    def __repr__(self) -> str:
        return show_line(
            self, self.format, self.target, format_count(self.rows, "row"), self.sha256[:12]
        )
