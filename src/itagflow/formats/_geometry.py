"""Geometry that several formats share: run lengths of masks as text, and numbers in a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from itagflow.errors import InvalidData, Problem
from itagflow.model.region import Points

_DIGITS, _MORE, _SIGN = 0x1F, 0x20, 0x10
_FIRST = 48
"""The sign for 0: the text is of signs that people can see."""
_LAST = _FIRST + _DIGITS + _MORE


def encode_counts(counts: Sequence[int]) -> str:
    """Return run lengths as COCO's compressed text.  Source: ``rleToString`` of cocoapi.

    >>> encode_counts([6, 1, 40, 4, 5, 4, 5, 4, 21])
    '61X13mN000`0'
    """
    signs: list[str] = []
    for index, count in enumerate(counts):
        # from the third on, only the difference to the run of the same kind before
        rest = count - counts[index - 2] if index > 2 else count
        is_last = False
        while not is_last:
            digit = rest & _DIGITS
            rest >>= 5
            is_last = rest == (-1 if digit & _SIGN else 0)
            signs.append(chr(_FIRST + digit + (0 if is_last else _MORE)))
    return "".join(signs)


def decode_counts(text: str) -> list[int]:
    """Return the run lengths that COCO's compressed text says.

    Raises:
        InvalidData: when it is no such text.

    >>> decode_counts("61X13mN000`0")
    [6, 1, 40, 4, 5, 4, 5, 4, 21]
    """
    counts: list[int] = []
    value = shift = 0
    for sign in text:
        if not _FIRST <= ord(sign) <= _LAST:
            raise InvalidData("the mask", [Problem("counts", f"has {sign!r}, which no RLE has")])
        code = ord(sign) - _FIRST
        value |= (code & _DIGITS) << shift
        shift += 5
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise InvalidData("the mask", [Problem("counts", "ends in the middle of a number")])
    return counts


def flatten(points: Iterable[Sequence[float]]) -> list[float]:
    """Return points as numbers in a row, x and y in turn."""
    return [number for point in points for number in point]


def pair(numbers: Iterable[float]) -> list[tuple[float, float]]:
    """Return numbers in a row, x and y in turn, as points."""
    each = iter(numbers)
    return list(zip(each, each, strict=True))


def clip(outline: Points, width: float, height: float) -> Points:
    """Return the part of an outline that lies on an image; empty when none does.

    An outline that leaves the image and comes back stays one, and runs along the edge in between.
    Source: Sutherland and Hodgman, *Reentrant polygon clipping*, 1974.

    >>> clip(((-5, 0), (5, 0), (5, 10), (-5, 10)), 10, 10)
    ((0, 0.0), (5, 0), (5, 10), (0, 10.0))
    """
    kept = outline
    for axis, edge, sign in ((0, 0, 1), (1, 0, 1), (0, width, -1), (1, height, -1)):
        kept = _cut(kept, axis, edge, sign)
    return kept


def _cut(outline: Points, axis: int, edge: float, sign: int) -> Points:
    """Return the part of an outline on one side of a line: *sign* says on which."""
    inside = [(point[axis] - edge) * sign >= 0 for point in outline]
    if all(inside):
        return outline
    kept: list[tuple[float, float]] = []
    for place, point in enumerate(outline):
        if inside[place] != inside[place - 1]:
            kept.append(_cross(outline[place - 1], point, axis, edge))
        if inside[place]:
            kept.append(point)
    # a corner on the line is met twice
    return tuple(point for place, point in enumerate(kept) if point != kept[place - 1])


def _cross(
    start: tuple[float, float], end: tuple[float, float], axis: int, edge: float
) -> tuple[float, float]:
    """Return where the way from *start* to *end* meets a line."""
    part = (edge - start[axis]) / (end[axis] - start[axis])
    other = start[1 - axis] + part * (end[1 - axis] - start[1 - axis])
    return (edge, other) if axis == 0 else (other, edge)
