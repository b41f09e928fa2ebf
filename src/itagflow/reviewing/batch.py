"""One operation on many packages: in several transactions, with a result for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from itagflow.claiming.assigning import assign_package, release_assignment
from itagflow.core.engine import Engine
from itagflow.core.locking import lock_assignments, lock_packages
from itagflow.core.lookup import AssignmentRef, MemberRef, PackageRef, find_key
from itagflow.core.transaction import Transaction
from itagflow.model.batch import BatchResult
from itagflow.model.package import Assignment, Package
from itagflow.reviewing.service import RejectOrder, complete_reject, complete_review


def assign_many(
    engine: Engine, packages: Iterable[PackageRef], member: MemberRef, *, by: MemberRef
) -> list[BatchResult]:
    """Offer a free slot of each package to a member; refusals are the errors of `assign`."""
    given = list(packages)  # before the transaction: it may be a list that is read from the store
    with engine.store.read() as reader:
        pairs = [(find_key(reader, Package, package), package) for package in given]
    refs: dict[tuple[int, int], PackageRef] = dict(pairs)
    return engine.run_batch(
        [key for key, _ in pairs],
        # all packages of a batch are locked at its beginning, in the common order: behind the locks
        # of the first operation the package of the second could not be locked any more
        lock_packages,
        lambda transaction, key: assign_package(transaction, refs[key], member, by),
    )


def release_many(
    engine: Engine,
    assignments: Iterable[AssignmentRef],
    *,
    by: MemberRef | None = None,
    comment: str = "",
) -> list[BatchResult]:
    """Give assignments back, or decline offers; refusals are the errors of `release`."""
    return _run_each(
        engine,
        assignments,
        lambda transaction, assignment: release_assignment(transaction, assignment, by, comment),
    )


def review_many(
    engine: Engine, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
) -> list[BatchResult]:
    """Let packages pass at INSPECT; refusals are the errors of `review`."""
    return _review_each(engine, "review", assignments, by)


def accept_many(
    engine: Engine, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
) -> list[BatchResult]:
    """Let packages pass at ACCEPT; refusals are the errors of `accept`."""
    return _review_each(engine, "accept", assignments, by)


def reject_many(
    engine: Engine,
    assignments: Iterable[AssignmentRef],
    *,
    order: RejectOrder,
    by: MemberRef | None = None,
) -> list[BatchResult]:
    """Reject several assignments: what is judged wrong, or all; errors as in `reject`."""
    return _run_each(
        engine,
        assignments,
        lambda transaction, assignment: complete_reject(transaction, assignment, order, by),
    )


def _review_each(
    engine: Engine, operation: str, assignments: Iterable[AssignmentRef], by: MemberRef | None
) -> list[BatchResult]:
    return _run_each(
        engine,
        assignments,
        lambda transaction, assignment: complete_review(transaction, operation, assignment, by),
    )


def _run_each(
    engine: Engine,
    assignments: Iterable[AssignmentRef],
    run: Callable[[Transaction, AssignmentRef], Assignment],
) -> list[BatchResult]:
    given = list(assignments)  # before the transaction, as in `assign_many`
    with engine.store.read() as reader:
        pairs = [(find_key(reader, Assignment, assignment), assignment) for assignment in given]
    refs: dict[tuple[int, int], AssignmentRef] = dict(pairs)
    return engine.run_batch(
        [key for key, _ in pairs],
        # with their packages and claim counters, as in `assign_many`
        lock_assignments,
        lambda transaction, key: run(transaction, refs[key]),
    )
