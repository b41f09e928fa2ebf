"""COCO files as rows: an image each, with its regions or its caption as the result of labeling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import BinaryFile, Source, find_file_problem, open_source
from itagflow.formats._geometry import decode_counts, pair
from itagflow.formats._labels import parse_attributes
from itagflow.formats._pictures import TEXTS, Picture, find_field, find_question
from itagflow.formats._plain import is_a, is_counts, is_number, is_numbers
from itagflow.formats._port import FormatContext
from itagflow.formats._regions import Element
from itagflow.formats._rows import render_row
from itagflow.model.job import Stage
from itagflow.model.region import Box, Keypoint, Keypoints, Mask, Polygon, Region, Regions
from itagflow.model.reply import Replies, Text
from itagflow.model.task import Row

CHUNK = 1024 * 1024
"""How much is read at once."""


@attrs.frozen
class _DataSet:
    """A file that was read: its images, and what belongs to each of them."""

    images: list[Element]
    annotations: dict[Any, list[tuple[int, Element]]]
    """By the id of their image, with their place in the file."""
    categories: dict[Any, Element]
    """By id."""


def read_instances(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each image, with the regions on it."""
    picture = None if context.template is None else Picture.find(context)

    def build(image: Element, parts: list[tuple[int, Element]], data: _DataSet) -> Replies:
        if picture is None:
            return {}
        regions = [_parse_region(picture, index, part, image, data) for index, part in parts]
        size = {name: _require_whole(image, name) for name in ("width", "height")}
        reply = Regions(regions, **size, rotation=image.get("rotation", 0))
        return {picture.question.id: reply}

    return _read(source, context, build)


def read_captions(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its caption."""
    question = None if context.template is None else find_question(context, TEXTS)

    def build(_: Element, parts: list[tuple[int, Element]], __: _DataSet) -> Replies:
        if question is None or not parts:
            return {}
        if len(parts) > 1:
            reason = f"has {len(parts)} captions, and a question takes one"
            raise InvalidData("the image", [Problem("", reason)])
        ((index, part),) = parts
        if not is_a(part.get("caption"), str):
            where = f"annotations[{index}].caption"
            raise InvalidData("the image", [Problem(where, "must be a text")])
        return {question.id: Text(part["caption"])}

    return _read(source, context, build)


Build = Callable[[Element, "list[tuple[int, Element]]", _DataSet], Replies]
"""Makes the replies about an image of its annotations."""


def _read(source: Source, context: FormatContext, build: Build) -> Iterator[Row | Problem]:
    with open_source(source) as file:
        data = _read_data_set(file)
    if isinstance(data, Problem):
        yield data
        return
    field = find_field(context)
    for index, image in enumerate(data.images):
        try:
            replies = build(image, data.annotations.get(image["id"], []), data)
        except InvalidData as error:
            for problem in error.problems:
                place = f"images[{index}], {problem.where}".removesuffix(", ")
                yield Problem(place, problem.reason)
            continue
        results = {Stage.LABEL: replies} if replies else {}
        row = {"data": {field: image["file_name"]}}
        yield render_row(row, results, context.template)
    known = {image["id"] for image in data.images}
    for id, parts in data.annotations.items():
        if id not in known:
            where = f"annotations[{parts[0][0]}].image_id"
            yield Problem(where, f"must be the id of one of the images, not {id!r}")


def _read_data_set(file: BinaryFile) -> _DataSet | Problem:
    parts: list[bytes] = []
    while part := file.readline(CHUNK):
        if not parts and (problem := find_file_problem(part)):
            return problem
        parts.append(part)
    try:
        content: Any = jsontext.loads(b"".join(parts).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Problem("the file", f"is not JSON: {error}")
    if not is_a(content, dict):
        return Problem("the file", "must be an object with images; detections alone have none")
    lists = {name: content.get(name, []) for name in ("images", "annotations", "categories")}
    for name, items in lists.items():
        if not is_a(items, list):
            return Problem(name, "must be a list")
        for index, item in enumerate(items):
            if problem := _find_item_problem(f"{name}[{index}]", item, _NEEDED[name]):
                return problem
    annotations: dict[Any, list[tuple[int, Element]]] = {}
    for index, item in enumerate(lists["annotations"]):
        annotations.setdefault(item["image_id"], []).append((index, item))
    categories = {item["id"]: item for item in lists["categories"]}
    return _DataSet(lists["images"], annotations, categories)


Needed = Mapping[str, tuple[type, ...]]
"""The fields that an item needs, and of which types."""
_NEEDED: Mapping[str, Needed] = {
    "images": {"id": (int, str), "file_name": (str,)},
    "annotations": {"image_id": (int, str)},
    "categories": {"id": (int,), "name": (str,)},
}
"""What each item needs."""


def _find_item_problem(where: str, item: Any, needed: Needed) -> Problem | None:
    if not is_a(item, dict):
        return Problem(where, "must be an object")
    for name, kinds in needed.items():
        if type(item.get(name)) not in kinds:
            wanted = " or ".join("a number" if kind is int else "a text" for kind in kinds)
            return Problem(f"{where}.{name}", f"must be {wanted}")
    return None


def _require_whole(image: Element, name: str) -> int:
    if not is_a(image.get(name), int):
        raise InvalidData("the image", [Problem(name, "must be the size of the image in pixels")])
    return int(image[name])


def _parse_region(
    picture: Picture, index: int, part: Element, image: Element, data: _DataSet
) -> Region:
    where = f"annotations[{index}]"
    id: Any = part.get("category_id")
    category = data.categories.get(id) if is_a(id, int) else None
    if category is None:
        reason = "must be the id of one of the categories"
        raise InvalidData("the image", [Problem(f"{where}.category_id", reason)])
    labels = parse_attributes(where, part)
    if picture.label is not None:
        labels[picture.label.title] = category["name"]
    try:
        return _parse_shape(part, category, image, labels)
    except InvalidData as error:
        problems = [Problem(f"{where}.{each.where}", each.reason) for each in error.problems]
        raise InvalidData("the image", problems) from None


def _parse_shape(part: Element, category: Element, image: Element, labels: Any) -> Region:
    segmentation: Any = part.get("segmentation")
    if "keypoints" in part:
        return _parse_keypoints(part["keypoints"], category.get("keypoints", []), labels)
    if is_a(segmentation, dict):
        return _parse_mask(segmentation, image, labels)
    if segmentation:
        return _parse_polygon(segmentation, labels)
    if not is_numbers(part.get("bbox"), 4):
        raise _make_error("bbox", "must be the four numbers x, y, width and height")
    return Box(*part["bbox"], labels=labels)


def _parse_polygon(segmentation: Any, labels: Any) -> Polygon:
    if not is_a(segmentation, list):
        raise _make_error("segmentation", "must be a list of outlines, or run lengths")
    if len(segmentation) > 1:
        raise _make_error("segmentation", "has several outlines, and a region is one")
    (outline,) = segmentation
    if not is_a(outline, list) or len(outline) % 2 or not all(map(is_number, outline)):
        raise _make_error("segmentation[0]", "must be numbers x, y, x, y, …")
    return Polygon(pair(outline), labels=labels)


def _parse_mask(segmentation: Element, image: Element, labels: Any) -> Mask:
    counts: Any = segmentation.get("counts")
    if is_a(counts, str):
        counts = decode_counts(counts)
    if not is_counts(counts):
        raise _make_error("segmentation.counts", "must be run lengths, as a list or as a text")
    size = [_require_whole(image, name) for name in ("height", "width")]
    if segmentation.get("size") != size or sum(counts) != size[0] * size[1]:
        raise _make_error("segmentation.size", "must be [height, width] of the image, and filled")
    return Mask(counts, labels=labels)


def _parse_keypoints(numbers: Any, names: Any, labels: Any) -> Keypoints:
    if not is_a(names, list) or not is_numbers(numbers, 3 * len(names)):
        raise _make_error("keypoints", "must be x, y and visibility of each keypoint of its class")
    keypoints = [
        Keypoint(name, *numbers[3 * place : 3 * place + 3]) for place, name in enumerate(names)
    ]
    return Keypoints(keypoints, labels=labels)


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the annotation", [Problem(where, reason)])
