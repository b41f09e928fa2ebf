"""Which packages nobody can go on with, and why: what `jobs.blocked` lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from itagflow.claiming.decision import (
    Decision,
    Obstacle,
    Source,
    has_assignment,
    is_own_work,
)
from itagflow.lifecycle.tables import stage_of
from itagflow.model.job import Job, Stage
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.reports import BlockedPackage
from itagflow.printing import format_count

MAX_NAMED = 5
"""How many members a sentence names."""


@attrs.frozen(kw_only=True)
class Workers:
    """What each member of a workspace may take of a job, whatever they hold."""

    job: Job
    """The job."""
    decisions: Mapping[Stage, Sequence[Decision]]
    """By stage, the decision about each active member, the limit of what is held aside."""
    at: datetime
    """When."""

    def find(self, stage: Stage, member: int | None) -> Decision | None:
        """Return the decision about a member at *stage*, if they are there."""
        for decision in self.decisions[stage]:
            if decision.situation.member.id == member:
                return decision
        return None


def find_blocked(
    workers: Workers, package: Package, assignments: Sequence[Assignment]
) -> BlockedPackage | None:
    """Return why nobody can go on with an open *package*, or None when somebody can.

    Args:
        workers: Who may take what.
        package: The package.
        assignments: All assignments that there ever were on it.
    """
    stage = stage_of(package)
    live = [each for each in assignments if each.live and each.round == package.round]
    stuck = [each for each in live if not _goes_on(workers, each)]
    endless = [each for each in stuck if each.lease_until is None]
    if endless:
        return BlockedPackage(package.number, stage, _explain_holder(workers, endless[0]))
    needed = package.free + len(stuck)
    able = [
        decision
        for decision in workers.decisions[stage]
        if _find_refusal(decision, package, assignments, is_new=package.free > 0) == ""
    ]
    if len(able) >= needed:
        return None
    missing = needed - len(able)
    verb = {Stage.LABEL: "label", Stage.INSPECT: "inspect", Stage.ACCEPT: "accept"}[stage]
    sentence = f"{format_count(missing, 'more member')} must {verb} it, and nobody can"
    reasons = _list_refusals(workers, package, assignments)
    if not reasons:
        reasons = [f"nobody may work at {stage.name}: name somebody for it"]
    return BlockedPackage(package.number, stage, f"{sentence}: {'; '.join(reasons)}")


def _goes_on(workers: Workers, assignment: Assignment) -> bool:
    """Return whether the member of a live *assignment* can finish it."""
    if assignment.member is None:
        return True  # it is open to others, who are counted elsewhere
    decision = workers.find(assignment.stage, assignment.member)
    if decision is None or decision.obstacle in (Obstacle.POLICY, Obstacle.CODE):
        return False
    return decision.obstacle is not Obstacle.PAUSED


def _explain_holder(workers: Workers, assignment: Assignment) -> str:
    """Return why an assignment that never lapses is not finished."""
    decision = workers.find(assignment.stage, assignment.member)
    has = "is held by" if assignment.state is AssignmentState.HELD else "is offered to"
    if decision is None:
        return f"it {has} a member who was removed, and has no lease: reassign it"
    if _is_secret(workers.job, assignment.stage):
        return f"it {has} a member who cannot go on, and has no lease: reassign it"
    account = decision.situation.member.account
    return f"it {has} {account} and has no lease, but {decision.reason}: reassign it"


def _is_secret(job: Job, stage: Stage) -> bool:
    """Return whether who works at *stage* is secret: those who still vote are among the readers."""
    return stage is Stage.LABEL and job.workflow.label.votes > 1


def _find_refusal(
    decision: Decision, package: Package, assignments: Sequence[Assignment], *, is_new: bool
) -> str:
    """Return why a member cannot take *package*; *is_new* when a slot of it waits in the queue."""
    situation = decision.situation
    wanted = Source.QUEUE if is_new else Source.LAPSED
    if decision.obstacle in (Obstacle.PAUSED, Obstacle.TOTAL) or wanted not in decision.sources:
        return decision.reason
    account = situation.member.account
    if has_assignment(package, situation.member, assignments):
        if _is_secret(situation.job, situation.stage):
            return "nobody votes twice"
        return f"{account} has an assignment on it in this round"
    if is_own_work(situation.job, package, situation.member, situation.stage, assignments):
        return f"it is {account}'s own work"
    return ""


def _list_refusals(
    workers: Workers, package: Package, assignments: Sequence[Assignment]
) -> list[str]:
    """Return why those who may work at the stage cannot take *package*, each reason once."""
    reasons = dict[str, None]()
    for decision in workers.decisions[stage_of(package)]:
        # who does not belong to the stage is no reason
        if decision.obstacle is Obstacle.POLICY:
            continue
        reason = _find_refusal(decision, package, assignments, is_new=package.free > 0)
        if reason:
            reasons[reason] = None
    named = list(reasons)[:MAX_NAMED]
    if len(reasons) > MAX_NAMED:
        named.append(f"and {format_count(len(reasons) - MAX_NAMED, 'more reason')}")
    return named
