"""One label for each task: counted, weighed, and by Dawid and Skene's method."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from itagflow import InvalidData, quality
from itagflow.quality import majority, position_bias, truth, weigh_members

Rows = list[tuple[Any, Any, Any]]


def vote(tasks: int, skills: list[float], values: int, seed: int) -> tuple[Rows, list[int]]:
    """Labels of members with these skills, and the truth; wrong labels are uniform."""
    random_ = random.Random(seed)
    true = [random_.randrange(values) for _ in range(tasks)]
    rows: Rows = []
    for task, value in enumerate(true):
        for member, skill in enumerate(skills):
            said = value
            if random_.random() >= skill:
                said = random_.choice([other for other in range(values) if other != value])
            rows.append((task, member, said))
    return rows, true


def share_right(labels: Any, true: list[int]) -> float:
    return sum(labels[task] == value for task, value in enumerate(true)) / len(true)


class TestMajority:
    @pytest.mark.parametrize("values", [3, 40_000])
    def test_by_counting(self, values: int) -> None:
        """Many values are not counted in a table."""
        random_ = random.Random(values)
        rows = [(t, m, random_.randrange(values)) for t in range(300) for m in range(1 + t % 5)]
        rows += [(t, "x", 0) for t in range(300)]
        padding = [(f"more {n}", "y", n) for n in range(values)]
        found = majority([*rows, *padding], min_votes=2)
        labels, confidence = found.labels, found.confidence
        for task in range(300):
            counts = Counter(value for each, _, value in rows if each == task).most_common()
            wanted = counts[0][0] if counts[0][1] >= 2 else None
            if len(counts) > 1 and counts[0][1] == counts[1][1]:
                wanted = None
            assert labels[task] == wanted
            share = counts[0][1] / sum(count for _, count in counts)
            assert confidence[task] == pytest.approx(share)

    def test_undecided_tasks_are_listed(self) -> None:
        found = majority([(1, "ann", "a"), (1, "bob", "b"), (2, "ann", "a"), (3, "ann", None)])
        assert found.undecided == (1, 3)
        assert found.labels == {1: None, 2: "a", 3: None}
        assert repr(found) == "<Majority of 3 tasks>"
        assert majority([]).labels == {}
        assert majority([], weights={}).labels == {}

    def test_three_votes_of_skill_eight_tenths(self) -> None:
        rows, true = vote(4_000, [0.8] * 3, 2, 1)
        right = share_right(majority(rows).labels, true)
        assert abs(right - 0.896) < 3 * math.sqrt(0.896 * 0.104 / 4_000)


class TestWeights:
    def test_the_weight_is_the_logarithm_of_odds(self) -> None:
        found = weigh_members({"ann": (8, 8), "bob": (3, 8), "cy": (1, 2)}, 2)
        assert found["ann"] == pytest.approx(math.log(9))
        assert found["bob"] == pytest.approx(math.log(4 / 6))
        # fewer than five: that of all together, 12 of 18
        assert found["cy"] == pytest.approx(math.log(13 / 7))
        assert weigh_members({"ann": (8, 8)}, 5)["ann"] == pytest.approx(math.log(36))
        assert weigh_members({"ann": (999, 999)}, 2)["ann"] == pytest.approx(math.log(49))
        assert weigh_members({"ann": (0, 999)}, 2)["ann"] == pytest.approx(-math.log(49))

    def test_one_good_member_outweighs_two(self) -> None:
        rows = [(1, "ann", "a"), (1, "bob", "b"), (1, "cy", "b")]
        weights = {"ann": math.log(49), "bob": math.log(1.5), "cy": math.log(1.5)}
        found = majority(rows, weights=weights)
        assert found.labels == {1: "a"}
        # odds of 49 to 1.5 * 1.5
        assert found.confidence[1] == pytest.approx(49 / (49 + 2.25))

    def test_values_that_nobody_said_are_possible(self) -> None:
        rows = [(1, "ann", "a"), (2, "ann", "b"), (3, "ann", "c")]
        found = majority(rows, weights={"ann": math.log(8)})
        assert found.confidence[1] == pytest.approx(8 / 10)

    def test_equal_sums_are_undecided(self) -> None:
        rows = [(1, "ann", "a"), (1, "bob", "a"), (1, "cy", "b"), (1, "di", "b")]
        weights = {"ann": 0.1, "bob": 0.2, "cy": 0.2, "di": 0.1}
        assert majority(rows, weights=weights).undecided == (1,)

    def test_with_equal_skill_it_is_the_majority(self) -> None:
        rows, _ = vote(300, [0.7] * 5, 3, 2)
        weighed = majority(rows, weights=dict.fromkeys(range(5), 1.0))
        assert weighed.labels == majority(rows).labels

    def test_the_confidence_is_how_often_it_is_right(self) -> None:
        skills = [0.9, 0.7, 0.6]
        rows, true = vote(4_000, skills, 2, 3)
        weights = {member: math.log(p / (1 - p)) for member, p in enumerate(skills)}
        found = majority(rows, weights=weights)
        mean = math.fsum(found.confidence.values()) / len(true)
        assert share_right(found.labels, true) == pytest.approx(mean, abs=0.015)

    def test_what_is_refused(self) -> None:
        with pytest.raises(InvalidData, match="weights: has none for 'bob'"):
            majority([(1, "ann", "a"), (1, "bob", "a")], weights={"ann": 1.0})
        with pytest.raises(InvalidData, match="known, member 'ann': must be at most 3"):
            weigh_members({"ann": (4, 3)}, 2)


class TestTruth:
    def test_it_finds_who_is_good(self) -> None:
        skills = [0.95, 0.9, 0.6, 0.55, 0.5]
        rows, true = vote(1_000, skills, 2, 4)
        found = truth(rows)
        assert share_right(found.labels, true) > share_right(majority(rows).labels, true) + 0.05
        for member, skill in enumerate(skills):
            assert found.members[member].accuracy == pytest.approx(skill, abs=0.06)
            assert found.members[member].labels == 1_000
            for row in found.members[member].confusion.values():
                assert math.fsum(row.values()) == pytest.approx(1)
        assert math.fsum(found.shares.values()) == pytest.approx(1)

    def test_the_likelihood_never_falls(self) -> None:
        for seed in range(5):
            rows, _ = vote(200, [0.9, 0.7, 0.6, 0.5], 3, seed)
            likelihoods = truth(rows, iterations=40, tolerance=0).log_likelihoods
            assert len(likelihoods) == 40
            pairs = pairwise(likelihoods)
            assert all(after >= before - 1e-7 for before, after in pairs)

    def test_two_steps_by_hand(self) -> None:
        """The same in plain loops, for few labels."""
        rows, _ = vote(40, [0.9, 0.7, 0.6], 2, 6)
        found = truth(rows, iterations=2, tolerance=0)
        expected = estimate_by_loops(rows, 40, 3, 2, steps=2)
        for task, probability in found.confidence.items():
            assert probability == pytest.approx(max(expected[task]), abs=1e-9)

    def test_known_tasks_stay_what_they_are(self) -> None:
        rows, true = vote(200, [0.7, 0.65, 0.6], 2, 5)
        known = dict(enumerate(true[:60]))
        found = truth(rows, known=known, iterations=30, tolerance=0)
        assert all(found.labels[task] == value for task, value in known.items())
        assert {found.confidence[task] for task in known} == {1}
        with pytest.raises(InvalidData, match="known: has 9 for task 0, which nobody said"):
            truth(rows, known={0: 9})

    @pytest.mark.parametrize(
        ("rows", "why"),
        [
            ([], "there are no labels"),
            ([(t, m, t % 2) for t in range(20) for m in range(2)], "not enough votes: 2 a task"),
            ([(t, m, t % 2) for t in range(3) for m in range(3)], "not enough votes: 3 a member"),
            ([(t, m, "a") for t in range(20) for m in range(3)], "only one label was used"),
        ],
    )
    def test_with_too_few_votes_it_is_the_majority(self, rows: Rows, why: str) -> None:
        found = truth(rows)
        assert found.why.startswith(why)
        assert found.labels == majority(rows).labels
        assert found.members == {}


def estimate_by_loops(
    rows: Rows, tasks: int, members: int, values: int, steps: int
) -> list[list[float]]:
    said = {(task, member): value for task, member, value in rows}
    p = [
        [
            sum(said[task, member] == value for member in range(members)) / members
            for value in range(values)
        ]
        for task in range(tasks)
    ]
    for _ in range(steps):
        prior = [sum(row[value] for row in p) / tasks for value in range(values)]
        error = [
            [[0.0] * values for _ in range(values)] for _ in range(members)
        ]  # by member, true value, and what is said
        for (task, member), value in said.items():
            for true in range(values):
                error[member][true][value] += p[task][true]
        for table in error:
            for row in table:
                total = sum(row)
                row[:] = [count / total for count in row]
        for task in range(tasks):
            product = [
                prior[true]
                * math.prod(error[member][true][said[task, member]] for member in range(members))
                for true in range(values)
            ]
            p[task] = [each / sum(product) for each in product]
    return p


class TestPositions:
    def test_no_difference(self) -> None:
        rows = [(("a", "b"), "a"), (("a", "b"), "b")] * 20
        found = position_bias(rows)
        assert (found.chosen, found.expected, found.p_value) == ((20, 20), (20, 20), 1)

    def test_a_difference(self) -> None:
        # chi squared of (60 - 50)^2 / 50 twice is 4, with one degree of freedom
        found = position_bias([((1, 2), 1)] * 60 + [((1, 2), 2)] * 40)
        assert found.p_value == pytest.approx(0.0455002639, abs=1e-9)

    def test_different_numbers_of_options(self) -> None:
        rows: list[Any] = [((1, 2), 1)] * 10 + [((1, 2), 2)] * 10 + [((1, 2, 3), 3)] * 15
        found = position_bias(rows)
        assert found.chosen == (10, 10, 15)
        assert found.expected == (15, 15, 5)
        # nothing for two options, 30 for three: two degrees of freedom more
        assert found.p_value == pytest.approx(quality_p(30, 3), abs=1e-12)

    def test_chance_is_found_as_often_as_it_says(self) -> None:
        found = 0
        for seed in range(400):
            random_ = random.Random(seed)
            rows = [((1, 2, 3, 4), random_.randint(1, 4)) for _ in range(60)]
            value = position_bias(rows).p_value
            assert value is not None
            found += value < 0.1
        assert 22 <= found <= 58

    @pytest.mark.parametrize(
        ("rows", "why"),
        [
            ([], "nobody had two options to choose from"),
            ([((1,), 1)], "nobody had two options to choose from"),
            ([((1, 2), 1)] * 9, "there are fewer than 5 choices for each position"),
        ],
    )
    def test_too_few(self, rows: Any, why: str) -> None:
        found = position_bias(rows)
        assert (found.p_value, found.why) == (None, why)

    def test_what_is_no_choice(self) -> None:
        with pytest.raises(InvalidData, match="choice 1: was shown 0 times: 3"):
            position_bias([((1, 2), 3)])
        with pytest.raises(InvalidData, match=r"choice 1: must be \(order, chosen\)"):
            position_bias([(1, 2, 3)])  # type: ignore[list-item]
        with pytest.raises(InvalidData, match="order: must be several options"):
            position_bias([("ab", "a")])


def quality_p(statistic: float, freedom: int) -> float:
    """The probability of more, by the formula for three degrees of freedom."""
    assert freedom == 3
    root = math.sqrt(statistic / 2)
    density = math.sqrt(2 * statistic / math.pi) * math.exp(-statistic / 2)
    return math.erfc(root) + density


def test_they_are_public() -> None:
    assert quality.majority is majority
