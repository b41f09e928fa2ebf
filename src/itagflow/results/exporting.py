"""Results to somewhere else."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial, reduce
from importlib import import_module
from operator import add
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import attrs

from itagflow import formats
from itagflow.access import default_policy
from itagflow.contexts import safe_context
from itagflow.core import lookup
from itagflow.core.blinding import list_blind_stages
from itagflow.core.engine import Engine, TimeOrdered, now
from itagflow.core.lookup import MemberRef, PartitionRef
from itagflow.core.registry import Registry
from itagflow.core.visibility import check_each, require_readable
from itagflow.errors import InvalidData, Problem
from itagflow.formats import Format, WriteReport
from itagflow.formats._files import Target, open_target
from itagflow.formats._port import ACCOUNTS, FormatRef, Lossy
from itagflow.jobs.row_sources import Wrap
from itagflow.model.job import Job, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.selection import ALL_TASKS, Selection
from itagflow.model.task import TaskState
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.results.histories import read_results
from itagflow.results.partition import map_partitions
from itagflow.results.pseudonyms import make_pseudonym
from itagflow.results.rules import must_fit_its_template
from itagflow.results.selecting import find_selection
from itagflow.results.service import partition_job
from itagflow.storage.port import Query, Store

if TYPE_CHECKING:
    from concurrent.futures import Executor  # whoever has one has loaded it

NEEDED = ("state", "stages")
"""The fields that every export asks of each result."""
PART = 5_000
"""How many tasks a worker of an export gets at once, unless the caller gives a number."""


@attrs.frozen
class _ModuleName:
    """The name of a module that is a format: modules themselves cannot go to other processes."""

    name: str

    @property
    def format(self) -> Format:
        """The module."""
        return cast(Format, import_module(self.name))


@attrs.frozen
class _Order:
    """How results are written; it goes to the workers as it is, and so holds plain values only."""

    format: FormatRef | _ModuleName
    stages: Collection[Stage] | None
    lossy: Lossy
    options: Mapping[str, Any]
    """The options of the format's own."""
    where: Selection
    """The tasks; its member and its package by key."""


def export(
    engine: Engine,
    job: PartitionRef,
    format: FormatRef,
    target: Target,
    *,
    stages: Collection[Stage] | None = None,
    lossy: Lossy = "report",
    by: MemberRef | None = None,
    progress: Wrap | None = None,
    snapshot: bool = False,
    executor: Executor | None = None,
    partitions: int | None = None,
    where: Selection = ALL_TASKS,
    **options: Any,
) -> WriteReport:
    """Write the results of a job to a file, and return what was written."""
    formats.find(format)
    if partitions is not None:
        require_whole_number("partitions", "", partitions, least=1)
    if executor is not None:
        _require_divisible(format, snapshot)
    stored_job, template, selection = _find_terms(engine, job, by, where)
    # what is wrong with the options is told before anything is written
    formats.make_write_context(
        format, template=template, stages=stages, lossy=lossy, options=options
    )
    if executor is not None and by is not None and selection.member is not None:
        _require_nobody_hidden(stored_job)
    must_fit_its_template(stored_job, "export")
    source: Job | JobPartition = stored_job
    if isinstance(job, JobPartition):
        source = job
    order = _Order(_make_portable(format), stages, lossy, options, selection)
    if executor is None:
        read = partial(read_results, snapshot=snapshot, where=selection, needed=NEEDED)
        results = read(engine, "results.export", source, by)
        return _write(engine, stored_job, progress(results) if progress else results, target, order)
    shares = _split(engine, source, partitions)
    # closed also when the caller's progress bar or the target fails: that cancels what is not begun
    with closing(_write_shares(engine, executor, shares, order, by)) as written:
        return _join(progress(written) if progress else written, target)


def _find_terms(
    engine: Engine, ref: PartitionRef, by: MemberRef | None, where: Selection
) -> tuple[Job, Template, Selection]:
    """Return the job, what it asks, and which of its tasks are meant, by key."""
    with engine.store.read() as reader:
        job, _ = require_readable(engine, reader, "results.export", ref, by)
        template = reader.get(Template, (job.template,))
        if where == ALL_TASKS:
            return job, template, where
        return job, template, find_selection(reader, job, where)


def _write_shares(
    engine: Engine,
    executor: Executor,
    shares: Sequence[JobPartition],
    order: _Order,
    by: MemberRef | None,
) -> Generator[tuple[WriteReport, bytes]]:
    """Yield the parts of the file that workers write, in order, asking for *by* before each."""
    # a store in memory cannot be opened by another process: threads share the engine
    source = engine.store.connector() or engine
    # workers do not know the policy: they leave out all votes that are secret from anybody
    hides_votes = by is not None
    with closing(
        map_partitions(executor, shares, _write_bytes, source, order, hides_votes)
    ) as written:
        yield from check_each(
            engine.store,
            written,
            lambda reader: require_readable(engine, reader, "results.export", shares[0], by),
        )


def _write(
    engine: Engine, job: Job, results: Iterable[Result], target: Target, order: _Order
) -> WriteReport:
    with engine.store.read() as reader:
        template = reader.get(Template, (job.template,))
    left_out = Counter[str]()
    # dropped before the format sees them: the formats of other packages need not know of erasing
    kept = _skip_excluded(results, left_out)
    format = order.format
    if isinstance(format, _ModuleName):
        format = format.format
    context = formats.make_write_context(
        format,
        template=template,
        stages=order.stages,
        lossy=order.lossy,
        options=dict(order.options),
    )
    name_member = _read_names(engine, job, by_account=bool(context.options.get(ACCOUNTS.name)))
    context = attrs.evolve(context, job=job.name, name_member=name_member)
    report = formats.write_in(format, kept, target, context)
    return attrs.evolve(report, erased=left_out["erased"], withdrawn=left_out["withdrawn"])


def _read_names(engine: Engine, job: Job, *, by_account: bool) -> Callable[[int], str]:
    """Return what says how a file calls a member; accounts are read now, and not meanwhile."""
    with engine.store.read() as reader:
        workspace = reader.get(Workspace, (job.workspace,))
        if not by_account:
            return partial(make_pseudonym, workspace)
        members = reader.find(Query(Member, {"workspace": job.workspace}))
        accounts = {member.id: member.account for member in members}
    return accounts.__getitem__


def _make_portable(format: FormatRef) -> FormatRef | _ModuleName:
    """Return a format as it can be sent to a worker."""
    if isinstance(format, ModuleType):
        return _ModuleName(format.__name__)
    return format


def _split(engine: Engine, job: PartitionRef, count: int | None) -> tuple[JobPartition, ...]:
    (everything,) = partition_job(engine, job, 1)
    if count is None:
        # at least one: an empty job has a file too
        count = max(1, math.ceil(len(everything) / PART))
    return partition_job(engine, everything, count)


def _skip_excluded(results: Iterable[Result], left_out: Counter[str]) -> Iterator[Result]:
    """Yield the results of tasks that have data and were not withdrawn, and count the others."""
    for result in results:
        if result.task.erased:
            left_out["erased"] += 1
        elif result.state is TaskState.WITHDRAWN:
            left_out["withdrawn"] += 1
        else:
            yield result


def _require_divisible(format: FormatRef, snapshot: bool) -> None:
    problems: list[Problem] = []
    if not formats.is_concatenable(format):
        name = formats.name_format(format)
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


def _require_nobody_hidden(job: Job) -> None:
    """Check that workers, who do not know the reader, can tell who labeled what of *job*.

    Raises:
        InvalidData: when a stage is reviewed blind.
    """
    if list_blind_stages(job):
        reason = "cannot select by member where a stage is blind: leave the executor out"
        raise InvalidData("the export", [Problem("where", reason)])


StoreSource = Engine | Callable[[], Store]
"""Where a worker reads: this Flow, if it is the only one that can, or what opens the store."""


@safe_context
def _open_engine(source: StoreSource) -> Generator[Engine]:
    """Open *source* for one part; the policy was asked before the work was given out."""
    if isinstance(source, Engine):
        yield source
    else:
        with closing(source()) as store:
            yield Engine(store, default_policy, now, TimeOrdered(now), (), Registry())


def _write_bytes(
    partition: JobPartition, /, source: StoreSource, order: _Order, hides_votes: bool
) -> tuple[WriteReport, bytes]:
    """Return a part of the file, as a worker makes it, whose application asked the policy.

    Args:
        partition: The part.
        source: Where the worker reads.
        order: What is written, and how.
        hides_votes: Whether to leave out votes on packages that are still voted on.
    """
    file = io.BytesIO()
    with _open_engine(source) as engine:
        with engine.store.read() as reader:
            job = lookup.job(reader, partition)
        results = read_results(
            engine,
            "results.export",
            partition,
            None,
            hides_votes=hides_votes,
            where=order.where,
            needed=NEEDED,
        )
        report = _write(engine, job, results, file, order)
    return report, file.getvalue()


def _join(written: Iterable[tuple[WriteReport, bytes]], target: Target) -> WriteReport:
    """Write parts of a file one after the other; each is dropped before the next is waited for."""
    reports: list[WriteReport] = []
    with open_target(target) as file:
        for report, content in written:
            file.write(content)
            reports.append(report)
    return reduce(add, reports)
