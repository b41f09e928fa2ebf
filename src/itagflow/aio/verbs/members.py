# Generated from itagflow.api.members by tests/docs/pins/write.py: change that, and run this.
"""Members of a workspace, and their roles; awaited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from itagflow.aio.items import AsyncItems
from itagflow.aio.pool import ThreadPool
from itagflow.api.members import Members
from itagflow.model.workspace import Member, Role
from itagflow.typing import MemberRef, ProgressWrapper, WorkspaceRef


class AsyncMembers:
    """Members of a workspace, and their roles; awaited."""

    def __init__(self, pool: ThreadPool, members: Members) -> None:
        """Do the work of *members* in the threads of *pool*."""
        self._pool = pool
        self._members = members

    async def add(
        self,
        workspace: WorkspaceRef,
        account: str,
        role: Role | str,
        *,
        by: MemberRef,
        groups: Sequence[str] | None = None,
        external: bool | None = None,
        exist_ok: bool = False,
    ) -> Member:
        """Add a member, or take one back who was removed.

        Args:
            workspace: The workspace.
            account: The application's own name for the person, unique in the workspace: one
                line that can be seen.  It is stored as given; accounts that are the same in
                Unicode's form NFC are one.
            role: What the member is there: a `Role`, its value, such as ``"operator"``, or the
                name of a role that the policy adds.
            by: The member who adds.
            groups: The groups that the member belongs to; none unless given.
            external: Whether the person comes from outside: then no administrator and no viewer.
                Not unless given.
            exist_ok: Return the member who has this account, if role, groups and external are now
                as they are given here; those not given are not compared.  Nothing is changed: who
                was removed is returned as removed (`Member.active` is false), and comes back by a
                call without this.

        Raises:
            AlreadyExists: when the account belongs to an active member; with *exist_ok*, when they
                are something else, and `AlreadyExists.differences` says what.
            InvalidData: when nobody or no group can be called so, the policy does not know the
                role, or an external member is to be more than leader or operator.
            NotAllowed: when *by* may not manage members.
        """
        return await self._pool.run(
            self._members.add, workspace, account, role, by=by, groups=groups, external=external,
            exist_ok=exist_ok,
        )

    async def get(
        self, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef | None = None
    ) -> Member:
        """Return a member as they are now, also one who was removed.

        With *by* it is the member themselves, or somebody who may see the results of every job.

        Raises:
            NotFound: when there is no such workspace, or nobody of this account there.
            NotAllowed: when *by* may not see the member, or was removed.
        """
        return await self._pool.run(self._members.get, workspace, member, by=by)

    def list(
        self,
        workspace: WorkspaceRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: MemberRef | None = None,
    ) -> AsyncItems[Member]:
        """Yield the members of a workspace by key, also those who were removed.

        Args:
            workspace: The workspace.
            by: Who reads: all of them, if the member may see the results of every job, and else
                only the member.
            limit: How many at the most.
            after: The last member of the page before, their key or account.

        Raises:
            NotFound: when there is no such workspace, or *by* or *after* is nobody there.
            NotAllowed: when *by* was removed.
        """
        verb = partial(self._members.list, workspace, by=by, limit=limit, after=after)
        return AsyncItems(self._pool, verb)

    async def set_role(
        self,
        workspace: WorkspaceRef,
        member: MemberRef,
        role: Role | str,
        *,
        by: MemberRef,
        groups: Sequence[str] | None = None,
        external: bool | None = None,
    ) -> Member:
        """Change what a member is in the workspace; groups and external stay unless given.

        Raises:
            NotAllowed: when *by* may not manage members, or no administrator would be left.
            InvalidData: when the policy does not know the role, or an external member is to be more
                than leader or operator.
        """
        return await self._pool.run(
            self._members.set_role, workspace, member, role, by=by, groups=groups, external=external
        )

    async def set_skills(
        self,
        workspace: WorkspaceRef,
        member: MemberRef,
        skills: Mapping[str, float],
        *,
        by: MemberRef,
    ) -> Member:
        """Say what a member can do, such as ``{"lang:de": 1, "radiology": 80}``.

        These replace those that they had.  Jobs ask for them by ``requires`` of a stage; see
        `Field`.  From now on they are given what they can do; what they hold, and what is
        offered to them, stays theirs.

        Args:
            workspace: The workspace.
            member: The member.
            skills: How well they can do each thing, by name; an empty mapping takes all away.
            by: Who says so.

        Raises:
            InvalidData: when a skill has no name, two have the same, or a number is not finite.
            NotAllowed: when *by* may not manage members, or the member was removed.
        """
        return await self._pool.run(self._members.set_skills, workspace, member, skills, by=by)

    async def remove(
        self,
        workspace: WorkspaceRef,
        member: MemberRef,
        *,
        by: MemberRef,
        progress: ProgressWrapper | None = None,
    ) -> Member:
        """Remove a member: their open work returns to the queue, their finished work stays.

        From the first transaction on they get no more work; their assignments come back each in a
        transaction of its own.  When the process ends in between, call it again.

        Args:
            workspace: The workspace.
            member: Who is removed.
            by: Who removes them.
            progress: Wraps the iterable of assignments that come back, such as ``tqdm``.

        Raises:
            NotAllowed: when *by* may not manage members, or no administrator would be left.
        """
        return await self._pool.run(
            self._members.remove, workspace, member, by=by, progress=progress
        )

    async def pause(
        self,
        workspace: WorkspaceRef,
        member: MemberRef,
        *,
        until: datetime | None = None,
        by: MemberRef,
        progress: ProgressWrapper | None = None,
    ) -> Member:
        """Give a member no new work for now, such as while they are away.

        What they hold goes on.  What is offered to them goes to others at once, and so does work
        that is sent back to them; nothing can be assigned to them.  When the process ends in
        between, call it again.

        Args:
            workspace: The workspace.
            member: Who is paused; pausing again changes the time.
            until: When the pause ends by itself; when `resume` ends it, unless given.
            by: Who pauses.
            progress: Wraps the iterable of offers that go to others, such as ``tqdm``.

        Raises:
            NotAllowed: when *by* may not manage members, or the member was removed.
            InvalidData: when *until* is no time with a zone, or lies in the past.
        """
        return await self._pool.run(
            self._members.pause, workspace, member, until=until, by=by, progress=progress
        )

    async def resume(self, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef) -> Member:
        """End the pause of a member, who is given work again; one who is not paused stays so.

        Raises:
            NotAllowed: when *by* may not manage members.
        """
        return await self._pool.run(self._members.resume, workspace, member, by=by)
