# Generated from itagflow.api.assignments by tests/docs/pins/write.py: change that, and run this.
"""Assignments: who has what, given and taken back by those who lead; awaited."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.assignments import Assignments
from itagflow.model.batch import BatchResult
from itagflow.model.package import Assignment
from itagflow.typing import AssignmentRef, JobRef, MemberRef, PackageRef, WorkspaceRef


class AsyncAssignments:
    """Assignments: who has what, given and taken back by those who lead; awaited."""

    def __init__(self, pool: ThreadPool, assignments: Assignments) -> None:
        """Do the work of *assignments* in the threads of *pool*."""
        self._pool = pool
        self._assignments = assignments

    def list(
        self,
        member: MemberRef | None,
        *,
        job: JobRef | None = None,
        workspace: WorkspaceRef | None = None,
        live: bool = True,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: AssignmentRef | None = None,
    ) -> AsyncItems[Assignment]:
        """Yield the assignments of a member, by job and age: my work.

        Args:
            member: The member; an account stands for that person in every workspace, unless one is
                named.  None: what nobody has; of one job, which must be named.  These are the open
                offers and, unless *live*, what merged votes and pre-labels are held by.
            job: Only those of this job.
            workspace: Only those of this workspace.
            live: Only those that are held or offered; every assignment otherwise.
            by: Who reads: the member, or somebody who may see the work of others; at the jobs where
                they may.
            limit: How many at the most.
            after: The last assignment of the page before, or its key; it may have ended meanwhile.

        Raises:
            NotFound: when there is no such member, job or workspace, *by* is nobody there, or
                *after* is not an assignment of this list.
            NotAllowed: when *by* may not read there, or was removed.
        """
        verb = partial(
            self._assignments.list, member, job=job, workspace=workspace, live=live, by=by,
            limit=limit, after=after,
        )
        return AsyncItems(self._pool, verb)

    async def get(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Return an assignment as it is now.

        Raises:
            NotFound: when there is none.
            NotAllowed: when it is not that of *by*, who may not see the work of others.
        """
        return await self._pool.run(self._assignments.get, assignment, by=by)

    async def assign(self, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
        """Offer a free slot of a package to a member, who claims it before anything from the queue.

        Raises:
            NotAllowed: when no slot is free, the member may not have it, or *by* may not assign
                work.
        """
        return await self._pool.run(self._assignments.assign, package, member, by=by)

    async def assign_many(
        self, packages: Iterable[PackageRef], member: MemberRef, *, by: MemberRef
    ) -> builtins.list[BatchResult]:
        """Offer a free slot of each package to a member; refusals are the errors of `assign`."""
        return await self._pool.run(self._assignments.assign_many, packages, member, by=by)

    async def reassign(
        self, assignment: AssignmentRef, member: MemberRef, *, by: MemberRef, comment: str = ""
    ) -> Assignment:
        """Take an assignment back and offer its slot to another member; returns the offer.

        Raises:
            WrongState: when the assignment has ended.
            NotAllowed: when the member may not have it, or *by* may not assign work.
        """
        return await self._pool.run(
            self._assignments.reassign, assignment, member, by=by, comment=comment
        )

    async def expire(self, job: JobRef, *, by: MemberRef) -> builtins.list[Assignment]:
        """Return the assignments of a job whose lease has lapsed to the queue.

        Only at the stages where *by* may assign; in several transactions.

        Raises:
            NotAllowed: when *by* may assign work at no stage.
        """
        return await self._pool.run(self._assignments.expire, job, by=by)
