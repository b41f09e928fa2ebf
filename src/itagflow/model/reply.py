"""The answers to single questions: frozen values, compared by what they say.

Lengths and coordinates are pixels of the image as `Regions.width` × `Regions.height` describe it, with the
origin at the top left corner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from itagflow.errors import InvalidData, Problem


@attrs.frozen
class Choice:
    """The one option chosen in a RADIO question.

    >>> Choice("cat").key
    'cat'
    """

    key: str
    """The key of the option."""


def _as_tuple(values: Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


@attrs.frozen
class Choices:
    """The options chosen in a CHECKBOX question, in the order given.

    >>> Choices(["sport", "outdoor"]).keys
    ('sport', 'outdoor')
    """

    keys: tuple[str, ...] = attrs.field(converter=_as_tuple)
    """The keys of the options."""


@attrs.frozen
class Text:
    """The text given to an INPUT question.

    >>> Text("a red car").text
    'a red car'
    """

    text: str
    """What was written."""


@attrs.frozen
class Box:
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
    label: str | None = attrs.field(default=None, kw_only=True)
    """Short for the template's one question about regions; `labels` holds it once saved."""
    labels: Mapping[str, str | tuple[str, ...]] = attrs.field(factory=dict[str, "str | tuple[str, ...]"], kw_only=True)
    """What was answered about this region, by the title of the question."""
    id: str | None = attrs.field(default=None, kw_only=True, eq=False)
    """The region's own name; not part of equality, and derived at export when there is none."""

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """The corners, clockwise from the top left."""
        left, top, right, bottom = self.x, self.y, self.x + self.width, self.y + self.height
        return ((left, top), (right, top), (right, bottom), (left, bottom))


def _as_points(points: Iterable[Iterable[float]]) -> tuple[tuple[float, float], ...]:
    try:
        return tuple((x, y) for x, y in points)
    except (TypeError, ValueError):
        raise InvalidData("a polygon", [Problem("points", "each must be a pair (x, y)")]) from None


@attrs.frozen
class Polygon:
    """A closed outline on an image.

    >>> len(Polygon([(0, 0), (10, 0), (10, 10)], label="roof").points)
    3
    """

    points: tuple[tuple[float, float], ...] = attrs.field(converter=_as_points)
    """The corners as (x, y), at least three, in pixels."""
    label: str | None = attrs.field(default=None, kw_only=True)
    """Short for the template's one question about regions; `labels` holds it once saved."""
    labels: Mapping[str, str | tuple[str, ...]] = attrs.field(factory=dict[str, "str | tuple[str, ...]"], kw_only=True)
    """What was answered about this region, by the title of the question."""
    id: str | None = attrs.field(default=None, kw_only=True, eq=False)
    """The region's own name; not part of equality, and derived at export when there is none."""


Region = Box | Polygon
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
    """By how many degrees the image was turned when it was labeled: 0, 90, 180 or 270."""


Reply = Choice | Choices | Text | Regions
"""The answer to one question."""

Replies = Mapping[str, Reply]
"""The answers about one task, by question id."""
