"""Coefficients of agreement: numbers that were worked out elsewhere, and where there is none."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from itagflow import Choice, InvalidData, quality

N = None
KRIPPENDORFF = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3),
    (N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N),
)
"""Twelve units and four observers, with missing values: Krippendorff (2011), data C."""
TEN_BY_FOURTEEN = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip
"""Ten subjects, fourteen raters and five categories: Wikipedia's example of Fleiss' kappa."""
Rows = list[tuple[Any, Any, Any]]


def by_observer(table: Any) -> Rows:
    return [
        (task, member, value)
        for member, values in enumerate(table)
        for task, value in enumerate(values)
    ]


def by_count(table: Any) -> Rows:
    """Labels of a table of tasks by values; who gave them does not matter."""
    rows: Rows = []
    for task, counts in enumerate(table):
        values = [value for value, count in enumerate(counts) for _ in range(count)]
        rows += [(task, member, value) for member, value in enumerate(values)]
    return rows


def two_by_two(*counts: int) -> Rows:
    """Two members and two values: both the first, the first and the second, and so on."""
    rows: Rows = []
    for cell, count in enumerate(counts):
        for _ in range(count):
            task = len(rows)
            rows += [(task, "ann", cell // 2), (task, "bob", cell % 2)]
    return rows


K12 = by_observer(KRIPPENDORFF)
CLOSE = {"rel": 1e-9, "abs": 1e-12}


class TestWorkedNumbers:
    @pytest.mark.parametrize(
        ("level", "value"),
        [
            ("nominal", 0.7434210526),
            ("ordinal", 0.8153875038),
            ("interval", 0.8491071429),
            ("ratio", 0.7974027747),
        ],
    )
    def test_alpha_of_krippendorffs_data(self, level: str, value: float) -> None:
        found = quality.alpha(K12, level)
        assert found.value == pytest.approx(value, abs=1e-9)
        # the last task has one label: it tells nothing
        assert (found.tasks, found.pairs, found.members, found.why) == (11, 55, 4, "")

    def test_the_others_on_the_same_data(self) -> None:
        assert quality.raw(K12).value == pytest.approx(0.8181818182, abs=1e-9)
        assert quality.gwet_ac1(K12).value == pytest.approx(0.7754440681, abs=1e-9)

    def test_ten_subjects_and_fourteen_raters(self) -> None:
        rows = by_count(TEN_BY_FOURTEEN)
        found = [
            measure(rows).value
            for measure in (quality.fleiss, quality.alpha, quality.gwet_ac1, quality.raw)
        ]
        wanted = [0.2099307044, 0.2155740566, 0.2256141508, 0.3780219780]
        assert found == pytest.approx(wanted, abs=1e-9)

    @pytest.mark.parametrize(
        ("counts", "kappa"),
        [
            ((20, 5, 10, 15), 0.4),
            ((45, 15, 25, 15), 3 / 23),
            ((25, 35, 5, 35), 7 / 27),
        ],
    )
    def test_cohen(self, counts: tuple[int, ...], kappa: float) -> None:
        assert quality.cohen(two_by_two(*counts)).value == pytest.approx(kappa, **CLOSE)

    def test_two_tables_with_the_same_raw_share(self) -> None:
        for counts in ((45, 15, 25, 15), (25, 35, 5, 35)):
            assert quality.raw(two_by_two(*counts)).value == pytest.approx(0.6, **CLOSE)

    def test_ac1_of_two_members(self) -> None:
        found = quality.gwet_ac1(two_by_two(20, 5, 10, 15)).value
        assert found == pytest.approx(0.4059405941, abs=1e-9)

    def test_ac1_stays_high_where_one_value_dominates(self) -> None:
        rows = two_by_two(118, 5, 2, 0)
        kappa, ac1 = quality.cohen(rows).value, quality.gwet_ac1(rows).value
        assert kappa is not None
        assert kappa < 0
        assert ac1 is not None
        assert ac1 > 0.9


def alpha_by_definition(rows: Rows) -> Fraction:
    """Nominal alpha, in fractions, from every pair of labels."""
    tasks: dict[Any, list[Any]] = {}
    for task, _, value in rows:
        tasks.setdefault(task, []).append(value)
    paired = [values for values in tasks.values() if len(values) > 1]
    counts = Counter(value for values in paired for value in values)
    total = sum(counts.values())
    observed = sum(
        Fraction(sum(a != b for a in values for b in values), len(values) - 1) for values in paired
    )
    expected = total * total - sum(count * count for count in counts.values())
    return 1 - (total - 1) * observed / expected


def raw_by_definition(rows: Rows) -> Fraction:
    tasks: dict[Any, list[Any]] = {}
    for task, _, value in rows:
        tasks.setdefault(task, []).append(value)
    shares = [
        Fraction(sum(a == b for a, b in combinations(values, 2)), math.comb(len(values), 2))
        for values in tasks.values()
        if len(values) > 1
    ]
    return sum(shares, Fraction(0)) / len(shares)


@pytest.mark.parametrize("seed", range(20))
def test_random_labels_by_the_definition(seed: int) -> None:
    random_ = random.Random(seed)
    rows = [
        (task, member, random_.choice("abcd") if random_.random() < 0.4 else "a")
        for task in range(30)
        for member in range(5)
        if random_.random() < 0.7
    ]
    assert quality.alpha(rows).value == pytest.approx(float(alpha_by_definition(rows)), **CLOSE)
    assert quality.raw(rows).value == pytest.approx(float(raw_by_definition(rows)), **CLOSE)


class TestWhereThereIsNone:
    def test_only_one_label(self) -> None:
        rows = [(task, member, "cat") for task in range(3) for member in "ab"]
        assert quality.raw(rows).value == 1
        for measure in (quality.alpha, quality.fleiss, quality.gwet_ac1, quality.cohen):
            found = measure(rows)
            assert found.value is None
            assert found.why.startswith("only one label was used")
        for level in ("ordinal", "interval", "ratio"):
            numbers = [(task, member, 0.1) for task, member, _ in rows]
            assert quality.alpha(numbers, level).why.startswith("only one label was used")

    @pytest.mark.parametrize("rows", [[], [(1, "ann", "a"), (2, "bob", "b")], [(1, "ann", None)]])
    def test_no_task_with_two_labels(self, rows: Rows) -> None:
        for measure in (quality.raw, quality.alpha, quality.fleiss, quality.gwet_ac1):
            found = measure(rows)
            assert (found.value, found.why, found.tasks) == (None, "no task has two labels", 0)

    def test_two_members_without_a_common_task(self) -> None:
        found = quality.cohen([(1, "ann", "a"), (2, "bob", "b")])
        assert (found.value, found.why) == (None, "the two members have no task in common")

    def test_fleiss_names_alpha_where_tasks_differ(self) -> None:
        with pytest.raises(InvalidData, match="from 2 to 3: use alpha"):
            quality.fleiss([*two_by_two(1, 1, 0, 0), (0, "cy", 0)])

    def test_several_members(self) -> None:
        with pytest.raises(InvalidData, match="must be two, and there are 4: name them"):
            quality.cohen(K12)
        assert quality.cohen(K12, members=[0, 1]).tasks == 9
        with pytest.raises(InvalidData, match="no label of 9"):
            quality.cohen(K12, members=[0, 9])
        with pytest.raises(InvalidData, match="two different"):
            quality.cohen(K12, members=[0, 0])


class TestValues:
    def test_replies_are_values(self) -> None:
        rows = [(1, "ann", Choice("cat")), (1, "bob", Choice("cat")), (2, "ann", Choice("dog"))]
        assert quality.raw(rows).value == 1

    def test_missing_labels_are_left_out(self) -> None:
        kept = [row for row in K12 if row[2] is not None]
        with_nan = [(t, m, float("nan") if v is None else float(v)) for t, m, v in K12]
        assert quality.alpha(kept) == quality.alpha(K12) == quality.alpha(with_nan)

    def test_ordinal_values_that_are_no_numbers_need_their_order(self) -> None:
        names = {1: "low", 2: "some", 3: "much", 4: "more", 5: "most"}
        rows = [(t, m, names[v]) for t, m, v in K12 if v is not None]
        found = quality.alpha(rows, "ordinal", order=[*names.values(), "never used"])
        assert found.value == pytest.approx(0.8153875038, abs=1e-9)
        with pytest.raises(InvalidData, match="order: is needed where values are not numbers"):
            quality.alpha(rows, "ordinal")
        with pytest.raises(InvalidData, match="order: lacks the value 'much'"):
            quality.alpha(rows, "ordinal", order=["low", "some"])
        with pytest.raises(InvalidData, match="has 'low' twice"):
            quality.alpha(rows, "ordinal", order=["low", "low"])

    def test_numbers_are_needed_for_distances(self) -> None:
        with pytest.raises(InvalidData, match="finite numbers for the level interval, not 'a'"):
            quality.alpha([(1, "ann", "a")], "interval")
        with pytest.raises(InvalidData, match="at least 0 for the level ratio, not -1"):
            quality.alpha([(1, "ann", -1)], "ratio")

    def test_weights_count_places_in_the_order(self) -> None:
        rows = [(1, "ann", "a"), (1, "bob", "b"), (2, "ann", "c"), (2, "bob", "c")]
        # observed 1, expected by chance (1 + 2 + 1 + 0) / 2
        linear = quality.cohen(rows, weights="linear", order=["a", "b", "c"])
        assert linear.value == pytest.approx(1 - 1 / 2)
        quadratic = quality.cohen(rows, weights="quadratic", order=["a", "b", "c"])
        assert quadratic.value == pytest.approx(1 - 1 / 3)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([(1, "ann")], r"label 1: must be \(task, member, value\)"),
            (["abc"], "label 1: must be"),
            ([(1, "ann", "a"), (1, "ann", "b")], "member 'ann' has 2 labels for task 1: give one"),
            ([(1, "ann", ["a"])], "value of label 1: cannot be compared"),
            ([(None, "ann", "a")], "task of label 1: is missing"),
            ("labels", "must be several labels"),
        ],
    )
    def test_what_is_no_label(self, rows: Any, message: str) -> None:
        with pytest.raises(InvalidData, match=message):
            quality.alpha(rows)


class TestTables:
    def test_columns_are_read_as_tuples_are(self) -> None:
        tasks, members, values = zip(*[row for row in K12 if row[2] is not None], strict=True)
        columns: list[Any] = [tasks, members, values]
        arrays: list[Any] = [np.array(column) for column in columns]
        far_apart = [arrays[0] * 10**9, *arrays[1:]]
        for table in (columns, arrays, far_apart):
            read = quality.LabelTable.from_columns(*table)
            assert quality.alpha(read, "ratio") == quality.alpha(K12, "ratio")
            assert len(read) == 41

    def test_texts_and_missing_numbers_in_arrays(self) -> None:
        read = quality.LabelTable.from_columns(
            np.array(["x", "y"]), np.array(["ann", "bob"]), np.array([1.0, np.nan])
        )
        assert (len(read), read.tasks, read.values) == (1, ("x", "y"), (1.0,))

    def test_columns_of_different_length(self) -> None:
        with pytest.raises(InvalidData, match="tasks has 1, members has 1, values has 2"):
            quality.LabelTable.from_columns([1], ["ann"], ["a", "b"])
        with pytest.raises(InvalidData, match="one dimension"):
            quality.LabelTable.from_columns(np.zeros((1, 1)), ["ann"], ["a"])

    def test_a_table_says_what_it_has(self) -> None:
        assert repr(quality.LabelTable(K12)) == "<LabelTable 41 labels of 12 tasks>"

    def test_many_texts_need_no_table_of_all(self) -> None:
        """A table of tasks by values would have four hundred million cells."""
        rows = [
            (task, member, f"text {task}" if task % 2 else (task, member))
            for task in range(20_000)
            for member in range(2)
        ]
        assert quality.raw(rows).value == 0.5
        found = quality.alpha(rows).value
        assert found == pytest.approx(0.5, abs=1e-4)


class TestParts:
    def test_each_question(self) -> None:
        found = quality.by_question({"a": K12, "b": []}, "raw")
        assert found["a"].value == pytest.approx(9 / 11)
        assert found["b"].why == "no task has two labels"

    def test_each_label_against_all_others(self) -> None:
        found = quality.by_label(K12)
        assert set(found) == {1, 2, 3, 4, 5}
        for value, agreement in found.items():
            rows = [(t, m, v == value) for t, m, v in K12 if v is not None]
            assert agreement.value == pytest.approx(float(alpha_by_definition(rows)), **CLOSE)

    def test_every_two_members(self) -> None:
        found = {(pair.first, pair.second): pair for pair in quality.by_pair(K12)}
        assert set(found) == set(combinations(range(4), 2))
        for members, pair in found.items():
            alone = quality.cohen(K12, members=members)
            assert pair.cohen == pytest.approx(alone.value, **CLOSE)
            assert pair.tasks == alone.tasks
            both = [row for row in K12 if row[1] in members and row[2] is not None]
            assert pair.raw == pytest.approx(float(raw_by_definition(both)), **CLOSE)
        assert quality.by_pair([(1, "ann", "a"), (1, "bob", "a")])[0].cohen is None
        assert quality.by_pair([]) == ()

    def test_each_member_with_the_others(self) -> None:
        found = quality.by_member(K12)
        assert found[0].value == pytest.approx(21 / 26)
        assert (found[0].pairs, found[0].tasks, found[0].members) == (26, 9, 3)
        assert quality.by_member([(1, "ann", "a")])["ann"].why == "no task has two labels"


class TestIntervals:
    def test_the_same_seed_gives_the_same_interval(self) -> None:
        first = quality.alpha(K12, bootstrap=200, seed=4)
        assert first == quality.alpha(K12, bootstrap=200, seed=4)
        assert first != quality.alpha(K12, bootstrap=200, seed=5)
        assert (first.low, first.high) == pytest.approx((0.4378768148, 0.9361137758), abs=1e-9)

    @pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
    def test_a_task_with_weight_two_counts_as_two_tasks(self, level: str) -> None:
        """What the bootstrap does with weights is what it would do with copies of tasks."""
        from itagflow.quality import coefficients
        from itagflow.quality.coding import code_triples

        numbers = [row for row in K12 if row[2] is not None]
        codes = code_triples(sorted(numbers, key=lambda row: row[2]))
        units = coefficients.make_units(codes)
        weights = np.ones(12)
        weights[codes.tasks.index(5)] = 2
        scores = np.array(codes.values, dtype=float)
        compute = {
            "nominal": lambda: coefficients.compute_alpha(units, weights),
            "ordinal": lambda: coefficients.compute_squared_alpha(units, weights, None),
            "interval": lambda: coefficients.compute_squared_alpha(units, weights, scores),
            "ratio": lambda: coefficients.compute_ratio_alpha(units, weights, scores),
        }[level]
        copied = [*K12, *((99, m, v) for t, m, v in K12 if t == 5)]
        assert compute() == pytest.approx(quality.alpha(copied, level).value, **CLOSE)

    def test_the_interval_covers_at_its_level(self) -> None:
        """Two members of accuracy .8 and two values: raw agreement is .68."""
        covered = 0
        for seed in range(200):
            random_ = random.Random(seed)
            rows = [(t, m, random_.random() < 0.8) for t in range(100) for m in "ab"]
            found = quality.raw(rows, bootstrap=200, seed=seed)
            assert found.low is not None
            assert found.high is not None
            covered += found.low <= 0.68 <= found.high
        assert 180 <= covered <= 198

    def test_no_interval_from_one_task(self) -> None:
        found = quality.raw([(1, "ann", "a"), (1, "bob", "b")], bootstrap=10)
        assert (found.value, found.low, found.high) == (0, None, None)


def test_without_numpy_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from importlib import util; find = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'numpy' else find(name, *more)\n"
        "from itagflow import quality, InvalidData\n"
        "try: quality.alpha([])\n"
        "except InvalidData as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "quality.alpha" in done.stdout
    assert "pip install 'itagflow[quality]'" in done.stdout
