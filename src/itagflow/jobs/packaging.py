"""Packages as a whole: discard, reopen, prioritize; and the end of a job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    PAGE,
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
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment, Package
from itagflow.results.histories import read_package_cases, recount
from itagflow.results.rules import with_counts
from itagflow.reviewing import rules as reviewing_rules
from itagflow.reviewing.reject_rules import WorkPlace
from itagflow.reviewing.rules import find_outdated_authors
from itagflow.reviewing.service import finish_with, recall
from itagflow.reviewing.withdrawing_rules import find_restored_authors, withdraw_campaign
from itagflow.storage.port import Query


def finish(engine: Engine, job: JobRef, *, by: MemberRef, discard_open: bool = False) -> Job:
    """End a job by hand; one whose packages are all done has finished by itself."""
    current = find_job(engine, job)
    if discard_open and not JOB.has_led("finish", current.state):
        # asked before the first package is discarded, for that cannot be undone
        JOB.advance(current.state, "finish", JobCommand(job=current), f"job {current.name!r}")
        _discard_open(engine, current, by)
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


def _discard_open(engine: Engine, job: Job, by: MemberRef) -> None:
    """Discard what is open, each package in a transaction of its own: others go on meanwhile.

    When it breaks off it is simply called again, and finds fewer.
    """
    open_packages = Query(Package, {"job": job.id, "open": True}, order=("number",))
    for package in iterate_query(engine.store, open_packages):
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
        saves = ((old, new), *restored, *finish_with(transaction, new))
        transaction.apply(record(ctx, "discard", about=new, save=saves, data=data))
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
    transaction.lock_counters(job, live)
    for assignment in live:
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
        tasks = read_task_numbers(transaction.store, old) if old.erased else ()
        reopened = reviewing_rules.reopen_package(job, old, ctx, tasks=tasks)
        stage = stage_of(reopened)
        require_people(transaction.store, WorkPlace(transaction.policy, job, stage, transaction.at))
        assignments = transaction.assignments(old)
        new = recount(transaction.store, job, reopened, assignments)
        outdated = find_outdated_authors(new, assignments, tasks)
        saves = ((old, new), *outdated, *running)
        data = _comment_data(comment)
        transaction.apply(record(ctx, "reopen", about=new, save=saves, data=data))
        return transaction.as_stored(new)


def _comment_data(comment: str) -> dict[str, str]:
    """Return what an event says of a comment: nothing when there is none."""
    return {"comment": comment} if comment else {}


def prioritize(
    engine: Engine,
    job: JobRef,
    priority: int,
    *,
    by: MemberRef,
    packages: Iterable[PackageRef | int] | None = None,
) -> int:
    """Give packages a priority, higher first in the queue, and return how many have it now."""
    priority = require_whole_number("the packages", "priority", priority)
    with engine.store.read() as reader:
        current = lookup.job(reader, job)
        named: list[Package] | None = None
        if packages is not None:
            named = [lookup.package_in(reader, current.id, ref) for ref in packages]
    with engine.transaction() as transaction:
        # all of them are checked before the first is changed
        _authorize_stages(transaction, current, named or [], by)
    if named is None:
        open_packages = Query(Package, {"job": current.id, "open": True}, order=("number",))
        numbers = [package.number for package in iterate_query(engine.store, open_packages)]
    else:
        numbers = sorted({package.number for package in named})
    change = _PriorityChange(current, priority, by, all_named=named is not None)
    changed = 0
    # Page by page: each transaction holds its packages, and claims of them wait for its end.
    for start in range(0, len(numbers), PAGE):
        with engine.transaction() as transaction:
            locked = [
                transaction.lock_package((current.id, number))
                for number in numbers[start : start + PAGE]
            ]
            changed += _set_priority(transaction, change, locked)
    return changed


@attrs.frozen
class _PriorityChange:
    """A priority that is given to packages of a job."""

    job: Job
    priority: int
    by: MemberRef
    all_named: bool = attrs.field(kw_only=True)
    """Whether the packages were named: then all of them get it, or none."""


def _authorize_stages(
    transaction: Transaction, ref: Job, packages: Iterable[Package], by: MemberRef
) -> list[Stage]:
    """Return the stages at which *by* may assign work; they must cover *packages*.

    Raises:
        NotAllowed: when they may not, or at no stage.
    """
    job = transaction.job(ref)
    allowed = transaction.find_allowed_stages(job, by, Action.ASSIGN)
    needed = {stage for package in packages for stage in _stages_of(job, package)}
    # the first stage in the order of the workflow makes the message, the same each time
    for stage in sorted(needed.difference(allowed), key=job.workflow.stages.index):
        transaction.authorize(job.workspace, by, Action.ASSIGN, job, stage)
    return allowed


def _stages_of(job: Job, package: Package) -> tuple[Stage, ...]:
    """Return the stage of *package*; one that has ended may come back to any."""
    return job.workflow.stages if package.stage is None else (package.stage,)


def _set_priority(transaction: Transaction, change: _PriorityChange, locked: list[Package]) -> int:
    """Give locked packages a priority: all, or those at a stage where the member assigns work."""
    # asked again of what is locked: a package may have moved to another stage since
    required = locked if change.all_named else []
    stages = _authorize_stages(transaction, change.job, required, change.by)
    job = transaction.job(change.job)
    rules.must_not_be_archived(job, "prioritize")
    packages = locked
    if not change.all_named:
        packages = [package for package in locked if package.stage in stages]
    # what has it already stays as it is: the call may have been sent again
    others = [package for package in packages if package.priority != change.priority]
    if others:
        saves = tuple(
            (package, attrs.evolve(package, priority=change.priority)) for package in others
        )
        ctx = transaction.make_context(
            job.workspace, transaction.member(job.workspace, change.by).id
        )
        numbers = [package.number for package in others]
        data = {"priority": change.priority, "packages": numbers}
        transaction.apply(record(ctx, "prioritize", about=job, save=saves, data=data))
    return len(packages)
