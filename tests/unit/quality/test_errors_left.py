"""The error left in accepted work: exact on average, and its interval holds at its level."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest

from itagflow import InvalidData, quality
from itagflow.quality import Inspection, Skipped
from itagflow.quality.errors_left import error_left, estimate_left, estimate_variance


def check(*found: int, tasks: int = 50, sample: int = 10, accept: int | None = 0) -> list[Any]:
    return [Inspection(tasks, sample, wrong, accept=accept) for wrong in found]


class TestWorkedNumbers:
    def test_packages_that_are_accepted_with_none_wrong(self) -> None:
        found = error_left(check(*[0] * 38, 1, 1, 1, 2))
        assert found.rate == pytest.approx(0.005848, abs=5e-7)
        assert found.high == pytest.approx(0.022192, abs=5e-7)
        assert (found.low, found.tasks, found.inspections, found.wrong) == (0, 1900, 42, 5)
        assert found.sentence == (
            "0.585 % of 1900 accepted tasks are wrong by estimate, and at most 2.22 % (95 % "
            "interval from 0 %)."
        )

    def test_all_clean(self) -> None:
        found = error_left(check(*[0] * 40))
        assert (found.rate, found.low) == (0, 0)
        assert found.high == pytest.approx(0.008132, abs=5e-7)

    def test_correct_and_go_on(self) -> None:
        found = error_left(check(0, 1, 0, 2, 0, 0, 1, 0, 3, 0, tasks=100, sample=20, accept=None))
        assert found.rate == pytest.approx(0.028)
        assert found.low == pytest.approx(0.007)
        assert found.high == pytest.approx(0.06114, abs=5e-6)

    def test_the_estimate_of_one_inspection(self) -> None:
        found = [estimate_left(one) for one in check(0, 1, 2, 3, 4)]
        assert found == pytest.approx([0, 4, -8 / 9, 1 / 3, 0])
        # f = 4, f (f + 1) = 20; f2 = 40 * 39 / 90
        assert [estimate_variance(one) for one in check(0, 1, 2, 3)] == pytest.approx(
            [0, 20, 2 * 40 * 39 / 90, 0]
        )

    def test_pooling_the_accepted_samples_is_the_trap(self) -> None:
        """Their samples have no error by construction; the rejected ones tell of the others."""
        work = check(*[0] * 20, *[1] * 12, *[2] * 4)
        accepted = [one for one in work if one.is_accepted]
        assert error_left(accepted).rate == 0
        found = error_left(work)
        assert found.rate is not None
        assert found.rate > 0.04


def test_on_average_it_is_exact_and_cut_never_too_low() -> None:
    """In fractions, for all small packages; a sample that is wrong throughout has no estimate."""
    cases = 0
    for tasks in range(2, 12):
        for sample in range(1, tasks):
            for accept in range(sample + 1):
                cases += check_case(tasks, sample, accept)
    assert cases > 2_000


def check_case(tasks: int, sample: int, accept: int) -> int:
    rest = tasks - sample
    full = [
        Fraction(rest * x, sample)
        if x <= accept
        else Fraction(rest * (-1) ** (x - accept - 1) * comb(sample - 1, accept), comb(sample, x))
        for x in range(sample + 1)
    ]
    cut = [estimate_left(Inspection(tasks, sample, x, accept=accept)) for x in range(sample + 1)]
    for x, value in enumerate(cut):
        assert value == 0 or value == pytest.approx(float(full[x]))
    for wrong in range(tasks + 1):
        chances = [
            Fraction(comb(wrong, x) * comb(tasks - wrong, sample - x), comb(tasks, sample))
            for x in range(sample + 1)
        ]
        left = sum(chances[x] * (wrong - x) for x in range(accept + 1))
        exact = list(full)
        if accept < sample:
            sign = (-1) ** (sample - accept - 1)
            exact[sample] = Fraction(sign * comb(sample - 1, accept) * (tasks - wrong))
        assert sum(chance * value for chance, value in zip(chances, exact, strict=True)) == left
        mean = sum(float(chance) * value for chance, value in zip(chances, cut, strict=True))
        assert mean >= float(left) - 1e-9
    return tasks + 1


class TestLots:
    """A lot of several packages is one inspection: its sample is drawn from all of its tasks."""

    @pytest.mark.parametrize("errors", [(2, 0, 0), (1, 1, 0), (0, 0, 1), (4, 0, 0), (1, 3, 2)])
    def test_it_is_exact_wherever_the_errors_are(self, errors: tuple[int, ...]) -> None:
        """In fractions: all samples of 4 tasks, of 3 packages of 4 that pass with one wrong."""
        wrong = {4 * package + place for package, n in enumerate(errors) for place in range(n)}
        left, mean = Fraction(0), Fraction(0)
        for sample in combinations(range(12), 4):
            found = len(wrong.intersection(sample))
            row = Inspection(12, 4, found, accept=1)
            mean += Fraction(estimate_left(row)).limit_denominator(1000) / comb(12, 4)
            left += Fraction(len(wrong) - found if row.is_accepted else 0) / comb(12, 4)
        # two errors more than it may have are cut off: then it is too high, never too low
        if len(wrong) <= 2:
            assert mean == left
        assert mean >= left

    def test_what_a_rejected_lot_adds_is_wider(self) -> None:
        """A few lots with large samples: neither limit leans on the lot that was rejected."""
        rows = [Inspection(500, 50, wrong, accept=3, is_drawn=False) for wrong in (1, 4, 2)]
        found = error_left(rows)
        # 450 (1/50 + 1/50 + 2/50) + 450 choose(49, 3) / choose(50, 4)
        assert (found.rate or 0) * found.tasks == pytest.approx(9 + 36 + 18)
        accepted = error_left([rows[0], rows[2]])
        assert found.low == accepted.low
        assert (found.high or 0) > (accepted.high or 0)

    def test_tasks_that_were_checked_whole_are_accepted_too(self) -> None:
        rows = [Inspection(50, 10, 1, accept=0)]
        assert error_left(rows).why == "no task is accepted yet"
        found = error_left(rows, tasks=50)
        assert found.rate == pytest.approx(4 / 50)
        assert (found.tasks, found.checked) == (50, 10)
        with pytest.raises(InvalidData, match="tasks: must be"):
            error_left(rows, tasks=-1)

    @pytest.mark.parametrize("lots", [1, 4])
    @pytest.mark.parametrize("better", [0.0, 0.9])
    def test_the_interval_covers_what_few_lots_have_left(self, lots: int, better: float) -> None:
        """Errors in clusters: of 50 packages of 10 in a lot every seventh has a third wrong."""
        random = np.random.default_rng(9)
        covered = above = 0
        for _ in range(JOBS):
            rows, left = list[Inspection](), 0
            for _ in range(lots):
                rates = np.where(random.random(50) < 0.15, 0.3, 0.02)
                wrong, is_accepted = int(random.binomial(10, rates).sum()), False
                while not is_accepted:
                    found = int(random.hypergeometric(wrong, 500 - wrong, 50))
                    rows.append(Inspection(500, 50, found, accept=3))
                    is_accepted = rows[-1].is_accepted
                    left += wrong - found if is_accepted else 0
                    wrong = int(random.binomial(wrong, 1 - better))
            stated = error_left(rows)
            share = left / stated.tasks
            covered += (stated.low or 0) <= share <= (stated.high or 0)
            above += share > (stated.high or 0)
        assert covered >= 0.95 * JOBS
        assert above <= 0.05 * JOBS


class TestParts:
    def test_a_package_that_is_looked_at_whole_leaves_nothing(self) -> None:
        whole = Inspection(50, 50, 7)
        found = error_left([whole])
        assert (found.rate, found.low, found.high, found.tasks) == (0, 0, 0, 50)
        mixed, alone = error_left([*check(1, 0), whole]), error_left(check(1, 0))
        assert mixed.rate is not None
        assert alone.rate is not None
        assert mixed.rate * 100 == pytest.approx(alone.rate * 50)

    def test_packages_of_different_sizes_take_the_largest_weight(self) -> None:
        small = check(0, 0, tasks=20, sample=10)
        found, other = error_left([*small, *check(0)]), error_left(check(0))
        assert found.high is not None
        assert other.high is not None
        assert found.high * 90 == pytest.approx(other.high * 50)

    def test_packages_that_were_not_drawn_are_as_those_drawn_were_submitted(self) -> None:
        found = error_left(check(0, 1, 0, 1, accept=None), skipped=Skipped(8, 400))
        # 2 of 40 looks are wrong: 5 % of the 400, and 4 for each of the two found in the others
        assert found.rate == pytest.approx((20 + 8) / 600)
        assert found.tasks == 600
        assert any("were drawn" in one for one in found.assumptions)

    def test_packages_that_are_always_inspected_say_nothing_of_others(self) -> None:
        always = [
            Inspection(50, 10, 5, is_drawn=False),
            Inspection(50, 10, 3, round=2),
        ]
        drawn = check(0, 0, accept=None)
        found = error_left([*drawn, *always], skipped=Skipped(8, 400))
        assert found.rate == pytest.approx(32 / (200 + 400))

    def test_inspectors_who_miss_errors(self) -> None:
        all_seen, half_seen = error_left(check(1, 0, 0)), error_left(check(1, 0, 0), detection=0.5)
        assert all_seen.rate is not None
        assert half_seen.rate == pytest.approx(2 * all_seen.rate)
        assert "inspectors see 50 % of the errors" in half_seen.assumptions

    def test_where_there_is_none(self) -> None:
        assert error_left([]).why == "no task is accepted yet"
        assert "cannot be said" in error_left([]).sentence
        found = error_left(check(0), skipped=Skipped(3, 150))
        assert found.rate is None
        assert found.why.startswith("fewer than two packages were drawn")

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Inspection(5, 6, 0), "sample: must be at most 5"),
            (lambda: Inspection(5, 3, 4), "wrong: must be at most 3"),
            (lambda: Skipped(5, 4), "at least one for each of 5 packages"),
            (lambda: error_left([1]), "inspection 1: must be an Inspection"),  # type: ignore[list-item]
            (lambda: error_left([], detection=0), "detection: must be at least 0.01"),
        ],
    )
    def test_what_is_refused(self, make: Any, message: str) -> None:
        with pytest.raises(InvalidData, match=message):
            make()


SHAPES = {
    "2 %": lambda random, size: np.full(size, 0.02),
    "10 %": lambda random, size: np.full(size, 0.10),
    "mean 5 %, deviation 5 %": lambda random, size: random.beta(0.9, 17.1, size),
    "9 of 10 at 1 %, 1 at 30 %": lambda random, size: np.where(
        random.random(size) < 0.1, 0.30, 0.01
    ),
}
JOBS = 250


def simulate(shape: str, *, packages: int, drawn: int, seed: int) -> tuple[int, int]:
    """Return in how many jobs the interval covers what is left, and in how many it is above."""
    random = np.random.default_rng(seed)
    covered = above = 0
    for _ in range(JOBS):
        wrong = random.binomial(50, SHAPES[shape](random, packages))
        left = int(wrong[drawn:].sum())
        rows = list[Inspection]()
        for errors in wrong[:drawn]:
            for round in range(1, 8):
                found = int(random.hypergeometric(errors, 50 - errors, 10))
                rows.append(Inspection(50, 10, found, accept=0, round=round))
                errors -= found
                if rows[-1].is_accepted:
                    left += int(errors)
                    break
                # half of what is left is corrected when the package is labeled again
                errors -= random.binomial(errors, 0.5)
        others = packages - drawn
        found_left = error_left(rows, skipped=Skipped(others, 50 * others) if others else None)
        assert found_left.low is not None
        assert found_left.high is not None
        share = left / found_left.tasks
        covered += found_left.low - 1e-12 <= share <= found_left.high + 1e-12
        above += share > found_left.high
    return covered, above


@pytest.mark.parametrize("shape", SHAPES)
def test_the_interval_covers_what_is_left(shape: str) -> None:
    covered, above = simulate(shape, packages=40, drawn=40, seed=7)
    # three standard deviations of 250 jobs below 95 % and above 2.5 %
    assert covered >= 0.909 * JOBS
    assert above <= 0.055 * JOBS


@pytest.mark.parametrize("shape", SHAPES)
def test_it_covers_also_where_a_share_of_packages_was_drawn(shape: str) -> None:
    covered, above = simulate(shape, packages=100, drawn=20, seed=8)
    assert covered >= 0.909 * JOBS
    assert above <= 0.07 * JOBS


def test_it_is_public() -> None:
    assert quality.error_left is error_left
