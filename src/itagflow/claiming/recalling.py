"""Recalling assignments whose job or member has gone."""

from __future__ import annotations

from itagflow.core.counted import Wrap, show
from itagflow.core.engine import Engine
from itagflow.model.package import Assignment
from itagflow.reviewing.service import recall
from itagflow.storage.port import Query


def recall_all(
    engine: Engine,
    live: Query[Assignment],
    by: int,
    comment: str,
    *,
    free: bool,
    progress: Wrap | None = None,
) -> None:
    """Take back the *live* assignments in the name of *by*, each in a transaction of its own.

    Nobody can be given such an assignment any more: what a claim began before is stored.
    """
    with engine.store.read() as reader:
        assignments = sorted(
            reader.find(live),
            key=lambda assignment: (assignment.job, assignment.package, assignment.id),
        )
    # One transaction each: a member or job may have thousands, whose packages would all stay
    # locked. When it stops halfway, what was recalled stays so, and the same call goes on with the
    # rest.
    for assignment in show(assignments, len(assignments), progress):
        with engine.transaction() as transaction:
            package, current = transaction.lock_assignment(assignment)
            # it may have ended since it was read, by its holder or by another recall
            if current.live:
                recall(transaction, package, current, by, comment, free=free)
