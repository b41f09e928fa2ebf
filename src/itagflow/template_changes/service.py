"""The template of a job that is under way: changed together with its answers, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    PAGE,
    JobRef,
    MemberRef,
    first,
    iterate_pages,
    last_number,
)
from itagflow.jobs import rules as jobs_rules
from itagflow.model.arguments import is_several, make_error, require_flag, require_wrapper
from itagflow.model.change import Saved, record
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.migration import TemplateChange, TemplateStep
from itagflow.model.package import Package
from itagflow.model.reports import TemplateReport
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.results.rules import must_fit_its_template
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader, Span
from itagflow.template_changes import rules
from itagflow.template_changes.answers import MigrationRun, migrate_package, must_still_ask
from itagflow.template_changes.rules import Migration


def change_template(
    engine: Engine,
    job: JobRef,
    to: Template | TemplateStep | Iterable[TemplateStep],
    *,
    by: MemberRef,
    dry_run: bool = False,
    progress: Wrap | None = None,
) -> TemplateReport:
    """Change the template of a job and migrate its answers; or only report the effect."""
    dry_run = require_flag("jobs.change_template", "dry_run", dry_run)
    progress = require_wrapper("jobs.change_template", "progress", progress)
    current, template = _read_job(engine, job, by)
    requested = _as_request(to)
    if dry_run:
        must_fit_its_template(current, "try another change of the template")
    elif current.pending_template_change is not None:
        # An earlier change broke off.  It is ended first: answers are in one of two templates until
        # then, and a third would be one too many.
        rest = _migrate_answers(engine, current, current.pending_template_change, by, progress)
        if not requested:
            return rest.make_report(template.version)
        current, template = _read_job(engine, job, by)
    jobs_rules.must_not_be_archived(current, "change its template")
    migration = _make_migration(template, requested)
    last, run = _check_answers(engine, current, migration, progress)
    if migration.is_empty:
        return run.make_report(template.version)
    if not dry_run:
        run.require_all_fit(current.name)
        changed = _store_template(engine, current, migration, last, by)
        if changed.pending_template_change is not None:
            run = _migrate_answers(engine, changed, changed.pending_template_change, by, progress)
    return run.make_report(migration.after.version)


def _as_request(
    to: Template | TemplateStep | Iterable[TemplateStep],
) -> Template | tuple[TemplateStep, ...]:
    if isinstance(to, Template):
        return to
    if isinstance(to, TemplateStep):
        return (to,)
    verb, wanted = "jobs.change_template", "a Template, or steps such as AddOption(…)"
    if not is_several(to):
        raise make_error(verb, "to", f"must be {wanted}", to)
    return tuple(to)


def _read_job(engine: Engine, ref: JobRef, by: MemberRef) -> tuple[Job, Template]:
    """Return the job and its template, after checking that *by* may change it.

    Raises:
        NotAllowed: when *by* may not manage jobs.
    """
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        member = lookup.member(reader, job.workspace, by)
        access.check(engine.policy, member, Action.MANAGE_JOB, job, None)
        return job, reader.get(Template, (job.template,))


def _check_answers(
    engine: Engine, job: Job, migration: Migration, progress: Wrap | None
) -> tuple[int, MigrationRun]:
    """Return the job's last position, and the counts of the answers up to it or later.

    All answers are read before anything is locked: that may take minutes, and work goes on.  Only
    those that came since are read again under the lock.
    """
    # behind it an open transaction may still put an answer
    complete = Span(None, engine.store.high_water_mark())
    with engine.store.read() as reader:
        query = Query(Event, {"job": job.id, "position": complete}, order=("-position",), limit=1)
        last = first(reader, query)
        last_task = last_number(reader, Task, job.id)
        total = reader.count(Query(Answer, {"job": job.id, "is_resolved": True}))

    def read_page(reader: Reader, start: int) -> tuple[list[Answer], int | None]:
        after = start + PAGE
        where: dict[str, Any] = {"job": job.id, "task": Span(start, after - 1), "is_resolved": True}
        page = list(reader.find(Query(Answer, where, order=("task",))))
        return page, after if after <= last_task else None

    run = MigrationRun(migration)
    for answer in show(iterate_pages(engine.store, read_page, 1), total, progress):
        run.migrate(answer)
    return last.position if last else 0, run


def _store_template(
    engine: Engine, job: Job, migration: Migration, last: int, by: MemberRef
) -> Job:
    """Put the new template in place, and return the job, whose answers may have to follow.

    Raises:
        InvalidData: when an answer that came behind position *last* would not fit.
        Conflict: when somebody else has changed the template since.
    """
    with engine.transaction() as transaction:
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        jobs_rules.must_not_be_archived(old, "change its template")
        template = migration.before
        must_still_ask(transaction, old, template)
        run = MigrationRun(migration)
        for answer in _find_answers_since(transaction.store, old, last):
            run.migrate(answer)
        run.require_all_fit(old.name)
        # One that has a name, or that other jobs use too, stays as it is: this job gets a copy.
        is_own = lookup.has_own_template(transaction.store, old)
        id = template.id if is_own else transaction.new_id(Template)
        after = attrs.evolve(migration.after, id=id, name="")
        change = TemplateChange(template, migration.steps)
        pending = change if change.steps else None
        new = attrs.evolve(old, template=id, pending_template_change=pending)
        add: list[Entity] = []
        save: list[Saved] = []
        if is_own:
            save.append((template, after))
        else:
            add.append(after)
        save.append((old, new))
        data = {"name": old.name, "version": after.version, **codec.to_json(change)}
        transaction.apply(record(ctx, "change_template", about=new, add=add, save=save, data=data))
        return transaction.as_stored(new)


def _migrate_answers(
    engine: Engine, job: Job, change: TemplateChange, by: MemberRef, progress: Wrap | None
) -> MigrationRun:
    """Let the answers of every package follow *change*, unless somebody else is faster.

    Each package is a transaction of its own.  When it breaks off it is called again: an answer that
    was migrated has the new version, and is left alone.
    """
    run = MigrationRun(rules.remake_migration(change))
    with engine.store.read() as reader:
        # what comes later is answered by the new template
        last = last_number(reader, Package, job.id)
    for number in show(range(1, last + 1), last, progress):
        with engine.transaction() as transaction:
            package = transaction.lock_package((job.id, number))
            current = transaction.job(job.id)
            ctx = transaction.authorize(current.workspace, by, Action.MANAGE_JOB, current)
            if current.pending_template_change != change:
                return run  # somebody else has ended it
            migrate_package(transaction, current, package, run, ctx)
    with engine.transaction() as transaction:
        old = transaction.lock_job(job.id)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        if old.pending_template_change == change:
            new = attrs.evolve(old, pending_template_change=None)
            version = run.migration.after.version
            data = {"name": old.name, "version": version, "changed": run.changed}
            transaction.apply(record(ctx, "migrate", about=new, save=((old, new),), data=data))
    return run


def _make_migration(
    template: Template, requested: Template | tuple[TemplateStep, ...]
) -> Migration:
    if isinstance(requested, Template):
        return rules.make_replacement(template, requested)
    return rules.make_migration(template, requested)


def _find_answers_since(reader: Reader, job: Job, last: int) -> Iterator[Answer]:
    """Yield the answers of assignments that an event after position *last* names or changes."""
    assignments: set[int] = set()
    for event in reader.find(Query(Event, {"job": job.id, "position": Span(last + 1, None)})):
        assignments.add(event.assignment)
        assignments.update(
            int(change.key[1]) for change in event.changes if change.kind == "assignment"
        )
    for assignment in sorted(assignments):
        where = {"job": job.id, "assignment": assignment, "is_resolved": True}
        yield from reader.find(Query(Answer, where, order=("task",)))
