"""Rows that are checked before anything is stored for them: what is refused leaves no trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from operator import length_hint
from typing import Any, Protocol

import attrs

from itagflow.core.counted import Remaining, show_rest
from itagflow.errors import Problem
from itagflow.jobs import loading_rules, row_rules
from itagflow.jobs.loading import LoadSpec
from itagflow.jobs.row_rules import PreparedRow
from itagflow.model.job import Job
from itagflow.model.reports import MAX_PROBLEMS, CheckReport
from itagflow.model.template import Template


@attrs.define
class RowPreview:
    """The rows of one source that were read, and what they would become in a new job."""

    job: Job
    template: Template
    tasks: int = 0
    skipped: int = 0
    duplicates: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])
    keys: set[str] = attrs.field(factory=set[str])
    """The row keys so far; none when the job has no row key."""
    by_value: Counter[str] = attrs.field(factory=Counter[str])
    """How many rows have each value of the field that names their package."""
    rows_read: int = 0
    wrapped: bool | None = None
    """Whether the first good mapping has its fields in ``data``; None when there was none yet."""

    def add(self, item: object) -> PreparedRow | None:
        """Count the next row, and return it if it would become a task."""
        self.rows_read += 1
        row = row_rules.prepare_row(
            item, self.rows_read, self.template, self.job, wrapped=self.wrapped
        )
        if not isinstance(row, PreparedRow):
            self.skipped += 1
            # all are counted, but memory stays bounded when every row is bad
            self.problems += row[: MAX_PROBLEMS - len(self.problems)]
            return None
        if self.wrapped is None:
            self.wrapped = row_rules.is_wrapped(item)
        if self.job.row_key:
            if row.row_key in self.keys:
                self.duplicates += 1
                return None
            self.keys.add(row.row_key)
        self.tasks += 1
        self.by_value[row.value] += 1
        return row

    @property
    def has_problems(self) -> bool:
        """Whether one of the rows is bad."""
        return self.skipped > 0

    def count_packages(self) -> int:
        """Return how many packages the rows so far would form."""
        return loading_rules.count_packages(self.job, self.tasks, self.by_value.values())

    @property
    def values(self) -> dict[str, int]:
        """How many rows have each value that there is."""
        return {value: number for value, number in self.by_value.items() if value}

    def make_report(self) -> CheckReport:
        """Return what the rows so far would become."""
        return CheckReport(
            tasks=self.tasks,
            packages=self.count_packages(),
            skipped=self.skipped,
            duplicates=self.duplicates,
            problems=tuple(self.problems),
        )

    def raise_problems(self) -> None:
        """Raise what is wrong with the rows, if anything is.

        Raises:
            InvalidData: as loading them does.
        """
        if self.has_problems:
            raise loading_rules.make_rows_error(self.job, self.problems, self.skipped)


class Preview(Protocol):
    """Takes in rows, and says whether one of them was bad."""

    def add(self, item: object) -> object:
        """Take in the next row."""
        ...

    @property
    def has_problems(self) -> bool:
        """Whether something is wrong with what was taken in."""
        ...


def read_again(first: list[object], others: Iterator[object]) -> Iterator[Any]:
    """Return rows of which the first were read already: these come once more, and then the others.

    How many there are is known where it was, which is not so for a file.
    """
    rows = chain(first, others)
    left = length_hint(others, -1)
    return rows if left < 0 else Remaining(rows, len(first) + left)


def look_ahead(
    rows: Iterator[object], preview: Preview, data: LoadSpec, count: int
) -> tuple[LoadSpec, bool]:
    """Take the first *count* rows into *preview*; return all rows, and whether these were all.

    Where bad rows are not skipped and one is there, all rows are taken in: whoever corrects the
    data wants to know of all bad rows at once.
    """
    first = list(islice(rows, count))
    for item in first:
        preview.add(item)
    if data.on_error == "raise" and preview.has_problems:
        for item in show_rest(rows, data.progress):
            preview.add(item)
    again = attrs.evolve(data, data=read_again(first, rows))
    return again, len(first) < count
