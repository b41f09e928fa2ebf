"""What a member may do, and what there is to do for them; or why not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from itagflow import access
from itagflow.access import Action, Permission
from itagflow.claiming import service
from itagflow.core import lookup
from itagflow.core.engine import Engine
from itagflow.core.lookup import JobRef, MemberRef, WorkspaceRef
from itagflow.core.visibility import access_of
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.workspace import Member
from itagflow.printing import printable
from itagflow.results.service import find_people, list_jobs
from itagflow.storage.port import Reader

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
        seeing.must("can", job, own=seeing.is_own(who.id))
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
    people = find_people(engine, member, None, workspace, by)
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
        if not seeing.may("available", job, own=seeing.is_own(who.id)):
            return False
        situation = service.describe(reader, engine.policy, job, who, stage)
        return service.can_claim(reader, situation, engine.now())


def explain(
    engine: Engine, member: MemberRef, job: JobRef, stage: Stage, *, by: MemberRef | None = None
) -> str:
    """Say what `claim` would find for a member, and if nothing, why, in one sentence."""
    with engine.store.read() as reader:
        home = lookup.job(reader, job)
        who = lookup.member(reader, home.workspace, member)
        seeing = access_of(reader, engine.policy, home.workspace, by)
        seeing.must("explain", home, own=seeing.is_own(who.id))
        situation = service.describe(reader, engine.policy, home, who, stage)
        return printable(service.explain(reader, situation, engine.now()))


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
