"""Who belongs to a workspace: joining, roles, leaving."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
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
    NOT_EXTERNAL_ROLES,
    Group,
    Member,
    Role,
)
from itagflow.printing import format_repr, format_time

MAX_NAME_LENGTH = 200
"""How many characters a workspace's name, an account or a template's name may have."""

ERASED_ACCOUNT = re.compile(r"erased-[0-9]+(-[0-9]+)?")
"""What an account becomes when its name is erased: nobody else can be called so."""


def require_name(what: str, name: str) -> str:
    """Return *name* if a workspace, member or template can be called so.

    Raises:
        InvalidData: when it is empty, too long, cannot be stored, or cannot be read as it is
            written.
    """
    if (
        not isinstance(cast(object, name), str)
        or not name.strip()
        or len(name) > MAX_NAME_LENGTH
        or find_text_error(name)
    ):
        wanted = f"1 to {MAX_NAME_LENGTH} characters that can be stored"
        reason = f"must have {wanted}, not {format_repr(name)}"
        raise InvalidData(what, [Problem("name", reason)])
    wrong = find_name_error(name)
    if wrong:
        raise InvalidData(what, [Problem("name", f"{format_repr(name)} {wrong}")])
    return name


def check_groups(groups: Sequence[str]) -> tuple[str, ...]:
    """Return the names of groups if groups can be called so.

    Raises:
        InvalidData: when one is no name, or a single text is given for several.
    """
    return tuple(Group(name).name for name in parse_texts("the member", "groups", groups))


def join_member(known: Member | None, member: Member) -> Member:
    """Return *member* as it joins; who left before comes back under the same key.

    Raises:
        AlreadyExists: when the account belongs to an active member, or is what remains of an erased
            one.
        InvalidData: when an external member is to be more than leader or operator.
    """
    if known is None:
        _must_not_look_erased(member.account)
        return _with_allowed_role(member)
    if known.active or known.erased:
        raise AlreadyExists("Member", member.account)
    # the same key: what they did before stays theirs
    return _with_allowed_role(attrs.evolve(member, id=known.id, account=known.account))


def find_differences(
    member: Member, requested: Member, arguments: Iterable[str]
) -> tuple[str, ...]:
    """Return the names of the *arguments* in which *member* differs from *requested*."""
    return tuple(
        name
        for name in arguments
        if _comparison_value(member, name) != _comparison_value(requested, name)
    )


def _comparison_value(member: Member, name: str) -> object:
    """Return what a field of *member* is compared by."""
    if name == "groups":
        return set(map(normalize_name, member.groups))  # they have no order
    return getattr(member, name)


def with_role(
    member: Member, role: str, groups: Sequence[str], external: bool, others: Sequence[Member]
) -> Member:
    """Return *member* with another role; *others* are the remaining active members.

    Raises:
        InvalidData: when an external member is to be more than leader or operator.
        NotAllowed: when the workspace would have no administrator left.
    """
    if role != Role.ADMIN:
        _must_leave_an_admin(member, others, "lose the role admin")
    changed = attrs.evolve(member, role=role, groups=tuple(groups), external=external)
    return _with_allowed_role(changed)


def with_skills(member: Member, skills: Mapping[str, float]) -> Member:
    """Return *member* with these skills, and no others.

    Raises:
        NotAllowed: when the member was removed.
    """
    if not member.active:
        reason = "they were removed from the workspace"
        raise NotAllowed(member.account, "be given skills", reason)
    return attrs.evolve(member, skills=skills)


def remove_member(member: Member, others: Sequence[Member]) -> Member:
    """Return *member* as it has left; *others* are the remaining active members.

    Raises:
        NotAllowed: when the workspace would have no administrator left.
    """
    _must_leave_an_admin(member, others, "be removed")
    return attrs.evolve(member, active=False)


def pause_member(member: Member, until: datetime | None, at: datetime) -> Member:
    """Return *member* as they are paused, *until* a time or until somebody ends it.

    Raises:
        NotAllowed: when the member was removed.
        InvalidData: when the pause would be over by now.
    """
    if not member.active:
        raise NotAllowed(member.account, "be paused", "they were removed from the workspace")
    if until is not None and until <= at:
        reason = f"must lie in the future, not at {format_time(until)}"
        raise InvalidData("members.pause", [Problem("until", reason)])
    return attrs.evolve(member, paused=True, paused_until=until)


def first_member(workspace: int, id: int, account: str) -> Member:
    """Return the administrator with whom a workspace begins.

    Raises:
        InvalidData: when nobody can be called so.
    """
    _must_not_look_erased(require_name("member", account))
    return Member(id=id, workspace=workspace, account=account, role=Role.ADMIN)


def erase_account(member: Member, mark: str) -> Member:
    """Return *member* without what tells who that was: the key stays, and with it who did what.

    Raises:
        NotAllowed: when the member was not removed.
    """
    if member.active:
        reason = "they belong to the workspace: remove them first"
        raise NotAllowed(member.account, "be erased", reason)
    return attrs.evolve(member, account=mark, groups=(), skills={})


def _must_not_look_erased(account: str) -> None:
    # nobody is to be taken for somebody who was erased, nor an erased name to be given out again
    if ERASED_ACCOUNT.fullmatch(account):
        reason = f"{account!r} is what is left of a name that was erased: choose another"
        raise InvalidData("member", [Problem("name", reason)])


def _must_leave_an_admin(member: Member, others: Sequence[Member], action: str) -> None:
    # without one nobody could ever manage members again
    if member.role == Role.ADMIN and not any(other.role == Role.ADMIN for other in others):
        reason = "a workspace needs an administrator: make somebody else one first"
        raise NotAllowed(member.account, action, reason)


def _with_allowed_role(member: Member) -> Member:
    """Return *member*, whose role is one that they can have.

    Raises:
        InvalidData: when an external member is to be more than leader or operator.
    """
    if member.external and member.role in NOT_EXTERNAL_ROLES:
        reason = f"an external member can be leader or operator, not {member.role}"
        raise InvalidData(f"member {member.account!r}", [Problem("role", reason)])
    return member
