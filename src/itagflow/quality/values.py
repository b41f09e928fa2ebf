"""What the functions of `itagflow.quality` return.

Annotations are evaluated here: the classes report another module, where their names are not known.
"""

import math
from collections.abc import Mapping
from typing import Any

import attrs

from itagflow.reprs import show_fields


@attrs.frozen(kw_only=True)
class Agreement:
    """How far members agree: a number, or the reason why there is none."""

    value: float | None = None
    """1 is full agreement; 0, but for the raw share, is what chance gives; None when it cannot be
    said."""
    why: str = ""
    """Why there is no value; empty when there is one."""
    tasks: int = 0
    """The tasks with two or more labels: only these tell anything."""
    pairs: int = 0
    """The pairs of labels of the same task."""
    members: int = 0
    """The members who labeled these tasks."""
    low: float | None = None
    """The lower end of the 95 % interval; None without a bootstrap."""
    high: float | None = None
    """The upper end of the 95 % interval; None without a bootstrap."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class PairAgreement:
    """How far two members agree on the tasks that both have labeled."""

    first: Any
    """A member."""
    second: Any
    """Another member."""
    tasks: int
    """The tasks that both have labeled."""
    raw: float
    """The share of these to which they gave the same value."""
    cohen: float | None
    """Cohen's kappa; None when both used only one and the same value."""

    __repr__ = show_fields


@attrs.frozen
class Match:
    """Two annotations that are taken for the same."""

    first: int
    """The index of the one, in the first set."""
    second: int
    """The index of the other, in the second set."""
    overlap: float
    """How much they overlap, from 0 to 1."""

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class Matching:
    """How two sets of annotations go together."""

    matches: tuple[Match, ...] = ()
    """The pairs, in the order of the first set."""
    first: int = 0
    """How many annotations the first set has."""
    second: int = 0
    """How many annotations the second set has."""

    @property
    def f1(self) -> float:
        """Twice the matches, divided by the annotations of both; 1 when neither has any."""
        if not self.first + self.second:
            return 1.0
        return 2 * len(self.matches) / (self.first + self.second)

    @property
    def overlap(self) -> float | None:
        """The mean overlap of the matches; None without any."""
        if not self.matches:
            return None
        return math.fsum(match.overlap for match in self.matches) / len(self.matches)

    __repr__ = show_fields


@attrs.frozen(kw_only=True)
class MatchAgreement:
    """How far members agree on what they marked: a number, or the reason why there is none."""

    value: float | None = None
    """The mean over tasks of the mean F1 of two members; None when it cannot be said."""
    why: str = ""
    """Why there is no value; empty when there is one."""
    tasks: int = 0
    """The tasks that two or more members have labeled."""
    pairs: int = 0
    """The pairs of members of the same task."""
    members: int = 0
    """The members who labeled these tasks."""
    micro: float | None = None
    """F1 over all annotations, so that tasks with many count more; None when there are none."""
    overlap: float | None = None
    """The mean overlap of what was matched; None when nothing was."""
    by_label: Mapping[Any, float] = attrs.field(factory=dict[Any, float])
    """F1 over all annotations with each label; those without one label are under None."""

    __repr__ = show_fields
