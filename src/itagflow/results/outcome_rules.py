"""What became of tasks: whether work on one has ended, how often, and what an event says of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from itagflow.model.became import Became, drop_numbers, format_became, format_numbers
from itagflow.model.package import Package, PackageState
from itagflow.model.task import TaskState

_FINAL = "final "
"""How the text begins where all are final; every submission that ends a package writes it."""


def has_ended(package: Package, task: int) -> bool:
    """Return whether work on *task* has ended: its package has, or a campaign is about others."""
    if package.stage is None:
        return True
    campaign = package.campaign
    return campaign is not None and task not in campaign.tasks


def find_became(package: Package, task: int, state: TaskState) -> str:
    """Return what became of *task* of *package*, which is in *state*; empty while work goes on.

    What was opened again and has not ended since is ``reopened``.
    """
    if task in package.erased:
        return Became.ERASED.value
    if not has_ended(package, task):
        return Became.REOPENED.value if count_reopenings(package, task) else ""
    if package.state is PackageState.DISCARDED or state is TaskState.ABANDONED:
        return Became.ABANDONED.value
    return Became.FINAL.value


def count_revisions(package: Package, task: int) -> int:
    """Return how many times work on *task* has ended: 0 before the first time."""
    return count_reopenings(package, task) + int(has_ended(package, task))


def count_reopenings(package: Package, task: int) -> int:
    """Return how many times *task* was opened again, with its package or by a campaign."""
    campaigns = sum(task in campaign.tasks for campaign in package.campaigns)
    return package.reopenings + campaigns


def describe_end(
    before: Package, after: Package, tasks: Sequence[int], abandoned: Collection[int] = ()
) -> str:
    """Return what became of the tasks of a package, for the event that ends it; else nothing.

    *tasks* are all of its tasks, and *abandoned* those without a result when it is done.  What was
    erased is neither.  In a campaign only its tasks become something: the others were it before.
    """
    state = after.state
    if state is PackageState.DISCARDED:
        return format_became({Became.ABANDONED: drop_numbers(tasks, after.erased)})
    if state is not PackageState.DONE:
        return ""
    campaign = before.campaign
    due = tasks if campaign is None else campaign.tasks
    if not abandoned and not after.erased:  # nearly always
        return _FINAL + format_numbers(due)
    due = drop_numbers(due, after.erased)
    final, given_up = drop_numbers(due, abandoned), [task for task in due if task in abandoned]
    return format_became({Became.FINAL: final, Became.ABANDONED: given_up})


def describe_reopening(package: Package, tasks: Sequence[int]) -> str:
    """Return what became of *tasks* of *package* that are opened again; what was erased is not."""
    return format_became({Became.REOPENED: drop_numbers(tasks, package.erased)})
