"""What is counted as one: a task, or a cell, which is each region, span and segment of its answer.

Matched annotations are those that overlap by half; one is changed when they overlap by less than
nine tenths, or their labels differ.
"""

from __future__ import annotations

from collections.abc import Sequence

from itagflow.errors import InvalidData
from itagflow.measuring.look_rules import Look, has_changed
from itagflow.model.reply import Reply
from itagflow.model.task import Answer
from itagflow.quality.matching import (
    MARKS,
    Marks,
    MatchTerms,
    explain_difference,
    is_enough,
    list_parts,
    list_shapes,
    match_shapes,
)
from itagflow.quality.overlap import Shape
from itagflow.quality.values import StatisticsUnit

SAME_PLACE = MatchTerms(threshold=0.5)
ANY_LABEL = MatchTerms(threshold=0.5, same_label=False)
UNCHANGED = 0.9
"""How much what a reviewer left as it was overlaps with what was there, at least."""


def count_units(answer: Answer | None, unit: StatisticsUnit) -> int:
    """Return how many units an answer is: 1, or the cells that it has.

    A reply without annotations is one cell, also that there is nothing to mark; and so is a task
    that nobody has answered, or that was given up.
    """
    if unit is StatisticsUnit.ITEM or answer is None or answer.is_abandoned or not answer.replies:
        return 1
    return sum(map(_count_cells, answer.replies.values()))


def count_look_errors(look: Look, unit: StatisticsUnit) -> int:
    """Return how many units of what was checked are wrong.

    Which cells of a task are wrong that was judged so without another answer, nobody has said: all
    of them count.
    """
    if look.said is None:
        return 0
    if look.said.wrong:
        return count_units(look.submitted, unit)
    return count_changes(look.submitted, look.said, unit)


def count_changes(before: Answer | None, after: Answer, unit: StatisticsUnit) -> int:
    """Return how many units of *before* the answer *after* has changed; never more than it has.

    Of cells those that were added, removed or changed.
    """
    if not has_changed(before, after):
        return 0
    units = count_units(before, unit)
    if unit is StatisticsUnit.ITEM or before is None or before.is_abandoned or after.is_abandoned:
        return units
    old, new = before.replies or {}, after.replies or {}
    # what is kept of votes has no reply that could be another one
    ids = {**old, **new}.keys() - set(after.kept)
    return min(units, sum(_count_changed(old.get(id), new.get(id)) for id in ids))


def is_same_vote(vote: Answer, decided: Answer) -> bool:
    """Return whether *vote* says what was *decided*; what is marked need only match.

    The place of what several have marked is that of none of them.
    """
    if vote.is_abandoned or decided.is_abandoned:
        return vote.is_abandoned == decided.is_abandoned
    old, new = vote.replies or {}, decided.replies or {}
    ids = {**old, **new}.keys() - set(decided.kept)
    return all(_says_same(old.get(id), new.get(id)) for id in ids)


def _says_same(one: Reply | None, other: Reply | None) -> bool:
    if not (isinstance(one, MARKS) and isinstance(other, MARKS)):
        return one == other
    shapes = _list_comparable(one, other)
    if shapes is None:
        return one == other
    return match_shapes(*shapes, SAME_PLACE).f1 == 1


def _count_cells(reply: Reply | None) -> int:
    if isinstance(reply, MARKS):
        return max(1, len(list_parts(reply)))
    return 1


def _count_changed(before: Reply | None, after: Reply | None) -> int:
    if before == after:
        return 0
    if not (isinstance(before, MARKS) and isinstance(after, MARKS)):
        return max(_count_cells(before), _count_cells(after))
    shapes = _list_comparable(before, after)
    if shapes is None:
        return _count_cells(before)
    first, second = shapes
    same = match_shapes(first, second, SAME_PLACE).matches
    moved = sum(not is_enough(each.overlap, UNCHANGED) for each in same)
    # of what is left, what is in the same place has another label
    left = _leave_out(first, {each.first for each in same})
    right = _leave_out(second, {each.second for each in same})
    renamed = len(match_shapes(left, right, ANY_LABEL).matches)
    return moved + len(left) + len(right) - renamed


def _leave_out(shapes: Sequence[Shape], places: set[int]) -> list[Shape]:
    return [shape for place, shape in enumerate(shapes) if place not in places]


def _list_comparable(one: Marks, other: Marks) -> tuple[list[Shape], list[Shape]] | None:
    """Return the annotations of two replies; None where they cannot be compared."""
    if explain_difference(one, other):
        return None
    try:
        return list_shapes("the reply", one), list_shapes("the reply", other)
    except InvalidData:  # such as a mask without a pixel
        return None
