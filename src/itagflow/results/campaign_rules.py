"""What campaigns on a package leave as it is: the history and the results of its other tasks."""

from __future__ import annotations

from collections.abc import Sequence

from itagflow.model.job import Stage
from itagflow.model.package import Assignment, Campaign, Package


def is_in_campaign(campaign: Campaign, round: int) -> bool:
    """Return whether this round of the package belongs to *campaign*."""
    return campaign.round <= round and (campaign.last_round is None or round <= campaign.last_round)


def find_campaign(package: Package, round: int) -> Campaign | None:
    """Return the campaign to which a round of *package* belongs, or None."""
    return next((each for each in package.campaigns if is_in_campaign(each, round)), None)


def _hides(campaign: Campaign, task: int, round: int) -> bool:
    """Return whether what was done in this round is no part of the history of the task."""
    return task not in campaign.tasks and is_in_campaign(campaign, round)


def select_history(
    package: Package, assignments: Sequence[Assignment], task: int
) -> Sequence[Assignment]:
    """Return those of the *assignments* of a package that are part of the history of a task of it.

    What belongs to a campaign that did not open the task is not: its result, and who made it, stay
    as they are.
    """
    if not package.campaigns:
        return assignments  # nearly always
    return [
        assignment
        for assignment in assignments
        if not any(_hides(campaign, task, assignment.round) for campaign in package.campaigns)
    ]


def find_skipped(package: Package, task: int) -> tuple[Stage, ...]:
    """Return the review stages that *task* has passed since its package was not drawn for them."""
    skipped = package.skipped
    for campaign in reversed(package.campaigns):
        # what the package passed without a review before that was another labeling of the task, or
        # everything was reviewed since
        if task in campaign.tasks or campaign.round < package.reopened_round:
            break
        skipped = campaign.skipped
    return skipped
