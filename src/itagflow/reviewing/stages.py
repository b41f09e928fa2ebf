"""How assignments end and packages move on: what several services share."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import rules as claiming
from itagflow.core import holding
from itagflow.core.change import Act, Saved, record
from itagflow.core.lookup import AssignmentRef, MemberRef, first
from itagflow.core.transaction import Transaction
from itagflow.jobs import rules as jobs_rules
from itagflow.lifecycle.tables import JOB
from itagflow.model.job import Job, Stage
from itagflow.model.package import (
    Assignment,
    AssignmentState,
    Outcome,
    Package,
)
from itagflow.model.task import Answer, Verdict
from itagflow.results.histories import cases_in, numbers_in, said_about
from itagflow.results.rules import counted
from itagflow.reviewing import rules
from itagflow.reviewing.sampling import needs_tasks
from itagflow.storage.port import Query
from itagflow.template_changes import rules as template_changes_rules
from itagflow.template_changes.answers import follow


@attrs.frozen
class Held:
    """An assignment that its holder acts on, with its package and job, both held."""

    job: Job
    """The job."""
    package: Package
    """The package."""
    assignment: Assignment
    """The assignment."""
    act: Act
    """Who acts: the holder."""


def held(transaction: Transaction, ref: AssignmentRef, verb: str, by: MemberRef | None) -> Held:
    """Return the assignment, held with its package, after checking that its holder may act on it.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work
            there.
    """
    package, assignment = transaction.lock_assignment(ref)
    job = transaction.store.get(Job, (assignment.job,))
    act = transaction.holder(job, assignment, verb, by)
    # votes can only be merged when all of them answer the same template
    if job.pending_template_change is not None:
        package = follow(
            transaction,
            job,
            package,
            template_changes_rules.again(job.pending_template_change),
            transaction.act(job.workspace),
        )
    return Held(job, package, assignment, act)


def held_unless(
    transaction: Transaction, ref: AssignmentRef, verb: str, outcome: Outcome, by: MemberRef | None
) -> Held | Assignment:
    """Return the same, or the assignment if it has already ended with this outcome (a resend)."""
    _, assignment = transaction.lock_assignment(ref)
    if assignment.outcome is not outcome:
        return held(transaction, ref, verb, by)
    if by is not None:
        job = transaction.store.get(Job, (assignment.job,))
        who = transaction.member(job.workspace, by)
        holding.must_be_of(assignment, who)
        access.check(transaction.policy, who, Action.at(assignment.stage), job, assignment.stage)
    return assignment


def recall(
    transaction: Transaction,
    package: Package,
    assignment: Assignment,
    by: int,
    comment: str,
    *,
    free: bool,
) -> None:
    """Recall the locked *assignment* in the name of *by*; *free* returns its slot to the queue."""
    job = transaction.store.get(Job, (assignment.job,))
    act = transaction.act(job.workspace, by)
    transaction.do(
        claiming.recall(
            package,
            assignment,
            act,
            comment=comment,
            free=free,
            counters=left(transaction, job, assignment),
        )
    )


def left(transaction: Transaction, job: Job, assignment: Assignment) -> tuple[Saved, ...]:
    """Return the claim counter of the assignment's member, who does not hold it any more."""
    return transaction.counters(
        job, assignment.stage, (assignment.member, -int(assignment.state is AssignmentState.HELD))
    )


def passed(
    transaction: Transaction,
    held: Held,
    assignments: Sequence[Assignment],
    new: Sequence[Answer] = (),
    disputes: tuple[int, ...] = (),
) -> Package:
    """Return the package at the next stage, given *assignments* and *new* answers to be stored."""
    job, package = held.job, held.package
    target = next_stage(job, package)
    drawing = target is not None and (bool(package.erased) or needs_tasks(job, package, target))
    tasks = numbers_in(transaction.store, package) if drawing else ()
    first = all(assignment.stage is not target for assignment in assignments)
    after = rules.passed(job, package, held.act, tasks=tasks, first=first, disputes=disputes)
    return recounted(transaction, job, after, assignments, new, passing=held.assignment)


def next_stage(job: Job, package: Package) -> Stage | None:
    """Return the stage that *package* comes to when it passes."""
    stages = job.workflow.stages
    later = stages[stages.index(holding.stage_of(package)) + 1 :]
    return later[0] if later else None


def recounted(
    transaction: Transaction,
    job: Job,
    package: Package,
    assignments: Sequence[Assignment],
    new: Sequence[Answer] = (),
    *,
    passing: Assignment | None = None,
) -> Package:
    """Return *package* with its counts of abandoned, wrong and corrected tasks.

    Where *passing* is an assignment that sends nothing back, answers are read only if there may be
    something to count: it has pre-labels, some were counted before, or one of the assignment's or
    the *new* answers gives a task up or finds it wrong.
    """
    counting = package.abandoned or package.wrong or package.prelabeled
    troubled = counting or any(answer.is_abandoned or answer.wrong for answer in new)
    if passing is not None and not troubled and not _troubled(transaction, passing):
        return package
    said = said_about(transaction.store, job.id, numbers_in(transaction.store, package))
    for answer in new:
        said[answer.task][answer.assignment] = answer
    return counted(package, cases_in(job, package, assignments, said))


def _troubled(transaction: Transaction, assignment: Assignment) -> bool:
    return any(
        dropped or verdict == Verdict.WRONG.value
        for _, dropped, verdict in transaction.count_answers(assignment)
    )


def with_finish(transaction: Transaction, package: Package) -> tuple[Saved, ...]:
    """Return the job, held and finished, if *package*, about to be saved, was its last open one.

    The job itself is only held to finish it: claims wait for whoever does.
    """
    if package.stage is not None:
        return ()
    if transaction.has_locked_open(package.job, but=package.number):
        return ()  # nobody else can end that one, and what ends it here looks again
    # of two transactions that end the last two packages, the second waits here, and then sees what
    # the first has done
    transaction.lock_job_counter(package.job)
    others = transaction.store.find(
        Query(Package, {"job": package.job, "open": True}, order=("number",), limit=2)
    )
    if any(other.number != package.number for other in others):
        return ()
    job = transaction.lock(Job, (package.job,))
    if job.state not in JOB.sources("finish"):
        return ()
    return ((job, jobs_rules.stepped(job, "finish")),)


def finish_if_done(transaction: Transaction, job: Job, act: Act) -> None:
    """Finish *job* if it is active and has no open package; for changes of several packages."""
    transaction.lock_job_counter(job.id)
    if (
        first(
            transaction.store,
            Query(Package, {"job": job.id, "open": True}, order=("number",), limit=1),
        )
        is not None
    ):
        return
    home = transaction.lock(Job, job.key)
    if home.state in JOB.sources("finish"):
        done = jobs_rules.stepped(home, "finish")
        transaction.do(
            record(act, "finish", about=done, save=((home, done),), data={"name": home.name})
        )
