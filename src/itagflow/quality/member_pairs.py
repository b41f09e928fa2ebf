"""What every two members have said about the same tasks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from itagflow.quality.coding import Codes, Whole
from itagflow.quality.coefficients import Pairs, pair_labels


def join_two(codes: Codes, first: int, second: int) -> Pairs:
    """Return what two members, by their numbers, said about the tasks of both."""
    said = [np.full(len(codes.tasks), -1, dtype=np.int64) for _ in range(2)]
    for values, member in zip(said, (first, second), strict=True):
        own = codes.member == member
        values[codes.task[own]] = codes.value[own]
    both = (said[0] >= 0) & (said[1] >= 0)
    return Pairs(said[0][both], said[1][both], len(codes.values))


def compare_members(codes: Codes) -> Iterator[tuple[int, int, int, int, float | None]]:
    """Yield every two members with their common tasks, the equal ones among these, and kappa."""
    key, first, second = _join_all(codes)
    if not len(key):
        return
    keys, group = np.unique(key, return_inverse=True)
    tasks = np.bincount(group)
    agreeing = np.bincount(group, weights=first == second)
    by_chance = _count_by_chance(group, first, second, len(codes.values))
    members = len(codes.members)
    for at, pair in enumerate(keys.tolist()):
        n = int(tasks[at])
        # in whole numbers: whether there is no kappa must not depend on rounding
        rest = n * n - int(by_chance[at])
        kappa = None if rest == 0 else 1 - (n - int(agreeing[at])) * n / rest
        yield pair // members, pair % members, n, int(agreeing[at]), kappa


def sum_by_member(codes: Codes) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield each member with the tasks in common with others, pairs, equal ones, and others."""
    members = len(codes.members)
    key, first, second = _join_all(codes)
    one, other = key // max(members, 1), key % max(members, 1)
    same = (first == second).astype(float)
    pairs = np.bincount(one, minlength=members) + np.bincount(other, minlength=members)
    agreeing = np.bincount(one, weights=same, minlength=members)
    agreeing = agreeing + np.bincount(other, weights=same, minlength=members)
    labels = np.bincount(codes.task, minlength=len(codes.tasks))
    shared = np.bincount(codes.member[labels[codes.task] > 1], minlength=members)
    distinct = np.unique(key)
    others = np.bincount(distinct // max(members, 1), minlength=members)
    others = others + np.bincount(distinct % max(members, 1), minlength=members)
    for member in range(members):
        yield (
            member,
            int(shared[member]),
            int(pairs[member]),
            int(agreeing[member]),
            int(others[member]),
        )


def _join_all(codes: Codes) -> tuple[Whole, Whole, Whole]:
    """Return a key of two members, and what each of them said, for every pair of labels."""
    members = max(len(codes.members), 1)
    keys, firsts, seconds = list[Whole](), list[Whole](), list[Whole]()
    for left, right in pair_labels(codes.task):
        is_ordered = codes.member[left] < codes.member[right]
        first, second = np.where(is_ordered, left, right), np.where(is_ordered, right, left)
        keys.append(codes.member[first] * members + codes.member[second])
        firsts.append(codes.value[first])
        seconds.append(codes.value[second])
    if not keys:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty
    return np.concatenate(keys), np.concatenate(firsts), np.concatenate(seconds)


def _count_by_chance(group: Whole, first: Whole, second: Whole, values: int) -> Whole:
    """Return the sum over values of how often one member used it times the other, by group."""
    rows, row_counts = np.unique(group * values + first, return_counts=True)
    columns, column_counts = np.unique(group * values + second, return_counts=True)
    _, in_rows, in_columns = np.intersect1d(rows, columns, assume_unique=True, return_indices=True)
    products = row_counts[in_rows] * column_counts[in_columns]
    sums = np.bincount(rows[in_rows] // values, weights=products, minlength=int(group.max()) + 1)
    return sums.astype(np.int64)
