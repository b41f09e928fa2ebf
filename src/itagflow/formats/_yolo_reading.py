"""Data sets for YOLO as rows: an image each, with its regions as the result of labeling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zipfile import ZipFile

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import Source
from itagflow.formats._listing import parse_entry, read_listing
from itagflow.formats._pictures import Picture, find_field
from itagflow.formats._plain import is_a, is_whole
from itagflow.formats._port import FormatContext
from itagflow.formats._regions import Element
from itagflow.formats._rows import render_row
from itagflow.formats._yolo_names import IMAGES, SETTINGS, SIZES, find_label_file
from itagflow.formats._yolo_shapes import POSE, parse_shape
from itagflow.formats._zip import BROKEN, open_zip, read_entry
from itagflow.model.job import Stage
from itagflow.model.region import Region, Regions
from itagflow.model.task import Row

_NAME = re.compile(r"\s+([0-9]{1,9})\s*:\s*(\S.*)")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_ID = re.compile("[0-9]{1,9}")


def read_zip(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each image that ``images.jsonl`` lists, with the regions on it."""
    picture = None if context.template is None else Picture.find(context)
    if picture is not None and context.options["task"] == POSE:
        require_keypoints(picture)
    try:
        with open_zip(source) as archive:
            yield from _read_images(archive, picture, context)
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _read_images(
    archive: ZipFile, picture: Picture | None, context: FormatContext
) -> Iterator[Row | Problem]:
    names = _parse_names(read_entry(archive, SETTINGS))
    if isinstance(names, Problem):
        yield names
        return
    if SIZES not in archive.NameToInfo:
        reason = "is missing: it has a line for each image, with file, image, width and height"
        yield Problem(SIZES, reason)
        return
    for where, text in read_listing(archive, SIZES):
        try:
            image = _parse_image(where, text)
            results = {}
            if picture is not None:
                reply = _read_regions(archive, image, picture, names, context.options["task"])
                results = {Stage.LABEL: {picture.question.id: reply}}
        except InvalidData as error:
            yield from error.problems
            continue
        row = {"data": {find_field(context): image["image"]}}
        yield render_row(row, results, context.template)


def require_keypoints(picture: Picture) -> None:
    """Check that it is known in which order keypoints stand.

    Raises:
        InvalidData: when the template does not say.
    """
    if not picture.question.keypoints:
        reason = f"needs keypoints of {picture.question.title!r}, in their order"
        raise InvalidData("the template", [Problem("task 'pose'", reason)])


def _parse_names(content: bytes | None) -> dict[int, str] | Problem:
    """Return the names of the classes by id; of YAML no more is known than is written here."""
    if content is None:
        return Problem(SETTINGS, "is missing: it has the names of the classes")
    names: dict[int, str] = {}
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        _, _, after = f"\n{text}".partition("\nnames:\n")
        for line in after.split("\n"):
            found = _NAME.fullmatch(line)
            if found is None:
                break
            name = found[2]
            names[int(found[1])] = jsontext.loads(name) if name.startswith('"') else name
    except ValueError as error:
        return Problem(SETTINGS, f"has names that cannot be read: {error}")
    if not names or not all(is_a(name, str) for name in names.values()):
        return Problem(SETTINGS, "must have names: with a line for each class, such as 0: cat")
    return names


def _parse_image(where: str, text: str | Problem) -> Element:
    image = parse_entry(where, text, "file", "image")
    if not image["file"].startswith(IMAGES):
        raise _make_error(f"{where}, file", f"must begin with {IMAGES}")
    for name in ("width", "height"):
        if not is_whole(image.get(name)) or image[name] < 1:
            raise _make_error(f"{where}, {name}", "must be the size of the image in pixels")
    return image


def _read_regions(
    archive: ZipFile, image: Element, picture: Picture, names: dict[int, str], task: str
) -> Regions:
    place = find_label_file(image["file"])
    try:
        content = read_entry(archive, place)
    except BROKEN as error:
        raise _make_error(place, f"cannot be read: {error}") from error
    if content is None:
        raise _make_error(place, "is missing: an image without regions has an empty file")
    regions: list[Region] = []
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        where = f"{place}, line {number}"
        kind, numbers = _parse_line(where, line)
        if kind not in names:
            raise _make_error(where, f"must begin with the id of a class of {SETTINGS}")
        labels = {} if picture.label is None else {picture.label.title: names[kind]}
        try:
            sides = (image["width"], image["height"])
            regions.append(parse_shape(task, numbers, sides, picture.question.keypoints, labels))
        except InvalidData as error:
            problems = [
                Problem(f"{where}, {each.where}".removesuffix(", "), each.reason)
                for each in error.problems
            ]
            raise InvalidData("the image", problems) from None
    try:
        size = {name: image[name] for name in ("width", "height")}
        return Regions(regions, **size, rotation=image.get("rotation", 0))
    except InvalidData as error:
        raise InvalidData(
            "the image", [Problem(f"{SIZES}, {each.where}", each.reason) for each in error.problems]
        ) from None


def _parse_line(where: str, line: str) -> tuple[int, list[float]]:
    parts = line.split()
    # names of classes and other texts are no numbers, nor is what only Python takes for one
    if not parts or not all(map(_NUMBER.fullmatch, parts)) or not _ID.fullmatch(parts[0]):
        raise _make_error(where, "must be the id of a class and numbers")
    return int(parts[0]), [float(part) for part in parts[1:]]


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the image", [Problem(where, reason)])
