# Generated from itagflow.api.packages by tests/docs/pins/write.py: change that, and run this.
"""Packages: what a job is cut into; awaited."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.packages import Packages
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.typing import (
    JobRef,
    MemberRef,
    NumberedTaskRef,
    PackageRef,
    ProgressWrapper,
    TaskScores,
)


class AsyncPackages:
    """Packages: what a job is cut into; awaited."""

    def __init__(self, pool: ThreadPool, packages: Packages) -> None:
        """Do the work of *packages* in the threads of *pool*."""
        self._pool = pool
        self._packages = packages

    def list(
        self,
        job: JobRef,
        *,
        state: PackageState | str | None = None,
        overdue: bool = False,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: PackageRef | int | None = None,
    ) -> AsyncItems[Package]:
        """Yield the packages of a job, by number; overdue ones, the earliest first.

        Args:
            job: The job.
            state: Only those in this state.
            overdue: Only those that are open though their due time has passed.
            by: Who reads: all of them, if the member may see the work of others; else those on
                which the member has, or had to its end, an assignment.
            limit: How many at the most.
            after: The last package of the page before, or its number.

        Raises:
            NotFound: when there is no such job, *by* is nobody in its workspace, or it has no
                package *after*.
            NotAllowed: when *by* may not read there, or was removed.
        """
        verb = partial(
            self._packages.list, job, state=state, overdue=overdue, by=by, limit=limit, after=after
        )
        return AsyncItems(self._pool, verb)

    async def get(self, package: PackageRef, *, by: MemberRef | None = None) -> Package:
        """Return a package as it is now.

        With *by* to a member who may see the work of others, or who has, or had to its end, an
        assignment on it.

        Raises:
            NotFound: when there is none.
            NotAllowed: when *by* may not see it.
        """
        return await self._pool.run(self._packages.get, package, by=by)

    async def discard(self, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
        """Discard a package: its assignments are recalled, its tasks count no more, answers stay.

        In the middle of a campaign only the campaign ends: all tasks have the results that they had
        before, and the package is done.

        Raises:
            WrongState: when it is done or discarded.
            NotAllowed: when the job does not go on, or *by* may not manage jobs.
        """
        return await self._pool.run(self._packages.discard, package, by=by, comment=comment)

    async def reopen(self, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
        """Open a package again: a finished one for a full review, a discarded one for labeling.

        A finished job runs again.

        Raises:
            WrongState: when the package is still open, or the job a draft or archived.
            Incomplete: when too few people may do the work.
            NotAllowed: when *by* may not manage jobs, or all of its tasks were withdrawn or erased.
        """
        return await self._pool.run(self._packages.reopen, package, by=by, comment=comment)

    async def ask_again(
        self, tasks: Iterable[NumberedTaskRef], votes: int = 1, *, by: MemberRef
    ) -> builtins.list[Assignment]:
        """Ask for more votes on chosen tasks of packages that are still voted on.

        Whoever labels the job and has not voted on the package may claim them.  They count when the
        votes are merged; until then the package stays at LABEL.  Sent twice it asks twice.

        Args:
            tasks: Tasks, or pairs of a job and a number; all of them, or none, get more votes.
            votes: How many more on each.
            by: Somebody who may assign work at LABEL.

        Returns:
            The offers that nobody has yet, as many for each package as it was asked for.

        Raises:
            NotFound: when there is no such task.
            NotAllowed: when the job takes one vote, the votes are merged already, fewer members may
                vote than are asked for, or *by* may not assign work.
            InvalidData: when a task is not voted on in this round.
        """
        return await self._pool.run(self._packages.ask_again, tasks, votes, by=by)

    async def prioritize(
        self,
        job: JobRef,
        priority: float | TaskScores,
        *,
        by: MemberRef,
        packages: Iterable[PackageRef | int] | None = None,
        ignore_missing: bool = False,
        progress: ProgressWrapper | None = None,
    ) -> int:
        """Give packages a priority, higher first in the queue, and return how many have it now.

        Or one for each task, such as the scores of a model: a package gets the greatest of those of
        its tasks.  All are checked before the first is stored.  Each transaction then holds up to
        4,000 packages; when it breaks off, call it again.

        Args:
            job: The job.
            priority: The new priority; packages start with 0.  Or a mapping to the priorities from
                tasks, their numbers, or their row keys where these are texts.
            by: The member who decides.
            packages: Which have a priority that is a number; every open one when not given.
            ignore_missing: Pass over numbers of tasks, and row keys, that the job does not have;
                with a mapping only: packages never go away.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when the job has no such package or task.
            InvalidData: when a priority is no finite number or a whole one beyond 2**53, or
                *packages* are given beside a mapping, or *ignore_missing* without one.
            NotAllowed: when the job is archived, or *by* may not assign work at the stage of a
                package; one that has ended is for who may at every stage.  Where nothing is named,
                packages of other stages are left as they are.
        """
        return await self._pool.run(
            self._packages.prioritize, job, priority, by=by, packages=packages,
            ignore_missing=ignore_missing, progress=progress,
        )

    async def set_due(
        self,
        job: JobRef,
        due: datetime | Mapping[Any, datetime | None] | None,
        *,
        by: MemberRef,
        packages: Iterable[PackageRef | int] | None = None,
        progress: ProgressWrapper | None = None,
    ) -> int:
        """Say when packages are due, and return how many have that time now; None takes it away.

        Of equal priority, what is due earlier is claimed first; ``Label(order="due")`` puts that
        before the priority.  `Flow.tick` does what `Label.on_overdue` says once the time has
        passed; a new time counts again.  It is stored in several transactions.

        Args:
            job: The job.
            due: The time, with its zone; or a mapping with the time of each package, its number, or
                a task of it.
            by: The member who decides.
            packages: Which; every open package of the job when not given.  Not beside a mapping.
            progress: Wraps the iterable of packages, such as ``tqdm``.

        Raises:
            NotFound: when the job has no such package or task.
            InvalidData: when a time has no zone, or a package is given two.
            NotAllowed: when the job is archived, or *by* may not assign work at the stage of a
                package; one that has ended is for who may at every stage.  Without *packages* those
                of other stages are left as they are.
        """
        return await self._pool.run(
            self._packages.set_due, job, due, by=by, packages=packages, progress=progress
        )
