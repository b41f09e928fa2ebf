"""Who may do what: a table of roles and actions, and the policies made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, NotAllowed, Problem
from itagflow.model.arguments import call, require_kind, require_mapping, validate_flag
from itagflow.model.enums import IdentityHash, parse_enum, parse_enum_keys
from itagflow.model.job import CrewKey, Job, Stage, StageWorkers, parse_crew_key
from itagflow.model.package import Assignment
from itagflow.model.text import find_name_error, normalize_name, to_text
from itagflow.model.workspace import Member, Role, to_role
from itagflow.printing import format_repr
from itagflow.reprs import show_line

__all__ = [
    "READERS",
    "STRICT_TABLE",
    "TABLE",
    "Action",
    "Grant",
    "Permission",
    "Policy",
    "Reading",
    "RolePolicy",
    "Table",
    "default_policy",
    "strict_policy",
]


class Action(IdentityHash, Enum):
    """What a policy is asked about."""

    READ_JOB = "read_job"
    """See a job, its template and progress; one's own assignments, tasks, packages and events."""
    READ_RESULTS = "read_results"
    """See results, and the assignments, packages and events of others."""
    READ_QUALITY = "read_quality"
    """See what tells how good the work is, and whether the store is sound."""
    LABEL = "label"
    """Claim and label packages."""
    INSPECT = "inspect"
    """Claim and inspect packages."""
    ACCEPT = "accept"
    """Claim and accept packages."""
    ASSIGN = "assign"
    """Assign, reassign, release and expire assignments of others, and set priorities."""
    MANAGE_JOB = "manage_job"
    """Create, publish, pause, finish, archive and delete jobs; discard packages, reopen work."""
    EXPORT = "export"
    """Export results and copy the workspace."""
    MANAGE_MEMBERS = "manage_members"
    """Add and remove members and change their roles."""
    ERASE = "erase"
    """Erase the name of a member who was removed, and the data of tasks."""

    @staticmethod
    def at(stage: Stage) -> Action:
        """Return the action of working at *stage*."""
        return _AT[stage]


_AT = {stage: Action(stage.value) for stage in Stage}


class Grant(Enum):
    """What a role may do of an action."""

    YES = "yes"
    """Always."""
    NAMED = "where named"
    """Where the job's workforce names the member or a group of the member."""
    NO = "no"
    """Never."""


Table = Mapping[Action, Mapping[str, Grant]]
"""What each role may do of each action: each `Role`, and the application's own by name."""

Policy = Callable[[Member, Action, Job | None, CrewKey | None], str | None]
"""Answers whether a member may do an action here: None when allowed, else the reason why not.

The last argument is the stage, or the crew whose work it is: an adjudicator or an expert labels.

It is asked inside the transaction that acts, so it must answer from what it is given and not call
the Flow.
"""

REMOVED = "this member was removed from the workspace"
"""Why who was removed may do and read nothing."""

_YES, _NAMED, _NO = Grant.YES, Grant.NAMED, Grant.NO


def _make_row(
    admin: Grant, annotation_admin: Grant, leader: Grant, operator: Grant, viewer: Grant
) -> Mapping[str, Grant]:
    return dict(zip(Role, (admin, annotation_admin, leader, operator, viewer), strict=True))


TABLE: Table = {
    Action.READ_JOB: _make_row(_YES, _YES, _NAMED, _NAMED, _YES),
    Action.READ_RESULTS: _make_row(_YES, _YES, _NAMED, _NO, _YES),
    Action.READ_QUALITY: _make_row(_YES, _YES, _NO, _NO, _NO),
    Action.LABEL: _make_row(_YES, _YES, _NAMED, _NAMED, _NO),
    Action.INSPECT: _make_row(_YES, _YES, _NAMED, _NAMED, _NO),
    Action.ACCEPT: _make_row(_YES, _YES, _NAMED, _NAMED, _NO),
    Action.ASSIGN: _make_row(_YES, _YES, _NAMED, _NO, _NO),
    Action.MANAGE_JOB: _make_row(_YES, _YES, _NO, _NO, _NO),
    Action.EXPORT: _make_row(_YES, _YES, _NO, _NO, _NO),
    Action.MANAGE_MEMBERS: _make_row(_YES, _NO, _NO, _NO, _NO),
    Action.ERASE: _make_row(_YES, _NO, _NO, _NO, _NO),
}
"""The default.  Source: iTAG's role page, where only administrators *process labeling jobs*."""

_WORK = _make_row(_YES, _YES, _NO, _NO, _NO)
STRICT_TABLE: Table = {**TABLE, Action.LABEL: _WORK, Action.INSPECT: _WORK, Action.ACCEPT: _WORK}
"""Labeling for the two administrator roles only, as *Process labeling jobs* says literally."""


def _convert_table(table: Table) -> Table:
    """Return a table by actions as enums and roles as texts; each may be given by its value.

    Raises:
        InvalidData: when an action or a built-in role is missing, a role of the application is
            missing for some action, or what is granted is no `Grant`.  With a gap, whoever asks
            about it would get an error and no answer.
    """
    by_action = parse_enum_keys(
        Action, "the table", require_mapping("the table", "", table, "by Action")
    )
    rows = {
        action: _convert_row(f"the table, {action.value}", row) for action, row in by_action.items()
    }
    _require_all("Action", "the table", [action.value for action in Action], by_action)
    names = [role.value for role in Role]
    names += [role for row in rows.values() for role in row if role not in names]
    for action, row in rows.items():
        _require_all("role", f"the table, {action.value}", dict.fromkeys(names), row)
    return rows


def _convert_row(what: str, row: Mapping[str, Grant]) -> Mapping[str, Grant]:
    grants = dict[str, Grant]()
    for role, grant in require_mapping(what, "", row, "by Role").items():
        name = require_role(what, role)
        if name in grants:
            raise InvalidData(what, [Problem(name, "is given twice")])
        grants[name] = parse_enum(Grant, grant)
    return grants


def require_role(what: str, role: object) -> str:
    """Return a role as members have it: a `Role`, or the name of one of the application's own.

    Raises:
        InvalidData: when it cannot be the name of one.
    """
    if isinstance(role, Role):
        return role
    # no member of another enum: that it spells a value alike is chance
    if not isinstance(role, str) or isinstance(role, Enum):
        wanted = "must be a Role or a name"
        raise InvalidData(what, [Problem("role", f"{wanted}, not {format_repr(role)}")])
    if error := find_name_error(role):
        raise InvalidData(what, [Problem("role", f"{format_repr(role)} {error}")])
    return to_role(to_text(role))


def _require_all(kind: str, what: str, wanted: Iterable[str], given: Mapping[Any, object]) -> None:
    values = {key.value if isinstance(key, Enum) else key for key in given}
    missing = [name for name in wanted if name not in values]
    if missing:
        reason = f"must have every {kind}; missing are {', '.join(missing)}"
        raise InvalidData(what, [Problem("", reason)])


@attrs.frozen
class RolePolicy:
    """A policy that looks the answer up in a table of roles.

    Whoever may read results may also export:

    >>> policy = RolePolicy({**TABLE, Action.EXPORT: TABLE[Action.READ_RESULTS]})
    >>> policy.table[Action.EXPORT][Role.VIEWER].value
    'yes'

    An application adds roles of its own to every row:

    >>> rows = {action: {**row, "auditor": row[Role.VIEWER]} for action, row in TABLE.items()}
    >>> "auditor" in RolePolicy(rows).roles
    True
    """

    table: Table = attrs.field(repr=False, hash=False, converter=_convert_table)
    """What each role may do of each action."""
    leaders_within_groups: bool = attrs.field(default=False, kw_only=True, validator=validate_flag)
    """Whether a leader only assigns to, and reads the work of, members of their own groups."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles that it knows."""
        return frozenset(self.table[Action.READ_JOB])

    def __call__(
        self, member: Member, action: Action, job: Job | None, stage: CrewKey | None
    ) -> str | None:
        """Return None when *member* may do *action* here, else the reason why not.

        Raises:
            InvalidData: when *member*, *job* or *stage* is something else: applications ask too.
        """
        _require_question(member, job)
        action = parse_enum(Action, action)
        stage = None if stage is None else parse_crew_key(stage)
        grant = self.table[action].get(member.role)
        if grant is None:
            return f"the policy does not know the role {member.role}"
        if grant is _YES:
            return None
        if grant is _NAMED:
            return _explain_unnamed(job, member, stage)
        return f"the role {member.role} does not include it"

    def refuses_about(self, member: Member, action: Action, other: Member) -> str | None:
        """Return why *member* may not do *action* with the work of *other*, or None.

        It is asked beside the policy itself, where an action is about the work of somebody else.
        """
        for person in (member, other):
            _require_question(person, None)
        parse_enum(Action, action)  # whatever it is: a leader reads and assigns within their groups
        if not self.leaders_within_groups or member.role != Role.LEADER or member.id == other.id:
            return None
        if share_group(member, other):
            return None
        return f"they share no group with {other.account}"


def share_group(member: Member, other: Member) -> bool:
    """Return whether two members have a group in common."""
    own = set(map(normalize_name, member.groups))
    return not own.isdisjoint(map(normalize_name, other.groups))


def require_known_role(policy: Policy, role: object) -> str:
    """Return *role* as members have it, if *policy* knows it.

    A policy without `roles`, such as a function, knows the built-in ones.

    Raises:
        InvalidData: when it does not: with a misspelled role a member could do nothing.
    """
    known: frozenset[str] = getattr(policy, "roles", _BUILT_IN_ROLES)
    # no member of another enum: that it spells a value alike is chance
    is_text = isinstance(role, Role) or (isinstance(role, str) and not isinstance(role, Enum))
    if is_text and role in known:
        return to_role(to_text(str(role)))
    there = ", ".join(format_repr(str(each)) for each in sorted(known))
    reason = f"there is no Role {format_repr(role)}; there are {there}"
    raise InvalidData("Role", [Problem("", reason)])


_BUILT_IN_ROLES = frozenset(role.value for role in Role)


def _require_question(member: Member, job: Job | None) -> None:
    require_kind("the policy", "member", member, Member, "a Member")
    if job is not None:
        require_kind("the policy", "job", job, Job, "a Job or None")


default_policy = RolePolicy(TABLE)
"""Follows iTAG: administrators may do everything, others work where a job names them."""

strict_policy = RolePolicy(STRICT_TABLE)
"""Like the default, but keeps labeling, inspecting and accepting to the two administrator roles."""


@attrs.frozen
class Permission:
    """Whether a member may do something: true or false in a condition, with the reason why not."""

    reason: str | None = None
    """Why not; None when it is allowed."""

    def __bool__(self) -> bool:
        return self.reason is None

    def __repr__(self) -> str:
        return show_line(self, "yes" if self.reason is None else f"no: {self.reason}")


@attrs.frozen
class Reading:
    """What a reader asks the policy when a member reads."""

    own: Action | None
    """The action for the member's own; None: everybody in the workspace may see it."""
    others: Action | None
    """The action for what is of others, or of all; None: nobody may see it."""


_ALL_OF_A_JOB = Reading(Action.READ_JOB, Action.READ_JOB)
_OWN_OR_OTHERS = Reading(Action.READ_JOB, Action.READ_RESULTS)
_RESULTS = Reading(Action.READ_RESULTS, Action.READ_RESULTS)
_EXPORT = Reading(Action.EXPORT, Action.EXPORT)

READERS: Mapping[str, Reading] = {
    "workspaces.get": Reading(None, None),
    "workspaces.list": Reading(None, None),
    "jobs.get": _ALL_OF_A_JOB,
    "jobs.list": _ALL_OF_A_JOB,
    "templates.get": _ALL_OF_A_JOB,
    "templates.list": _ALL_OF_A_JOB,
    "jobs.progress": _ALL_OF_A_JOB,
    "jobs.load_report": _ALL_OF_A_JOB,
    "jobs.blocked": _RESULTS,
    "jobs.queue": _RESULTS,
    "lots.list": _RESULTS,
    "lots.get": _RESULTS,
    "jobs.guidelines": _ALL_OF_A_JOB,
    "results.partition": _ALL_OF_A_JOB,
    "tasks": Reading(Action.READ_JOB, None),
    "packages.get": _OWN_OR_OTHERS,
    "packages.list": _OWN_OR_OTHERS,
    "assignments.get": _OWN_OR_OTHERS,
    "assignments.list": _OWN_OR_OTHERS,
    "available": _OWN_OR_OTHERS,
    "explain": _OWN_OR_OTHERS,
    "events.list": _OWN_OR_OTHERS,
    "events.since": _OWN_OR_OTHERS,
    "events.follow": _OWN_OR_OTHERS,
    "members.get": Reading(None, Action.READ_RESULTS),
    "members.list": Reading(None, Action.READ_RESULTS),
    "can": Reading(None, Action.READ_RESULTS),
    "comments.list": _OWN_OR_OTHERS,
    "results.get": _RESULTS,
    "results.list": _RESULTS,
    "results.rows": _RESULTS,
    "results.to_arrow": _RESULTS,
    "results.votes": _RESULTS,
    "results.follow": _RESULTS,
    "results.wait": _RESULTS,
    "results.find": _RESULTS,
    "results.versions": _OWN_OR_OTHERS,
    "quality.labels": _RESULTS,
    "quality.agreement": _RESULTS,
    "quality.truth": _RESULTS,
    "quality.position_bias": _RESULTS,
    "quality.error_left": _RESULTS,
    "quality.statistics": _RESULTS,
    "quality.work": _RESULTS,
    "quality.statement": _RESULTS,
    "quality.forecast": _RESULTS,
    "maintenance.verify": Reading(Action.READ_QUALITY, Action.READ_QUALITY),
    "results.export": _EXPORT,
    "results.exports": _EXPORT,
    "maintenance.copy": _EXPORT,
}
"""What each reader asks, by its name in the API: the one place that says so."""

NEVER_EXTERNAL = frozenset({Action.MANAGE_JOB, Action.EXPORT, Action.MANAGE_MEMBERS, Action.ERASE})
"""What no external member may do, whatever the policy says."""


def check(
    policy: Policy, member: Member, action: Action, job: Job | None, stage: CrewKey | None
) -> None:
    """Check that *policy* lets *member* do *action* here.

    Raises:
        NotAllowed: when it does not, or the member was removed.
    """
    reason = refusal(policy, member, action, job, stage)
    if reason:
        raise not_allowed(member, action, reason)


def check_worker(policy: Policy, member: Member, job: Job, assignment: Assignment) -> None:
    """Check that *policy* lets *member* do the work of *assignment*, at its stage or in its crew.

    Raises:
        NotAllowed: when it does not, or the member was removed.
    """
    reason = working_refusal(policy, member, job, assignment.workers)
    if reason:
        raise not_allowed(member, Action.at(assignment.stage), reason)


def working_refusal(policy: Policy, member: Member, job: Job, workers: CrewKey) -> str | None:
    """Return why *member* may not do the work of a stage or of a crew of *job*, or None.

    Who may label everywhere is for that no adjudicator or expert: a crew is whom the job names.
    """
    if isinstance(workers, Stage):
        return refusal(policy, member, _AT[workers], job, workers)
    reason = refusal(policy, member, Action.LABEL, job, workers)
    if reason is None and not is_in_crew(job.crew(workers), member):
        return f"they are not among the {workers.value} of this job"
    return reason


def refusal(
    policy: Policy, member: Member, action: Action, job: Job | None, stage: CrewKey | None
) -> str | None:
    """Return why *member* may not do *action* here, or None.

    Under any policy, who was removed may do nothing, and an external member may manage nothing and
    work and read only where the workforce of a job names them.
    """
    # both come before the policy: an application that writes its own cannot forget them
    if not member.active:
        return REMOVED
    if member.external and action in NEVER_EXTERNAL:
        return "an external member may not"
    reason = _ask(policy, member, action, job, stage)
    if reason is None and member.external:
        # each YES counts as "where named" for somebody from outside, whatever policy said it
        return _explain_unnamed(job, member, stage)
    return reason


def _ask(
    policy: Policy, member: Member, action: Action, job: Job | None, stage: CrewKey | None
) -> str | None:
    """Return what *policy* answers.

    Raises:
        InvalidData: when that is neither a reason nor None: true or false can be meant either way,
            and one of the two would let everybody do everything.
    """
    # its type does not bind what a function of the application returns
    answer = cast(object, call("the policy", "", policy, member, action, job, stage))
    if answer is None:
        return None
    if isinstance(answer, str):
        return answer or "the policy does not allow it"
    reason = f"must answer None, or a text that says why not, not {format_repr(answer)}"
    raise InvalidData("the policy", [Problem("", reason)])


def reading_refusal(
    policy: Policy, member: Member, reader: str, job: Job | None, *, own: bool
) -> str | None:
    """Return why *member* may not use *reader* on their own or others' work at *job*; or None.

    Without a job it is what belongs to the workspace.
    """
    action = _reading_action(reader, own=own)
    if action is not None:
        return refusal(policy, member, action, job, None)
    # no policy can open or close this: everybody sees their own, nobody that of others
    if not member.active:
        return REMOVED
    return None if own else "it is another member's"


def check_reading(
    policy: Policy, member: Member, reader: str, job: Job | None, *, own: bool
) -> None:
    """Check that *policy* lets *member* see, by *reader*, what is their own or of others at *job*.

    Raises:
        NotAllowed: when it does not, or the member was removed.
    """
    reason = reading_refusal(policy, member, reader, job, own=own)
    if reason:
        # where no action is asked the message still has to name one: reading is what was refused
        action = _reading_action(reader, own=own) or Action.READ_JOB
        raise not_allowed(member, action, reason)


def _reading_action(reader: str, *, own: bool) -> Action | None:
    """Return the action that the policy is asked about, or None when it is not asked."""
    reading = READERS[reader]
    return reading.own if own else reading.others


def check_about(policy: Policy, member: Member, action: Action, other: Member) -> None:
    """Check that *policy* lets *member* do *action*, which they may do here, with work of *other*.

    Raises:
        NotAllowed: when it does not.
    """
    reason = refusal_about(policy, member, action, other)
    if reason:
        raise not_allowed(member, action, reason)


def refusal_about(policy: Policy, member: Member, action: Action, other: Member) -> str | None:
    """Return why *member* may not do *action* with the work of *other*, or None.

    A policy says so by a method `refuses_about`; one without it makes no difference between people.
    """
    ask = getattr(policy, "refuses_about", None)
    if ask is None:
        return None
    answer = cast(object, call("the policy", "refuses_about", ask, member, action, other))
    if answer is None or isinstance(answer, str):
        return answer
    reason = f"must answer None, or a text that says why not, not {format_repr(answer)}"
    raise InvalidData("the policy", [Problem("refuses_about", reason)])


def not_allowed(member: Member, action: Action, reason: str) -> NotAllowed:
    """Return the error that tells *member* why they may not do *action*."""
    return NotAllowed(member.account, action.value.replace("_", " "), reason)


def _explain_unnamed(job: Job | None, member: Member, stage: CrewKey | None) -> str | None:
    """Return what to tell *member* where no workforce names them, or None where one does."""
    if job is None:
        return "they may do so only at the jobs that name them"
    if is_named(job, member, stage):
        return None
    at_stage = f" for {stage.value}" if stage else ""
    return f"the workforce of this job does not name them{at_stage}"


def is_named(job: Job, member: Member, stage: CrewKey | None) -> bool:
    """Return whether the workforce of *job* names *member* for *stage* or a crew (None: any)."""
    crews = job.workforce.values() if stage is None else (job.crew(stage),)
    return any(is_in_crew(crew, member) for crew in crews)


def is_in_crew(crew: StageWorkers, member: Member) -> bool:
    """Return whether *crew* names *member* or one of the member's groups."""
    if member.id in crew.members:
        return True
    # in one Unicode form: the same group may have been typed in another way for each
    named = set(map(normalize_name, crew.groups))
    return not named.isdisjoint(map(normalize_name, member.groups))
