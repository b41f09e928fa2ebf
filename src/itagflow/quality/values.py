"""What the functions of `itagflow.quality` return.

Annotations are evaluated here: the classes report another module, where their names are not known.
"""

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import validate_flag
from itagflow.model.number import (
    MOST,
    require_whole_number,
    to_optional_whole,
    to_whole,
    validate_whole,
)
from itagflow.printing import format_count
from itagflow.reprs import show_fields, show_in_notebook


class StatisticsOf(Enum):
    """Whose statistics are wanted: a row for each job, member, group or stage."""

    JOB = "job"
    MEMBER = "member"
    GROUP = "group"
    STAGE = "stage"


class StatisticsUnit(Enum):
    """What is counted as one.  Source: iTAG's ``ITEM`` and ``OPERATORCELL``."""

    ITEM = "item"
    """A task."""
    OPERATORCELL = "operatorcell"
    """A region, span or segment; a reply to any other question, and a task that has no answer."""


@attrs.frozen(kw_only=True)
class Agreement:
    """How far members agree: a number, or the reason why there is none."""

    value: float | None = None
    """1 is full agreement; 0, except for the raw share, is what chance gives; None when it cannot
    be said."""
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
    _repr_html_ = show_in_notebook


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
    _repr_html_ = show_in_notebook


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
    _repr_html_ = show_in_notebook


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
    _repr_html_ = show_in_notebook


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
    by_label: Mapping[Any, float] = attrs.field(factory=dict[Any, float], hash=False)
    """F1 over all annotations with each label; those without one label are under None."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class QuestionAgreement:
    """All that is said of how far members agree on one question."""

    level: str = "nominal"
    """How `alpha` compares values: ``ordinal`` for ratings, ``nominal`` for all others."""
    raw: Agreement
    """The share of pairs of labels that are equal."""
    alpha: Agreement
    """Krippendorff's alpha."""
    cohen: Agreement
    """Cohen's kappa; of more than two members see `by_pair`."""
    fleiss: Agreement
    """Fleiss' kappa, where all tasks have as many labels."""
    gwet_ac1: Agreement
    """Gwet's AC1."""
    marks: MatchAgreement | None = None
    """F1 of regions, spans or segments; None where the question asks for none."""
    by_label: Mapping[Any, Agreement] = attrs.field(factory=dict[Any, Agreement], hash=False)
    """Krippendorff's alpha of each value against all others; empty for more than 1,000 values."""
    by_pair: tuple[PairAgreement, ...] = ()
    """Member by member."""
    by_member: Mapping[Any, Agreement] = attrs.field(factory=dict[Any, Agreement], hash=False)
    """The share of equal labels of each member with all others."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


def _check_sample(inspection: "Inspection", _: object, value: int) -> None:
    require_whole_number("Inspection", "sample", value, least=1, most=inspection.tasks)


def _check_wrong(inspection: "Inspection", _: object, value: int) -> None:
    require_whole_number("Inspection", "wrong", value, least=0, most=inspection.sample)


def _check_accept(_: object, __: object, value: int | None) -> None:
    if value is not None:
        require_whole_number("Inspection", "accept", value, least=0)


@attrs.frozen
class Inspection:
    """One inspection of a random sample of a package, or of a lot.

    >>> Inspection(tasks=50, sample=10, wrong=1, accept=0).is_accepted
    False
    """

    tasks: int = attrs.field(converter=to_whole, validator=validate_whole(1, MOST))
    """How many tasks the package has."""
    sample: int = attrs.field(converter=to_whole, validator=_check_sample)
    """How many of them were checked."""
    wrong: int = attrs.field(converter=to_whole, validator=_check_wrong)
    """How many of these were wrong; they are corrected."""
    accept: int | None = attrs.field(
        default=None, kw_only=True, converter=to_optional_whole, validator=_check_accept
    )
    """With how many wrong ones it is accepted; None when it always is, once they are corrected."""
    round: int = attrs.field(
        default=1, kw_only=True, converter=to_whole, validator=validate_whole(1, MOST)
    )
    """Which inspection of the package it is: 1, and more after the package was labeled again."""
    is_drawn: bool = attrs.field(default=True, kw_only=True, validator=validate_flag)
    """Whether the package was drawn by chance; False where it is always inspected."""

    @property
    def limit(self) -> int:
        """With how many wrong ones it is accepted: the whole sample, where it always is."""
        if self.accept is None:
            return self.sample
        return min(self.accept, self.sample)

    @property
    def is_accepted(self) -> bool:
        """Whether the package was accepted."""
        return self.wrong <= self.limit

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


def _check_tasks(skipped: "Skipped", _: object, value: int) -> None:
    require_whole_number("Skipped", "tasks", value, least=0, most=MOST)
    if value < skipped.packages:
        packages = format_count(skipped.packages, "package")
        reason = f"must be at least one for each of {packages}, not {value}"
        raise InvalidData("Skipped", [Problem("tasks", reason)])


@attrs.frozen
class Skipped:
    """The packages that passed without an inspection, because they were not drawn.

    >>> Skipped(packages=80, tasks=4_000).tasks
    4000
    """

    packages: int = attrs.field(converter=to_whole, validator=validate_whole(0, MOST))
    """How many packages."""
    tasks: int = attrs.field(converter=to_whole, validator=_check_tasks)
    """How many tasks they have together."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class ErrorLeft:
    """The rate of errors that are left in accepted work: a number, or why there is none."""

    rate: float | None = None
    """The share of accepted tasks that is wrong, by estimate; None when it cannot be said."""
    low: float | None = None
    """The lower end of the 95 % interval."""
    high: float | None = None
    """The upper end of the 95 % interval: the number to state."""
    why: str = ""
    """Why there is no rate; empty when there is one."""
    tasks: int = 0
    """The accepted tasks."""
    inspections: int = 0
    """How many inspections it is found from."""
    checked: int = 0
    """How many tasks were checked in these."""
    wrong: int = 0
    """How many of them were wrong."""
    assumptions: tuple[str, ...] = ()
    """What must hold for it."""

    @property
    def sentence(self) -> str:
        """The rate and its interval in a sentence."""
        if self.rate is None or self.low is None or self.high is None:
            return f"It cannot be said how many errors are left: {self.why}."
        shown = [f"{100 * share:.3g} %" for share in (self.rate, self.high, self.low)]
        return (
            f"{shown[0]} of {format_count(self.tasks, 'accepted task')} are wrong by estimate, and "
            f"at most {shown[1]} (95 % interval from {shown[2]})."
        )

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class Cluster:
    """Annotations of different members that are the same."""

    part: Any
    """The region, span or segment that stands for them."""
    voters: tuple[int, ...] = ()
    """Who marked it: the indexes of the votes."""
    has_one_label: bool = True
    """Whether all of them gave it the same labels."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class MergedMarks:
    """What several members marked, as one, or why it is disputed."""

    marks: Any = None
    """The regions, spans or segments; None when it is disputed."""
    clusters: tuple[Cluster, ...] = ()
    """All that was marked, also what is disputed, in the order in which it was first marked."""
    confidence: float | None = None
    """The share of voters who marked what the fewest have marked; None when it is disputed."""
    reason: str = ""
    """Why it is disputed; empty when it is not."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class PositionBias:
    """How often each position was chosen, where options are shown in an order of their own."""

    chosen: tuple[int, ...] = ()
    """How often the option at each position was chosen, from the first."""
    expected: tuple[float, ...] = ()
    """How often it would be, if positions made no difference."""
    p_value: float | None = None
    """The probability of such a difference, or a larger one, by chance; None when it cannot be
    said."""
    why: str = ""
    """Why there is no `p_value`; empty when there is one."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class MemberSkill:
    """How well a member labels, as `truth` sees it."""

    accuracy: float
    """The share of right labels that is expected of them, by how frequent values are."""
    labels: int
    """How many labels they gave."""
    confusion: Mapping[Any, Mapping[Any, float]] = attrs.field(hash=False)
    """By the true value, then by what they said: the probability; 0 is left out."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class Truth:
    """What labels are true, by estimate, and how well each member labels."""

    labels: Mapping[Any, Any] = attrs.field(hash=False)
    """The most probable value of each task."""
    confidence: Mapping[Any, float] = attrs.field(hash=False)
    """Its probability, by task."""
    members: Mapping[Any, MemberSkill] = attrs.field(factory=dict[Any, MemberSkill], hash=False)
    """How well each member labels; empty when there are not enough votes."""
    shares: Mapping[Any, float] = attrs.field(factory=dict[Any, float], hash=False)
    """How frequent each value is."""
    log_likelihoods: tuple[float, ...] = ()
    """That of the labels after each iteration; it never falls."""
    why: str = ""
    """Why it is only the majority; empty when it is more."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook
