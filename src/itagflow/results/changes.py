"""Reading what changed behind a position: for exports that go on from an earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import attrs

from itagflow import formats
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import iterate_query
from itagflow.errors import InvalidData, Problem
from itagflow.formats import WriteReport
from itagflow.formats._port import FormatRef
from itagflow.model.dataset import Duplicates
from itagflow.model.event import Event
from itagflow.model.export import Export
from itagflow.model.job import Job
from itagflow.model.number import require_whole_number
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.results.change_rules import (
    Changes,
    build_removal,
    find_removal,
    may_have_been_selected,
)
from itagflow.results.following import FollowedFrom, parse_cursor
from itagflow.results.histories import ResultPages
from itagflow.storage.port import Query, Reader, Span

Since = FollowedFrom | WriteReport | Export
"""What an export goes on from: the report of an earlier one, its entry, or where following is."""


def parse_since(since: object, high_water_mark: int) -> int:
    """Return the position behind which changes are wanted.

    Args:
        since: Where an export goes on, as the caller gives it.
        high_water_mark: The last position of the store.

    Raises:
        InvalidData: when it is no place to go on from, or none of this store.
    """
    if isinstance(since, WriteReport | Export):
        position = since.complete_to
        if not position:
            reason = "tells of no position: pass what results.export has returned"
            raise InvalidData("results.export", [Problem("since", reason)])
    else:
        cursor = parse_cursor(since, "results.export", "since")
        position = require_whole_number("results.export", "since", cursor.position, least=0)
        if not cursor.is_whole:  # of an event that was dealt with in part all tasks come again
            position = max(position - 1, 0)
    if position > high_water_mark:
        reason = (
            f"is {position}, behind the last event of the store ({high_water_mark}): "
            "positions of another store mean nothing here"
        )
        raise InvalidData("results.export", [Problem("since", reason)])
    return position


def require_incremental(format: FormatRef, duplicates: Duplicates, *, is_divided: bool) -> None:
    """Check that an export can go on from an earlier one.

    Args:
        format: The format.
        duplicates: What becomes of tasks of several jobs with the same row key.
        is_divided: Whether an executor is to work on it.

    Raises:
        InvalidData: when it cannot.
    """
    problems = list[Problem]()
    if not formats.is_incremental(format):
        *others, last = (name for name in formats.BUILT_IN if formats.is_incremental(name))
        able = f"{', '.join(others)} or {last}"
        reason = (
            f"a file in the format {formats.name_format(format)!r} cannot be put together with "
            f"what changed later: export it whole, or as {able}"
        )
        problems.append(Problem("since", reason))
    if is_divided:
        reason = "what changed is written by one process: leave the executor out"
        problems.append(Problem("executor", reason))
    if duplicates in ("first", "last"):
        reason = (
            "which of two tasks is taken may change without either of them: "
            "pass 'error' or 'keep', or export everything"
        )
        problems.append(Problem("duplicates", reason))
    if problems:
        raise InvalidData("the export", problems)


def find_changes(engine: Engine, job: Job, span: Span, *, for_member: bool) -> Changes:
    """Return what may have changed of *job* by the events with positions in *span*."""
    changes = Changes(for_member=for_member)
    # texts that people wrote lose a name in any answer, and accounts are in files
    where: dict[str, Any] = {"job": 0, "workspace": job.workspace, "type": "erase_member"}
    names = Query(Event, {**where, "position": span}, order=("position",))
    of_job = Query(Event, {"job": job.id, "position": span}, order=("position",))
    for event in chain(iterate_query(engine.store, names), iterate_query(engine.store, of_job)):
        changes.apply(event)
    return changes


Place = tuple[int, int]
"""Where a page begins: the first package whose tasks are read, and the first task."""


@attrs.frozen
class ChangedPages:
    """The results that may have changed, a page at a time, and which tasks are gone."""

    pages: ResultPages
    """The results of the job."""
    changes: Changes
    """What may have changed."""

    @property
    def start(self) -> Place:
        """Where the first page begins."""
        return (1, self.pages.start)

    def read(self, reader: Reader, place: Place) -> tuple[list[Result], Place | None]:
        """Return results from *place* on, and where to go on; None behind the last."""
        pages, (package, first) = self.pages, place
        where: dict[str, Any] = {"job": pages.job.id, "number": Span(first, pages.last)}
        if not self.changes.is_everything:
            block = self.changes.take_block(package)
            if not block:
                return [], None
            where["package"] = block
        size = lookup.PAGE
        tasks = list(reader.find(Query(Task, where, order=("number",), limit=size)))
        meant = [
            task for task in pages.keep_part(tasks) if may_have_been_selected(task, pages.selection)
        ]
        results = list(self._iter_results(reader, meant))
        if len(tasks) == size:
            return results, (package, tasks[-1].number + 1)
        if self.changes.is_everything:
            return results, None
        return results, (where["package"][-1] + 1, pages.start)

    def _iter_results(self, reader: Reader, tasks: Sequence[Task]) -> Iterator[Result]:
        # whatever is selected: of what no longer is, earlier files have to be told
        for result in attrs.evolve(self.pages, selection=None).read_of(reader, tasks):
            reason = find_removal(result, self.pages.selection)
            if not reason:
                yield result
            elif not self.changes.is_new(result.task):
                yield build_removal(result, reason)
