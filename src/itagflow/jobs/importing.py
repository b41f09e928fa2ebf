"""Finished jobs from elsewhere: an exported file with its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import attrs

from itagflow import jsontext
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import show
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, TemplateRef, WorkspaceRef, iterate_query
from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import parse_key
from itagflow.jobs import importing_rules, rules
from itagflow.jobs.importing_rules import ImportedTask
from itagflow.jobs.loading import LoadSpec, load, must_be_valid, read_source
from itagflow.jobs.previewing import RowPreview, look_ahead, read_again
from itagflow.jobs.row_sources import read_rows
from itagflow.jobs.service import (
    DraftIds,
    JobSpec,
    delete,
    design_job,
    draft_job,
    require_free_name,
)
from itagflow.model.change import record
from itagflow.model.entity import Entity
from itagflow.model.job import Accept, Inspect, Job, Label, Rule, Stage, Workflow
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.reply import Replies
from itagflow.model.reports import MAX_PROBLEMS, LeftOut
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.model.text import format_value
from itagflow.prelabels.service import group_packages
from itagflow.storage.port import Query
from itagflow.template_changes.answers import must_still_ask
from itagflow.validation import answers

TASKS_PER_TRANSACTION = 1_000
"""About how many tasks are stored in one transaction."""
MAX_ROWS_WITHOUT_RESULT = 10_000
"""How many rows may come without a result before the first one with.

They are kept in memory until then, and a file without any result is refused before it is read to
its end.
"""
RULES: dict[Stage, Rule] = {Stage.LABEL: Label(), Stage.INSPECT: Inspect(), Stage.ACCEPT: Accept()}
"""The rule of each stage of a workflow that is read off the results."""


@attrs.frozen
class _Origin:
    """Where results come from."""

    rows: Iterable[Any]
    """All rows of the data."""
    label_id: str
    """The id of the job whose results are read, as in ``label-<id>``."""
    is_named: bool
    """Whether the caller has said so."""
    stages: tuple[Stage, ...]
    """The stages of its first result."""


@attrs.frozen(kw_only=True)
class _Import:
    """An import that runs."""

    engine: Engine
    job: Job
    """The job that the results become part of."""
    template: Template
    label_id: str
    is_named: bool
    """Whether the caller has said that this is the job whose results are meant."""
    by: MemberRef


@attrs.define
class _ResultCounts:
    """The results that were not imported so far, and why."""

    no_result: int = 0
    bad_results: int = 0
    total: int = 0
    """How many problems they have."""
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def add(self, problems: Sequence[Problem]) -> None:
        self.bad_results += 1
        self.total += len(problems)
        # all are counted, but memory stays bounded when every result is bad
        self.problems += problems[: MAX_PROBLEMS - len(self.problems)]

    def as_left_out(self) -> LeftOut:
        return LeftOut(
            no_result=self.no_result,
            bad_results=self.bad_results,
            problems=tuple(self.problems),
        )


def import_job(
    engine: Engine,
    workspace: WorkspaceRef,
    spec: JobSpec,
    data: LoadSpec,
    *,
    of_job: str | None = None,
) -> Job:
    """Read an exported file as a finished job: rows become tasks, blocks become results."""
    must_be_valid(data)
    if of_job is not None and not isinstance(cast(object, of_job), str):
        reason = f"must be the id in 'label-<id>' as a text, not {format_value(of_job)}"
        raise InvalidData("the data", [Problem("of_job", reason)])
    template = _read_template(engine, workspace, spec.template)
    origin = _find_origin(read_rows(data.data, data.format, template=template), of_job)
    if spec.workflow is None:
        workflow = Workflow(*(RULES[stage] for stage in origin.stages))
        spec = attrs.evolve(spec, workflow=workflow)
    rows, ids = _preview(engine, workspace, spec, origin, data)
    job = draft_job(engine, workspace, spec, ids)
    try:
        load(engine, job, rows)
        counts = _import_results(engine, job, origin, data)
        return _finish(engine, job, data.by, counts.as_left_out())
    except Exception:
        # a job that is half imported would look like one that is finished
        delete(engine, job, by=data.by)
        raise


def _read_template(engine: Engine, workspace: WorkspaceRef, template: TemplateRef) -> Template:
    """Return what was asked: the format of the file may need it to tell the answers."""
    if isinstance(template, Template):
        return template
    with engine.store.read() as reader:
        return lookup.template(reader, lookup.workspace(reader, workspace).id, template)


@attrs.define
class _ResultPreview:
    """The rows that were read, and what is wrong with them or their results."""

    running: _Import
    rows: RowPreview
    results: _ResultCounts = attrs.field(factory=_ResultCounts)

    def add(self, item: object) -> None:
        """Look at the next row, and at its results if it would become a task."""
        row = self.rows.add(item)
        if row is None:
            return
        task = Task(
            job=self.running.job.id,
            number=self.rows.tasks,
            package=1,
            row=row.text,
            row_key_text=row.row_key,
        )
        _, wrong = _read_task_results(self.running, task)
        if wrong:
            self.results.add(wrong)

    @property
    def has_problems(self) -> bool:
        return self.rows.has_problems or self.results.bad_results > 0


def _preview(
    engine: Engine, workspace: WorkspaceRef, spec: JobSpec, origin: _Origin, data: LoadSpec
) -> tuple[LoadSpec, DraftIds]:
    """Return the rows, the first of them read, and the ids of the job that they are for.

    What can be known now to be refused is refused now: so it leaves no trace.

    Raises:
        AlreadyExists: when the workspace has a job of this name.
        InvalidData: when rows or results are bad that are not to be skipped.
        Incomplete: when no row becomes a task.
    """
    # A transaction because jobs are designed in one.  Nothing is applied to it.
    with engine.transaction() as transaction:
        design = design_job(transaction, workspace, spec, DraftIds(parse_key(origin.label_id)))
        require_free_name(transaction, design.job)
    job, template = design.job, design.template
    running = _Import(
        engine=engine,
        job=job,
        template=template,
        label_id=origin.label_id,
        is_named=origin.is_named,
        by=data.by,
    )
    preview = _ResultPreview(running, RowPreview(job, template))
    given = attrs.evolve(data, data=origin.rows)
    rows = read_source(job, template, given)
    again, are_all = look_ahead(rows, preview, given, TASKS_PER_TRANSACTION)
    if data.on_error == "raise":
        preview.rows.raise_problems()
        _raise_problems(job, preview.results)
    if are_all:
        rules.advance_job(job, "import", tasks=preview.rows.tasks)
    return again, design.ids


def _raise_problems(job: Job, counts: _ResultCounts) -> None:
    """Raise what is wrong with the results of *job*, if anything is.

    Raises:
        InvalidData: when results are bad.
    """
    if counts.bad_results:
        raise InvalidData(f"the results of job {job.name!r}", counts.problems, counts.total)


def _import_results(engine: Engine, job: Job, origin: _Origin, data: LoadSpec) -> _ResultCounts:
    """Store the results of every package, until one is bad; then only look for what else is.

    Raises:
        InvalidData: when results are bad that are not to be skipped, or those of another job are
            among them.
    """
    waiting = Query(Package, {"job": job.id, "state": PackageState.LABEL}, order=("number",))
    with engine.store.read() as reader:
        template = reader.get(Template, (job.template,))
        total = reader.count(waiting)
    running = _Import(
        engine=engine,
        job=job,
        template=template,
        label_id=origin.label_id,
        is_named=origin.is_named,
        by=data.by,
    )
    counts = _ResultCounts()
    shown = show(iterate_query(engine.store, waiting), total, data.progress)
    for packages in group_packages(shown, TASKS_PER_TRANSACTION):
        by_package = _read_results(running, packages, counts)
        if data.on_error == "skip" or not counts.bad_results:
            _store_results(running, by_package)
    if data.on_error == "raise":
        _raise_problems(job, counts)
    return counts


def _finish(engine: Engine, job: Job, by: MemberRef, left_out: LeftOut) -> Job:
    with engine.transaction() as transaction:
        counter = transaction.lock_job_counter(job.id)  # before the job, in the common order
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        new = rules.advance_job(old, "import", tasks=counter.tasks)
        data = {"name": old.name, **left_out.to_data()}
        transaction.apply(record(ctx, "import", about=new, save=((old, new),), data=data))
        return transaction.as_stored(new)


def _find_origin(rows: Iterator[object], of_job: str | None) -> _Origin:
    """Return the rows, the job whose results are read, and the stages of the first results.

    Raises:
        InvalidData: when there are none, or those of several jobs.
    """
    # Rows come from an iterator that gives each once: those that were checked go first again.
    seen: list[object] = []
    for item in rows:
        seen.append(item)
        by_job = _find_blocks(item)
        if of_job is None and len(by_job) > 1:
            raise _make_several_jobs_error(f"row {len(seen)}", by_job)
        if by_job and of_job in (None, *by_job):
            label_id = next(iter(by_job)) if of_job is None else of_job
            stages = tuple(by_job[label_id])
            return _Origin(read_again(seen, rows), label_id, of_job is not None, stages)
        if len(seen) == MAX_ROWS_WITHOUT_RESULT:
            break
    whose = "" if of_job is None else f" of job {of_job}"
    where = "in the first row" if len(seen) == 1 else f"in the first {len(seen)} rows"
    reason = f"no results{whose} {where}: nothing to import; `jobs.create` takes rows without"
    raise InvalidData("the data", [Problem("", reason)])


def _make_several_jobs_error(where: str, jobs: Iterable[str]) -> InvalidData:
    reason = f"has results of the jobs {', '.join(jobs)}: pass of_job= with the one that is meant"
    return InvalidData("the data", [Problem(where, reason)])


def _find_blocks(item: object) -> dict[str, dict[Stage, Any]]:
    """Return a row's results by job and stage; none for a bad row, which loading reports."""
    from itagflow.formats import itag  # loaded when something is imported

    text = item.text if isinstance(item, Row) else item
    try:
        content: Any = jsontext.loads(text) if isinstance(text, str) else text
        if isinstance(content, dict):
            return itag.blocks(cast("dict[str, Any]", content))
    except (ValueError, RecursionError):
        return {}  # not JSON, or not results
    return {}


def _read_results(
    running: _Import, packages: Sequence[Package], counts: _ResultCounts
) -> dict[int, list[ImportedTask]]:
    """Return the tasks with their valid results by package; count the others."""
    numbers = tuple(package.number for package in packages)
    query = Query(Task, {"job": running.job.id, "package": numbers}, order=("package", "number"))
    # read to its end before anything is parsed: no transaction is open while that takes its time
    with running.engine.store.read() as reader:
        tasks = list(reader.find(query))
    by_package: dict[int, list[ImportedTask]] = {}
    for task in tasks:
        results, wrong = _read_task_results(running, task)
        if wrong:
            counts.add(wrong)
            # Of a result that is bad at one stage no stage is imported: what a reviewer has changed
            # must not pass as what the labeler said.
            results = {}
        elif not results:
            counts.no_result += 1
        imported = ImportedTask(task=task, results=results, is_bad=bool(wrong))
        by_package.setdefault(task.package, []).append(imported)
    return by_package


def _read_task_results(running: _Import, task: Task) -> tuple[dict[Stage, Replies], list[Problem]]:
    """Return the replies at each stage with a result, and the problems of all.

    Raises:
        InvalidData: when the row has results of another job, and nobody has said which is meant.
    """
    from itagflow.formats import itag  # loaded when something is imported

    # the numbers of a row were checked when it was loaded
    row = jsontext.loads_own(task.row)
    jobs = _find_blocks(row)
    if not running.is_named and jobs.keys() - {running.label_id}:
        # Two manifests put together: the rows of the second would be tasks without a result.
        raise _make_several_jobs_error(str(task), sorted({running.label_id, *jobs}))
    try:
        by_stage = itag.results_in(row, running.template, job=running.label_id)
    except InvalidData as error:
        return {}, _problems_at(str(task), error.problems)
    results: dict[Stage, Replies] = {}
    problems: list[Problem] = []
    for stage, replies in by_stage.items():
        # with the text of spans that come without theirs, as when people save them
        complete = answers.normalize_replies(running.template, replies, task)
        wrong = answers.find_problems(running.template, complete, task)
        if not wrong:
            wrong = importing_rules.find_missing_texts(complete or {})
        if not running.job.workflow.has(stage):
            reason = "the workflow has no such stage: pass workflow= with all that the rows have"
            wrong = [Problem("", reason)]
        problems += _problems_at(f"{task}, {stage.value}", wrong)
        results[stage] = complete or {}
    return results, problems


def _problems_at(place: str, problems: Iterable[Problem]) -> list[Problem]:
    """Return *problems* with the place where what they are about is."""
    return [Problem(f"{place}, {problem.where}", problem.reason) for problem in problems]


def _store_results(running: _Import, by_package: dict[int, list[ImportedTask]]) -> None:
    """Store the results of some packages, in one transaction."""
    job = running.job
    with running.engine.transaction() as transaction:
        # checked against the template that was read, which somebody may have changed since
        must_still_ask(transaction, job, running.template)
        ctx = transaction.authorize(job.workspace, running.by, Action.MANAGE_JOB, job)
        for number, tasks in by_package.items():
            old = transaction.lock_package((job.id, number))
            ids = [transaction.new_id(Assignment, job.id) for _ in job.workflow.stages]
            imported = importing_rules.import_package(
                job, old, tasks, ctx, ids, template_version=running.template.version
            )
            add: list[Entity] = [*imported.assignments, *imported.answers]
            after, became = imported.package, imported.became
            change = record(
                ctx, "import", about=after, add=add, save=((old, after),), became=became
            )
            transaction.apply(change)
