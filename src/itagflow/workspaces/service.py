"""Workspaces, members and templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from itagflow.access import Action
from itagflow.claiming.recalling import recall_all
from itagflow.core import lookup
from itagflow.core.change import record
from itagflow.core.engine import Engine
from itagflow.core.lookup import MemberRef, WorkspaceRef
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of, listed
from itagflow.model.package import LIVE, Assignment
from itagflow.model.template import Template
from itagflow.model.workspace import Member, Role, Workspace
from itagflow.storage.port import Query, Reader
from itagflow.workspaces import rules


def create_workspace(engine: Engine, name: str, *, admin: str) -> Workspace:
    """Create a workspace with its first member, an administrator."""
    with engine.transaction() as transaction:
        id = transaction.new_id(Workspace)
        workspace = Workspace(id=id, name=rules.named("workspace", name), created_at=transaction.at)
        first_admin = rules.first_member(id, transaction.new_id(Member), admin)
        act = transaction.act(id, first_admin.id)
        transaction.do(
            record(act, "create_workspace", add=(workspace, first_admin), data={"name": name})
        )
        return workspace


def add_member(
    engine: Engine,
    workspace: WorkspaceRef,
    account: str,
    role: Role,
    *,
    by: MemberRef,
    groups: Sequence[str] = (),
    external: bool = False,
) -> Member:
    """Add a member, or take one back who was removed."""
    with engine.transaction() as transaction:
        home = _held(transaction, workspace)
        act = transaction.allowed(home.id, by, Action.MANAGE_MEMBERS)
        name = rules.named("member", account)
        query = Query(Member, {"workspace": home.id, "account": name}, limit=1)
        known = next(iter(lookup.called(transaction.store, query)), None)
        id = known.id if known else transaction.new_id(Member)
        carried = rules.grouped(groups)
        new = Member(
            id=id, workspace=home.id, account=name, role=role, groups=carried, external=external
        )
        member = rules.joined(known, new)
        data = {"name": member.account}
        if known is None:
            transaction.do(record(act, "add_member", add=(member,), data=data))
        else:
            transaction.do(record(act, "add_member", save=((known, member),), data=data))
        return transaction.as_stored(member)


def set_role(
    engine: Engine,
    workspace: WorkspaceRef,
    member: MemberRef,
    role: Role,
    *,
    by: MemberRef,
    groups: Sequence[str] | None = None,
    external: bool | None = None,
) -> Member:
    """Change what a member is in the workspace; groups and external stay unless given."""
    with engine.transaction() as transaction:
        home = _held(transaction, workspace)
        act = transaction.allowed(home.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(home.id, member)
        new = rules.with_role(
            old,
            role,
            old.groups if groups is None else rules.grouped(groups),
            old.external if external is None else external,
            _others(transaction, old),
        )
        transaction.do(record(act, "set_role", save=((old, new),), data={"name": old.account}))
        return transaction.as_stored(new)


def remove_member(
    engine: Engine, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef
) -> Member:
    """Remove a member: what they have on hand goes back to the pool, what they did stays theirs for ever."""
    with engine.transaction() as transaction:
        home = _held(transaction, workspace)
        act = transaction.allowed(home.id, by, Action.MANAGE_MEMBERS)
        old = transaction.member(home.id, member)
        gone = rules.removed(old, _others(transaction, old))
        transaction.do(
            record(act, "remove_member", save=((old, gone),), data={"name": old.account})
        )
        gone = transaction.as_stored(gone)
    live = Query(Assignment, {"member": gone.id, "state": LIVE})
    recall_all(engine, live, act.member, f"{gone.account} was removed", free=True)
    return gone


def add_template(
    engine: Engine, workspace: WorkspaceRef, template: Template, *, name: str, by: MemberRef
) -> Template:
    """Store a template under a name, for several jobs to use."""
    with engine.transaction() as transaction:
        home = lookup.workspace(transaction.store, workspace)
        act = transaction.allowed(home.id, by, Action.MANAGE_JOB)
        new = attrs.evolve(
            template,
            id=transaction.new_id(Template),
            workspace=home.id,
            name=rules.named("template", name),
            version=0,
        )
        transaction.do(record(act, "add_template", add=(new,), data={"name": name}))
        return new


def list_members(
    engine: Engine, workspace: WorkspaceRef, *, by: MemberRef | None = None
) -> Iterator[Member]:
    """Yield the members of a workspace, also those who were removed, in the order of their keys."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, home.id, by)

    def visible(reader: Reader, found: list[Member]) -> list[Member]:
        seeing = access_of(reader, engine.policy, home.id, by)
        return [
            member
            for member in found
            if seeing.may("members.list", None, own=seeing.is_own(member.id))
        ]

    return listed(engine.store, Query(Member, {"workspace": home.id}, order=("id",)), visible)


def _held(transaction: Transaction, ref: WorkspaceRef) -> Workspace:
    """Return the workspace, held: who changes its members sees all of them as they are."""
    return transaction.lock(Workspace, lookup.workspace(transaction.store, ref).key)


def _others(transaction: Transaction, member: Member) -> list[Member]:
    active = transaction.store.find(Query(Member, {"workspace": member.workspace, "active": True}))
    return [other for other in active if other.id != member.id]
