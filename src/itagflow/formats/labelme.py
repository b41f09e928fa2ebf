"""LabelMe: a zip file with a JSON file for each image, which has its shapes.

::

    {"version": "5.5.0", "flags": {},
     "shapes": [{"label": "ant", "points": [[10, 20], [40, 25]], "group_id": null,
                 "description": "", "shape_type": "rectangle", "flags": {}}],
     "imagePath": "1.jpg", "imageData": null, "imageHeight": 50, "imageWidth": 100}

The image belongs beside the file, called as ``imagePath`` says.  ``image`` (its name in the data,
where it is another one), ``rotation``, and ``attributes`` of a shape (what is said of it besides
its class) are ours; LabelMe keeps them.  Source: github.com/wkentaro/labelme, ``LabelFile``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from zipfile import ZipFile

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import Source, Target
from itagflow.formats._labels import parse_attributes
from itagflow.formats._names import SafeNames, split_name
from itagflow.formats._pictures import ABOUT_IMAGES, Picture, find_field, find_image_name
from itagflow.formats._plain import is_a, is_line, move_problems, parse_whole
from itagflow.formats._port import Counts, FormatContext, WriteReport
from itagflow.formats._regions import Element
from itagflow.formats._rows import render_row
from itagflow.formats._shapes import DECIMALS, Plain, find_corners
from itagflow.formats._zip import BROKEN, add_entry, create_zip, open_zip, read_entry
from itagflow.model.job import Stage
from itagflow.model.region import Box, Point, Polygon, Polyline, Region, Regions, measure_bounds
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.printing import format_count

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = WRITE_OPTIONS = ABOUT_IMAGES
"""Which question the shapes answer."""
VERSION = "5.5.0"
"""The version of LabelMe whose files these are."""
_SHAPES = {
    "box": "rectangle",
    "rotatedbox": "polygon",
    "polygon": "polygon",
    "polyline": "linestrip",
    "point": "point",
}
"""What LabelMe calls a kind of region; others have no place."""
_LEAST = {"rectangle": 2, "polygon": 3, "linestrip": 2, "line": 2, "point": 1}
"""How many points a shape that is read has at the least."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its shapes as the result of labeling.

    Circles, masks and several points in one shape are problems.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file with ``.json`` files, in any folder.
        context: What is asked, and the options: ``question``, ``label`` and ``image``.
    """
    picture = None if context.template is None else Picture.find(context)
    try:
        with open_zip(source) as archive:
            files = [name for name in archive.namelist() if name.endswith(".json")]
            if not files:
                yield Problem("the file", "has no .json file for each image")
            for file in files:
                yield _read_image(archive, file, picture, context)
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _read_image(
    archive: ZipFile, file: str, picture: Picture | None, context: FormatContext
) -> Row | Problem:
    try:
        content: Any = jsontext.loads((read_entry(archive, file) or b"").decode("utf-8-sig"))
    except (*BROKEN, RecursionError) as error:
        return Problem(file, f"is not JSON: {error}")
    try:
        if not is_a(content, dict):
            raise _make_error("the file", "must be an object with shapes")
        name = content.get("image", content.get("imagePath"))
        if not is_a(name, str) or not name:
            raise _make_error("imagePath", "must be the name of the image")
        results = {}
        if picture is not None:
            results = {Stage.LABEL: {picture.question.id: _parse_regions(content, picture)}}
    except InvalidData as error:
        problem = error.problems[0]
        return Problem(f"{file}, {problem.where}".removesuffix(", the file"), problem.reason)
    return render_row({"data": {find_field(context): name}}, results, context.template)


def _parse_regions(content: Element, picture: Picture) -> Regions:
    size: dict[str, int] = {}
    for name, place in (("width", "imageWidth"), ("height", "imageHeight")):
        number = parse_whole(content.get(place))
        if number is None or number < 1:
            raise _make_error(place, "must be the size of the image in pixels")
        size[name] = number
    shapes = content.get("shapes")
    if not is_a(shapes, list):
        raise _make_error("shapes", "must be a list")
    regions: list[Region] = []
    for index, shape in enumerate(content["shapes"]):
        try:
            regions.append(_parse_shape(shape, picture))
        except InvalidData as error:
            problems = move_problems(f"shapes[{index}].", error)
            raise InvalidData("the image", problems) from None
    return Regions(regions, **size, rotation=content.get("rotation", 0))


def _parse_shape(shape: Any, picture: Picture) -> Region:
    if not is_a(shape, dict):
        raise _make_error("shape_type", "must be in an object")
    kind: Any = shape.get("shape_type")
    least = _LEAST.get(kind) if is_a(kind, str) else None
    points: Any = shape.get("points")
    if least is None:
        raise _make_error("shape_type", f"must be one of {', '.join(_LEAST)}, not {kind!r}")
    if not is_line(points, least) or (kind in ("rectangle", "point") and len(points) != least):
        raise _make_error(
            "points", f"must be at least {format_count(least, 'point')} [x, y] of a {kind}"
        )
    labels = parse_attributes("the shape", shape)
    if picture.label is not None:
        if not is_a(shape.get("label"), str):
            raise _make_error("label", "must be the class of the shape")
        labels[picture.label.title] = shape["label"]
    return _build_region(kind, points, labels)


def _build_region(kind: str, points: Sequence[Any], labels: Mapping[str, Any]) -> Region:
    if kind == "rectangle":
        # its corners may stand in any order
        bounds = measure_bounds(points)
        sides = (bounds.left, bounds.top, bounds.width, bounds.height)
        return Box(*[round(number, DECIMALS) for number in sides], labels=labels)
    if kind == "point":
        return Point(*points[0], labels=labels)
    if kind == "polygon":
        return Polygon(points, labels=labels)
    return Polyline(points, labels=labels)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the regions of one question as shapes; the same bytes each time.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``label`` (the question
            that says the class) and ``image`` (the field with its name).

    Raises:
        InvalidData: when the template asks nothing of the kind.
    """
    counts = Counts(context)
    writer = _Writer(Picture.find(context), counts)
    names = SafeNames()
    with create_zip(target) as archive:
        for result in results:
            reply = writer.picture.find_reply(result, counts)
            if reply is None:
                continue
            name = find_image_name(result.task, writer.picture.field)
            file = names.choose(name, context.number_task(result.task))
            stem, _ = split_name(file)
            content = writer.render(reply, file, name, result.task)
            text = f"{jsontext.dumps(content)}\n"
            add_entry(archive, f"{stem}.json", text.encode(errors="backslashreplace"))
    return counts.build_report()


@attrs.frozen
class _Writer:
    """Makes shapes of regions."""

    picture: Picture
    counts: Counts

    def render(self, reply: Plain, file: str, name: str, task: Task) -> Element:
        """Return what the file about an image has."""
        shapes = [self._make_shape(region, task) for region in reply["regions"]]
        content: Element = {
            "version": VERSION,
            "flags": {},
            "shapes": [shape for shape in shapes if shape is not None],
            "imagePath": file,
            "imageData": None,
            "imageHeight": reply["height"],
            "imageWidth": reply["width"],
        }
        if name != file:
            content["image"] = name
        if reply.get("rotation"):
            content["rotation"] = reply["rotation"]
        return content

    def _make_shape(self, region: Plain, task: Task) -> Element | None:
        name = self.picture.find_class(region, task, self.counts)
        if name is None:
            return None
        kind = region["kind"]
        if kind not in _SHAPES:
            self.counts.lose(task, "keypoints and masks")
            return None
        shape: Element = {
            "label": name,
            "points": self._list_points(region, task),
            "group_id": None,
            "description": "",
            "shape_type": _SHAPES[kind],
            "flags": {},
        }
        if attributes := self.picture.list_attributes(region):
            shape["attributes"] = attributes
        return shape

    def _list_points(self, region: Plain, task: Task) -> list[Sequence[float]]:
        match region["kind"]:
            case "box":
                first, _, last, _ = find_corners(region)
                return [first, last]
            case "rotatedbox":
                self.counts.lose(task, "turned boxes (written as outlines)")
                return list(find_corners(region))
            case "point":
                return [(region["x"], region["y"])]
            case _:
                if region.get("holes"):
                    self.counts.lose(task, "holes of polygons")
                return list(region["points"])


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the image", [Problem(where, reason)])
