"""Workspaces, members and templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from itagflow.access import Action
from itagflow.claiming.recalling import recall_all
from itagflow.core import lookup
from itagflow.core.change import record
from itagflow.core.engine import Engine, find_or_create
from itagflow.core.lookup import MemberRef, WorkspaceRef
from itagflow.core.transaction import Transaction
from itagflow.core.visibility import access_of, listed
from itagflow.errors import AlreadyExists
from itagflow.model.entity import E
from itagflow.model.event import Event
from itagflow.model.package import LIVE, Assignment
from itagflow.model.template import Template
from itagflow.model.text import nfc
from itagflow.model.workspace import Member, Role, Workspace
from itagflow.storage.port import Query, Reader, Scalar
from itagflow.workspaces import rules


def create_workspace(engine: Engine, name: str, *, admin: str, exist_ok: bool = False) -> Workspace:
    """Create a workspace with an administrator, or return the one that exists already."""
    if exist_ok:
        return find_or_create(lambda: _create_workspace(engine, name, admin, exist_ok=True))
    return _create_workspace(engine, name, admin, exist_ok=False)


def _create_workspace(engine: Engine, name: str, admin: str, *, exist_ok: bool) -> Workspace:
    with engine.transaction() as transaction:
        id = transaction.new_id(Workspace)
        workspace = Workspace(id=id, name=rules.named("workspace", name), created_at=transaction.at)
        first_admin = rules.first_member(id, transaction.new_id(Member), admin)
        query = Query(Workspace, {"name": workspace.name}, limit=1)
        known = first_called(transaction.store, query) if exist_ok else None
        if known is not None:
            founder = _founder(transaction.store, known)
            if founder is None or nfc(founder.account) != nfc(first_admin.account):
                raise AlreadyExists("Workspace", name, ("admin",))
            return known
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
    groups: Sequence[str] | None = None,
    external: bool | None = None,
    exist_ok: bool = False,
) -> Member:
    """Add a member, or take one back who was removed; or return the one that there is already."""
    with engine.transaction() as transaction:
        home = _held(transaction, workspace)
        act = transaction.allowed(home.id, by, Action.MANAGE_MEMBERS)
        name = rules.named("member", account)
        query = Query(Member, {"workspace": home.id, "account": name}, limit=1)
        known = first_called(transaction.store, query)
        id = known.id if known else transaction.new_id(Member)
        new = Member(
            id=id,
            workspace=home.id,
            account=name,
            role=role,
            groups=rules.grouped(() if groups is None else groups),
            external=False if external is None else external,
        )
        if exist_ok and known is not None and not known.erased:
            given = {"role": role, "groups": groups, "external": external}
            named = [argument for argument, value in given.items() if value is not None]
            differences = rules.differences(known, new, named)
            if differences:
                raise AlreadyExists("Member", name, differences)
            return known
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
    """Remove a member: their open work returns to the queue, their finished work stays."""
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
    engine: Engine,
    workspace: WorkspaceRef,
    template: Template,
    *,
    name: str,
    by: MemberRef,
    exist_ok: bool = False,
) -> Template:
    """Store a template under a name, or return the one that exists already."""
    if exist_ok:
        return find_or_create(
            lambda: _add_template(engine, workspace, template, name, by, exist_ok=True)
        )
    return _add_template(engine, workspace, template, name, by, exist_ok=False)


def _add_template(
    engine: Engine,
    workspace: WorkspaceRef,
    template: Template,
    name: str,
    by: MemberRef,
    *,
    exist_ok: bool,
) -> Template:
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
        query = Query(Template, {"workspace": home.id, "name": new.name}, limit=1)
        known = first_called(transaction.store, query) if exist_ok else None
        if known is not None:
            alike = attrs.evolve(known, id=new.id, name=new.name, version=new.version)
            if alike != new:
                raise AlreadyExists("Template", name, ("template",))
            return known
        transaction.do(record(act, "add_template", add=(new,), data={"name": name}))
        return new


def get_workspace(
    engine: Engine, workspace: WorkspaceRef, *, by: MemberRef | None = None
) -> Workspace:
    """Return a workspace as it is now."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace)
        access_of(reader, engine.policy, home.id, by).must("workspaces.get", None, own=True)
        return home


def list_workspaces(engine: Engine, *, by: MemberRef | None = None) -> Iterator[Workspace]:
    """Yield the workspaces, oldest first; with *by* those to which they belong."""
    everything = Query(Workspace, order=("id",))
    if by is None:
        return listed(engine.store, everything, lambda _, found: found)
    with engine.store.read() as reader:
        homes = _homes(engine, reader, by)

    def visible(reader: Reader, found: list[Workspace]) -> list[Workspace]:
        now = _homes(engine, reader, by)
        return [home for home in found if home.id in now]

    return listed(engine.store, attrs.evolve(everything, where={"id": tuple(homes)}), visible)


def _homes(engine: Engine, reader: Reader, by: MemberRef) -> set[int]:
    """Return the workspaces to which *by* belongs.

    Raises:
        NotFound: when there is no such member.
        NotAllowed: when the member was removed from all of them.
    """
    people = lookup.find_in_all_workspaces(reader, by)
    active = [who for who in people if who.active]
    for who in active or people:
        access_of(reader, engine.policy, who.workspace, who.id).must(
            "workspaces.list", None, own=True
        )
    return {who.workspace for who in active}


def get_member(
    engine: Engine, workspace: WorkspaceRef, member: MemberRef, *, by: MemberRef | None = None
) -> Member:
    """Return a member as they are now, also one who was removed."""
    with engine.store.read() as reader:
        home = lookup.workspace(reader, workspace)
        seeing = access_of(reader, engine.policy, home.id, by)
        who = lookup.member(reader, home.id, member)
        seeing.must("members.get", None, own=seeing.is_own(who.id))
        return who


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


def first_called(reader: Reader, query: Query[E]) -> E | None:
    """Return what has this name, however it was typed, or None."""
    return next(iter(lookup.find_by_name(reader, query)), None)


def _founder(reader: Reader, workspace: Workspace) -> Member | None:
    """Return the member with whom *workspace* was created, as the event of that says."""
    created: dict[str, Scalar] = {"job": 0, "workspace": workspace.id, "type": "create_workspace"}
    event = lookup.first(reader, Query(Event, created, order=("position",), limit=1))
    return None if event is None else lookup.get_or_none(reader, Member, (event.member,))


def _held(transaction: Transaction, ref: WorkspaceRef) -> Workspace:
    """Return the workspace, held: who changes its members sees all of them as they are."""
    return transaction.lock(Workspace, lookup.workspace(transaction.store, ref).key)


def _others(transaction: Transaction, member: Member) -> list[Member]:
    active = transaction.store.find(Query(Member, {"workspace": member.workspace, "active": True}))
    return [other for other in active if other.id != member.id]
