"""What is a vote, and who may not see which: they are secret until the package leaves LABEL."""

from __future__ import annotations

from itagflow.access import Action, Policy, refusal
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import (
    Assignment,
    Outcome,
    Package,
    PackageState,
    Purpose,
)
from itagflow.model.workspace import Member


def are_votes_open(job: Job, package: Package) -> bool:
    """Return whether members are voting on *package*: votes not merged, job not closed."""
    # with one vote there is nobody to copy from; nobody votes any more once the job is archived
    voting = package.votes > 1 and job.state is not JobState.ARCHIVED
    return voting and package.state is PackageState.LABEL


def may_see_votes(policy: Policy, member: Member, job: Job, *, has_voted: bool) -> bool:
    """Return whether *member* may see the votes of others on a package that is voted on.

    Only who may read results may, and only when they cannot vote on it any more: they may not label
    here, or *has_voted* in its present round.
    """
    if refusal(policy, member, Action.READ_RESULTS, job, None) is not None:
        return False
    # the policy is asked for each job: who may label elsewhere only cannot vote here
    return has_voted or refusal(policy, member, Action.LABEL, job, Stage.LABEL) is not None


def is_vote(assignment: Assignment, round: int) -> bool:
    """Return whether *assignment* gives a vote in this round, may still give one, or tells votes.

    The merged votes tell them, and so do the decisions of who was shown them.  What waits for an
    expert tells on which tasks somebody gives no vote.
    """
    if assignment.stage is not Stage.LABEL or assignment.round != round:
        return False
    if assignment.member is not None or assignment.outcome is Outcome.MERGED:
        return True
    return assignment.purpose is Purpose.ESCALATION


def is_given(assignment: Assignment, round: int) -> bool:
    """Return whether *assignment* has given its vote in this round."""
    return is_vote(assignment, round) and assignment.outcome is Outcome.SUBMITTED


def reason(assignment: Assignment) -> str:
    """Return why a vote may not be seen."""
    return f"votes are secret until package {assignment.package} leaves LABEL"
