"""The template of a job that is under way: changed together with its answers, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.change import Saved, record
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
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.migration import TemplateChange, TemplateReport, TemplateStep
from itagflow.model.package import Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader, Span
from itagflow.template_changes import rules
from itagflow.template_changes.answers import Tally, follow, must_still_ask
from itagflow.template_changes.rules import Migration


def change_template(
    engine: Engine,
    job: JobRef,
    to: Template | TemplateStep | Iterable[TemplateStep],
    *,
    by: MemberRef,
    dry_run: bool = False,
) -> TemplateReport:
    """Change the template of a job and migrate its answers; or only report the effect."""
    home, template = _changeable(engine, job, by)
    wanted = (
        to if isinstance(to, Template) else (to,) if isinstance(to, TemplateStep) else tuple(to)
    )
    if dry_run:
        jobs_rules.must_fit_its_template(home, "try another change of the template")
    elif home.pending_template_change is not None:
        rest = _follow(engine, home, home.pending_template_change, by)
        if not wanted:
            return rest.report(template.version)
        home, template = _changeable(engine, job, by)
    jobs_rules.must_not_be_archived(home, "change its template")
    migration = _migration(template, wanted)
    last, tally = _look(engine, home, migration)
    if not dry_run and not migration.is_empty:
        tally.refuse(home.name)
        home = _change(engine, home, migration, last, by)
        tally = (
            tally
            if home.pending_template_change is None
            else _follow(engine, home, home.pending_template_change, by)
        )
    return tally.report(template.version if migration.is_empty else migration.after.version)


def _changeable(engine: Engine, ref: JobRef, by: MemberRef) -> tuple[Job, Template]:
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        access.check(
            engine.policy, lookup.member(reader, job.workspace, by), Action.MANAGE_JOB, job, None
        )
        return job, reader.get(Template, (job.template,))


def _look(engine: Engine, job: Job, migration: Migration) -> tuple[int, Tally]:
    """Return the job's last position, and the report on the answers up to it or later."""
    # behind it an open transaction may still put an answer
    seen = Span(None, engine.store.high_water_mark())
    with engine.store.read() as reader:
        last = first(
            reader, Query(Event, {"job": job.id, "position": seen}, order=("-position",), limit=1)
        )
        loaded = last_number(reader, Task, job.id)

    def page(reader: Reader, task: int) -> tuple[list[Answer], int | None]:
        tasks = Span(task, task + PAGE - 1)
        found = list(
            reader.find(
                Query(Answer, {"job": job.id, "task": tasks, "is_resolved": True}, order=("task",))
            )
        )
        return found, task + PAGE if task + PAGE <= loaded else None

    tally = Tally()
    for answer in iterate_pages(engine.store, page, 1):
        tally.carried(migration, answer)
    return last.position if last else 0, tally


def _change(engine: Engine, home: Job, migration: Migration, last: int, by: MemberRef) -> Job:
    """Put the new template in place, and return the job, whose answers may have to follow."""
    with engine.transaction() as transaction:
        old = transaction.lock_job(home)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        jobs_rules.must_not_be_archived(old, "change its template")
        template = migration.before
        must_still_ask(transaction, old, template)
        tally = Tally()
        for answer in _said_since(transaction.store, old, last):
            tally.carried(migration, answer)
        tally.refuse(old.name)
        own = lookup.has_own_template(transaction.store, old)
        id = template.id if own else transaction.new_id(Template)
        asked = attrs.evolve(migration.after, id=id, name="")
        change = TemplateChange(template, migration.steps)
        new = attrs.evolve(
            old, template=id, pending_template_change=change if change.steps else None
        )
        data = {"name": old.name, "version": asked.version, **codec.to_json(change)}
        add, save = list[Entity](), list[Saved]()
        if own:
            save.append((template, asked))
        else:
            add.append(asked)
        save.append((old, new))
        transaction.do(record(act, "change_template", about=new, add=add, save=save, data=data))
        return transaction.as_stored(new)


def _follow(engine: Engine, home: Job, change: TemplateChange, by: MemberRef) -> Tally:
    """Let the answers of every package follow *change*, unless somebody else is faster."""
    migration, tally = rules.again(change), Tally()
    with engine.store.read() as reader:
        # what comes later is answered by the new template
        last = last_number(reader, Package, home.id)
    for number in range(1, last + 1):
        with engine.transaction() as transaction:
            package = transaction.lock_package((home.id, number))
            job = transaction.job(home.id)
            act = transaction.allowed(job.workspace, by, Action.MANAGE_JOB, job)
            if job.pending_template_change != change:
                return tally
            follow(transaction, job, package, migration, act, tally)
    with engine.transaction() as transaction:
        old = transaction.lock_job(home.id)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        if old.pending_template_change == change:
            new = attrs.evolve(old, pending_template_change=None)
            data = {"name": old.name, "version": migration.after.version, "changed": tally.changed}
            transaction.do(record(act, "migrate", about=new, save=((old, new),), data=data))
    return tally


def _migration(template: Template, to: Template | tuple[TemplateStep, ...]) -> Migration:
    return (
        rules.by_template(template, to)
        if isinstance(to, Template)
        else rules.by_steps(template, to)
    )


def _said_since(reader: Reader, job: Job, last: int) -> Iterator[Answer]:
    """Yield the answers of assignments that an event after position *last* names or changes."""
    assignments = set[int]()
    for event in reader.find(Query(Event, {"job": job.id, "position": Span(last + 1, None)})):
        assignments.update(
            (
                event.assignment,
                *(int(move.key[1]) for move in event.changes if move.kind == "assignment"),
            )
        )
    for assignment in sorted(assignments):
        yield from reader.find(
            Query(
                Answer,
                {"job": job.id, "assignment": assignment, "is_resolved": True},
                order=("task",),
            )
        )
