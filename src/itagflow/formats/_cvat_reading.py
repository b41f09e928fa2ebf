"""Files of CVAT as rows: an image each, with its shapes as regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import CHUNK, BinaryFile, Source, find_file_problem, open_source
from itagflow.formats._masks import spread_mask
from itagflow.formats._pictures import Picture, find_field
from itagflow.formats._plain import move_problems, parse_number, parse_whole
from itagflow.formats._port import FormatContext
from itagflow.formats._rows import render_row
from itagflow.formats._shapes import DECIMALS
from itagflow.model.job import Stage
from itagflow.model.region import (
    Box,
    Keypoint,
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
from itagflow.model.task import Row
from itagflow.model.template import QuestionKind
from itagflow.xmltext import read_elements

_EDGES = ("xtl", "ytl", "xbr", "ybr")
_BOX = ("left", "top", "width", "height")
_SKIPPED = frozenset({"tag"})
"""What says something of a whole image."""


def read_images(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each image."""
    picture = None if context.template is None else Picture.find(context)
    reader = _Reader(context, picture)
    number = 0
    with open_source(source) as file:
        try:
            for element in read_elements(_read_parts(file), depth=1):
                if element.tag == "image":
                    number += 1
                    yield reader.read(element, number)
                elif element.tag == "track":
                    yield Problem("track", "is of a video, and only shapes of images are read")
        except InvalidData as error:
            yield from error.problems
            return
    if not number:
        yield Problem("the file", "has no image: it must be 'CVAT for images 1.1'")


def _read_parts(file: BinaryFile) -> Iterator[bytes]:
    """Yield the file in parts.

    Raises:
        InvalidData: when it is another kind of file.
    """
    is_first = True
    while part := file.readline(CHUNK):
        if is_first and (problem := find_file_problem(part)):
            raise InvalidData("the file", [problem])
        is_first = False
        yield part


@attrs.frozen
class _Reader:
    """Makes rows of elements about images."""

    context: FormatContext
    picture: Picture | None

    def read(self, image: Element, number: int) -> Row | Problem:
        """Return the row of an image, or what is wrong with it."""
        name = image.get("name", "")
        try:
            if not name:
                raise _make_error("name", "must be the name of the image")
            results = {}
            if self.picture is not None:
                reply = self._parse_regions(image, self.picture)
                results = {Stage.LABEL: {self.picture.question.id: reply}}
        except InvalidData as error:
            problem = error.problems[0]
            return Problem(f"image {number}, {problem.where}".removesuffix(", "), problem.reason)
        row = {"data": {find_field(self.context): name}}
        return render_row(row, results, self.context.template)

    def _parse_regions(self, image: Element, picture: Picture) -> Regions:
        size = {name: _require_whole(image, name) for name in ("width", "height")}
        rotation = _parse_whole(image, "rotation", "0")
        regions: list[Region] = []
        for index, element in enumerate(image):
            if element.tag in _SKIPPED:
                continue
            try:
                labels = _parse_labels(element, picture)
                regions.append(_parse_shape(element, (size["width"], size["height"]), labels))
            except InvalidData as error:
                path = f"{element.tag}[{index}]."
                raise InvalidData("the image", move_problems(path, error)) from None
        return Regions(regions, **size, rotation=-1 if rotation is None else rotation)


def _parse_labels(element: Element, picture: Picture) -> dict[str, Any]:
    """Return the labels of a shape that the template asks."""
    asked = {child.title: child for top in picture.question.children for child in top.every}
    labels: dict[str, Any] = {}
    pairs = [(each.get("name", ""), each.text or "") for each in element.iterfind("attribute")]
    if picture.label is not None:
        pairs.append((picture.label.title, element.get("label", "")))
    for title, value in pairs:
        if title not in asked:
            continue
        if asked[title].kind is QuestionKind.CHECKBOX:
            labels[title] = (*labels.get(title, ()), value)
        else:
            labels[title] = value
    return labels


def _parse_shape(element: Element, size: tuple[int, int], labels: dict[str, Any]) -> Region:
    match element.tag:
        case "box":
            return _parse_box(element, labels)
        case "polygon":
            return Polygon(_parse_points(element), labels=labels)
        case "polyline":
            return Polyline(_parse_points(element), labels=labels)
        case "points":
            return Point(*_parse_place(element), labels=labels)
        case "mask":
            return _parse_mask(element, size, labels)
        case "skeleton":
            return Keypoints([_parse_keypoint(each) for each in element.iterfind("points")],
                             labels=labels)  # fmt: skip
        case kind:
            raise _make_error("", f"is a shape that is not read: {kind}")


def _parse_box(element: Element, labels: dict[str, Any]) -> Box | RotatedBox:
    left, top, right, bottom = [_require_number(element, name) for name in _EDGES]
    width, height = round(right - left, DECIMALS), round(bottom - top, DECIMALS)
    angle = 0 if element.get("rotation") is None else _require_number(element, "rotation")
    if not angle % 360:
        return Box(left, top, width, height, labels=labels)
    x, y = round((left + right) / 2, DECIMALS), round((top + bottom) / 2, DECIMALS)
    return RotatedBox(x, y, width, height, angle, labels=labels)


def _parse_mask(element: Element, size: tuple[int, int], labels: dict[str, Any]) -> Mask:
    left, top, width, height = [_require_whole(element, name) for name in _BOX]
    counts = [parse_whole(part.strip()) for part in element.get("rle", "").split(",")]
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        raise _make_error("rle", "must be counts of pixels with commas between them")
    return Mask(spread_mask(known, size, (left, top, width, height)), labels=labels)


def _parse_keypoint(element: Element) -> Keypoint:
    name = element.get("label", "")
    if element.get("outside") == "1":
        return Keypoint(name, visibility=Visibility.ABSENT)
    covered = element.get("occluded") == "1"
    seen = Visibility.HIDDEN if covered else Visibility.VISIBLE
    return Keypoint(name, *_parse_place(element), seen)


def _parse_place(element: Element) -> tuple[float, float]:
    points = _parse_points(element)
    if len(points) != 1:
        raise _make_error("points", "must be one place: several are not read")
    return points[0]


def _parse_points(element: Element) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for place in element.get("points", "").split(";"):
        numbers = [parse_number(part) for part in place.split(",")]
        known = [number for number in numbers if number is not None]
        if len(numbers) != 2 or len(known) != 2:
            raise _make_error("points", "must be x,y;x,y in pixels")
        points.append((known[0], known[1]))
    return points


def _require_number(element: Element, name: str) -> float:
    number = parse_number(element.get(name, ""))
    if number is None:
        raise _make_error(name, "must be a number")
    return number


def _require_whole(element: Element, name: str) -> int:
    number = _parse_whole(element, name, "")
    if number is None:
        raise _make_error(name, "must be a number of pixels")
    return number


def _parse_whole(element: Element, name: str, default: str) -> int | None:
    return parse_whole(parse_number(element.get(name, default)))


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the image", [Problem(where, reason)])
