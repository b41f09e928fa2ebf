"""Ask for more votes on chosen tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from itagflow.access import Action
from itagflow.claiming import part_rules
from itagflow.claiming.part_rules import ExtraVotes
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.locking import lock_packages
from itagflow.core.lookup import JobRef, MemberRef
from itagflow.core.transaction import Transaction
from itagflow.jobs.finishing_rules import find_workers
from itagflow.model.change import Change
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment
from itagflow.model.task import Task, WorkItem
from itagflow.model.workspace import Member
from itagflow.storage.port import Query, Reader

NumberedTask = Task | WorkItem | tuple[JobRef, int]
"""A task that says of which job it is."""


def ask_again(
    engine: Engine, tasks: Iterable[NumberedTask], votes: int, *, by: MemberRef
) -> list[Assignment]:
    """Offer so many more votes on each of these tasks to those who label; return the offers."""
    with engine.transaction() as transaction:
        by_package = _group_by_package(transaction.store, tasks)
        # all packages before the first is changed, in the common order
        lock_packages(transaction, by_package)
        # all are decided before the first is stored: a refusal is to leave no gap in the events
        changes = [
            _ask_again(transaction, package, by_package[package], votes, by)
            for package in sorted(by_package)
        ]
        for change in changes:
            transaction.apply(change)
        added = [entity for change in changes for entity in change.add]
        return [offer for offer in added if isinstance(offer, Assignment)]


def _group_by_package(
    reader: Reader, tasks: Iterable[NumberedTask]
) -> dict[tuple[int, int], set[int]]:
    """Return the numbers of these tasks, by the keys of their packages."""
    by_package = defaultdict[tuple[int, int], set[int]](set)
    for ref in tasks:
        task = reader.get(Task, lookup.find_key(reader, Task, ref))
        lookup.require_same(ref.task if isinstance(ref, WorkItem) else ref, task)
        by_package[task.job, task.package].add(task.number)
    return by_package


def _ask_again(
    transaction: Transaction, key: tuple[int, int], tasks: set[int], votes: int, by: MemberRef
) -> Change:
    """Return the change that offers more votes on some tasks of a locked package."""
    package = transaction.lock_package(key)
    job = transaction.store.get(Job, (package.job,))
    ctx = transaction.authorize(job.workspace, by, Action.ASSIGN, job, Stage.LABEL)
    active = Query(Member, {"workspace": job.workspace, "active": True})
    members = list(transaction.store.find(active))
    asked = ExtraVotes(
        job=job,
        package=package,
        tasks=tuple(sorted(tasks)),
        assignments=transaction.assignments(package),
        voters=len(find_workers(job, Stage.LABEL, members, transaction.policy)),
    )
    ids = [transaction.new_id(Assignment, job.id) for _ in range(votes)]
    return part_rules.ask_again(asked, ctx, ids=ids)
