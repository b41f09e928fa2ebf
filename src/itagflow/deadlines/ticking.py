"""What time decides, in one place: leases that have lapsed, and packages that are overdue.

Each step is a complete operation that looks again at what it has locked, so several schedulers may
tick at once, and a tick that broke off is simply made again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.claiming.assigning import expire_lapsed
from itagflow.claiming.queue import find_lapsed
from itagflow.core import lookup
from itagflow.core.engine import BLOCK, Engine
from itagflow.core.locking import lock_assignments, lock_counters
from itagflow.core.lookup import (
    JobRef,
    MemberRef,
    WorkspaceRef,
    iterate_query,
    read_answers,
)
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import must_name_workspace
from itagflow.deadlines import overdue_rules
from itagflow.deadlines.overdue_rules import OverdueFacts
from itagflow.deadlines.rules import is_overdue
from itagflow.errors import InvalidData, Problem
from itagflow.jobs.packaging import recall_each
from itagflow.labeling.closing import close_votes
from itagflow.lots.settling import settle_lots
from itagflow.model.job import Crew, Job, JobState
from itagflow.model.package import Assignment, AssignmentState, Outcome, Package
from itagflow.model.reports import TickReport
from itagflow.model.task import Task
from itagflow.reviewing.service import finish_with, has_free_crew
from itagflow.storage.port import Query, Reader, Span

OVERDUE_COMMENT = "its due time has passed"
"""Why offers of an overdue package are taken back."""
NO_EXPERT = "no expert is left who has no assignment on the package"


def tick(
    engine: Engine,
    workspace: WorkspaceRef | None = None,
    job: JobRef | None = None,
    *,
    by: MemberRef | None = None,
) -> TickReport:
    """Do what time decides in a job, in the jobs of a workspace, or in all."""
    if workspace is not None and job is not None:
        reason = "is given beside the job, which is in one: give one"
        raise InvalidData("tick", [Problem("workspace", reason)])
    if workspace is None and job is None:
        must_name_workspace("tick", by)
    jobs, actor = _find_jobs(engine, workspace, job, by)
    done = Counter[str]()
    checked = 0
    for each in jobs:
        checked += 1
        _tick_job(engine, each, actor, done)
    return TickReport(jobs=checked, **done)


def _find_jobs(
    engine: Engine, workspace: WorkspaceRef | None, job: JobRef | None, by: MemberRef | None
) -> tuple[Iterable[Job], int]:
    """Return the running jobs that are meant, and the key of who acts; 0: the application.

    Raises:
        NotAllowed: when *by* may not manage the job, or jobs of the workspace.
    """
    where: dict[str, Any] = {"state": JobState.RUNNING}
    actor = 0
    with engine.store.read() as reader:
        named = None if job is None else lookup.job(reader, job)
        home = None
        if named is not None:
            home = named.workspace
        elif workspace is not None:
            home = lookup.workspace(reader, workspace).id
            where["workspace"] = home
        if by is not None and home is not None:
            member = lookup.member(reader, home, by)
            access.check(engine.policy, member, Action.MANAGE_JOB, named, None)
            actor = member.id
    if named is not None:
        return ([named] if named.state is JobState.RUNNING else []), actor
    return iterate_query(engine.store, Query(Job, where, order=("id",))), actor


def _tick_job(engine: Engine, job: Job, actor: int, done: Counter[str]) -> None:
    """Do what time decides in one job; *done* counts it."""
    done["expired"] += _expire(engine, job, actor)
    done["votes"] += close_votes(engine, job, actor)
    done["lots"] += settle_lots(engine, job.id).total if job.workflow.has_lots else 0
    if job.workflow.label.on_overdue is None:
        return  # nothing is done with what is overdue, and nothing is read
    numbers: list[int] = []
    where: dict[str, Any] = {
        "job": job.id,
        "is_deadline_pending": True,
        "due": Span(None, engine.now()),
    }
    acting: list[int] = []
    pending = Query(Package, where, order=("due", "number"))
    for package in iterate_query(engine.store, pending):
        if overdue_rules.acts_on(job, package):
            acting.append(package.number)
        else:
            numbers.append(package.number)
    for block in _cut(sorted(numbers)):
        with engine.transaction() as transaction:
            done["notified"] += _notify(transaction, job, block, actor)
    # Each in a transaction of its own: what ends may finish the job, which is locked behind every
    # package.
    for number in acting:
        with engine.transaction() as transaction:
            done[_time_out(transaction, job, number, actor)] += 1
    del done[""]  # what another scheduler has done, or somebody has set another time for


def _cut(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), BLOCK):
        yield numbers[start : start + BLOCK]


def _expire(engine: Engine, job: Job, actor: int) -> int:
    """Take back what has lapsed, and return how many assignments were.

    Not where the job is closed to new work: there what has lapsed can still be taken over, and what
    is in the queue cannot.
    """
    at = engine.now()
    if job.closes_at is not None and job.closes_at <= at:
        return 0
    with engine.store.read() as reader:
        keys = [
            assignment.key
            for stage in job.workflow.stages
            for assignment in find_lapsed(reader, job, stage, at)
        ]
    results = engine.run_batch(
        keys,
        lock_assignments,
        lambda transaction, key: expire_lapsed(
            transaction, key, transaction.make_context(job.workspace, actor)
        ),
    )
    return sum(map(bool, results))


def _read_running(transaction: Transaction, job: Job) -> Job | None:
    """Return the job as it is now, if it runs and does something with what is overdue."""
    current = transaction.store.get(Job, job.key)
    if current.state is not JobState.RUNNING or current.workflow.label.on_overdue is None:
        return None
    return current


def _notify(transaction: Transaction, job: Job, numbers: list[int], actor: int) -> int:
    """Say of these packages that they are overdue, and return of how many it was said."""
    locked = [transaction.lock_package((job.id, number)) for number in numbers]
    current = _read_running(transaction, job)
    if current is None:
        return 0
    ctx = transaction.make_context(job.workspace, actor)
    said = 0
    for package in locked:
        # as it is now: another scheduler may have been here, or it has come to LABEL again
        if _is_due(package, transaction) and not overdue_rules.acts_on(current, package):
            transaction.apply(overdue_rules.notify(package, ctx))
            said += 1
    return said


def _is_due(package: Package, transaction: Transaction) -> bool:
    return package.is_deadline_pending and is_overdue(package, transaction.at)


def _time_out(transaction: Transaction, job: Job, number: int, actor: int) -> str:
    """Do with an overdue package what the rule says, and return what that was."""
    package = transaction.lock_package((job.id, number))
    current = _read_running(transaction, job)
    if current is None or not _is_due(package, transaction):
        return ""
    ctx = transaction.make_context(job.workspace, actor)
    if not overdue_rules.acts_on(current, package):
        transaction.apply(overdue_rules.notify(package, ctx))
        return "notified"
    assignments = transaction.assignments(package)
    waited_for = any(
        overdue_rules.is_waited_for(current, each, transaction.at) for each in assignments
    )
    # answers that are being carried over to another template wait for the next tick
    if waited_for or current.pending_template_change is not None:
        return "held"
    facts = OverdueFacts(
        job=current,
        template=transaction.cache.template(transaction.store, current),
        package=package,
        assignments=assignments,
        tasks={},
        answers={},
        ctx=ctx,
        ids=(
            transaction.new_id(Assignment, current.id),
            transaction.new_id(Assignment, current.id),
        ),
    )
    if facts.escalates and not _has_expert(transaction, facts):
        transaction.apply(overdue_rules.notify(package, ctx, reason=NO_EXPERT))
        return "notified"
    _end_live(transaction, facts)
    timeout = overdue_rules.time_out(_read_work(transaction, facts))
    finishing = () if timeout.package.open else finish_with(transaction, current, timeout.package)
    transaction.apply(timeout.to_change(ctx, finishing))
    return "escalated" if timeout.is_escalated else "defaulted"


def _has_expert(transaction: Transaction, facts: OverdueFacts) -> bool:
    """Return whether an expert has some of the tasks, or may have them."""
    current = facts.current
    if overdue_rules.find_live_escalation(current) is not None:
        return True
    return has_free_crew(transaction, facts.job, Crew.EXPERTS, current)


def _end_live(transaction: Transaction, facts: OverdueFacts) -> None:
    """Take back what is offered, and what has lapsed and nobody has taken over."""
    live = [
        transaction.lock(Assignment, each.key)
        for each in facts.assignments
        if overdue_rules.is_to_be_ended(facts.job, each)
    ]
    # all counters at once, in their common order, before the first assignment moves one
    lock_counters(transaction, facts.job, live)
    # a part that is given back would be offered again: nobody is to take it now
    lapsed = [each for each in live if each.state is AssignmentState.HELD and not each.is_part]
    for assignment in lapsed:
        expire_lapsed(transaction, assignment.key, facts.ctx)
    others = [each for each in live if each not in lapsed]
    recall_each(transaction, facts.package, others, facts.ctx.member, OVERDUE_COMMENT)


def _read_work(transaction: Transaction, facts: OverdueFacts) -> OverdueFacts:
    """Return *facts* with the package as it is without its offers, its tasks and the answers."""
    reader: Reader = transaction.store
    package = transaction.lock_package(facts.package.key)
    where: dict[str, Any] = {"job": package.job, "package": package.number}
    tasks = {task.number: task for task in reader.find(Query(Task, where, order=("number",)))}
    assignments = transaction.assignments(package)
    # those that may be changed: whose answers are taken over, and what experts get more of
    for assignment in assignments:
        if assignment.live or assignment.outcome is Outcome.EXPIRED:
            transaction.lock(Assignment, assignment.key)
    assignments = [transaction.as_stored(each) for each in assignments]
    return attrs.evolve(
        facts,
        package=package,
        assignments=assignments,
        tasks=tasks,
        answers=read_answers(reader, package.job, list(tasks)),
    )
