"""The one decision about claims: what may this member take at this stage, and why not.

`claim`, `claim_many`, `available` and `explain` all ask `decide`, so that they cannot contradict
each other.  It names the sources where work may come from, in order.  A claim takes the first
candidate that it can lock; the others only ask whether there is one (``queue.py`` has the queries).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

import attrs

from itagflow.claiming.part_rules import has_conflict, has_seen_votes
from itagflow.model.copying import copyable
from itagflow.model.job import ALL_CREWS, Accept, Crew, Job, JobState, Stage
from itagflow.model.package import Assignment, AssignmentState, Package
from itagflow.model.skills import is_met
from itagflow.model.workspace import Member
from itagflow.printing import format_count, format_time


class Source(Enum):
    """Where work may come from, in the order in which a claim looks."""

    OFFERS = "offers"
    """What is offered to the member."""
    OPEN = "open offers"
    """The parts of packages that are offered to whoever may have them."""
    QUEUE = "queue"
    """The packages that wait at the stage, except for the member's own work."""
    LAPSED = "lapsed"
    """The assignments whose lease has lapsed; see `Decision.accepts_lapsed`."""


# globals: Python 3.11 takes ten times as long to find a member of an enum in its class
_LABEL, _RUNNING = Stage.LABEL, JobState.RUNNING
_ALL = tuple(Source)
_BEGUN = (Source.OFFERS, Source.OPEN, Source.LAPSED)
_GIVEN = (Source.OFFERS, Source.LAPSED)
_LAPSED = (Source.LAPSED,)


class Obstacle(Enum):
    """What keeps a member from taking new work."""

    POLICY = "policy"
    """The policy does not let the member work here."""
    JOB_STATE = "job state"
    """The job does not give out work."""
    CODE = "code"
    """The job names code that this process does not have."""
    PAUSED = "paused"
    """The member is paused."""
    GUIDELINE = "guideline"
    """The member has not acknowledged the newest guideline of the job."""
    LIMIT = "limit"
    """The member holds as many assignments as the stage allows."""
    TOTAL = "total"
    """The member has got as many packages as the stage allows in the whole job."""
    CLOSED = "closed"
    """The job is closed to new work."""


@copyable
@attrs.frozen(slots=False)
class ClaimPlace:
    """Who would claim, where and when."""

    job: Job
    """The job."""
    member: Member
    """Who would claim."""
    stage: Stage
    """The kind of work."""
    at: datetime
    """When."""


@copyable
@attrs.frozen(kw_only=True, slots=False)
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
    missing_merge: str = ""
    """A merge function that the job names, if it is not registered in this process."""
    is_paused: bool = False
    """Whether the member is paused now."""
    is_closed: bool = False
    """Whether the job is closed to new work by now."""
    acknowledged: int = 0
    """Which version of the guideline the member has read; used only where that is asked."""
    active: int = 0
    """How many assignments the member holds at the stage; used only where there is a limit."""
    total: int = 0
    """How many packages the member has got at the stage; used only where that is limited."""


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

    def accepts_new(self, package: Package, assignments: Sequence[Assignment]) -> bool:
        """Return whether the member may have a free slot of *package*, which is at this stage.

        Args:
            package: The package.
            assignments: All assignments that there ever were on it.
        """
        situation = self.situation
        job, member, stage = situation.job, situation.member, situation.stage
        if Source.QUEUE not in self.sources:
            return False
        if stage is Stage.LABEL and has_seen_votes(job, member, package.round, assignments):
            return False
        if not has_skill(job, stage, member, package):
            return False
        return not is_own_work(job, package, member, stage, assignments)

    def accepts_open(
        self, offer: Assignment, assignments: Sequence[Assignment], package: Package | None = None
    ) -> bool:
        """Return whether the member may have *offer*, which is open.

        Args:
            offer: The offer.
            assignments: The assignments on its package; those of the member are enough.
            package: Its package; asked only where the stage requires a skill.
        """
        situation = self.situation
        if Source.OPEN not in self.sources or offer.stage is not situation.stage:
            return False
        if not offer.is_open_offer or not self.permits(offer):
            return False
        if not has_skill(situation.job, situation.stage, situation.member, package):
            return False
        return not has_conflict(situation.job, offer, situation.member, assignments)

    def accepts_lapsed(
        self, lapsed: Assignment, package: Package, assignments: Sequence[Assignment]
    ) -> bool:
        """Return whether the member may have *lapsed*, whose lease has lapsed.

        Their own one goes on, at any limit.  That of somebody else is taken over like new work: not
        on a package on which they have an assignment, nor a review of their own work.  An offer of
        their own is no lapsed work; it is among the offers.

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
        # also at a job that is closed to new work: what has lapsed was begun before
        if self.obstacle not in (None, Obstacle.CLOSED):
            return False
        if not has_skill(situation.job, situation.stage, situation.member, package):
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
    return (
        _refuse(situation)
        or _limit_member(situation)
        or _limit_job(situation)
        or _limit_to_crews(situation)
        or Decision(situation=situation, sources=_ALL)
    )


def _refuse(situation: Situation) -> Decision | None:
    """Return the decision that the member may take nothing at all, if that is so."""
    job, stage, account = situation.job, situation.stage, situation.member.account
    if situation.policy_refusal is not None and not situation.crews:
        reason = f"{account} may not {stage.value} here: {situation.policy_refusal}"
        return Decision(situation=situation, obstacle=Obstacle.POLICY, reason=reason)
    if job.state is not _RUNNING:
        reason = f"the job is {job.state.value}"
        return Decision(situation=situation, obstacle=Obstacle.JOB_STATE, reason=reason)
    if situation.missing_validator:
        reason = f"the job's validator {situation.missing_validator!r} is not registered here"
        return Decision(situation=situation, obstacle=Obstacle.CODE, reason=reason)
    if situation.missing_merge:
        reason = f"the job's merge function {situation.missing_merge!r} is not registered here"
        return Decision(situation=situation, obstacle=Obstacle.CODE, reason=reason)
    if must_acknowledge(situation):
        reason = f"{account} has not acknowledged version {job.guideline_version} of the guideline"
        return Decision(situation=situation, obstacle=Obstacle.GUIDELINE, reason=reason)
    return None


def _limit_member(situation: Situation) -> Decision | None:
    """Return the decision that the member goes on with their own work only, if that is so."""
    member, limit = situation.member, situation.job.workflow.rule(situation.stage).limit
    if situation.is_paused:
        until = f" until {format_time(member.paused_until)}" if member.paused_until else ""
        obstacle, reason = Obstacle.PAUSED, f"{member.account} is paused{until}"
    elif limit is not None and situation.active >= limit:
        allowed = format_count(limit, "assignment")
        obstacle = Obstacle.LIMIT
        reason = f"the limit is reached: {member.account} holds {situation.active} of {allowed}"
    else:
        return None
    # one's own lapsed assignment is among those that are held: going on with it takes nothing new
    return Decision(situation=situation, sources=_LAPSED, obstacle=obstacle, reason=reason)


def _limit_job(situation: Situation) -> Decision | None:
    """Return the decision that nothing comes from the queue any more, if that is so."""
    job, member = situation.job, situation.member
    limit = job.workflow.rule(situation.stage).max_total
    sources: tuple[Source, ...] = _GIVEN
    if limit is not None and situation.total >= limit:
        allowed = format_count(limit, "package")
        obstacle = Obstacle.TOTAL
        reason = f"{member.account} has got {situation.total} of {allowed} at this stage of the job"
    elif situation.is_closed and job.closes_at is not None:
        # what others have left of a package was begun before
        obstacle, sources = Obstacle.CLOSED, _BEGUN
        reason = f"the job is closed to new work since {format_time(job.closes_at)}"
    else:
        return None
    return Decision(situation=situation, sources=sources, obstacle=obstacle, reason=reason)


def _limit_to_crews(situation: Situation) -> Decision | None:
    """Return the decision that the member gets no whole packages, if they are only in a crew."""
    if situation.policy_refusal is None:
        return None
    return Decision(situation=situation, sources=_BEGUN)


def must_acknowledge(situation: Situation) -> bool:
    """Return whether the member has to acknowledge the guideline before they can claim."""
    job = situation.job
    is_asked = job.workflow.rule(situation.stage).acknowledge
    return is_asked and situation.acknowledged < job.guideline_version


def get_decision_inputs(job: Job) -> tuple[object, ...]:
    """Return what a claim depends on of *job*: its counters may change while somebody claims."""
    # not the version: renaming a job, or a note to it, is no reason to decide again
    return (
        *(job.state, job.workflow, job.workforce, job.template, job.validator, job.closes_at),
        job.guideline_version,
    )


def find_barred_stages(job: Job, stage: Stage) -> tuple[Stage, ...]:
    """Return the stages whose authors may not review the same package at *stage*.

    At a review stage those who labeled it, in any round; at ACCEPT also those who modified tasks of
    it at INSPECT (`Assignment.authored`), unless the rule of the stage allows it.
    """
    rule = job.workflow.review(stage)
    if rule is None:
        return ()
    barred = () if rule.allow_own_work else (Stage.LABEL,)
    if isinstance(rule, Accept) and job.workflow.inspect and not rule.allow_own_review:
        barred = (*barred, Stage.INSPECT)
    return barred


def can_have_open_offers(job: Job, stage: Stage) -> bool:
    """Return whether parts of packages may be offered at *stage*: else nobody need look for them.

    A job must keep what makes this true as long as it has open offers.
    """
    if stage is not _LABEL:
        return False
    # what was left over by an earlier workflow is there still
    if job.workflow_changes:
        return True
    label = job.workflow.label
    if label.votes > 1 or label.allow_partial:
        return True
    return bool(job.workforce) and any(crew in job.workforce for crew in ALL_CREWS)


def can_own_work_wait(job: Job, stage: Stage) -> bool:
    """Return whether many packages that wait at *stage* may be the member's own work."""
    if stage is _LABEL:
        # with one vote a package that somebody labeled does not wait; with several it goes on
        # waiting for others, at the front.  A cursor knows the usual order only.
        return job.workflow.label.votes > 1 and job.workflow.label.order is None
    return bool(find_barred_stages(job, stage))


def is_own_work(
    job: Job, package: Package, member: Member, stage: Stage, assignments: Sequence[Assignment]
) -> bool:
    """Return whether *package* is work of *member*'s own, which they may not take at *stage*.

    At LABEL that is a vote in the same round; at a review stage see `find_barred_stages`.
    """
    if stage is _LABEL:
        return has_assignment(package, member, assignments)
    # the same condition as in the query of the queue: here it is asked of what is already read
    barred = find_barred_stages(job, stage)
    return any(
        assignment.member == member.id and assignment.authored and assignment.stage in barred
        for assignment in assignments
    )


def has_skill(job: Job, stage: Stage, member: Member, package: Package | None) -> bool:
    """Return whether *member* can do what the value of *package* asks for at *stage*, if anything.

    Whoever holds it, or is offered it by name, is not asked.
    """
    requires = job.workflow.rule(stage).requires
    if requires is None:
        return True
    return package is not None and is_met(requires, member.skills, package.value)


def requires_other_skill(before: Situation, now: Situation) -> bool:
    """Return whether other packages are for the member now, by what they can do."""
    known, wanted = (each.job.workflow.rule(each.stage).requires for each in (before, now))
    if known is None and wanted is None:
        return False
    return known != wanted or before.member.skills != now.member.skills


def has_labeled(member: Member, assignments: Sequence[Assignment]) -> bool:
    """Return whether *member* labeled the package, in whatever round.

    They come last for it at LABEL: others get it first, and nobody is refused.
    """
    return any(
        assignment.member == member.id
        and assignment.stage is Stage.LABEL
        and assignment.state is not AssignmentState.RETURNED
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
