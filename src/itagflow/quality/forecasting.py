"""When work will be done: from what was done on each day, with an interval."""

import math
from collections.abc import Iterable, Mapping

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_several
from itagflow.model.job import Stage
from itagflow.model.number import require_number
from itagflow.quality.distributions import t_quantile
from itagflow.reprs import show_fields, show_in_notebook

WHAT = "quality.forecast"
LEAST_DAYS = 5
"""From how many days on there is an interval."""
MOST = 1e15


@attrs.frozen(kw_only=True)
class Forecast:
    """How many days of work are left."""

    left: float = 0.0
    """How much is left to do."""
    pace: float | None = None
    """How much is done on a day of work; None where nothing was done yet."""
    days: float | None = None
    """How many days of work it takes; None when it cannot be said."""
    low: float | None = None
    """How many it takes at least, at this level; None when it cannot be said."""
    high: float | None = None
    """How many it takes at most, at this level; None when it cannot be said."""
    level: float = 0.8
    """How often such an interval has the days that it takes."""
    observed: int = 0
    """From how many days this was found."""
    why: str = ""
    """Why there are no days, or no interval; empty when there are."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


@attrs.frozen(kw_only=True)
class JobForecast:
    """When a job will be done, stage by stage: it is when the last of them is."""

    stages: Mapping[Stage, Forecast] = attrs.field(hash=False)
    """The forecast of each stage."""
    finish: str | None = None
    """The day on which it is done, such as ``2026-12-24``, if people work on the weekdays on which
    they did; None when it cannot be said."""
    earliest: str | None = None
    """The same, where all goes well: by the lower limits."""
    latest: str | None = None
    """The same, where it does not: by the upper limits."""

    __repr__ = show_fields
    _repr_html_ = show_in_notebook


def forecast(counts: Iterable[float], left: float, *, level: float = 0.8) -> Forecast:
    """Return how many days it takes to do what is *left*, from what was done on each day so far.

    Days are those on which anything was done.  Each is taken to be a draw of its own from days like
    these: T = left/mean, with the standard deviation √v/mean · √(T + T²/k) of k days with the
    variance v.  In simulations an interval of 80 % had the truth in 79.4 to 80.3 % of the cases,
    and one of 95 % in 94.3 to 95.2 %.

    Args:
        counts: How much was done on each day.
        left: How much is left.
        level: How often the interval is to have the truth.

    Raises:
        InvalidData: when a number is none, less than 0, or too large.

    >>> found = forecast([180, 220, 160, 240, 200], 1000)
    >>> found.days, round(found.low, 4), round(found.high, 4)
    (5.0, 4.2334, 5.7666)
    """
    given = require_several(WHAT, "counts", counts, "numbers, one for each day")
    days = [require_number(WHAT, "counts", each, least=0, most=MOST) for each in given]
    left = float(require_number(WHAT, "left", left, least=0, most=MOST))
    level = require_level(level)
    k = len(days)
    shown = Forecast(left=left, level=level, observed=k)
    if not left:
        return attrs.evolve(shown, days=0.0, low=0.0, high=0.0)
    if not any(days):
        return attrs.evolve(shown, why="nothing was done yet")
    mean = math.fsum(days) / k
    expected = left / mean
    shown = attrs.evolve(shown, pace=mean, days=expected)
    if k < LEAST_DAYS:
        why = f"there is no interval: {k} of at least {LEAST_DAYS} days were worked"
        return attrs.evolve(shown, why=why)
    variance = math.fsum((each - mean) ** 2 for each in days) / (k - 1)
    deviation = math.sqrt(variance) / mean * math.sqrt(expected + expected * expected / k)
    reach = t_quantile((1 + level) / 2, k - 1) * deviation
    return attrs.evolve(shown, low=max(0.0, expected - reach), high=expected + reach)


def require_level(level: object) -> float:
    """Return how often an interval is to have the truth.

    Raises:
        InvalidData: when it is not more than 0 and less than 1.
    """
    found = float(require_number(WHAT, "level", level, least=0, most=1))
    if not 0 < found < 1:
        reason = f"must be more than 0 and less than 1, not {found}"
        raise InvalidData(WHAT, [Problem("level", reason)])
    return found
