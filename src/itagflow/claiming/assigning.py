"""How assignments are offered, kept and given back.

Each operation locks what it needs, decides once, and writes once.

Locks are taken in the order that everybody keeps: packages, assignments, counters, job, member.
"""

from __future__ import annotations

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import part_rules, queue, rules
from itagflow.claiming.decision import (
    get_decision_inputs,
)
from itagflow.claiming.service import apply
from itagflow.core.engine import Engine
from itagflow.core.locking import lock_assignments
from itagflow.core.lookup import (
    AssignmentRef,
    JobRef,
    MemberRef,
    PackageRef,
)
from itagflow.core.transaction import Transaction
from itagflow.errors import NotAllowed
from itagflow.lifecycle.tables import must_be_working, stage_of
from itagflow.model.change import Context, Saved, record
from itagflow.model.job import Crew, CrewKey, Job, Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.workspace import Member
from itagflow.reviewing.service import lock_context, release_counter


def renew(engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
    """Count the lease of a held assignment from now; saving does the same, to a minute."""
    with engine.transaction() as transaction:
        return renew_lease(transaction, assignment, by)


def release(
    engine: Engine, assignment: AssignmentRef, *, by: MemberRef | None = None, comment: str = ""
) -> Assignment:
    """Give an assignment back, or decline an offer; the next holder sees the answers as drafts."""
    with engine.transaction() as transaction:
        return release_assignment(transaction, assignment, by, comment)


def assign(engine: Engine, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
    """Offer a free slot of a package to a member, who claims it before anything from the queue."""
    with engine.transaction() as transaction:
        return assign_package(transaction, package, member, by)


def reassign(
    engine: Engine,
    assignment: AssignmentRef,
    member: MemberRef,
    *,
    by: MemberRef,
    comment: str = "",
) -> Assignment:
    """Take an assignment back and offer its slot to another member; returns the offer."""
    with engine.transaction() as transaction:
        return reassign_slot(transaction, assignment, member, by, comment)


def expire(engine: Engine, job: JobRef, *, by: MemberRef) -> list[Assignment]:
    """Return a job's assignments whose lease has lapsed to the queue, where *by* may assign."""
    # Only the keys: each lease is checked again when its assignment is locked, since its holder may
    # have renewed it in between.
    with engine.transaction() as transaction:
        keys = find_expired(transaction, job, by)
    results = engine.run_batch(
        keys,
        lock_assignments,
        lambda transaction, assignment: expire_assignment(transaction, assignment, by),
    )
    return [result.value for result in results if result.value is not None]


def renew_lease(
    transaction: Transaction, assignment: AssignmentRef, by: MemberRef | None
) -> Assignment:
    """Count the lease of a held assignment from now.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
    """
    context = lock_context(transaction, assignment, "renew", by)
    renewed = rules.renew(context.job, context.assignment, context.ctx)
    if renewed is None:
        return context.assignment
    save = ((context.assignment, renewed),)
    transaction.apply(record(context.ctx, "renew", about=renewed, save=save))
    return transaction.as_stored(renewed)


def release_assignment(
    transaction: Transaction, assignment: AssignmentRef, by: MemberRef | None, comment: str
) -> Assignment:
    """Give an assignment back, or decline an offer.

    Raises:
        WrongState: when it has ended.
        NotAllowed: when *by* is another member, who may not assign work.
    """
    package, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    ctx = _make_context_of_holder_or_assigner(transaction, job, old, by)
    counters = release_counter(transaction, job, old)
    return _give_back(transaction, "release", _Returned(package, old, comment, counters), ctx)


def assign_package(
    transaction: Transaction, package: PackageRef, member: MemberRef, by: MemberRef
) -> Assignment:
    """Offer a free slot of a package to a member.

    Raises:
        NotAllowed: when no slot is free, the member may not have it, or *by* may not assign work.
    """
    due = transaction.lock_package(package)
    job = transaction.store.get(Job, (due.job,))
    stage = stage_of(due)
    ctx = transaction.authorize(job.workspace, by, Action.ASSIGN, job, stage)
    must_be_working(job, "assign")
    assignee = transaction.member(job.workspace, member)
    transaction.require_about(ctx, Action.ASSIGN, assignee.id)
    access.check(transaction.policy, assignee, Action.at(stage), job, stage)
    rules.must_not_be_paused(assignee, transaction.at)
    rules.must_be_assignable(job, due, assignee, stage, transaction.assignments(due))
    slot = rules.Slot(job, due, stage, assignee)
    change = rules.assign(slot, ctx, id=transaction.new_id(Assignment, job.id))
    _confirm_work_goes_on(transaction, job, assignee, stage)
    _require_skill(transaction, job, due, assignee)
    return apply(transaction, change)


def reassign_slot(
    transaction: Transaction,
    assignment: AssignmentRef,
    member: MemberRef,
    by: MemberRef,
    comment: str,
) -> Assignment:
    """Take an assignment back and offer its slot to another member.

    Raises:
        WrongState: when it has ended.
        NotAllowed: when the member may not have it, or *by* may not assign work.
    """
    package, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    ctx = transaction.authorize(job.workspace, by, Action.ASSIGN, job, old.stage)
    transaction.require_about(ctx, Action.ASSIGN, old.member)
    assignee = transaction.member(job.workspace, member)
    transaction.require_about(ctx, Action.ASSIGN, assignee.id)
    access.check_worker(transaction.policy, assignee, job, old)
    rules.must_not_be_paused(assignee, transaction.at)
    # without the one that is taken back: its holder may get the slot again
    others = [other for other in transaction.assignments(package) if other != old]
    if old.is_part:
        part_rules.must_have_no_conflict(job, old, assignee, others)
    else:
        rules.must_be_assignable(job, package, assignee, old.stage, others)
    counters = release_counter(transaction, job, old)
    slot = rules.Slot(job, package, old.stage, assignee)
    id = transaction.new_id(Assignment, job.id)
    change = rules.reassign(slot, old, ctx, id=id, comment=comment, counters=counters)
    _confirm_work_goes_on(transaction, job, assignee, old.workers)
    _require_skill(transaction, job, package, assignee)
    return apply(transaction, change)


def find_expired(transaction: Transaction, job: JobRef, by: MemberRef) -> list[tuple[int, int]]:
    """Return the keys of the assignments with a lapsed lease, at the stages where *by* assigns.

    Raises:
        NotAllowed: when *by* may assign work at no stage.
    """
    current = transaction.job(job)
    keys: list[tuple[int, int]] = []
    for stage in transaction.find_allowed_stages(current, by, Action.ASSIGN):
        lapsed = queue.find_lapsed(transaction.store, current, stage, transaction.at)
        keys += [assignment.key for assignment in lapsed]
    return keys


def expire_assignment(
    transaction: Transaction, assignment: AssignmentRef, by: MemberRef
) -> Assignment:
    """Return an assignment whose lease has lapsed to the queue.

    Raises:
        NotAllowed: when its lease goes on, or *by* may not assign work there.
    """
    _, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    ctx = transaction.authorize(job.workspace, by, Action.ASSIGN, job, old.stage)
    transaction.require_about(ctx, Action.ASSIGN, old.member)
    return expire_lapsed(transaction, assignment, ctx)


def expire_lapsed(transaction: Transaction, assignment: AssignmentRef, ctx: Context) -> Assignment:
    """Return the same to the queue, in the name of whoever acts.

    Raises:
        NotAllowed: when its lease goes on.
    """
    package, old = transaction.lock_assignment(assignment)
    job = transaction.store.get(Job, (old.job,))
    if not rules.has_lapsed(old, transaction.at):
        raise NotAllowed("", "expire it", f"the lease of {old} goes on: its holder was faster")
    counters = release_counter(transaction, job, old)
    returned = _Returned(package, old, "the lease lapsed", counters)
    return _give_back(transaction, "expire", returned, ctx)


@attrs.frozen
class _Returned:
    """A locked assignment that is given back."""

    package: Package
    assignment: Assignment
    comment: str
    counters: tuple[Saved, ...]


def _give_back(
    transaction: Transaction, operation: str, returned: _Returned, ctx: Context
) -> Assignment:
    """Store that an assignment was given back, and return it; a part is offered again."""
    assignment = returned.assignment
    change = rules.give_back(
        operation,
        returned.package,
        assignment,
        ctx,
        comment=returned.comment,
        id=transaction.new_id(Assignment, assignment.job) if assignment.is_part else 0,
        counters=returned.counters,
    )
    transaction.apply(change)
    return transaction.as_stored(assignment)


def _make_context_of_holder_or_assigner(
    transaction: Transaction, job: Job, assignment: Assignment, by: MemberRef | None
) -> Context:
    """Return the context of whoever gives *assignment* back; its holder always may."""
    if by is None:
        return transaction.make_context(job.workspace, assignment.member or 0)
    actor = transaction.member(job.workspace, by)
    if actor.active and actor.id == assignment.member:
        return transaction.make_context(job.workspace, actor.id)
    ctx = transaction.authorize(job.workspace, by, Action.ASSIGN, job, assignment.stage)
    transaction.require_about(ctx, Action.ASSIGN, assignment.member)
    return ctx


def _require_skill(transaction: Transaction, job: Job, package: Package, member: Member) -> None:
    """Check that *member* can do what the value of *package* asks for; both are locked by now.

    Raises:
        NotAllowed: when they lack the skill.
    """
    current, worker = transaction.lock_job_and_member(job.id, member.id)
    rules.must_have_skill(current, package, worker, stage_of(package))


def _confirm_work_goes_on(
    transaction: Transaction, job: Job, member: Member, workers: CrewKey
) -> None:
    """Lock job and member, last in the order of locks, and check again what may have changed.

    Nobody changes either of them any more until the transaction ends: nothing is given to somebody
    who has just been removed, and nothing of a job that has just ended.
    """
    current, locked_member = transaction.lock_job_and_member(job.id, member.id)
    if get_decision_inputs(current) != get_decision_inputs(job) or locked_member != member:
        stage = Stage.LABEL if isinstance(workers, Crew) else workers
        must_be_working(current, f"{stage.value} here")
        reason = access.working_refusal(transaction.policy, locked_member, current, workers)
        if reason:
            raise access.not_allowed(locked_member, Action.at(stage), reason)
        rules.must_not_be_paused(locked_member, transaction.at)
