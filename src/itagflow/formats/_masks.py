"""Masks as a file has them that counts pixels by rows, and within a box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from itagflow.errors import InvalidData, Problem

MOST_PIXELS = 2**28
"""How many pixels the columns of a mask may have: each is a byte for a while."""


def crop_mask(counts: Sequence[int], height: int, box: tuple[int, int, int, int]) -> list[int]:
    """Return run lengths by rows within a box, of run lengths by columns of the whole image.

    Args:
        counts: How many pixels each run has, outside and inside in turn, column by column.
        height: How high the image is.
        box: The left, the top, the width and the height, which hold every pixel of the mask.

    >>> crop_mask([2, 1, 1, 2], 3, (0, 1, 2, 2))
    [1, 3]
    """
    left, top, across, down = box
    rows = bytearray(across * down)
    ends = list(accumulate(counts))
    for index in range(1, len(ends), 2):
        place = ends[index] - counts[index]
        while place < ends[index]:
            column, row = divmod(place, height)
            length = min(height - row, ends[index] - place)
            first = (row - top) * across + column - left
            rows[first : first + (length - 1) * across + 1 : across] = b"\1" * length
            place += length
    return _count_runs(bytes(rows))


def spread_mask(
    counts: Sequence[int], size: tuple[int, int], box: tuple[int, int, int, int]
) -> list[int]:
    """Return run lengths by columns of the whole image, of run lengths by rows within a box.

    Args:
        counts: How many pixels each run has, outside and inside in turn, row by row.
        size: The width and the height of the image.
        box: The left, the top, the width and the height.

    Raises:
        InvalidData: when the box is not on the image, or the counts do not fill it.

    >>> spread_mask([1, 1, 2], (2, 3), (0, 1, 2, 2))
    [4, 1, 1]
    """
    (width, height), (left, top, across, down) = size, box
    if min(box) < 0 or left + across > width or top + down > height:
        raise _make_error("the box", "must lie on the image")
    if sum(counts) != across * down:
        raise _make_error("rle", f"must have {across} times {down} pixels, not {sum(counts)}")
    if across * height > MOST_PIXELS:
        raise _make_error("rle", f"has columns of more than {MOST_PIXELS} pixels")
    rows = b"".join(bytes([index % 2]) * count for index, count in enumerate(counts))
    above, below = bytes(top), bytes(height - top - down)
    columns = b"".join(above + rows[column::across] + below for column in range(across))
    runs = _count_runs(columns)
    runs[0] += left * height
    rest = (width - left - across) * height
    if len(runs) % 2:
        runs[-1] += rest
    elif rest:
        runs.append(rest)
    return runs


def _count_runs(pixels: bytes) -> list[int]:
    """Return how many equal pixels follow each other; first those outside, if only none."""
    return list(_iter_runs(pixels)) or [0]


def _iter_runs(pixels: bytes) -> Iterator[int]:
    place, wanted = 0, b"\1"
    while place < len(pixels):
        end = pixels.find(wanted, place)
        end = len(pixels) if end < 0 else end
        yield end - place
        place, wanted = end, b"\0" if wanted == b"\1" else b"\1"


def are_filled(counts: Iterable[int], width: int, height: int) -> bool:
    """Return whether run lengths are those of an image of this size."""
    return sum(counts) == width * height


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the mask", [Problem(where, reason)])
