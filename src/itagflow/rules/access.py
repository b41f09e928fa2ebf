"""Who may do what: a table of roles and actions, and the policies made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

import attrs

from itagflow.errors import NotAllowed
from itagflow.model.job import Crew, Job, Stage
from itagflow.model.text import nfc
from itagflow.model.workspace import Member, Role


class Action(Enum):
    """What a policy is asked about."""

    READ = "read"
    """See jobs, progress, results and history."""
    LABEL = "label"
    """Claim and label packages."""
    INSPECT = "inspect"
    """Claim and inspect packages."""
    ACCEPT = "accept"
    """Claim and accept packages."""
    ASSIGN = "assign"
    """Assign, reassign, release and expire turns of others, and set priorities."""
    MANAGE_JOB = "manage_job"
    """Create, publish, pause, finish, archive and delete jobs; discard and reopen packages."""
    EXPORT = "export"
    """Export results and copy the workspace."""
    MANAGE_MEMBERS = "manage_members"
    """Add and remove members and change their roles."""
    ERASE = "erase"
    """Erase the name of a member who was removed, and the data of tasks."""

    @staticmethod
    def at(stage: Stage) -> Action:
        """Return the action of working at *stage*."""
        return Action(stage.value)


class Grant(Enum):
    """What a role may do of an action."""

    YES = "yes"
    """Always."""
    NAMED = "where named"
    """Where the job's workforce names the member or a group of the member."""
    NO = "no"
    """Never."""


Table = Mapping[Action, Mapping[Role, Grant]]
"""What each role may do of each action."""

Policy = Callable[[Member, Action, Job | None, Stage | None], str | None]
"""Answers whether a member may do an action here: None when allowed, else the reason why not.

It is asked inside the block that acts, so it must answer from what it is given and not call the Flow.
"""

_YES, _NAMED, _NO = Grant.YES, Grant.NAMED, Grant.NO


def _row(admin: Grant, annotation_admin: Grant, leader: Grant, operator: Grant, viewer: Grant) -> Mapping[Role, Grant]:
    return dict(zip(Role, (admin, annotation_admin, leader, operator, viewer), strict=True))


TABLE: Table = {
    Action.READ: _row(_YES, _YES, _YES, _YES, _YES),
    Action.LABEL: _row(_YES, _YES, _NAMED, _NAMED, _NO),
    Action.INSPECT: _row(_YES, _YES, _NAMED, _NAMED, _NO),
    Action.ACCEPT: _row(_YES, _YES, _NAMED, _NAMED, _NO),
    Action.ASSIGN: _row(_YES, _YES, _NAMED, _NO, _NO),
    Action.MANAGE_JOB: _row(_YES, _YES, _NO, _NO, _NO),
    Action.EXPORT: _row(_YES, _YES, _NO, _NO, _NO),
    Action.MANAGE_MEMBERS: _row(_YES, _NO, _NO, _NO, _NO),
    Action.ERASE: _row(_YES, _NO, _NO, _NO, _NO),
}
"""The default.  Source: iTAG's role page; *Process labeling jobs* read as "only administrators manage jobs"."""

_WORK = _row(_YES, _YES, _NO, _NO, _NO)
STRICT_TABLE: Table = {**TABLE, Action.LABEL: _WORK, Action.INSPECT: _WORK, Action.ACCEPT: _WORK}
"""Labeling for the two administrator roles only.  Source: *Process labeling jobs* taken by the letter."""


@attrs.frozen
class TablePolicy:
    """A policy that looks the answer up in a table.

    >>> policy = TablePolicy({**TABLE, Action.EXPORT: TABLE[Action.READ]})   # everybody may export
    >>> policy.table[Action.EXPORT][Role.VIEWER].value
    'yes'
    """

    table: Table = attrs.field(repr=False)
    """What each role may do of each action."""

    def __call__(self, member: Member, action: Action, job: Job | None, stage: Stage | None) -> str | None:
        """Return None when *member* may do *action* here, else the reason why not."""
        grant = self.table[action][member.role]
        if grant is Grant.YES or (grant is Grant.NAMED and job is not None and names(job, member, stage)):
            return None
        if grant is Grant.NAMED:
            return f"the workforce of this job does not name them{f' for {stage.value}' if stage else ''}"
        return f"the role {member.role.value} does not include it"


default_policy = TablePolicy(TABLE)
"""Follows iTAG: administrators may do everything, others work where a job names them."""

strict_policy = TablePolicy(STRICT_TABLE)
"""Like the default, but keeps labeling, inspecting and accepting to the two administrator roles."""


def check(policy: Policy, member: Member, action: Action, job: Job | None, stage: Stage | None) -> None:
    """Check that *policy* lets *member* do *action* here.

    Raises:
        NotAllowed: when it does not, or the member was removed.
    """
    if reason := refusal(policy, member, action, job, stage):
        raise NotAllowed(member.account, action.value.replace("_", " "), reason)


def refusal(policy: Policy, member: Member, action: Action, job: Job | None, stage: Stage | None) -> str | None:
    """Return why *member* may not do *action* here, or None; who was removed may do nothing under any policy."""
    return policy(member, action, job, stage) if member.active else "this member was removed from the workspace"


def names(job: Job, member: Member, stage: Stage | None) -> bool:
    """Return whether the workforce of *job* names *member* for *stage*, or for any stage when None."""
    crews = job.workforce.values() if stage is None else (job.crew(stage),)
    return any(belongs(crew, member) for crew in crews)


def belongs(crew: Crew, member: Member) -> bool:
    """Return whether *crew* names *member* or one of the member's groups."""
    return member.id in crew.members or not set(map(nfc, crew.groups)).isdisjoint(map(nfc, member.groups))
