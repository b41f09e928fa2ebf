"""Single sampling with numbers of your choice, and what plans have in common."""

from typing import cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.number import require_number, require_whole_number, to_whole
from itagflow.model.plan import PlanDecision, PlanVerdict, StoredPlan
from itagflow.printing import format_count
from itagflow.quality.distributions import binomial_cdf, hypergeometric_cdf
from itagflow.reprs import show_fields

MAX_SAMPLE = 1_000_000
"""How many tasks a plan may look at."""
MAX_LOT = 100_000_000
"""How many tasks a lot may have: with more, probabilities have less than seven digits."""


def _check_sample(_: object, __: object, value: int) -> None:
    require_whole_number("SinglePlan", "sample", value, least=1, most=MAX_SAMPLE)


def _check_accept(_: object, __: object, value: int) -> None:
    require_whole_number("SinglePlan", "accept", value, least=0, most=MAX_SAMPLE)


def _check_lot(plan: "SinglePlan", _: object, value: int | None) -> None:
    if value is None:
        return
    require_whole_number("SinglePlan", "lot", value, least=1, most=MAX_LOT)
    if plan.sample > value:
        reason = f"has {format_count(value, 'task')}, fewer than the sample of {plan.sample}"
        raise InvalidData("SinglePlan", [Problem("lot", reason)])


@attrs.frozen
class SinglePlan(StoredPlan):
    """One sample decides: accept with at most ``accept`` wrong tasks in it, else reject.

    >>> plan = SinglePlan(80, 2)
    >>> plan.decide(checked=80, wrong=2).verdict.name, round(plan.oc(0.05), 4)
    ('ACCEPT', 0.2306)
    """

    # converted below: pyright takes a field with a converter for none of a `LotPlan`
    sample: int = attrs.field(validator=_check_sample)
    """How many tasks are checked."""
    accept: int = attrs.field(converter=to_whole, validator=_check_accept)
    """With how many wrong tasks the lot is still accepted (Ac)."""
    lot: int | None = attrs.field(default=None, kw_only=True, validator=_check_lot)
    """How many tasks the lot has; None when that does not matter."""

    def __attrs_post_init__(self) -> None:
        """Make a plain integer of the sample, of whatever type it is; set past frozen attrs."""
        object.__setattr__(self, "sample", to_whole(self.sample))

    @property
    def reject(self) -> int:
        """With how many wrong tasks the lot is rejected (Re)."""
        return self.accept + 1

    def for_lot(self, lot: int) -> "SinglePlan":
        """Return the plan for a lot of so many tasks: a small one is checked whole.

        Args:
            lot: How many tasks the lot has.

        Raises:
            InvalidData: when *lot* is no whole number of at least 1.

        >>> SinglePlan(80, 2).for_lot(50).sample
        50
        """
        lot = require_lot("SinglePlan", lot)
        return attrs.evolve(self, sample=min(self.sample, lot), lot=lot)

    def decide(self, checked: int, wrong: int) -> PlanDecision:
        """Return what follows when *wrong* of the *checked* tasks are wrong.

        The whole sample is checked also when it is clear before what comes of it: the rate of
        errors is estimated from it.

        Args:
            checked: How many tasks were checked.
            wrong: How many of them are wrong.

        Raises:
            InvalidData: when they are no such numbers.
        """
        checked, wrong = require_looks("SinglePlan", checked, wrong)
        if checked < self.sample:
            return PlanDecision(PlanVerdict.MORE, self.sample - checked)
        if wrong <= self.accept:
            return PlanDecision(PlanVerdict.ACCEPT)
        return PlanDecision(PlanVerdict.REJECT)

    def oc(self, p: float, lot: int | None = None) -> float:
        """Return the probability that a lot with this share of wrong tasks is accepted.

        It is a point of the operating characteristic: hypergeometric where the size of the lot is
        known, with the whole number of wrong tasks that is next to the share, else binomial.

        Args:
            p: The share of wrong tasks, from 0 to 1.
            lot: How many tasks the lot has; that of the plan when it is left out.

        Raises:
            InvalidData: when an argument is wrong.
        """
        p = float(require_number("SinglePlan.oc", "p", p, least=0, most=1))
        if lot is None:
            lot = self.lot
        if lot is None:
            return binomial_cdf(self.accept, self.sample, p)
        lot = require_lot("SinglePlan.oc", lot)
        sample = min(self.sample, lot)
        return hypergeometric_cdf(self.accept, sample, round(p * lot), lot)

    def explain(self) -> str:
        """Return the plan in sentences."""
        return f"{explain_sample(self.sample, self.accept, self.lot)} {self._explain_shares()}"

    def _explain_shares(self) -> str:
        shares = [(p, self.oc(p)) for p in (0.01, 0.05, 0.1)]
        return explain_shares(shares)

    __repr__ = show_fields


def explain_sample(sample: int, accept: int, lot: int | None) -> str:
    """Return how many are checked, and what decides."""
    checked = f"Look at {format_count(sample, 'task')}"
    if lot is not None:
        checked = f"Of a lot of {format_count(lot, 'task')}, look at {sample}"
        if sample == lot:
            checked = f"Look at all {format_count(lot, 'task')} of the lot"
    return f"{checked}; accept with at most {accept} wrong, reject with {accept + 1} or more."


def explain_shares(shares: list[tuple[float, float]]) -> str:
    """Return how often lots with these shares of wrong tasks are accepted."""
    (first, often), *others = shares
    text = (
        f"A lot with {format_percent(first)} wrong is accepted {format_percent(often)} of the time"
    )
    for share, probability in others:
        text += f", one with {format_percent(share)} {format_percent(probability)}"
    return f"{text}."


def format_percent(share: float) -> str:
    """Return a share in percent, with three digits.

    >>> format_percent(0.05), format_percent(0.23062), format_percent(0.99999)
    ('5 %', '23.1 %', '100 %')
    """
    return f"{100 * share:.3g} %"


def require_lot(what: str, lot: object) -> int:
    """Return the size of a lot, checked.

    Raises:
        InvalidData: when it is no whole number of at least 1.
    """
    return require_whole_number(what, "lot", lot, least=1, most=MAX_LOT)


def require_looks(what: str, checked: object, wrong: object) -> tuple[int, int]:
    """Return how many tasks were checked, and how many of them are wrong.

    Raises:
        InvalidData: when they are no whole numbers, or more are wrong than were checked.
    """
    number = require_whole_number(what, "checked", checked, least=0)
    return number, require_whole_number(what, "wrong", cast(int, wrong), least=0, most=number)
