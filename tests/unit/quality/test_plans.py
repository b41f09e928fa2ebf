"""Acceptance plans: every cell of the tables, the switching rules, and sequential sampling."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from itagflow import InvalidData
from itagflow.quality import (
    AcceptancePlan,
    InspectionLevel,
    Iso2859,
    Iso2859LotPlan,
    LotPlan,
    PlanDecision,
    PlanRow,
    PlanVerdict,
    SequentialPlan,
    Severity,
    SinglePlan,
    SwitchingState,
    TablePlan,
    iso2859,
    sequential,
)
from itagflow.quality.distributions import binomial_cdf, poisson_cdf
from itagflow.quality.iso_plans import AQLS, LETTERS, LOT_SIZES, find_cell, find_letter
from itagflow.quality.sequential_plans import follow, make_boundaries

LINES = [
    line.split()
    for line in Path(__file__).with_name("iso2859.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]
TABLES = {
    (Severity(line[0]), line[1]): [tuple(cell.split("/")) for cell in line[2:]]
    for line in LINES[1:49]
}
CODE_LETTERS = LINES[49:]


def own_plans(severity: Severity) -> Iterator[tuple[str, float, int, int]]:
    """Every cell that has no arrow."""
    for letter in LETTERS[:-1]:
        for aql in AQLS:
            cell = find_cell(letter, aql, severity)
            if not cell.arrow:
                yield letter, aql, cell.sample, cell.accept


class TestTables:
    @pytest.mark.parametrize("severity", Severity)
    @pytest.mark.parametrize("letter", LETTERS[:-1])
    def test_every_cell(self, severity: Severity, letter: str) -> None:
        wanted = TABLES[severity, letter]
        assert len(wanted) == len(AQLS) == 26
        found = [find_cell(letter, aql, severity) for aql in AQLS]
        assert [(cell.letter, str(cell.sample), str(cell.accept)) for cell in found] == wanted

    def test_every_code_letter(self) -> None:
        levels = CODE_LETTERS[0][1:]
        assert len(CODE_LETTERS) == 16
        for at, row in enumerate(CODE_LETTERS[1:]):
            largest = LOT_SIZES[at] if at < len(LOT_SIZES) else 10**9
            smallest = LOT_SIZES[at - 1] + 1 if at else 1
            for level, letter in zip(levels, row[1:], strict=True):
                assert find_letter(largest, InspectionLevel(level)) == letter
                assert find_letter(smallest, InspectionLevel(level)) == letter

    @pytest.mark.parametrize(
        ("severity", "bands"),
        [
            (
                Severity.NORMAL,
                {
                    0: (0.874, 0.887), 1: (0.904, 0.925), 2: (0.951, 0.962), 3: (0.957, 0.967),
                    5: (0.982, 0.989), 7: (0.982, 0.989), 10: (0.982, 0.993), 14: (0.974, 0.990),
                    21: (0.978, 0.994), 30: (0.978, 0.994), 44: (0.978, 0.994),
                },
            ),
            (
                Severity.TIGHTENED,
                {
                    0: (0.810, 0.829), 1: (0.795, 0.827), 2: (0.857, 0.881), 3: (0.848, 0.880),
                    5: (0.889, 0.918), 8: (0.918, 0.960), 12: (0.912, 0.959), 18: (0.930, 0.964),
                    27: (0.938, 0.978), 41: (0.938, 0.978),
                },
            ),
            (
                Severity.REDUCED,
                {
                    0: (0.874, 0.956), 1: (0.910, 0.972), 2: (0.953, 0.991), 3: (0.957, 0.995),
                    5: (0.983, 0.999), 6: (0.995, 0.998), 7: (0.988, 0.989), 8: (0.994, 0.997),
                    10: (0.982, 0.993), 14: (0.983, 0.990), 21: (0.986, 0.994), 30: (0.986, 0.994),
                },
            ),
        ],
    )  # fmt: skip
    def test_a_lot_at_the_aql_is_accepted_within_bands(
        self, severity: Severity, bands: dict[int, tuple[float, float]]
    ) -> None:
        """A sample that is one size off leaves its band."""
        seen = set[int]()
        for _, aql, sample, accept in own_plans(severity):
            often = poisson_cdf(accept, sample * aql / 100)
            if aql <= 10:
                often = binomial_cdf(accept, sample, aql / 100)
            low, high = bands[accept]
            assert low - 0.0006 <= often <= high + 0.0006, (aql, sample, accept, often)
            seen.add(accept)
        assert seen == set(bands)

    @pytest.mark.parametrize(
        ("lot", "level", "aql", "plans"),
        [
            (1000, "II", 1.0, ("J 80/2", "J 80/1", "J 32/1")),
            (50, "II", 2.5, ("C 5/0", "D 8/0", "C 2/0")),
            (50, "II", 4.0, ("E 13/1", "F 20/1", "F 8/1")),
            (200, "II", 4.0, ("G 32/3", "G 32/2", "G 13/2")),
            (5000, "III", 0.65, ("M 315/5", "M 315/3", "M 125/3")),
            (8, "S-1", 6.5, ("A 2/0", "B 3/0", "A 2/0")),
        ],
    )
    def test_worked_plans(self, lot: int, level: str, aql: float, plans: tuple[str, ...]) -> None:
        for severity, wanted in zip(Severity, plans, strict=True):
            plan = iso2859(aql, level).for_lot(lot, severity)
            assert f"{plan.letter} {plan.sample}/{plan.accept}" == wanted
            assert plan.reject == plan.accept + 1

    def test_a_small_lot_is_looked_at_whole(self) -> None:
        plan = iso2859(0.65).for_lot(15)
        assert (plan.sample, plan.accept) == (15, 0)
        assert plan.explain().startswith("Look at all 15 tasks of the lot;")
        assert plan.warn() == ""

    def test_the_tighter_plan_has_the_same_letter(self) -> None:
        """On which the switching score rests."""
        for letter, aql, sample, accept in own_plans(Severity.NORMAL):
            if accept >= 2:
                tighter = find_cell(letter, AQLS[AQLS.index(aql) - 1], Severity.NORMAL)
                assert (tighter.letter, tighter.sample) == (letter, sample)
                assert tighter.accept < accept


class TestCurves:
    def test_binomial_and_hypergeometric(self) -> None:
        plan = iso2859(1.0).for_lot(1000)
        assert plan.oc(0.01) == pytest.approx(0.953447, abs=1e-6)
        assert plan.oc(0.05) == pytest.approx(0.230621, abs=1e-6)
        assert plan.oc(0.05, 1000) == pytest.approx(0.218645, abs=1e-6)
        assert iso2859(1.0).oc(0.05, 1000) == pytest.approx(0.218645, abs=1e-6)

    def test_above_ten_tasks_can_have_several_errors(self) -> None:
        plan = iso2859(15).for_lot(50)
        assert plan.oc(0.15) == pytest.approx(poisson_cdf(plan.accept, plan.sample * 0.15))
        assert plan.oc(2.0) < 0.01

    def test_lots_are_accepted_as_often_as_the_curve_says(self) -> None:
        random_ = random.Random(1)
        plan = iso2859(2.5).for_lot(200)
        lot = [True] * 10 + [False] * 190
        verdicts = [
            plan.decide(plan.sample, sum(random_.sample(lot, plan.sample))).verdict
            for _ in range(4_000)
        ]
        share = verdicts.count(PlanVerdict.ACCEPT) / len(verdicts)
        often = plan.oc(0.05, 200)
        assert abs(share - often) < 3 * math.sqrt(often * (1 - often) / 4_000)

    def test_a_warning_where_a_bad_lot_passes_mostly(self) -> None:
        warning = iso2859(2.5).for_lot(50).explain()
        assert "5 of 50 tasks are checked, and a lot with 10 % wrong passes 59 % of" in warning
        assert iso2859(1.0).for_lot(1000).warn() == ""

    def test_explanations(self) -> None:
        assert iso2859(1.0).explain(1000) == (
            "Of a lot of 1000 tasks, look at 80; accept with at most 2 wrong, reject with 3 or "
            "more. ISO 2859-1, normal, AQL 1, code letter J. A lot with 1 % wrong is accepted "
            "95.3 % of the time, one with 4 % 37.5 %."
        )
        assert "depends on the size of the lot" in iso2859(1.0).explain()
        assert "one with 5 % 23.1 %" in SinglePlan(80, 2).explain()


class TestDeciding:
    def test_the_sample_decides(self) -> None:
        plan = SinglePlan(10, 1)
        assert plan.decide(4, 2) == PlanDecision(PlanVerdict.MORE, 6)
        assert plan.decide(10, 1) == PlanDecision(PlanVerdict.ACCEPT)
        assert plan.decide(10, 2) == PlanDecision(PlanVerdict.REJECT)
        assert plan.decide(12, 2) == PlanDecision(PlanVerdict.REJECT)
        assert plan.for_lot(5).decide(5, 1) == PlanDecision(PlanVerdict.ACCEPT)

    def test_a_table_has_a_row_for_every_lot(self) -> None:
        plan = TablePlan([(90, 5, 0), PlanRow(1_200, 20, 1), (None, 50, 3)])
        lots = (1, 4, 90, 91, 1_200, 1_201, 5_000)
        chosen = [plan.for_lot(lot) for lot in lots]
        assert [one.sample for one in chosen] == [1, 4, 5, 20, 20, 50, 50]
        assert [one.accept for one in chosen] == [0, 0, 0, 1, 1, 3, 3]
        assert [one.lot for one in chosen] == list(lots)
        assert plan.oc(0.1, 500) == SinglePlan(20, 1).for_lot(500).oc(0.1)
        assert plan.explain() == (
            "Of lots of up to 90 tasks look at 5 tasks, and accept with at most 0 wrong. "
            "Of lots of up to 1200 tasks look at 20 tasks, and accept with at most 1 wrong. "
            "Of larger lots look at 50 tasks, and accept with at most 3 wrong."
        )

    def test_a_plan_of_ones_own_is_a_class_with_one_method(self) -> None:
        class Whole:
            def for_lot(self, lot: int) -> LotPlan:
                return SinglePlan(lot, 0, lot=lot)

        plans: list[AcceptancePlan] = [
            Whole(),
            SinglePlan(5, 0),
            TablePlan([(None, 5, 0)]),
            iso2859(1.0),
            sequential(0.1, 0.3),
        ]
        for plan in plans:
            assert isinstance(plan, AcceptancePlan)
            assert isinstance(plan.for_lot(20), LotPlan)
        assert plans[0].for_lot(20).sample == 20

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: iso2859(1.1), "aql: must be one of 0.01, 0.015, .*, not 1.1"),
            (lambda: iso2859(1.0, "IV"), "there is no InspectionLevel 'IV'"),
            (lambda: iso2859(1.0).for_lot(0), "lot: must be at least 1"),
            (lambda: SinglePlan(10, 0, lot=5), "lot: has 5 tasks, fewer than the sample of 10"),
            (lambda: SinglePlan(10, 0).decide(5, 6), "wrong: must be at most 5"),
            (lambda: TablePlan([]), "rows: must be rows of a table, at least one"),
            (lambda: TablePlan(5), "rows: must be rows of a table"),
            (lambda: TablePlan([(90, 5)]), r"rows\[0\]: must be a PlanRow"),
            (lambda: TablePlan([(90, 5, 0)]), r"rows\[0\].up_to: must be None in the last row"),
            (
                lambda: TablePlan([(None, 5, 0), (90, 5, 0), (None, 5, 0)]),
                r"rows\[0\].up_to: is None, which only the last can be",
            ),
            (
                lambda: TablePlan([(90, 5, 0), (90, 5, 0), (None, 5, 0)]),
                r"rows\[1\].up_to: must be more than the 90 of the row before, not 90",
            ),
            (lambda: TablePlan([(None, 0, 0)]), "sample: must be at least 1"),
            (lambda: PlanRow(0, 5, 0), "up_to: must be at least 1"),
            (lambda: TablePlan([(None, 5, 0)] * 101), "rows: must be at most 100, not 101"),
            (lambda: sequential(0.08, 0.02), "p1: must be more than p0, which is 0.08"),
            (lambda: sequential(0.02, 0.0201), "p1: is too near to p0"),
        ],
    )
    def test_what_is_no_plan(self, make: object, message: str) -> None:
        assert callable(make)
        with pytest.raises(InvalidData, match=message):
            make()


def switch(
    plan: Iso2859, lot: int, found: list[int], state: SwitchingState | None = None
) -> list[SwitchingState]:
    states = [state or SwitchingState()]
    for wrong in found:
        states.append(plan.switch(states[-1], lot, wrong))
    return states[1:]


class TestSwitching:
    J = iso2859(1.0)

    def test_the_score(self) -> None:
        assert [state.score for state in switch(self.J, 1000, [0, 1, 2, 0, 0])] == [3, 6, 0, 3, 6]

    def test_ten_lots_with_one_found_are_enough_to_reduce(self) -> None:
        states = switch(self.J, 1000, [1] * 10)
        assert [state.severity for state in states] == [Severity.NORMAL] * 9 + [Severity.REDUCED]

    def test_a_plan_that_accepts_with_none_takes_fifteen(self) -> None:
        states = switch(iso2859(2.5), 50, [0] * 15)
        assert states[-1].severity is Severity.REDUCED
        assert states[-2].severity is Severity.NORMAL

    def test_two_of_five_are_tightened(self) -> None:
        states = switch(self.J, 1000, [3, 0, 0, 0, 3])
        assert [state.severity for state in states][-2:] == [Severity.NORMAL, Severity.TIGHTENED]
        apart = switch(self.J, 1000, [3, 0, 0, 0, 0, 3])
        assert apart[-1].severity is Severity.NORMAL

    def test_five_in_a_row_are_normal_again(self) -> None:
        tight = SwitchingState(severity=Severity.TIGHTENED)
        states = switch(self.J, 1000, [0, 0, 2, 0, 0, 0, 0, 0], tight)
        assert [state.severity for state in states][-2:] == [Severity.TIGHTENED, Severity.NORMAL]

    def test_five_rejected_on_tightened_stop(self) -> None:
        tight = SwitchingState(severity=Severity.TIGHTENED)
        states = switch(self.J, 1000, [2, 0, 2, 2, 0, 0, 2, 2], tight)
        assert [state.is_stopped for state in states] == [False] * 7 + [True]
        assert self.J.switch(states[-1], 1000, 0) == states[-1]
        assert states[-1].resume() == tight

    def test_reduced_ends_with_a_bad_lot_or_when_work_is_not_steady(self) -> None:
        reduced = SwitchingState(severity=Severity.REDUCED)
        assert self.J.switch(reduced, 1000, 1) == reduced
        assert self.J.switch(reduced, 1000, 2) == SwitchingState()
        assert self.J.switch(reduced, 1000, 0, is_steady=False) == SwitchingState()
        assert self.J.switch(reduced, 1000, 0, may_reduce=False) == SwitchingState()

    def test_nothing_is_reduced_unless_it_is_wanted(self) -> None:
        state = switch(self.J, 1000, [0] * 9)[-1]
        assert self.J.switch(state, 1000, 0, may_reduce=False).severity is Severity.NORMAL


def untruncated(p: float) -> tuple[float, float]:
    lines = make_boundaries(0.02, 0.08, 0.05, 0.10)
    endless = type(lines)(lines.slope, lines.below, lines.above, 4_000)
    return follow(endless, p)


class TestSequential:
    def test_the_lines(self) -> None:
        lines = make_boundaries(0.02, 0.08, 0.05, 0.10)
        assert (lines.slope, lines.below, lines.above) == pytest.approx(
            (0.043587, 1.553179, 1.994084), abs=1e-6
        )
        assert lines.last == 147

    @pytest.mark.parametrize(
        ("n", "accept", "reject"), [(60, 1, 5), (100, 2, 7), (36, 0, 4), (35, -1, 4)]
    )
    def test_the_numbers_after_n(self, n: int, accept: int, reject: int) -> None:
        lines = make_boundaries(0.02, 0.08, 0.05, 0.10)
        assert (lines.find_accept(n), lines.find_reject(n)) == (accept, reject)

    @pytest.mark.parametrize(
        ("p", "often", "looks"),
        [(0, 1, 36), (0.01, 0.9972, 46.44), (0.02, 0.9686, 61.51), (0.08, 0.0992, 53.95)],
    )
    def test_without_an_end(self, p: float, often: float, looks: float) -> None:
        found = untruncated(p)
        assert found[0] == pytest.approx(often, abs=5e-5)
        assert found[1] == pytest.approx(looks, abs=5e-3)

    def test_at_the_slope(self) -> None:
        found = untruncated(0.043587)
        assert found == pytest.approx((0.5960, 88.18), rel=1e-4)

    @pytest.mark.parametrize(
        ("p", "often", "looks"),
        [
            (0.01, 0.9970, 46.37),
            (0.02, 0.9616, 59.84),
            (0.0436, 0.588, 76.7),
            (0.08, 0.1074, 52.36),
        ],
    )
    def test_with_its_end(self, p: float, often: float, looks: float) -> None:
        plan = sequential(0.02, 0.08)
        assert plan.oc(p) == pytest.approx(often, abs=6e-4)
        assert plan.expect_looks(p) == pytest.approx(looks, abs=4e-2)

    def test_the_fixed_sample_of_the_same_risks(self) -> None:
        assert binomial_cdf(4, 98, 0.02) == pytest.approx(0.9527, abs=5e-5)
        assert binomial_cdf(4, 98, 0.08) == pytest.approx(0.0995, abs=5e-5)
        smaller = [
            (n, c) for n in range(1, 98) for c in range(n)
            if binomial_cdf(c, n, 0.02) >= 0.95 and binomial_cdf(c, n, 0.08) <= 0.10
        ]  # fmt: skip
        assert smaller == []

    def test_the_end_accepts_with_six(self) -> None:
        plan = sequential(0.02, 0.08)
        assert plan.decide(147, 6).verdict is PlanVerdict.ACCEPT
        assert plan.decide(147, 7).verdict is PlanVerdict.REJECT

    @pytest.mark.parametrize("seed", range(20))
    def test_asking_after_more_looks_decides_as_asking_after_each(self, seed: int) -> None:
        random_ = random.Random(seed)
        plan = sequential(0.05, 0.2)
        wrong = [random_.random() < 0.1 for _ in range(plan.longest)]
        asked = 0
        while (decision := plan.decide(asked, sum(wrong[:asked]))).verdict is PlanVerdict.MORE:
            asked += decision.more
        each = next(
            n
            for n in range(1, plan.longest + 1)
            if plan.decide(n, sum(wrong[:n])).verdict is not PlanVerdict.MORE
        )
        assert asked == each

    def test_a_lot_ends_with_its_last_task(self) -> None:
        plan = sequential(0.02, 0.08).for_lot(50)
        assert plan.longest == 50
        assert plan.decide(50, 2).verdict is PlanVerdict.ACCEPT
        assert plan.decide(50, 3).verdict is PlanVerdict.REJECT
        # all 50 are checked in the end: what is accepted is known
        assert plan.oc(0.04, 50) == 1
        assert plan.oc(0.5, 50) == pytest.approx(0, abs=1e-9)

    def test_what_is_drawn_without_replacement_is_as_simulated(self) -> None:
        plan, random_, accepted = sequential(0.05, 0.2).for_lot(60), random.Random(2), 0
        for _ in range(3_000):
            wrong = random_.sample([True] * 6 + [False] * 54, 60)
            n = next(
                n for n in range(1, 61)
                if plan.decide(n, sum(wrong[:n])).verdict is not PlanVerdict.MORE
            )  # fmt: skip
            verdict = plan.decide(n, sum(wrong[:n])).verdict
            accepted += verdict is PlanVerdict.ACCEPT
        often = plan.oc(0.1, 60)
        assert abs(accepted / 3_000 - often) < 3 * math.sqrt(often * (1 - often) / 3_000)

    def test_it_explains_itself(self) -> None:
        text = sequential(0.02, 0.08).explain()
        assert "With none wrong accept after 36; reject as soon as 3 of 3 are wrong" in text
        assert "decide after 147 tasks: accept with at most 6 wrong" in text
        assert "A lot with 2 % wrong is accepted 96.2 % of the time" in text

    def test_a_plan_is_equal_to_one_with_the_same_shares(self) -> None:
        assert sequential(0.02, 0.08) == SequentialPlan(0.02, 0.08, 0.05, 0.10)
        assert repr(sequential(0.02, 0.08)) == "SequentialPlan(0.02, 0.08)"


def test_a_lot_plan_knows_its_lot() -> None:
    plan = iso2859(1.0).for_lot(1000)
    assert isinstance(plan, Iso2859LotPlan)
    assert repr(plan).startswith("Iso2859LotPlan(lot=1000, sample=80, accept=2")
