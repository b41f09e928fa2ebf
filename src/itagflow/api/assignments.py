"""Assignments: who has what, given and taken back by those who lead."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator

from itagflow.claiming import assigning
from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.model.arguments import require_flag, require_several
from itagflow.model.batch import BatchResult
from itagflow.model.package import Assignment
from itagflow.model.text import require_text
from itagflow.results import service as results
from itagflow.reviewing import batch
from itagflow.typing import AssignmentRef, JobRef, MemberRef, PackageRef, WorkspaceRef


class Assignments:
    """Assignments: who has what, given and taken back by those who lead."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

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
    ) -> Iterator[Assignment]:
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
        live = require_flag("assignments.list", "live", live)
        return results.list_assignments(
            self._engine,
            member,
            job=job,
            workspace=workspace,
            live=live,
            by=by,
            page=Page(limit, after),
        )

    def get(self, assignment: AssignmentRef, *, by: MemberRef | None = None) -> Assignment:
        """Return an assignment as it is now.

        Raises:
            NotFound: when there is none.
            NotAllowed: when it is not that of *by*, who may not see the work of others.
        """
        return results.get_assignment(self._engine, assignment, by=by)

    def assign(self, package: PackageRef, member: MemberRef, *, by: MemberRef) -> Assignment:
        """Offer a free slot of a package to a member, who claims it before anything from the queue.

        Raises:
            NotAllowed: when no slot is free, the member may not have it, or *by* may not assign
                work.
        """
        return assigning.assign(self._engine, package, member, by=by)

    def assign_many(
        self, packages: Iterable[PackageRef], member: MemberRef, *, by: MemberRef
    ) -> builtins.list[BatchResult]:
        """Offer a free slot of each package to a member; refusals are the errors of `assign`."""
        refs = require_several("assignments.assign_many", "packages", packages, "packages")
        return batch.assign_many(self._engine, refs, member, by=by)

    def reassign(
        self, assignment: AssignmentRef, member: MemberRef, *, by: MemberRef, comment: str = ""
    ) -> Assignment:
        """Take an assignment back and offer its slot to another member; returns the offer.

        Raises:
            WrongState: when the assignment has ended.
            NotAllowed: when the member may not have it, or *by* may not assign work.
        """
        comment = require_text("assignments.reassign", "comment", comment)
        return assigning.reassign(self._engine, assignment, member, by=by, comment=comment)

    def expire(self, job: JobRef, *, by: MemberRef) -> builtins.list[Assignment]:
        """Return the assignments of a job whose lease has lapsed to the queue.

        Only at the stages where *by* may assign; in several transactions.

        Raises:
            NotAllowed: when *by* may assign work at no stage.
        """
        return assigning.expire(self._engine, job, by=by)
