"""Answers follow a change of the template, package by package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from itagflow.core.lookup import describe_replaced
from itagflow.core.transaction import Transaction
from itagflow.errors import Conflict, InvalidData, Problem
from itagflow.model.change import Context, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.reports import TemplateReport
from itagflow.model.task import Answer, Draft
from itagflow.model.template import Template
from itagflow.results.histories import recount
from itagflow.results.rules import sort_assignments
from itagflow.storage.port import Query, Reader
from itagflow.template_changes import rules
from itagflow.template_changes.rules import Migration

MAX_PROBLEMS = 1_000
"""How many problems a report or an error holds; all are counted."""


@attrs.define
class MigrationRun:
    """A migration that runs, with the counts and problems of the answers that it has met."""

    migration: Migration
    changed: int = 0
    unchanged: int = 0
    cannot: int = 0
    """How many answers would not fit the new template."""
    total_problems: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def migrate(self, answer: Answer) -> Answer:
        """Return *answer* under the new template, or unchanged if it does not fit; count it."""
        new = rules.migrate_answer(self.migration, answer)
        if isinstance(new, list):
            self._count_problems(answer, new)
            return answer
        if new is answer:
            self.unchanged += 1
        else:
            self.changed += 1
        return new

    def _count_problems(self, answer: Answer, problems: list[Problem]) -> None:
        self.cannot += 1
        self.total_problems += len(problems)
        place = f"task {answer.task}, assignment {answer.assignment}"
        placed = [Problem(f"{place}, {problem.where}", problem.reason) for problem in problems]
        # all are counted, but memory stays bounded when no answer of a large job fits
        self.problems += placed[: MAX_PROBLEMS - len(self.problems)]

    def require_all_fit(self, name: str) -> None:
        """Check that every answer of the job with this *name* would fit.

        Raises:
            InvalidData: when one would not; it lists the first 1,000 problems.
        """
        if self.cannot:
            noun = "answer" if self.cannot == 1 else "answers"
            raise InvalidData(
                f"the template of job {name!r}, which {self.cannot} {noun} would not fit",
                self.problems,
                self.total_problems,
            )

    def make_report(self, version: int) -> TemplateReport:
        """Return the counts, for the template of this *version*."""
        return TemplateReport(
            version=version,
            changed=self.changed,
            unchanged=self.unchanged,
            cannot=self.cannot,
            problems=tuple(self.problems),
        )


def must_still_ask(transaction: Transaction, job: Job, template: Template) -> None:
    """Check that *job* still has this template, which an earlier transaction checked.

    Raises:
        Conflict: when it was changed meanwhile.
    """
    if transaction.store.get(Template, (transaction.job(job).template,)) != template:
        raise Conflict("Template", template.key)


def migrate_package(
    transaction: Transaction, job: Job, package: Package, run: MigrationRun, ctx: Context
) -> Package:
    """Migrate the answers of the locked *package* to the new template, and return the package.

    Its live assignments are locked too.  Whoever saves locks the assignment first and reads the
    template after that: so what was checked against the old template is stored already, and what
    comes later is checked against the new one.
    """
    assignments = sort_assignments(transaction.assignments(package))
    for assignment in assignments:
        if assignment.live:
            transaction.lock(Assignment, assignment.key)  # in any order: its package is locked
        if assignment.has_drafts:
            _migrate_drafts(transaction, assignment, run.migration)
    migrated = [
        _MigratedAssignment(
            assignment,
            [(old, run.migrate(old)) for old in find_answers(transaction.store, assignment)],
        )
        for assignment in assignments
    ]
    if not any(each.changed for each in migrated):
        return package
    after = _recount(transaction, job, package, migrated)
    _store_answers(transaction, package, after, migrated, ctx)
    return transaction.as_stored(after)


def _migrate_drafts(transaction: Transaction, assignment: Assignment, migration: Migration) -> None:
    """Migrate the drafts of *assignment* where they can follow; others stay as they are."""
    where = {"job": assignment.job, "assignment": assignment.id}
    for old in list(transaction.store.find(Query(Draft, where, order=("task",)))):
        new = rules.migrate_draft(migration, old)
        if new is not old:
            transaction.replace(old, new)


@attrs.frozen
class _MigratedAssignment:
    """An assignment with its answers, each as it was and as it is after the migration."""

    assignment: Assignment
    pairs: Sequence[tuple[Answer, Answer]]

    @property
    def changed(self) -> list[tuple[Answer, Answer]]:
        """The answers that the migration changes."""
        return [(old, new) for old, new in self.pairs if new is not old]


def _recount(
    transaction: Transaction, job: Job, package: Package, migrated: Sequence[_MigratedAssignment]
) -> Package:
    """Return *package* with what its migrated answers come to."""
    merged = [
        new
        for each in migrated
        if each.assignment.outcome is Outcome.MERGED
        for _, new in each.pairs
    ]
    disputes = rules.find_remaining_disputes(package, merged)
    after = evolve(package, disputes=disputes)
    if not package.prelabeled:
        return after
    # Where options were merged, what people answered may now be what the pre-label said: then fewer
    # tasks are corrected.
    answers = [new for each in migrated for _, new in each.changed]
    assignments = [each.assignment for each in migrated]
    return recount(transaction.store, job, after, assignments, answers)


def _store_answers(
    transaction: Transaction,
    package: Package,
    after: Package,
    migrated: Sequence[_MigratedAssignment],
    ctx: Context,
) -> None:
    """Store the changed answers, with an event for each assignment."""
    also: tuple[Saved, ...] = ()
    if after != package:
        also = ((package, after),)
    for each in migrated:
        pairs = each.changed
        if not pairs:
            continue
        data = {
            "answered": [new.task for _, new in pairs],
            "previous": describe_replaced(*(old for old, _ in pairs)),
        }
        save = (*pairs, *also)
        transaction.apply(record(ctx, "migrate", about=each.assignment, save=save, data=data))
        also = ()  # the package is saved once, with the first of them


def find_answers(reader: Reader, assignment: Assignment) -> Iterator[Answer]:
    """Yield the answers of *assignment* that are resolved, by task: replies, or abandoned."""
    where = {"job": assignment.job, "assignment": assignment.id, "is_resolved": True}
    return reader.find(Query(Answer, where, order=("task",)))
