"""How assignments are completed: review, accept, reject; and what `submit` shares with them.

Each operation locks and reads what its rule needs, calls the rule once, and applies its change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import rules as claiming
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    AssignmentRef,
    MemberRef,
    TaskRef,
    describe_replaced,
    read_answers,
    read_task_numbers,
)
from itagflow.core.transaction import Transaction
from itagflow.lifecycle.tables import must_be_of
from itagflow.model.arguments import require_flag, require_optional_several
from itagflow.model.change import Context, Saved, record
from itagflow.model.copying import evolve
from itagflow.model.job import Crew, Job
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.task import Answer, Task, Verdict, WorkItem
from itagflow.model.text import require_optional_text, require_text
from itagflow.model.workspace import Member
from itagflow.reviewing import handing_in_rules, reject_rules, rules
from itagflow.reviewing.reject_rules import NOTHING_SAID, Explanation, RejectFacts
from itagflow.reviewing.rules import AssignmentContext, CompletionFacts
from itagflow.reviewing.voters import has_voter_left
from itagflow.storage.port import Query
from itagflow.template_changes import rules as template_changes_rules
from itagflow.template_changes.answers import MigrationRun, migrate_package


@attrs.frozen(kw_only=True)
class RejectOrder:
    """What a reviewer asks for with `reject`."""

    tasks: Sequence[TaskRef] = ()
    """More tasks that are wrong."""
    said: Explanation = NOTHING_SAID
    """Why, as is said of these and of the package."""
    is_whole: bool = False
    """Whether every task goes back."""


def parse_rejection(
    verb: str,
    comment: str,
    reason: str | None,
    *,
    whole: bool,
    tasks: Iterable[TaskRef] | None = None,
) -> RejectOrder:
    """Return what goes back and why.

    Raises:
        InvalidData: when the tasks are not several, the comment or the reason is no text that can
            be stored, or *whole* is no flag.
    """
    # gone through here: no transaction is open while code of the caller runs
    named = require_optional_several(verb, "tasks", tasks, "tasks")
    said = Explanation(
        require_text(verb, "comment", comment),
        require_optional_text(verb, "reason", reason) or "",
    )
    return RejectOrder(tasks=named or (), said=said, is_whole=require_flag(verb, "whole", whole))


def review(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    seconds: float | None = None,
    by: MemberRef | None = None,
) -> Assignment:
    """Let a package pass at INSPECT; tasks without a judgment pass with it."""
    with engine.transaction() as transaction:
        return complete_review(transaction, "review", assignment, by, seconds=seconds)


def accept(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    seconds: float | None = None,
    by: MemberRef | None = None,
) -> Assignment:
    """Let a package pass at ACCEPT; accepted work is locked.  Errors are those of `review`."""
    with engine.transaction() as transaction:
        return complete_review(transaction, "accept", assignment, by, seconds=seconds)


def reject(
    engine: Engine,
    assignment: AssignmentRef,
    *,
    order: RejectOrder,
    seconds: float | None = None,
    by: MemberRef | None = None,
) -> Assignment:
    """Send tasks back: those judged wrong and those named, or the whole package."""
    with engine.transaction() as transaction:
        return complete_reject(transaction, assignment, order, by, seconds=seconds)


def complete_review(
    transaction: Transaction,
    operation: str,
    ref: AssignmentRef,
    by: MemberRef | None,
    *,
    seconds: float | None = None,
) -> Assignment:
    """Let a package pass in an open transaction: what `review` and `accept` do."""
    context = lock_unless_completed(transaction, operation, ref, by, seconds=seconds)
    if isinstance(context, Assignment):
        return context
    facts = read_completion(transaction, context)
    transaction.apply(handing_in_rules.complete_review(facts, operation))
    return transaction.as_stored(context.assignment)


def complete_reject(
    transaction: Transaction,
    ref: AssignmentRef,
    order: RejectOrder,
    by: MemberRef | None,
    *,
    seconds: float | None = None,
) -> Assignment:
    """Send tasks back in an open transaction: what `reject` does."""
    context = lock_unless_completed(transaction, "reject", ref, by, seconds=seconds)
    if isinstance(context, Assignment):
        return context
    facts = _read_reject(transaction, context, order)
    plan = reject_rules.plan_reject(facts)
    members = _lock_members(transaction, plan.candidates)
    ids = [transaction.new_id(Assignment, facts.context.job.id) for _ in members]
    transaction.apply(reject_rules.reject(facts, plan, members, ids))
    return transaction.as_stored(context.assignment)


def lock_unless_completed(
    transaction: Transaction,
    operation: str,
    ref: AssignmentRef,
    by: MemberRef | None,
    *,
    seconds: float | None = None,
) -> AssignmentContext | Assignment:
    """Lock an assignment to complete it; return it alone if *operation* has completed it already.

    So an operation may be sent again: it changes nothing, and returns what the first one did. The
    *seconds* that it took are counted for the assignment.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work
            there.
    """
    # the package first: its counts and its stage change with the end of the assignment
    package, assignment = transaction.lock_assignment(ref)
    if assignment.outcome is not rules.OUTCOMES[operation]:
        context = _make_context(transaction, operation, package, assignment, by)
        if seconds is None:
            return context
        return evolve(context, seconds=seconds)
    if by is not None:  # who may not complete it is not told either that it was completed
        job = transaction.store.get(Job, (assignment.job,))
        member = transaction.member(job.workspace, by)
        must_be_of(assignment, member)
        access.check_worker(transaction.policy, member, job, assignment)
    return assignment


def lock_context(
    transaction: Transaction, ref: AssignmentRef, operation: str, by: MemberRef | None
) -> AssignmentContext:
    """Lock an assignment and its package, after checking that its holder may go on with it.

    Raises:
        NotHeld: when it is not held, or not by the member *by*.
        NotAllowed: when its job does not let work go on, or the policy does not let its holder work
            there.
    """
    package, assignment = transaction.lock_assignment(ref)
    return _make_context(transaction, operation, package, assignment, by)


def read_completion(
    transaction: Transaction, context: AssignmentContext, *, releases_rest: bool = False
) -> CompletionFacts:
    """Read and lock what completing an assignment is decided on.

    The locks follow the common order: package and assignment are locked; now the claim counter, and
    behind it the counter of the job and the job, if this may end the job's last open package.
    """
    job, package, assignment = context.job, context.package, context.assignment
    assignments = transaction.assignments(package)
    counts = _count_answers(transaction, assignment)
    plan = rules.plan_completion(context, assignments, counts)
    tasks: Sequence[int] = ()
    answers: dict[int, dict[int, Answer]] = {}
    if plan.needs_tasks:
        tasks = read_task_numbers(transaction.store, package)
    if plan.needs_answers:
        answers = read_answers(transaction.store, job.id, tasks)
    template, merged_id, has_adjudicators, has_voters = None, 0, False, False
    if plan.merges_votes:
        # the template changes only with the job, which was read in this transaction
        template = transaction.cache.template(transaction.store, job)
        merged_id = transaction.new_id(Assignment, job.id)
        has_adjudicators = has_free_crew(
            transaction, job, Crew.ADJUDICATORS, _select_round(assignments, package)
        )
        has_voters = has_voter_left(transaction, job, package, assignments)
    part_id = 0
    if has_adjudicators or has_voters or releases_rest:
        part_id = transaction.new_id(Assignment, job.id)
    counters = release_counter(transaction, job, assignment)
    last_of_job = None
    if plan.leaves_stage and plan.next_stage is None:
        last_of_job = _lock_job_of_last(transaction, job, package)
    return CompletionFacts(
        context=context,
        plan=plan,
        counts=counts,
        history=rules.PackageHistory(assignments=assignments, tasks=tasks, answers=answers),
        counters=counters,
        last_of_job=last_of_job,
        template=template,
        merged_id=merged_id,
        part_id=part_id,
        has_adjudicators=has_adjudicators,
        has_voters=has_voters,
        releases_rest=releases_rest,
    )


def _select_round(assignments: Sequence[Assignment], package: Package) -> list[Assignment]:
    """Return those of *assignments* that belong to the present labeling of *package*."""
    return [each for each in assignments if each.round == package.round]


def has_free_crew(
    transaction: Transaction, job: Job, crew: Crew, assignments: Sequence[Assignment]
) -> bool:
    """Return whether somebody of *crew* has none of *assignments*, those of a package's round."""
    if crew not in job.workforce:
        return False  # nearly always: no member is read then
    busy = {each.member for each in assignments if each.state is not AssignmentState.RETURNED}
    active = transaction.store.find(Query(Member, {"workspace": job.workspace, "active": True}))
    return any(
        member.id not in busy
        and access.working_refusal(transaction.policy, member, job, crew) is None
        for member in active
    )


def release_counter(
    transaction: Transaction, job: Job, assignment: Assignment
) -> tuple[Saved, ...]:
    """Lock the claim counter of the assignment's member, who does not hold it any more.

    Return it with one assignment less; nothing where the stage has no limit.
    """
    active = -int(assignment.state is AssignmentState.HELD)  # an offer was never counted
    return transaction.counters(job, assignment.stage, (assignment.member, active))


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
    # a part goes on without its member, as another assignment
    id = transaction.new_id(Assignment, job.id) if free and assignment.is_part else 0
    transaction.apply(
        claiming.recall(
            package,
            assignment,
            transaction.make_context(job.workspace, by),
            comment=comment,
            free=free,
            id=id,
            counters=release_counter(transaction, job, assignment),
        )
    )


def finish_with(transaction: Transaction, job: Job, package: Package) -> tuple[Saved, ...]:
    """Return the job, locked and finished, if *package*, which ends now, is its last open one.

    *job* was read after the package was locked.
    """
    return rules.finish_job(_lock_job_of_last(transaction, job, package))


def finish_if_done(transaction: Transaction, job: Job, ctx: Context) -> None:
    """Finish *job* if it is active and has no open package; for changes of several packages."""
    # as it is now: *job* may have been read before the packages were locked
    if not transaction.store.get(Job, job.key).auto_finish:
        return
    # whoever ends a package, or adds one, locks this first: see `Transaction.lock_job_counter`
    transaction.lock_job_counter(job.id)
    query = Query(Package, {"job": job.id, "open": True}, order=("number",), limit=1)
    if lookup.first(transaction.store, query) is not None:
        return
    locked = transaction.lock(Job, job.key)
    saved = rules.finish_job(locked)
    if saved:
        data = {"name": locked.name}
        transaction.apply(record(ctx, "finish", about=locked, save=saved, data=data))


def finish_idle(engine: Engine, job: Job, *, by: MemberRef) -> Job:
    """Finish *job*, which ends by itself from now on, if no package of it is open.

    That it does is stored already: whoever locks a package from here on finishes the job with the
    last one.
    """
    open_packages = Query(Package, {"job": job.id, "open": True}, order=("number",), limit=1)
    while True:
        with engine.transaction() as transaction:
            current = transaction.job(job)
            ctx = transaction.authorize(current.workspace, by, Action.MANAGE_JOB, current)
            first_open = lookup.first(transaction.store, open_packages)
            if first_open is None:
                finish_if_done(transaction, current, ctx)
                return transaction.job(current.id)
            # Somebody may be ending it who has read the job before it was changed, and who does
            # not finish it.  They hold the package: behind them it is open no more.
            if transaction.lock_package(first_open.key).open:
                return current


def _make_context(
    transaction: Transaction,
    operation: str,
    package: Package,
    assignment: Assignment,
    by: MemberRef | None,
) -> AssignmentContext:
    """Check that the holder of the locked *assignment* may go on with it, and return all three."""
    job = transaction.store.get(Job, (assignment.job,))
    ctx = transaction.authorize_holder(job, assignment, operation, by)
    # votes can only be merged, and counted, when all of them answer the same template
    if job.pending_template_change is not None:
        run = MigrationRun(template_changes_rules.remake_migration(job.pending_template_change))
        package = migrate_package(
            transaction, job, package, run, transaction.make_context(job.workspace)
        )
    return AssignmentContext(job, package, assignment, ctx)


def _count_answers(transaction: Transaction, assignment: Assignment) -> rules.AnswerCounts:
    """Count the answers in one query: the answers themselves are rarely needed."""
    resolved = abandoned = wrong = 0
    for (is_resolved, is_abandoned, verdict), number in transaction.count_answers(
        assignment
    ).items():
        if is_resolved:
            resolved += number
        if is_abandoned:
            abandoned += number
        if verdict == Verdict.WRONG.value:
            wrong += number
    return rules.AnswerCounts(resolved=resolved, abandoned=abandoned, wrong=wrong)


def _lock_job_of_last(transaction: Transaction, job: Job, package: Package) -> Job | None:
    """Lock the job if the locked *package* is its last open one, and return it; else None.

    The job itself is only locked to finish it: claims wait for whoever does.
    """
    if not job.auto_finish:
        return None  # nor its counter, which whoever adds tasks to such a job locks all the time
    if transaction.has_locked_open(package.job, but=package.number):
        return None  # nobody else can end that one, and what ends it here looks again
    # of two transactions that end the last two packages, the second waits here, and then sees what
    # the first has done
    transaction.lock_job_counter(package.job)
    # two, because this one is stored as open still
    query = Query(Package, {"job": package.job, "open": True}, order=("number",), limit=2)
    if any(other.number != package.number for other in transaction.store.find(query)):
        return None
    return transaction.lock(Job, (package.job,))


def _read_reject(
    transaction: Transaction, context: AssignmentContext, order: RejectOrder
) -> RejectFacts:
    """Read and lock what a reject is decided on, except for the members who may get the rework.

    The locks follow the common order: package and assignment are locked; now the claim counter and
    the job, and then the members.
    """
    job, package, assignment = context.job, context.package, context.assignment
    named = _find_named(transaction, job, order.tasks)
    counters = release_counter(transaction, job, assignment)
    # offers are made under the rules of the job, so it must stay as it is until they are stored;
    # in shared mode, which claims use too: they do not wait for a reject
    job = transaction.lock(Job, job.key, shared=True)
    assignments = transaction.assignments(package)
    numbers = read_task_numbers(transaction.store, package)
    answers = read_answers(transaction.store, job.id, numbers)
    own = [by_assignment.get(assignment.id) for by_assignment in answers.values()]
    return RejectFacts(
        context=evolve(context, job=job),
        history=rules.PackageHistory(assignments=assignments, tasks=numbers, answers=answers),
        counters=counters,
        named=named,
        said=order.said,
        # what an acceptance plan rejects goes back whole
        is_whole=order.is_whole or package.lot is not None,
        previous=describe_replaced(*own),
        policy=transaction.policy,
    )


def _find_named(transaction: Transaction, job: Job, tasks: Iterable[TaskRef]) -> Sequence[int]:
    """Return the numbers of the tasks that a caller names, each once.

    Raises:
        NotFound: when one is of another job, or an object of something else.
    """
    refs = {lookup.number_in(job.id, ref): ref for ref in tasks}
    for ref in refs.values():
        if isinstance(ref, Task | WorkItem):
            # an object may be older than what is stored under its number now
            lookup.read_task(transaction.store, job.id, ref)
    return list(refs)


def _lock_members(transaction: Transaction, keys: Sequence[int]) -> list[Member]:
    """Lock the members with these keys, so that nobody removes one before the offer is stored."""
    # in the order of their keys, as everybody does; shared, as claims of the same members do
    locked = {id: transaction.lock(Member, (id,), shared=True) for id in sorted(set(keys))}
    return [locked[id] for id in keys]
