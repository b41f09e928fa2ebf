"""COCO: one JSON file of images, annotations and categories; also captions, and detections.

::

    {"images": [{"id": 1, "file_name": "1.jpg", "width": 640, "height": 480}],
     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [x, y, width, height],
                      "area": …, "iscrowd": 0, "segmentation": […]}],
     "categories": [{"id": 1, "name": "cat"}]}

Ids of annotations and categories begin at 1: an evaluation takes 0 for "no match".  The size of an
image is that in which it was answered.  An image that nobody has answered is left out: it would
look like one with nothing on it.  Source: cocodataset.org, *Data format*; ``cocoapi``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.errors import Problem
from itagflow.formats._coco_reading import read_captions, read_instances
from itagflow.formats._files import CHUNK, BinaryFile, Source, Target, open_spool, open_target
from itagflow.formats._geometry import encode_counts, flatten
from itagflow.formats._pictures import (
    ABOUT_IMAGES,
    NOTHING_ELSE,
    TEXTS,
    Picture,
    find_field,
    find_image_name,
    find_question,
    find_replies,
    lose_other_replies,
)
from itagflow.formats._port import CLASSES, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._regions import Element
from itagflow.model.region import (
    Bounds,
    Mask,
    Visibility,
    measure_area,
    measure_bounds,
    turn_corners,
)
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.model.template import Question
from itagflow.storage.codec import decode_region

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

Plain = Mapping[str, Any]
"""A region or a keypoint as plain JSON."""
Shape = tuple[list[float], float, Any, Mapping[str, Any]]
"""What an annotation has of a region: ``bbox``, ``area``, ``segmentation``, and further fields."""
ABSENT, VISIBLE = int(Visibility.ABSENT), int(Visibility.VISIBLE)
INSTANCES, CAPTIONS, RESULTS = "instances", "captions", "results"
READ_OPTIONS = (
    FormatOption("kind", str, INSTANCES, choices=(INSTANCES, CAPTIONS)),
    *ABOUT_IMAGES,
)
"""What is read: regions or captions; and which questions they answer."""
WRITE_OPTIONS = (
    FormatOption("kind", str, INSTANCES, choices=(INSTANCES, CAPTIONS, RESULTS)),
    *ABOUT_IMAGES,
    CLASSES,
)
"""What is written; ``results`` are detections with scores, to be compared with ``instances``."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its regions or its caption as the result of labeling.

    The whole file is held in memory: annotations can stand anywhere in it.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the options ``kind``, ``question``, ``label`` and ``image``.
    """
    if context.options["kind"] == CAPTIONS:
        return read_captions(source, context)
    return read_instances(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the regions of one question, or its texts as captions, or regions as detections.

    Boxes have no segmentation; outlines are polygons, turned boxes too, and masks are compressed
    run lengths.  What is asked about a region besides its class is in ``attributes``.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``kind`` (``instances``, ``captions``
            or ``results``), ``question``, ``label`` (the question that says the class), ``image``
            (the field with its name) and ``classes``.

    Raises:
        InvalidData: when the template asks nothing of the kind.
    """
    counts = Counts(context)
    writer: _Captions | _Instances
    if context.options["kind"] == CAPTIONS:
        writer = _Captions(find_question(context, TEXTS), find_field(context), counts)
    else:
        writer = _Instances(Picture.find(context), counts)
    with open_target(target) as file:
        if context.options["kind"] == RESULTS:
            _write_list(results, file, writer)
        else:
            _write_data_set(results, file, writer)
    return counts.build_report()


def _write_list(
    results: Iterable[Result], file: BinaryFile, writer: _Captions | _Instances
) -> None:
    separator = _separate()
    file.write(b"[")
    for result in results:
        _, annotations = writer.make(result)
        if annotations:
            detections = [_make_detection(result, annotation) for annotation in annotations]
            file.write(next(separator) + _encode_each(detections))
    file.write(b"\n]\n")


def _write_data_set(
    results: Iterable[Result], file: BinaryFile, writer: _Captions | _Instances
) -> None:
    before_image, before_annotations = _separate(), _separate()
    # annotations come after all images: they wait in a file of their own, and not in memory
    with open_spool() as spool:
        file.write(b'{"images":[')
        for result in results:
            image, annotations = writer.make(result)
            if image is not None:
                file.write(next(before_image) + _encode(image))
            if annotations:
                spool.write(next(before_annotations) + _encode_each(annotations))
        file.write(b'\n],"annotations":[')
        spool.seek(0)
        while part := spool.read(CHUNK):
            file.write(part)
    categories = _encode(writer.list_categories())
    file.write(b'\n],"categories":' + categories + b"}\n")


def _make_detection(result: Result, annotation: Element) -> Element:
    """Return an annotation as a detection: how sure its author is, and no id of its own."""
    scores = [entry.score for entry in result.provenance if entry.score is not None]
    kept = ("image_id", "category_id", "bbox", "segmentation", "keypoints")
    detection = {name: annotation[name] for name in kept if annotation.get(name)}
    return {**detection, "score": scores[-1] if scores else 1.0}


@attrs.define
class _Captions:
    """Makes images and captions of results."""

    question: Question
    field: str
    """The field with the name of the image."""
    counts: Counts
    ids: Iterator[int] = attrs.field(factory=lambda: count(1), init=False)

    def make(self, result: Result) -> tuple[Element | None, list[Element]]:
        """Return the image of a task and its captions; None for an image without an answer."""
        replies = find_replies(result, self.counts)
        text = replies.get(self.question.id)
        lose_other_replies(self.question, replies, result.task, self.counts)
        if text is None:
            return None, []
        image = _make_image(result.task, self.field, self.counts.context)
        caption = {"id": next(self.ids), "image_id": image["id"], "caption": text["text"]}
        return image, [caption]

    def list_categories(self) -> list[Element]:
        """Return none: captions are of no class."""
        return []


@attrs.define
class _Instances:
    """Makes images and annotations of results; replies and regions are plain JSON."""

    picture: Picture
    counts: Counts
    ids: Iterator[int] = attrs.field(factory=lambda: count(1), init=False)

    def make(self, result: Result) -> tuple[Element | None, list[Element]]:
        """Return the image of a task and its annotations; None for one without an answer."""
        replies = find_replies(result, self.counts)
        reply = replies.get(self.picture.question.id)
        lose_other_replies(self.picture.question, replies, result.task, self.counts)
        if reply is None:
            return None, []
        image = _make_image(result.task, self.picture.field, self.counts.context)
        image["width"], image["height"] = reply["width"], reply["height"]
        if reply.get("rotation"):
            image["rotation"] = reply["rotation"]
        return image, self._make_annotations(reply, image["id"], result.task)

    def _make_annotations(self, reply: Plain, image_id: int, task: Task) -> list[Element]:
        annotations: list[Element] = []
        for region, number, attributes in self.picture.iter_regions(reply, task, self.counts):
            shape = self._make_shape(region, reply, task)
            if shape is None:
                continue
            box, area, segmentation, more = shape
            annotation: Element = {
                # taken here: what is lost leaves no gap
                "id": next(self.ids),
                "image_id": image_id,
                "category_id": number + 1,
                "bbox": box,
                "area": area,
                "segmentation": segmentation,
                "iscrowd": 0,
                **more,
            }
            if attributes:
                annotation["attributes"] = dict(attributes)
            annotations.append(annotation)
        return annotations

    def _make_shape(self, region: Plain, reply: Plain, task: Task) -> Shape | None:
        match region["kind"]:
            case "box":
                width, height = region["width"], region["height"]
                return [region["x"], region["y"], width, height], width * height, [], NOTHING_ELSE
            case "rotatedbox":
                self.counts.lose(task, "turned boxes (written as outlines)")
                corners = [region[name] for name in ("x", "y", "width", "height", "angle")]
                area = region["width"] * region["height"]
                return _make_outline(turn_corners(*corners), area)
            case "polygon":
                if region.get("holes"):
                    self.counts.lose(task, "holes of polygons")
                return _make_outline(region["points"], measure_area(region["points"]))
            case "mask":
                return self._make_mask(region, reply, task)
            case "keypoints":
                return self._make_keypoints(region, task)
            case _:
                self.counts.lose(task, "lines and single points")
                return None

    def _make_mask(self, region: Plain, reply: Plain, task: Task) -> Shape | None:
        mask = decode_region(region)
        if not (isinstance(mask, Mask) and mask.area):
            self.counts.lose(task, "masks without a pixel")
            return None
        size = [reply["height"], reply["width"]]
        counts = {"size": size, "counts": encode_counts(mask.counts)}
        box = _list_sides(mask.measure_bounds(reply["height"]))
        return box, mask.area, counts, NOTHING_ELSE

    def _make_keypoints(self, region: Plain, task: Task) -> Shape | None:
        names = self.picture.question.keypoints
        by_name: dict[str, Plain] = {each["name"]: each for each in region["keypoints"]}
        seen = [each for each in by_name.values() if each.get("visibility", VISIBLE) != ABSENT]
        if not seen or not set(by_name) <= set(names):
            self.counts.lose(task, "objects of other keypoints than the template has, or of none")
            return None
        numbers: list[float] = []
        for name in names:
            keypoint = by_name.get(name)
            if keypoint is None or keypoint not in seen:
                numbers += [0, 0, 0]
            else:
                visibility = keypoint.get("visibility", VISIBLE)
                numbers += [keypoint.get("x", 0), keypoint.get("y", 0), visibility]
        bounds = measure_bounds([(each.get("x", 0), each.get("y", 0)) for each in seen])
        more = {"keypoints": numbers, "num_keypoints": len(seen)}
        return _list_sides(bounds), bounds.width * bounds.height, [], more

    def list_categories(self) -> list[Element]:
        """Return the classes, in the order of their ids."""
        keypoints: Element = {}
        if self.picture.question.keypoints:
            keypoints = {"keypoints": list(self.picture.question.keypoints), "skeleton": []}
        return [
            {"id": number + 1, "name": name, **keypoints}
            for name, number in self.picture.class_ids.items()
        ]


def _make_image(task: Task, field: str, context: FormatContext) -> Element:
    return {"id": context.number_task(task), "file_name": find_image_name(task, field)}


def _make_outline(points: Sequence[Sequence[float]], area: float) -> Shape:
    return _list_sides(measure_bounds(points)), area, [flatten(points)], NOTHING_ELSE


def _list_sides(bounds: Bounds) -> list[float]:
    return [bounds.left, bounds.top, bounds.width, bounds.height]


def _separate() -> Iterator[bytes]:
    yield b"\n"
    while True:
        yield b",\n"


def _encode_each(values: list[Element]) -> bytes:
    """Return values as JSON with commas between them: by one call, which costs less."""
    return _encode(values)[1:-1]


def _encode(value: Any) -> bytes:
    return jsontext.dumps(value).encode(errors="backslashreplace")
