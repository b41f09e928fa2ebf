"""What several people marked, as one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from itagflow import (
    Box,
    InvalidData,
    Point,
    Polygon,
    Regions,
    Relation,
    Segment,
    Segments,
    Spans,
    TextSpan,
)
from itagflow.quality import merge_marks


def boxes(*places: tuple[float, float], label: str = "car", size: float = 10) -> Regions:
    found = [Box(x, y, size, size, label=label) for x, y in places]
    return Regions(found, width=100, height=100)


class TestBoxes:
    def test_the_mean_of_the_corners(self) -> None:
        votes = [boxes((0, 0), (20, 20)), boxes((1, 0), (50, 50)), boxes((0, 1))]
        found = merge_marks(votes, min_votes=2)
        assert found.marks is None
        assert [cluster.voters for cluster in found.clusters] == [(0, 1, 2), (0,), (1,)]
        merged = found.clusters[0].part
        assert (merged.x, merged.y, merged.width, merged.height) == pytest.approx(
            (1 / 3, 1 / 3, 10, 10)
        )
        assert found.reason == (
            "'car' at (20, 20) was marked by 1 of 3; 'car' at (50, 50) was marked by 1 of 3"
        )

    def test_all_found_it(self) -> None:
        found = merge_marks([boxes((0, 0)), boxes((2, 0))], min_votes=2)
        assert found.marks == Regions([Box(1, 0, 10, 10, label="car")], width=100, height=100)
        assert (found.confidence, found.reason) == (1, "")

    def test_two_of_three_are_enough(self) -> None:
        found = merge_marks([boxes((0, 0)), boxes(), boxes((0, 0))], min_votes=2)
        assert len(found.marks.regions) == 1
        assert found.confidence == pytest.approx(2 / 3)

    def test_nothing_was_marked(self) -> None:
        found = merge_marks([boxes(), boxes()], min_votes=2)
        assert (found.marks, found.confidence) == (boxes(), 1)

    def test_different_labels_are_a_dispute(self) -> None:
        found = merge_marks([boxes((0, 0)), boxes((0, 0), label="van")], min_votes=2)
        assert found.reason == "'car' at (0, 0) has different labels"

    def test_two_objects_in_one_place_keep_their_labels(self) -> None:
        def ride(shift: float) -> Regions:
            rider, horse = Box(shift, 0, 10, 10, label="rider"), Box(0, 2, 10, 10, label="horse")
            return Regions([rider, horse] if shift else [horse, rider], width=50, height=50)

        found = merge_marks([ride(0), ride(1), ride(2)], min_votes=3)
        assert {part.label for part in found.marks.regions} == {"rider", "horse"}

    def test_a_member_is_in_a_cluster_once(self) -> None:
        found = merge_marks([boxes((0, 0), (1, 1)), boxes((0, 0))])
        assert [cluster.voters for cluster in found.clusters] == [(0, 1), (0,)]

    def test_the_order_of_members_changes_nothing_where_clusters_are_apart(self) -> None:
        votes = [
            boxes((0, 0), (40, 40)),
            boxes((41, 40), (1, 1)),
            boxes((2, 0), (40, 42)),
            boxes((0, 1)),
        ]
        found = {
            tuple(
                sorted(
                    (round(part.x, 9), round(part.y, 9), len(cluster.voters))
                    for cluster in merge_marks(order).clusters
                    for part in [cluster.part]
                )
            )
            for order in permutations(votes)
        }
        assert len(found) == 1

    def test_weights_move_the_mean(self) -> None:
        found = merge_marks([boxes((0, 0)), boxes((2, 0))], min_votes=2, weights=[3, 1])
        assert found.marks.regions[0].x == pytest.approx(0.5)


class TestMedoids:
    def test_a_polygon_is_one_that_a_person_has_drawn(self) -> None:
        polygons = [Polygon([(0, 0), (10 + by, 0), (10 + by, 10), (0, 10)]) for by in (0, 1, 4)]
        votes = [Regions([polygon], width=50, height=50) for polygon in polygons]
        found = merge_marks(votes, min_votes=3)
        assert found.marks.regions == (polygons[1],)

    def test_a_span_ends_where_a_person_has_ended_it(self) -> None:
        spans = [TextSpan(0, end, label="name") for end in (4, 5, 9)]
        votes = [Spans([span]) for span in spans]
        assert merge_marks(votes, min_votes=2).marks.spans == (spans[1],)

    def test_segments(self) -> None:
        segments = [Segment(0.0, end, label="agent") for end in (2.0, 2.5, 4.0)]
        votes = [Segments([segment], duration=9) for segment in segments]
        found = merge_marks(votes, min_votes=2)
        assert found.marks == Segments([segments[1]], duration=9)

    def test_a_box_and_a_polygon(self) -> None:
        box, polygon = Box(0, 0, 10, 10), Polygon([(0, 0), (10, 0), (10, 9), (0, 9)])
        votes = [Regions([one], width=50, height=50) for one in (box, polygon, polygon)]
        assert merge_marks(votes, min_votes=3).marks.regions == (polygon,)

    def test_points_within_a_distance(self) -> None:
        votes = [Regions([Point(x, 0, label="eye")], width=50, height=50) for x in (0, 3)]
        assert merge_marks(votes, min_votes=2).reason.startswith("'eye' at (0, 0) was marked by 1")
        found = merge_marks(votes, min_votes=2, distance=3)
        assert found.marks.regions == (Point(1.5, 0, label="eye"),)


class TestRelations:
    FIRST, SECOND = TextSpan(0, 4, label="company"), TextSpan(9, 13, label="company")

    def test_the_same_spans_in_another_order(self) -> None:
        votes = [
            Spans([self.FIRST, self.SECOND], [Relation(0, 1, label="bought")]),
            Spans([self.SECOND, self.FIRST], [Relation(1, 0, label="bought")]),
        ]
        found = merge_marks(votes, min_votes=2)
        assert found.marks.relations == (Relation(0, 1, label="bought"),)

    def test_a_relation_that_few_have_is_a_dispute(self) -> None:
        votes = [
            Spans([self.FIRST, self.SECOND], [Relation(0, 1, label="bought")]),
            Spans([self.FIRST, self.SECOND], [Relation(1, 0, label="bought")]),
        ]
        found = merge_marks(votes, min_votes=2)
        assert found.reason == "2 relations with fewer than 2 votes"


@pytest.mark.parametrize(
    ("votes", "more", "message"),
    [
        ([], {}, "votes: has none"),
        ([boxes(), Spans([])], {}, "vote 2: must be Regions like the other"),
        (["a box"], {}, "vote 1: must be regions, spans or segments"),
        ([boxes()], {"weights": [1, 2]}, "weights: must be one for each of 1 vote, not 2"),
        ([boxes()], {"min_votes": 0}, "min_votes: must be at least 1"),
    ],
)
def test_what_is_refused(votes: Any, more: Any, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        merge_marks(votes, **more)
