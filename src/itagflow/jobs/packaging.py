"""Packages as a whole: discard, reopen, prioritize; and the end of a job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.core.locking import lock_counters
from itagflow.core.lookup import (
    JobRef,
    MemberRef,
    PackageRef,
    iterate_query,
    read_task_numbers,
)
from itagflow.core.transaction import Transaction
from itagflow.jobs import rules
from itagflow.jobs.service import find_job
from itagflow.jobs.staffing import require_people
from itagflow.lifecycle.tables import JOB, JobCommand, must_be_working, stage_of
from itagflow.model.change import Saved, record
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.results.histories import read_package_cases, recount
from itagflow.results.outcome_rules import describe_end, describe_reopening
from itagflow.results.rules import with_counts
from itagflow.reviewing import rules as reviewing_rules
from itagflow.reviewing.reject_rules import WorkPlace, find_outdated_authors
from itagflow.reviewing.service import finish_with, recall
from itagflow.reviewing.withdrawing_rules import find_restored_authors, withdraw_campaign
from itagflow.storage.port import Query


def finish(
    engine: Engine,
    job: JobRef,
    *,
    by: MemberRef,
    discard_open: bool = False,
    progress: Wrap | None = None,
) -> Job:
    """End a job by hand; one whose packages are all done has finished by itself."""
    current = find_job(engine, job)
    if discard_open and not JOB.has_led("finish", current.state):
        # asked before the first package is discarded, for that cannot be undone
        JOB.advance(current.state, "finish", JobCommand(job=current), f"job {current.name!r}")
        _discard_open(engine, current, by, progress)
    with engine.transaction() as transaction:
        # from here on nobody opens a package again, or adds one
        transaction.lock_job_counter(current.id)
        old = transaction.lock_job(job)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        if JOB.has_led("finish", old.state):
            return old
        first_open = lookup.first(
            transaction.store,
            Query(Package, {"job": old.id, "open": True}, order=("number",), limit=1),
        )
        number = first_open.number if first_open else 0
        new = rules.advance_job(old, "finish", open_package=number)
        transaction.apply(
            record(ctx, "finish", about=new, save=((old, new),), data={"name": old.name})
        )
        return transaction.as_stored(new)


def _discard_open(engine: Engine, job: Job, by: MemberRef, progress: Wrap | None) -> None:
    """Discard what is open, each package in a transaction of its own: others go on meanwhile.

    When it breaks off it is simply called again, and finds fewer.
    """
    open_packages = Query(Package, {"job": job.id, "open": True}, order=("number",))
    with engine.store.read() as reader:
        total = reader.count(open_packages)
    for package in show(iterate_query(engine.store, open_packages), total, progress):
        discard(engine, package, by=by, comment="the job was finished")


def discard(engine: Engine, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
    """Discard a package: its assignments are recalled, its tasks count no more, answers stay.

    In the middle of a campaign only that ends: its tasks have their former results again.
    """
    with engine.transaction() as transaction:
        old = transaction.lock_package(package)
        job = transaction.store.get(Job, (old.job,))
        ctx = transaction.authorize(job.workspace, by, Action.MANAGE_JOB, job)
        must_be_working(job, "discard")
        data: dict[str, Any] = {**_comment_data(comment)}
        if old.campaign is None:
            ended = reviewing_rules.discard_package(job, old)
            reason = f"{old} was discarded"
        else:
            ended = withdraw_campaign(job, old, old.campaign)
            reason = "its campaign was withdrawn"
            data["tasks"] = list(old.campaign.tasks)
        _recall_live(transaction, job, old, ctx.member, comment or reason)
        assignments = transaction.assignments(old)
        cases = read_package_cases(transaction.store, job, ended, assignments)
        new = with_counts(ended, cases)
        restored = list[Saved]()
        if old.campaign is not None:
            restored = find_restored_authors(cases, assignments)
        saves = ((old, new), *restored, *finish_with(transaction, job, new))
        tasks = [case.task for case in cases]
        became = describe_end(old, new, tasks, reviewing_rules.find_abandoned(cases))
        transaction.apply(record(ctx, "discard", about=new, save=saves, data=data, became=became))
        return transaction.as_stored(new)


def _recall_live(
    transaction: Transaction, job: Job, package: Package, member: int, comment: str
) -> None:
    """Recall the assignments on a locked package that are held or offered."""
    live = [
        transaction.lock(Assignment, assignment.key)
        for assignment in transaction.assignments(package)
        if assignment.live
    ]
    # all counters at once, in their common order, before the first assignment moves one
    lock_counters(transaction, job, live)
    recall_each(transaction, package, live, member, comment)


def recall_each(
    transaction: Transaction,
    package: Package,
    assignments: Iterable[Assignment],
    member: int,
    comment: str,
) -> None:
    """Recall these assignments, which are locked with their counters; their slots are not free."""
    for assignment in assignments:
        recall(transaction, package, assignment, member, comment, free=False)


def reopen(engine: Engine, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
    """Open a package again: a finished one for a full review, a discarded one for labeling."""
    with engine.transaction() as transaction:
        old = transaction.lock_package(package)
        transaction.lock_job_counter(old.job)  # nobody finishes the job from here on
        job = transaction.lock_job_for_adding(old.job)
        ctx = transaction.authorize(job.workspace, by, Action.MANAGE_JOB, job)
        running = rules.reopen_finished(job, "reopen")
        # what was erased is not reviewed again: the others are named one by one
        tasks = read_task_numbers(transaction.store, old)
        rules.must_have_tasks_left(old, "reopen")
        reopened = reviewing_rules.reopen_package(job, old, ctx, tasks=tasks)
        stage = stage_of(reopened)
        require_people(transaction.store, WorkPlace(transaction.policy, job, stage, transaction.at))
        assignments = transaction.assignments(old)
        new = recount(transaction.store, job, reopened, assignments)
        outdated = find_outdated_authors(new, assignments, tasks)
        saves = ((old, new), *outdated, *running)
        data = _comment_data(comment)
        became = describe_reopening(old, tasks)
        transaction.apply(record(ctx, "reopen", about=new, save=saves, data=data, became=became))
        return transaction.as_stored(new)


def _comment_data(comment: str) -> dict[str, str]:
    """Return what an event says of a comment: nothing when there is none."""
    return {"comment": comment} if comment else {}


def authorize_stages(
    transaction: Transaction,
    ref: Job,
    states: Iterable[PackageState],
    by: MemberRef,
    operation: str,
) -> list[Stage]:
    """Return the stages at which *by* may assign work; they must cover packages in *states*.

    *operation* is what packages are changed by, in words.

    Raises:
        NotAllowed: when they may not, or at no stage, or when the job is archived.
    """
    job = transaction.job(ref)
    allowed = transaction.find_allowed_stages(job, by, Action.ASSIGN)
    needed: set[Stage] = set()
    for state in states:
        # one that has ended may come back to any stage
        needed.update(job.workflow.stages if state.stage is None else (state.stage,))
    # the first stage in the order of the workflow makes the message, the same each time
    for stage in sorted(needed.difference(allowed), key=job.workflow.stages.index):
        transaction.authorize(job.workspace, by, Action.ASSIGN, job, stage)
    rules.must_not_be_archived(job, operation)
    return allowed
