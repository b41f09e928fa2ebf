"""Lots of several packages: what the rule of ACCEPT says of them, and what is kept of each."""

from datetime import datetime
from typing import Any

import attrs

from itagflow.model.number import require_whole_number, to_whole
from itagflow.model.plan import LotState
from itagflow.printing import format_count
from itagflow.reprs import show_fields, show_line

MAX_PACKAGES = 1_000
"""How many packages a lot may have: all of them are decided in one transaction."""


def _check_packages(_: object, __: "attrs.Attribute[Any]", value: int) -> None:
    require_whole_number("Lot", "packages", value, least=1, most=MAX_PACKAGES)


@attrs.frozen(kw_only=True)
class Lot:
    """Which packages form a lot at ACCEPT: its plan decides on them together.

    A lot closes as soon as it has so many packages, or nothing more can come.

    >>> Lot(packages=100).packages
    100
    """

    packages: int = attrs.field(converter=to_whole, validator=_check_packages)
    """How many packages a lot has: from 1 to 1,000."""

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
    again: int = 0
    """The number of the lot that was rejected and has come back as this one; 0: none was."""
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
