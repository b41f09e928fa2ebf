"""Lots of several packages: what the rule of ACCEPT says of them, and what is kept of each."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import validate_flag
from itagflow.model.enums import parse_optional_enum
from itagflow.model.number import require_whole_number, to_optional_whole
from itagflow.model.plan import OPEN, LotState, Severity, SwitchingState
from itagflow.printing import format_count, format_repr
from itagflow.reprs import show_fields, show_line

MAX_PACKAGES = 1_000
"""How many packages a lot may have: all of them are decided in one transaction."""


class LotBy(Enum):
    """By what packages are kept apart: a lot has only such as have the same."""

    GROUP = "group"
    """The group of who has labeled them; what members of several groups have labeled is apart."""


def _convert_by(value: LotBy | str | None) -> LotBy | None:
    return parse_optional_enum(LotBy, value)


def _check_packages(_: object, __: "attrs.Attribute[Any]", value: int | None) -> None:
    if value is not None:
        require_whole_number("Lot", "packages", value, least=1, most=MAX_PACKAGES)


def _check_every(_: object, __: "attrs.Attribute[Any]", value: object) -> None:
    if value is None:
        return
    if not isinstance(value, timedelta):
        reason = f"must be a timedelta or None, not {format_repr(value)}"
        raise InvalidData("Lot", [Problem("every", reason)])
    if value <= timedelta(0):
        raise InvalidData("Lot", [Problem("every", f"must be more than 0, not {value}")])


@attrs.frozen(kw_only=True)
class Lot:
    """Which packages form a lot at ACCEPT: its plan decides on them together.

    Give one of *packages*, *every* and *whole*. In any case a lot closes when nothing more can come
    to it, and when it has 1,000 packages.

    >>> Lot(packages=100).packages, Lot(every=timedelta(days=1), by="group").by.value
    (100, 'group')
    """

    packages: int | None = attrs.field(
        default=None, converter=to_optional_whole, validator=_check_packages
    )
    """How many packages a lot has: from 1 to 1,000."""
    every: timedelta | None = attrs.field(default=None, validator=_check_every)
    """How long packages come to a lot, from the first of them on; ``Flow.tick`` closes it then."""
    whole: bool = attrs.field(default=False, validator=validate_flag)
    """Whether all packages of the job are one lot, which closes when no other can come."""
    by: LotBy | None = attrs.field(default=None, converter=_convert_by)
    """By what packages are kept apart: a `LotBy` or its value.  None: by nothing."""

    may_reduce: bool = attrs.field(default=False, validator=validate_flag)
    """Whether inspection may be reduced after many good lots, by the rules of the plan; tightened
    after bad ones it is in any case."""

    def __attrs_post_init__(self) -> None:
        """Check that it is said, and only once, when a lot closes."""
        values = {"packages": self.packages, "every": self.every, "whole": self.whole or None}
        given = [name for name, value in values.items() if value is not None]
        if len(given) != 1:
            reason = "give one of packages, every and whole"
            if given:
                reason += f", not {' and '.join(given)}"
            raise InvalidData("Lot", [Problem("", reason)])

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class AcceptanceLot:
    """A lot of several packages that has closed: what ``flow.lots.list`` yields.

    Its packages keep what was found in them until it is decided; the numbers here are those of the
    decision.
    """

    job: int
    """The job."""
    number: int
    """Its number in the job, from 1."""
    state: LotState = LotState.CLOSED
    """Where it is in its lifecycle."""
    packages: tuple[int, ...]
    """The numbers of the packages that it had when it closed, in order."""
    size: int
    """How many tasks the sample is drawn from."""
    sample: int
    """How many tasks were drawn."""
    checked: int = 0
    """How many of these were checked; 0 until it is decided."""
    wrong: int = 0
    """How many of these were wrong: judged so, or given another answer; 0 until it is decided."""
    groups: tuple[str, ...] = ()
    """The groups of who has labeled its packages, where lots are kept apart by them."""
    again: int = 0
    """The number of the lot that was rejected and has come back as this one; 0: none was."""
    stream: str = OPEN
    """Which lots it follows: those whose packages have waited with this `Package.lot_key`."""
    severity: Severity = Severity.NORMAL
    """How severely it is inspected, by what was decided on the lots before."""
    decided_before: int = 0
    """How many lots of the job were decided when it closed."""
    decision: int = 0
    """Which decision on a lot of the job that on it was, from 1; 0: it is not decided."""
    switching: SwitchingState | None = None
    """Where its stream stands since it was decided; None: it does not count for that."""
    is_resumed: bool = False
    """Whether inspection, which was stopped after it, goes on."""
    closed_at: datetime
    """When it closed."""
    decided_at: datetime | None = None
    """When it was decided; None: it is not."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int, int]:
        """The key in the store: job and number."""
        return (self.job, self.number)

    def __str__(self) -> str:
        return f"lot {self.number}"

    def __repr__(self) -> str:
        packages = format_count(len(self.packages), "package")
        return show_line(self, self.number, self.state.name, packages, f"job={self.job}")
