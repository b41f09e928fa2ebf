"""Answers follow a change of the template, package by package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from itagflow.core.change import Act, Saved
from itagflow.core.transaction import Transaction
from itagflow.errors import Conflict, InvalidData, Problem
from itagflow.labeling import rules as labeling_rules
from itagflow.labeling.answering import replaced
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.model.reports import TemplateReport
from itagflow.model.task import Answer
from itagflow.model.template import Template
from itagflow.results.histories import cases_in, numbers_in, said_about
from itagflow.results.rules import counted, sort_assignments
from itagflow.storage.port import Query, Reader
from itagflow.template_changes import rules
from itagflow.template_changes.rules import Migration

KEPT = 1_000
"""How many problems a report or an error holds; all are counted."""


@attrs.define
class Tally:
    """The counts and problems of the answers that were checked."""

    changed: int = 0
    unchanged: int = 0
    cannot: int = 0
    total: int = 0
    problems: list[Problem] = attrs.field(factory=list[Problem])

    def carried(self, migration: Migration, answer: Answer) -> Answer:
        """Return *answer* under the new template, or unchanged if it does not fit; count it."""
        new = rules.carried(migration, answer)
        if isinstance(new, list):
            self.cannot += 1
            self.total += len(new)
            place = f"task {answer.task}, assignment {answer.assignment}"
            said = [Problem(f"{place}, {problem.where}", problem.reason) for problem in new]
            self.problems += said[: KEPT - len(self.problems)]
            return answer
        self.changed += new is not answer
        self.unchanged += new is answer
        return new

    def refuse(self, name: str) -> None:
        """Refuse the change of the template of this job if there is an answer that would not fit.

        Raises:
            InvalidData: when there is; it lists the first 1,000 problems.
        """
        if self.cannot:
            answers = f"{self.cannot} answer{'s' if self.cannot > 1 else ''}"
            raise InvalidData(
                f"the template of job {name!r}, which {answers} would not fit",
                self.problems,
                self.total,
            )

    def report(self, version: int) -> TemplateReport:
        """Return what it all comes to."""
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


def follow(
    transaction: Transaction,
    job: Job,
    package: Package,
    migration: Migration,
    act: Act,
    tally: Tally | None = None,
) -> Package:
    """Migrate the answers of the locked *package* to the new template, and return the package.

    Its live assignments are held too.  Whoever saves holds the assignment first and reads the
    template after that: so what was checked against the old template is stored already, and what
    comes later is checked against the new one.
    """
    tally = tally or Tally()
    assignments = sort_assignments(transaction.assignments(package))
    for assignment in assignments:
        if assignment.live:
            transaction.lock(Assignment, assignment.key)  # in any order: its package is locked
    pairs = [
        (assignment, _carried(transaction, migration, assignment, tally))
        for assignment in assignments
    ]
    moved = [
        (assignment, fresh)
        for assignment, said in pairs
        if (fresh := [(old, new) for old, new in said if new is not old])
    ]
    if not moved:
        return package
    merged = [
        new for assignment, said in pairs if assignment.outcome is Outcome.MERGED for _, new in said
    ]
    after = attrs.evolve(package, disputes=rules.undisputed(package, merged))
    # where options have merged, what people said may be what the pre-label says
    if package.prelabeled:
        after = _recounted(
            transaction, job, after, assignments, [new for _, fresh in moved for _, new in fresh]
        )
    also: tuple[Saved, ...] = ()
    if after != package:
        also = ((package, after),)
    for assignment, fresh in moved:
        data = {"answered": [new.task for _, new in fresh], **replaced(*(old for old, _ in fresh))}
        transaction.do(
            labeling_rules.put_all("migrate", assignment, fresh, act, data=data, also=also)
        )
        also = ()  # the package is saved once, with the first of them
    return transaction.as_stored(after)


def _carried(
    transaction: Transaction, migration: Migration, assignment: Assignment, tally: Tally
) -> list[tuple[Answer, Answer]]:
    """Return what *assignment* has said, each answer with what it becomes."""
    return [(old, tally.carried(migration, old)) for old in said_in(transaction.store, assignment)]


def _recounted(
    transaction: Transaction,
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    new: Iterable[Answer],
) -> Package:
    said = said_about(transaction.store, job.id, numbers_in(transaction.store, package))
    for answer in new:
        said[answer.task][answer.assignment] = answer
    return counted(package, cases_in(job, package, assignments, said))


def said_in(reader: Reader, assignment: Assignment) -> Iterator[Answer]:
    """Yield the answers of *assignment* that are resolved, by task: replies, or abandoned."""
    return reader.find(
        Query(
            Answer,
            {"job": assignment.job, "assignment": assignment.id, "is_resolved": True},
            order=("task",),
        )
    )
