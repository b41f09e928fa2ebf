"""Regions of an image, as SVG."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Sequence

from itagflow.display.html import MAX_WIDTH, Html, Palette, escape, name_label
from itagflow.display.sources import read_source
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.number import require_whole_number
from itagflow.model.region import (
    Box,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Polyline,
    Region,
    Regions,
    RotatedBox,
    Visibility,
)

ImageInput = str | os.PathLike[str] | bytes | None
"""An image: its path, its bytes, an address that begins with ``http`` or ``data:``, or none."""
_KINDS = {
    b"\x89PNG": "image/png",
    b"\xff\xd8": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


def show_regions(image: ImageInput, reply: Regions, *, width: int = 480) -> Html:
    """Show the regions of an image, with their labels.

    Args:
        image: Its path, its bytes, an address that begins with ``http`` or ``data:``, or None for
            the regions alone.  PNG, JPEG, GIF and WebP become a part of the picture.
        reply: The regions.
        width: How wide the picture is, in pixels of the screen.

    Raises:
        InvalidData: when the image cannot be read or is no such file, or the size of the image is
            not known.

    >>> from itagflow import Box
    >>> shown = show_regions(None, Regions([Box(1, 2, 3, 4, label="car")], width=40, height=30))
    >>> shown.text.count("<rect")
    2
    """
    what = "show_regions"
    regions = require_kind(what, "reply", reply, Regions, "Regions")
    wide = require_whole_number(what, "width", width, least=1, most=MAX_WIDTH)
    if not (regions.width and regions.height):
        raise InvalidData(what, [Problem("reply", "must have the width and height of its image")])
    source = _read_image(image)
    palette, size = Palette(), max(regions.width, regions.height)
    shapes = "".join(_draw(region, regions, palette, size) for region in regions.regions)
    box = f"0 0 {regions.width} {regions.height}"
    area = f'width="{regions.width}" height="{regions.height}"'
    picture = f'<image href="{escape(source, len(source))}" {area}/>' if source else ""
    tall = round(wide * regions.height / regions.width)
    return Html(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{wide}" height="{tall}">'
        f'<rect {area} fill="#eef1f5"/>{picture}{shapes}</svg>'
    )


def _read_image(image: object) -> str:
    """Return the address of an image, which has all of it unless it is somewhere else."""
    if image is None:
        return ""
    if isinstance(image, str) and image.startswith(("http://", "https://", "data:image/")):
        return image
    address = find_address(read_source("show_regions", "image", image))
    if not address:
        reason = "must be a PNG, JPEG, GIF or WebP file"
        raise InvalidData("show_regions", [Problem("image", reason)])
    return address


def find_address(content: bytes) -> str:
    """Return an image as an address that has all of it; empty when it is not such an image."""
    for start, kind in _KINDS.items():
        if content.startswith(start):
            return f"data:{kind};base64,{b64encode(content).decode()}"
    return ""


def _draw(region: Region, image: Regions, palette: Palette, size: int) -> str:
    name = name_label(region)
    color = palette.choose(name)
    look = f'stroke="{color}" stroke-width="{size / 250:g}" fill="{color}" fill-opacity="0.15"'
    left, top = _find_corner(region, image)
    shape = "".join(_draw_shape(region, image, look, size / 100))
    return (
        f'{shape}<text x="{left:g}" y="{max(top - size / 150, size / 28):g}" fill="{color}" '
        f'font-size="{size / 28:g}">{escape(name)}</text>'
    )


def _find_corner(region: Region, image: Regions) -> tuple[float, float]:
    if isinstance(region, Mask):
        if not region.area:
            return 0, 0
        bounds = region.measure_bounds(image.height)
    else:
        bounds = region.bounds
    return bounds.left, bounds.top


def _draw_shape(region: Region, image: Regions, look: str, dot: float) -> Iterator[str]:
    match region:
        case Box() | RotatedBox():
            place = f'x="{region.x:g}" y="{region.y:g}"'
            size = f'width="{region.width:g}" height="{region.height:g}"'
            yield f"<rect {place} {size}{_turn(region)} {look}/>"
        case Polygon():
            path = "".join(_trace(points) for points in (region.points, *region.holes))
            yield f'<path d="{path}" fill-rule="evenodd" {look}/>'
        case Polyline():
            points = " ".join(f"{x:g},{y:g}" for x, y in region.points)
            yield f'<polyline points="{points}" {look} style="fill:none"/>'
        case Point():
            yield f'<circle cx="{region.x:g}" cy="{region.y:g}" r="{dot:g}" {look}/>'
        case Keypoints():
            for each in region.keypoints:
                if each.visibility is not Visibility.ABSENT:
                    place = f'cx="{each.x:g}" cy="{each.y:g}" r="{dot:g}"'
                    yield f"<circle {place} {look}><title>{escape(each.name)}</title></circle>"
        case Mask():
            yield f'<path d="{"".join(_trace_runs(region, image.height))}" {look}/>'


def _turn(region: Box | RotatedBox) -> str:
    if isinstance(region, Box):
        return ""
    across, down = region.x + region.width / 2, region.y + region.height / 2
    return f' transform="rotate({region.angle:g} {across:g} {down:g})"'


def _trace(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g},{y:g}" for x, y in points) + "Z"


def _trace_runs(mask: Mask, height: int) -> Iterator[str]:
    """Yield a bar of one column for each run of pixels that is inside."""
    pixel = 0
    for index, count in enumerate(mask.counts):
        left = count if index % 2 else 0
        while left:
            # a run may go on into the next column
            length = min(left, height - pixel % height)
            yield f"M{pixel // height},{pixel % height}v{length}h1v-{length}z"
            pixel += length
            left -= length
        pixel += 0 if index % 2 else count
