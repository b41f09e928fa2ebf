"""Regions, spans and segments: how much they overlap, and the best pairs of two sets."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest

from itagflow import (
    Box,
    InvalidData,
    Mask,
    Point,
    Polygon,
    Polyline,
    Regions,
    RotatedBox,
    Segment,
    Segments,
    Spans,
    TextSpan,
    quality,
)
from itagflow.model import Keypoint, Keypoints
from itagflow.quality.assigning import find_best_pairs
from itagflow.quality.matching import MatchTerms, measure_agreement
from itagflow.quality.overlap import make_shape, measure_overlap


def overlap(first: Any, second: Any, distance: float = 0) -> float:
    found = measure_overlap(make_shape(first, 100), make_shape(second, 100), distance)
    turned = measure_overlap(make_shape(second, 100), make_shape(first, 100), distance)
    assert found == pytest.approx(turned, abs=1e-12)
    return found


def regions(*boxes: tuple[float, ...], label: str = "car") -> Regions:
    return Regions([Box(*box, label=label) for box in boxes], width=100, height=100)


def mask(inside: set[tuple[int, int]], width: int = 20, height: int = 100) -> Mask:
    """A mask of these pixels (x, y)."""
    pixels = [(x, y) in inside for x in range(width) for y in range(height)]
    counts, is_inside = [0], False
    for pixel in pixels:
        if pixel is not is_inside:
            counts.append(0)
            is_inside = pixel
        counts[-1] += 1
    return Mask(counts)


SQUARE = Polygon([(0, 0), (10, 0), (10, 10), (0, 10)])
TURNED = Polygon([(0, 10), (10, 10), (10, 0), (0, 0)])


class TestOverlap:
    def test_boxes(self) -> None:
        assert overlap(Box(0, 0, 10, 10), Box(1, 0, 10, 10)) == pytest.approx(90 / 110)
        assert overlap(Box(0, 0, 10, 10), Box(10, 0, 10, 10)) == 0
        assert overlap(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1

    @pytest.mark.parametrize("square", [SQUARE, TURNED])
    def test_a_polygon_in_either_direction(self, square: Polygon) -> None:
        assert overlap(square, Box(1, 0, 10, 10)) == pytest.approx(90 / 110)
        assert overlap(square, Polygon([(0, 0), (10, 0), (0, 10)])) == pytest.approx(0.5)
        assert overlap(square, Box(20, 20, 1, 1)) == 0

    def test_sides_that_cross(self) -> None:
        star = Polygon([(5, -5), (15, 5), (5, 15), (-5, 5)])
        # the square of 100 lies inside of the diamond of 200 with nothing left over
        assert overlap(SQUARE, star) == pytest.approx(100 / 200)
        shifted = Polygon([(5, -2), (12, 5), (5, 12), (-2, 5)])
        # a diamond of 98 without four corners of 2 * 2 each
        assert overlap(SQUARE, shifted) == pytest.approx(82 / (100 + 98 - 82))

    def test_a_polygon_that_is_not_convex(self) -> None:
        angle = Polygon([(0, 0), (10, 0), (10, 2), (2, 2), (2, 10), (0, 10)])
        assert overlap(angle, Box(1, 1, 9, 9)) == pytest.approx(17 / (36 + 81 - 17))

    def test_holes(self) -> None:
        frame = Polygon(SQUARE.points, holes=[[(2, 2), (8, 2), (8, 8), (2, 8)]])
        assert overlap(frame, SQUARE) == pytest.approx(64 / 100)
        assert overlap(frame, Box(2, 2, 6, 6)) == 0
        assert overlap(frame, frame) == pytest.approx(1)

    def test_rotated_boxes(self) -> None:
        assert overlap(RotatedBox(5, 5, 10, 10, 90), Box(0, 0, 10, 10)) == pytest.approx(1)
        # two squares turned by 45 degrees have a regular octagon in common
        octagon = 2 * (2**0.5 - 1) * 100
        turned = RotatedBox(5, 5, 10, 10, 45)
        assert overlap(turned, SQUARE) == pytest.approx(octagon / (200 - octagon))

    @pytest.mark.parametrize("seed", range(5))
    def test_masks_are_compared_by_pixels(self, seed: int) -> None:
        random_ = random.Random(seed)
        sets = [{(random_.randrange(20), random_.randrange(100)) for _ in range(900)} for _ in "ab"]
        common, together = sets[0] & sets[1], sets[0] | sets[1]
        assert overlap(*map(mask, sets)) == pytest.approx(len(common) / len(together))
        box = {(x, y) for x in range(3, 11) for y in range(20, 50)}
        wanted = len(sets[0] & box) / len(sets[0] | box)
        assert overlap(mask(sets[0]), Box(3, 20, 8, 30)) == pytest.approx(wanted)

    def test_spans_and_segments(self) -> None:
        assert overlap(TextSpan(0, 10), TextSpan(5, 15)) == pytest.approx(5 / 15)
        assert overlap(TextSpan(0, 5), TextSpan(5, 9)) == 0
        assert overlap(Segment(1.5, 3.5), Segment(2.5, 3.5)) == pytest.approx(0.5)

    def test_places_have_a_distance(self) -> None:
        assert overlap(Point(0, 0), Point(3, 4)) == 0
        assert overlap(Point(3, 4), Point(3, 4)) == 1
        assert overlap(Point(0, 0), Point(3, 4), distance=5) == pytest.approx(0.5)
        assert overlap(Point(0, 0), Point(0, 1), distance=5) == pytest.approx(0.9)
        lines = Polyline([(0, 0), (10, 0)]), Polyline([(0, 2), (5, 2), (10, 2)])
        assert overlap(*lines, distance=4) == pytest.approx(0.75)
        noses = [Keypoints([Keypoint("nose", 0, 0), Keypoint("tail", x, 0)]) for x in (5, 9)]
        assert overlap(*noses, distance=4) == pytest.approx(0.75)
        hidden = Keypoints([Keypoint("nose", 0, 0), Keypoint("tail", visibility=0)])
        assert overlap(noses[0], hidden, distance=4) == 0
        assert overlap(Point(0, 0), Box(0, 0, 1, 1), distance=5) == 0

    def test_numbers_beyond_all_floats(self) -> None:
        large = Polygon([(0, 0), (10**300, 0), (10**300, 10**300)])
        assert 0 <= overlap(large, Box(0, 0, 10**300, 10**300)) <= 1


class TestPairs:
    def test_the_greedy_way_is_not_the_best(self) -> None:
        scores = {(0, 0): 0.60, (0, 1): 0.58, (1, 0): 0.55}
        assert find_best_pairs(scores) == [(0, 1), (1, 0)]

    @pytest.mark.parametrize("seed", range(200))
    def test_no_other_pairs_are_better(self, seed: int) -> None:
        random_ = random.Random(seed)
        rows, columns = random_.randint(1, 6), random_.randint(1, 6)
        scores = {
            (row, column): round(random_.random(), 2) + 0.01
            for row in range(rows)
            for column in range(columns)
            if random_.random() < 0.7
        }
        found = find_best_pairs(scores)
        assert len({row for row, _ in found}) == len({column for _, column in found}) == len(found)
        size = max(rows, columns)
        best = max(
            sum(scores.get((row, column), 0) for row, column in enumerate(order))
            for order in permutations(range(size))
        )
        assert sum(scores[pair] for pair in found) == pytest.approx(best)


class TestMatch:
    def test_the_example(self) -> None:
        found = quality.match(
            regions((0, 0, 10, 10), (20, 20, 10, 10)), regions((1, 0, 10, 10), (50, 50, 10, 10))
        )
        assert found.f1 == 0.5
        assert [(one.first, one.second) for one in found.matches] == [(0, 0)]
        assert found.overlap == pytest.approx(90 / 110)

    def test_nothing_on_one_side_or_both(self) -> None:
        nothing, something = regions(), regions((0, 0, 10, 10))
        assert quality.match(nothing, nothing).f1 == 1
        assert quality.match(nothing, something).f1 == 0
        assert quality.match(nothing, something).overlap is None

    def test_labels_may_differ_when_places_alone_count(self) -> None:
        pair = regions((0, 0, 10, 10)), regions((0, 0, 10, 10), label="van")
        assert quality.match(*pair).f1 == 0
        assert quality.match(*pair, same_label=False).f1 == 1

    def test_the_threshold_is_reached_but_for_rounding(self) -> None:
        pair = Spans([TextSpan(0, 3)]), Spans([TextSpan(0, 10)])
        assert quality.match(*pair, threshold=0.3).f1 == 1
        assert quality.match(*pair, threshold=0.31).f1 == 0
        assert quality.match(pair[0], pair[0], threshold=1).f1 == 1

    @pytest.mark.parametrize(
        ("second", "message"),
        [
            (Spans([]), "second: must be Regions like the other, not Spans"),
            (Regions([], width=50, height=100), "of another size: 50x100, not 100x100"),
            ("boxes", "second: must be regions, spans or segments"),
        ],
    )
    def test_what_cannot_be_compared(self, second: Any, message: str) -> None:
        with pytest.raises(InvalidData, match=message):
            quality.match(regions(), second)

    def test_a_mask_without_a_pixel_has_no_place(self) -> None:
        empty = Regions([Mask([100])], width=10, height=10)
        with pytest.raises(InvalidData, match="annotation 1: has no place"):
            quality.match(empty, empty)


class TestF1:
    def test_tasks_count_alike_or_by_their_annotations(self) -> None:
        one, four = regions((0, 0, 10, 10)), regions(*((20 * n, 0, 10, 10) for n in range(4)))
        labels = [(1, "ann", one), (1, "bob", regions()), (2, "ann", four), (2, "bob", four)]
        found = quality.f1(labels)
        assert (found.value, found.tasks, found.pairs, found.members) == (0.5, 2, 2, 2)
        assert found.micro == pytest.approx(8 / 9)
        assert found.overlap == 1
        assert found.by_label == {"car": pytest.approx(8 / 9)}

    def test_every_two_members_of_a_task(self) -> None:
        segments = Segments([Segment(0, 2, label="agent")])
        labels = [(1, "ann", segments), (1, "bob", segments), (1, "cy", Segments([]))]
        found = quality.f1(labels)
        assert found.value == pytest.approx(1 / 3)
        assert found.pairs == 3

    def test_each_label(self) -> None:
        first = Spans([TextSpan(0, 4, label="name"), TextSpan(5, 9, label="place")])
        second = Spans([TextSpan(0, 4, label="name"), TextSpan(5, 9, label="name")])
        found = quality.f1([(1, "ann", first), (1, "bob", second)])
        assert found.by_label == {"name": pytest.approx(2 / 3), "place": 0}
        loose = quality.f1([(1, "ann", first), (1, "bob", second)], same_label=False)
        assert loose.value == 1

    def test_no_task_with_two_labels(self) -> None:
        found = quality.f1([(1, "ann", regions()), (1, "bob", None)])
        assert (found.value, found.why) == (None, "no task has two labels")

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([(1, "ann", regions()), (1, "ann", regions())], "label 2: member 'ann' has another"),
            ([(1, "ann", "a box")], "label 1: must be regions, spans or segments"),
            ([(1, "ann")], r"label 1: must be \(task, member, marks\)"),
            ([([], "ann", regions())], "label 1: has a task or a member without a hash"),
            ([(1, "ann", regions()), (1, "bob", Spans([]))], "task 1: of 'bob': must be Regions"),
        ],
    )
    def test_what_is_no_label(self, labels: Any, message: str) -> None:
        with pytest.raises(InvalidData, match=message):
            quality.f1(labels)


def test_how_far_several_agree_is_the_mean_of_every_two() -> None:
    votes = [Segments([Segment(start, start + 5) for start in starts]) for starts in ([0, 9], [0])]
    assert measure_agreement(votes, MatchTerms()) == pytest.approx(2 / 3)
    three = [*votes, votes[0]]
    assert measure_agreement(three, MatchTerms()) == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert measure_agreement(votes[:1], MatchTerms()) == 1
