"""Votes counted and weighed, and Dawid and Skene's estimate, over arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from itagflow.quality.coding import Codes, Whole

Floats = NDArray[np.float64]
DENSE = 8
"""Up to how many cells a label votes are counted in a table of tasks by values."""
LEAST_COUNT = 1e-10
"""As crowd-kit has it; it is applied before counts are divided by their sum: after it, the
iterations come to another optimum now and then."""
LEAST_SHARE = 1e-300
"""What is impossible has a logarithm all the same."""


def count_votes(codes: Codes, min_votes: int) -> tuple[Whole, Floats]:
    """Return for each task the value with the most votes, -1 for none, and its share."""
    tasks, values = len(codes.tasks), max(len(codes.values), 1)
    cells = codes.task * values + codes.value
    if tasks * values > DENSE * len(cells) + 1_000_000:
        found, counts = np.unique(cells, return_counts=True)
        return _choose(codes, found, counts, min_votes)
    table = np.bincount(cells, minlength=tasks * values).reshape(tasks, values)
    winners = table.argmax(axis=1) if tasks else np.zeros(0, np.int64)
    most = table[np.arange(tasks), winners]
    # where there is one winner, no other cell has as many
    is_tied = np.count_nonzero(table == most[:, None], axis=1) > 1
    labels = np.bincount(codes.task, minlength=tasks)
    share = np.divide(most, labels, out=np.zeros(tasks), where=labels > 0)
    winners[is_tied | (most < min_votes)] = -1
    return winners, share


def _choose(codes: Codes, cells: Whole, counts: Whole, min_votes: int) -> tuple[Whole, Floats]:
    """Return the same, from the cells in which there are votes."""
    tasks, values = len(codes.tasks), max(len(codes.values), 1)
    order = np.lexsort((counts, cells // values))
    task, number = (cells // values)[order], counts[order]
    is_last = np.append(task[1:] != task[:-1], True)
    is_tied = np.append(False, (task[1:] == task[:-1]) & (number[1:] == number[:-1]))
    winners = np.full(tasks, -1, dtype=np.int64)
    is_won = is_last & ~is_tied & (number >= min_votes)
    winners[task[is_won]] = (cells % values)[order][is_won]
    labels = np.bincount(codes.task, minlength=tasks)
    share = np.zeros(tasks)
    share[task[is_last]] = number[is_last] / labels[task[is_last]]
    return winners, share


def weigh_votes(codes: Codes, min_votes: int, weights: list[float]) -> tuple[Whole, Floats]:
    """Return for each task the value with the highest sum of weights, and its probability.

    The sums are logarithms of odds against a value that nobody said, whose sum is 0.
    """
    tasks, values = len(codes.tasks), max(len(codes.values), 1)
    cells, cell, counts = np.unique(
        codes.task * values + codes.value, return_inverse=True, return_counts=True
    )
    sums = np.bincount(cell, weights=np.array(weights)[codes.member], minlength=len(cells))
    order = np.lexsort((sums, cells // values))
    task, score, number = (cells // values)[order], sums[order], counts[order]
    is_last = np.append(task[1:] != task[:-1], True) if len(task) else np.zeros(0, bool)
    # sums of the same weights in another order are equal except for rounding
    is_tied = np.append(False, (task[1:] == task[:-1]) & (score[1:] - score[:-1] < 1e-9))
    is_tied = is_tied[: len(task)]
    winners = np.full(tasks, -1, dtype=np.int64)
    is_won = is_last & ~is_tied & (number >= min_votes)
    winners[task[is_won]] = (cells % values)[order][is_won]
    top = np.zeros(tasks)
    top[task[is_last]] = score[is_last]
    said = np.bincount(task, minlength=tasks)
    odds = np.bincount(task, weights=np.exp(score - top[task]), minlength=tasks)
    total = odds + (values - said) * np.exp(-top)
    return winners, np.divide(1, total, out=np.zeros(tasks), where=said > 0)


@attrs.frozen(eq=False)
class Estimate:
    """What Dawid and Skene's method has found."""

    tasks: Whole
    """The tasks that have a label, by number."""
    probabilities: Floats
    """By value and task."""
    shares: Floats
    """How frequent each value is."""
    pair_member: Whole
    """The member of each pair of a member and a value that they said."""
    pair_value: Whole
    pair_labels: Whole
    """How often they said it."""
    errors: Floats
    """By true value and pair: how probable it is that the member says it."""
    log_likelihoods: list[float]


def estimate_truth(
    codes: Codes, fixed: Mapping[int, int], iterations: int, tolerance: float
) -> Estimate:
    """Return the estimate after so many iterations, or when it stands still."""
    values = len(codes.values)
    tasks, task, votes = _renumber(codes.task)
    pairs, pair, pair_labels = _renumber(codes.member * values + codes.value)
    # only pairs that occur are kept: members by values by values may not fit into memory
    pair_member, pair_value = pairs // values, pairs % values
    is_known = np.isin(tasks, list(fixed))
    truths = np.array([fixed[number] for number in tasks[is_known].tolist()], dtype=np.int64)
    table = np.bincount(codes.value * len(tasks) + task, minlength=values * len(tasks))
    probabilities = table.reshape(values, len(tasks)) / votes
    _fix(probabilities, is_known, truths)
    errors = np.zeros((values, len(pairs)))
    likelihoods = list[float]()
    for _ in range(iterations):
        shares = probabilities.mean(axis=1)
        _estimate_errors(errors, probabilities, (pair, pair_member, task))
        for value in range(values):
            logarithms = np.log(np.maximum(errors[value], LEAST_SHARE))
            sums = np.bincount(task, weights=logarithms[pair], minlength=len(tasks))
            probabilities[value] = sums + np.log(max(float(shares[value]), LEAST_SHARE))
        likelihoods.append(_normalize(probabilities, is_known, truths))
        _fix(probabilities, is_known, truths)
        if len(likelihoods) > 1 and _stands_still(likelihoods, tolerance):
            break
    # what is told of members is what follows from what is told of tasks
    _estimate_errors(errors, probabilities, (pair, pair_member, task))
    return Estimate(
        tasks,
        probabilities,
        probabilities.mean(axis=1),
        pair_member,
        pair_value,
        pair_labels,
        errors,
        likelihoods,
    )


def _renumber(numbers: Whole) -> tuple[Whole, Whole, Whole]:
    """Return the numbers that occur, for each element the place of its own, and how often each."""
    if int(numbers.max()) > DENSE * len(numbers) + 1_000_000:
        found, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
        return found, places, counts
    # without sorting, which takes five times the memory of the labels
    counts = np.bincount(numbers)
    found = np.flatnonzero(counts)
    if len(found) == len(counts):
        return found, numbers, counts
    places = np.cumsum(counts > 0) - 1
    return found, places[numbers], counts[found]


def _estimate_errors(
    errors: Floats, probabilities: Floats, places: tuple[Whole, Whole, Whole]
) -> None:
    """Compute, in place, how probable each pair of a member and a value is, by true value.

    *places* are the pair of each label, the member of each pair, and the task of each label.
    """
    pair, pair_member, task = places
    for value, row in enumerate(probabilities):
        counts = np.bincount(pair, weights=row[task], minlength=len(pair_member))
        counts = np.maximum(counts, LEAST_COUNT)
        errors[value] = counts / np.bincount(pair_member, weights=counts)[pair_member]


def _normalize(table: Floats, is_known: NDArray[np.bool_], truths: Whole) -> float:
    """Make probabilities of logarithms in place, and return the log-likelihood."""
    known = table[truths, np.flatnonzero(is_known)].sum()
    most = table.max(axis=0)
    table -= most
    np.exp(table, out=table)
    total = table.sum(axis=0)
    table /= total
    return float((most + np.log(total))[~is_known].sum() + known)


def _fix(table: Floats, is_known: NDArray[np.bool_], truths: Whole) -> None:
    if len(truths):
        table[:, is_known] = 0
        table[truths, np.flatnonzero(is_known)] = 1


def _stands_still(likelihoods: list[float], tolerance: float) -> bool:
    rise = abs(likelihoods[-1] - likelihoods[-2])
    return rise < tolerance * max(1.0, abs(likelihoods[-1]))


Confusion = dict[int, dict[int, float]]


def list_skills(estimate: Estimate) -> Iterator[tuple[int, float, int, Confusion]]:
    """Yield each member with their accuracy, number of labels, and table of what they say."""
    pairs = len(estimate.pair_member)
    right = estimate.errors[estimate.pair_value, np.arange(pairs)]
    share = estimate.shares[estimate.pair_value]
    accuracy = np.bincount(estimate.pair_member, weights=right * share)
    labels = np.bincount(estimate.pair_member, weights=estimate.pair_labels)
    starts = np.flatnonzero(np.diff(estimate.pair_member, prepend=-1))
    ends: Any = np.append(starts[1:], pairs)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        member = int(estimate.pair_member[start])
        said = estimate.pair_value[start:end].tolist()
        confusion = {
            true: dict(zip(said, row, strict=True))
            for true, row in enumerate(estimate.errors[:, start:end].tolist())
        }
        yield member, float(accuracy[member]), int(labels[member]), confusion
