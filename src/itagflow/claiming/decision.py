"""The one decision about claims: what may this member take at this stage, and why not.

`claim`, `claim_many`, `available` and `explain` all ask `decide`, so that they cannot contradict
each other.  It names the sources where work may come from, in order.  A claim takes the first
candidate that it can lock; the others only ask whether there is one (``queue.py`` has the queries).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import attrs

from itagflow.claiming.part_rules import has_conflict, has_seen_votes
from itagflow.model.job import Crew, Job, JobState, Stage
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.workspace import Member
from itagflow.printing import format_count


class Source(Enum):
    """Where work may come from, in the order in which a claim looks."""

    OFFERS = "offers"
    """What is offered to the member."""
    OPEN = "open offers"
    """The parts of packages that are offered to whoever may have them."""
    QUEUE = "queue"
    """The packages that wait at the stage, but for the member's own work."""
    LAPSED = "lapsed"
    """The assignments whose lease has lapsed; see `Decision.accepts_lapsed`."""


class Obstacle(Enum):
    """What keeps a member from taking new work."""

    POLICY = "policy"
    """The policy does not let the member work here."""
    JOB_STATE = "job state"
    """The job does not give out work."""
    CODE = "code"
    """The job names code that this process does not have."""
    LIMIT = "limit"
    """The member holds as many assignments as the stage allows."""


@attrs.frozen(kw_only=True)
class Situation:
    """What a decision depends on."""

    job: Job
    """The job."""
    member: Member
    """Who would claim."""
    stage: Stage
    """The kind of work."""
    policy_refusal: str | None = None
    """Why the policy does not let the member work at this stage; None when it does."""
    crews: frozenset[Crew] = frozenset()
    """The crews in which the member may work at this stage."""
    missing_validator: str = ""
    """The job's validator, if it is not registered in this process."""
    active: int = 0
    """How many assignments the member holds at the stage; used only where there is a limit."""


@attrs.frozen(kw_only=True)
class Decision:
    """What a member may take at a stage, and why nothing else."""

    situation: Situation
    """What it was decided by."""
    sources: tuple[Source, ...] = ()
    """Where work may come from, in this order."""
    obstacle: Obstacle | None = None
    """What keeps the member from taking new work; None when nothing does."""
    reason: str = ""
    """The same as a sentence."""

    def permits(self, assignment: Assignment) -> bool:
        """Return whether *assignment* is work of the member: of the stage, or of their crews."""
        workers = assignment.workers
        if isinstance(workers, Crew):
            return workers in self.situation.crews
        return self.situation.policy_refusal is None

    def accepts_open(self, offer: Assignment, assignments: Sequence[Assignment]) -> bool:
        """Return whether the member may have *offer*, which is open.

        Args:
            offer: The offer.
            assignments: The assignments on its package; those of the member are enough.
        """
        situation = self.situation
        if Source.OPEN not in self.sources or not offer.is_open_offer or not self.permits(offer):
            return False
        return not has_conflict(situation.job, offer, situation.member, assignments)

    def accepts_lapsed(
        self, lapsed: Assignment, package: Package, assignments: Sequence[Assignment]
    ) -> bool:
        """Return whether the member may have *lapsed*, whose lease has lapsed.

        Their own one goes on, at any limit.  That of somebody else is taken over like new work: not
        on a package that they labeled or have an assignment on.  An offer of their own is no lapsed
        work; it is among the offers.

        Args:
            lapsed: The assignment.
            package: Its package.
            assignments: All assignments that there ever were on the package.
        """
        situation = self.situation
        if Source.LAPSED not in self.sources or not self.permits(lapsed):
            return False
        # before the obstacle: what is one's own counts already, so no limit keeps from it
        if lapsed.member == situation.member.id:
            return lapsed.state is AssignmentState.HELD
        if self.obstacle is not None:
            return False
        if lapsed.is_part:
            return not has_conflict(situation.job, lapsed, situation.member, assignments)
        if has_assignment(package, situation.member, assignments):
            return False
        if has_seen_votes(situation.job, situation.member, lapsed.round, assignments):
            return False
        return not is_own_work(
            situation.job, package, situation.member, situation.stage, assignments
        )


def decide(situation: Situation) -> Decision:
    """Return what the member may take, and why nothing else.

    Whether there *is* something at the sources is not decided here.
    """
    job, stage, account = situation.job, situation.stage, situation.member.account
    if situation.policy_refusal is not None and not situation.crews:
        reason = f"{account} may not {stage.value} here: {situation.policy_refusal}"
        return Decision(situation=situation, obstacle=Obstacle.POLICY, reason=reason)
    if job.state is not JobState.RUNNING:
        reason = f"the job is {job.state.value}"
        return Decision(situation=situation, obstacle=Obstacle.JOB_STATE, reason=reason)
    if situation.missing_validator:
        reason = f"the job's validator {situation.missing_validator!r} is not registered here"
        return Decision(situation=situation, obstacle=Obstacle.CODE, reason=reason)
    limit = job.workflow.rule(stage).limit
    if limit is not None and situation.active >= limit:
        allowed = format_count(limit, "assignment")
        reason = f"the limit is reached: {account} holds {situation.active} of {allowed}"
        # one's own lapsed assignment is among those that are held: going on with it takes nothing
        # new
        sources = (Source.LAPSED,)
        return Decision(
            situation=situation, sources=sources, obstacle=Obstacle.LIMIT, reason=reason
        )
    if situation.policy_refusal is not None:
        # who is only in a crew gets no whole packages
        parts = (Source.OFFERS, Source.OPEN, Source.LAPSED)
        return Decision(situation=situation, sources=parts)
    return Decision(situation=situation, sources=tuple(Source))


def get_decision_inputs(job: Job) -> tuple[object, ...]:
    """Return what a claim depends on of *job*: its counters may change while somebody claims."""
    # not the version: renaming a job, or a note to it, is no reason to decide again
    return (job.state, job.workflow, job.workforce, job.template, job.validator)


def own_work(job: Job, member: Member, stage: Stage) -> dict[str, Any] | None:
    """Return which assignments on a package keep *member* from taking it at *stage*.

    A LABEL assignment, held or done, in any round; with ``allow_own_work`` at LABEL only one of the
    same round, so that nobody votes twice.  None: nothing keeps them.
    """
    labeled = {
        "member": member.id,
        "stage": Stage.LABEL,
        "state": (AssignmentState.HELD, AssignmentState.DONE),
    }
    if not job.workflow.rule(stage).allow_own_work:
        return labeled
    if stage is Stage.LABEL:
        return {**labeled, "same_round": True}
    return None


def can_have_open_offers(job: Job, stage: Stage) -> bool:
    """Return whether parts of packages may be offered at *stage*: else nobody need look for them.

    A job must keep what makes this true as long as it has open offers.
    """
    label = job.workflow.label
    has_crews = any(crew in job.workforce for crew in Crew)
    return stage is Stage.LABEL and (label.votes > 1 or label.allow_partial or has_crews)


def can_own_work_wait(job: Job, stage: Stage) -> bool:
    """Return whether many packages that wait at *stage* may be the member's own work."""
    if stage is Stage.LABEL:
        # with one vote a package that somebody labeled does not wait; with several it goes on
        # waiting for others, at the front
        return job.workflow.label.votes > 1
    return not job.workflow.rule(stage).allow_own_work


def is_own_work(
    job: Job, package: Package, member: Member, stage: Stage, assignments: Sequence[Assignment]
) -> bool:
    """Return whether *member* labeled *package*, so that they may not take it at *stage*."""
    # the same condition as in the query of the queue: here it is asked of what is already read
    condition = own_work(job, member, stage)
    if condition is None:
        return False
    return any(
        assignment.member == member.id
        and assignment.stage is Stage.LABEL
        and assignment.state in (AssignmentState.HELD, AssignmentState.DONE)
        and (assignment.round == package.round or "same_round" not in condition)
        for assignment in assignments
    )


def has_assignment(package: Package, member: Member, assignments: Sequence[Assignment]) -> bool:
    """Return whether *member* has or completed an assignment at this stage and round."""
    return any(
        assignment.member == member.id
        and assignment.round == package.round
        and assignment.stage is package.stage
        and assignment.state is not AssignmentState.RETURNED
        for assignment in assignments
    )
