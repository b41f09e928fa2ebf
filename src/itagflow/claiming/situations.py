"""What the decision about a claim depends on, read from the store."""

from __future__ import annotations

from itagflow import access
from itagflow.access import Action
from itagflow.claiming import rules
from itagflow.claiming.decision import ClaimPlace, Situation
from itagflow.core.lookup import get_or_none
from itagflow.core.registry import Environment
from itagflow.labeling.vote_rules import find_registered_names
from itagflow.model.job import Crew, Job, Stage
from itagflow.model.package import ClaimCounter
from itagflow.model.workspace import Member
from itagflow.storage.port import Reader


def describe(reader: Reader, environment: Environment, place: ClaimPlace) -> Situation:
    """Return what the decision depends on, as it is stored.

    Raises:
        InvalidData: when the job does not have this stage.
    """
    job, member, stage = place.job, place.member, place.stage
    counter: ClaimCounter | None = None
    # else nobody counts, and nobody asks what was read: the query is saved
    if has_limits(job, stage) or job.workflow.rule(stage).acknowledge:
        counter = get_or_none(reader, ClaimCounter, (job.id, stage.value, member.id))
    missing_merge = ""
    if stage is Stage.LABEL:  # the last vote is merged by whoever submits it
        names = find_registered_names(job.workflow)
        missing_merge = next((n for n in names if not environment.registry.has_merge(n)), "")
    missing_validator = ""
    if job.validator and not environment.registry.has_validator(job.validator):
        missing_validator = job.validator
    return Situation(
        job=job,
        member=member,
        stage=stage,
        policy_refusal=access.refusal(environment.policy, member, Action.at(stage), job, stage),
        crews=_find_crews(environment, job, member, stage),
        missing_validator=missing_validator,
        missing_merge=missing_merge,
        acknowledged=0 if counter is None else counter.acknowledged,
        is_paused=rules.is_paused(member, place.at),
        is_closed=job.closes_at is not None and job.closes_at <= place.at,
        active=0 if counter is None else counter.active,
        total=0 if counter is None else counter.total,
    )


def has_limits(job: Job, stage: Stage) -> bool:
    """Return whether the claims of a member at *stage* are counted."""
    rule = job.workflow.rule(stage)
    return rule.limit is not None or rule.max_total is not None


def _find_crews(
    environment: Environment, job: Job, member: Member, stage: Stage
) -> frozenset[Crew]:
    """Return the crews in which *member* may work at *stage*; their work is done at LABEL."""
    if stage is not Stage.LABEL:
        return frozenset()
    return frozenset(
        crew
        for crew in Crew
        # asked first whether there is one: most jobs have none, and the policy takes time
        if crew in job.workforce
        and access.working_refusal(environment.policy, member, job, crew) is None
    )
