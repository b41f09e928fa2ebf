"""Agreement coefficients, each with a weight for every task, by which it can be resampled.

All are computed from sums over labels, never from a table of tasks by values: where everybody
writes their own text, that table would not fit into any memory.

Sources: Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011); Fleiss (1971); Gwet,
*Handbook of Inter-Rater Reliability*; Cohen (1960, 1968).  ``tests/oracles`` compares them with
other libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from itagflow.quality.coding import Codes, Whole

Floats = NDArray[np.float64]
"""An array of numbers."""
BLOCK = 1_000
"""How many rows of a table of values by values are computed at once."""


@attrs.frozen(eq=False)
class Units:
    """Labels by task, with what every coefficient needs of each task."""

    task: Whole
    value: Whole
    labels: Whole
    """How many labels each task has."""
    agreeing: Floats
    """How many ordered pairs of labels of each task are equal."""
    values: int
    """How many values occur."""

    @property
    def is_paired(self) -> NDArray[np.bool_]:
        """Which tasks have two or more labels."""
        return self.labels > 1


def make_units(codes: Codes) -> Units:
    """Return labels by task, with the values numbered again: those that occur."""
    tasks, values = len(codes.tasks), len(codes.values)
    width = max(values, 1)
    labels = np.bincount(codes.task, minlength=tasks)
    cells = codes.task * width + codes.value
    if tasks * width <= 4 * len(cells) + 1_000_000:
        table = np.bincount(cells, minlength=tasks * width).reshape(tasks, width)
        squares = np.einsum("ij,ij->i", table, table)
    else:
        found, counts = np.unique(cells, return_counts=True)
        squares = np.bincount(found // width, weights=counts**2, minlength=tasks)
    return Units(codes.task, codes.value, labels, (squares - labels).astype(float), values)


def count_used(codes: Whole) -> int:
    """Return how many different numbers there are."""
    return int(np.count_nonzero(np.bincount(codes)))


def compute_raw(units: Units, weights: Floats) -> float | None:
    """Return the mean over tasks of the share of pairs of labels that are equal."""
    paired = units.is_paired
    n = units.labels[paired]
    share = units.agreeing[paired] / (n * (n - 1))
    return _divide(float(weights[paired] @ share), float(weights[paired].sum()))


def compute_alpha(units: Units, weights: Floats) -> float | None:
    """Return Krippendorff's alpha for values that are equal or not.

    alpha = 1 - (N - 1)(N - O) / (N^2 - sum of m_c^2), with O the sum over tasks of the equal
    ordered pairs divided by n - 1, N the labels of tasks with two or more, m_c those with the value
    c.
    """
    paired = units.is_paired
    n = units.labels
    per_task = np.divide(units.agreeing, n - 1, out=np.zeros(len(n)), where=paired)
    observed = float(weights @ per_task)
    counts = np.bincount(
        units.value, weights=(weights * paired)[units.task], minlength=units.values
    )
    total = float(counts.sum())
    expected = total * total - float(counts @ counts)
    ratio = _divide((total - 1) * (total - observed), expected)
    return None if ratio is None else 1 - ratio


def compute_squared_alpha(units: Units, weights: Floats, scores: Floats | None) -> float | None:
    """Return alpha where values differ by the square of the difference of their scores.

    Without *scores* the scores are those of ordinal values: how many labels are below, with half of
    those that are equal.  Then the sum over pairs is one of moments, for any number of values.
    """
    paired = units.is_paired
    kept = weights * paired
    counts = np.bincount(units.value, weights=kept[units.task], minlength=units.values)
    total = float(counts.sum())
    if total == 0:
        return None
    if scores is None:
        scores = np.cumsum(counts) - counts / 2
    # moments lose digits far from zero
    centered = scores - float(counts @ scores) / total
    per_label = centered[units.value]
    tasks = len(units.labels)
    sums = np.bincount(units.task, weights=per_label, minlength=tasks)
    squares = np.bincount(units.task, weights=per_label * per_label, minlength=tasks)
    n = units.labels
    apart = np.divide(n * squares - sums * sums, n - 1, out=np.zeros(tasks), where=paired)
    observed = float(weights @ apart)
    expected = total * float(counts @ (centered * centered)) - float(counts @ centered) ** 2
    if np.count_nonzero(counts) < 2:
        return None
    ratio = _divide((total - 1) * observed, expected)
    return None if ratio is None else 1 - ratio


def compute_ratio_alpha(units: Units, weights: Floats, scores: Floats) -> float | None:
    """Return alpha where values differ by ((a - b) / (a + b))^2."""
    paired = units.is_paired
    kept = weights * paired
    counts = np.bincount(units.value, weights=kept[units.task], minlength=units.values)
    total = float(counts.sum())
    observed = 0.0
    per_label = np.divide(kept, units.labels - 1, out=np.zeros(len(kept)), where=paired)
    for first, second in pair_labels(units.task):
        apart = _measure_ratio(scores[units.value[first]], scores[units.value[second]])
        observed += 2 * float(per_label[units.task[first]] @ apart)
    expected = 0.0
    for start in range(0, len(scores), BLOCK):
        rows = slice(start, start + BLOCK)
        expected += float(counts[rows] @ _measure_ratio(scores[rows, None], scores) @ counts)
    if np.count_nonzero(counts) < 2:
        return None
    ratio = _divide((total - 1) * observed, expected)
    return None if ratio is None else 1 - ratio


def compute_fleiss(units: Units, weights: Floats) -> float | None:
    """Return Fleiss' kappa; every task has the same number of labels."""
    n = int(units.labels.max(initial=0))
    tasks = float(weights.sum())
    if n < 2 or tasks == 0:
        return None
    counts = np.bincount(units.value, weights=weights[units.task], minlength=units.values)
    shares = counts / (tasks * n)
    by_chance = float(shares @ shares)
    observed = float(weights @ units.agreeing) / (tasks * n * (n - 1))
    return _divide(observed - by_chance, _rest(by_chance, counts))


def compute_gwet_ac1(units: Units, weights: Floats) -> float | None:
    """Return Gwet's AC1; tasks with one label count for the shares of values only."""
    observed = compute_raw(units, weights)
    if observed is None or units.values < 2:
        return None
    labeled = units.labels > 0
    per_label = np.divide(weights, units.labels, out=np.zeros(len(weights)), where=labeled)
    sums = np.bincount(units.value, weights=per_label[units.task], minlength=units.values)
    shares = sums.astype(float) / float(weights[labeled].sum())
    by_chance = float(shares @ (1 - shares)) / (units.values - 1)
    return _divide(observed - by_chance, 1 - by_chance)


@attrs.frozen(eq=False)
class Pairs:
    """What two members said about the same tasks."""

    first: Whole
    second: Whole
    values: int


def compute_cohen(pairs: Pairs, weights: Floats, power: int) -> float | None:
    """Return Cohen's kappa; *power* 0 counts any difference as one, 1 and 2 the distance."""
    total = float(weights.sum())
    rows = np.bincount(pairs.first, weights=weights, minlength=pairs.values)
    columns = np.bincount(pairs.second, weights=weights, minlength=pairs.values)
    if total == 0:
        return None
    if power == 0:
        observed = total - float(weights @ (pairs.first == pairs.second))
        expected = (total * total - float(rows @ columns)) / total
    else:
        distance = np.abs(pairs.first - pairs.second).astype(float)
        observed = float(weights @ distance**power)
        at = np.arange(pairs.values)
        apart = np.abs(at[:, None] - at).astype(float) ** power
        expected = float(rows @ apart @ columns) / total
    ratio = _divide(observed, expected)
    return None if ratio is None else 1 - ratio


def resample(tasks: int, draws: int, seed: int) -> Iterator[Floats]:
    """Yield weights for so many samples of tasks, drawn with replacement."""
    # not `default_rng`: only the older generator promises the same numbers with every NumPy
    random = np.random.RandomState(seed)
    for _ in range(draws):
        yield np.bincount(random.randint(0, tasks, tasks), minlength=tasks).astype(float)


def find_interval(values: list[float], confidence: float) -> tuple[float, float]:
    """Return the middle part of *values* by percentiles."""
    tail = (1 - confidence) / 2 * 100
    low, high = np.percentile(np.array(values), [tail, 100 - tail])
    return float(low), float(high)


def pair_labels(task: Whole) -> list[tuple[Whole, Whole]]:
    """Return the places of labels of the same task, each two once, in arrays."""
    order = np.argsort(task, kind="stable")
    ordered = task[order]
    found: list[tuple[Whole, Whole]] = []
    for distance in range(1, len(task)):
        same = np.flatnonzero(ordered[distance:] == ordered[:-distance])
        if not len(same):
            break
        found.append((order[same], order[same + distance]))
    return found


def _measure_ratio(first: Floats, second: Floats) -> Floats:
    total = first + second
    apart = np.divide(first - second, total, out=np.zeros(total.shape), where=total != 0)
    return apart * apart


def _rest(by_chance: float, counts: Any) -> float:
    # with one value chance agrees always, which rounding must not hide
    return 0.0 if np.count_nonzero(counts) < 2 else 1 - by_chance


def _divide(number: float, by: float) -> float | None:
    return None if by == 0 else number / by
