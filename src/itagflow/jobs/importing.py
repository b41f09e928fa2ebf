"""Finished jobs from elsewhere: a manifest with its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, cast

from typing_extensions import Unpack

from itagflow import jsontext
from itagflow.access import Action
from itagflow.core.change import record
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    MemberRef,
    TemplateRef,
    WorkspaceRef,
    iterate_query,
)
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import key_in
from itagflow.jobs import importing_rules, rules
from itagflow.jobs.loading import (
    KEPT,
    Data,
    OnError,
    Wrap,
    load,
    rows_in,
)
from itagflow.jobs.service import JobNotes, JobOrder, delete, draft_job
from itagflow.model.job import (
    Accept,
    Inspect,
    Job,
    Label,
    Packaging,
    Rule,
    Stage,
    Workflow,
)
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.reply import Replies
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.prelabels.service import groups
from itagflow.storage.port import Query, Reader
from itagflow.template_changes.answers import must_still_ask
from itagflow.validation import answers

BLOCK = 1_000
"""About how many tasks are stored in one transaction."""
PEEK = 10_000
"""How many rows may come without a result before the first one with."""
RULES: dict[Stage, Rule] = {Stage.LABEL: Label(), Stage.INSPECT: Inspect(), Stage.ACCEPT: Accept()}


def import_job(
    engine: Engine,
    workspace: WorkspaceRef,
    name: str,
    *,
    template: TemplateRef,
    data: Data,
    by: MemberRef,
    of_job: str | None = None,
    workflow: Workflow | None = None,
    packaging: Packaging | None = None,
    on_error: OnError = "raise",
    row_key: str | None = None,
    progress: Wrap | None = None,
    **notes: Unpack[JobNotes],
) -> Job:
    """Read an exported manifest as a finished job: rows become tasks, blocks become results."""
    rows, source, stages = _peeked(rows_in(data, "itag"), of_job)
    flow = workflow or Workflow(*(RULES[stage] for stage in stages))
    id = key_in(source)
    order = JobOrder(
        name=name,
        template=template,
        workflow=flow,
        packaging=packaging,
        row_key=row_key,
        notes=notes,
    )
    job = draft_job(engine, workspace, order, by, id=id)
    try:
        load(engine, job, rows, by=by, on_error=on_error, progress=progress)
        _settle(engine, job, source, by, on_error)
        return _end(engine, job, by)
    except Exception:
        delete(engine, job, by=by)
        raise


def _settle(engine: Engine, job: Job, source: str, by: MemberRef, on_error: OnError) -> None:
    """Store the results of every package, until one is bad; then only look for what else is."""
    with engine.store.read() as reader:
        template = reader.get(Template, (job.template,))
    problems, bad = list[Problem](), 0
    waiting = Query(Package, {"job": job.id, "state": PackageState.LABEL}, order=("number",))
    for group in groups(iterate_query(engine.store, waiting), BLOCK):
        with engine.store.read() as reader:
            tasks = _tasks(reader, job, group)
        read = dict[int, list[Any]]()
        for task in tasks:
            results, found = _results(task, template, source, job)
            read.setdefault(task.package, []).append((task, results))
            problems += found[: KEPT - len(problems)]
            bad += len(found)
        if on_error == "skip" or not bad:
            with engine.transaction() as transaction:
                must_still_ask(transaction, job, template)
                _import(transaction, job, read, by, template.version)
    if bad and on_error == "raise":
        raise InvalidData(f"the results of job {job.name!r}", problems, bad)


def _end(engine: Engine, job: Job, by: MemberRef) -> Job:
    with engine.transaction() as transaction:
        counter = transaction.lock_job_counter(job.id)
        old = transaction.lock_job(job)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        new = rules.stepped(old, "import", tasks=counter.tasks)
        transaction.do(
            record(act, "import", about=new, save=((old, new),), data={"name": old.name})
        )
        return transaction.as_stored(new)


def _peeked(
    rows: Iterator[object], of_job: str | None
) -> tuple[Iterable[Any], str, tuple[Stage, ...]]:
    """Return the rows, the job whose results are read, and the stages of the first results.

    Raises:
        InvalidData: when there are none, or those of several jobs.
    """
    seen = list[object]()
    for item in rows:
        seen.append(item)
        found = _blocks(item)
        if of_job is None and len(found) > 1:
            reason = f"has results of the jobs {', '.join(found)}: pass of_job="
            raise InvalidData("the data", [Problem(f"row {len(seen)}", reason)])
        if found and of_job in (None, *found):
            source = next(iter(found)) if of_job is None else of_job
            return chain(seen, rows), source, tuple(found[source])
        if len(seen) == PEEK:
            break
    whose = "" if of_job is None else f" of job {of_job}"
    reason = (
        f"no results{whose} in the first {len(seen)} rows: nothing to import; "
        "`jobs.create` takes rows without"
    )
    raise InvalidData("the data", [Problem("", reason)])


def _blocks(item: object) -> dict[str, dict[Stage, Any]]:
    """Return a row's results by job and stage; none for a bad row, which loading reports."""
    from itagflow.formats import itag  # loaded when something is imported

    text = item.text if isinstance(item, Row) else item
    try:
        content: Any = jsontext.loads(text) if isinstance(text, str) else text
        return itag.blocks(cast("dict[str, Any]", content)) if isinstance(content, dict) else {}
    except (ValueError, RecursionError):
        return {}


def _tasks(reader: Reader, job: Job, group: Sequence[Package]) -> list[Task]:
    named = tuple(package.number for package in group)
    return list(
        reader.find(Query(Task, {"job": job.id, "package": named}, order=("package", "number")))
    )


def _results(
    task: Task, template: Template, source: str, job: Job
) -> tuple[dict[Stage, Replies], list[Problem]]:
    """Return the replies at each stage with valid results, and the problems of the others."""
    from itagflow.formats import itag  # loaded when something is imported

    results, problems = dict[Stage, Replies](), list[Problem]()
    try:
        said = itag.results_in(jsontext.loads(task.row), template, job=source)
    except InvalidData as error:
        return {}, [
            Problem(f"{task}, {problem.where}", problem.reason) for problem in error.problems
        ]
    for stage, replies in said.items():
        wrong = answers.problems(template, replies, task)
        if not job.workflow.has(stage):
            wrong = [
                Problem(
                    "", "the workflow has no such stage: pass workflow= with all that the rows have"
                )
            ]
        problems += [
            Problem(f"{task}, {stage.value}, {problem.where}", problem.reason) for problem in wrong
        ]
        if not wrong:
            results[stage] = replies
    return results, problems


def _import(
    transaction: Transaction, job: Job, read: dict[int, Any], by: MemberRef, version: int
) -> None:
    act = transaction.allowed(job.workspace, by, Action.MANAGE_JOB, job)
    for number, found in read.items():
        held = transaction.lock_package((job.id, number))
        ids = [transaction.new_id(Assignment, job.id) for _ in job.workflow.stages]
        package, assignments, said = importing_rules.imported(
            job, held, found, act, ids, template_version=version
        )
        transaction.do(
            record(act, "import", about=package, add=(*assignments, *said), save=((held, package),))
        )
