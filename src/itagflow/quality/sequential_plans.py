"""Sequential sampling: after each task accept, reject, or look at one more.

Source: Wald, *Sequential Analysis* (1947).  Its probabilities are computed exactly, by going
through all counts; Wald's own approximation is 5 to 20 % low in the number of looks.
"""

import math
from functools import lru_cache

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.number import require_number
from itagflow.model.plan import PlanDecision, PlanVerdict, StoredPlan
from itagflow.printing import format_count
from itagflow.quality.distributions import beta_share, normal_quantile
from itagflow.quality.plans import (
    explain_shares,
    format_percent,
    require_looks,
    require_lot,
)
from itagflow.reprs import show_fields

LONGEST = 10_000
"""How many tasks a plan may look at: more are no sample."""
SLACK = 1e-12
"""For rounding at a boundary."""


@attrs.frozen
class Boundaries:
    """The two lines between which more tasks are checked, and where the plan ends.

    After n tasks with d wrong: accept if d <= slope * n - below, reject if d >= slope * n + above.
    """

    slope: float
    below: float
    above: float
    last: int
    """After so many tasks the plan decides in any case."""

    def find_accept(self, n: int) -> int:
        """Return with how many wrong the lot is accepted after *n*; -1 with none."""
        if n >= self.last:
            return math.floor(self.slope * n + SLACK)
        return max(-1, math.floor(self.slope * n - self.below + SLACK))

    def find_reject(self, n: int) -> int:
        """Return with how many wrong the lot is rejected after *n*."""
        if n >= self.last:
            return self.find_accept(n) + 1
        return math.ceil(self.slope * n + self.above - SLACK)


@lru_cache(maxsize=256)
def make_boundaries(p0: float, p1: float, alpha: float, beta: float) -> Boundaries:
    """Return the boundaries of a plan, ended at 1.5 times the fixed sample of the same risks."""
    k = math.log(p1 * (1 - p0) / (p0 * (1 - p1)))
    return Boundaries(
        slope=math.log((1 - p0) / (1 - p1)) / k,
        below=math.log((1 - alpha) / beta) / k,
        above=math.log((1 - beta) / alpha) / k,
        last=math.ceil(1.5 * find_fixed_sample(p0, p1, alpha, beta)),
    )


def find_fixed_sample(p0: float, p1: float, alpha: float, beta: float) -> int:
    """Return the smallest fixed sample with these risks.

    Raises:
        InvalidData: when it has more than ten thousand tasks.

    >>> find_fixed_sample(0.02, 0.08, 0.05, 0.10)
    98
    """
    spread = normal_quantile(1 - alpha) * math.sqrt(p0 * (1 - p0))
    spread += normal_quantile(1 - beta) * math.sqrt(p1 * (1 - p1))
    if (spread / (p1 - p0)) ** 2 > LONGEST:
        reason = f"is too near to p0: a decision would take more than {LONGEST} tasks"
        raise InvalidData("sequential", [Problem("p1", reason)])
    n = 1
    for accept in range(LONGEST):
        # the smallest sample that rejects enough at p1; it grows with the acceptance number
        n = _find_least(accept, p1, beta, max(n, accept + 1))
        if _accept_share(accept, n, p0) >= 1 - alpha:
            break
    return n


def _accept_share(accept: int, n: int, p: float) -> float:
    """Return the probability of at most *accept* wrong: in few steps also for large numbers."""
    if n <= accept:
        return 1.0
    return beta_share(n - accept, accept + 1, 1 - p)


def _find_least(accept: int, p: float, beta: float, start: int) -> int:
    """Return the smallest n of at least *start* that accepts with at most *beta* at *p*."""
    low, step = start, 1
    while _accept_share(accept, low + step - 1, p) > beta:
        low, step = low + step, 2 * step
    high = low + step - 1
    while low < high:
        middle = (low + high) // 2
        if _accept_share(accept, middle, p) <= beta:
            high = middle
        else:
            low = middle + 1
    return low


def follow(boundaries: Boundaries, p: float, lot: int | None = None) -> tuple[float, float]:
    """Return the probability of acceptance, and how many tasks are checked on average.

    Exactly, by going through all counts of wrong tasks after 1, 2, 3 … looks.  With *lot* the tasks
    are drawn from so many, of which a share *p* is wrong, and none comes twice.
    """
    going = {0: 1.0}
    accepted = looks = 0.0
    wrong = None if lot is None else round(p * lot)
    for n in range(1, boundaries.last + 1):
        looks += math.fsum(going.values())
        following = dict[int, float]()
        for found, probability in going.items():
            chance = p
            if lot is not None and wrong is not None:
                chance = (wrong - found) / (lot - n + 1)
            for more, share in ((0, 1 - chance), (1, chance)):
                following[found + more] = following.get(found + more, 0.0) + probability * share
        accept, reject = boundaries.find_accept(n), boundaries.find_reject(n)
        accepted += math.fsum(share for found, share in following.items() if found <= accept)
        going = {found: share for found, share in following.items() if accept < found < reject}
        if not going:
            break
    return min(1.0, accepted), looks


def _convert_share(value: float) -> float:
    return float(require_number("sequential", "p0 and p1", value, least=1e-6, most=0.999))


def _convert_risk(value: float) -> float:
    return float(require_number("sequential", "alpha and beta", value, least=1e-6, most=0.499))


def _convert_lot(value: int | None) -> int | None:
    return None if value is None else require_lot("sequential", value)


def _find_boundaries(plan: "SequentialPlan") -> Boundaries:
    if plan.p0 >= plan.p1:
        reason = f"must be more than p0, which is {plan.p0:g}, not {plan.p1:g}"
        raise InvalidData("sequential", [Problem("p1", reason)])
    found = make_boundaries(plan.p0, plan.p1, plan.alpha, plan.beta)
    if plan.lot is None:
        return found
    return attrs.evolve(found, last=min(found.last, plan.lot))


@attrs.frozen
class SequentialPlan(StoredPlan):
    """After each task accept, reject, or look at more; made by `sequential`."""

    p0: float = attrs.field(converter=_convert_share)
    """The share of wrong tasks that is good: such a lot is rejected with probability `alpha`."""
    p1: float = attrs.field(converter=_convert_share)
    """The share of wrong tasks that is bad: such a lot is accepted with probability `beta`."""
    alpha: float = attrs.field(default=0.05, converter=_convert_risk)
    """The risk of the producer of the lot."""
    beta: float = attrs.field(default=0.10, converter=_convert_risk)
    """The risk of the one who takes it."""
    lot: int | None = attrs.field(default=None, kw_only=True, converter=_convert_lot)
    """How many tasks the lot has; None when that does not matter."""
    _boundaries: Boundaries = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_find_boundaries, takes_self=True)
    )

    @property
    def sample(self) -> int:
        """How many tasks are checked first: with fewer nothing can be decided."""
        return self.decide(0, 0).more

    @property
    def longest(self) -> int:
        """How many tasks are checked in any case at the most."""
        return self._boundaries.last

    def for_lot(self, lot: int) -> "SequentialPlan":
        """Return the plan for a lot of so many tasks: it ends with the last of them.

        Args:
            lot: How many tasks the lot has.

        Raises:
            InvalidData: when *lot* is no whole number of at least 1.

        >>> sequential(0.02, 0.08).for_lot(50).longest
        50
        """
        return attrs.evolve(self, lot=require_lot("SequentialPlan", lot))

    def decide(self, checked: int, wrong: int) -> PlanDecision:
        """Return what follows when *wrong* of the *checked* tasks are wrong.

        ``more`` is the number of looks before which nothing can be decided, whatever they show.
        Asking only after so many leads to the same decision as asking after each task.

        Args:
            checked: How many tasks were checked.
            wrong: How many of them are wrong.

        Raises:
            InvalidData: when they are no such numbers.

        >>> sequential(0.02, 0.08).decide(36, 0).verdict.name
        'ACCEPT'
        """
        checked, wrong = require_looks("SequentialPlan", checked, wrong)
        lines = self._boundaries
        if checked and wrong <= lines.find_accept(checked):
            return PlanDecision(PlanVerdict.ACCEPT)
        if checked and wrong >= lines.find_reject(checked):
            return PlanDecision(PlanVerdict.REJECT)
        more = 1
        while checked + more < lines.last:
            n = checked + more
            if wrong <= lines.find_accept(n) or wrong + more >= lines.find_reject(n):
                break
            more += 1
        return PlanDecision(PlanVerdict.MORE, more)

    def oc(self, p: float, lot: int | None = None) -> float:
        """Return the probability that a lot with this share of wrong tasks is accepted.

        Exact; without *lot* as if it were endless, which is cautious for small lots.

        Args:
            p: The share of wrong tasks, from 0 to 1.
            lot: How many tasks the lot has.

        Raises:
            InvalidData: when an argument is wrong.

        >>> round(sequential(0.02, 0.08).oc(0.02), 4)
        0.9616
        """
        return self._follow("SequentialPlan.oc", p, lot)[0]

    def expect_looks(self, p: float, lot: int | None = None) -> float:
        """Return how many tasks are checked on average (ASN).

        Args:
            p: The share of wrong tasks, from 0 to 1.
            lot: How many tasks the lot has.

        Raises:
            InvalidData: when an argument is wrong.

        >>> round(sequential(0.02, 0.08).expect_looks(0.02), 2)
        59.84
        """
        return self._follow("SequentialPlan.expect_looks", p, lot)[1]

    def _follow(self, what: str, p: object, lot: object) -> tuple[float, float]:
        share = float(require_number(what, "p", p, least=0, most=1))
        if lot is None:
            return follow(self._boundaries, share)
        size = require_lot(what, lot)
        lines = attrs.evolve(self._boundaries, last=min(self._boundaries.last, size))
        return follow(lines, share, size)

    def explain(self) -> str:
        """Return the plan in sentences."""
        lines = self._boundaries
        first = next(n for n in range(1, lines.last + 1) if lines.find_accept(n) >= 0)
        accept = lines.find_accept(lines.last)
        looks = ", ".join(
            f"{self.expect_looks(p):.0f} where {format_percent(p)} are wrong"
            for p in (self.p0, self.p1)
        )
        shares = [(p, self.oc(p)) for p in (self.p0, self.p1)]
        return (
            f"Look at one task after the other. With none wrong accept after {first}; reject as "
            f"soon as {lines.find_reject(self.sample)} of {self.sample} are wrong; at "
            f"the latest decide after {format_count(lines.last, 'task')}: accept with at most "
            f"{accept} wrong. {explain_shares(shares)} On average it takes {looks}."
        )

    __repr__ = show_fields


def sequential(p0: float, p1: float, alpha: float = 0.05, beta: float = 0.10) -> SequentialPlan:
    """Return Wald's sequential plan, ended at 1.5 times the fixed sample of the same risks.

    It needs about half the tasks of a fixed sample where work is clearly good or bad.

    Args:
        p0: The share of wrong tasks that is good.
        p1: The share of wrong tasks that is bad; more than *p0*.
        alpha: How often a lot with *p0* may be rejected.
        beta: How often a lot with *p1* may be accepted.

    Raises:
        InvalidData: when they are no such shares, or so near that a decision takes too long.

    >>> plan = sequential(p0=0.02, p1=0.08)
    >>> plan.longest, plan.decide(60, 1).verdict.name, plan.decide(60, 5).verdict.name
    (147, 'ACCEPT', 'REJECT')
    """
    return SequentialPlan(p0, p1, alpha, beta)
