"""Tasks out of the work: nobody labels or reviews them any more, and their data stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import attrs

from itagflow import access
from itagflow.access import Action
from itagflow.core import lookup
from itagflow.core.counted import Wrap
from itagflow.core.engine import BLOCK, Engine
from itagflow.core.locking import lock_assignments
from itagflow.core.lookup import JobRef, MemberRef, TaskRef, read_task_numbers
from itagflow.core.transaction import Transaction
from itagflow.errors import InvalidData, Problem
from itagflow.jobs import rules, withdrawing_rules
from itagflow.jobs.task_places import find_by_key, find_by_number
from itagflow.model.arguments import require_flag, require_optional_several, require_wrapper
from itagflow.model.became import Became, format_became
from itagflow.model.change import Context, Saved, record
from itagflow.model.job import Job
from itagflow.model.package import Assignment, Package
from itagflow.model.reports import WithdrawReport
from itagflow.model.row_key import require_row_key
from itagflow.model.text import require_text
from itagflow.results.histories import read_package_cases, recount
from itagflow.results.outcome_rules import describe_end
from itagflow.reviewing.rules import find_abandoned
from itagflow.reviewing.service import finish_if_done, recall
from itagflow.storage.port import Query


@attrs.frozen
class NamedTasks:
    """Tasks as they were given: themselves, their numbers, or their row keys."""

    tasks: Sequence[TaskRef]
    keys: Sequence[str | int]
    ignore_missing: bool
    """Whether those that the job does not have are passed over."""


@attrs.frozen
class WithdrawOrder:
    """Which tasks are withdrawn, by whom and why."""

    named: NamedTasks
    comment: str
    progress: Wrap | None
    by: MemberRef


def parse_named(
    verb: str,
    tasks: Iterable[TaskRef] | None,
    keys: Iterable[str | int] | None,
    ignore_missing: bool,
) -> NamedTasks:
    """Return the tasks that are named.

    Raises:
        InvalidData: when none can be, or a row key is of another kind.
    """
    if tasks is None and keys is None:
        raise InvalidData(verb, [Problem("tasks", "are missing: name tasks, or their row keys")])
    named = require_optional_several(verb, "tasks", tasks, "tasks")
    by_key = require_optional_several(verb, "keys", keys, "row keys")
    is_lenient = require_flag(verb, "ignore_missing", ignore_missing)
    return NamedTasks(named or [], [require_row_key(key) for key in by_key or ()], is_lenient)


def parse_order(
    verb: str, named: NamedTasks, comment: str, progress: Wrap | None, by: MemberRef
) -> WithdrawOrder:
    """Return what `jobs.withdraw` was given, checked as far as that needs no job.

    Raises:
        InvalidData: when an argument is of another kind.
    """
    wrap = require_wrapper(verb, "progress", progress)
    return WithdrawOrder(named, require_text(verb, "comment", comment), wrap, by)


def withdraw(engine: Engine, ref: JobRef, order: WithdrawOrder) -> WithdrawReport:
    """Take tasks out of the work, and say which of them were still part of it."""
    with engine.store.read() as reader:
        job = lookup.job(reader, ref)
        member = lookup.member(reader, job.workspace, order.by)
        access.check(engine.policy, member, Action.MANAGE_JOB, job, None)
    _must_have_work(job)
    # all of them are found before the first is withdrawn
    by_package, missing = _find_named(engine, job, order.named)
    numbers: Iterable[int] = sorted(by_package)
    shown = iter(order.progress(numbers) if order.progress else numbers)
    withdrawn: list[int] = []
    # Block by block: each transaction holds its packages, and claims of them wait for its end.
    while block := list(islice(shown, BLOCK)):
        named = {number: by_package[number] for number in block}
        withdrawn += _withdraw_block(engine, job, order, named)
    found = sum(map(len, by_package.values()))
    return WithdrawReport(
        tasks=tuple(sorted(withdrawn)), skipped=found - len(withdrawn), missing=tuple(missing)
    )


def _find_named(
    engine: Engine, job: Job, named: NamedTasks
) -> tuple[dict[int, set[int]], list[int | str]]:
    """Return the tasks by package, and the numbers and row keys that the job does not have.

    Raises:
        NotFound: when it does not have one, unless that is to be passed over.
    """
    is_lenient = named.ignore_missing
    by_number = find_by_number(engine, job, named.tasks, ignore_missing=is_lenient)
    by_key = find_by_key(engine, job, named.keys, ignore_missing=is_lenient)
    by_package = defaultdict[int, set[int]](set)
    missing: list[int | str] = []
    for task, place in zip(named.tasks, by_number, strict=True):
        if place is None:
            missing.append(lookup.number_in(job.id, task))
        else:
            by_package[place.package].add(place.task)
    for key, place in zip(named.keys, by_key, strict=True):
        if place is None:
            missing.append(key)
        else:
            by_package[place.package].add(place.task)
    return by_package, missing


def _must_have_work(job: Job) -> None:
    rules.must_not_be_archived(job, "withdraw tasks")
    rules.must_not_be_a_draft(job, "withdraw tasks")


def _withdraw_block(
    engine: Engine, ref: Job, order: WithdrawOrder, named: dict[int, set[int]]
) -> list[int]:
    """Withdraw the *named* tasks of some packages in one transaction; return the new ones."""
    done: list[int] = []
    with engine.transaction() as transaction:
        job = transaction.job(ref)
        ctx = transaction.authorize(job.workspace, order.by, Action.MANAGE_JOB, job)
        _must_have_work(job)
        packages = transaction.lock_numbered(job.id, sorted(named))
        # Kind by kind, as everywhere: all assignments and their claim counters before the first
        # of them is recalled.
        where: dict[str, Any] = {"job": job.id, "package": tuple(named), "live": True}
        live = list(transaction.store.find(Query(Assignment, where)))
        lock_assignments(transaction, (assignment.key for assignment in live))
        has_ended = False
        for package in packages:
            withdrawn = withdrawing_rules.list_new(package, named[package.number])
            if withdrawn:
                after = _withdraw(transaction, ctx, package, withdrawn, order.comment)
                has_ended = has_ended or (package.open and not after.open)
                done += withdrawn
        if has_ended:
            finish_if_done(transaction, job, ctx)
    return done


def _withdraw(
    transaction: Transaction,
    ctx: Context,
    package: Package,
    withdrawn: Sequence[int],
    comment: str,
) -> Package:
    """Withdraw tasks of a locked package, and return the package as it is then."""
    job = transaction.job(package.job)
    tasks = withdrawn
    if package.size > 1:  # most packages of a queue have this task only
        tasks = read_task_numbers(transaction.store, package)
    assignments = transaction.assignments(package)
    after = withdrawing_rules.withdraw_tasks(
        job, package, withdrawn, ctx, tasks=tasks, assignments=assignments
    )
    saves: list[Saved] = []
    if package.open and not after.open:
        for assignment in assignments:
            if assignment.live:
                reason = comment or "its tasks were withdrawn"
                recall(transaction, package, assignment, ctx.member, reason, free=False)
        assignments = transaction.assignments(package)
    else:
        saves += withdrawing_rules.narrow(after, assignments, tasks)
    # what is withdrawn counts no more as abandoned or wrong
    if package.abandoned or package.wrong:
        after = recount(transaction.store, job, after, assignments)
    data: dict[str, Any] = {"tasks": list(withdrawn)}
    if comment:
        data["comment"] = comment
    saves.insert(0, (package, after))
    became = format_became({Became.WITHDRAWN: withdrawn})
    if package.open and not after.open:
        cases = read_package_cases(transaction.store, job, after, assignments)
        end = describe_end(package, after, tasks, find_abandoned(cases))
        became = f"{became} {end}".rstrip()
    transaction.apply(record(ctx, "withdraw", about=package, save=saves, data=data, became=became))
    return after
