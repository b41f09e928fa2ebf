"""Locks of several rows of a kind, in the order of `itagflow.core.transaction.LockOrder`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from itagflow.core.transaction import Transaction
from itagflow.model.entity import E
from itagflow.model.job import Job
from itagflow.model.package import Assignment, AssignmentState, ClaimCounter, Package
from itagflow.storage.port import Query, Reader


def lock_packages(transaction: Transaction, keys: Iterable[tuple[int, int]]) -> None:
    """Lock those of these packages that exist."""
    found = _find_existing(transaction.store, Package, "number", keys)
    for key in sorted(package.key for package in found):
        transaction.lock(Package, key)


def lock_assignments(transaction: Transaction, keys: Iterable[tuple[int, int]]) -> None:
    """Lock those of these assignments that exist, with their packages and claim counters."""
    found = _find_existing(transaction.store, Assignment, "id", keys)
    # Kind by kind and in each by key, see `LockOrder`: all packages, then all assignments, then all
    # counters.  The counters come from the assignments as they are once they are locked.
    for package in sorted({(assignment.job, assignment.package) for assignment in found}):
        transaction.lock(Package, package)
    assignments = [
        transaction.lock(Assignment, key) for key in sorted(assignment.key for assignment in found)
    ]
    for job in sorted({assignment.job for assignment in assignments}):
        of_job = [assignment for assignment in assignments if assignment.job == job]
        lock_counters(transaction, transaction.job(job), of_job)


def lock_counters(transaction: Transaction, job: Job, assignments: Iterable[Assignment]) -> None:
    """Lock the claim counters of the holders of *assignments*."""
    holders = {
        (assignment.stage, assignment.member)
        for assignment in assignments
        if assignment.member and assignment.state is AssignmentState.HELD
    }
    # a stage without a limit counts nothing, so nobody locks its counters here
    for stage, member in sorted(holders, key=lambda holder: (holder[0].value, holder[1])):
        if job.workflow.rule(stage).limit is not None:
            transaction.lock(ClaimCounter, (job.id, stage.value, member))


def _find_existing(
    reader: Reader, kind: type[E], name: str, keys: Iterable[tuple[int, int]]
) -> list[E]:
    """Return the entities with these keys, of a job and *name*, of which there may be none."""
    numbers_by_job: dict[int, set[int]] = {}
    for job, number in keys:
        numbers_by_job.setdefault(job, set()).add(number)
    entities: list[E] = []
    # one query for each job, and not one for each key: every one is a round trip
    for job, numbers in numbers_by_job.items():
        where: dict[str, Any] = {"job": job, name: tuple(numbers)}
        entities += reader.find(Query(kind, where))
    return entities
