"""What becomes of packages and assignments when tasks are withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from itagflow.model.change import Context, Saved
from itagflow.model.copying import evolve
from itagflow.model.job import Job, Stage
from itagflow.model.package import PASSING, Assignment, Package
from itagflow.results.outcome_rules import exclude_tasks
from itagflow.reviewing.rules import discard_package, pass_package, without_excluded


def list_new(package: Package, named: Iterable[int]) -> tuple[int, ...]:
    """Return those of the *named* tasks of *package* that are still part of the work, in order.

    What was erased is out for ever, so it is not withdrawn after that.
    """
    return tuple(sorted(set(named) - set(package.excluded)))


def withdraw_tasks(
    job: Job,
    package: Package,
    withdrawn: Sequence[int],
    ctx: Context,
    *,
    tasks: Sequence[int],
    assignments: Sequence[Assignment],
) -> Package:
    """Return *package*, which has these *tasks*, without those that are *withdrawn* now.

    One with nothing left is discarded.  One of which nothing is left to do at its stage, and which
    nobody has, goes on.
    """
    after = exclude_tasks(package, withdrawn=withdrawn)
    if after.stage is None:
        return after
    if len(after.excluded) >= after.size:
        return discard_package(job, after)
    after = evolve(after, scope=without_excluded(after, after.scope, tasks))
    if any(assignment.live for assignment in assignments):
        return after  # who has it sends it on, with what is left
    # where a plan decides, more tasks of the lot are drawn: see `decide_lot`
    while after.stage is not None and after.scope == () and not (after.lot or after.lot_entry):
        if not _has_review(after, assignments):
            after = evolve(after, skipped=(*after.skipped, after.stage))
        after = pass_package(
            job, after, ctx, tasks=tasks, assignments=assignments, disputes=after.disputes
        )
    return after


def _has_review(package: Package, assignments: Iterable[Assignment]) -> bool:
    """Return whether *package* was labeled, or reviewed at its stage in its round."""
    return package.stage is Stage.LABEL or any(
        assignment.stage is package.stage
        and assignment.round == package.round
        and assignment.outcome in PASSING
        for assignment in assignments
    )


def narrow(
    package: Package, assignments: Iterable[Assignment], tasks: Sequence[int]
) -> list[Saved]:
    """Return the live *assignments* that lose tasks which *package* excludes, with what is left."""
    saves: list[Saved] = []
    for assignment in assignments:
        if not assignment.live:
            continue
        scope = without_excluded(package, assignment.scope, tasks)
        if scope != assignment.scope:
            saves.append((assignment, evolve(assignment, scope=scope)))
    return saves
