"""The workflow of a job that is under way: its votes are raised, package by package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from itagflow.access import Action
from itagflow.claiming.part_rules import are_votes_merged, find_voters
from itagflow.core.counted import Steps, Wrap
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.jobs.finishing_rules import find_hindrance
from itagflow.jobs.skill_rules import require_same_field, require_whole_values
from itagflow.jobs.staffing import read_staffing
from itagflow.labeling.merge_rules import explain_other_votes
from itagflow.model.change import Context, Saved, record
from itagflow.model.job import Accept, Job, JobState, Stage, Workflow
from itagflow.model.jobcounter import JobCounter
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.results.histories import recount
from itagflow.reviewing.rules import with_slots_added
from itagflow.storage.port import Query, Span

PACKAGES_PER_TRANSACTION = 100
"""How many packages get more slots in one transaction: claims of these wait for it."""


def require_possible_change(old: Job, new: Workflow) -> None:
    """Check that the workflow of *old*, which may be under way, can become *new*.

    The stages stay, votes become no fewer, and what was merged is not merged by another rule.  A
    limit cannot be given or taken away: where there is none, nobody counts what members hold.

    Raises:
        InvalidData: when anything of that differs.
    """
    if old.workflow.stages != new.stages:
        there = ", ".join(stage.value for stage in old.workflow.stages)
        reason = f"must have the same stages as before: {there}"
        raise InvalidData("the workflow", [Problem("", reason)])
    require_same_field(old.workflow, new)
    require_whole_values(new, old.packaging)
    reason = explain_other_votes(old.workflow.label, new.label)
    if reason:
        raise InvalidData("the workflow", [Problem("label", reason)])
    for stage in new.stages:
        before, after = old.workflow.rule(stage), new.rule(stage)
        for name in ("limit", "max_total"):
            given, wanted = getattr(before, name), getattr(after, name)
            if (given is None) != (wanted is None):
                reason = (
                    "can be another number, but not be given to or taken from a job that exists"
                )
                raise InvalidData("the workflow", [Problem(f"{stage.value}, {name}", reason)])
        _require_same_plan(old, new, stage)


def require_workable(transaction: Transaction, job: Job) -> None:
    """Check that the people of a *job* that was published can do its work.

    Raises:
        NotAllowed: when they cannot.
    """
    if job.state is JobState.DRAFT:
        return  # asked when it is published
    counter = transaction.store.get(JobCounter, job.key)
    hindrance = find_hindrance(job, read_staffing(transaction, job, counter.packages))
    if hindrance:
        raise NotAllowed("", f"change the workflow of job {job.name!r}", hindrance)


def add_slots(engine: Engine, job: Job, *, by: MemberRef, progress: Wrap | None = None) -> Job:
    """Give every package that is at LABEL a slot for each vote that it has too few.

    Whoever brings a package to LABEL locks the job, and so sees the new votes: no package comes
    there behind the query with fewer.  When it breaks off it is called again, and goes on.
    """
    with engine.store.read() as reader:
        total = reader.count(Query(Package, _match_labeled(job, 0)))
    steps = Steps.begin(total, progress)
    last = 0
    while numbers := _add_some_slots(engine, job, last, by):
        steps.advance(len(numbers))
        last = numbers[-1]
    steps.end()
    with engine.transaction() as transaction:
        old = transaction.lock_job(job.id)
        ctx = transaction.authorize(old.workspace, by, Action.MANAGE_JOB, old)
        if old.raising_votes and old.workflow == job.workflow:
            new = attrs.evolve(old, raising_votes=False)
            data = {"name": old.name, "votes": new.workflow.label.votes}
            transaction.apply(record(ctx, "raise_votes", about=new, save=((old, new),), data=data))
        return transaction.store.get(Job, old.key)


def _match_labeled(job: Job, after: int) -> dict[str, Any]:
    """Return which packages are at LABEL, behind one with this number."""
    return {"job": job.id, "state": PackageState.LABEL, "number": Span(after + 1, None)}


def _add_some_slots(engine: Engine, job: Job, after: int, by: MemberRef) -> list[int]:
    """Add slots to the next packages behind this number, and return the numbers of these.

    Packages are locked in the order of their numbers, as everywhere.
    """
    with engine.transaction() as transaction:
        current = transaction.job(job.id)
        ctx = transaction.authorize(current.workspace, by, Action.MANAGE_JOB, current)
        where = _match_labeled(job, after)
        query = Query(Package, where, order=("number",), limit=PACKAGES_PER_TRANSACTION)
        numbers = [package.number for package in transaction.store.find(query)]
        locked = [transaction.lock_package((job.id, number)) for number in numbers]
        _store_slots(transaction, ctx, current, locked)
    return numbers


def _require_same_plan(old: Job, new: Workflow, stage: Stage) -> None:
    """Check that the acceptance plan of *stage* stays: lots are being decided by it.

    Raises:
        InvalidData: when it differs.
    """
    before, after = old.workflow.review(stage), new.review(stage)
    if before is not None and after is not None and before.plan != after.plan:
        reason = f"is {before.plan}, and cannot change in a job that exists"
        raise InvalidData("the workflow", [Problem(f"{stage.value}, plan", reason)])
    if isinstance(before, Accept) and isinstance(after, Accept) and before.lot != after.lot:
        reason = f"is {before.lot}, and cannot change in a job that exists"
        raise InvalidData("the workflow", [Problem(f"{stage.value}, lot", reason)])


def _read_begun(transaction: Transaction, package: Package) -> Sequence[Assignment]:
    """Return the assignments on a locked package, or none if nobody has begun it in this round."""
    # most packages wait for their one labeler: a query for each of them would take long
    if package.votes == 1 and package.waiting:
        return ()
    return transaction.assignments(package)


def _store_slots(
    transaction: Transaction, ctx: Context, job: Job, packages: Sequence[Package]
) -> None:
    save = list[Saved]()
    numbers = list[int]()
    for package in packages:
        assignments = _read_begun(transaction, package)
        if package.votes > 1 and are_votes_merged(package, assignments):
            continue  # it waits for a decision only: the next round has the votes of now
        after = with_slots_added(job, package)
        if after == package:
            continue
        if package.votes == 1 and find_voters(assignments, package.round):
            # what was handed in while a part is missing is a vote from now on, and votes do not
            # count before they are merged
            after = recount(transaction.store, job, after, assignments)
        save.append((package, after))
        numbers.append(package.number)
    if save:
        data = {"name": job.name, "numbers": numbers}
        transaction.apply(record(ctx, "raise_votes", about=job, save=save, data=data))
