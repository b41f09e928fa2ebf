"""Probabilities of counts: binomial, hypergeometric and Poisson, and quantiles of intervals.

Everything is computed from logarithms of factorials, without SciPy, to about twelve digits for
numbers up to some thousands; each power of ten more costs one digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

STEPS = 200
"""How many terms of a continued fraction are computed at the least, unless it converges before."""
HALVINGS = 1_200
"""How often an interval is halved at the most: until no float lies between its ends."""


MOST_T = 1e12
"""Beyond this no quantile of a t distribution is looked for."""


def binomial_cdf(most: int, n: int, p: float) -> float:
    """Return the probability of at most so many wrong among *n*, each wrong with probability *p*.

    >>> round(binomial_cdf(2, 80, 0.05), 6)
    0.230621
    """
    if most < 0:
        return 0.0
    if most >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    return min(1.0, math.fsum(_binomial(k, n, p) for k in range(most + 1)))


def _binomial(k: int, n: int, p: float) -> float:
    return math.exp(log_choose(n, k) + k * math.log(p) + (n - k) * math.log1p(-p))


def log_choose(n: int, k: int) -> float:
    """Return the logarithm of the number of ways to choose *k* of *n*."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def hypergeometric_cdf(most: int, n: int, wrong: int, total: int) -> float:
    """Return the probability of at most so many wrong ones in a sample of *n* of *total*.

    >>> round(hypergeometric_cdf(2, 80, 50, 1000), 6)
    0.218645
    """
    least = max(0, n - (total - wrong))
    if most >= min(n, wrong):
        return 1.0
    ways = log_choose(total, n)
    return min(
        1.0,
        math.fsum(
            math.exp(log_choose(wrong, k) + log_choose(total - wrong, n - k) - ways)
            for k in range(least, most + 1)
        ),
    )


def poisson_cdf(most: int, mean: float) -> float:
    """Return the probability of at most so many errors where *mean* are expected.

    >>> round(poisson_cdf(1, 2.0), 6)
    0.406006
    """
    if most < 0:
        return 0.0
    if mean <= 0:
        return 1.0
    logarithm = math.log(mean)
    terms = (math.exp(k * logarithm - mean - math.lgamma(k + 1)) for k in range(most + 1))
    return min(1.0, math.fsum(terms))


def chi_squared_quantile(share: float, freedom: float) -> float:
    """Return the value below which this share of the chi-squared distribution lies.

    >>> round(chi_squared_quantile(0.975, 2), 6)
    7.377759
    """
    high = max(2 * freedom, 1.0)
    while gamma_share(freedom / 2, high / 2) < share:
        high *= 2
    return bisect(lambda x: gamma_share(freedom / 2, x / 2) - share, 0.0, high)


def normal_quantile(share: float) -> float:
    """Return the value below which this share of the standard normal distribution lies.

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    return bisect(lambda x: math.erfc(-x / math.sqrt(2)) / 2 - share, -40.0, 40.0)


def t_quantile(share: float, freedom: float) -> float:
    """Return the value below which this share of Student's t distribution lies, at least a half.

    >>> round(t_quantile(0.9, 4), 6)
    1.533206
    """

    def measure(t: float) -> float:
        return 1 - beta_share(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2

    high = 2.0
    while measure(high) < share and high < MOST_T:
        high *= 2
    return bisect(lambda t: measure(t) - share, 0.0, high)


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that rises is 0."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def gamma_share(a: float, x: float) -> float:
    """Return the regularized lower incomplete gamma function.

    Below a + 1 by its series, above by a continued fraction, where each converges.  Source: Press
    and others, *Numerical Recipes*, 6.2.
    """
    if x <= 0:
        return 0.0
    factor = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while abs(term) > abs(total) * 1e-17:
            k += 1
            term *= x / k
            total += term
        return min(1.0, total * factor)
    fraction = _gamma_fraction(a, x)
    return max(0.0, 1 - factor * fraction)


def _gamma_fraction(a: float, x: float) -> float:
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    result = d
    # near x = a it needs some steps in proportion to the root of a
    for k in range(1, STEPS + int(10 * math.sqrt(a))):
        factor = -k * (k - a)
        b += 2
        d = 1 / (factor * d + b or tiny)
        c = b + factor / c or tiny
        result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result


def beta_share(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function, by a continued fraction.

    Source: Press and others, *Numerical Recipes*, 6.4.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    factor = math.exp(logarithm + a * math.log(x) + b * math.log1p(-x))
    # it converges fast on one side of the mean only
    if x > (a + 1) / (a + b + 2):
        return 1 - factor * _beta_fraction(b, a, 1 - x) / b
    return factor * _beta_fraction(a, b, x) / a


def _beta_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    result = d
    for k in range(1, STEPS + int(10 * math.sqrt(a + b))):
        even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k))
        d = 1 / (1 + even * d or tiny)
        c = 1 + even / c or tiny
        result *= c * d
        odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))
        d = 1 / (1 + odd * d or tiny)
        c = 1 + odd / c or tiny
        result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result
