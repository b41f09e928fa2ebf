"""What a member may do, and what there is to do for them; or why not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from itagflow import access
from itagflow.access import Action, Permission
from itagflow.claiming import queue, rules
from itagflow.claiming.decision import Decision, Situation, Source, decide
from itagflow.claiming.service import describe
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, WorkspaceRef
from itagflow.core.visibility import access_of
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.workspace import Member
from itagflow.printing import format_count, make_printable
from itagflow.results.service import find_members, list_jobs
from itagflow.storage.port import Query, Reader

Place = WorkspaceRef | Job | Package | Assignment
"""What `Reading.can` is asked about."""


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
        home, job, here = _place(reader, entity)
        who = lookup.member(reader, home, member)
        seeing = access_of(reader, engine.policy, home, by)
        seeing.require("can", job, own=seeing.is_own(who.id))
    at = stage or here or next((s for s in Stage if Action.at(s) is action), None)
    return Permission(access.refusal(engine.policy, who, action, job, at))


def available(
    engine: Engine,
    member: MemberRef,
    *,
    workspace: WorkspaceRef | None = None,
    by: MemberRef | None = None,
) -> Iterator[tuple[Job, Stage]]:
    """Yield the running jobs with the stages at which there is work for a member now."""
    people = find_members(engine, member, None, workspace, by)
    return chain.from_iterable(_available_to(engine, who, by) for who in people)


def _available_to(engine: Engine, who: Member, by: MemberRef | None) -> Iterator[tuple[Job, Stage]]:
    for job in list_jobs(engine, who.workspace, state=JobState.RUNNING, by=by):
        for stage in job.workflow.stages:
            if _is_available(engine, job, who, stage, by):
                yield job, stage


def _is_available(
    engine: Engine, job: Job, who: Member, stage: Stage, by: MemberRef | None
) -> bool:
    """Return whether a claim would give something, and may be seen."""
    with engine.store.read() as reader:
        seeing = access_of(reader, engine.policy, who.workspace, by)
        if not seeing.can_see("available", job, own=seeing.is_own(who.id)):
            return False
        situation = describe(reader, engine, job, who, stage)
        return can_claim(reader, situation, engine.now())


def explain(
    engine: Engine, member: MemberRef, job: JobRef, stage: Stage, *, by: MemberRef | None = None
) -> str:
    """Say what `claim` would find for a member, and if nothing, why, in one sentence."""
    with engine.store.read() as reader:
        home = lookup.job(reader, job)
        who = lookup.member(reader, home.workspace, member)
        seeing = access_of(reader, engine.policy, home.workspace, by)
        seeing.require("explain", home, own=seeing.is_own(who.id))
        situation = describe(reader, engine, home, who, stage)
        return make_printable(_explain(reader, situation, engine.now()))


def _place(reader: Reader, entity: Place) -> tuple[int, Job | None, Stage | None]:
    """Return the workspace of *entity*, its job if it has one, and its stage."""
    if isinstance(entity, Package | Assignment):
        found = (
            lookup.package(reader, entity)
            if isinstance(entity, Package)
            else lookup.assignment(reader, entity)
        )
        job = lookup.job(reader, found.job)
        return job.workspace, job, found.stage
    if isinstance(entity, Job):
        job = lookup.job(reader, entity)
        return job.workspace, job, None
    return lookup.workspace(reader, entity).id, None, None


def can_claim(reader: Reader, situation: Situation, at: datetime) -> bool:
    """Return whether a claim would give something."""
    return queue.find_source(reader, decide(situation), at) is not None


_FOUND = {
    Source.OFFERS: "something is offered: claim it",
    Source.QUEUE: "something is waiting: claim it",
    Source.LAPSED: "the lease of an assignment has lapsed: claim it",
}
"""What `explain` says where a claim would give something."""


def _explain(reader: Reader, situation: Situation, at: datetime) -> str:
    """Return what a claim would find, and if nothing, why, in one sentence."""
    decision = decide(situation)
    source = queue.find_source(reader, decision, at)
    if source is not None:
        return _FOUND[source]
    return decision.reason or _explain_nothing(reader, decision, at)


def _explain_nothing(reader: Reader, decision: Decision, at: datetime) -> str:
    """Return why there is nothing for a member who may take work."""
    job, member, stage = decision.situation.job, decision.situation.member, decision.situation.stage
    parts: list[str] = []
    own = reader.count(
        Query(Package, {"job": job.id, "state": PackageState.at(stage), "waiting": True})
    )
    if own:
        waiting = "1 waiting package is" if own == 1 else f"{own} waiting packages are"
        parts.append(f"{waiting} {member.account}'s own work")
    live = list(reader.find(Query(Assignment, {"job": job.id, "live": True, "stage": stage})))
    lapsed = [assignment for assignment in live if rules.has_lapsed(assignment, at)]
    if lapsed:
        number = format_count(len(lapsed), "assignment")
        verb = "is" if len(lapsed) == 1 else "are"
        parts.append(f"{number} whose lease has lapsed {verb} on {member.account}'s own work")
    if len(live) > len(lapsed):
        parts.append(_explain_held([assignment for assignment in live if assignment not in lapsed]))
    stages = job.workflow.stages
    before = _count(reader, job, stages[: stages.index(stage)])
    if before:
        packages = "1 package is" if before == 1 else f"{before} packages are"
        parts.append(f"{packages} still at an earlier stage")
    behind = _count(reader, job, stages[stages.index(stage) + 1 :])
    if behind and not parts:
        packages = "1 package is" if behind == 1 else f"{behind} packages are"
        parts.append(f"all done here: {packages} at a later stage")
    return "; ".join(parts) or "all done"


def _explain_held(live: list[Assignment]) -> str:
    """Return how many assignments others have, and when the first lease ends."""
    until = min(
        (assignment.lease_until for assignment in live if assignment.lease_until), default=None
    )
    ends = (
        f", the first lease ends at {until:%Y-%m-%d %H:%M:%S %Z}"
        if until
        else ", and no lease ends"
    )
    assignments = "1 assignment is" if len(live) == 1 else f"{len(live)} assignments are"
    return f"{assignments} held by or offered to people{ends}"


def _count(reader: Reader, job: Job, stages: tuple[Stage, ...]) -> int:
    states = tuple(PackageState.at(stage) for stage in stages)
    return reader.count(Query(Package, {"job": job.id, "state": states}))
