"""Packages: what a job is cut into."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator

from itagflow.claiming import asking
from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.jobs import packaging
from itagflow.model.arguments import require_optional_several, require_several
from itagflow.model.enums import parse_optional_enum
from itagflow.model.number import require_whole_number
from itagflow.model.package import Assignment, Package, PackageState
from itagflow.model.text import require_text
from itagflow.results import service as results
from itagflow.typing import JobRef, MemberRef, NumberedTaskRef, PackageRef

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
        by: MemberRef | None = None,
        limit: int | None = None,
        after: PackageRef | int | None = None,
    ) -> Iterator[Package]:
        """Yield the packages of a job, by number.

        Args:
            job: The job.
            state: Only those in this state.
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
        return results.list_packages(self._engine, job, state=wanted, by=by, page=page)

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
            NotAllowed: when *by* may not manage jobs.
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
        priority: int,
        *,
        by: MemberRef,
        packages: Iterable[PackageRef | int] | None = None,
    ) -> int:
        """Give packages a priority, higher first in the queue, and return how many have it now.

        Args:
            job: The job.
            priority: The new priority; packages start with 0.
            by: The member who decides.
            packages: Which; every open package of the job when not given.  Each transaction holds
                up to 500.

        Raises:
            NotFound: when the job has no such package.
            InvalidData: when the priority is no whole number of 63 bits and a sign.
            NotAllowed: when the job is archived, or *by* may not assign work at the stage of a
                package; one that has ended is for who may at every stage.  Without *packages* those
                of other stages are left as they are.
        """
        priority = require_whole_number("packages.prioritize", "priority", priority)
        verb = "packages.prioritize"
        named = require_optional_several(verb, "packages", packages, "packages")
        return packaging.prioritize(self._engine, job, priority, by=by, packages=named)
