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
from itagflow.core.visibility import asked_again
from itagflow.errors import InvalidData, Problem
from itagflow.formats import Format, WriteReport
from itagflow.formats._files import Target, open_target
from itagflow.jobs import rules as jobs_rules
from itagflow.jobs.loading import Wrap
from itagflow.model.job import Job, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.template import Template
from itagflow.results.partition import map_partitions
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
        require_whole_number("partitions", "", partitions, least=1)
    if executor is not None:
        _require_divisible(format, writer, snapshot)
    with engine.store.read() as reader:
        whole_job, _ = require_readable(engine, reader, "results.export", job, by)
        jobs_rules.must_fit_its_template(whole_job, "export")
    which = job if isinstance(job, JobPartition) else whole_job
    if executor is not None:
        place = engine.store.connector() or engine
        shares = _split(engine, which, partitions)
        # workers do not know the policy: they leave out all votes that are secret from anybody
        with closing(
            map_partitions(
                executor, shares, _write_bytes, place, format, stages, by is not None, **options
            )
        ) as made:
            written = asked_again(
                engine.store,
                made,
                lambda reader: require_readable(engine, reader, "results.export", whole_job, by),
            )
            return _join(progress(written) if progress else written, target)
    results = read_results(engine, "results.export", which, by, snapshot=snapshot)
    return _write(
        engine,
        whole_job,
        progress(results) if progress else results,
        format,
        target,
        stages,
        **options,
    )


def _write_part(
    engine: Engine,
    partition: JobPartition,
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
        job = lookup.job(reader, partition)
    results = read_results(engine, "results.export", partition, None, hide_votes=hide)
    return _write(engine, job, results, format, target, stages, **options)


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
    kept = _skip_erased(results, erased)
    report = formats.find(format).write(
        kept, target, job=job, template=template, stages=stages, **options
    )
    return attrs.evolve(report, erased=len(erased))


def _split(engine: Engine, job: PartitionRef, count: int | None) -> tuple[JobPartition, ...]:
    (everything,) = partition_job(engine, job, 1)
    return partition_job(
        engine, everything, max(1, -(-len(everything) // PART)) if count is None else count
    )


def _skip_erased(results: Iterable[Result], erased: list[int]) -> Iterator[Result]:
    """Yield the results of tasks that have data, and note the numbers of the *erased* ones."""
    for result in results:
        if result.task.erased:
            erased.append(result.task.number)
        else:
            yield result


def _require_divisible(name: str, format: Format, snapshot: bool) -> None:
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


StoreSource = Engine | Callable[[], Store]
"""Where a worker reads: this Flow, if it is the only one that can, or what opens the store."""


@safe_context
def _open_engine(source: StoreSource) -> Generator[Engine]:
    """Open *place* for one part; the policy was asked before the work was given out."""
    if isinstance(source, Engine):
        yield source
    else:
        with closing(source()) as store:
            yield Engine(store, default_policy, now, TimeOrdered(), ())


def _write_bytes(
    partition: JobPartition,
    /,
    source: StoreSource,
    format: str,
    stages: Collection[Stage] | None,
    hide: bool,
    **options: Any,
) -> tuple[WriteReport, bytes]:
    """Return a part of the file, as a worker makes it."""
    file = io.BytesIO()
    with _open_engine(source) as engine:
        report = _write_part(engine, partition, format, file, stages, hide, **options)
    return report, file.getvalue()


def _join(parts: Iterable[tuple[WriteReport, bytes]], target: Target) -> WriteReport:
    reports = list[WriteReport]()
    with open_target(target) as file:
        for report, content in parts:
            file.write(content)
            reports.append(report)
    return reduce(add, reports)
