"""Members of a workspace, and their roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from itagflow.core.engine import Engine
from itagflow.core.lookup import Page
from itagflow.model.arguments import require_flag, require_wrapper
from itagflow.model.moment import to_utc
from itagflow.model.skills import require_skills
from itagflow.model.text import parse_texts, require_text
from itagflow.model.workspace import Member, Role
from itagflow.typing import MemberRef, ProgressWrapper, WorkspaceRef
from itagflow.workspaces import service as workspaces
from itagflow.workspaces.service import Membership


class Members:
    """Members of a workspace, and their roles."""

    def __init__(self, engine: Engine) -> None:
        """Work over *engine*."""
        self._engine = engine

    def add(
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
        account = require_text("members.add", "account", account)
        membership = _describe_membership("members.add", role, groups, external)
        exist_ok = require_flag("members.add", "exist_ok", exist_ok)
        return workspaces.add_member(
            self._engine,
            workspace,
            account,
            membership,
            by=by,
            exist_ok=exist_ok,
        )

    def get(
        self, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef | None = None
    ) -> Member:
        """Return a member as they are now, also one who was removed.

        With *by* it is the member themselves, or somebody who may see the results of every job.

        Raises:
            NotFound: when there is no such workspace, or nobody of this account there.
            NotAllowed: when *by* may not see the member, or was removed.
        """
        return workspaces.get_member(self._engine, workspace, member, by=by)

    def list(
        self,
        workspace: WorkspaceRef,
        *,
        by: MemberRef | None = None,
        limit: int | None = None,
        after: MemberRef | None = None,
    ) -> Iterator[Member]:
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
        return workspaces.list_members(self._engine, workspace, by=by, page=Page(limit, after))

    def set_role(
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
        membership = _describe_membership("members.set_role", role, groups, external)
        return workspaces.set_role(self._engine, workspace, member, membership, by=by)

    def set_skills(
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

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.workspaces.create("street", admin="ada")
        >>> dict(flow.members.set_skills(street, "ada", {"lang:de": 1}, by="ada").skills)
        {'lang:de': 1.0}
        """
        levels = require_skills("members.set_skills", skills)
        return workspaces.set_skills(self._engine, workspace, member, levels, by=by)

    def remove(
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
        wrap = require_wrapper("members.remove", "progress", progress)
        return workspaces.remove_member(self._engine, workspace, member, by=by, progress=wrap)

    def pause(
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

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.workspaces.create("street", admin="ada")
        >>> flow.members.pause(street, "ada", by="ada").paused
        True
        """
        end = None if until is None else to_utc("members.pause", "until", until)
        wrap = require_wrapper("members.pause", "progress", progress)
        return workspaces.pause_member(
            self._engine, workspace, member, until=end, by=by, progress=wrap
        )

    def resume(self, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef) -> Member:
        """End the pause of a member, who is given work again; one who is not paused stays so.

        Raises:
            NotAllowed: when *by* may not manage members.

        >>> import itagflow
        >>> flow = itagflow.open("memory:")
        >>> street = flow.workspaces.create("street", admin="ada")
        >>> flow.members.resume(street, "ada", by="ada").paused
        False
        """
        return workspaces.resume_member(self._engine, workspace, member, by=by)


def _describe_membership(
    verb: str, role: Role | str, groups: Sequence[str] | None, external: bool | None
) -> Membership:
    """Return what a member is to be, checked; None is what was not given.

    Raises:
        InvalidData: when one of them is of another kind.
    """
    if groups is not None:
        groups = parse_texts(verb, "groups", groups)
    if external is not None:
        external = require_flag(verb, "external", external)
    return Membership(role, groups, external)
