"""A named snapshot: what the results of jobs were at one moment, kept in a file."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import make_error
from itagflow.model.text import find_name_error, to_text
from itagflow.printing import format_count, make_printable
from itagflow.reprs import show_line


@attrs.frozen(kw_only=True)
class Snapshot:
    """What the results of jobs were at one moment: their rows are in a file in the format `jsonl`.

    Exports from it have the same bytes each time, whatever has become of the jobs since.
    """

    name: str
    """What it is called; no other snapshot of these jobs has the name."""
    position: int
    """The position of its event in the history."""
    at: datetime
    """When the file was complete, by the Flow's clock."""
    member: int
    """Who made it; 0 when the application did."""
    account: str = ""
    """The account of the member."""
    jobs: tuple[int, ...]
    """The jobs, in their order."""
    target: str
    """The path of the file."""
    rows: int
    """How many tasks it has."""
    sha256: str
    """The hash of the file."""
    where: Mapping[str, Any] = attrs.field(factory=dict[str, Any], hash=False)
    """The conditions by which the tasks were selected, as plain JSON; empty for all."""
    complete_to: int
    """The position in the history up to which it has everything."""

    def __str__(self) -> str:
        rows = format_count(self.rows, "row")
        return make_printable(f"snapshot {self.name!r}: {rows} in {self.target}")

    def __repr__(self) -> str:
        return show_line(
            self, self.name, self.target, format_count(self.rows, "row"), self.sha256[:12]
        )


def parse_snapshot_name(what: str, field: str, value: object) -> str:
    """Return the name of a snapshot, which is given by it or itself.

    Args:
        what: The operation that it is given to.
        field: What it is called there.
        value: What was given.

    Raises:
        InvalidData: when it is none.
    """
    if isinstance(value, Snapshot):
        return value.name
    if not isinstance(value, str):
        raise make_error(what, field, "must be a snapshot or its name", value)
    if error := find_name_error(value):
        raise InvalidData(what, [Problem(field, error)])
    return to_text(value)


def parse_snapshot(snapshot: object) -> bool | str:
    """Return the name of a snapshot, or whether the file shows one moment.

    Raises:
        InvalidData: when it is neither.
    """
    if isinstance(snapshot, bool):
        return snapshot
    return parse_snapshot_name("results.export", "snapshot", snapshot)
