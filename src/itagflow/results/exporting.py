"""Results to somewhere else."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import attrs

from itagflow import formats
from itagflow.access import default_policy
from itagflow.contexts import safe_context
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.ids import TimeOrdered, now
from itagflow.core.lookup import MemberRef, PartitionRef
from itagflow.core.visibility import check_each
from itagflow.errors import InvalidData, Problem
from itagflow.formats import Format, WriteReport
from itagflow.formats._files import Target, writing
from itagflow.jobs import rules as jobs_rules
from itagflow.jobs.loading import Wrap
from itagflow.model.job import Job, Stage
from itagflow.model.number import whole_number
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.template import Template
from itagflow.results.partition import spread
from itagflow.results.service import partition_job, read_results, require_readable
from itagflow.storage.port import Store

if TYPE_CHECKING:
    from concurrent.futures import Executor  # whoever has one has loaded it

PART = 5_000
"""How many tasks a worker of an export gets at once, unless the caller gives a number."""


def export(
    engine: Engine,
    job: PartitionRef,
    format: str,
    target: Target,
    *,
    stages: Collection[Stage] | None = None,
    by: MemberRef | None = None,
    progress: Wrap | None = None,
    snapshot: bool = False,
    executor: Executor | None = None,
    partitions: int | None = None,
    **options: Any,
) -> WriteReport:
    """Write the results of a job to a file, and return what was written."""
    writer = formats.find(format)
    formats.must_take(writer, format, options)
    if partitions is not None:
        whole_number("partitions", "", partitions, least=1)
    if executor is not None:
        _must_be_divisible(format, writer, snapshot)
    with engine.store.read() as reader:
        home, _ = require_readable(engine, reader, "results.export", job, by)
        jobs_rules.must_fit_its_template(home, "export")
    which = job if isinstance(job, JobPartition) else home
    if executor is not None:
        place = engine.store.connector() or engine
        shares = _shares(engine, which, partitions)
        # workers do not know the policy: they leave out all votes that are secret from anybody
        with closing(
            spread(executor, shares, _written, place, format, stages, by is not None, **options)
        ) as made:
            written = check_each(
                engine.store,
                made,
                lambda reader: require_readable(engine, reader, "results.export", home, by),
            )
            return _join(progress(written) if progress else written, target)
    results = read_results(engine, "results.export", which, by, snapshot=snapshot)
    return _write(
        engine, home, progress(results) if progress else results, format, target, stages, **options
    )


def _write_part(
    engine: Engine,
    part: JobPartition,
    format: str,
    target: Target,
    stages: Collection[Stage] | None,
    hide: bool,
    **options: Any,
) -> WriteReport:
    """Write a part of a job, as a worker does whose application has asked the policy already.

    Args:
        engine: The engine of the worker's Flow.
        part: The part.
        format: The name of the format.
        target: What is written to.
        stages: The stages whose results are written.
        hide: Whether to leave out votes on packages that are still voted on.
        **options: What else the format takes.
    """
    with engine.store.read() as reader:
        home = lookup.job(reader, part)
    results = read_results(engine, "results.export", part, None, hide_votes=hide)
    return _write(engine, home, results, format, target, stages, **options)


def _write(
    engine: Engine,
    job: Job,
    results: Iterable[Result],
    format: str,
    target: Target,
    stages: Collection[Stage] | None,
    **options: Any,
) -> WriteReport:
    with engine.store.read() as reader:
        template = reader.get(Template, (job.template,))
    erased = list[int]()
    found = _with_data(results, erased)
    report = formats.find(format).write(
        found, target, job=job, template=template, stages=stages, **options
    )
    return attrs.evolve(report, erased=len(erased))


def _shares(engine: Engine, job: PartitionRef, count: int | None) -> tuple[JobPartition, ...]:
    (whole,) = partition_job(engine, job, 1)
    return partition_job(engine, whole, max(1, -(-len(whole) // PART)) if count is None else count)


def _with_data(results: Iterable[Result], erased: list[int]) -> Iterator[Result]:
    """Yield the results of tasks that have data, and note the numbers of the *erased* ones."""
    for result in results:
        if result.task.erased:
            erased.append(result.task.number)
        else:
            yield result


def _must_be_divisible(name: str, format: Format, snapshot: bool) -> None:
    problems = list[Problem]()
    if not formats.is_concatenable(format):
        reason = (
            f"a file in the format {name!r} cannot be put together from parts: "
            "leave the executor out"
        )
        problems.append(Problem("executor", reason))
    if snapshot:
        problems.append(
            Problem(
                "snapshot",
                "the parts of an executor each show their own moment: leave one of the two out",
            )
        )
    if problems:
        raise InvalidData("the export", problems)


Place = Engine | Callable[[], Store]
"""Where a worker reads: this Flow, if it is the only one that can, or what opens the store."""


@safe_context
def _opened(place: Place) -> Generator[Engine]:
    """Open *place* for one part; the policy was asked before the work was given out."""
    if isinstance(place, Engine):
        yield place
    else:
        with closing(place()) as store:
            yield Engine(store, default_policy, now, TimeOrdered(), ())


def _written(
    part: JobPartition,
    /,
    place: Place,
    format: str,
    stages: Collection[Stage] | None,
    hide: bool,
    **options: Any,
) -> tuple[WriteReport, bytes]:
    """Return a part of the file, as a worker makes it."""
    file = io.BytesIO()
    with _opened(place) as flow:
        report = _write_part(flow, part, format, file, stages, hide, **options)
    return report, file.getvalue()


def _join(written: Iterable[tuple[WriteReport, bytes]], target: Target) -> WriteReport:
    reports = list[WriteReport]()
    with writing(target) as file:
        for report, content in written:
            file.write(content)
            reports.append(report)
    return reduce(add, reports)
