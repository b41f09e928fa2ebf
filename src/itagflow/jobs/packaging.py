"""Packages as a whole: discard, reopen, prioritize; and the end of a job."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from itagflow.access import Action
from itagflow.core import holding, lookup
from itagflow.core.change import record
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    JobRef,
    MemberRef,
    PackageRef,
    iterate_query,
)
from itagflow.core.transaction import Transaction
from itagflow.jobs import rules
from itagflow.jobs.service import find_job
from itagflow.lifecycle.tables import JOB, JobAct
from itagflow.model.job import Job, Stage
from itagflow.model.number import whole_number
from itagflow.model.package import Assignment, Package
from itagflow.results.histories import numbers_in
from itagflow.reviewing import rules as reviewing_rules
from itagflow.reviewing.stages import recall, recounted, with_finish
from itagflow.storage.port import Query


def finish(engine: Engine, job: JobRef, *, by: MemberRef, discard_open: bool = False) -> Job:
    """End a job by hand; one whose packages are all done has finished by itself."""
    home = find_job(engine, job)
    if discard_open and not JOB.has_led("finish", home.state):
        JOB.advance(home.state, "finish", JobAct(job=home), f"job {home.name!r}")
        for package in iterate_query(
            engine.store, Query(Package, {"job": home.id, "open": True}, order=("number",))
        ):
            discard(engine, package, by=by, comment="the job was finished")
    with engine.transaction() as transaction:
        transaction.lock_job_counter(
            home.id
        )  # nobody opens a package again, or adds one, from here on
        old = transaction.lock_job(job)
        act = transaction.allowed(old.workspace, by, Action.MANAGE_JOB, old)
        if JOB.has_led("finish", old.state):
            return old
        still = lookup.first(
            transaction.store,
            Query(Package, {"job": old.id, "open": True}, order=("number",), limit=1),
        )
        new = rules.stepped(old, "finish", open_package=still.number if still else 0)
        transaction.do(
            record(act, "finish", about=new, save=((old, new),), data={"name": old.name})
        )
        return transaction.as_stored(new)


def discard(engine: Engine, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
    """Discard a package: its assignments are recalled, its tasks count no more, answers stay."""
    with engine.transaction() as transaction:
        old = transaction.lock_package(package)
        job = transaction.store.get(Job, (old.job,))
        act = transaction.allowed(job.workspace, by, Action.MANAGE_JOB, job)
        holding.must_be_working(job, "discard")
        gone = reviewing_rules.discarded(job, old)
        live = [
            transaction.lock(Assignment, assignment.key)
            for assignment in transaction.assignments(old)
            if assignment.live
        ]
        transaction.lock_counters(job, live)
        for assignment in live:
            recall(
                transaction,
                old,
                assignment,
                act.member,
                comment or f"{old} was discarded",
                free=False,
            )
        new = recounted(transaction, job, gone, transaction.assignments(old))
        saves = ((old, new), *with_finish(transaction, new))
        transaction.do(
            record(
                act, "discard", about=new, save=saves, data={"comment": comment} if comment else {}
            )
        )
        return transaction.as_stored(new)


def reopen(engine: Engine, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
    """Open a package again: a finished one for a full review, a discarded one for labeling."""
    with engine.transaction() as transaction:
        old = transaction.lock_package(package)
        transaction.lock_job_counter(old.job)  # nobody finishes the job from here on
        job = transaction.lock_job_for_adding(old.job)
        act = transaction.allowed(job.workspace, by, Action.MANAGE_JOB, job)
        again = rules.brought_back(job, "reopen")
        tasks = numbers_in(transaction.store, old) if old.erased else ()
        new = recounted(
            transaction,
            job,
            reviewing_rules.reopened(job, old, act, tasks=tasks),
            transaction.assignments(old),
        )
        data = {"comment": comment} if comment else {}
        transaction.do(record(act, "reopen", about=new, save=((old, new), *again), data=data))
        return transaction.as_stored(new)


def prioritize(
    engine: Engine,
    job: JobRef,
    priority: int,
    *,
    by: MemberRef,
    packages: Iterable[PackageRef | int] | None = None,
) -> int:
    """Give packages a priority, higher first in the queue, and return how many have it now."""
    priority = whole_number("the packages", "priority", priority)
    with engine.store.read() as reader:
        home = lookup.job(reader, job)
        named = (
            None
            if packages is None
            else [lookup.package_in(reader, home.id, ref) for ref in packages]
        )
    open_ones = Query(Package, {"job": home.id, "open": True}, order=("number",))
    found = iterate_query(engine.store, open_ones) if named is None else iter(named)
    numbers = sorted({package.number for package in found})
    with engine.transaction() as transaction:
        # all of them are checked before the first is changed
        _must_assign(transaction, home, named or [], by)
    moved = 0
    for start in range(0, len(numbers), lookup.PAGE):
        with engine.transaction() as transaction:
            some = [
                transaction.lock_package((home.id, number))
                for number in numbers[start : start + lookup.PAGE]
            ]
            moved += _prioritize(
                transaction, home, some, priority, by, all_of_them=named is not None
            )
    return moved


def _must_assign(
    transaction: Transaction, home: Job, packages: Iterable[Package], by: MemberRef
) -> list[Stage]:
    """Return the stages at which *by* may assign work; they must cover *packages*.

    Raises:
        NotAllowed: when they may not, or at no stage.
    """
    job = transaction.job(home)
    able = transaction.stages(job, by, Action.ASSIGN)
    asked = {stage for package in packages for stage in _stages_of(job, package)}
    for stage in sorted(asked.difference(able), key=job.workflow.stages.index):
        transaction.allowed(job.workspace, by, Action.ASSIGN, job, stage)
    return able


def _stages_of(job: Job, package: Package) -> tuple[Stage, ...]:
    """Return the stage of *package*; one that has ended may come back to any."""
    return job.workflow.stages if package.stage is None else (package.stage,)


def _prioritize(
    transaction: Transaction,
    home: Job,
    held: list[Package],
    priority: int,
    by: MemberRef,
    *,
    all_of_them: bool,
) -> int:
    """Give locked packages a priority: all, or those at a stage where *by* assigns work."""
    able = _must_assign(transaction, home, held if all_of_them else [], by)
    job = transaction.job(home)
    rules.must_not_be_archived(job, "prioritize")
    some = held if all_of_them else [package for package in held if package.stage in able]
    saves = tuple((package, attrs.evolve(package, priority=priority)) for package in some)
    act = transaction.act(job.workspace, transaction.member(job.workspace, by).id)
    data = {"priority": priority, "packages": [package.number for package in some]}
    if some:
        transaction.do(record(act, "prioritize", about=job, save=saves, data=data))
    return len(some)
