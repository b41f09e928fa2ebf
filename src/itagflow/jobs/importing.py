"""Finished jobs from elsewhere: a manifest with its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, cast

import attrs

from itagflow import jsontext
from itagflow.access import Action
from itagflow.core.change import record
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef, iterate_query
from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import parse_key
from itagflow.jobs import importing_rules, rules
from itagflow.jobs.importing_rules import ImportedTask
from itagflow.jobs.loading import MAX_PROBLEMS, LoadSpec, load, read_rows
from itagflow.jobs.service import JobSpec, delete, draft_job
from itagflow.model.entity import Entity
from itagflow.model.job import Accept, Inspect, Job, Label, Rule, Stage, Workflow
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.reply import Replies
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
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
    by: MemberRef


def import_job(
    engine: Engine,
    workspace: WorkspaceRef,
    spec: JobSpec,
    data: LoadSpec,
    *,
    of_job: str | None = None,
) -> Job:
    """Read an exported manifest as a finished job: rows become tasks, blocks become results."""
    origin = _find_origin(read_rows(data.data, data.format), of_job)
    if spec.workflow is None:
        workflow = Workflow(*(RULES[stage] for stage in origin.stages))
        spec = attrs.evolve(spec, workflow=workflow)
    job = draft_job(engine, workspace, spec, id=parse_key(origin.label_id))
    try:
        load(engine, job, attrs.evolve(data, data=origin.rows))
        _import_results(engine, job, origin.label_id, data)
        return _finish(engine, job, data.by)
    except Exception:
        # a job that is half imported would look like one that is finished
        delete(engine, job, by=data.by)
        raise


def _import_results(engine: Engine, job: Job, label_id: str, data: LoadSpec) -> None:
    """Store the results of every package, until one is bad; then only look for what else is.

    Raises:
        InvalidData: when results are bad that are not to be skipped.
    """
    with engine.store.read() as reader:
        template = reader.get(Template, (job.template,))
    running = _Import(engine=engine, job=job, template=template, label_id=label_id, by=data.by)
    problems, bad = list[Problem](), 0
    waiting = Query(Package, {"job": job.id, "state": PackageState.LABEL}, order=("number",))
    for packages in group_packages(iterate_query(engine.store, waiting), TASKS_PER_TRANSACTION):
        by_package, wrong = _read_results(running, packages)
        # all are counted, but memory stays bounded when every result is bad
        problems += wrong[: MAX_PROBLEMS - len(problems)]
        bad += len(wrong)
        if data.on_error == "skip" or not bad:
            _store_results(running, by_package)
    if bad and data.on_error == "raise":
        raise InvalidData(f"the results of job {job.name!r}", problems, bad)


def _finish(engine: Engine, job: Job, by: MemberRef) -> Job:
    with engine.transaction() as transaction:
        counter = transaction.lock_job_counter(job.id)  # before the job, in the common order
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        new = rules.advance_job(old, "import", tasks=counter.tasks)
        transaction.apply(
            record(ctx, "import", about=new, save=((old, new),), data={"name": old.name})
        )
        return transaction.as_stored(new)


def _find_origin(rows: Iterator[object], of_job: str | None) -> _Origin:
    """Return the rows, the job whose results are read, and the stages of the first results.

    Raises:
        InvalidData: when there are none, or those of several jobs.
    """
    # Rows come from an iterator that gives each once: those that were checked go first again.
    seen = list[object]()
    for item in rows:
        seen.append(item)
        by_job = _find_blocks(item)
        if of_job is None and len(by_job) > 1:
            reason = f"has results of the jobs {', '.join(by_job)}: pass of_job="
            raise InvalidData("the data", [Problem(f"row {len(seen)}", reason)])
        if by_job and of_job in (None, *by_job):
            label_id = next(iter(by_job)) if of_job is None else of_job
            return _Origin(chain(seen, rows), label_id, tuple(by_job[label_id]))
        if len(seen) == MAX_ROWS_WITHOUT_RESULT:
            break
    whose = "" if of_job is None else f" of job {of_job}"
    where = "in the first row" if len(seen) == 1 else f"in the first {len(seen)} rows"
    reason = f"no results{whose} {where}: nothing to import; `jobs.create` takes rows without"
    raise InvalidData("the data", [Problem("", reason)])


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
    running: _Import, packages: Sequence[Package]
) -> tuple[dict[int, list[ImportedTask]], list[Problem]]:
    """Return the tasks with their valid results by package, and the problems of the others."""
    numbers = tuple(package.number for package in packages)
    query = Query(Task, {"job": running.job.id, "package": numbers}, order=("package", "number"))
    # read to its end before anything is parsed: no transaction is open while that takes its time
    with running.engine.store.read() as reader:
        tasks = list(reader.find(query))
    by_package, problems = dict[int, list[ImportedTask]](), list[Problem]()
    for task in tasks:
        results, wrong = _read_task_results(running, task)
        by_package.setdefault(task.package, []).append((task, results))
        problems += wrong
    return by_package, problems


def _read_task_results(running: _Import, task: Task) -> tuple[dict[Stage, Replies], list[Problem]]:
    """Return the replies at each stage with valid results, and the problems of the others."""
    from itagflow.formats import itag  # loaded when something is imported

    try:
        row = jsontext.loads(task.row)
        by_stage = itag.results_in(row, running.template, job=running.label_id)
    except InvalidData as error:
        return {}, _problems_at(str(task), error.problems)
    results, problems = dict[Stage, Replies](), list[Problem]()
    for stage, replies in by_stage.items():
        wrong = answers.find_problems(running.template, replies, task)
        if not running.job.workflow.has(stage):
            reason = "the workflow has no such stage: pass workflow= with all that the rows have"
            wrong = [Problem("", reason)]
        problems += _problems_at(f"{task}, {stage.value}", wrong)
        if not wrong:
            results[stage] = replies
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
            save = ((old, imported.package),)
            transaction.apply(record(ctx, "import", about=imported.package, add=add, save=save))
