"""How far two people agree on what they marked: regions, spans or segments.

Pairs of their annotations are matched, one to one, so that the overlaps have the highest sum.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_flag, require_kind, require_several
from itagflow.model.merging import LEAST_OVERLAP
from itagflow.model.number import require_number
from itagflow.model.region import Regions
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.printing import format_repr
from itagflow.quality.assigning import find_best_pairs
from itagflow.quality.overlap import AnyAnnotation, Shape, make_shape, measure_overlap
from itagflow.quality.rows import is_row
from itagflow.quality.values import Match, MatchAgreement, Matching

Marks = Regions | Spans | Segments
"""What somebody marked."""
MARKS = (Regions, Spans, Segments)
WANTED = "regions, spans or segments"


@attrs.frozen(kw_only=True)
class MatchTerms:
    """When two annotations are the same."""

    threshold: float = 0.5
    """How much they overlap at least."""
    same_label: bool = True
    """Whether they must have the same labels."""
    distance: float = 0
    """How far points, lines and keypoints may be apart at the threshold 0.5, in pixels."""


def match(
    first: Marks,
    second: Marks,
    *,
    threshold: float = 0.5,
    same_label: bool = True,
    distance: float = 0,
) -> Matching:
    """Match what two people marked in the same image, text or recording.

    Regions overlap by their common area divided by the area of both (IoU), spans by characters,
    segments by seconds.  Of all ways to pair them, that with the highest sum is taken (Hungarian
    method), which the greedy way may miss.  Relations between spans are not compared.

    Args:
        first: What one of them marked.
        second: What the other one marked.
        threshold: How much a pair must overlap, more than 0 and up to 1; 1 for exactly the same.
        same_label: Whether a pair must have the same labels.
        distance: How far points, lines and keypoints, which have no area, may be apart at the
            threshold 0.5, in pixels; with 0 they must be at the same place.

    Raises:
        InvalidData: when an argument is wrong, or the two are not of one kind, or of images of
            different size.

    >>> from itagflow import Segment, Segments
    >>> match(Segments([Segment(0, 10)]), Segments([Segment(0, 8), Segment(20, 30)])).f1
    0.6666666666666666
    """
    what = "quality.match"
    first = require_kind(what, "first", first, MARKS, WANTED)
    second = require_kind(what, "second", second, MARKS, WANTED)
    terms = parse_terms(what, threshold, same_label, distance)
    if problem := explain_difference(first, second):
        raise InvalidData(what, [Problem("second", problem)])
    return match_shapes(list_shapes(what, first), list_shapes(what, second), terms)


def f1(
    labels: Iterable[tuple[Hashable, Hashable, Marks | None]],
    *,
    threshold: float = 0.5,
    same_label: bool = True,
    distance: float = 0,
) -> MatchAgreement:
    """Return how far members agree on what they marked, by `match`, over many tasks.

    It is not corrected for chance: nobody marks the same place by chance.

    Args:
        labels: Each as (task, member, regions, spans or segments); None is missing.
        threshold: How much a pair must overlap, more than 0 and up to 1.
        same_label: Whether a pair must have the same labels; without it, places alone count.
        distance: As in `match`.

    Raises:
        InvalidData: when an argument is wrong, a member has two labels for a task, or two members
            marked things that cannot be compared.

    >>> from itagflow import Spans, TextSpan
    >>> spans = Spans([TextSpan(0, 4, label="company")])
    >>> f1([(1, "ann", spans), (1, "bob", spans), (2, "ann", spans), (2, "bob", Spans([]))]).value
    0.5
    """
    what = "quality.f1"
    terms = parse_terms(what, threshold, same_label, distance)
    tasks = _group_by_task(what, labels)
    several = {task: marks for task, marks in tasks.items() if len(marks) > 1}
    if not several:
        return MatchAgreement(why="no task has two labels")
    sums = _Sums()
    for task, marks in several.items():
        _add_task(sums, task, marks, terms)
    members = {member for marks in several.values() for member in marks}
    return MatchAgreement(
        value=math.fsum(sums.means) / len(sums.means),
        tasks=len(several),
        pairs=sums.pairs,
        members=len(members),
        micro=_divide(2 * sums.matched, sums.annotations),
        overlap=_divide(math.fsum(sums.overlaps), len(sums.overlaps)),
        by_label={
            label: 2 * sums.matched_by_label.get(label, 0) / number
            for label, number in sums.by_label.items()
        },
    )


@attrs.define
class _Sums:
    """What is counted over the pairs of members of all tasks."""

    means: list[float] = attrs.field(factory=list[float])
    overlaps: list[float] = attrs.field(factory=list[float])
    pairs: int = 0
    matched: int = 0
    annotations: int = 0
    by_label: dict[str | None, int] = attrs.field(factory=dict["str | None", int])
    matched_by_label: dict[str | None, float] = attrs.field(factory=dict["str | None", float])


def _add_task(sums: _Sums, task: object, marks: Mapping[Any, Marks], terms: MatchTerms) -> None:
    what = f"quality.f1: task {format_repr(task)}"
    shapes = {member: list_shapes(what, one) for member, one in marks.items()}
    scores = list[float]()
    for first, second in combinations(marks, 2):
        if problem := explain_difference(marks[first], marks[second]):
            raise InvalidData(what, [Problem(f"of {format_repr(second)}", problem)])
        found = match_shapes(shapes[first], shapes[second], terms)
        scores.append(found.f1)
        sums.overlaps += [one.overlap for one in found.matches]
        sums.matched += len(found.matches)
        sums.annotations += found.first + found.second
        for shape in (*shapes[first], *shapes[second]):
            label = shape.part.label
            sums.by_label[label] = sums.by_label.get(label, 0) + 1
        for one in found.matches:
            # half for each of the two, whose labels may differ
            for shape in (shapes[first][one.first], shapes[second][one.second]):
                label = shape.part.label
                sums.matched_by_label[label] = sums.matched_by_label.get(label, 0) + 0.5
    sums.pairs += len(scores)
    sums.means.append(math.fsum(scores) / len(scores))


def match_shapes(first: Sequence[Shape], second: Sequence[Shape], terms: MatchTerms) -> Matching:
    """Return the best pairs of two sets."""
    scores = dict[tuple[int, int], float]()
    for row, one in enumerate(first):
        for column, other in enumerate(second):
            if terms.same_label and not have_same_labels(one.part, other.part):
                continue
            overlap = measure_overlap(one, other, terms.distance)
            if is_enough(overlap, terms.threshold):
                scores[row, column] = overlap
    matches = tuple(
        Match(row, column, scores[row, column]) for row, column in find_best_pairs(scores)
    )
    return Matching(matches=matches, first=len(first), second=len(second))


def measure_agreement(votes: Sequence[Marks], terms: MatchTerms) -> float:
    """Return how far all who voted agree on what they marked: the mean F1 of every two of them.

    Raises:
        InvalidData: when an annotation has nothing to compare.
    """
    shapes = [list_shapes(f"vote {number}", vote) for number, vote in enumerate(votes, 1)]
    scores = [match_shapes(one, other, terms).f1 for one, other in combinations(shapes, 2)]
    return math.fsum(scores) / len(scores) if scores else 1.0


def is_enough(overlap: float, threshold: float) -> bool:
    """Return whether an overlap reaches the threshold, except for rounding."""
    return overlap >= threshold - 1e-12


def have_same_labels(first: AnyAnnotation, second: AnyAnnotation) -> bool:
    """Return whether two annotations have the same labels."""
    return first.labels == second.labels and first.label == second.label


def list_shapes(what: str, marks: Marks) -> list[Shape]:
    """Return the annotations as they are compared.

    Raises:
        InvalidData: when one has nothing to compare, such as a mask without a pixel.
    """
    parts = list_parts(marks)
    height = marks.height if isinstance(marks, Regions) else 0
    shapes = list[Shape]()
    for index, part in enumerate(parts):
        try:
            shapes.append(make_shape(part, height))
        except InvalidData as error:
            reason = f"has no place: {error}"
            raise InvalidData(what, [Problem(f"annotation {index + 1}", reason)]) from error
    return shapes


def list_parts(marks: Marks) -> tuple[AnyAnnotation, ...]:
    """Return the annotations of a reply."""
    if isinstance(marks, Regions):
        return marks.regions
    if isinstance(marks, Spans):
        return marks.spans
    return marks.segments


def explain_difference(first: Marks, second: Marks) -> str:
    """Return why two replies cannot be compared; empty when they can."""
    if type(first) is not type(second):
        return f"must be {type(first).__name__} like the other, not {type(second).__name__}"
    if isinstance(first, Regions) and isinstance(second, Regions):
        sizes = [(each.width, each.height) for each in (first, second)]
        # 0 is a size that is not known
        if sizes[0] != sizes[1] and all(map(all, sizes)):
            return "is of an image of another size: {}x{}, not {}x{}".format(*sizes[1], *sizes[0])
    return ""


def parse_terms(what: str, threshold: object, same_label: object, distance: object) -> MatchTerms:
    """Return when two annotations are the same, checked.

    Raises:
        InvalidData: when an argument is wrong.
    """
    return MatchTerms(
        threshold=require_number(what, "threshold", threshold, least=LEAST_OVERLAP, most=1),
        same_label=require_flag(what, "same_label", same_label),
        distance=require_number(what, "distance", distance, least=0),
    )


def _group_by_task(what: str, labels: Iterable[Any]) -> dict[Any, dict[Any, Marks]]:
    rows = require_several(what, "labels", labels, "labels as (task, member, marks)")
    tasks = dict[Any, dict[Any, Marks]]()
    for number, row in enumerate(rows, 1):
        where = f"label {number}"
        if not is_row(row, 3):
            reason = f"must be (task, member, marks), not {format_repr(row)}"
            raise InvalidData(what, [Problem(where, reason)])
        task, member, marks = cast("Sequence[Any]", row)
        try:
            own = tasks.setdefault(task, {})
            is_known = member in own
        except TypeError as error:
            reason = "has a task or a member without a hash"
            raise InvalidData(what, [Problem(where, reason)]) from error
        if is_known:
            reason = f"member {format_repr(member)} has another one for task {format_repr(task)}"
            raise InvalidData(what, [Problem(where, reason)])
        if marks is not None:
            own[member] = require_kind(what, where, marks, MARKS, WANTED)
    return tasks


def _divide(number: float, by: float) -> float | None:
    return number / by if by else None
