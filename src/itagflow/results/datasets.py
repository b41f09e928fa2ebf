"""Reading several jobs as one: their results in order, without duplicates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import attrs

from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobsRef, PartitionRef, iterate_pages
from itagflow.core.visibility import require_readable
from itagflow.errors import InvalidData, Problem
from itagflow.model.dataset import Dataset, Duplicates
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.task import Task, TaskState
from itagflow.model.template import Template
from itagflow.printing import format_repr
from itagflow.results.change_rules import Changes
from itagflow.results.changes import ChangedPages
from itagflow.results.dataset_rules import (
    QuestionNames,
    TableSource,
    find_names,
    rename_questions,
    require_one_table,
)
from itagflow.results.histories import ResultPages, ResultQuery, find_pages
from itagflow.storage.port import Query, Reader

DatasetRef = JobsRef | Dataset
"""A job or a part of one, several of them in a list, or a `Dataset` of them."""


def list_jobs(jobs: DatasetRef, what: str) -> list[PartitionRef]:
    """Return each job that is meant: a tuple is one of them, with its workspace.

    Raises:
        InvalidData: when there is none.
    """
    if isinstance(jobs, Dataset):
        return list(jobs.jobs)
    given: Any = jobs
    if isinstance(given, str | bytes | tuple) or not isinstance(given, Sequence):
        return [cast(PartitionRef, given)]
    if not given:
        raise InvalidData(what, [Problem("job", "must be a job, or at least one in a list")])
    return list(cast("Sequence[PartitionRef]", given))


def get_duplicates(jobs: DatasetRef, default: Duplicates) -> Duplicates:
    """Return what becomes of duplicates: *default* where no `Dataset` says it."""
    return jobs.duplicates if isinstance(jobs, Dataset) else default


def read_sources(
    engine: Engine, reader: Reader, jobs: DatasetRef, query: ResultQuery, what: str
) -> list[TableSource]:
    """Return the jobs that are meant with their templates, if they may be read.

    Raises:
        NotFound: when there is no such job.
        NotAllowed: when they may not be read.
        InvalidData: when they do not make one table.
    """
    refs = list_jobs(jobs, what)
    found = [require_readable(engine, reader, query.name, ref, query.by)[0] for ref in refs]
    names: list[QuestionNames] = [{} for _ in found]
    if isinstance(jobs, Dataset):
        names = find_names(jobs.questions, found)
    sources = list[TableSource]()
    for ref, job, named in zip(refs, found, names, strict=True):
        template = reader.get(Template, (job.template,))
        part = ref
        if not isinstance(part, JobPartition):
            last = lookup.last_number(reader, Task, job.id)
            part = JobPartition(job=job.id, first=1, last=last)
        sources.append(TableSource(job, template, part, named))
    if len(sources) > 1:
        require_one_table(sources, what)
    return sources


@attrs.frozen
class DatasetSource:
    """A job, or a part of one, of which results are read, and what its questions are called."""

    job: PartitionRef
    names: QuestionNames = attrs.field(factory=dict[str, str | None])


@attrs.frozen
class DatasetSources:
    """The parts that are read as one; plain values, which can go to any process."""

    parts: Sequence[DatasetSource]
    duplicates: Duplicates = "keep"
    """What becomes of tasks of several of these jobs with the same row key."""


def read_dataset(
    engine: Engine,
    dataset: DatasetSources,
    queries: Sequence[ResultQuery],
    wanted: range | None = None,
    changes: Sequence[Changes] = (),
) -> Iterator[Result]:
    """Yield the results of all parts, one part after the other.

    Args:
        engine: The engine.
        dataset: The parts.
        queries: What is read of each of them.
        wanted: Which of the parts are yielded; the others only tell what is a duplicate.
        changes: What may have changed of each of them: only that is yielded, and what is gone.
            Without it all is.
    """
    indexes = range(len(dataset.parts)) if wanted is None else wanted
    with engine.store.read() as reader:
        pages = [
            find_pages(engine, reader, part.job, query)
            for part, query in zip(dataset.parts, queries, strict=True)
        ]
    read: Sequence[ResultPages | ChangedPages] = pages
    if changes:
        read = [ChangedPages(each, change) for each, change in zip(pages, changes, strict=True)]

    def read_page(
        reader: Reader, place: tuple[int, Any]
    ) -> tuple[Iterable[Result], tuple[int, Any] | None]:
        index, first = place
        results, following = read[index].read(reader, first)
        kept = _drop_duplicates(reader, pages, index, results, dataset.duplicates)
        names = dataset.parts[index].names
        renamed = map(partial(rename_questions, names=names), kept) if names else kept
        if following is not None:
            return renamed, (index, following)
        if index + 1 in indexes:
            return renamed, (index + 1, read[index + 1].start)
        return renamed, None

    snapshot = queries[0].snapshot
    start = (indexes[0], read[indexes[0]].start)
    return iterate_pages(engine.store, read_page, start, snapshot=snapshot)


def _drop_duplicates(
    reader: Reader,
    pages: Sequence[ResultPages],
    index: int,
    results: Iterable[Result],
    rule: Duplicates,
) -> Iterable[Result]:
    """Return those of *results*, of one of several jobs, that the others leave to it.

    Raises:
        InvalidData: when there may be no duplicates, and there are.
    """
    if rule == "keep" or len(pages) == 1:
        return results
    results = list(results)
    # by the unique index over job and row key: no keys are held in memory, however many there are
    others = pages[index + 1 :] if rule == "last" else pages[:index]
    keyed = {
        result.task.row_key_text: result
        for result in results
        if result.task.row_key_text and _counts(result)
    }
    dropped = set[str]()
    for other in others:
        if other.job.id == pages[index].job.id or not keyed:
            continue
        where: dict[str, Any] = {"job": other.job.id, "row_key_text": tuple(keyed)}
        found = reader.find(Query(Task, where, order=("number",)))
        same = [task for task in found if other.includes(task)]
        for twin in other.read_of(reader, same):
            if not _counts(twin):
                continue
            if rule == "error":
                raise _make_duplicate_error(pages[index], keyed[twin.task.row_key_text], other)
            dropped.add(twin.task.row_key_text)
    return [
        result
        for result in results
        if result.task.row_key_text not in dropped or not _counts(result)
    ]


def _counts(result: Result) -> bool:
    """Return whether a result can be the duplicate of another: what was withdrawn is none."""
    is_gone = result.state is TaskState.WITHDRAWN or result.task.erased
    return not is_gone and not result.removed


def _make_duplicate_error(pages: ResultPages, result: Result, other: ResultPages) -> InvalidData:
    key = format_repr(result.task.row_key)
    reason = (
        f"'{other.job.name}' and '{pages.job.name}' both have a task with the row key {key}: "
        "pass Dataset(jobs, duplicates='first'), 'last' or 'keep'"
    )
    return InvalidData("the dataset", [Problem("duplicates", reason)])
