"""Pascal VOC as rows: an image each, with its boxes as the result of labeling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element
from zipfile import ZipFile

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import MAX_ROW_BYTES, Source, decode_line, read_lines
from itagflow.formats._pictures import Picture, find_field
from itagflow.formats._plain import move_problems, parse_number, parse_whole
from itagflow.formats._port import FormatContext
from itagflow.formats._rows import render_row
from itagflow.formats._shapes import DECIMALS
from itagflow.formats._voc_flags import Flags
from itagflow.formats._zip import BROKEN, open_zip, read_entry
from itagflow.model.job import Stage
from itagflow.model.region import Box, Regions
from itagflow.model.task import Row
from itagflow.model.template import QuestionKind
from itagflow.xmltext import parse_xml

ANNOTATIONS, SETS, IMAGES = "Annotations/", "ImageSets/Main/", "JPEGImages/"
_FILE = re.compile(rf"(?:.*/)?{ANNOTATIONS}(.+)\.xml", re.DOTALL)


def read_zip(source: Source, context: FormatContext) -> Iterator[Row | Problem]:
    """Yield a row for each image that has a file in ``Annotations``, with the boxes on it."""
    reader = _Reader.find(context)
    try:
        with open_zip(source) as archive:
            for item in _list_files(archive, context.options["subset"]):
                yield item if isinstance(item, Problem) else reader.read(archive, item)
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _list_files(archive: ZipFile, subset: str | None) -> Iterator[str | Problem]:
    """Yield the names of the files about images, or what is wrong with a name in a list."""
    files: dict[str, str] = {}
    for name in archive.namelist():
        if found := _FILE.fullmatch(name):
            files[found[1]] = name
    if not files:
        yield Problem("the file", f"has no {ANNOTATIONS} with an XML file for each image")
        return
    if subset is None:
        yield from files.values()
        return
    ending = f"{SETS}{subset}.txt"
    lists = [name for name in archive.namelist() if f"/{name}".endswith(f"/{ending}")]
    if not lists:
        yield Problem(ending, "is missing: it has a line for each image")
        return
    with archive.open(lists[0]) as lines:
        for number, line in enumerate(read_lines(lines, MAX_ROW_BYTES), 1):
            text = None if line is None else decode_line(line, number)
            # behind a name stands, in some lists, whether the image has an object of a class
            stem = "" if text is None or isinstance(text, Problem) else text.split(" ")[0]
            if stem in files:
                yield files[stem]
            elif text != "":
                where = f"{lists[0]}, line {number}"
                yield Problem(where, f"must be the name of a file in {ANNOTATIONS}")


@attrs.frozen
class _Reader:
    """Makes rows of files about images."""

    context: FormatContext
    picture: Picture | None
    flags: Flags

    @classmethod
    def find(cls, context: FormatContext) -> _Reader:
        """Return what reads the answers to a template, if there is one.

        Raises:
            InvalidData: when the template asks nothing of the kind.
        """
        if context.template is None:
            return cls(context, None, Flags({}))
        picture = Picture.find(context)
        return cls(context, picture, Flags.find(picture))

    def read(self, archive: ZipFile, file: str) -> Row | Problem:
        """Return the row of an image, or what is wrong with it."""
        try:
            content = read_entry(archive, file)
        except BROKEN as error:
            return Problem(file, f"cannot be read: {error}")
        try:
            annotation = parse_xml(content or b"")
            name = annotation.findtext("path") or annotation.findtext("filename")
            if not name:
                raise _make_error("filename", "must be the name of the image")
            results = {}
            if self.picture is not None:
                reply = self._parse_regions(annotation, self.picture)
                results = {Stage.LABEL: {self.picture.question.id: reply}}
        except InvalidData as error:
            (problem, *_) = error.problems
            where = f"{file}, {problem.where}".removesuffix(", the file")
            return Problem(where, problem.reason)
        row = {"data": {find_field(self.context): name}}
        return render_row(row, results, self.context.template)

    def _parse_regions(self, annotation: Element, picture: Picture) -> Regions:
        size = {name: _require_size(annotation, name) for name in ("width", "height")}
        regions: list[Box] = []
        for index, element in enumerate(annotation.iterfind("object")):
            try:
                regions.append(self._parse_object(element, picture))
            except InvalidData as error:
                raise InvalidData("the image", move_problems(f"object[{index}].", error)) from None
        rotation = _parse_whole(annotation, "rotation", "0")
        return Regions(regions, **size, rotation=-1 if rotation is None else rotation)

    def _parse_object(self, element: Element, picture: Picture) -> Box:
        labels = self._parse_attributes(element, picture) | self.flags.parse(element)
        if picture.label is not None:
            name = element.findtext("name")
            if not name:
                raise _make_error("name", "must be the class of the object")
            labels[picture.label.title] = name
        named = {name: _require_number(element, name) for name in ("xmin", "ymin", "xmax", "ymax")}
        less = 1 if self.context.options["one_based"] else 0
        left, top = named["xmin"] - less, named["ymin"] - less
        width, height = named["xmax"] - left, named["ymax"] - top
        numbers = [round(number, DECIMALS) for number in (left, top, width, height)]
        return Box(*numbers, labels=labels)

    def _parse_attributes(self, element: Element, picture: Picture) -> dict[str, Any]:
        """Return the further labels of an object that the template asks."""
        asked = {child.title: child for top in picture.question.children for child in top.every}
        labels: dict[str, Any] = {}
        for attribute in element.iterfind("attributes/attribute"):
            title, value = attribute.findtext("name") or "", attribute.findtext("value") or ""
            if title not in asked:
                continue
            if asked[title].kind is QuestionKind.CHECKBOX:
                labels[title] = (*labels.get(title, ()), value)
            else:
                labels[title] = value
        return labels


def _require_size(annotation: Element, name: str) -> int:
    size = _parse_whole(annotation, f"size/{name}", "")
    if size is None or size < 1:
        raise _make_error(f"size.{name}", "must be the size of the image in pixels")
    return size


def _parse_whole(annotation: Element, path: str, default: str) -> int | None:
    """Return the whole number in an element, which may be written as 9.0; None when it is none."""
    return parse_whole(parse_number((annotation.findtext(path) or default).strip()))


def _require_number(element: Element, name: str) -> float:
    number = parse_number((element.findtext(f"bndbox/{name}") or "").strip())
    if number is None:
        raise _make_error(f"bndbox.{name}", "must be an edge of the box in pixels")
    return number


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the image", [Problem(where, reason)])
