"""The history: one event for each act."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import attrs

from itagflow.model.arguments import make_error, require_kind
from itagflow.model.became import is_became, parse_became
from itagflow.model.copying import copy_with
from itagflow.model.package import PackageState
from itagflow.printing import format_count, make_printable
from itagflow.reprs import show_fields, show_line


@attrs.frozen
class FieldChange:
    """One thing that an act moved: which field of which entity, from what, to what."""

    kind: str
    """The entity's kind: ``job``, ``package``, ``assignment`` or ``member``."""
    key: tuple[int | str, ...]
    """The entity's key."""
    field: str
    """The field, such as ``state``."""
    before: str | int | None
    """The value before; None when the entity is new."""
    after: str | int | None
    """The value after."""

    __repr__ = show_fields


_CHANGES = frozenset({FieldChange})


def _check_type(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    if type(value) is not str:  # first what it nearly always is: every operation makes events
        require_kind("Event", "type", value, str, "a text")


def _check_changes(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    if type(value) is tuple and _CHANGES.issuperset(map(type, cast("tuple[object, ...]", value))):
        return
    wanted = "a tuple of FieldChange"
    for change in require_kind("Event", "changes", cast(Any, value), tuple, wanted):
        require_kind("Event", "changes", change, FieldChange, wanted)


def _check_data(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    if type(value) is not dict:
        require_kind("Event", "data", value, Mapping, "a mapping by name")


def _check_became(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    if type(value) is not str:
        require_kind("Event", "became_text", value, str, "a text")
    if not is_became(cast(str, value)):
        reason = "must be words with numbers of tasks, such as 'final 1-6 abandoned 7'"
        raise make_error("Event", "became_text", reason, value)


ASKED_AGAIN = "asked_again"
"""Where the data of a ``submit`` names the tasks that get one more vote, and how theirs stand."""


# without slots, for `copy_with`
@attrs.frozen(kw_only=True, slots=False)
class Event:
    """One act in the history: who did what when, and what it moved.

    Replaying its `all_changes` in order of position gives the states, holders and rounds of jobs,
    packages and assignments.
    """

    position: int = 0
    """Its place in the history of the store, from 1; 0 until it is stored."""
    at: datetime
    """When, by the Flow's clock."""
    type: str = attrs.field(validator=_check_type)
    """The act, such as ``claim``."""
    workspace: int
    """The workspace it happened in."""
    member: int = 0
    """Who did it; 0 when the application did."""
    job: int = 0
    """The job it is about, or 0."""
    package: int = 0
    """The number of the package it is about, or 0."""
    assignment: int = 0
    """The id of the assignment it is about, or 0."""
    task: int = 0
    """The number of the task it is about, or 0."""
    changes: tuple[FieldChange, ...] = attrs.field(default=(), validator=_check_changes)
    """Everything it moved but the packages that loading has made: `data` names those as a range."""
    data: Mapping[str, Any] = attrs.field(factory=dict[str, Any], validator=_check_data, hash=False)
    """What else there is to know: a comment or reason, and what the act replaced."""
    became_text: str = attrs.field(default="", validator=_check_became)
    """How `became` and `tasks` are stored, such as ``final 1-6 abandoned 7``."""
    account: str = attrs.field(default="", eq=False)
    """The account of the one who did it, filled in when the history is read."""
    version: int = 0
    """Counts how often texts in `data` were erased: events never change otherwise."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.position,)

    @property
    def became(self) -> str:
        """What became of its `tasks`, as ``Became`` has it; empty where work on them goes on.

        Where some of a package became final and others were abandoned, it is ``final``, and
        `outcomes` has both.
        """
        return self.became_text.partition(" ")[0]

    @property
    def tasks(self) -> tuple[int, ...]:
        """The numbers of the tasks of which `became` is true, in order; empty where it is.

        >>> from itagflow.testing import make_event
        >>> event = make_event("submit", became_text="final 1-6 abandoned 7")
        >>> event.became, event.tasks
        ('final', (1, 2, 3, 4, 5, 6))
        """
        return self.outcomes.get(self.became, ())

    @property
    def outcomes(self) -> Mapping[str, tuple[int, ...]]:
        """The numbers of all tasks of which something became, by what it is.

        >>> from itagflow.testing import make_event
        >>> make_event("submit", became_text="final 1-2 abandoned 7").outcomes
        {'final': (1, 2), 'abandoned': (7,)}
        """
        return parse_became(self.became_text)

    def at_position(self, position: int) -> "Event":
        """Return it as it is stored at this position."""
        # every act does this once, with what was checked when the event was made
        return copy_with(self, position=position)

    def all_changes(self) -> Iterator[FieldChange]:
        """Yield everything it moved: `changes`, and how the packages that it loaded begin."""
        yield from self.changes
        if self.type in LOADING:
            first, last = self.data["packages"]
            # loading names its packages as a range: one change for each would make an event of
            # megabytes
            for number in range(first, last + 1):
                yield from build_first_changes((self.job, number))

    def __str__(self) -> str:
        """Return one line, whatever people wrote.

        For example ``14:02 di rejected package 1 (1 task): the sign is missing``.
        """
        actor = self.account or "the program"
        if self.member and not self.account:
            actor = f"member {self.member}"
        words = [f"{self.at:%H:%M}", actor, _PAST.get(self.type, self.type), self._object()]
        if tasks := self.data.get("tasks"):
            words.append(f"({format_count(len(tasks), 'task')})")
        explanation = self.data.get("comment") or self.data.get("reason")
        line = " ".join(word for word in words if word)
        if explanation:
            line += f": {explanation}"
        # a comment may hold line breaks, with which it could forge further lines of the history
        return make_printable(line)

    def _object(self) -> str:
        """Return what it was done to, as the end of a sentence."""
        if self.task:
            return f"task {self.task}"
        if self.package:
            return f"package {self.package}"
        if self.type == "add" and "rows" in self.data:
            return f"task {self.data['rows'][0]}"
        if self.type in ("prioritize", "set_due"):
            return format_count(len(self.data.get("packages", ())), "package")
        name = self.data.get("name")
        if not name:
            return ""
        if self.type in _ABOUT_MEMBERS:
            return str(name)  # an account stands as it does at the beginning of the line
        if self.job:
            return f"job {name!r}"
        return repr(name)

    def __repr__(self) -> str:
        return show_line(self, self.position, self)


ANSWERING = frozenset(
    {"save", "abandon", "restore", "escalate", "judge", "modify", "restore_version"}
)
"""The verbs that answer a task; with ``answered`` in its data an event names several."""
_FIRST_VALUES: Mapping[str, str | int] = {
    "state": PackageState.LABEL.value,
    "round": 1,
    "whole_round": 1,
    "reopened_round": 0,
    "reopenings": 0,
}
"""What the tracked fields of a package hold when it is loaded; the others are nothing."""

LOADING = frozenset({"load", "append", "add"})
"""The verbs that make packages."""


def build_first_changes(package: tuple[int, int]) -> tuple[FieldChange, ...]:
    """Return the changes that make the package with this key."""
    return tuple(
        FieldChange("package", package, field, None, value)
        for field, value in _FIRST_VALUES.items()
    )


_ABOUT_MEMBERS = frozenset(
    {
        "add_member",
        "erase_member",
        "pause_member",
        "remove_member",
        "resume_member",
        "set_role",
        "set_skills",
    }
)
"""The types whose name in `data` is the account of a member."""

_PAST = {
    "acknowledge": "acknowledged the guideline of",
    "abandon": "abandoned",
    "accept": "accepted",
    "accept_lot": "accepted with its lot",
    "add": "added",
    "add_member": "added member",
    "add_template": "added template",
    "append": "appended rows",
    "archive": "archived",
    "ask_again": "asked for more votes on",
    "assign": "assigned",
    "change_template": "changed the template of",
    "claim": "claimed",
    "close_lot": "closed a lot of",
    "close_vote": "took back a vote on",
    "comment": "commented on",
    "create_job": "created",
    "create_workspace": "created workspace",
    "decide_lot": "decided on a lot of",
    "delete": "deleted",
    "discard": "discarded",
    "drop_snapshot": "dropped a snapshot of",
    "erase_member": "erased the name of member",
    "erase_task": "erased the data of",
    "escalate": "handed to the experts",
    "extend": "drew more tasks of",
    "extend_lot": "drew more tasks of a lot of",
    "export": "exported",
    "expire": "expired the assignment on",
    "finish": "finished",
    "judge": "judged",
    "load": "loaded rows",
    "import": "imported the results of",
    "migrate": "carried over the answers of",
    "modify": "modified",
    "pause": "paused",
    "prelabel": "pre-labeled",
    "prioritize": "prioritized",
    "publish": "published",
    "reassign": "reassigned",
    "recall": "took back",
    "reject": "rejected",
    "release": "released",
    "pause_member": "paused member",
    "remove_member": "removed member",
    "resume_member": "ended the pause of member",
    "rename_workspace": "renamed workspace",
    "renew": "renewed",
    "reopen": "reopened",
    "reopen_comment": "opened again a thread on",
    "resolve_comment": "resolved a thread on",
    "restore": "restored",
    "restore_version": "restored an earlier answer to",
    "resume": "resumed",
    "resume_lots": "resumed the inspection of lots of",
    "review": "passed",
    "save": "saved",
    "overdue": "found overdue",
    "set_due": "set the due time of",
    "set_role": "changed the role of",
    "set_skills": "changed the skills of",
    "raise_votes": "raised the votes of",
    "set_validator": "changed the validator of",
    "set_workforce": "changed the workforce of",
    "snapshot": "made a snapshot of",
    "submit": "submitted",
    "update_job": "changed",
    "withdraw": "withdrew from",
}
"""What was done, by type; the package, the task or the name follows."""

TYPES = frozenset(_PAST)
"""Every type of event."""
