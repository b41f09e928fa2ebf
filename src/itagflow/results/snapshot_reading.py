"""Reading the results of a snapshot again, without what was erased since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any

import attrs

from itagflow import formats
from itagflow.core import lookup
from itagflow.core.blinding import list_blind_stages
from itagflow.core.engine import Engine
from itagflow.core.lookup import iterate_query
from itagflow.errors import InvalidData, NotFound, Problem
from itagflow.formats._arguments import MAX_LIMIT
from itagflow.formats._files import CHUNK, open_raw_source
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.result import Result
from itagflow.model.selection import ALL_TASKS
from itagflow.model.snapshot import Snapshot
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.results.histories import ResultQuery
from itagflow.results.selection_rules import is_selected
from itagflow.results.snapshot_rules import (
    DROPPED,
    MADE,
    build_snapshot,
    choose_kept,
    without_texts,
)
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader, Span

FORMAT = "jsonl"
"""The format of the file of a snapshot, which loses nothing."""


@attrs.frozen
class KeptResults:
    """The results of a snapshot, and what may be shown of them."""

    snapshot: Snapshot
    template: Template
    """What the jobs asked then."""
    hides_texts: bool
    """Whether the name of a member was erased since, which may be in what people wrote."""


def read_kept_events(reader: Reader, job: int) -> Mapping[str, Event]:
    """Return the events of the snapshots of a job that were not dropped, by name."""
    query = Query(Event, {"job": job, "type": (MADE, DROPPED)}, order=("position",))
    return choose_kept(lookup.iterate_in_transaction(reader, query))


def find_kept(engine: Engine, jobs: Sequence[Job], name: str) -> KeptResults:
    """Return the results of a snapshot of exactly these jobs.

    Raises:
        NotFound: when there is no such snapshot.
        InvalidData: when its file is not what was written.
    """
    with engine.store.read() as reader:
        event = read_kept_events(reader, jobs[0].id).get(name)
        if event is None or event.data["jobs"] != [job.id for job in jobs]:
            raise NotFound("Snapshot", name)
        where: dict[str, Any] = {
            "job": 0,
            "workspace": jobs[0].workspace,
            "type": "erase_member",
            "position": Span(event.data["complete_to"] + 1, None),
        }
        hides_texts = lookup.first(reader, Query(Event, where, limit=1)) is not None
    snapshot = build_snapshot(event)
    _require_same_file(snapshot)
    template: Template = codec.decoder(Template)(event.data["template"])
    return KeptResults(snapshot, template, hides_texts)


def _require_same_file(snapshot: Snapshot) -> None:
    """Check that the file of *snapshot* is as it was written.

    Raises:
        InvalidData: when it is not.
        StoreFailed: when it cannot be read.
    """
    found = sha256()
    with open_raw_source(snapshot.target) as file:
        while part := file.readline(CHUNK):
            found.update(part)
    if found.hexdigest() != snapshot.sha256:
        reason = f"{snapshot.target} is not the file that was written: its hash is another"
        raise InvalidData("the export", [Problem("snapshot", reason)])


def require_nobody_blind(jobs: Sequence[Job]) -> None:
    """Check that a snapshot of *jobs* says nothing that is hidden from a member.

    Raises:
        InvalidData: when a stage is reviewed blind.
    """
    if any(list_blind_stages(job) for job in jobs):
        reason = "names labelers, and a stage is blind: only the application can export from it"
        raise InvalidData("the export", [Problem("snapshot", reason)])


def read_kept(
    engine: Engine, kept: KeptResults, queries: Mapping[int, ResultQuery]
) -> Iterator[Result]:
    """Yield the results of a snapshot that are meant; the tasks of those that were erased since.

    Args:
        engine: The engine.
        kept: The results.
        queries: Which are meant of each job, by key.

    Raises:
        InvalidData: when the file is none of ours.
    """
    # a module like those of other formats: loaded when it is first used
    format: Any = formats.find(FORMAT)
    results: Iterator[Result | Problem] = format.read_results(kept.snapshot.target, limit=MAX_LIMIT)
    while block := list(islice(results, lookup.PAGE)):
        found = [_require_result(each) for each in block]
        erased = _find_erased(engine, found)
        for result in found:
            query = queries[result.task.job]
            if query.part is not None and not query.part.has(result.task):
                continue
            if query.where != ALL_TASKS and not is_selected(query.where, result):
                continue
            if result.task.key in erased:
                yield attrs.evolve(result, task=erased[result.task.key])
            else:
                yield without_texts(result) if kept.hides_texts else result


def _require_result(line: Result | Problem) -> Result:
    if isinstance(line, Problem):
        raise InvalidData("the file of the snapshot", [line])
    return line


def _find_erased(engine: Engine, results: Sequence[Result]) -> Mapping[tuple[int, int], Task]:
    """Return the tasks of *results* whose data was erased, by key."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for result in results:
        numbers[result.task.job].append(result.task.number)
    erased: dict[tuple[int, int], Task] = {}
    for job, of_job in numbers.items():
        query = Query(Task, {"job": job, "number": tuple(of_job)}, order=("number",))
        for task in iterate_query(engine.store, query):
            if task.erased:
                erased[task.key] = task
    return erased
