"""What an event says of tasks on which work has ended, or begins again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from itagflow.model.became import Became, drop_numbers, format_became, format_numbers
from itagflow.model.copying import evolve
from itagflow.model.package import Package, PackageState

_FINAL = "final "
"""How the text begins where all are final; every submission that ends a package writes it."""


def describe_end(
    before: Package, after: Package, tasks: Sequence[int], abandoned: Collection[int] = ()
) -> str:
    """Return what became of the tasks of a package, for the event that ends it; else nothing.

    *tasks* are all of its tasks, and *abandoned* those without a result when it is done.  What was
    erased or withdrawn is neither.  In a campaign only its tasks become something: the others were
    it before.
    """
    state = after.state
    if state is PackageState.DISCARDED:
        return format_became({Became.ABANDONED: drop_numbers(tasks, after.excluded)})
    if state is not PackageState.DONE:
        return ""
    campaign = before.campaign
    due = tasks if campaign is None else campaign.tasks
    if not abandoned and not after.excluded:  # nearly always
        return _FINAL + format_numbers(due)
    due = drop_numbers(due, after.excluded)
    final, given_up = drop_numbers(due, abandoned), [task for task in due if task in abandoned]
    return format_became({Became.FINAL: final, Became.ABANDONED: given_up})


def exclude_tasks(
    package: Package, *, erased: Iterable[int] = (), withdrawn: Iterable[int] = ()
) -> Package:
    """Return *package* without these tasks; work on each of them has ended by that."""
    kept = dict(zip(package.excluded, package.excluded_revisions, strict=False))
    gone = {*erased, *withdrawn} - kept.keys()
    kept.update((task, package.count_reopenings(task) + 1) for task in gone)
    return evolve(
        package,
        erased=tuple(sorted({*package.erased, *erased})),
        withdrawals=tuple(sorted({*package.withdrawals, *withdrawn})),
        excluded_revisions=tuple(kept[task] for task in sorted(kept)),
    )


def describe_reopening(package: Package, tasks: Sequence[int]) -> str:
    """Return what became of *tasks* of *package* that are opened again.

    What was erased or withdrawn is not.
    """
    return format_became({Became.REOPENED: drop_numbers(tasks, package.excluded)})
