"""Workspaces, members and templates."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from itagflow.access import Action, require_known_role
from itagflow.claiming.recalling import recall_all
from itagflow.core import lookup
from itagflow.core.counted import Wrap
from itagflow.core.engine import Engine, find_or_create
from itagflow.core.lookup import EVERYTHING, MemberRef, Page, WorkspaceRef, begin_behind
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of, list_visible
from itagflow.errors import AlreadyExists
from itagflow.model.change import record
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.package import LIVE, Assignment, AssignmentState
from itagflow.model.template import Template
from itagflow.model.text import normalize_name
from itagflow.model.workspace import Member, Workspace
from itagflow.storage.port import Query, Reader, Scalar
from itagflow.workspaces import rules


def create_workspace(engine: Engine, name: str, *, admin: str, exist_ok: bool = False) -> Workspace:
    """Create a workspace with an administrator, or return the one that exists already."""
    if exist_ok:
        # somebody else may create the same between the look and the creation: then it looks again
        return find_or_create(lambda: _create_workspace(engine, name, admin, exist_ok=True))
    return _create_workspace(engine, name, admin, exist_ok=False)


def _create_workspace(engine: Engine, name: str, admin: str, *, exist_ok: bool) -> Workspace:
    with engine.transaction() as transaction:
        id = transaction.new_id(Workspace)
        name = rules.require_name("workspace", name)
        workspace = Workspace(
            id=id, name=name, created_at=transaction.at, pseudonym_key=secrets.token_hex(16)
        )
        first_admin = rules.first_member(id, transaction.new_id(Member), admin)
        query = Query(Workspace, {"name": workspace.name}, limit=1)
        known = find_by_name(transaction.store, query) if exist_ok else None
        if known is not None:
            founder = _find_founder(transaction.store, known)
            if founder is None or normalize_name(founder.account) != normalize_name(
                first_admin.account
            ):
                raise AlreadyExists("Workspace", name, ("admin",))
            return known
        ctx = transaction.make_context(id, first_admin.id)
        add = (workspace, first_admin)
        transaction.apply(record(ctx, "create_workspace", add=add, data={"name": name}))
        return workspace


@attrs.frozen
class Membership:
    """What a member is, or is to be, in a workspace; None for what was not given."""

    role: str
    groups: Sequence[str] | None = None
    external: bool | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of what was given."""
        optional = ("groups", "external")
        return ("role", *(name for name in optional if getattr(self, name) is not None))


def add_member(
    engine: Engine,
    workspace: WorkspaceRef,
    account: str,
    membership: Membership,
    *,
    by: MemberRef,
    exist_ok: bool = False,
) -> Member:
    """Add a member, or take one back who was removed; or return the one that there is already."""
    with engine.transaction() as transaction:
        locked = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(locked.id, by, Action.MANAGE_MEMBERS)
        name = rules.require_name("member", account)
        query = Query(Member, {"workspace": locked.id, "account": name}, limit=1)
        known = find_by_name(transaction.store, query)
        new = Member(
            id=known.id if known else transaction.new_id(Member),
            workspace=locked.id,
            account=name,
            role=require_known_role(engine.policy, membership.role),
            groups=rules.check_groups(() if membership.groups is None else membership.groups),
            external=False if membership.external is None else membership.external,
        )
        if exist_ok and known is not None and not known.erased:
            differences = rules.find_differences(known, new, membership.arguments)
            if differences:
                raise AlreadyExists("Member", name, differences)
            return known
        member = rules.join_member(known, new)
        data = {"name": member.account}
        if known is None:
            transaction.apply(record(ctx, "add_member", add=(member,), data=data))
        else:
            transaction.apply(record(ctx, "add_member", save=((known, member),), data=data))
        return transaction.as_stored(member)


def set_role(
    engine: Engine,
    workspace: WorkspaceRef,
    member: MemberRef,
    membership: Membership,
    *,
    by: MemberRef,
) -> Member:
    """Change what a member is in the workspace; groups and external stay unless given."""
    with engine.transaction() as transaction:
        locked = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(locked.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(locked.id, member)
        groups, external = old.groups, old.external
        if membership.groups is not None:
            groups = rules.check_groups(membership.groups)
        if membership.external is not None:
            external = membership.external
        others = _find_others(transaction, old)
        role = require_known_role(engine.policy, membership.role)
        new = rules.with_role(old, role, groups, external, others)
        if new == old:
            return old  # the call was sent again
        transaction.apply(record(ctx, "set_role", save=((old, new),), data={"name": old.account}))
        return transaction.as_stored(new)


def set_skills(
    engine: Engine,
    workspace: WorkspaceRef,
    member: MemberRef,
    skills: Mapping[str, float],
    *,
    by: MemberRef,
) -> Member:
    """Say what a member can do; those that they have already change nothing."""
    with engine.transaction() as transaction:
        locked = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(locked.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(locked.id, member)
        new = rules.with_skills(old, skills)
        if new == old:
            return old  # the call was sent again
        data = {"name": old.account, "before": {**old.skills}, "after": {**new.skills}}
        transaction.apply(record(ctx, "set_skills", save=((old, new),), data=data))
        return transaction.as_stored(new)


def remove_member(
    engine: Engine,
    workspace: WorkspaceRef,
    member: MemberRef,
    *,
    by: MemberRef,
    progress: Wrap | None = None,
) -> Member:
    """Remove a member: their open work returns to the queue, their finished work stays."""
    with engine.transaction() as transaction:
        locked = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(locked.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(locked.id, member)
        new = rules.remove_member(old, _find_others(transaction, old))
        transaction.apply(
            record(ctx, "remove_member", save=((old, new),), data={"name": old.account})
        )
        removed = transaction.as_stored(new)
    # Removed first, so that they claim nothing new; then what they hold comes back, each in a
    # transaction of its own.  Sent again, the call goes on with what is left.
    live = Query(Assignment, {"member": removed.id, "state": LIVE})
    reason = f"{removed.account} was removed"
    recall_all(engine, live, ctx.member, reason, free=True, progress=progress)
    return removed


def pause_member(
    engine: Engine,
    workspace: WorkspaceRef,
    member: MemberRef,
    *,
    until: datetime | None,
    by: MemberRef,
    progress: Wrap | None = None,
) -> Member:
    """Give a member no new work for now: their offers go to others, what they hold goes on."""
    with engine.transaction() as transaction:
        locked = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(locked.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(locked.id, member)
        paused = rules.pause_member(old, until, transaction.at)
        if paused != old:
            data: dict[str, Any] = {"name": old.account}
            if until is not None:
                data["until"] = until.isoformat()
            transaction.apply(record(ctx, "pause_member", save=((old, paused),), data=data))
            paused = transaction.as_stored(paused)
    # Paused first, so that they are offered nothing new; then their offers go to others, each in a
    # transaction of its own.  Sent again, the call goes on with what is left.
    offered = Query(Assignment, {"member": paused.id, "state": AssignmentState.OFFERED})
    reason = f"{paused.account} is paused"
    recall_all(engine, offered, ctx.member, reason, free=True, progress=progress)
    return paused


def resume_member(
    engine: Engine, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef
) -> Member:
    """End the pause of a member; one who is not paused stays as they are."""
    with engine.transaction() as transaction:
        locked = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(locked.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(locked.id, member)
        new = attrs.evolve(old, paused=False, paused_until=None)
        if new == old:
            return old
        data = {"name": old.account}
        transaction.apply(record(ctx, "resume_member", save=((old, new),), data=data))
        return transaction.as_stored(new)


@attrs.frozen(kw_only=True)
class TemplateSpec:
    """A template that is to be stored under a name."""

    template: Template
    name: str
    by: MemberRef
    """The member who adds it."""


def add_template(
    engine: Engine, workspace: WorkspaceRef, spec: TemplateSpec, *, exist_ok: bool = False
) -> Template:
    """Store a template under a name, or return the one that exists already."""
    if exist_ok:
        return find_or_create(lambda: _add_template(engine, workspace, spec, exist_ok=True))
    return _add_template(engine, workspace, spec, exist_ok=False)


def _add_template(
    engine: Engine, workspace: WorkspaceRef, spec: TemplateSpec, *, exist_ok: bool
) -> Template:
    with engine.transaction() as transaction:
        workspace_id = lookup.workspace(transaction.store, workspace).id
        ctx = transaction.authorize(workspace_id, spec.by, Action.MANAGE_JOB)
        id = transaction.new_id(Template)
        name = rules.require_name("template", spec.name)
        new = attrs.evolve(spec.template, id=id, workspace=workspace_id, name=name, version=0)
        query = Query(Template, {"workspace": workspace_id, "name": name}, limit=1)
        known = find_by_name(transaction.store, query) if exist_ok else None
        if known is not None:
            # it may be spelled in another Unicode form, or be a later version
            comparable = attrs.evolve(known, id=new.id, name=new.name, version=new.version)
            if comparable != new:
                raise AlreadyExists("Template", name, ("template",))
            return known
        transaction.apply(record(ctx, "add_template", add=(new,), data={"name": name}))
        return new


def get_workspace(
    engine: Engine, workspace: WorkspaceRef, *, by: MemberRef | None = None
) -> Workspace:
    """Return a workspace as it is now."""
    with engine.store.read() as reader:
        current = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, current.id, by).require("workspaces.get", None, own=True)
        return current


def rename_workspace(
    engine: Engine, workspace: WorkspaceRef, name: str, *, by: MemberRef
) -> Workspace:
    """Give a workspace another name; one that it has already changes nothing."""
    with engine.transaction() as transaction:
        old = _lock_workspace(transaction, workspace)
        ctx = transaction.authorize(old.id, by, Action.MANAGE_MEMBERS)
        name = rules.require_name("workspace", name)
        if name == old.name:
            return old
        new = attrs.evolve(old, name=name)
        # under the old name, by which readers of the events know it
        data = {"name": old.name, "new_name": name}
        transaction.apply(record(ctx, "rename_workspace", save=((old, new),), data=data))
        return transaction.as_stored(new)


def list_workspaces(
    engine: Engine, *, by: MemberRef | None = None, page: Page = EVERYTHING
) -> Iterator[Workspace]:
    """Yield the workspaces, oldest first; with *by* those to which they belong."""
    with engine.store.read() as reader:
        query = Query(Workspace, order=("id",))
        if by is not None:
            theirs = _find_workspaces(engine, reader, by)
            query = attrs.evolve(query, where={"id": tuple(theirs)})
        if page.after is not None:
            query = begin_behind(query, lookup.workspace(reader, page.after).key)

    def select_visible(reader: Reader, workspaces: list[Workspace]) -> list[Workspace]:
        if by is None:
            return workspaces
        # asked again for every page: the member may have been removed meanwhile
        now_visible = _find_workspaces(engine, reader, by)
        return [workspace for workspace in workspaces if workspace.id in now_visible]

    return list_visible(engine.store, query, select_visible, page)


def _find_workspaces(engine: Engine, reader: Reader, by: MemberRef) -> set[int]:
    """Return the keys of the workspaces to which *by* belongs.

    Raises:
        NotFound: when there is no such member.
        NotAllowed: when the member was removed from all of them.
    """
    members = lookup.find_in_all_workspaces(reader, by)
    active = [member for member in members if member.active]
    # Where nobody is active, the check of a removed one raises: "removed", and not "not found".
    for member in active or members:
        access = access_of(reader, engine.policy, member.workspace, member.id)
        access.require("workspaces.list", None, own=True)
    return {member.workspace for member in active}


def get_member(
    engine: Engine, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef | None = None
) -> Member:
    """Return a member as they are now, also one who was removed."""
    with engine.store.read() as reader:
        workspace_id = lookup.workspace(reader, workspace).id
        # before the member is looked for: who may see nothing does not learn who is there
        access = access_of(reader, engine.policy, workspace_id, by)
        current = lookup.member(reader, workspace_id, member)
        access.require("members.get", None, own=access.is_own(current.id))
        return current


def list_members(
    engine: Engine,
    workspace: WorkspaceRef,
    *,
    by: MemberRef | None = None,
    page: Page = EVERYTHING,
) -> Iterator[Member]:
    """Yield the members of a workspace, also those who were removed, in the order of their keys."""
    with engine.store.read() as reader:
        workspace_id = lookup.workspace(reader, workspace).id
        # refused by the call, and not only at the first step of the iterator
        access_of(reader, engine.policy, workspace_id, by)
        query = Query(Member, {"workspace": workspace_id}, order=("id",))
        if page.after is not None:
            query = begin_behind(query, lookup.member(reader, workspace_id, page.after).key)

    def select_visible(reader: Reader, members: list[Member]) -> list[Member]:
        access = access_of(reader, engine.policy, workspace_id, by)
        return [
            member
            for member in members
            if access.can_see("members.list", None, own=access.is_own(member.id))
        ]

    return list_visible(engine.store, query, select_visible, page)


def find_by_name(reader: Reader, query: Query[E]) -> E | None:
    """Return what has this name, however it was typed, or None."""
    return next(iter(lookup.find_by_name(reader, query)), None)


def _find_founder(reader: Reader, workspace: Workspace) -> Member | None:
    """Return the member with whom *workspace* was created, as the event of that says."""
    where: dict[str, Scalar] = {"job": 0, "workspace": workspace.id, "type": "create_workspace"}
    event = lookup.first(reader, Query(Event, where, order=("position",), limit=1))
    return None if event is None else lookup.get_or_none(reader, Member, (event.member,))


def _lock_workspace(transaction: Transaction, ref: WorkspaceRef) -> Workspace:
    """Lock the workspace and return it.

    Whoever changes its members locks it first, and so sees all of them as they are.  Else two who
    remove the last two administrators at once would each count on the other.
    """
    return transaction.lock(Workspace, lookup.workspace(transaction.store, ref).key)


def _find_others(transaction: Transaction, member: Member) -> list[Member]:
    """Return the other active members of the workspace."""
    active = transaction.store.find(Query(Member, {"workspace": member.workspace, "active": True}))
    return [other for other in active if other.id != member.id]
