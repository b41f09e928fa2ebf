"""Parts of an image.

Lengths and coordinates are pixels of the image as `Regions.width` × `Regions.height` describe it,
with the origin at the top left corner, x to the right and y down: those of the image as it is
stored, before `Regions.rotation`, by which it is only turned to be shown.
"""

import math
from collections.abc import Iterable
from enum import IntEnum

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.annotation import Annotation
from itagflow.reprs import show_fields

Points = tuple[tuple[float, float], ...]
"""Places on an image as (x, y), in pixels."""


def _as_points(points: Iterable[Iterable[float]]) -> Points:
    try:
        return tuple((x, y) for x, y in points)
    except (TypeError, ValueError):
        raise InvalidData("a region", [Problem("points", "each must be a pair (x, y)")]) from None


def _as_holes(holes: Iterable[Iterable[Iterable[float]]]) -> tuple[Points, ...]:
    return tuple(_as_points(hole) for hole in holes)


@attrs.frozen
class Box(Annotation):
    """An upright rectangle on an image.

    >>> Box(10, 20, 100, 200, label="car").points
    ((10, 20), (110, 20), (110, 220), (10, 220))
    """

    x: float
    """The left edge, in pixels."""
    y: float
    """The top edge, in pixels."""
    width: float
    """In pixels, more than 0."""
    height: float
    """In pixels, more than 0."""

    @property
    def points(self) -> Points:
        """The corners, clockwise from the top left."""
        left, top, right, bottom = self.x, self.y, self.x + self.width, self.y + self.height
        return ((left, top), (right, top), (right, bottom), (left, bottom))

    __repr__ = show_fields


@attrs.frozen
class RotatedBox(Annotation):
    """A rectangle on an image, turned about its center.

    >>> [(round(x), round(y)) for x, y in RotatedBox(50, 50, 20, 10, 90).points]
    [(55, 40), (55, 60), (45, 60), (45, 40)]
    """

    x: float
    """The center, in pixels from the left."""
    y: float
    """The center, in pixels from the top."""
    width: float
    """In pixels along the side that is level at angle 0; more than 0."""
    height: float
    """In pixels along the other side; more than 0."""
    angle: float
    """By how many degrees it is turned, clockwise as one sees it."""

    @property
    def points(self) -> Points:
        """The corners, clockwise from the one that is at the top left at angle 0."""
        across, down = self.width / 2, self.height / 2
        # the y axis of an image points down, so that this turns clockwise as one sees it
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        corners = ((-across, -down), (across, -down), (across, down), (-across, down))
        return tuple((self.x + u * cos - v * sin, self.y + u * sin + v * cos) for u, v in corners)

    __repr__ = show_fields


@attrs.frozen
class Polygon(Annotation):
    """A closed outline on an image, perhaps with holes.

    >>> len(Polygon([(0, 0), (10, 0), (10, 10)], label="roof").points)
    3
    """

    points: Points = attrs.field(converter=_as_points)
    """The corners as (x, y), at least three, in pixels."""
    holes: tuple[Points, ...] = attrs.field(default=(), converter=_as_holes)
    """The outlines of what is cut out of it, each of at least three corners."""

    __repr__ = show_fields


@attrs.frozen
class Polyline(Annotation):
    """An open line on an image, such as a lane.

    >>> Polyline([(0, 0), (10, 5)]).points[-1]
    (10, 5)
    """

    points: Points = attrs.field(converter=_as_points)
    """The corners as (x, y), at least two, in pixels."""

    __repr__ = show_fields


@attrs.frozen
class Point(Annotation):
    """One place on an image.

    >>> Point(3, 4, label="nose").points
    ((3, 4),)
    """

    x: float
    """In pixels from the left."""
    y: float
    """In pixels from the top."""

    @property
    def points(self) -> Points:
        """The place itself."""
        return ((self.x, self.y),)

    __repr__ = show_fields


class Visibility(IntEnum):
    """How well a keypoint is seen.  Source: COCO, *Data format*, keypoint detection."""

    ABSENT = 0
    """It is not on the image; its coordinates mean nothing."""
    HIDDEN = 1
    """Its place is known, and something covers it."""
    VISIBLE = 2


@attrs.frozen
class Keypoint:
    """One named place of an object.

    >>> Keypoint("nose", 3, 4).visibility.name
    'VISIBLE'
    """

    name: str
    """Which of the question's keypoints it is."""
    x: float = 0
    """In pixels from the left; 0 when it is absent."""
    y: float = 0
    """In pixels from the top; 0 when it is absent."""
    visibility: Visibility = attrs.field(default=Visibility.VISIBLE, converter=Visibility)
    """How well it is seen."""

    __repr__ = show_fields


def _as_keypoints(keypoints: Iterable[Keypoint]) -> tuple[Keypoint, ...]:
    return tuple(keypoints)


@attrs.frozen
class Keypoints(Annotation):
    """The named places of one object, such as the joints of a person.

    >>> Keypoints([Keypoint("nose", 3, 4), Keypoint("tail", visibility=0)]).points
    ((3, 4),)
    """

    keypoints: tuple[Keypoint, ...] = attrs.field(converter=_as_keypoints)
    """The places, each name at most once."""

    @property
    def points(self) -> Points:
        """The places that are on the image."""
        return tuple(
            (at.x, at.y) for at in self.keypoints if at.visibility is not Visibility.ABSENT
        )

    __repr__ = show_fields


def _as_counts(counts: Iterable[int]) -> tuple[int, ...]:
    return tuple(counts)


@attrs.frozen
class Mask(Annotation):
    """Pixels of an image, as COCO's run lengths.

    Pixels are counted down the first column, then the next; the first run is outside of the mask.
    Source: COCO, ``cocoapi/common/maskApi.h``.

    >>> Mask([2, 3, 1]).area
    3
    """

    counts: tuple[int, ...] = attrs.field(converter=_as_counts)
    """How many pixels each run has, outside and inside in turn; together width × height."""

    @property
    def area(self) -> int:
        """How many pixels are inside."""
        return sum(self.counts[1::2])

    __repr__ = show_fields


Region = Box | RotatedBox | Polygon | Polyline | Point | Keypoints | Mask
"""A part of an image."""


def _as_regions(regions: Iterable[Region]) -> tuple[Region, ...]:
    return tuple(regions)


@attrs.frozen
class Regions:
    """The regions marked on one image, as the answer to a PICTURE question.

    >>> len(Regions([Box(0, 0, 5, 5, label="cat")], width=640, height=480).regions)
    1
    """

    regions: tuple[Region, ...] = attrs.field(converter=_as_regions)
    """The regions, in the order drawn; empty when there is nothing to mark."""
    width: int = attrs.field(kw_only=True)
    """The image's width in pixels."""
    height: int = attrs.field(kw_only=True)
    """The image's height in pixels."""
    rotation: int = attrs.field(default=0, kw_only=True)
    """By how many degrees the image was turned, clockwise, to be shown when it was labeled: 0, 90,
    180 or 270.  Coordinates are those of the image before it was turned."""

    __repr__ = show_fields
