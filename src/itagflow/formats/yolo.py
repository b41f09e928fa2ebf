"""YOLO as Ultralytics reads it: a zip file with a text for each image, and ``data.yaml``.

::

    data.yaml                the names of the classes, by their id from 0
    images.jsonl             for each image: its place, its name in the data, and its size
    labels/train/1.txt       a line per region: 1 0.25 0.45 0.3 0.1

A line is the id of the class, and then numbers between 0 and 1, as parts of the width and of the
height of the image: the center, width and height of a box (``detect``), the corners of an outline
(``segment``), the four corners of a turned box (``obb``), or a box and then x, y and visibility of
each keypoint (``pose``).  An image without a region has an empty file; one that nobody has answered
has none.  A program for training looks for the image at ``images/train/1.jpg``.

``images.jsonl`` is ours, and other programs ignore it.  Without it nobody could tell how large an
image is and what it was called.  Source: docs.ultralytics.com, *Datasets*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from zipfile import ZipFile

import attrs

from itagflow import jsontext
from itagflow.errors import Problem
from itagflow.formats._files import Source, Target, open_spool
from itagflow.formats._geometry import clip
from itagflow.formats._listing import render_entry
from itagflow.formats._names import SafeNames
from itagflow.formats._pictures import (
    ABOUT_IMAGES,
    Picture,
    find_image_name,
)
from itagflow.formats._port import CLASSES, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._shapes import SMALLEST, Plain, Sides, find_corners, find_sides
from itagflow.formats._yolo_names import IMAGES, SETTINGS, SIZES, find_label_file
from itagflow.formats._yolo_reading import read_zip, require_keypoints
from itagflow.formats._yolo_shapes import DETECT, OBB, POSE, SEGMENT
from itagflow.formats._zip import add_entry, add_file, create_zip
from itagflow.model.region import Points, Visibility, list_corners, measure_bounds
from itagflow.model.result import Result
from itagflow.model.task import Row, Task

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

TASK = FormatOption("task", str, DETECT, choices=(DETECT, SEGMENT, OBB, POSE))
READ_OPTIONS = (TASK, *ABOUT_IMAGES)
"""What is read: boxes, outlines or keypoints; and which question they answer."""
VISIBLE = int(Visibility.VISIBLE)
WRITE_OPTIONS = (TASK, *ABOUT_IMAGES, CLASSES)
"""What is written: boxes, outlines or keypoints; and which question they answer."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its regions as the result of labeling.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file that `write` has written.
        context: What is asked, and the options ``task``, ``question``, ``label`` and ``image``.
    """
    return read_zip(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the regions of one question as boxes, outlines or keypoints; the same bytes each time.

    What lies outside of an image is cut off, and counted as lost.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``task`` (``detect``, ``segment``,
            ``obb`` or ``pose``), ``question``, ``label`` (the question that says the class),
            ``image`` (the field with its name) and ``classes``.

    Raises:
        InvalidData: when the template asks nothing of the kind, or names no keypoints for
            ``pose``.
    """
    counts = Counts(context)
    kind = context.options[TASK.name]
    writer = _Writer(Picture.find(context), counts, kind)
    if kind == POSE:
        require_keypoints(writer.picture)
    with create_zip(target) as archive:
        add_entry(archive, SETTINGS, _render_settings(writer.picture, kind))
        _write_images(results, archive, writer)
    return counts.build_report()


def _write_images(results: Iterable[Result], archive: ZipFile, writer: _Writer) -> None:
    names = SafeNames()
    # the list of images is one file, complete when all labels are: it waits outside of memory
    with open_spool() as spool:
        for result in results:
            reply = writer.picture.find_reply(result, writer.counts)
            if reply is None:
                continue
            name = find_image_name(result.task, writer.picture.field)
            file = IMAGES + names.choose(name, writer.counts.context.number_task(result.task))
            add_entry(archive, find_label_file(file), writer.render(reply, result.task).encode())
            size = {"width": reply["width"], "height": reply["height"]}
            rotation = reply.get("rotation")
            turned = {"rotation": rotation} if rotation else {}
            spool.write(render_entry({"file": file, "image": name, **size, **turned}))
        spool.seek(0)
        add_file(archive, SIZES, spool)


def _render_settings(picture: Picture, kind: str) -> bytes:
    """Return ``data.yaml``, without a path: it is the folder that the file is in."""
    folder = IMAGES.rstrip("/")
    lines = [f"train: {folder}", f"val: {folder}"]
    if kind == POSE:
        lines.append(f"kpt_shape: [{len(picture.question.keypoints)}, 3]")
    lines.append("names:")
    lines += [f"  {number}: {_quote(name)}" for name, number in picture.class_ids.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def _quote(name: str) -> str:
    """Return a text as YAML has it in quotes: as JSON, without what YAML takes for no character."""
    text = jsontext.dumps(name)
    for sign in ("\ufeff", "\ufffe", "\uffff"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


_RenderShape = Callable[[Plain, Plain, Task], str | None]
"""Makes the numbers of a region."""


def _choose_render(writer: _Writer) -> _RenderShape:
    # once for each file, and not for each region
    return writer.choose_render()


@attrs.define
class _Writer:
    """Makes lines of regions."""

    picture: Picture
    counts: Counts
    kind: str
    """What the regions become: the option ``task``."""
    render_shape: _RenderShape = attrs.field(
        init=False, default=attrs.Factory(_choose_render, takes_self=True)
    )
    """Returns the numbers of a region; None, and counts it as lost, when it has none."""

    def choose_render(self) -> _RenderShape:
        """Return what makes the numbers of regions of the kind that is asked for."""
        match self.kind:
            case "segment":
                return self._render_outline
            case "obb":
                return self._render_corners
            case "pose":
                return self._render_keypoints
            case _:
                return self._render_box

    def render(self, reply: Plain, task: Task) -> str:
        """Return a line for each region; one that can have none is counted as lost."""
        lines: list[str] = []
        for region, number, others in self.picture.iter_regions(reply, task, self.counts):
            numbers = self.render_shape(region, reply, task)
            if numbers is None:
                continue
            if others:
                self.counts.lose(task, "further labels of regions")
            lines.append(f"{number} {numbers}\n")
        return "".join(lines)

    def _render_corners(self, region: Plain, reply: Plain, task: Task) -> str | None:
        """Return the four corners of a box, which may be turned."""
        if region["kind"] in ("box", "rotatedbox"):
            corners = find_corners(region)
        else:
            sides = find_sides(region, reply, task, self.counts)
            if sides is None:
                return None
            left, top, right, bottom = sides
            corners = list_corners(left, top, right - left, bottom - top)
        # cut off, it would be no box any more
        if _measure_outside(_measure_sides(corners), reply) >= SMALLEST:
            self.counts.lose(task, "boxes that leave the image")
            return None
        width, height = reply["width"], reply["height"]
        # what is left over from turning must not be a number below 0 or above 1
        inside = [(min(max(x, 0), width), min(max(y, 0), height)) for x, y in corners]
        return " ".join([f"{x / width:.12g} {y / height:.12g}" for x, y in inside])

    def _render_keypoints(self, region: Plain, reply: Plain, task: Task) -> str | None:
        """Return the box around the keypoints of an object, and each of them."""
        if region["kind"] != "keypoints":
            self.counts.lose(task, "regions other than keypoints")
            return None
        names = self.picture.question.keypoints
        width, height = reply["width"], reply["height"]
        by_name = {each["name"]: each for each in region["keypoints"]}
        places = {
            name: (each.get("x", 0), each.get("y", 0))
            for name, each in by_name.items()
            if each.get("visibility", VISIBLE)
        }
        if not places or not set(by_name) <= set(names):
            self.counts.lose(task, "objects of other keypoints than the template has, or of none")
            return None
        sides = _measure_sides(tuple(places.values()))
        if _measure_outside(sides, reply) > 0:
            self.counts.lose(task, "objects with keypoints outside of the image")
            return None
        left, top, right, bottom = sides
        texts = [
            f"{(left + right) / 2 / width:.12g} {(top + bottom) / 2 / height:.12g}",
            f"{(right - left) / width:.12g} {(bottom - top) / height:.12g}",
        ]
        for name in names:
            x, y = places.get(name, (0, 0))
            seen = by_name[name].get("visibility", VISIBLE) if name in places else 0
            texts.append(f"{x / width:.12g} {y / height:.12g} {seen}")
        return " ".join(texts)

    def _render_box(self, region: Plain, reply: Plain, task: Task) -> str | None:
        """Return the center, width and height of the part of a box that lies on the image."""
        bounds = find_sides(region, reply, task, self.counts)
        if bounds is None:
            return None
        left, top, right, bottom = bounds
        width, height = reply["width"], reply["height"]
        outside = 0.0
        # nearly always it lies inside
        if left < 0 or top < 0 or right > width or bottom > height:
            outside = _measure_outside(bounds, reply)
            left, top = max(left, 0), max(top, 0)
            right, bottom = min(right, width), min(bottom, height)
        if right - left < SMALLEST or bottom - top < SMALLEST:
            self.counts.lose(task, "regions outside of the image, or without an extent")
            return None
        if outside >= SMALLEST:
            self.counts.lose(task, "parts of regions outside of the image")
        x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
        return f"{x:.12g} {y:.12g} {(right - left) / width:.12g} {(bottom - top) / height:.12g}"

    def _render_outline(self, region: Plain, reply: Plain, task: Task) -> str | None:
        """Return the corners of the part of an outline that lies on the image."""
        kind = region["kind"]
        if kind not in ("polygon", "box", "rotatedbox"):
            what = "masks" if kind == "mask" else "keypoints, lines and single points"
            self.counts.lose(task, what)
            return None
        if kind != "polygon":
            self.counts.lose(task, "boxes (written as outlines)")
        elif region.get("holes"):
            self.counts.lose(task, "holes of polygons")
        outline, width, height = find_corners(region), reply["width"], reply["height"]
        clipped = clip(outline, width, height)
        left, top, right, bottom = _measure_sides(clipped)
        if right - left < SMALLEST or bottom - top < SMALLEST:
            self.counts.lose(task, "regions outside of the image, or without an extent")
            return None
        if _measure_outside(_measure_sides(outline), reply) >= SMALLEST:
            self.counts.lose(task, "parts of regions outside of the image")
        return " ".join([f"{x / width:.12g} {y / height:.12g}" for x, y in clipped])


def _measure_sides(outline: Points) -> Sides:
    if not outline:
        return 0, 0, 0, 0
    bounds = measure_bounds(outline)
    return bounds.left, bounds.top, bounds.right, bounds.bottom


def _measure_outside(sides: Sides, reply: Plain) -> float:
    """Return by how many pixels at the most a region leaves the image; below 0: it does not."""
    left, top, right, bottom = sides
    outside: float = max(-left, -top, right - reply["width"], bottom - reply["height"])
    return outside
