"""Results to somewhere else."""

from __future__ import annotations

import io
import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial, reduce
from importlib import import_module
from operator import add
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import attrs

from itagflow import formats
from itagflow.access import default_policy
from itagflow.contexts import safe_context
from itagflow.core.blinding import list_blind_stages
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine, TimeOrdered, now
from itagflow.core.lookup import MemberRef
from itagflow.core.registry import Registry
from itagflow.core.visibility import check_each, require_readable
from itagflow.errors import InvalidData, Problem
from itagflow.formats import Format, FormatContext, WriteReport
from itagflow.formats._files import (
    BinaryFile,
    HashedFile,
    Target,
    get_file_name,
    open_hashed_target,
)
from itagflow.formats._port import ACCOUNTS, FormatRef, Lossy
from itagflow.model.export import Export
from itagflow.model.job import Job, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.partition import JobPartition
from itagflow.model.result import Result
from itagflow.model.selection import ALL_TASKS, Selection
from itagflow.model.split import Split
from itagflow.model.task import TaskState
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Workspace
from itagflow.results.change_rules import Changes, find_differences
from itagflow.results.changes import Since, find_changes, parse_since, require_incremental
from itagflow.results.dataset_rules import TableSource, combine_templates
from itagflow.results.datasets import (
    DatasetRef,
    DatasetSource,
    DatasetSources,
    get_duplicates,
    list_jobs,
    read_dataset,
    read_sources,
)
from itagflow.results.export_log import WrittenJob, record_export
from itagflow.results.export_rules import WrittenFile, describe_selection
from itagflow.results.histories import ResultQuery
from itagflow.results.partition import map_partitions
from itagflow.results.pseudonyms import make_pseudonym
from itagflow.results.rules import must_fit_its_template
from itagflow.results.selecting import find_selection
from itagflow.results.service import partition_job
from itagflow.results.snapshot_reading import (
    FORMAT,
    KeptResults,
    find_kept,
    read_kept,
    require_nobody_blind,
)
from itagflow.results.snapshot_rules import TEXTS, SnapshotFile
from itagflow.results.split_rules import SplitPart
from itagflow.results.splitting import name_targets
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader, Span, Store

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
    template: Template
    """What was asked."""
    jobs: tuple[int, ...]
    """The jobs, in the order in which their tasks are written."""
    job_names: Mapping[int, str] = attrs.field(factory=dict[int, str])
    """What they are called."""
    name_member: Callable[[int], str] = str
    """What members are called in the file."""
    is_increment: bool = False
    """Whether files are put together."""

    @property
    def format_itself(self) -> FormatRef:
        """The format, or its name."""
        return self.format.format if isinstance(self.format, _ModuleName) else self.format

    def make_context(self) -> FormatContext:
        """Return what the format is told.

        Raises:
            InvalidData: when an option is none that the format has.
        """
        context = formats.make_write_context(
            self.format_itself,
            template=self.template,
            stages=self.stages,
            lossy=self.lossy,
            options=dict(self.options),
            jobs=self.jobs,
        )
        return attrs.evolve(
            context,
            job_names=self.job_names,
            name_member=self.name_member,
            is_increment=self.is_increment,
        )


_Tasks = Mapping[int, "array[int]"]
"""The numbers of the tasks that are in a file, by job."""


@attrs.frozen
class _Written:
    """What was written: the report, and the tasks that the file has."""

    report: WriteReport
    tasks: _Tasks


@attrs.frozen
class _Terms:
    """What is exported, as it was found."""

    sources: Sequence[TableSource]
    """The jobs, or parts of jobs."""
    dataset: DatasetSources
    """The same as they are read."""
    queries: Sequence[ResultQuery]
    """What is read of each of them."""
    template: Template
    """What all of them ask."""
    complete_to: int
    """The position up to which everything is read."""
    since: int | None = None
    """The position behind which changes are wanted; None: everything is."""
    changes: Sequence[Changes] = ()
    """What may have changed of each of the jobs; empty: all is written."""
    kept: KeptResults | None = None
    """The snapshot that is read instead of the jobs."""

    def take(self, part: SplitPart) -> _Terms:
        """Return the same of the tasks in a part of a split."""
        queries = [attrs.evolve(query, part=part) for query in self.queries]
        return attrs.evolve(self, queries=queries)

    @property
    def jobs(self) -> tuple[int, ...]:
        """The keys of the jobs, each once."""
        return tuple(dict.fromkeys(source.job.id for source in self.sources))

    def count_tasks(self) -> int:
        """Return how many tasks there are; of a selection, a split or changes there are fewer."""
        if self.kept is not None:
            return self.kept.snapshot.rows
        return sum(len(source.part) for source in self.sources)


def export(
    engine: Engine,
    jobs: DatasetRef,
    format: FormatRef,
    target: Target | Mapping[str, Target],
    *,
    split: Split | None = None,
    stages: Collection[Stage] | None = None,
    lossy: Lossy = "report",
    by: MemberRef | None = None,
    progress: Wrap | None = None,
    snapshot: bool | str = False,
    executor: Executor | None = None,
    partitions: int | None = None,
    where: Selection = ALL_TASKS,
    since: Since | None = None,
    **options: Any,
) -> WriteReport:
    """Write the results of one job or several to a file, and return what was written."""
    formats.find(format)
    if partitions is not None:
        require_whole_number("partitions", "", partitions, least=1)
    named = None if isinstance(snapshot, bool) else snapshot
    if executor is not None:
        _require_divisible(format, bool(snapshot))
    if split is not None and snapshot is True:
        raise _make_moments_error()
    if since is not None:
        _require_changing(format, jobs, executor, named)
    query = ResultQuery("results.export", by, where, snapshot=snapshot is True, needed=NEEDED)
    terms = _find_terms(engine, jobs, query)
    if named is not None:
        terms = _keep(engine, terms, named)
    order = _Order(_make_portable(format), stages, lossy, options, terms.template, terms.jobs)
    order = _add_names(engine, order, terms)
    for source in terms.sources if named is None else ():
        if executor is not None and by is not None and where.member is not None:
            _require_nobody_hidden(source.job)
        must_fit_its_template(source.job, "export")
    if since is not None:
        terms = _find_changes(engine, terms, since, order)
        order = attrs.evolve(order, is_increment=True)
    work = _Work(executor, partitions, progress)
    if split is None:
        return _write_files(engine, [_Place("", cast(Target, target), terms)], order, work)[""]
    places = [
        _Place(name, place, terms.take(SplitPart(split, name)))
        for name, place in name_targets(target, split).items()
    ]
    return _sum_up(_write_files(engine, places, order, work))


@attrs.frozen
class SnapshotRequest:
    """What a snapshot is asked to have, and where."""

    jobs: DatasetRef
    target: str
    where: Selection
    by: MemberRef | None
    progress: Wrap | None


def export_snapshot(
    engine: Engine, request: SnapshotRequest, check: Callable[[Sequence[Job]], None]
) -> SnapshotFile:
    """Write the results of jobs as they are at one moment, without votes that are secret.

    Args:
        engine: The engine.
        request: The snapshot.
        check: What has to be true of the jobs before anything is written.
    """
    query = ResultQuery(
        *("results.export", request.by, request.where),
        snapshot=True,
        needed=NEEDED,
        hides_votes=True,
    )
    terms = _find_terms(engine, request.jobs, query)
    check([source.job for source in terms.sources])
    for source in terms.sources:
        must_fit_its_template(source.job, "export")
    order = _Order(FORMAT, None, "report", {}, terms.template, terms.jobs)
    order = _add_names(engine, order, terms)
    work = _Work(None, None, request.progress)
    report = _write_files(engine, [_Place("", request.target, terms)], order, work)[""]
    return SnapshotFile(
        request.target,
        terms.jobs,
        terms.queries[0].where,
        rows=report.rows,
        sha256=report.sha256,
        complete_to=report.complete_to,
        template=codec.to_json(terms.template),
    )


def _keep(engine: Engine, terms: _Terms, named: str) -> _Terms:
    """Return *terms* with the results of a snapshot, and what was asked then."""
    if any(isinstance(part.job, JobPartition) for part in terms.dataset.parts):
        reason = "has all tasks that were selected when it was made: pass the job, and no part"
        raise InvalidData("the export", [Problem("snapshot", reason)])
    jobs = [source.job for source in terms.sources]
    if terms.queries[0].by is not None:
        require_nobody_blind(jobs)
    kept = find_kept(engine, jobs, named)
    complete_to = kept.snapshot.complete_to
    return attrs.evolve(terms, kept=kept, template=kept.template, complete_to=complete_to)


def _sum_up(reports: Mapping[str, WriteReport]) -> WriteReport:
    """Return what the files of a split have in all."""
    report = reduce(add, reports.values())
    # what was erased may have been in any of the files, and is left out of each
    report = attrs.evolve(report, erased=max(each.erased for each in reports.values()))
    return attrs.evolve(report, splits={name: each.rows for name, each in reports.items()})


@attrs.frozen
class _Work:
    """Who does the work of an export."""

    executor: Executor | None
    partitions: int | None
    progress: Wrap | None


@attrs.frozen
class _Place:
    """One of the files that an export writes, and what it has."""

    name: str
    """The part of the split that it is; empty without one."""
    target: Target
    terms: _Terms


def _write_files(
    engine: Engine, places: Sequence[_Place], order: _Order, work: _Work
) -> dict[str, WriteReport]:
    """Write files, which take their places when all are written, and return what each has."""
    done: list[tuple[_Place, HashedFile, _Written]] = []
    with ExitStack() as files:
        for place in places:
            hashed = files.enter_context(open_hashed_target(place.target))
            with hashed.open() as file:
                done.append((place, hashed, _write_file(engine, place.terms, file, order, work)))
        # before the files take their places: there is none without its event
        for place, hashed, written in done:
            _record(engine, place, order, written, hashed)
    return {
        place.name: attrs.evolve(
            written.report, sha256=hashed.sha256, complete_to=place.terms.complete_to
        )
        for place, hashed, written in done
    }


def _write_file(
    engine: Engine, terms: _Terms, file: BinaryFile, order: _Order, work: _Work
) -> _Written:
    if work.executor is None:
        results: Iterable[Result] = _read(engine, terms)
        if work.progress is not None:
            results = show(results, terms.count_tasks(), work.progress)
        written = _write(results, file, order)
        if terms.kept is not None and terms.kept.hides_texts:
            losses = {**written.report.losses, TEXTS: written.report.rows}
            return attrs.evolve(written, report=attrs.evolve(written.report, losses=losses))
        return written
    shares = _split(engine, terms.sources, work.partitions)
    # closed also when the caller's progress bar or the target fails: that cancels what is not begun
    with closing(_write_shares(engine, work.executor, shares, order, terms)) as parts:
        return _join(show(parts, len(shares), work.progress), file)


def _read(engine: Engine, terms: _Terms) -> Iterator[Result]:
    if terms.kept is None:
        return read_dataset(engine, terms.dataset, terms.queries, changes=terms.changes)
    pairs = zip(terms.sources, terms.queries, strict=True)
    return read_kept(engine, terms.kept, {source.job.id: query for source, query in pairs})


def _add_names(engine: Engine, order: _Order, terms: _Terms) -> _Order:
    """Return *order* with what jobs and members are called; its options are checked first.

    Raises:
        InvalidData: when an option is wrong: nothing is written then.
    """
    context = order.make_context()
    by_account = bool(context.options.get(ACCOUNTS.name))
    return attrs.evolve(
        order,
        job_names={source.job.id: source.job.name for source in terms.sources},
        name_member=_read_names(engine, terms, by_account=by_account),
    )


def _read_names(engine: Engine, terms: _Terms, *, by_account: bool) -> Callable[[int], str]:
    """Return what says how a file calls a member; accounts are read now, and not meanwhile."""
    home = terms.sources[0].job.workspace
    with engine.store.read() as reader:
        if not by_account:
            return partial(make_pseudonym, reader.get(Workspace, (home,)))
        members = reader.find(Query(Member, {"workspace": home}))
        accounts = {member.id: member.account for member in members}
    return accounts.__getitem__


def _record(
    engine: Engine, place: _Place, order: _Order, written: _Written, file: HashedFile
) -> None:
    terms = place.terms
    told = WrittenFile(
        format=formats.name_format(order.format_itself),
        target=get_file_name(place.target),
        split=place.name,
        sha256=file.sha256,
        size=file.size,
        stages=order.stages,
        jobs=terms.jobs,
        since=terms.since,
        complete_to=terms.complete_to,
    )
    jobs = {
        source.job.id: WrittenJob(source.job, sorted(written.tasks[source.job.id]), query.where)
        for source, query in zip(terms.sources, terms.queries, strict=True)
    }
    record_export(engine, told, list(jobs.values()), terms.queries[0].by)


def _find_terms(engine: Engine, jobs: DatasetRef, query: ResultQuery) -> _Terms:
    """Return what is exported; members and packages that are selected by key.

    Raises:
        InvalidData: when the jobs do not make one dataset.
    """
    # before anything is read: what happens meanwhile may be in the file, and comes again
    complete_to = engine.store.high_water_mark()
    with engine.store.read() as reader:
        sources = read_sources(engine, reader, jobs, query, "the export")
        queries = [
            query
            if query.where == ALL_TASKS
            else attrs.evolve(query, where=find_selection(reader, source.job, query.where))
            for source in sources
        ]
    parts = tuple(
        # of a whole job also what comes while it is exported
        DatasetSource(ref if isinstance(ref, JobPartition) else source.job, source.names)
        for ref, source in zip(list_jobs(jobs, "the export"), sources, strict=True)
    )
    dataset = DatasetSources(parts, get_duplicates(jobs, "error"))
    template = sources[0].template
    if len(sources) > 1:
        template = combine_templates(sources)
    return _Terms(sources, dataset, queries, template, complete_to)


def _find_changes(engine: Engine, terms: _Terms, since: Since, order: _Order) -> _Terms:
    """Return *terms* with what may have changed since an earlier export.

    Raises:
        InvalidData: when *since* is no place to go on from, or an export of something else.
    """
    query = terms.queries[0]
    if isinstance(since, Export):
        wanted: dict[str, Any] = {
            "format": formats.name_format(order.format_itself),
            "jobs": terms.jobs,
            "where": describe_selection(query.where),
            "stages": None if order.stages is None else tuple(each.value for each in order.stages),
        }
        if problems := find_differences(since, wanted):
            raise InvalidData("the export", problems)
    position = parse_since(since, terms.complete_to)
    changes = list[Changes]()
    # from the beginning there is nothing to look up: no file is there to take a task out of
    if position:
        span = Span(position + 1, terms.complete_to)
        jobs = [source.job for source in terms.sources]
        changes = [find_changes(engine, job, span, for_member=query.by is not None) for job in jobs]
    return attrs.evolve(terms, since=position, changes=changes)


_Share = tuple[int, JobPartition]
"""What a worker writes at once: a part of one of the jobs, by its place among them."""


def _write_shares(
    engine: Engine, executor: Executor, shares: Sequence[_Share], order: _Order, terms: _Terms
) -> Generator[tuple[_Written, bytes]]:
    """Yield the parts of the file that workers write, in order; who exports is asked before each.

    Whether they still may is asked for each of the jobs.
    """
    # a store in memory cannot be opened by another process: threads share the engine
    source = engine.store.connector() or engine
    by = terms.queries[0].by
    # workers do not know the policy: they leave out all votes that are secret from anybody
    queries = [attrs.evolve(each, by=None, hides_votes=by is not None) for each in terms.queries]
    # a worker is told the jobs by key: of others it needs no more to find duplicates
    parts = [
        attrs.evolve(part, job=part.job if isinstance(part.job, JobPartition) else each.job.id)
        for part, each in zip(terms.dataset.parts, terms.sources, strict=True)
    ]
    dataset = attrs.evolve(terms.dataset, parts=parts)

    def check(reader: Reader) -> None:
        for each in terms.sources:
            require_readable(engine, reader, "results.export", each.job, by)

    with closing(
        map_partitions(executor, shares, _write_bytes, source, order, dataset, queries)
    ) as written:
        yield from check_each(engine.store, written, check)


def _write(results: Iterable[Result], target: Target, order: _Order) -> _Written:
    left_out = Counter[str]()
    # eight bytes for each task: the event of the export names them
    tasks: _Tasks = defaultdict(partial(array, "q"))
    # dropped before the format sees them: the formats of other packages need not know of erasing
    kept = _skip_excluded(results, left_out, tasks)
    report = formats.write_in(order.format_itself, kept, target, order.make_context())
    report = attrs.evolve(report, erased=left_out["erased"], withdrawn=left_out["withdrawn"])
    return _Written(report, tasks)


def _make_portable(format: FormatRef) -> FormatRef | _ModuleName:
    """Return a format as it can be sent to a worker."""
    if isinstance(format, ModuleType):
        return _ModuleName(format.__name__)
    return format


def _split(engine: Engine, sources: Sequence[TableSource], count: int | None) -> list[_Share]:
    """Return the parts in which workers write *sources*: so many, or one for each `PART` tasks.

    Of several jobs each has as many of them as is its share of the tasks, and at least one.
    """
    total = sum(len(source.part) for source in sources)
    shares = list[_Share]()
    for index, source in enumerate(sources):
        # at least one: an empty job has a file too
        own = max(1, math.ceil(len(source.part) / PART))
        if count is not None:
            own = max(1, round(count * len(source.part) / total) if total else 1)
        shares += [(index, part) for part in partition_job(engine, source.part, own)]
    return shares


def _skip_excluded(
    results: Iterable[Result], left_out: Counter[str], tasks: _Tasks
) -> Iterator[Result]:
    """Yield the results of tasks that have data and were not withdrawn, and count the others.

    What an increment takes out of an earlier file is yielded, too.
    The numbers of the tasks are put into *tasks*.
    """
    for result in results:
        if result.removed:
            yield result
        elif result.task.erased:
            left_out["erased"] += 1
        elif result.state is TaskState.WITHDRAWN:
            left_out["withdrawn"] += 1
        else:
            tasks[result.task.job].append(result.task.number)
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


def _make_moments_error() -> InvalidData:
    reason = "the files of a split each show their own moment: leave one of the two out"
    return InvalidData("the export", [Problem("snapshot", reason)])


def _require_changing(
    format: FormatRef, jobs: DatasetRef, executor: Executor | None, named: str | None
) -> None:
    """Check that what changed can be exported.

    Raises:
        InvalidData: when it cannot.
    """
    if named is not None:
        reason = "a snapshot does not change: leave one of the two out"
        raise InvalidData("the export", [Problem("since", reason)])
    is_several = len(list_jobs(jobs, "the export")) > 1
    duplicates = get_duplicates(jobs, "error") if is_several else "keep"
    require_incremental(format, duplicates, is_divided=executor is not None)


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
    share: _Share,
    /,
    source: StoreSource,
    order: _Order,
    dataset: DatasetSources,
    queries: Sequence[ResultQuery],
) -> tuple[_Written, bytes]:
    """Return a part of the file, as a worker makes it, whose application asked the policy.

    Args:
        share: The part.
        source: Where the worker reads.
        order: How it is written.
        dataset: All jobs: the others tell what is a duplicate.
        queries: What is read of each of them.
    """
    file = io.BytesIO()
    index, partition = share
    parts = list(dataset.parts)
    parts[index] = attrs.evolve(parts[index], job=partition)
    with _open_engine(source) as engine:
        mine = attrs.evolve(dataset, parts=parts)
        results = read_dataset(engine, mine, queries, range(index, index + 1))
        written = _write(results, file, order)
    return written, file.getvalue()


def _join(parts: Iterable[tuple[_Written, bytes]], file: BinaryFile) -> _Written:
    """Write parts of a file one after the other; each is dropped before the next is waited for."""
    reports: list[WriteReport] = []
    tasks: _Tasks = defaultdict(partial(array, "q"))
    for written, content in parts:
        file.write(content)
        reports.append(written.report)
        for job, numbers in written.tasks.items():
            tasks[job].extend(numbers)
    return _Written(reduce(add, reports), tasks)
