"""The best pairs of two sets: one of each, with the highest sum of scores.

The Hungarian method with potentials, in O(n^3), for each group of elements that are joined by a
score; nearly always a group is one pair, and there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Scores = Mapping[tuple[int, int], float]
"""The scores of the pairs that are allowed, more than 0."""


def find_best_pairs(scores: Scores) -> list[tuple[int, int]]:
    """Return the pairs with the highest sum, each element in one of them at most.

    >>> find_best_pairs({(0, 0): 0.60, (0, 1): 0.58, (1, 0): 0.55})
    [(0, 1), (1, 0)]
    """
    found = list[tuple[int, int]]()
    for group in _split(scores):
        rows = sorted({row for row, _ in group})
        columns = sorted({column for _, column in group})
        if len(rows) == len(columns) == 1:
            found.append((rows[0], columns[0]))
            continue
        table = [[scores.get((row, column), 0.0) for column in columns] for row in rows]
        found += [
            (rows[row], columns[column]) for row, column in _solve(table) if table[row][column] > 0
        ]
    return sorted(found)


def _split(scores: Scores) -> list[list[tuple[int, int]]]:
    """Return the pairs in groups that have no element in common."""
    by_row, by_column = dict[int, list[int]](), dict[int, list[int]]()
    for row, column in scores:
        by_row.setdefault(row, []).append(column)
        by_column.setdefault(column, []).append(row)
    groups = list[list[tuple[int, int]]]()
    seen = set[int]()
    for first in by_row:
        if first in seen:
            continue
        group = list[tuple[int, int]]()
        waiting = [first]
        seen.add(first)
        while waiting:
            row = waiting.pop()
            for column in by_row[row]:
                group.append((row, column))
                fresh = [other for other in by_column[column] if other not in seen]
                seen.update(fresh)
                waiting += fresh
        groups.append(group)
    return groups


def _solve(table: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return one column for each row, or one row for each column, with the highest sum."""
    if len(table) > len(table[0]):
        turned = list(zip(*table, strict=True))
        return [(row, column) for column, row in _solve(turned)]
    height, width = len(table), len(table[0])
    potentials, column_potentials = [0.0] * (height + 1), [0.0] * (width + 1)
    # the row of each column; row and column 0 stand for none
    owner = [0] * (width + 1)
    for row in range(1, height + 1):
        owner[0] = row
        came_from = _extend(table, owner, potentials, column_potentials)
        at = came_from.pop()
        while at:
            before = came_from[at]
            owner[at] = owner[before]
            at = before
    return [(owner[column] - 1, column - 1) for column in range(1, width + 1) if owner[column]]


def _extend(
    table: Sequence[Sequence[float]],
    owner: list[int],
    potentials: list[float],
    column_potentials: list[float],
) -> list[int]:
    """Find the cheapest way to a free column: where each was come from, and last that column."""
    width = len(table[0])
    least = [float("inf")] * (width + 1)
    came_from = [0] * (width + 2)
    is_used = [False] * (width + 1)
    at = 0
    while True:
        is_used[at] = True
        row, step, following = owner[at], float("inf"), 0
        for column in range(1, width + 1):
            if is_used[column]:
                continue
            # the least cost is the highest score
            cost = -table[row - 1][column - 1] - potentials[row] - column_potentials[column]
            if cost < least[column]:
                least[column], came_from[column] = cost, at
            if least[column] < step:
                step, following = least[column], column
        for column in range(width + 1):
            if is_used[column]:
                potentials[owner[column]] += step
                column_potentials[column] -= step
            else:
                least[column] -= step
        at = following
        if not owner[at]:
            came_from[width + 1] = at
            return came_from
