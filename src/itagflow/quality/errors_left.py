"""How many errors are left in accepted work, from the inspections that were made anyway.

The trap is to pool the samples of the packages that were *accepted*: where a package is accepted
with no error in its sample, these samples have none, whatever the work is like.  So all inspections
count, those that rejected too.

A package has N tasks, M of them wrong.  Of a random sample of n tasks x are wrong, and corrected;
it is accepted when x is at most c.  What is left is M - x when it is accepted, else 0: it goes to
another round, which is a package of its own.  Then the mean of g(x) is the mean of what is left,
for every M:

    g(x) = (N - n) x / n                                      for x <= c
    g(x) = (N - n) (-1)^(x-c-1) choose(n-1, c) / choose(n, x)   for x > c

In words: an error that was found speaks for those that were not seen; a package that was rejected
by one error too many counts too, since it would have passed had that one not been drawn.

The series is cut after c + 3, or c + 1 for small samples: its terms alternate and grow, so that one
bad package would outweigh all others.  Cut, it is never too low on average.

Open doubt: the estimate was derived for this library, and no source is known.  That it is right on
average is exact, and checked in fractions; the variance is approximate, and the coverage of the
interval is measured, not proved: docs/quality.md has the figures.  It is wider where inspections
are few or samples large, as those of lots of several packages: what a rejected lot has added to the
estimate stays in it, also when its rework was good.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs

from itagflow.model.arguments import require_kind, require_several
from itagflow.model.number import MOST, require_number, require_whole_number
from itagflow.quality.distributions import chi_squared_quantile, log_choose
from itagflow.quality.values import ErrorLeft, Inspection, Skipped

TAIL = 0.025
"""On each side of a 95 % interval."""
CLUMP = 2
"""How many errors one more package that was not drawn is taken to have: chosen by simulation, so
that the interval holds also where errors are in few packages."""
MANY_INSPECTIONS = 20
"""From how many inspections on the interval was measured, and is used as it is."""
SMALL_SAMPLE = 32
"""Up to which sample it was."""
SMALL_LIMIT = 2
"""Up to how many errors with which packages are accepted it was."""
WHAT = "quality.error_left"
SAMPLES_ARE_RANDOM = "each sample was drawn at random from its package or lot, again in each round"
ERRORS_ARE_FOUND = "inspectors see every error in the tasks that they look at"
ERRORS_ARE_CORRECTED = "what was found wrong was corrected"
DRAWN_BY_CHANCE = (
    "packages that were not inspected are like those that were drawn: a kind of bad package of "
    "which none was drawn is not seen"
)


def error_left(
    inspections: Iterable[Inspection],
    *,
    skipped: Skipped | None = None,
    tasks: int | None = None,
    detection: float | None = None,
) -> ErrorLeft:
    """Return the rate of errors that are left in accepted work, with its 95 % interval.

    Args:
        inspections: All inspections of fresh samples, of all rounds, accepted or not.  Leave out
            those that only look again at what was sent back.
        skipped: The packages that passed without an inspection, where only a share of them was
            drawn.
        tasks: How many tasks are accepted in all, where it is another number than that of the
            accepted packages and those that were not inspected: more, where others were checked
            whole; fewer, where some are accepted no more.
        detection: The share of errors that inspectors see, where it is known from tasks whose
            answer is known: rate and limits are divided by it.

    Raises:
        InvalidData: when an argument is wrong.

    >>> checks = [Inspection(50, 10, 0, accept=0)] * 38 + [Inspection(50, 10, 1, accept=0)] * 4
    >>> found = error_left(checks)
    >>> round(found.rate, 4), round(found.high, 4)
    (0.0084, 0.0231)
    """
    rows = require_several(WHAT, "inspections", inspections, "inspections")
    for number, row in enumerate(rows, 1):
        require_kind(WHAT, f"inspection {number}", row, Inspection, "an Inspection")
    if skipped is not None:
        require_kind(WHAT, "skipped", skipped, Skipped, "Skipped")
    detection = require_detection(detection)
    if tasks is None:
        passed = sum(row.tasks for row in rows if row.is_accepted)
        tasks = passed + (skipped.tasks if skipped else 0)
    tasks = require_whole_number(WHAT, "tasks", tasks, least=0, most=MOST)
    shown = ErrorLeft(
        tasks=tasks,
        inspections=len(rows),
        checked=sum(row.sample for row in rows),
        wrong=sum(row.wrong for row in rows),
        assumptions=_list_assumptions(skipped, detection),
    )
    first = [row for row in rows if row.is_drawn and row.round == 1]
    if not shown.tasks:
        return attrs.evolve(shown, why="no task is accepted yet")
    if skipped is not None and skipped.tasks and len(first) < 2:
        reason = "fewer than two packages were drawn: nothing is known of those that were not"
        return attrs.evolve(shown, why=reason)
    total = _sum_inspections(rows)
    if skipped is not None and skipped.tasks:
        total = _add_skipped(total, first, skipped)
        low, high = _find_interval(total)
    else:
        low, high = _find_careful_interval(rows, total)
    seen = 1.0 if detection is None else detection
    return attrs.evolve(
        shown,
        rate=min(1.0, max(total.left, 0.0) / shown.tasks / seen),
        low=min(1.0, low / shown.tasks / seen),
        high=min(1.0, high / shown.tasks / seen),
    )


def require_detection(detection: object) -> float | None:
    """Return the share of errors that inspectors see, checked; None: all.

    Raises:
        InvalidData: when it is no such share.
    """
    if detection is None:
        return None
    return float(require_number(WHAT, "detection", detection, least=0.01, most=1))


@attrs.frozen(kw_only=True)
class Total:
    """The estimate of what is left, and how sure it is."""

    left: float = 0.0
    """How many errors are left."""
    variance: float = 0.0
    """Its predictive variance: of the samples, of what was not checked, and of bad packages."""
    weight: float = 0.0
    """What one more error that was found would add to the estimate."""
    weight_variance: float = 0.0
    """What it would add to the variance."""
    package_variance: float = 0.0
    """What one package that is accepted by chance, with two more errors, adds to it."""


def estimate_left(inspection: Inspection) -> float:
    """Return g(x), what one inspection says about the errors that are left.

    >>> [round(estimate_left(Inspection(50, 10, x, accept=0)), 4) for x in range(5)]
    [0.0, 4.0, -0.8889, 0.3333, 0.0]
    """
    n, x, c = inspection.sample, inspection.wrong, inspection.limit
    rest = inspection.tasks - n
    if x <= c:
        return rest * x / n
    last = c + 3 if n >= 2 * c + 8 else c + 1
    if x > last:
        return 0.0
    sign = -1 if (x - c - 1) % 2 else 1
    return sign * rest * math.exp(log_choose(n - 1, c) - log_choose(n, x))


def estimate_variance(inspection: Inspection) -> float:
    """Return what one inspection adds to the predictive variance."""
    x, c = inspection.wrong, inspection.limit
    f, f2 = _weigh(inspection)
    if x <= c + 1:
        return f * (f + 1) * x
    if x == c + 2:
        return f2 * x * (x - 1)
    return 0.0


def _weigh(inspection: Inspection) -> tuple[float, float]:
    """Return for how many errors one that was found stands, and for how many pairs two do."""
    n, rest = inspection.sample, inspection.tasks - inspection.sample
    f = rest / n
    if n == 1:
        return f, f * f
    return f, rest * (rest - 1) / (n * (n - 1))


def _sum_inspections(rows: Sequence[Inspection]) -> Total:
    f = f2 = 0.0
    for row in rows:
        one, two = _weigh(row)
        f, f2 = max(f, one), max(f2, two)
    return Total(
        left=math.fsum(map(estimate_left, rows)),
        variance=math.fsum(map(estimate_variance, rows)),
        weight=f,
        weight_variance=f * (f + 1),
        package_variance=2 * f2,
    )


def _add_skipped(total: Total, first: Sequence[Inspection], skipped: Skipped) -> Total:
    """Return *total* with the errors of packages that were not inspected.

    They are a cluster sample: the first inspections of the packages that were drawn give the rate,
    and the spread between these packages its variance.
    """
    tasks = sum(row.tasks for row in first)
    submitted = [row.wrong * row.tasks / row.sample for row in first]
    rate = math.fsum(submitted) / tasks
    drawn = len(first)
    residuals = (wrong - rate * row.tasks for wrong, row in zip(submitted, first, strict=True))
    spread = math.fsum(each * each for each in residuals) / (drawn - 1)
    weight = max(skipped.tasks / tasks * row.tasks / row.sample for row in first)
    between = skipped.packages * (skipped.packages + drawn) / drawn * spread
    found = sum(row.wrong for row in first)
    variance = max(between, weight * (weight + 1) * found)
    return Total(
        left=max(total.left, 0.0) + rate * skipped.tasks,
        # both come from the same samples: as if they always went together
        variance=(math.sqrt(total.variance) + math.sqrt(variance)) ** 2,
        weight=total.weight + CLUMP * weight,
        weight_variance=total.weight_variance
        + CLUMP * CLUMP * weight * (weight + 1)
        + 2 * total.weight * weight,
        package_variance=total.package_variance,
    )


def _find_interval(total: Total) -> tuple[float, float]:
    """Return the limits of the number of errors left.

    Those of a sum of counts with weights (Fay and Feuer 1997), with predictive variance: the upper
    one as if one more error had been found, the lower one as if one bad package had slipped in.
    """
    if total.weight == 0:
        return 0.0, 0.0
    left = max(total.left, 0.0)
    above, variance = left + total.weight, total.variance + total.weight_variance
    high = variance / (2 * above) * chi_squared_quantile(1 - TAIL, 2 * above * above / variance)
    if left == 0:
        return 0.0, high
    variance += total.package_variance
    low = variance / (2 * left) * chi_squared_quantile(TAIL, 2 * left * left / variance)
    return math.floor(low), high


def _find_careful_interval(rows: Sequence[Inspection], total: Total) -> tuple[float, float]:
    """Return the limits of the number of errors left, wider where that was found to be needed.

    An accepted sample has fewer errors than one of any result, so that what accepted samples alone
    say is never too high: a lower limit holds by them in any case.  The upper one is taken as if a
    bad lot had slipped in, too, where some were rejected.
    """
    if _is_well_measured(rows):
        return _find_interval(total)
    accepted = [attrs.evolve(row, accept=None) for row in rows if row.is_accepted]
    low = min(_find_interval(total)[0], _find_interval(_sum_inspections(accepted))[0])
    if len(accepted) == len(rows):
        return low, _find_interval(total)[1]
    wider = attrs.evolve(total, weight_variance=total.weight_variance + total.package_variance)
    return low, _find_interval(wider)[1]


def _is_well_measured(rows: Sequence[Inspection]) -> bool:
    """Return whether the interval was measured for such inspections, or nothing is ever rejected.

    What was checked whole has nothing left, and does not count.
    """
    sampled = [row for row in rows if row.sample < row.tasks]
    deciding = [row for row in sampled if row.limit < row.sample]
    if not deciding:
        return True
    is_small = all(row.sample <= SMALL_SAMPLE and row.limit <= SMALL_LIMIT for row in deciding)
    return is_small and len(sampled) >= MANY_INSPECTIONS


def _list_assumptions(skipped: Skipped | None, detection: float | None) -> tuple[str, ...]:
    listed = [SAMPLES_ARE_RANDOM, ERRORS_ARE_CORRECTED]
    if detection is None:
        listed.append(ERRORS_ARE_FOUND)
    else:
        listed.append(f"inspectors see {100 * detection:.3g} % of the errors")
    if skipped is not None and skipped.tasks:
        listed.append(DRAWN_BY_CHANCE)
    return tuple(listed)
