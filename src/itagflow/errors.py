"""Every exception of itagflow: one tree, one root.

::

    ItagflowError                  never raised itself: catch it to catch everything
    ├── RuleError                  the request was understood, the rules say no
    │   ├── WrongState             the entity is not where the act can start
    │   ├── NotAllowed             this member may not do this here
    │   ├── NotHeld                the assignment is not, or no longer, this member's
    │   ├── Incomplete             something that the act needs is still missing
    │   ├── NotAcknowledged        the member has not read the newest guideline
    │   └── StaleVersion           the answer was changed since it was read
    ├── InvalidData                input does not fit (also a ValueError); lists every problem
    ├── StoreError
    │   ├── NotFound               no such entity (also a LookupError)
    │   ├── AlreadyExists          the key or the name is taken
    │   ├── Conflict               somebody saved first: read again
    │   └── StoreFailed            the database refused: read-only, full, corrupt, too new, busy
    ├── UnknownFormat              no importer or exporter of that name
    └── NotRegistered              a job names code that this process does not have

Each carries its data as attributes and builds its sentence from them, so errors pickle and copy.
The sentence is one line whatever the data holds (``itagflow.printing``); the attributes keep it as
it is.
"""

from collections.abc import Sequence
from enum import Enum

import attrs

from itagflow.printing import format_repr, make_printable
from itagflow.reprs import show_fields

__all__ = [
    "AlreadyExists",
    "Conflict",
    "Incomplete",
    "InvalidData",
    "ItagflowError",
    "NotAcknowledged",
    "NotAllowed",
    "NotFound",
    "NotHeld",
    "NotRegistered",
    "Problem",
    "RuleError",
    "StaleVersion",
    "StoreError",
    "StoreFailed",
    "UnknownFormat",
    "WrongState",
]

SHOWN = 5
"""How many problems or tasks a message spells out; the attributes hold all of them."""


@attrs.frozen
class Problem:
    """One thing wrong with the input: where it is and why it cannot stay.

    >>> print(Problem("row 3, data.source", "is missing"))
    row 3, data.source: is missing
    """

    where: str
    """The row, field or path, such as ``row 3`` or ``2.regions[0].x``."""
    reason: str
    """What is wrong there, and what would be right."""

    def __str__(self) -> str:
        return make_printable(f"{self.where}: {self.reason}" if self.where else self.reason)

    __repr__ = show_fields


class ItagflowError(Exception):
    """The root of the tree.  Never raised itself."""

    def __str__(self) -> str:
        return make_printable(self._sentence())

    def _sentence(self) -> str:
        """Return what it says; each kind of error has its own sentence."""
        return super().__str__()


class RuleError(ItagflowError):
    """The request was understood; the rules of the workflow say no."""


@attrs.define
class WrongState(RuleError):
    """The act exists, but cannot start from the state the entity is in."""

    entity: str
    """What it is about, such as ``package 3``."""
    act: str
    """The act that was asked for."""
    state: Enum
    """The state it is in."""

    def _sentence(self) -> str:
        return f"{self.entity} is {self.state.value}: it cannot {self.act}"

    __repr__ = show_fields


@attrs.define
class NotAllowed(RuleError):
    """This member, or any member, may not do this here."""

    member: str
    """The member's account; empty where no member may."""
    action: str
    """What was to be done."""
    reason: str
    """Why not, and who may or what would allow it."""

    def _sentence(self) -> str:
        if not self.member:
            return f"cannot {self.action}: {self.reason}"
        return f"{self.member} may not {self.action}: {self.reason}"

    __repr__ = show_fields


@attrs.define
class NotAcknowledged(RuleError):
    """The member has not acknowledged the newest guideline of the job."""

    member: str
    """The member's account."""
    job: str
    """The name of the job."""
    version: int
    """The version of the guideline that is to be read."""

    def _sentence(self) -> str:
        return (
            f"{self.member} has not acknowledged version {self.version} of the guideline of job "
            f"{format_repr(self.job)}: read it, and call flow.acknowledge"
        )

    __repr__ = show_fields


@attrs.define
class NotHeld(RuleError):
    """The assignment is not, or no longer, held by the one who acts on it."""

    assignment: tuple[int, int]
    """The assignment's key: job and id."""
    reason: str
    """Who has it now, or how it ended."""

    def _sentence(self) -> str:
        return f"assignment {self.assignment[1]} is not held: {self.reason}"

    __repr__ = show_fields


@attrs.define
class Incomplete(RuleError):
    """Something that the act needs is still missing or still stands against it."""

    act: str
    """The act that was asked for."""
    reason: str
    """What is missing."""
    tasks: tuple[int, ...] = ()
    """The numbers of the tasks concerned."""
    drafts: tuple[int, ...] = ()
    """The numbers of the tasks whose draft is newer than the answer."""

    def _sentence(self) -> str:
        reason = self.reason
        if self.tasks:
            reason = f"{reason} ({_list_tasks(self.tasks)})"
        if not self.drafts:
            return f"cannot {self.act}: {reason}"
        waiting = f"drafts are newer than the answers ({_list_tasks(self.drafts)})"
        reason = f"{reason}, and {waiting}" if reason else waiting
        return f"cannot {self.act}: {reason}: save them, or pass ignore_drafts=True"

    __repr__ = show_fields


def _list_tasks(tasks: Sequence[int]) -> str:
    """Return the numbers of some tasks as a sentence has them: the first, and how many more."""
    shown = ", ".join(map(str, tasks[:SHOWN]))
    hidden = len(tasks) - SHOWN
    more = f" and {hidden} more" if hidden > 0 else ""
    noun = "task" if len(tasks) == 1 else "tasks"
    return f"{noun} {shown}{more}"


@attrs.define
class StaleVersion(RuleError):
    """The answer was changed since it was read: read the task again, and decide again."""

    task: int
    """The number of the task."""
    expected: int
    """The version that was expected."""
    stored: int
    """The version that is stored."""
    others: tuple[int, ...] = ()
    """The numbers of the other tasks of the call whose versions differ too."""

    def _sentence(self) -> str:
        more = f"; so it is with {_list_tasks(self.others)}" if self.others else ""
        return (
            f"the answer to task {self.task} has version {self.stored}, not {self.expected}: "
            f"read it again{more}"
        )

    __repr__ = show_fields


def _as_problems(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(problems)


@attrs.define
class InvalidData(ItagflowError, ValueError):
    """Input does not fit what was asked for.  Lists every problem, not only the first."""

    what: str
    """What was read, such as ``street.manifest`` or ``the answer to task 4``."""
    problems: tuple[Problem, ...] = attrs.field(converter=_as_problems)
    """Every problem found (of rows, the first 1,000)."""
    total: int = 0
    """How many problems there are in all; 0 when `problems` holds them all."""

    def _sentence(self) -> str:
        total = self.total or len(self.problems)
        shown = "; ".join(map(str, self.problems[:SHOWN]))
        more = f"; and {total - SHOWN} more" if total > SHOWN else ""
        return f"{self.what}: {shown}{more}"

    __repr__ = show_fields


class StoreError(ItagflowError):
    """The store could not do what it was asked."""


@attrs.define
class NotFound(StoreError, LookupError):
    """There is no such entity."""

    kind: str
    """What was looked for, such as ``Job``."""
    key: object
    """The key or name that nothing has."""

    def _sentence(self) -> str:
        return f"no {self.kind} {format_repr(self.key)}"

    __repr__ = show_fields


@attrs.define
class AlreadyExists(StoreError):
    """The key or the name is taken."""

    kind: str
    """What was to be added, such as ``Job``."""
    key: object
    """The key or name that is taken."""
    differences: tuple[str, ...] = ()
    """With ``exist_ok=True``: the arguments that do not agree with what has this name."""

    def _sentence(self) -> str:
        taken = f"there is already a {self.kind} {format_repr(self.key)}"
        if not self.differences:
            return taken
        return f"{taken}, made with other arguments than these: {', '.join(self.differences)}"

    __repr__ = show_fields


@attrs.define
class Conflict(StoreError):
    """Somebody saved this entity first: read it again and decide again."""

    kind: str
    """What was to be saved, such as ``Job``."""
    key: object
    """Its key."""

    def _sentence(self) -> str:
        return f"{self.kind} {format_repr(self.key)} was changed by somebody else: read it again"

    __repr__ = show_fields


@attrs.define
class StoreFailed(StoreError):
    """The database refused or broke; the driver's error is the ``__cause__``."""

    store: str
    """Which store, such as the path of the file."""
    reason: str
    """What it said, in our words."""
    hint: str
    """What to do about it."""

    def _sentence(self) -> str:
        return f"{self.store}: {self.reason}. {self.hint}"

    __repr__ = show_fields


@attrs.define
class UnknownFormat(ItagflowError):
    """No importer or exporter has that name."""

    name: str
    """The name that was asked for."""
    known: tuple[str, ...]
    """The names that are known."""
    reason: str = ""
    """Why the one of that name cannot be used, if there is one."""

    def _sentence(self) -> str:
        if self.reason:
            return f"the format {format_repr(self.name)} cannot be used: {self.reason}"
        return f"no format {format_repr(self.name)}; known are {', '.join(self.known)}"

    __repr__ = show_fields


@attrs.define
class NotRegistered(ItagflowError):
    """A job names code of the application that was not registered when the store was opened."""

    kind: str
    """What kind of code: ``validator`` or ``merge``."""
    name: str
    """The name under which the job expects it."""
    known: tuple[str, ...]
    """The names that are registered in this process."""

    def _sentence(self) -> str:
        name = format_repr(self.name)
        known = ", ".join(map(format_repr, self.known)) or "none"
        return (
            f"no {self.kind} {name} is registered; known are {known}: "
            f"pass {self.kind}s={{{name}: …}} to itagflow.open"
        )

    __repr__ = show_fields
