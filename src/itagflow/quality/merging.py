"""What several people marked, as one: clusters of annotations that are the same.

One pass in a fixed order (member, then annotation): an annotation joins the cluster with which it
overlaps most, of its own label before any other, if that is enough and the cluster has none of the
same member; else it opens one.  The order matters only where annotations overlap in chains.

For boxes and points a cluster's annotation is their mean.  For everything else it is the one that
has the highest mean overlap with the others (the medoid): a span ends where a person has ended it,
and no outline is invented.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind, require_optional_several, require_several
from itagflow.model.number import require_number, require_whole_number
from itagflow.model.region import Box, Point, Region, Regions
from itagflow.model.segment import Segment, Segments
from itagflow.model.span import Relation, Spans, TextSpan
from itagflow.printing import format_count
from itagflow.quality.matching import (
    MARKS,
    WANTED,
    Marks,
    MatchTerms,
    explain_difference,
    have_same_labels,
    is_enough,
    list_shapes,
    parse_terms,
)
from itagflow.quality.overlap import AnyAnnotation, Shape, make_shape, measure_overlap
from itagflow.quality.values import Cluster, MergedMarks

T = TypeVar("T")
WHAT = "quality.merge_marks"
MAX_WEIGHT = 1e6


@attrs.define
class _Cluster:
    """A cluster that is being filled."""

    shapes: list[Shape]
    voters: list[int]
    weights: list[float]
    sources: list[int]
    """The index of each annotation in what its voter marked."""
    center: Shape
    """What the next annotation is compared with, of boxes and points."""

    def measure(self, shape: Shape, distance: float) -> float:
        """Return how much an annotation overlaps with those of the cluster."""
        if _has_mean(self.shapes):
            return measure_overlap(shape, self.center, distance)
        overlaps = [measure_overlap(shape, other, distance) for other in self.shapes]
        return math.fsum(overlaps) / len(overlaps)


def merge_marks(
    votes: Iterable[Marks],
    *,
    min_votes: int = 1,
    threshold: float = 0.5,
    distance: float = 0,
    weights: Iterable[float] | None = None,
) -> MergedMarks:
    """Return what several people marked in the same image, text or recording, as one.

    It is disputed when an annotation was found by fewer than *min_votes*, or with different labels.
    Relations between spans are kept when *min_votes* have them between the same spans, and disputed
    else.

    Args:
        votes: What each of them marked, in a fixed order of members.
        min_votes: How many must have found an annotation.
        threshold: How much annotations that are the same overlap at least, up to 1.
        distance: How far points, lines and keypoints may be apart at the threshold 0.5, in pixels.
        weights: How much each voter counts for the mean of boxes and points, more than 0.

    Raises:
        InvalidData: when an argument is wrong, or the votes are not of one kind, or of images of
            different size.

    >>> from itagflow import Box, Regions
    >>> votes = [Regions([Box(x, 0, 10, 10)], width=50, height=50) for x in (0, 1, 2)]
    >>> merge_marks(votes, min_votes=2).marks.regions
    (Box(1.0, 0.0, 10.0, 10.0),)
    """
    given = require_several(WHAT, "votes", votes, WANTED)
    for number, vote in enumerate(given, 1):
        require_kind(WHAT, f"vote {number}", vote, MARKS, WANTED)
        if problem := explain_difference(given[0], vote):
            raise InvalidData(WHAT, [Problem(f"vote {number}", problem)])
    if not given:
        raise InvalidData(WHAT, [Problem("votes", "has none")])
    least = require_whole_number(WHAT, "min_votes", min_votes, least=1)
    terms = parse_terms(WHAT, threshold, False, distance)
    return merge_votes(given, least, terms, _parse_weights(weights, len(given)))


def merge_votes(
    votes: Sequence[Marks], min_votes: int, terms: MatchTerms, weights: Sequence[float]
) -> MergedMarks:
    """Return what several people marked as one; the arguments are checked."""
    shapes = [list_shapes(f"{WHAT}: vote {number}", vote) for number, vote in enumerate(votes, 1)]
    filled = _fill_clusters(shapes, weights, terms)
    clusters = tuple(_finish(cluster, terms.distance) for cluster in filled)
    reasons = list(filter(None, (_explain(one, min_votes, len(votes)) for one in clusters)))
    relations, relation_reasons = _merge_relations(votes, filled, min_votes)
    reasons += relation_reasons
    # as sure as of the annotation that is least sure
    shares = [len(one.voters) / len(votes) for one in clusters]
    shown = MergedMarks(
        clusters=clusters, confidence=min(shares, default=1.0), reason="; ".join(reasons)
    )
    if reasons:
        return attrs.evolve(shown, confidence=None)
    parts = [one.part for one in clusters]
    return attrs.evolve(shown, marks=_make_marks(votes[0], parts, relations))


def _fill_clusters(
    shapes: Sequence[Sequence[Shape]], weights: Sequence[float], terms: MatchTerms
) -> list[_Cluster]:
    clusters = list[_Cluster]()
    for voter, own in enumerate(shapes):
        for source, shape in enumerate(own):
            cluster = _find_cluster(clusters, voter, shape, terms)
            if cluster is None:
                clusters.append(_Cluster([shape], [voter], [weights[voter]], [source], shape))
                continue
            cluster.shapes.append(shape)
            cluster.voters.append(voter)
            cluster.weights.append(weights[voter])
            cluster.sources.append(source)
            if _has_mean(cluster.shapes):
                cluster.center = make_shape(_find_mean(cluster), shape.height)
    return clusters


def _find_cluster(
    clusters: Sequence[_Cluster], voter: int, shape: Shape, terms: MatchTerms
) -> _Cluster | None:
    """Return the cluster that an annotation belongs to; the first of equals."""
    best, best_rank = None, (False, 0.0)
    for cluster in clusters:
        if voter in cluster.voters:
            continue
        overlap = cluster.measure(shape, terms.distance)
        if not is_enough(overlap, terms.threshold):
            continue
        # two objects may lie in one place: a rider and their horse
        rank = (have_same_labels(shape.part, cluster.shapes[0].part), overlap)
        if best is None or rank > best_rank:
            best, best_rank = cluster, rank
    return best


def _has_mean(shapes: Sequence[Shape]) -> bool:
    kinds = {type(shape.part) for shape in shapes}
    return kinds in ({Box}, {Point})


def _find_mean(cluster: _Cluster) -> Region:
    """Return the mean of boxes, corner by corner, or of points; labels are those of the first."""
    parts = [shape.part for shape in cluster.shapes]
    first = parts[0]
    total = math.fsum(cluster.weights)

    def average(get: Callable[[T], float], each: Sequence[T]) -> float:
        pairs = zip(each, cluster.weights, strict=True)
        return math.fsum(weight * get(one) for one, weight in pairs) / total

    boxes = [part for part in parts if isinstance(part, Box)]
    if isinstance(first, Box):
        return attrs.evolve(
            first,
            x=average(lambda box: box.x, boxes),
            y=average(lambda box: box.y, boxes),
            width=average(lambda box: box.width, boxes),
            height=average(lambda box: box.height, boxes),
            id=None,
        )
    points = [part for part in parts if isinstance(part, Point)]
    return Point(
        average(lambda point: point.x, points),
        average(lambda point: point.y, points),
        labels=first.labels,
        label=first.label,
    )


def _finish(cluster: _Cluster, distance: float) -> Cluster:
    parts = [shape.part for shape in cluster.shapes]
    part: AnyAnnotation = parts[0]
    # where all marked the very same, as people who confirm a pre-label do, it stays as it is
    if any(other != part for other in parts):
        part = _find_mean(cluster) if _has_mean(cluster.shapes) else _find_medoid(cluster, distance)
    return Cluster(
        part=part,
        voters=tuple(cluster.voters),
        has_one_label=all(have_same_labels(parts[0], other) for other in parts),
    )


def _find_medoid(cluster: _Cluster, distance: float) -> AnyAnnotation:
    """Return the annotation with the highest mean overlap with the others; the first of equals."""
    sums = [
        math.fsum(measure_overlap(one, other, distance) for other in cluster.shapes)
        for one in cluster.shapes
    ]
    # sums of the same overlaps in another order are equal except for rounding
    most = max(sums)
    return next(
        shape.part for shape, each in zip(cluster.shapes, sums, strict=True) if each >= most - 1e-12
    )


def _explain(cluster: Cluster, min_votes: int, voters: int) -> str:
    """Return why a cluster is disputed; empty when it is not."""
    found = len(cluster.voters)
    place = describe_place(cluster.part)
    if found < min_votes:
        return f"{place} was marked by {found} of {voters}"
    if not cluster.has_one_label:
        return f"{place} has different labels"
    return ""


def describe_place(part: AnyAnnotation) -> str:
    """Return what is marked, and where, in a few words.

    >>> describe_place(TextSpan(3, 9, label="city"))
    "'city' at 3-9"
    """
    name = type(part).__name__.lower() if part.label is None else repr(part.label)
    if isinstance(part, TextSpan | Segment):
        return f"{name} at {part.start:g}-{part.end:g}"
    points = getattr(part, "points", None)
    if not points:
        return name
    return f"{name} at ({points[0][0]:g}, {points[0][1]:g})"


def _merge_relations(
    votes: Sequence[Marks], clusters: Sequence[_Cluster], min_votes: int
) -> tuple[list[Relation], list[str]]:
    """Return the relations between clusters, and why some are disputed."""
    cluster_of = {
        (voter, source): number
        for number, cluster in enumerate(clusters)
        for voter, source in zip(cluster.voters, cluster.sources, strict=True)
    }
    found = list[tuple[Relation, set[int]]]()
    for voter, vote in enumerate(votes):
        if not isinstance(vote, Spans):
            continue
        for relation in vote.relations:
            ends = [cluster_of.get((voter, end)) for end in (relation.source, relation.target)]
            source, target = ends
            if source is None or target is None or source == target:
                continue
            joined = attrs.evolve(relation, source=source, target=target)
            known = next((voters for other, voters in found if other == joined), None)
            if known is None:
                found.append((joined, {voter}))
            else:
                known.add(voter)
    few = [len(voters) for _, voters in found if len(voters) < min_votes]
    if few:
        return [], [f"{format_count(len(few), 'relation')} with fewer than {min_votes} votes"]
    return [relation for relation, _ in found], []


def _make_marks(
    vote: Marks, parts: Sequence[AnyAnnotation], relations: Sequence[Relation]
) -> Marks:
    if isinstance(vote, Regions):
        return attrs.evolve(
            vote,
            regions=tuple(part for part in parts if not isinstance(part, TextSpan | Segment)),
        )
    if isinstance(vote, Spans):
        return Spans([part for part in parts if isinstance(part, TextSpan)], relations)
    segments = [part for part in parts if isinstance(part, Segment)]
    return Segments(segments, duration=vote.duration)


def _parse_weights(weights: Iterable[float] | None, voters: int) -> list[float]:
    given = require_optional_several(WHAT, "weights", weights, "numbers, one for each vote")
    if given is None:
        return [1.0] * voters
    if len(given) != voters:
        reason = f"must be one for each of {format_count(voters, 'vote')}, not {len(given)}"
        raise InvalidData(WHAT, [Problem("weights", reason)])
    return [
        float(require_number(WHAT, "weights", weight, least=1e-6, most=MAX_WEIGHT))
        for weight in given
    ]
