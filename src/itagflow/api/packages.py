"""Packages: what a job is cut into."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from itagflow.claiming import asking
from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.deadlines import service as deadlines
from itagflow.jobs import packaging, priorities
from itagflow.jobs.priorities import parse_priorities
from itagflow.model.arguments import (
    require_flag,
    require_optional_several,
    require_several,
    require_wrapper,
)
from itagflow.model.enums import parse_optional_enum
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.text import require_text
from itagflow.results import service as results
from itagflow.typing import (
    JobRef,
    MemberRef,
    NumberedTaskRef,
    PackageRef,
    ProgressWrapper,
    TaskScores,
)

MOST_VOTES = 1_000
"""How many votes can be asked for at once: more is a mistake."""


class Packages:
    """Packages: what a job is cut into."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def list(
        self,
        job: JobRef,
        *,
        state: PackageState | str | None = None,
        overdue: bool = False,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: PackageRef | int | None = None,
    ) -> Iterator[Package]:
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
        wanted = parse_optional_enum(PackageState, state)
        page = Page(limit, after)
        overdue = require_flag("packages.list", "overdue", overdue)
        return deadlines.list_packages(
            self._engine, job, overdue=overdue, state=wanted, by=by, page=page
        )

    def get(self, package: PackageRef, *, by: MemberRef | None = None) -> Package:
        """Return a package as it is now.

        With *by* to a member who may see the work of others, or who has, or had to its end, an
        assignment on it.

        Raises:
            NotFound: when there is none.
            NotAllowed: when *by* may not see it.
        """
        return results.get_package(self._engine, package, by=by)

    def discard(self, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
        """Discard a package: its assignments are recalled, its tasks count no more, answers stay.

        In the middle of a campaign only the campaign ends: all tasks have the results that they had
        before, and the package is done.

        Raises:
            WrongState: when it is done or discarded.
            NotAllowed: when the job does not go on, or *by* may not manage jobs.
        """
        comment = require_text("packages.discard", "comment", comment)
        return packaging.discard(self._engine, package, by=by, comment=comment)

    def reopen(self, package: PackageRef, *, by: MemberRef, comment: str = "") -> Package:
        """Open a package again: a finished one for a full review, a discarded one for labeling.

        A finished job runs again.

        Raises:
            WrongState: when the package is still open, or the job a draft or archived.
            Incomplete: when too few people may do the work.
            NotAllowed: when *by* may not manage jobs, or all of its tasks were withdrawn or erased.
        """
        comment = require_text("packages.reopen", "comment", comment)
        return packaging.reopen(self._engine, package, by=by, comment=comment)

    def ask_again(
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
        verb = "packages.ask_again"
        named = require_several(verb, "tasks", tasks, "tasks")
        votes = require_whole_number(verb, "votes", votes, least=1, most=MOST_VOTES)
        return asking.ask_again(self._engine, named, votes, by=by)

    def prioritize(
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
        verb = "packages.prioritize"
        ignore_missing = require_flag(verb, "ignore_missing", ignore_missing)
        named = require_optional_several(verb, "packages", packages, "packages")
        order = parse_priorities(priority, named, ignore_missing, by)
        wrap = require_wrapper(verb, "progress", progress)
        return priorities.prioritize(self._engine, job, order, progress=wrap)

    def set_due(
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
        named = require_optional_several("packages.set_due", "packages", packages, "packages")
        wish = deadlines.parse_due(due, named)
        wrap = require_wrapper("packages.set_due", "progress", progress)
        return deadlines.set_due(self._engine, job, wish, by=by, progress=wrap)
