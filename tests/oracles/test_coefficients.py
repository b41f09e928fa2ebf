"""Agreement as krippendorff, scikit-learn, statsmodels and irrCAC compute it, to 1e-9.

krippendorff is under the GPL: it is an oracle here, and nothing of the library depends on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from itagflow import quality
from itagflow.quality.assigning import find_best_pairs
from itagflow.quality.distributions import (
    beta_share,
    binomial_cdf,
    chi_squared_quantile,
    gamma_share,
    hypergeometric_cdf,
    poisson_cdf,
)

SESSION = "the session `oracles` installs it: nox -s oracles"
krippendorff: Any = pytest.importorskip("krippendorff", reason=SESSION)
metrics: Any = pytest.importorskip("sklearn.metrics", reason=SESSION)
inter_rater: Any = pytest.importorskip("statsmodels.stats.inter_rater", reason=SESSION)
examples: Any = pytest.importorskip("statsmodels.stats.tests.test_inter_rater", reason=SESSION)
irr: Any = pytest.importorskip("irrCAC.raw", reason=SESSION)
datasets: Any = pytest.importorskip("irrCAC.datasets", reason=SESSION)
pd: Any = pytest.importorskip("pandas", reason=SESSION)
stats: Any = pytest.importorskip("scipy.stats", reason=SESSION)
optimize: Any = pytest.importorskip("scipy.optimize", reason=SESSION)
pytestmark = pytest.mark.filterwarnings("ignore")

LEVELS = ("nominal", "ordinal", "interval", "ratio")
CLOSE = {"abs": 1e-9}
Rows = list[tuple[Any, Any, Any]]


def from_table(table: Any) -> Rows:
    """Labels of a table with a row for each task and a column for each member."""
    return [
        (task, member, value)
        for task, values in enumerate(table)
        for member, value in enumerate(values)
    ]


def from_counts(counts: Any) -> Rows:
    return [
        (task, member, value)
        for task, row in enumerate(counts)
        for member, value in enumerate(np.repeat(np.arange(len(row)), row).tolist())
    ]


def random_table(seed: int, tasks: int = 30, members: int = 4, missing: float = 0.3) -> Any:
    """Numbers from 1 to 5 that agree in half of the cases, and where some are missing."""
    random = np.random.default_rng(seed)
    table = random.integers(1, 6, (tasks, members)).astype(float)
    agrees = random.random((tasks, members - 1)) < 0.5
    table[:, 1:] = np.where(agrees, table[:, :1], table[:, 1:])
    table[random.random(table.shape) < missing] = np.nan
    return table


REAL = {
    "irrCAC raw_4raters": datasets.raw_4raters().to_numpy(float),
    "irrCAC raw_5observers": datasets.raw_5observers().to_numpy(float),
}


class TestAlpha:
    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("seed", range(50))
    def test_random_labels(self, seed: int, level: str) -> None:
        table = random_table(seed)
        wanted = krippendorff.alpha(reliability_data=table.T, level_of_measurement=level)
        assert quality.alpha(from_table(table), level).value == pytest.approx(wanted, **CLOSE)

    @pytest.mark.parametrize("level", LEVELS)
    @pytest.mark.parametrize("name", REAL)
    def test_real_labels(self, name: str, level: str) -> None:
        table = REAL[name]
        wanted = krippendorff.alpha(reliability_data=table.T, level_of_measurement=level)
        assert quality.alpha(from_table(table), level).value == pytest.approx(wanted, **CLOSE)

    def test_the_patients_of_fleiss(self) -> None:
        wanted = krippendorff.alpha(
            reliability_data=examples.diagnoses.T, level_of_measurement="nominal"
        )
        assert wanted == pytest.approx(0.4334098283, **CLOSE)
        found = quality.alpha(from_table(examples.diagnoses.tolist())).value
        assert found == pytest.approx(wanted, **CLOSE)


class TestFleiss:
    def test_the_patients_of_fleiss(self) -> None:
        rows = from_table(examples.diagnoses.tolist())
        wanted = inter_rater.fleiss_kappa(inter_rater.aggregate_raters(examples.diagnoses)[0])
        assert wanted == pytest.approx(0.4302445201, **CLOSE)
        assert quality.fleiss(rows).value == pytest.approx(wanted, **CLOSE)
        assert quality.raw(rows).value == pytest.approx(0.5555555556, **CLOSE)
        assert quality.gwet_ac1(rows).value == pytest.approx(0.4478845158, **CLOSE)

    def test_the_table_of_statsmodels(self) -> None:
        counts = examples.table1.astype(int)
        wanted = inter_rater.fleiss_kappa(counts)
        assert quality.fleiss(from_counts(counts)).value == pytest.approx(wanted, **CLOSE)

    @pytest.mark.parametrize("seed", range(50))
    def test_random_labels(self, seed: int) -> None:
        table = random_table(seed, missing=0).astype(int)
        wanted = inter_rater.fleiss_kappa(inter_rater.aggregate_raters(table)[0])
        assert quality.fleiss(from_table(table.tolist())).value == pytest.approx(wanted, **CLOSE)

    def test_six_raters_of_irrcac(self) -> None:
        counts = datasets.distrib_6raters()
        wanted = inter_rater.fleiss_kappa(counts.to_numpy())
        found = quality.fleiss(from_counts(counts.to_numpy())).value
        assert found == pytest.approx(wanted, **CLOSE)


class TestGwet:
    @pytest.mark.parametrize("name", REAL)
    def test_real_labels(self, name: str) -> None:
        frame = pd.DataFrame(REAL[name])
        wanted = irr.CAC(frame, digits=12).gwet()["est"]["coefficient_value"]
        found = quality.gwet_ac1(from_table(frame.to_numpy()))
        assert found.value == pytest.approx(wanted, **CLOSE)

    @pytest.mark.parametrize("seed", range(20))
    def test_random_labels(self, seed: int) -> None:
        table = random_table(seed)
        wanted = irr.CAC(pd.DataFrame(table), digits=12).gwet()["est"]["coefficient_value"]
        assert quality.gwet_ac1(from_table(table)).value == pytest.approx(wanted, **CLOSE)


class TestCohen:
    @pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
    @pytest.mark.parametrize("seed", range(30))
    def test_random_labels(self, seed: int, weights: str | None) -> None:
        table = random_table(seed, tasks=60, members=2)
        both = table[~np.isnan(table).any(axis=1)].astype(int)
        wanted = metrics.cohen_kappa_score(both[:, 0], both[:, 1], weights=weights)
        found = quality.cohen(from_table(table), weights=weights)
        assert found.value == pytest.approx(wanted, **CLOSE)
        assert found.tasks == len(both)

    @pytest.mark.parametrize("seed", range(10))
    def test_every_two_members(self, seed: int) -> None:
        table = random_table(seed, tasks=40, members=5)
        for pair in quality.by_pair(from_table(table)):
            both = table[:, [pair.first, pair.second]]
            both = both[~np.isnan(both).any(axis=1)].astype(int)
            wanted = metrics.cohen_kappa_score(both[:, 0], both[:, 1])
            assert pair.cohen == pytest.approx(wanted, **CLOSE)

    def test_the_anxiety_of_statsmodels(self) -> None:
        first, second = examples.anxiety[:, 0], examples.anxiety[:, 1]
        wanted = metrics.cohen_kappa_score(first, second, weights="quadratic")
        rows = from_table(examples.anxiety[:, :2].tolist())
        assert quality.cohen(rows, weights="quadratic").value == pytest.approx(wanted, **CLOSE)
        assert quality.cohen(rows).value == pytest.approx(
            metrics.cohen_kappa_score(first, second), **CLOSE
        )


class TestMathematics:
    @pytest.mark.parametrize("seed", range(100))
    def test_the_best_pairs(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        table = random.random(random.integers(1, 9, 2))
        table[random.random(table.shape) < 0.4] = 0
        rows, columns = optimize.linear_sum_assignment(table, maximize=True)
        scores = {
            (row, column): float(table[row, column]) for row, column in np.argwhere(table).tolist()
        }
        found = sum(scores[pair] for pair in find_best_pairs(scores))
        assert found == pytest.approx(table[rows, columns].sum())

    @pytest.mark.parametrize("n", [1, 13, 200, 2_000])
    def test_probabilities(self, n: int) -> None:
        for accept in sorted({0, n // 20, n // 3}):
            for p in (0.001, 0.05, 0.4):
                wanted = stats.binom.cdf(accept, n, p)
                assert binomial_cdf(accept, n, p) == pytest.approx(wanted, **CLOSE)
                wanted = stats.poisson.cdf(accept, n * p)
                assert poisson_cdf(accept, n * p) == pytest.approx(wanted, **CLOSE)
                wrong = round(p * 3 * n)
                wanted = stats.hypergeom.cdf(accept, 3 * n, wrong, n)
                assert hypergeometric_cdf(accept, n, wrong, 3 * n) == pytest.approx(wanted, **CLOSE)

    def test_incomplete_functions(self) -> None:
        for a in (0.03, 0.5, 1, 7.5, 80, 3_000):
            for x in (0.01, 0.9, 6, 90, 2_950):
                assert gamma_share(a, x) == pytest.approx(stats.gamma.cdf(x, a), **CLOSE)
            for b in (0.2, 3, 600):
                for share in (0.01, 0.3, 0.9, 0.999):
                    wanted = stats.beta.cdf(share, a, b)
                    assert beta_share(a, b, share) == pytest.approx(wanted, **CLOSE)

    def test_quantiles(self) -> None:
        for freedom in (0.2, 1, 3.7, 60, 5_000):
            for share in (0.025, 0.5, 0.975):
                wanted = stats.chi2.ppf(share, freedom)
                assert chi_squared_quantile(share, freedom) == pytest.approx(wanted, rel=1e-9)

    def test_the_test_of_positions(self) -> None:
        counts = (30, 22, 41)
        rows: list[Any] = [
            ((1, 2, 3), place) for place, count in enumerate(counts, 1) for _ in range(count)
        ]
        wanted = stats.chisquare(counts).pvalue
        assert quality.position_bias(rows).p_value == pytest.approx(wanted, **CLOSE)
