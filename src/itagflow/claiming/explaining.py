"""What a member may do, and what there is to do for them; or why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from itagflow import access
from itagflow.access import Action, Permission
from itagflow.claiming import queue, rules
from itagflow.claiming.anything import decide_all, list_places, list_running
from itagflow.claiming.decision import (
    ClaimPlace,
    Decision,
    Obstacle,
    Situation,
    Source,
    decide,
)
from itagflow.claiming.queue import describe
from itagflow.claiming.wanted import Wanted, find_job_and_member
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef
from itagflow.core.visibility import access_of
from itagflow.lots.counting import count_by_lot_key
from itagflow.lots.key_rules import explain_waiting
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, PackageState, Purpose
from itagflow.model.skills import count_by_skill, list_skills, list_values
from itagflow.model.workspace import Member
from itagflow.printing import format_count, format_time, make_printable
from itagflow.results.service import find_members, list_jobs
from itagflow.storage.port import Query, Reader, Span

Place = WorkspaceRef | Job | tuple[WorkspaceRef, str] | Package | Assignment
"""What `Flow.can` is asked about."""


def check_permission(
    engine: Engine,
    member: MemberRef,
    action: Action,
    entity: Place,
    *,
    stage: Stage | None = None,
    by: MemberRef | None = None,
) -> Permission:
    """Return whether a member may do something here, without trying it."""
    with engine.store.read() as reader:
        workspace, job, current_stage = _locate(reader, entity)
        worker = lookup.member(reader, workspace, member)
        seeing = access_of(reader, engine.policy, workspace, by)
        seeing.require("can", job, own=seeing.is_own(worker.id))
        seeing.require_work_of([worker.id])
    # the one that is asked for, or that of the package, or the one that the action belongs to
    implied_stage = next((each for each in Stage if Action.at(each) is action), None)
    at = stage or current_stage or implied_stage
    return Permission(access.refusal(engine.policy, worker, action, job, at))


def available(
    engine: Engine,
    member: MemberRef,
    *,
    workspace: WorkspaceRef | None = None,
    by: MemberRef | None = None,
) -> Iterator[tuple[Job, Stage]]:
    """Yield the running jobs with the stages at which there is work for a member now."""
    people = find_members(engine, member, None, workspace, by)
    return chain.from_iterable(_find_available(engine, worker, by) for worker in people)


def _find_available(
    engine: Engine, worker: Member, by: MemberRef | None
) -> Iterator[tuple[Job, Stage]]:
    for job in list_jobs(engine, worker.workspace, state=JobState.RUNNING, by=by):
        for stage in job.workflow.stages:
            if _is_available(engine, job, worker, stage, by):
                yield job, stage


def _is_available(
    engine: Engine, job: Job, worker: Member, stage: Stage, by: MemberRef | None
) -> bool:
    """Return whether a claim would give something, and may be seen."""
    # A transaction for each job and stage: the caller may take any time between two of them.
    with engine.store.read() as reader:
        seeing = access_of(reader, engine.policy, worker.workspace, by)
        if not seeing.can_see("available", job, own=seeing.is_own(worker.id)):
            return False
        if not seeing.can_see_work_of([worker.id]):
            return False
        place = ClaimPlace(job, worker, stage, engine.now())
        return can_claim(reader, describe(reader, engine, place), place.at)


def explain(engine: Engine, wanted: Wanted, *, by: MemberRef | None = None) -> str:
    """Say what `claim` would find for a member, and if nothing, why, in one sentence."""
    with engine.store.read() as reader:
        job, worker = find_job_and_member(reader, wanted)
        seeing = access_of(reader, engine.policy, worker.workspace, by)
        own = seeing.is_own(worker.id)
        # without a job, what is said is only of those that may be read
        if job is not None:
            seeing.require("explain", job, own=own)
        seeing.require_work_of([worker.id])
        at = engine.now()
        if job is not None and wanted.stage is not None:
            place = ClaimPlace(job, worker, wanted.stage, at)
            return make_printable(_explain(reader, describe(reader, engine, place), at))
        jobs = list_running(reader, worker.workspace) if job is None else [job]
        visible = [each for each in jobs if seeing.can_see("explain", each, own=own)]
        if jobs and not visible:
            seeing.require("explain", jobs[0], own=own)
        places = list_places(visible, worker, wanted.stage, at)
        decisions = decide_all(reader, engine, places)
        return make_printable(_explain_all(reader, decisions, worker.account, at))


MAX_NAMED = 5
"""How many queues `explain` names with what it says of them."""


def _explain_all(reader: Reader, decisions: Sequence[Decision], account: str, at: datetime) -> str:
    """Return the same for several queues: the first where something is, or the reason for each."""
    if not decisions:
        return "no job is running"
    own = [each for each in decisions if each.obstacle is not Obstacle.POLICY]
    if not own:
        return f"{account} may work at no job that is running"
    # what a claim would find there first is not said, but that there is something
    for decision in own:
        if queue.find_source(reader, decision, at) is not None:
            return f"{_name_queue(decision)}: {_explain(reader, decision.situation, at)}"
    reasons = [
        f"{_name_queue(decision)}: {_explain(reader, decision.situation, at)}"
        for decision in own[:MAX_NAMED]
    ]
    if len(own) > MAX_NAMED:
        reasons.append(f"and {format_count(len(own) - MAX_NAMED, 'more queue')}")
    return "; ".join(reasons)


def _name_queue(decision: Decision) -> str:
    situation = decision.situation
    return f"job {situation.job.name!r}, {situation.stage.value}"


def _locate(reader: Reader, entity: Place) -> tuple[int, Job | None, Stage | None]:
    """Return the workspace of *entity*, its job if it has one, and its stage."""
    # as they are stored now: an object may be an old version
    if isinstance(entity, Package):
        package = lookup.package(reader, entity)
        job = lookup.job(reader, package.job)
        return job.workspace, job, package.stage
    if isinstance(entity, Assignment):
        assignment = lookup.assignment(reader, entity)
        job = lookup.job(reader, assignment.job)
        return job.workspace, job, assignment.stage
    if isinstance(entity, Job | tuple):
        job = lookup.job(reader, entity)
        return job.workspace, job, None
    return lookup.workspace(reader, entity).id, None, None


def can_claim(reader: Reader, situation: Situation, at: datetime) -> bool:
    """Return whether a claim would give something."""
    return queue.find_source(reader, decide(situation), at) is not None


_SENTENCES = {
    Source.OFFERS: "something is offered: claim it",
    Source.OPEN: "a part of a package waits for somebody: claim it",
    Source.QUEUE: "something is waiting: claim it",
    Source.LAPSED: "the lease of an assignment has lapsed: claim it",
}
"""What `explain` says where a claim would give something."""


def _explain(reader: Reader, situation: Situation, at: datetime) -> str:
    """Return what a claim would find, and if nothing, why, in one sentence."""
    decision = decide(situation)
    source = queue.find_source(reader, decision, at)
    if source is not None:
        return _SENTENCES[source]
    if decision.obstacle is Obstacle.LIMIT:
        return decision.reason + _explain_offers(reader, situation)
    reason = decision.reason or _explain_nothing(reader, decision, at)
    if decision.reason or situation.job.auto_finish:
        return reason
    # more may come at any time
    return f"nothing waits now; {reason}" if reason else "nothing waits now"


def _explain_offers(reader: Reader, situation: Situation) -> str:
    """Return how many offers wait until the member holds less: the limit counts these too."""
    offers = queue.find_offers(reader, situation.job, situation.member, situation.stage)
    if not offers:
        return ""
    return f"; {format_count(len(offers), 'offer')} must wait until one of them is in"


def _explain_nothing(reader: Reader, decision: Decision, at: datetime) -> str:
    """Return why there is nothing for a member who may take work."""
    job, member, stage = decision.situation.job, decision.situation.member, decision.situation.stage
    reasons: list[str] = []
    live = list(reader.find(Query(Assignment, {"job": job.id, "live": True, "stage": stage})))
    if decision.situation.policy_refusal is not None:
        # who is only in a crew does not wait for whole packages
        return _explain_crews(decision, live)
    # A claim would have found any other waiting package: those that are left are the member's own,
    # or they need what the member cannot do.
    lacking = _count_by_missing_skill(reader, decision)
    queued = Query(Package, {"job": job.id, "state": PackageState.at(stage), "waiting": True})
    own = reader.count(queued) - sum(lacking.values())
    if lacking:
        reasons.append(_explain_skills(lacking))
    if stage is Stage.ACCEPT and job.workflow.has_lots:
        reasons += explain_waiting(count_by_lot_key(reader, job.id))
    if own:
        waiting = "1 waiting package is" if own == 1 else f"{own} waiting packages are"
        reasons.append(f"{waiting} {member.account}'s own work")
    # for the same reason, a lapsed one that the member may take would have been found
    lapsed = [assignment for assignment in live if rules.has_lapsed(assignment, at)]
    if lapsed:
        reasons.append(_explain_lapsed(decision, lapsed))
    open_offers = [assignment for assignment in live if assignment.is_open_offer]
    named = [assignment for assignment in open_offers if not _may_tell_a_vote(job, assignment)]
    if named:
        reasons.append(_explain_open(named))
    held = [each for each in live if each not in lapsed and not each.is_open_offer]
    if held:
        reasons.append(_explain_held(held))
    stages = job.workflow.stages
    before = _count(reader, job, stages[: stages.index(stage)])
    if before:
        packages = "1 package is" if before == 1 else f"{before} packages are"
        reasons.append(f"{packages} still at an earlier stage")
    if open_offers and not reasons:
        reasons.append(_explain_open(open_offers))
    return "; ".join(reasons or _explain_end(reader, job, stages[stages.index(stage) + 1 :]))


def _explain_end(reader: Reader, job: Job, later: tuple[Stage, ...]) -> list[str]:
    """Return that everything is done, at the stages before these *later* ones at least."""
    behind = _count(reader, job, later)
    packages = "1 package is" if behind == 1 else f"{behind} packages are"
    # a job that does not end by itself is never all done: more may come at any time
    if not job.auto_finish:
        return [f"{packages} at a later stage"] if behind else []
    return [f"all done here: {packages} at a later stage" if behind else "all done"]


def _explain_lapsed(decision: Decision, lapsed: list[Assignment]) -> str:
    """Return why the member may not have what has lapsed."""
    situation = decision.situation
    number = format_count(len(lapsed), "assignment")
    verb = "is" if len(lapsed) == 1 else "are"
    account = situation.member.account
    place = f"on {account}'s own work"
    if situation.job.workflow.rule(situation.stage).requires is not None:
        place += f", or needs a skill that {account} lacks"
    return f"{number} whose lease has lapsed {verb} {place}"


def _count_by_missing_skill(reader: Reader, decision: Decision) -> dict[str, int]:
    """Return how many packages wait for each skill that the member lacks."""
    job, member, stage = decision.situation.job, decision.situation.member, decision.situation.stage
    requires = job.workflow.rule(stage).requires
    if requires is None:
        return {}
    theirs = list_values(requires, member.skills)
    where: dict[str, Any] = {"job": job.id, "state": PackageState.at(stage)}
    waiting = {**where, "waiting_value": Span("", None), "waiting": True}
    tally = reader.tally(Query(Package, waiting), by=("value",))
    values = {str(value): number for (value,), (number,) in tally.items() if value not in theirs}
    return count_by_skill(requires, values)


def _explain_skills(lacking: dict[str, int]) -> str:
    """Return how many packages need what the member cannot do."""
    number = sum(lacking.values())
    waits = f"{number} wait" if number > 1 else "1 waits"
    if number == 1:
        return f"{waits}, and needs {list_skills(lacking)}"
    return f"{waits}; all need {list_skills(lacking)}"


def _may_tell_a_vote(job: Job, offer: Assignment) -> bool:
    """Return whether an open offer tells who may still vote what somebody did instead."""
    return offer.purpose is Purpose.ESCALATION and job.workflow.label.votes > 1


def _explain_crews(decision: Decision, live: list[Assignment]) -> str:
    """Return why there is nothing for a member who works here in crews only."""
    crews = " or ".join(sorted(crew.value for crew in decision.situation.crews))
    theirs = [assignment for assignment in live if decision.permits(assignment)]
    if not theirs:
        return f"nothing waits for the {crews}"
    number = format_count(len(theirs), "assignment")
    verb = "is" if len(theirs) == 1 else "are"
    account = decision.situation.member.account
    return f"{number} of the {crews} {verb} held by others, or on {account}'s own work"


def _explain_open(offers: list[Assignment]) -> str:
    """Return for whom parts of packages wait that the member may not have."""
    number = format_count(len(offers), "part")
    verb = "waits" if len(offers) == 1 else "wait"
    return f"{number} of packages {verb} for somebody else"


def _explain_held(live: list[Assignment]) -> str:
    """Return how many assignments others have, and when the first lease ends."""
    until = min(
        (assignment.lease_until for assignment in live if assignment.lease_until), default=None
    )
    ends = ", and no lease ends"
    if until is not None:
        ends = f", the first lease ends at {format_time(until)}"
    assignments = "1 assignment is" if len(live) == 1 else f"{len(live)} assignments are"
    return f"{assignments} held by or offered to people{ends}"


def _count(reader: Reader, job: Job, stages: tuple[Stage, ...]) -> int:
    states = tuple(PackageState.at(stage) for stage in stages)
    return reader.count(Query(Package, {"job": job.id, "state": states}))
