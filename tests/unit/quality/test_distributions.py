"""Probabilities and quantiles, against exact fractions and against each other."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from itagflow.quality import distributions as d

CLOSE = {"abs": 1e-11}


@pytest.mark.parametrize("n", [1, 2, 7, 30, 125])
@pytest.mark.parametrize("p", [0.0, 0.01, 0.25, 0.5, 0.99, 1.0])
def test_binomial(n: int, p: float) -> None:
    exact, total = Fraction(p), Fraction(0)
    for k in range(n + 1):
        total += math.comb(n, k) * exact**k * (1 - exact) ** (n - k)
        assert d.binomial_cdf(k, n, p) == pytest.approx(float(total), **CLOSE)
    assert d.binomial_cdf(-1, n, p) == 0


@pytest.mark.parametrize(("n", "wrong", "total"), [(3, 2, 5), (10, 0, 50), (10, 45, 50), (9, 9, 9)])
def test_hypergeometric(n: int, wrong: int, total: int) -> None:
    exact = Fraction(0)
    for k in range(n + 1):
        exact += Fraction(
            math.comb(wrong, k) * math.comb(total - wrong, n - k), math.comb(total, n)
        )
        assert d.hypergeometric_cdf(k, n, wrong, total) == pytest.approx(float(exact), **CLOSE)


def test_poisson() -> None:
    for mean in (0.1, 3.0, 60.0):
        total = 0.0
        for k in range(80):
            total += math.exp(-mean) * mean**k / math.factorial(k)
            assert d.poisson_cdf(k, mean) == pytest.approx(total, **CLOSE)
    assert (d.poisson_cdf(0, 0), d.poisson_cdf(-1, 1)) == (1, 0)


@pytest.mark.parametrize("n", [1, 5, 80, 2000])
def test_the_beta_function_is_the_sum_of_binomials(n: int) -> None:
    for accept in {0, 1, n // 3, n - 1}:
        for p in (0.001, 0.2, 0.7):
            if accept < n:
                share = d.beta_share(n - accept, accept + 1, 1 - p)
                assert share == pytest.approx(d.binomial_cdf(accept, n, p), abs=1e-10)


@pytest.mark.parametrize("mean", [0.01, 1.0, 20.0, 300.0])
def test_the_gamma_function_is_the_rest_of_a_sum_of_poissons(mean: float) -> None:
    for k in (1, 2, 20, 310):
        assert 1 - d.gamma_share(k, mean) == pytest.approx(d.poisson_cdf(k - 1, mean), abs=1e-11)


def test_quantiles_undo_the_shares() -> None:
    for share in (0.001, 0.025, 0.5, 0.975):
        for freedom in (0.1, 1.0, 2.7, 40.0, 900.0):
            at = d.chi_squared_quantile(share, freedom)
            assert d.gamma_share(freedom / 2, at / 2) == pytest.approx(share, abs=1e-10)
        assert math.erf(d.normal_quantile(share) / math.sqrt(2)) == pytest.approx(
            2 * share - 1, abs=1e-12
        )
    # two degrees of freedom are an exponential distribution
    assert d.chi_squared_quantile(0.975, 2) == pytest.approx(-2 * math.log(0.025))
    assert d.normal_quantile(0.975) == pytest.approx(1.959963984540054)
