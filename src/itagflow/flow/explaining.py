"""What a member may do, and what there is to do for them; or why not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import attrs

from itagflow.claiming import service
from itagflow.flow import _find
from itagflow.flow._access import access_of
from itagflow.flow._find import JobRef, MemberRef, WorkspaceRef
from itagflow.flow.reading import Reading
from itagflow.model.job import Job, JobState, Stage
from itagflow.model.package import Assignment, Package
from itagflow.model.workspace import Member
from itagflow.printing import printable
from itagflow.rules import access
from itagflow.rules.access import Action
from itagflow.storage.port import Reader

Place = WorkspaceRef | Job | Package | Assignment
"""What `Reading.can` is asked about."""


@attrs.frozen
class Permission:
    """Whether a member may do something: true or false in a condition, with the reason why not."""

    reason: str | None = None
    """Why not; None when it is allowed."""

    def __bool__(self) -> bool:
        return self.reason is None


class Explaining(Reading):
    """The verbs that say what may be done and what is there, and why not; `Reading` says how they are asked."""

    def can(
        self,
        member: MemberRef,
        action: Action,
        entity: Place,
        *,
        stage: Stage | None = None,
        by: MemberRef | None = None,
    ) -> Permission:
        """Return whether a member may do something here, without trying it.

        Args:
            member: The member.
            action: What they would do.
            entity: Where: a workspace, job, package or assignment.
            stage: At which stage; that of the action, package or assignment when not given.
            by: Who asks: the member, or somebody who may see the work of others.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.create_workspace("street", admin="ada")
        >>> bool(flow.can("ada", Action.EXPORT, street))
        True
        """
        with self.store.read() as reader:
            home, job, here = _place(reader, entity)
            who = _find.member(reader, home, member)
            seeing = access_of(reader, self.policy, home, by)
            seeing.must("can", job, own=seeing.is_own(who.id))
        at = stage or here or next((s for s in Stage if Action.at(s) is action), None)
        return Permission(access.refusal(self.policy, who, action, job, at))

    def available(
        self, member: MemberRef, *, workspace: WorkspaceRef | None = None, by: MemberRef | None = None
    ) -> Iterator[tuple[Job, Stage]]:
        """Yield the running jobs with the stages at which there is work for a member now.

        With *by* it is the member who asks, or somebody who may see the work of others; at the jobs where they may.
        """
        people = self._people(member, None, workspace, by)
        return chain.from_iterable(self._available_to(who, by) for who in people)

    def _available_to(self, who: Member, by: MemberRef | None) -> Iterator[tuple[Job, Stage]]:
        for job in self.jobs(who.workspace, state=JobState.RUNNING, by=by):
            for stage in job.workflow.stages:
                if self._is_available(job, who, stage, by):
                    yield job, stage

    def _is_available(self, job: Job, who: Member, stage: Stage, by: MemberRef | None) -> bool:
        """Return whether a claim would give something, and may be seen."""
        with self.store.read() as reader:
            seeing = access_of(reader, self.policy, who.workspace, by)
            if not seeing.may("available", job, own=seeing.is_own(who.id)):
                return False
            situation = service.describe(reader, self.policy, job, who, stage)
            return service.can_claim(reader, situation, self._now())

    def explain(self, member: MemberRef, job: JobRef, stage: Stage, *, by: MemberRef | None = None) -> str:
        """Say what `claim` would find for a member, and if nothing, why, in one sentence.

        Args:
            member: Who would claim.
            job: The job.
            stage: The kind of work.
            by: Who asks: the member, or somebody who may see the work of others.

        Raises:
            NotFound: when there is no such member or job.
            NotAllowed: when *by* may not read there.
            InvalidData: when the job does not have this stage.
        """
        with self.store.read() as reader:
            home = _find.job(reader, job)
            who = _find.member(reader, home.workspace, member)
            seeing = access_of(reader, self.policy, home.workspace, by)
            seeing.must("explain", home, own=seeing.is_own(who.id))
            situation = service.describe(reader, self.policy, home, who, stage)
            return printable(service.explain(reader, situation, self._now()))


def _place(reader: Reader, entity: Place) -> tuple[int, Job | None, Stage | None]:
    """Return the workspace that *entity* is in, its job if it has one, and the stage that it is at."""
    if isinstance(entity, Package | Assignment):
        found = _find.package(reader, entity) if isinstance(entity, Package) else _find.assignment(reader, entity)
        job = _find.job(reader, found.job)
        return job.workspace, job, found.stage
    if isinstance(entity, Job):
        job = _find.job(reader, entity)
        return job.workspace, job, None
    return _find.workspace(reader, entity).id, None, None
