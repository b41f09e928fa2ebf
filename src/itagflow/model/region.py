"""Parts of an image.

Lengths and coordinates are pixels of the image as `Regions.width` × `Regions.height` describe it,
with the origin at the top left corner, x to the right and y down: those of the image as it is
stored, before `Regions.rotation`, by which it is only turned to be shown.

Every region has an ``area``, and all but a `Mask`, which does not know how high its image is, have
``bounds``; `Regions.bounds` has those of masks too.
"""

import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import accumulate, chain
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.annotation import Annotation
from itagflow.model.number import require_whole_number
from itagflow.model.text import to_text
from itagflow.model.validators import (
    Field,
    is_finite,
    make_error,
    number_above,
    require_tuple,
    show_value,
    to_number,
    to_tuple,
    to_whole,
    tuple_of,
    validate_number,
    validate_string,
    whole_number,
)
from itagflow.printing import format_count
from itagflow.reprs import show_fields

Points = tuple[tuple[float, float], ...]
"""Places on an image as (x, y), in pixels."""

MAX_SIDE = 2**31 - 1
"""How many pixels wide or high an image may be: what programs that show images count up to."""


@attrs.frozen
class Bounds:
    """The smallest upright rectangle around a region.

    >>> Bounds(10, 20, 110, 220).width
    100
    """

    left: float
    """The least x, in pixels."""
    top: float
    """The least y, in pixels."""
    right: float
    """The greatest x, in pixels."""
    bottom: float
    """The greatest y, in pixels."""

    @property
    def width(self) -> float:
        """From the left to the right, in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From the top to the bottom, in pixels."""
        return self.bottom - self.top

    __repr__ = show_fields


def _are_plain(points: object) -> bool:
    """Return whether *points* are a tuple of pairs of plain numbers, perhaps not finite.

    Stored outlines are, and may have thousands of points: this takes a tenth of the time of going
    through them in Python.
    """
    if type(points) is not tuple:
        return False
    places: tuple[Any, ...] = tuple(cast("Iterable[Any]", points))
    return (
        set(map(type, places)) <= {tuple}
        and set(map(len, places)) <= {2}
        and set(map(type, chain.from_iterable(places))) <= {int, float}
    )


def _have_finite_sum(points: Points) -> bool:
    """Return whether all numbers are finite, for sure: a false may also be due to large ones."""
    try:
        return math.isfinite(math.fsum(chain.from_iterable(points)))
    except (OverflowError, ValueError):
        return False


def _as_points(points: Iterable[Iterable[float]]) -> Points:
    if _are_plain(points):
        return cast(Points, points)
    places = to_tuple(points)
    if not isinstance(cast(object, places), tuple):
        return cast(Points, points)
    return tuple(_as_point(place) for place in places)


def _as_point(point: Iterable[float]) -> Any:
    pair = to_tuple(point)
    if not isinstance(cast(object, pair), tuple):
        return point
    return tuple(to_number(number) for number in pair)


def _as_holes(holes: Iterable[Iterable[Iterable[float]]]) -> tuple[Points, ...]:
    outlines = to_tuple(holes)
    if not isinstance(cast(object, outlines), tuple):
        return cast("tuple[Points, ...]", holes)
    return tuple(_as_points(outline) for outline in outlines)


def _find_points_problems(where: str, points: object, least: int) -> list[Problem]:
    """Return what keeps *points* from being at least so many places."""
    if _are_plain(points) and _have_finite_sum(cast(Points, points)):
        return _find_length_problems(where, cast(Points, points), least)
    if not isinstance(points, tuple):
        reason = f"must be several points (x, y), such as a list, not {show_value(points)}"
        return [Problem(where, reason)]
    places = cast("tuple[object, ...]", points)
    problems: list[Problem] = []
    for index, place in enumerate(places):
        pair: tuple[object, ...] = ()
        if isinstance(place, tuple):
            pair = cast("tuple[object, ...]", place)
        if len(pair) != 2:
            problems.append(Problem(f"{where}[{index}]", "must be a pair (x, y)"))
            continue
        for name, number in zip("xy", pair, strict=True):
            if not is_finite(number):
                reason = f"must be a finite number, not {show_value(number)}"
                problems.append(Problem(f"{where}[{index}].{name}", reason))
    return problems + _find_length_problems(where, places, least)


def _find_length_problems(where: str, points: tuple[object, ...], least: int) -> list[Problem]:
    if len(points) >= least:
        return []
    return [Problem(where, f"needs at least {format_count(least, 'point')}, not {len(points)}")]


def _validate_outline(owner: object, field: Field, points: object) -> None:
    if problems := _find_points_problems(field.name, points, 3):
        raise InvalidData(f"the {type(owner).__name__}", problems)


def _validate_line(owner: object, field: Field, points: object) -> None:
    if problems := _find_points_problems(field.name, points, 2):
        raise InvalidData(f"the {type(owner).__name__}", problems)


def _validate_holes(owner: object, field: Field, holes: object) -> None:
    outlines = require_tuple(owner, field, holes, "outlines")
    problems = [
        problem
        for index, outline in enumerate(outlines)
        for problem in _find_points_problems(f"{field.name}[{index}]", outline, 3)
    ]
    if problems:
        raise InvalidData(f"the {type(owner).__name__}", problems)


def measure_bounds(points: Iterable[Sequence[float]]) -> Bounds:
    """Return the smallest upright rectangle around *points*, at least one (x, y)."""
    across, down = zip(*points, strict=True)
    return Bounds(min(across), min(down), max(across), max(down))


def measure_area(outline: Sequence[Sequence[float]]) -> float:
    """Return the area that an outline encloses, by the shoelace formula.

    Where the outline crosses itself, areas that lie on its left and on its right count against each
    other.
    """
    # relative to a corner: the products of large coordinates would cancel out the digits that count
    left, top = outline[0]
    moved = [(x - left, y - top) for x, y in outline]
    doubled = sum(
        x * next_y - next_x * y
        for (x, y), (next_x, next_y) in zip(moved, (*moved[1:], moved[0]), strict=True)
    )
    return abs(doubled) / 2


def list_corners(x: float, y: float, width: float, height: float) -> Points:
    """Return the corners of an upright rectangle, clockwise from the top left, at *x* and *y*."""
    right, bottom = x + width, y + height
    return ((x, y), (right, y), (right, bottom), (x, bottom))


def turn_corners(x: float, y: float, width: float, height: float, angle: float) -> Points:
    """Return the corners of a rectangle about *x* and *y* that is turned clockwise by degrees."""
    across, down = width / 2, height / 2
    # the y axis of an image points down, so that this turns clockwise as one sees it
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = ((-across, -down), (across, -down), (across, down), (-across, down))
    return tuple((x + u * cos - v * sin, y + u * sin + v * cos) for u, v in corners)


@attrs.frozen
class Box(Annotation):
    """An upright rectangle on an image.

    >>> Box(10, 20, 100, 200, label="car").points
    ((10, 20), (110, 20), (110, 220), (10, 220))
    """

    x: float = attrs.field(converter=to_number, validator=validate_number)
    """The left edge, in pixels."""
    y: float = attrs.field(converter=to_number, validator=validate_number)
    """The top edge, in pixels."""
    width: float = attrs.field(converter=to_number, validator=number_above(0))
    """In pixels, more than 0."""
    height: float = attrs.field(converter=to_number, validator=number_above(0))
    """In pixels, more than 0."""

    @property
    def points(self) -> Points:
        """The corners, clockwise from the top left."""
        return list_corners(self.x, self.y, self.width, self.height)

    @property
    def bounds(self) -> Bounds:
        """The box itself."""
        return Bounds(self.x, self.y, self.x + self.width, self.y + self.height)

    @property
    def area(self) -> float:
        """Width times height, in square pixels."""
        return self.width * self.height

    __repr__ = show_fields


@attrs.frozen
class RotatedBox(Annotation):
    """A rectangle on an image, turned about its center.

    >>> [(round(x), round(y)) for x, y in RotatedBox(50, 50, 20, 10, 90).points]
    [(55, 40), (55, 60), (45, 60), (45, 40)]
    """

    x: float = attrs.field(converter=to_number, validator=validate_number)
    """The center, in pixels from the left."""
    y: float = attrs.field(converter=to_number, validator=validate_number)
    """The center, in pixels from the top."""
    width: float = attrs.field(converter=to_number, validator=number_above(0))
    """In pixels along the side that is level at angle 0; more than 0."""
    height: float = attrs.field(converter=to_number, validator=number_above(0))
    """In pixels along the other side; more than 0."""
    angle: float = attrs.field(converter=to_number, validator=validate_number)
    """By how many degrees it is turned, clockwise as one sees it."""

    @property
    def points(self) -> Points:
        """The corners, clockwise from the one that is at the top left at angle 0."""
        return turn_corners(self.x, self.y, self.width, self.height, self.angle)

    @property
    def bounds(self) -> Bounds:
        """The smallest upright rectangle around its four corners."""
        return measure_bounds(self.points)

    @property
    def area(self) -> float:
        """Width times height, in square pixels: turning does not change it."""
        return self.width * self.height

    __repr__ = show_fields


@attrs.frozen
class Polygon(Annotation):
    """A closed outline on an image, perhaps with holes.

    >>> len(Polygon([(0, 0), (10, 0), (10, 10)], label="roof").points)
    3
    """

    points: Points = attrs.field(converter=_as_points, validator=_validate_outline)
    """The corners as (x, y), at least three, in pixels."""
    holes: tuple[Points, ...] = attrs.field(
        default=(), converter=_as_holes, validator=_validate_holes
    )
    """The outlines of what is cut out of it, each of at least three corners."""

    @property
    def bounds(self) -> Bounds:
        """The smallest upright rectangle around its corners."""
        return measure_bounds(self.points)

    @property
    def area(self) -> float:
        """What the outline encloses less what its holes do, in square pixels.

        By the shoelace formula, half of the absolute sum of ``x[i] * y[i+1] - x[i+1] * y[i]``:
        where an outline crosses itself, what lies on its left counts against what lies on its
        right, and where holes overlap, their common part is taken away twice.
        """
        return measure_area(self.points) - sum(measure_area(hole) for hole in self.holes)

    __repr__ = show_fields


@attrs.frozen
class Polyline(Annotation):
    """An open line on an image, such as a lane.

    >>> Polyline([(0, 0), (10, 5)]).points[-1]
    (10, 5)
    """

    points: Points = attrs.field(converter=_as_points, validator=_validate_line)
    """The corners as (x, y), at least two, in pixels."""

    @property
    def bounds(self) -> Bounds:
        """The smallest upright rectangle around its corners."""
        return measure_bounds(self.points)

    @property
    def area(self) -> float:
        """0: a line has a length only."""
        return 0

    @property
    def length(self) -> float:
        """How long it is from its first to its last corner, in pixels."""
        # two corners far apart may be farther than a float can say, which `hypot` makes infinite
        pairs = zip(self.points, self.points[1:], strict=False)
        return sum(math.hypot(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in pairs)

    __repr__ = show_fields


@attrs.frozen
class Point(Annotation):
    """One place on an image.

    >>> Point(3, 4, label="nose").points
    ((3, 4),)
    """

    x: float = attrs.field(converter=to_number, validator=validate_number)
    """In pixels from the left."""
    y: float = attrs.field(converter=to_number, validator=validate_number)
    """In pixels from the top."""

    @property
    def points(self) -> Points:
        """The place itself."""
        return ((self.x, self.y),)

    @property
    def bounds(self) -> Bounds:
        """The place itself, without width and height."""
        return Bounds(self.x, self.y, self.x, self.y)

    @property
    def area(self) -> float:
        """0: a place has no extent."""
        return 0

    __repr__ = show_fields


class Visibility(IntEnum):
    """How well a keypoint is seen.  Source: COCO, *Data format*, keypoint detection."""

    ABSENT = 0
    """It is not on the image; its coordinates mean nothing."""
    HIDDEN = 1
    """Its place is known, and something covers it."""
    VISIBLE = 2


def _as_visibility(visibility: Visibility | int) -> Visibility:
    number = to_whole(visibility)
    if type(number) is int and number in (0, 1, 2):
        return Visibility(number)
    # refused by the validator, which knows what it is of
    return cast(Visibility, visibility)


def _validate_visibility(owner: object, field: Field, value: object) -> None:
    if not isinstance(value, Visibility):
        reason = f"must be 0 (absent), 1 (hidden) or 2 (visible), not {show_value(value)}"
        raise make_error(owner, field.name, reason)


@attrs.frozen
class Keypoint:
    """One named place of an object.

    >>> Keypoint("nose", 3, 4).visibility.name
    'VISIBLE'
    """

    name: str = attrs.field(converter=to_text, validator=validate_string)
    """Which of the question's keypoints it is."""
    x: float = attrs.field(default=0, converter=to_number, validator=validate_number)
    """In pixels from the left; 0 when it is absent."""
    y: float = attrs.field(default=0, converter=to_number, validator=validate_number)
    """In pixels from the top; 0 when it is absent."""
    visibility: Visibility = attrs.field(
        default=Visibility.VISIBLE, converter=_as_visibility, validator=_validate_visibility
    )
    """How well it is seen."""

    __repr__ = show_fields


def _as_keypoints(keypoints: Iterable[Keypoint]) -> tuple[Keypoint, ...]:
    return to_tuple(keypoints)


@attrs.frozen
class Keypoints(Annotation):
    """The named places of one object, such as the joints of a person.

    >>> Keypoints([Keypoint("nose", 3, 4), Keypoint("tail", visibility=0)]).points
    ((3, 4),)
    """

    keypoints: tuple[Keypoint, ...] = attrs.field(
        converter=_as_keypoints, validator=tuple_of("keypoints", Keypoint)
    )
    """The places, each name at most once."""

    @property
    def points(self) -> Points:
        """The places that are on the image."""
        return tuple(
            (at.x, at.y) for at in self.keypoints if at.visibility is not Visibility.ABSENT
        )

    @property
    def bounds(self) -> Bounds:
        """The smallest upright rectangle around the places that are on the image.

        Raises:
            InvalidData: when none is, so that there is nothing to go around.
        """
        if not self.points:
            raise InvalidData("the Keypoints", [Problem("keypoints", "none is on the image")])
        return measure_bounds(self.points)

    @property
    def area(self) -> float:
        """0: places have no extent.  COCO's files have the area of the object here."""
        return 0

    __repr__ = show_fields


def _as_counts(counts: Iterable[int]) -> tuple[int, ...]:
    several = to_tuple(counts)
    if not isinstance(cast(object, several), tuple):
        return several
    return tuple(to_whole(count) for count in several)


def _validate_counts(owner: object, field: Field, counts: object) -> None:
    runs = require_tuple(owner, field, counts, "counts of pixels")
    problems = [
        Problem(f"{field.name}[{index}]", f"must be a count of pixels, not {show_value(count)}")
        for index, count in enumerate(runs)
        if type(count) is not int or not 0 <= count <= MAX_SIDE * MAX_SIDE
    ]
    if problems:
        raise InvalidData(f"the {type(owner).__name__}", problems)


@attrs.frozen
class Mask(Annotation):
    """Pixels of an image, as COCO's run lengths.

    Pixels are counted down the first column, then the next; the first run is outside of the mask.
    Source: COCO, ``cocoapi/common/maskApi.h``.

    >>> Mask([2, 3, 1]).area
    3
    """

    counts: tuple[int, ...] = attrs.field(converter=_as_counts, validator=_validate_counts)
    """How many pixels each run has, outside and inside in turn; together width × height."""

    @property
    def area(self) -> int:
        """How many pixels are inside."""
        return sum(self.counts[1::2])

    def measure_bounds(self, height: int) -> Bounds:
        """Return the smallest upright rectangle around its pixels, on an image so many pixels high.

        Args:
            height: The image's height in pixels: counts go on from column to column.

        Raises:
            InvalidData: when no pixel is inside, so that there is nothing to go around; or when
                *height* is no whole number of at least 1.

        >>> Mask([5, 2, 2]).measure_bounds(height=3)
        Bounds(1, 0, 3, 3)
        """
        height = require_whole_number("the Mask", "height", height, least=1)
        ends = list(accumulate(self.counts))
        # the first and the last pixel of each run that is inside
        runs = [
            (ends[index] - self.counts[index], ends[index] - 1)
            for index in range(1, len(ends), 2)
            if self.counts[index]
        ]
        if not runs:
            raise InvalidData("the Mask", [Problem("counts", "has no pixel inside")])
        left, right = runs[0][0] // height, runs[-1][1] // height
        # a run that goes on into the next column has the last pixel of one and the first of another
        wraps = any(first // height != last // height for first, last in runs)
        if wraps:
            return Bounds(left, 0, right + 1, height)
        top = min(first % height for first, _ in runs)
        bottom = max(last % height for _, last in runs)
        return Bounds(left, top, right + 1, bottom + 1)

    __repr__ = show_fields


Region = Box | RotatedBox | Polygon | Polyline | Point | Keypoints | Mask
"""A part of an image."""


def _as_regions(regions: Iterable[Region]) -> tuple[Region, ...]:
    return to_tuple(regions)


def _validate_rotation(owner: object, field: Field, rotation: object) -> None:
    if type(rotation) is not int or rotation not in (0, 90, 180, 270):
        reason = f"must be 0, 90, 180 or 270 degrees, not {show_value(rotation)}"
        raise make_error(owner, field.name, reason)


@attrs.frozen
class Regions:
    """The regions marked on one image, as the answer to a PICTURE question.

    >>> len(Regions([Box(0, 0, 5, 5, label="cat")], width=640, height=480).regions)
    1
    """

    regions: tuple[Region, ...] = attrs.field(
        converter=_as_regions,
        validator=tuple_of("regions", Box, RotatedBox, Polygon, Polyline, Point, Keypoints, Mask),
    )
    """The regions, in the order drawn; empty when there is nothing to mark."""
    width: int = attrs.field(kw_only=True, converter=to_whole, validator=whole_number(0, MAX_SIDE))
    """The image's width in pixels; 0 where a file does not say it, which no answer can do."""
    height: int = attrs.field(kw_only=True, converter=to_whole, validator=whole_number(0, MAX_SIDE))
    """The image's height in pixels; 0 where a file does not say it, which no answer can do."""
    rotation: int = attrs.field(
        default=0, kw_only=True, converter=to_whole, validator=_validate_rotation
    )
    """By how many degrees the image was turned, clockwise, to be shown when it was labeled: 0, 90,
    180 or 270.  Coordinates are those of the image before it was turned."""

    @property
    def bounds(self) -> Sequence[Bounds]:
        """The bounds of each region, in the order of the regions.

        Raises:
            InvalidData: when a region has nothing to go around.

        >>> Regions([Mask([4, 2, 3])], width=3, height=3).bounds
        (Bounds(1, 1, 2, 3),)
        """
        return tuple(
            region.measure_bounds(self.height) if isinstance(region, Mask) else region.bounds
            for region in self.regions
        )

    __repr__ = show_fields
