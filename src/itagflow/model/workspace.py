"""Who is there: workspaces, their members and what these are in them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from itagflow.model.arguments import make_error, require_kind, validate_flag
from itagflow.model.copying import ReadOnlyDict
from itagflow.model.skills import to_skills
from itagflow.model.text import to_text, to_texts, validate_name, validate_texts
from itagflow.reprs import show, show_fields, show_line


class Role(StrEnum):
    """What a member is in a workspace; the policy says what each may do.

    These are the built-in ones.  A policy of the application may know more, which are texts: see
    `itagflow.access.RolePolicy`.  Source: iTAG's personnel roles (administrator, team leader,
    worker) and PAI's workspace roles.
    """

    ADMIN = "admin"
    """Orders the work, manages the workspace and its members, may work at every stage."""
    ANNOTATION_ADMIN = "annotation_admin"
    """Manages jobs and may work at every stage, but does not manage members."""
    LEADER = "leader"
    """Leads workers: works where a job names them, and assigns work to others there."""
    OPERATOR = "operator"
    """Works on the stages of the jobs that name them."""
    VIEWER = "viewer"
    """Reads, and nothing else."""


NOT_EXTERNAL_ROLES = frozenset({Role.ADMIN, Role.ANNOTATION_ADMIN, Role.VIEWER})
"""The built-in roles that no external (contractor) member can have.

Source: iTAG, roles and permissions: they are leaders or operators.
"""


def to_role(value: str) -> str:
    """Return a role that is given by its text; a built-in one as a `Role`."""
    # by its exact type: a member of an enum of another program may spell a value alike by chance
    if type(value) is str and value in _BUILT_IN:
        return Role(value)
    return value


_BUILT_IN = frozenset(role.value for role in Role)


@attrs.frozen
class Group:
    """A named group of members, to be put on a stage as one.

    >>> Group("night shift").name
    'night shift'
    """

    name: str = attrs.field(converter=to_text, validator=validate_name)
    """The name that members carry in `Member.groups`."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class Workspace:
    """Owns members, templates and jobs; nothing crosses its border."""

    id: int
    """Its key: a time-ordered integer of at most 63 bits."""
    name: str
    """Its name, unique in the store."""
    created_at: datetime
    """When it was created."""
    pseudonym_key: str = ""
    """What the pseudonyms of its members in files are made with, in hexadecimal digits: whoever
    has it can tell who is who."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.id,)

    def __repr__(self) -> str:
        return show_line(self, show(self.name), f"id={self.id}")


def _check_role(member: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if type(value) is Role:
        return
    wanted = f"a Role, such as Role.{Role.OPERATOR.name}, or the name of one of your own"
    require_kind("Member", "role", value, str, wanted)
    if type(value) is not str:  # a member of another enum, or of a library's own kind of text
        raise make_error("Member", "role", f"must be {wanted}", value)
    validate_name(member, attribute, value)


@attrs.frozen(kw_only=True)
class Member:
    """A person in one workspace, known by the account string of the application."""

    id: int
    """Its key: a time-ordered integer of at most 63 bits."""
    workspace: int
    """The workspace the member belongs to."""
    account: str
    """The application's own name for the person, unique in the workspace."""
    role: str = attrs.field(converter=to_role, validator=_check_role)
    """What the member is in the workspace: a `Role`, or the name of a role of the application."""
    groups: tuple[str, ...] = attrs.field(default=(), converter=to_texts, validator=validate_texts)
    """The groups that the member belongs to."""
    external: bool = attrs.field(default=False, validator=validate_flag)
    """Whether the person comes from outside: then no administrator and no viewer."""
    skills: Mapping[str, float] = attrs.field(
        factory=ReadOnlyDict[str, float], converter=to_skills, hash=False
    )
    """What the member can do, by name, and how well: see `Field`."""
    active: bool = True
    """False once removed; history keeps pointing here."""
    paused: bool = False
    """Whether the member is given no new work for now, or until `paused_until`."""
    paused_until: datetime | None = None
    """When the pause ends by itself; None: when somebody ends it."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.id,)

    @property
    def mark(self) -> str:
        """What the account becomes when the name is erased.

        Followed by a number where a member had this account before such accounts were refused.
        """
        return f"erased-{self.id}"

    @property
    def erased(self) -> bool:
        """Whether the name was erased."""
        # also with a number behind: see `mark`
        mark, _, number = self.account.partition(f"{self.mark}-")
        return not self.active and (
            self.account == self.mark or (not mark and number.isascii() and number.isdecimal())
        )

    def __repr__(self) -> str:
        kind = "external" if self.external else ""
        gone = "" if self.active else "removed"
        role = self.role.name if isinstance(self.role, Role) else show(self.role)
        return show_line(self, show(self.account), role, kind, gone, f"id={self.id}")


def is_paused(member: Member, at: datetime) -> bool:
    """Return whether *member* is given no new work at this time."""
    return member.paused and (member.paused_until is None or at < member.paused_until)
