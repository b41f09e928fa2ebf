"""What an acceptance plan is: how many tasks of a lot are checked, and what that decides.

The plans themselves are in `itagflow.quality`; a rule of a review stage has one of them.
"""

from enum import Enum
from typing import Protocol, runtime_checkable

import attrs

from itagflow.reprs import show_fields


class PlanVerdict(Enum):
    """What a plan says after so many tasks of a lot."""

    ACCEPT = "accept"
    """The lot is accepted; what was found wrong must still be corrected."""
    REJECT = "reject"
    """The lot is not accepted: it is labeled again, or checked whole."""
    MORE = "more"
    """More tasks must be checked."""


@attrs.frozen
class PlanDecision:
    """What a plan says, and how many more tasks it wants."""

    verdict: PlanVerdict
    """What it says."""
    more: int = 0
    """How many more tasks must be checked, before it can say anything else than *more*."""

    __repr__ = show_fields


class Severity(Enum):
    """How severely lots are inspected, which depends on those before."""

    NORMAL = "normal"
    """At first."""
    TIGHTENED = "tightened"
    """After lots that were not accepted."""
    REDUCED = "reduced"
    """After many good lots."""


@runtime_checkable
class LotPlan(Protocol):
    """**Protocol:** the plan for one lot."""

    @property
    def sample(self) -> int:
        """How many tasks of the lot are checked first."""
        ...

    def decide(self, checked: int, wrong: int) -> PlanDecision:
        """Return what follows when *wrong* of the *checked* tasks are wrong."""
        ...

    def explain(self) -> str:
        """Return the plan in sentences."""
        ...


@runtime_checkable
class AcceptancePlan(Protocol):
    """**Protocol:** a plan for lots of any size; one of your own needs this method only."""

    def for_lot(self, lot: int) -> LotPlan:
        """Return the plan for a lot of so many tasks."""
        ...


class StoredPlan:
    """What plans of the library extend: a job can store them."""

    __slots__ = ()


class RejectedLots(Enum):
    """What becomes of a lot that an acceptance plan rejects."""

    REWORK = "rework"
    """It is labeled again whole, and a fresh sample of it is drawn."""
    INSPECT = "inspect"
    """The reviewer who has its sample checks all of it, and what is wrong is corrected."""


@attrs.frozen(kw_only=True)
class PackageLot:
    """The lot that a package is while it is at a stage with an acceptance plan."""

    size: int
    """How many tasks the sample is drawn from, as it was when the package came to the stage."""
    sample: tuple[int, ...] = ()
    """The tasks that were drawn so far, in order of their numbers."""
    is_rejected: bool = False
    """Whether the plan has rejected it, and all of it is checked."""

    __repr__ = show_fields


class LotState(Enum):
    """Where a lot of several packages is in its lifecycle."""

    OPEN = "open"
    """Packages still come to it."""
    CLOSED = "closed"
    """Its sample is drawn, and is being checked."""
    ACCEPTED = "accepted"
    """The plan has accepted it."""
    REJECTED = "rejected"
    """The plan has rejected it."""
    DISCARDED = "discarded"
    """It was not decided: all its packages were discarded."""


@attrs.frozen(kw_only=True)
class LotEntry:
    """What a package is to the lot of several packages that it belongs to, until it has passed."""

    lot: int = 0
    """The number of the lot; 0: it has not closed yet."""
    state: LotState = LotState.OPEN
    """Where the lot is in its lifecycle."""
    certain: tuple[int, ...] = ()
    """The tasks of the package that are checked in any case, and are no part of the lot."""
    sample: tuple[int, ...] = ()
    """The tasks of the package that were drawn so far."""
    is_handed_in: bool = False
    """Whether somebody has checked what was drawn of it."""
    checked: int = 0
    """How many of the drawn tasks were checked."""
    wrong: int = 0
    """How many of these were wrong."""
    standing: tuple[int, ...] = ()
    """The tasks that stand judged wrong, and were not modified."""

    @property
    def is_due(self) -> bool:
        """Whether somebody is to check what was drawn of the package, for its lot to be decided."""
        has_work = bool(self.sample or self.certain)
        return self.state is LotState.CLOSED and has_work and not self.is_handed_in

    @property
    def is_waiting(self) -> bool:
        """Whether the package waits for its lot, and nothing is to be done on it."""
        return self.state in (LotState.OPEN, LotState.CLOSED) and not self.is_due

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class LotVerdict:
    """What an acceptance plan says of a lot, by what was checked so far."""

    verdict: PlanVerdict
    """What it says."""
    more: int = 0
    """How many tasks are to be checked next."""
    checked: int
    """How many tasks of the sample were checked."""
    wrong: int
    """How many of them were wrong: judged so, or given another answer."""
    size: int
    """How many tasks the lot has."""
    number: int = 0
    """The number of the lot, where it has several packages; 0: the package is a lot of its own."""

    __repr__ = show_fields
