"""The template of a job that is under way: changed together with its answers, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from itagflow.flow import _find
from itagflow.flow._act import Shell
from itagflow.flow._find import PAGE, JobRef, MemberRef, first, last_number, turned
from itagflow.flow._following import Tally, follow, must_still_ask
from itagflow.model.entity import Entity
from itagflow.model.event import Event
from itagflow.model.job import Job
from itagflow.model.migration import TemplateChange, TemplateReport, TemplateStep
from itagflow.model.package import Package
from itagflow.model.task import Answer, Task
from itagflow.model.template import Template
from itagflow.rules import access, carrying, jobs
from itagflow.rules.access import Action
from itagflow.rules.carrying import Migration
from itagflow.rules.change import Saved, record
from itagflow.storage import codec
from itagflow.storage.port import Query, Reader, Span


class Changing(Shell):
    """The verb that changes a template while people work with it."""

    def change_template(
        self,
        job: JobRef,
        to: Template | TemplateStep | Iterable[TemplateStep],
        *,
        by: MemberRef,
        dry_run: bool = False,
    ) -> TemplateReport:
        """Change the template of a job, and carry its answers over; or only say what that would come to.

        The job's template is one version newer afterwards; a template that has a name, or that other jobs use too,
        stays as it is, and the job gets a copy of its own.  Work goes on meanwhile: turns on hand are answered with
        the new template from then on.  Votes are carried over one by one, and not merged again.

        Answers follow package by package.  When the process ends in the middle, call it again, also without steps:
        it goes on where it was.

        Args:
            job: A job that is not archived.
            to: The step or steps of a migration, which change answers too; or a new template, which changes none.
            by: The member who decides.
            dry_run: Only count, and change nothing.

        Raises:
            InvalidData: when a step cannot be, or answers would not fit the new template; it says how many, and
                lists the first 1,000 problems, such as ``task 3, assignment 17, 1``.  Nothing is changed then.
            Conflict: when somebody else has changed the template meanwhile.
            Incomplete: when *dry_run* is to look at answers that still follow the last change.
            NotAllowed: when the job is archived, or *by* may not manage jobs.
        """
        home, template = self._changeable(job, by)
        wanted = to if isinstance(to, Template) else (to,) if isinstance(to, TemplateStep) else tuple(to)
        if dry_run:
            jobs.must_fit_its_template(home, "try another change of the template")
        elif home.pending_template_change is not None:
            rest = self._follow(home, home.pending_template_change, by)
            if not wanted:
                return rest.report(template.version)
            home, template = self._changeable(job, by)
        jobs.must_not_be_archived(home, "change its template")
        migration = _migration(template, wanted)
        last, tally = self._look(home, migration)
        if not dry_run and not migration.is_empty:
            tally.refuse(home.name)
            home = self._change(home, migration, last, by)
            tally = tally if home.pending_template_change is None else self._follow(home, home.pending_template_change, by)
        return tally.report(template.version if migration.is_empty else migration.after.version)

    def _changeable(self, ref: JobRef, by: MemberRef) -> tuple[Job, Template]:
        with self.store.read() as reader:
            job = _find.job(reader, ref)
            access.check(self.policy, _find.member(reader, job.workspace, by), Action.MANAGE_JOB, job, None)
            return job, reader.get(Template, (job.template,))

    def _look(self, job: Job, migration: Migration) -> tuple[int, Tally]:
        """Return the position of the job's last event, and what the answers up to it, or later ones, come to."""
        # behind it an open transaction may still put an answer
        seen = Span(None, self.store.high_water_mark())
        with self.store.read() as reader:
            last = first(reader, Query(Event, {"job": job.id, "position": seen}, order=("-position",), limit=1))
            loaded = last_number(reader, Task, job.id)

        def page(reader: Reader, task: int) -> tuple[list[Answer], int | None]:
            tasks = Span(task, task + PAGE - 1)
            found = list(reader.find(Query(Answer, {"job": job.id, "task": tasks, "is_resolved": True}, order=("task",))))
            return found, task + PAGE if task + PAGE <= loaded else None

        tally = Tally()
        for answer in turned(self.store, page, 1):
            tally.carried(migration, answer)
        return last.position if last else 0, tally

    def _change(self, home: Job, migration: Migration, last: int, by: MemberRef) -> Job:
        """Put the new template in place, and return the job, whose answers may have to follow."""
        with self._acting() as transaction:
            old = transaction.lock_job(home)
            act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
            jobs.must_not_be_archived(old, "change its template")
            template = migration.before
            must_still_ask(transaction, old, template)
            tally = Tally()
            for answer in _said_since(transaction.store, old, last):
                tally.carried(migration, answer)
            tally.refuse(old.name)
            own = _find.has_own_template(transaction.store, old)
            id = template.id if own else transaction.new_id(Template)
            asked = attrs.evolve(migration.after, id=id, name="")
            change = TemplateChange(template, migration.steps)
            new = attrs.evolve(old, template=id, pending_template_change=change if change.steps else None)
            data = {"name": old.name, "version": asked.version, **codec.to_json(change)}
            add, save = list[Entity](), list[Saved]()
            if own:
                save.append((template, asked))
            else:
                add.append(asked)
            save.append((old, new))
            transaction.do(record(act, "change_template", about=new, add=add, save=save, data=data))
            return transaction.as_stored(new)

    def _follow(self, home: Job, change: TemplateChange, by: MemberRef) -> Tally:
        """Let the answers of every package follow *change*, unless somebody else is faster."""
        migration, tally = carrying.again(change), Tally()
        with self.store.read() as reader:
            last = last_number(reader, Package, home.id)  # what comes later is answered by the new template
        for number in range(1, last + 1):
            with self._acting() as transaction:
                package = transaction.lock_package((home.id, number))
                job = transaction.job(home.id)
                act = transaction.allowed(job.workspace, by, Action.MANAGE_JOB, job)
                if job.pending_template_change != change:
                    return tally
                follow(transaction, job, package, migration, act, tally)
        with self._acting() as transaction:
            old = transaction.lock_job(home.id)
            act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
            if old.pending_template_change == change:
                new = attrs.evolve(old, pending_template_change=None)
                data = {"name": old.name, "version": migration.after.version, "changed": tally.changed}
                transaction.do(record(act, "migrate", about=new, save=((old, new),), data=data))
        return tally


def _migration(template: Template, to: Template | tuple[TemplateStep, ...]) -> Migration:
    return carrying.by_template(template, to) if isinstance(to, Template) else carrying.by_steps(template, to)


def _said_since(reader: Reader, job: Job, last: int) -> Iterator[Answer]:
    """Yield the answers of every assignment that an event behind position *last* names or has moved."""
    assignments = set[int]()
    for event in reader.find(Query(Event, {"job": job.id, "position": Span(last + 1, None)})):
        assignments.update((event.assignment, *(int(move.key[1]) for move in event.changes if move.kind == "assignment")))
    for assignment in sorted(assignments):
        yield from reader.find(Query(Answer, {"job": job.id, "assignment": assignment, "is_resolved": True}, order=("task",)))
