"""A campaign that is ended early: its package is as it was before."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from itagflow.lifecycle.tables import get_package_lifecycle
from itagflow.model.change import Saved
from itagflow.model.copying import evolve
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, Campaign, Package
from itagflow.results.rules import Case


def withdraw_campaign(job: Job, package: Package, campaign: Campaign) -> Package:
    """Return *package* done as it was before *campaign*, which goes on: nothing done in it counts.

    Its counts are still those of the campaign.
    """
    state = get_package_lifecycle(job.workflow).advance(
        package.state, "withdraw", entity=str(package)
    )
    ended = attrs.evolve(campaign, last_round=package.round, is_withdrawn=True)
    return evolve(
        package,
        state=state,
        whole_round=campaign.whole_round,
        skipped=campaign.skipped,
        requeued=campaign.requeued,
        free=0,
        scope=None,
        # what was done had none left
        disputes=(),
        campaigns=(*package.campaigns[:-1], ended),
    )


def find_restored_authors(cases: Sequence[Case], assignments: Sequence[Assignment]) -> list[Saved]:
    """Return the inspections that are authors again, each with what it becomes.

    A campaign that was about all tasks had set aside what inspectors had modified.
    """
    standing = set[int]()
    for case in cases:
        label = case.find_labeling()
        if label is None:
            continue
        for review in case.find_completed(Stage.INSPECT, label.round):
            answer = case.answers.get(review.id)
            if answer is not None and answer.is_resolved:
                standing.add(review.id)
    return [
        (assignment, evolve(assignment, authored=True))
        for assignment in assignments
        if assignment.id in standing and assignment.member and not assignment.authored
    ]
