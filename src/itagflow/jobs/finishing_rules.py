"""Whether a job can ever finish: what `publish` and `jobs.check` refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product

import attrs

from itagflow.access import Action, Policy, is_in_crew, refusal, working_refusal
from itagflow.claiming.decision import find_barred_stages
from itagflow.jobs.skill_rules import find_missing_skills
from itagflow.model.job import Accept, Crew, Job, Stage
from itagflow.model.overdue import OnOverdue
from itagflow.model.rule_choices import OnMaxRejects
from itagflow.model.workspace import Member
from itagflow.printing import format_count, format_time

Crews = Mapping[Stage, set[int]]
"""The keys of the members of each stage."""


@attrs.frozen(kw_only=True)
class Staffing:
    """What a job can count on when it is published."""

    members: Sequence[Member]
    """The active members of its workspace."""
    policy: Policy
    """Says who may do what."""
    at: datetime
    """When it is published."""
    packages: int = 0
    """How many packages it has, as far as that is known."""
    values: Mapping[str, int] = attrs.field(factory=dict[str, int])
    """How many of them have each value that names a skill, where skills are required."""


def find_workers(job: Job, stage: Stage, members: Sequence[Member], policy: Policy) -> set[int]:
    """Return the keys of the members of *stage*: those that it names, or else all who may."""
    able = [
        member
        for member in members
        if refusal(policy, member, Action.at(stage), job, stage) is None
    ]
    crew = job.crew(stage)
    if not crew.members and not crew.groups:
        return {member.id for member in able}
    # who is named, but may not work there, is nobody to count on
    return {member.id for member in able if is_in_crew(crew, member)}


def find_hindrance(job: Job, staffing: Staffing) -> str:
    """Return why *job* could never finish with these members, or an empty string."""
    crews = _find_crews(job, staffing)
    # in this order: each may count on what the ones before have found to be there
    return (
        _find_missing_workers(job, crews)
        or _find_missing_reviewer(job, crews)
        or _find_only_reviewer(job, crews)
        or find_missing_skills(job, crews, staffing.members, staffing.values)
        or _find_bad_rework(job, crews, staffing.members)
        or _find_endless_route(job, crews)
        or _find_low_total(job, crews, staffing.packages)
        or _find_early_end(job, staffing.at)
        or _find_crew_hindrance(job, crews, staffing)
        or _find_missing_experts(job)
    )


def find_missing_people(job: Job, stage: Stage, staffing: Staffing) -> str:
    """Return why what is opened again at *stage* could not be done, or an empty string."""
    crews = _find_crews(job, staffing)
    if stage is Stage.LABEL:
        return (
            _find_missing_workers(job, crews)
            or _find_missing_reviewer(job, crews)
            or _find_only_reviewer(job, crews)
        )
    begin = job.workflow.stages.index(stage)
    return _find_missing_reviewers(job.workflow.stages[begin:], crews)


def _find_crews(job: Job, staffing: Staffing) -> Crews:
    return {
        stage: find_workers(job, stage, staffing.members, staffing.policy)
        for stage in job.workflow.stages
    }


def _find_missing_workers(job: Job, crews: Crews) -> str:
    """Return at which stage there are too few members, or an empty string."""
    votes, able = job.workflow.label.votes, len(crews[Stage.LABEL])
    if able < votes:
        voters = "1 member" if votes == 1 else f"{votes} different members"
        only = f"only {able}" if able else "nobody"
        return f"{voters} must label each package, but {only} may: name more for LABEL"
    return _find_missing_reviewers(job.workflow.stages[1:], crews)


def _find_missing_reviewers(stages: Sequence[Stage], crews: Crews) -> str:
    """Return at which of the review *stages* there is nobody, or an empty string."""
    for stage in stages:
        if not crews[stage]:
            return f"nobody may work at {stage.name}: name somebody for it"
    return ""


def _find_missing_reviewer(job: Job, crews: Crews) -> str:
    """Return at which stage everybody must label what is reviewed, or an empty string."""
    votes = job.workflow.label.votes
    for stage in job.workflow.stages[1:]:
        if Stage.LABEL not in find_barred_stages(job, stage):
            continue
        # Each reviewer leaves too few labelers when set aside: whoever reviews a package, one of
        # those who must label it would be the same person.
        if all(len(crews[Stage.LABEL] - {reviewer}) < votes for reviewer in crews[stage]):
            return (
                f"whoever may work at {stage.name} must label too, "
                "and nobody reviews their own work: "
                f"name somebody else, or set allow_own_work=True for {stage.name}"
            )
    return ""


def _find_only_reviewer(job: Job, crews: Crews) -> str:
    """Return that no different people are left for each stage of a package, or an empty string."""
    if job.workflow.inspect is None or job.workflow.accept is None:
        return ""
    if any(True for _ in _iterate_teams(job, crews)):
        return ""
    inspectors, acceptors = crews[Stage.INSPECT], crews[Stage.ACCEPT]
    if inspectors == acceptors and len(inspectors) == 1:
        return (
            "the only member who may accept is the only one who may inspect, "
            "and nobody accepts what they modified themselves: "
            "name somebody else, or set allow_own_review=True for ACCEPT"
        )
    return (
        "too few members are there to label, inspect and accept a package, each of them another: "
        "name more, or allow own work at a review stage"
    )


def _iterate_teams(job: Job, crews: Crews, labeler: int | None = None) -> Iterator[tuple[int, ...]]:
    """Yield the reviewers, one for each stage, who leave enough labelers for a package.

    Whoever inspects may modify, so that they may not accept then.  With *labeler* this one labels
    too, whoever else does.
    """
    stages = job.workflow.stages[1:]
    for team in product(*(sorted(crews[stage]) for stage in stages)):
        barred = _find_barred(job, team)
        if len(crews[Stage.LABEL] - barred) < job.workflow.label.votes or labeler in barred:
            continue
        accepts_own = Stage.INSPECT not in find_barred_stages(job, stages[-1]) if stages else True
        if accepts_own or len(set(team)) == len(team):
            yield team


def find_missing_team(job: Job, member: Member, staffing: Staffing) -> str:
    """Return why nobody could review what *member* labels of *job*, or an empty string."""
    if len(job.workflow.stages) == 1:
        return ""
    crews = _find_crews(job, staffing)
    if any(True for _ in _iterate_teams(job, crews, member.id)):
        return ""
    return (
        f"without {member.account} there are too few to review it: "
        "name more reviewers, or another member"
    )


def _find_barred(job: Job, team: Sequence[int]) -> set[int]:
    """Return who of *team*, the reviewers of each stage, may not label what they review."""
    return {
        reviewer
        for stage, reviewer in zip(job.workflow.stages[1:], team, strict=True)
        if Stage.LABEL in find_barred_stages(job, stage)
    }


def _find_bad_rework(job: Job, crews: Crews, members: Iterable[Member]) -> str:
    """Return why the named member cannot do the rework, or an empty string."""
    key = job.workflow.label.rework
    if not isinstance(key, int) or len(job.workflow.stages) == 1:
        return ""
    account = next((member.account for member in members if member.id == key), "the member")
    if key not in crews[Stage.LABEL]:
        return f"rework goes to {account}, who may not label: name them for LABEL"
    if any(True for _ in _iterate_teams(job, crews, key)):
        return ""
    return (
        f"rework goes to {account}, without whom there are too few to review it: "
        "name more reviewers, or another member for the rework"
    )


def _find_endless_route(job: Job, crews: Crews) -> str:
    """Return at which stage a limit of rejects leads nowhere, or an empty string.

    The reviewer modifies or abandons a task that reaches its limit, which is an end.  In the queue
    it is for anybody but its author: where nobody else is there, it comes back to them.
    """
    for stage in job.workflow.stages[1:]:
        rule = job.workflow.review(stage)
        if rule is None or rule.max_rejects is None:
            continue
        target = rule.reject_to if isinstance(rule, Accept) else Stage.LABEL
        if rule.on_max_rejects is OnMaxRejects.QUEUE and not _has_others(job, crews, target):
            return (
                f"{stage.name} can send a task back without end: sent back "
                f"{format_count(rule.max_rejects, 'time')} it is for anybody but its author, and "
                f"nobody else is there to {target.value} it: name more for {target.name}, "
                f"or set on_max_rejects to 'modify' or 'abandon' for {stage.name}"
            )
    return ""


def _has_others(job: Job, crews: Crews, stage: Stage) -> bool:
    """Return whether somebody is left for *stage* beside those who have worked on a package."""
    teams = list(_iterate_teams(job, crews))
    if stage is Stage.LABEL:
        votes = job.workflow.label.votes
        return any(len(crews[stage] - _find_barred(job, team)) > votes for team in teams)
    # the first of each team inspects
    return len({team[0] for team in teams}) > 1


def _find_low_total(job: Job, crews: Crews, packages: int) -> str:
    """Return at which stage all members together may not take enough, or an empty string."""
    for stage in job.workflow.stages:
        total = job.workflow.rule(stage).max_total
        needed = packages * (job.workflow.label.votes if stage is Stage.LABEL else 1)
        if total is not None and total * len(crews[stage]) < needed:
            work = format_count(needed, "assignment")
            return (
                f"{work} must be done at {stage.name}, but max_total lets its members take "
                f"{total * len(crews[stage])}: raise it, or name more"
            )
    return ""


def _find_early_end(job: Job, at: datetime) -> str:
    """Return that the job is closed before it begins, or an empty string."""
    if job.closes_at is None or job.closes_at > at:
        return ""
    return f"closes_at is {format_time(job.closes_at)}, which has passed: move it"


def _find_crew_hindrance(job: Job, crews: Crews, staffing: Staffing) -> str:
    """Return why the crews of *job* could leave it unfinished, or an empty string.

    A crew that names nobody is none: without adjudicators disputes go to the next review.
    """
    votes = job.workflow.label.votes
    for crew in Crew:
        named = job.crew(crew)
        if not named.members and not named.groups:
            continue
        able = {
            member.id
            for member in staffing.members
            if working_refusal(staffing.policy, member, job, crew) is None
        }
        name = f"Crew.{crew.name}"
        if not able:
            return f"nobody may work in {name}: name somebody for it"
        # who has voted decides nothing, and who labels a package does not answer as its expert
        if all(len(crews[Stage.LABEL] - {member}) < votes for member in able):
            return (
                f"whoever is in {name} must label too, and nobody decides what they labeled: "
                "name somebody else"
            )
        for stage in job.workflow.stages[1:]:
            bars_labelers = Stage.LABEL in find_barred_stages(job, stage)
            if bars_labelers and len(crews[stage] | able) == 1:
                return (
                    f"whoever may work at {stage.name} must work in {name} too, "
                    "and nobody reviews their own work: name somebody else"
                )
    return ""


def _find_missing_experts(job: Job) -> str:
    """Return that overdue tasks would go to experts whom the job does not have, or nothing."""
    experts = job.crew(Crew.EXPERTS)
    if job.workflow.label.on_overdue is not OnOverdue.ESCALATE:
        return ""
    if experts.members or experts.groups:
        return ""  # whether they may work is asked with the other crews
    return "overdue tasks go to experts, but the job has none: name some for Crew.EXPERTS"
