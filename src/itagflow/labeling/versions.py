"""Bring an earlier version of an answer back: an act of its holder, or of who manages the job."""

from __future__ import annotations

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import AssignmentRef, MemberRef, TaskRef
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import Access
from itagflow.labeling.rules import AnswerFacts
from itagflow.labeling.service import apply, lock_for_answering, require_validated, run_validator
from itagflow.labeling.version_rules import restore_version as restore_answer
from itagflow.model.copying import evolve
from itagflow.model.job import Job
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.model.terms import SaveTerms
from itagflow.model.version import AnswerVersion
from itagflow.model.workspace import Member
from itagflow.results.versions import find_version
from itagflow.storage.port import Reader


def restore_version(
    engine: Engine,
    assignment: AssignmentRef,
    task: TaskRef,
    version: AnswerVersion | int,
    *,
    terms: SaveTerms,
    by: MemberRef | None = None,
) -> Answer:
    """Answer a task as an earlier version of its answer does, and return it as stored."""
    with engine.transaction() as transaction:
        found = _find(transaction, assignment, task, version, by)
    replies = found.answer.replies
    validated_by = None
    if replies is not None and not found.answer.is_abandoned:
        validated_by = run_validator(engine, assignment, [(task, replies)], None)
    with engine.transaction() as transaction:
        facts = _lock(transaction, assignment, task, by)
        if validated_by is not None:
            require_validated(transaction, facts.job, validated_by)
        # read again, behind the lock: it may have been erased since
        known = _find(transaction, assignment, task, found, by)
        return apply(transaction, restore_answer(evolve(facts, terms=terms), known))[0]


def _find(
    transaction: Transaction,
    assignment: AssignmentRef,
    task: TaskRef,
    version: AnswerVersion | int,
    by: MemberRef | None,
) -> AnswerVersion:
    """Return the version that is meant, if whoever acts may see it.

    Raises:
        NotHeld: when the assignment is another member's, and *by* does not manage the job.
        NotFound: when there is no such version, or it is secret from them.
    """
    store = transaction.store
    stored = lookup.assignment(store, assignment)
    job = store.get(Job, (stored.job,))
    _authorize(transaction, job, stored, by)
    viewer = Access(store, transaction.policy, _find_actor(store, job, stored, by))
    return find_version(store, job, lookup.task(store, job.id, task), viewer, version)


def _lock(
    transaction: Transaction, assignment: AssignmentRef, task: TaskRef, by: MemberRef | None
) -> AnswerFacts:
    """Lock the assignment, and read what the rule decides on, in the name of whoever acts."""
    stored = lookup.assignment(transaction.store, assignment)
    job = transaction.store.get(Job, (stored.job,))
    actor = _find_actor(transaction.store, job, stored, by)
    if by is None or actor is None or actor.id == stored.member:
        return lock_for_answering(transaction, "restore a version", assignment, [task], by)
    facts = lock_for_answering(transaction, "restore a version", assignment, [task], None)
    ctx = transaction.authorize(job.workspace, by, Action.MANAGE_JOB, facts.job)
    return evolve(facts, ctx=ctx)


def _authorize(
    transaction: Transaction, job: Job, assignment: Assignment, by: MemberRef | None
) -> None:
    actor = _find_actor(transaction.store, job, assignment, by)
    if by is None or actor is None or actor.id == assignment.member:
        transaction.authorize_holder(job, assignment, "restore a version", by)
    else:
        transaction.authorize(job.workspace, by, Action.MANAGE_JOB, job)


def _find_actor(
    reader: Reader, job: Job, assignment: Assignment, by: MemberRef | None
) -> Member | None:
    """Return the member who acts: *by*, or without one the holder; None where there is neither."""
    if by is not None:
        return lookup.member(reader, job.workspace, by)
    if assignment.member is None:
        return None
    return reader.get(Member, (assignment.member,))
