"""CVAT: one XML file with the shapes on each image, *CVAT for images 1.1*.

::

    <annotations>
      <version>1.1</version>
      <meta>…</meta>
      <image id="1" name="images/1.jpg" width="100" height="50">
        <box label="ant" source="manual" occluded="0" xtl="10" ytl="20" xbr="40" ybr="25"
             z_order="0"/>
      </image>
    </annotations>

A turned box has the edges that it would have at angle 0, and ``rotation``, clockwise in degrees.  A
mask counts pixels row by row within its box, first those outside.  Keypoints are a ``skeleton``.
``rotation`` of an image is ours.  Source: docs.cvat.ai, *XML annotation format*, version 1.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from itagflow.errors import Problem
from itagflow.formats._cvat_reading import read_images
from itagflow.formats._files import Source, Target, open_target
from itagflow.formats._masks import are_filled, crop_mask
from itagflow.formats._names import make_safe
from itagflow.formats._pictures import ABOUT_IMAGES, Picture, find_image_name
from itagflow.formats._port import CLASSES, Counts, FormatContext, WriteReport
from itagflow.formats._shapes import DECIMALS, Plain
from itagflow.model.region import Mask, Visibility
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.model.template import Question, QuestionKind
from itagflow.storage.codec import decode_region
from itagflow.xmltext import escape, has_xml

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = ABOUT_IMAGES
"""Which question the shapes answer."""
WRITE_OPTIONS = (*ABOUT_IMAGES, CLASSES)
"""Which question's regions are written, and the order of the classes."""
Attributes = dict[str, Any]
"""The attributes of an element, as they stand in it."""
_INPUTS = {QuestionKind.RADIO: "select", QuestionKind.CHECKBOX: "select"}


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its shapes as the result of labeling.

    Tags of images are skipped.  Ellipses, cuboids and tracks of videos are problems, and so is a
    document type: no entity of a file's own is read.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the options: ``question``, ``label`` and ``image``.
    """
    return read_images(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the regions of one question as shapes.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``label`` (the question
            that says the class), ``image`` (the field with its name) and ``classes``.

    Raises:
        InvalidData: when the template asks nothing of the kind.
    """
    counts = Counts(context)
    writer = _Writer(Picture.find(context), counts)
    with open_target(target) as file:
        file.write(_join(_render_head(writer.picture)))
        for result in results:
            reply = writer.picture.find_reply(result, counts)
            if reply is not None:
                file.write(_join(writer.render(reply, result.task)))
        file.write(b"</annotations>\n")
    return counts.build_report()


def _join(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _render_head(picture: Picture) -> Iterator[str]:
    """Yield what stands before the images: the classes, and what is asked about a shape."""
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield "  <version>1.1</version>"
    yield "  <meta><task><labels>"
    points = picture.question.keypoints
    kind = "<type>skeleton</type>" if points else ""
    parts = [child for top in picture.question.children for child in top.every]
    asked = [child for child in parts if child != picture.label and has_xml(child.title)]
    about = "".join(map(_render_question, asked))
    names = [name for name in picture.class_ids if has_xml(name)]
    for name in names:
        attributes = f"<attributes>{about}</attributes>"
        yield f"    <label><name>{escape(name)}</name>{kind}{attributes}</label>"
    for name in names if points else ():
        for point in filter(has_xml, points):
            parent = f"<parent>{escape(name)}</parent>"
            yield f"    <label><name>{escape(point)}</name><type>points</type>{parent}</label>"
    yield "  </labels></task></meta>"


def _render_question(question: Question) -> str:
    """Return what is asked about a shape, with the values that it can have."""
    values = "\n".join(escape(option.key) for option in question.options if has_xml(option.key))
    return (
        f"<attribute><name>{escape(question.title)}</name><mutable>False</mutable>"
        f"<input_type>{_INPUTS.get(question.kind, 'text')}</input_type>"
        f"<default_value></default_value><values>{values}</values></attribute>"
    )


@attrs.frozen
class _Writer:
    """Makes XML of regions."""

    picture: Picture
    counts: Counts

    def render(self, reply: Plain, task: Task) -> Iterator[str]:
        """Yield the lines of an image."""
        name = find_image_name(task, self.picture.field)
        if not has_xml(name):
            self.counts.lose(task, "names of images with characters that XML does not have")
            name = make_safe(name)
        attributes: Attributes = {
            "id": self.counts.context.number_task(task),
            "name": name,
            "width": reply["width"],
            "height": reply["height"],
        }
        if reply.get("rotation"):
            attributes["rotation"] = reply["rotation"]
        yield f"  <image{_render_attributes(attributes)}>"
        for region in reply["regions"]:
            yield from self._render_region(region, reply, task)
        yield "  </image>"

    def _render_region(self, region: Plain, reply: Plain, task: Task) -> list[str]:
        name = self.picture.find_known_class(region, task, self.counts)
        if name is None:
            return []
        if not has_xml(name):
            self.counts.lose(task, "regions of a class with characters that XML does not have")
            return []
        shape = self._make_shape(region, reply, task)
        if shape is None:
            return []
        kind, attributes, inside = shape
        common = {"label": name, "source": "manual"}
        if kind != "skeleton":
            common["occluded"] = "0"
        start = f"    <{kind}{_render_attributes({**common, **attributes, 'z_order': 0})}"
        lines = [*inside, *self._render_labels(region, task)]
        return [f"{start}>", *lines, f"    </{kind}>"] if lines else [f"{start}/>"]

    def _make_shape(
        self, region: Plain, reply: Plain, task: Task
    ) -> tuple[str, Attributes, list[str]] | None:
        """Return the name of the element of a region, its attributes, and what stands in it."""
        match region["kind"]:
            case "box":
                return "box", _render_edges(region["x"], region["y"], region), []
            case "rotatedbox":
                left, top = region["x"] - region["width"] / 2, region["y"] - region["height"] / 2
                angle = math.fmod(region["angle"], 360)
                turned = {"rotation": _show(angle + 360 if angle < 0 else angle)}
                return "box", _render_edges(left, top, region) | turned, []
            case "mask":
                return self._make_mask(region, reply, task)
            case "keypoints":
                return self._make_skeleton(region, task)
            case "point":
                return "points", {"points": _show_points([(region["x"], region["y"])])}, []
            case kind:
                if region.get("holes"):
                    self.counts.lose(task, "holes of polygons")
                return kind, {"points": _show_points(region["points"])}, []

    def _make_mask(
        self, region: Plain, reply: Plain, task: Task
    ) -> tuple[str, Attributes, list[str]] | None:
        mask = decode_region(region)
        width, height = reply["width"], reply["height"]
        if not (isinstance(mask, Mask) and mask.area and are_filled(mask.counts, width, height)):
            self.counts.lose(task, "masks without a pixel, or of another size than the image")
            return None
        bounds = mask.measure_bounds(height)
        left, top = round(bounds.left), round(bounds.top)
        across, down = round(bounds.width), round(bounds.height)
        runs = crop_mask(mask.counts, height, (left, top, across, down))
        box = {"left": left, "top": top, "width": across, "height": down}
        return "mask", {"rle": ", ".join(map(str, runs)), **box}, []

    def _make_skeleton(self, region: Plain, task: Task) -> tuple[str, Attributes, list[str]] | None:
        given = {each["name"]: each for each in region["keypoints"]}
        names = self.picture.question.keypoints or tuple(given)
        if not set(given) <= set(names) or not all(map(has_xml, names)):
            self.counts.lose(task, "objects of other keypoints than the template has")
            return None
        lines: list[str] = []
        for name in names:
            keypoint = given.get(name, {"visibility": int(Visibility.ABSENT)})
            seen = keypoint.get("visibility", int(Visibility.VISIBLE))
            attributes = {
                "label": name,
                "source": "manual",
                "outside": int(seen == Visibility.ABSENT),
                "occluded": int(seen == Visibility.HIDDEN),
                "points": _show_points([(keypoint.get("x", 0), keypoint.get("y", 0))]),
            }
            lines.append(f"      <points{_render_attributes(attributes)}/>")
        return "skeleton", {}, lines

    def _render_labels(self, region: Plain, task: Task) -> Iterator[str]:
        """Yield what is said of a region besides its class."""
        for title, value in self.picture.list_attributes(region).items():
            for text in (value,) if isinstance(value, str) else value:
                if has_xml(title) and has_xml(text):
                    yield f'      <attribute name="{escape(title)}">{escape(text)}</attribute>'
                else:
                    self.counts.lose(task, "labels with characters that XML does not have")


def _render_attributes(attributes: Attributes) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())


def _render_edges(left: float, top: float, region: Plain) -> Attributes:
    right, bottom = left + region["width"], top + region["height"]
    return {"xtl": _show(left), "ytl": _show(top), "xbr": _show(right), "ybr": _show(bottom)}


def _show(number: float) -> str:
    return f"{round(number, DECIMALS):.16g}"


def _show_points(points: Iterable[Sequence[float]]) -> str:
    return ";".join(f"{_show(x)},{_show(y)}" for x, y in points)
