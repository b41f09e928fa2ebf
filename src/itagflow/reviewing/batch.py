"""One operation on many packages: in several transactions, with a result for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from itagflow.claiming.assigning import assign_package, release_assignment
from itagflow.core.engine import Engine
from itagflow.core.lookup import (
    AssignmentRef,
    MemberRef,
    PackageRef,
    key_of,
)
from itagflow.core.transaction import Transaction
from itagflow.model.batch import BatchResult
from itagflow.model.package import Assignment, Outcome, Package
from itagflow.reviewing.service import rejected, reviewed


def assign_many(
    engine: Engine, packages: Iterable[PackageRef], member: MemberRef, *, by: MemberRef
) -> list[BatchResult]:
    """Offer a free slot of each package to a member; refusals are the errors of `assign`."""
    given = [(key_of(Package, package), package) for package in packages]
    refs: dict[tuple[int, int], PackageRef] = dict(given)
    keys = [key for key, _ in given]
    return engine.run_batch(
        keys,
        Transaction.lock_packages,
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
    return _each(
        engine,
        assignments,
        lambda transaction, assignment: release_assignment(transaction, assignment, by, comment),
    )


def review_many(
    engine: Engine, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
) -> list[BatchResult]:
    """Let packages pass at INSPECT; refusals are the errors of `review`."""
    return _review_many(engine, "review", Outcome.REVIEWED, assignments, by)


def accept_many(
    engine: Engine, assignments: Iterable[AssignmentRef], *, by: MemberRef | None = None
) -> list[BatchResult]:
    """Let packages pass at ACCEPT; refusals are the errors of `accept`."""
    return _review_many(engine, "accept", Outcome.ACCEPTED, assignments, by)


def reject_many(
    engine: Engine,
    assignments: Iterable[AssignmentRef],
    *,
    comment: str = "",
    by: MemberRef | None = None,
) -> list[BatchResult]:
    """Reject several assignments: what is judged wrong, or all; errors as in `reject`."""
    return _each(
        engine,
        assignments,
        lambda transaction, assignment: rejected(transaction, assignment, None, comment, by),
    )


def _review_many(
    engine: Engine,
    verb: str,
    outcome: Outcome,
    assignments: Iterable[AssignmentRef],
    by: MemberRef | None,
) -> list[BatchResult]:
    return _each(
        engine,
        assignments,
        lambda transaction, assignment: reviewed(transaction, verb, outcome, assignment, by),
    )


def _each(
    engine: Engine,
    assignments: Iterable[AssignmentRef],
    act: Callable[[Transaction, AssignmentRef], Assignment],
) -> list[BatchResult]:
    given = [(key_of(Assignment, assignment), assignment) for assignment in assignments]
    refs: dict[tuple[int, int], AssignmentRef] = dict(given)
    return engine.run_batch(
        [key for key, _ in given],
        Transaction.lock_assignments,
        lambda transaction, key: act(transaction, refs[key]),
    )
