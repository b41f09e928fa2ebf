"""Who belongs to a workspace: joining, roles, leaving."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

import attrs

from itagflow.errors import (
    AlreadyExists,
    InvalidData,
    NotAllowed,
    Problem,
)
from itagflow.model.text import find_name_error, find_text_error, normalize_name, parse_texts
from itagflow.model.workspace import (
    EXTERNAL_ROLES,
    Group,
    Member,
    Role,
)
from itagflow.printing import format_repr

NAME_LENGTH = 200
"""How many characters a workspace's name, an account or a template's name may have."""


MARK = re.compile(r"erased-[0-9]+(-[0-9]+)?")
"""What an account becomes when its name is erased: nobody else can be called so."""


def named(what: str, name: str) -> str:
    """Return *name* if a workspace, member or template can be called so.

    Raises:
        InvalidData: when it is empty, too long, cannot be stored, or cannot be read as it is
            written.
    """
    if (
        not isinstance(cast(object, name), str)
        or not name.strip()
        or len(name) > NAME_LENGTH
        or find_text_error(name)
    ):
        reason = (
            f"must have 1 to {NAME_LENGTH} characters that can be stored, not {format_repr(name)}"
        )
        raise InvalidData(what, [Problem("name", reason)])
    if wrong := find_name_error(name):
        raise InvalidData(what, [Problem("name", f"{format_repr(name)} {wrong}")])
    return name


def grouped(groups: Sequence[str]) -> tuple[str, ...]:
    """Return the names of groups if groups can be called so.

    Raises:
        InvalidData: when one is no name, or a single text is given for several.
    """
    return tuple(Group(name).name for name in parse_texts("the member", "groups", groups))


def joined(known: Member | None, member: Member) -> Member:
    """Return *member* as it joins; who left before comes back under the same key.

    Raises:
        AlreadyExists: when the account belongs to an active member, or is what remains of an erased
            one.
        InvalidData: when an external member is to be more than leader or operator.
    """
    if known is None:
        _must_be_no_mark(member.account)
        return _fit(member)
    if known.active or known.erased:
        raise AlreadyExists("Member", member.account)
    return _fit(attrs.evolve(member, id=known.id, account=known.account))


def differences(member: Member, wanted: Member, given: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the *given* arguments in which *member* differs from *wanted*."""

    def value(of: Member, name: str) -> object:
        # groups have no order
        return set(map(normalize_name, of.groups)) if name == "groups" else getattr(of, name)

    return tuple(name for name in given if value(member, name) != value(wanted, name))


def with_role(
    member: Member, role: Role, groups: Sequence[str], external: bool, others: Sequence[Member]
) -> Member:
    """Return *member* with another role; *others* are the remaining active members.

    Raises:
        InvalidData: when an external member is to be more than leader or operator.
        NotAllowed: when the workspace would have no administrator left.
    """
    if role is not Role.ADMIN:
        _must_leave_an_admin(member, others, "lose the role admin")
    return _fit(attrs.evolve(member, role=role, groups=tuple(groups), external=external))


def removed(member: Member, others: Sequence[Member]) -> Member:
    """Return *member* as it has left; *others* are the remaining active members.

    Raises:
        NotAllowed: when the workspace would have no administrator left.
    """
    _must_leave_an_admin(member, others, "be removed")
    return attrs.evolve(member, active=False)


def first_member(workspace: int, id: int, account: str) -> Member:
    """Return the administrator with whom a workspace begins.

    Raises:
        InvalidData: when nobody can be called so.
    """
    _must_be_no_mark(named("member", account))
    return Member(id=id, workspace=workspace, account=account, role=Role.ADMIN)


def erased(member: Member, mark: str) -> Member:
    """Return *member* without what tells who that was: the key stays, and with it who did what.

    Raises:
        NotAllowed: when the member was not removed.
    """
    if member.active:
        raise NotAllowed(
            member.account, "be erased", "they belong to the workspace: remove them first"
        )
    return attrs.evolve(member, account=mark, groups=())


def _must_be_no_mark(account: str) -> None:
    if MARK.fullmatch(account):
        reason = f"{account!r} is what is left of a name that was erased: choose another"
        raise InvalidData("member", [Problem("name", reason)])


def _must_leave_an_admin(member: Member, others: Sequence[Member], what: str) -> None:
    if member.role is Role.ADMIN and not any(other.role is Role.ADMIN for other in others):
        raise NotAllowed(
            member.account, what, "a workspace needs an administrator: make somebody else one first"
        )


def _fit(member: Member) -> Member:
    if member.external and member.role not in EXTERNAL_ROLES:
        reason = f"an external member can be leader or operator, not {member.role.value}"
        raise InvalidData(f"member {member.account!r}", [Problem("role", reason)])
    return member
