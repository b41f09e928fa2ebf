"""Pascal VOC: a zip file with an XML file for each image, which has its boxes.

::

    Annotations/1.xml          what is on the image: its size, and an object for each box
    ImageSets/Main/train.txt   the names of all images, a line each, without their suffix
    labelmap.txt               the classes, a line each, in their order: ant:::

A program for training looks for the image at ``JPEGImages/1.jpg``.  ``filename`` in the XML is that
name, and ``path`` the name in the data.  ``labelmap.txt`` is that of CVAT and Datumaro; a class
whose name has a colon, or begins with #, has no line there.  An image that nobody has answered is
left out: it would look like one with nothing on it.

Correct readers disagree about the numbers of a box.  Here ``xmin`` and ``ymin`` are its left and
top edge in pixels from 0, ``xmax`` and ``ymax`` its right and bottom edge: so most programs read
and write it.  The PASCAL development kit counts pixels from 1 and includes the last one; the option
``one_based`` reads and writes that: ``xmin`` and ``ymin`` are one more, and the others are the
same.  Source: *The PASCAL Visual Object Classes Challenge, Development Kit*, 2012.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zipfile import ZipFile

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import Source, Target, open_spool
from itagflow.formats._names import SafeNames, make_safe, split_name
from itagflow.formats._pictures import (
    ABOUT_IMAGES,
    Picture,
    find_image_name,
)
from itagflow.formats._port import CLASSES, Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._shapes import DECIMALS, Plain, Sides, find_sides
from itagflow.formats._voc_flags import Flags
from itagflow.formats._voc_reading import ANNOTATIONS, IMAGES, SETS, read_zip
from itagflow.formats._zip import add_entry, add_file, create_zip
from itagflow.model.result import Result
from itagflow.model.task import Row, Task
from itagflow.xmltext import escape, has_xml

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

ONE_BASED = FormatOption("one_based", bool, False)
READ_OPTIONS = (FormatOption("subset", str, None), ONE_BASED, *ABOUT_IMAGES)
"""What is read: the images of one list, or all; and how pixels are counted."""
WRITE_OPTIONS = (FormatOption("subset", str, "train"), ONE_BASED, *ABOUT_IMAGES, CLASSES)
"""What is written: the name of the list of images; and how pixels are counted."""
LABELS = "labelmap.txt"
_SPACE = re.compile(r"\s")


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its boxes as the result of labeling.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file with ``Annotations``, in any folder.
        context: What is asked, and the options: ``subset`` (the list of images that is read; all
            unless given), ``one_based``, ``question``, ``label`` and ``image``.
    """
    return read_zip(source, context)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the regions of one question as boxes; the same bytes each time.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``subset`` (the name of the list of
            images), ``one_based``, ``question``, ``label`` (the question that says the class),
            ``image`` (the field with its name) and ``classes``.

    Raises:
        InvalidData: when the template asks nothing of the kind, or no file can have the name of
            the subset.
    """
    counts = Counts(context)
    picture = Picture.find(context)
    writer = _Writer(picture, Flags.find(picture), counts)
    subset: str = context.options["subset"]
    if make_safe(subset) != subset:
        reason = "must be a name that a file can have on every system"
        raise InvalidData("the format", [Problem("subset", reason)])
    with create_zip(target) as archive:
        add_entry(archive, LABELS, _render_classes(picture))
        _write_images(results, archive, writer)
    return counts.build_report()


def _render_classes(picture: Picture) -> bytes:
    """Return the list of classes; where colors, parts and actions stand elsewhere, is nothing."""
    fitting = [name for name in picture.class_ids if ":" not in name and name[0] != "#"]
    lines = ["# label:color_rgb:parts:actions", *(f"{name}:::" for name in fitting)]
    return "".join(f"{line}\n" for line in lines).encode(errors="replace")


def _write_images(results: Iterable[Result], archive: ZipFile, writer: _Writer) -> None:
    names = SafeNames()
    context = writer.counts.context
    # the list of images is one file, complete when all others are: it waits outside of memory
    with open_spool() as spool:
        for result in results:
            reply = writer.picture.find_reply(result, writer.counts)
            if reply is None:
                continue
            name = find_image_name(result.task, writer.picture.field)
            # some programs end a name in the list at its first space
            safe = _SPACE.sub("_", make_safe(name))
            file = names.choose(safe, context.number_task(result.task))
            stem, _ = split_name(file)
            text = "\n".join(writer.render(reply, file, name, result.task))
            add_entry(archive, f"{ANNOTATIONS}{stem}.xml", f"{text}\n".encode())
            spool.write(f"{stem}\n".encode())
        spool.seek(0)
        add_file(archive, f"{SETS}{context.options['subset']}.txt", spool)


@attrs.define
class _Writer:
    """Makes XML of regions."""

    picture: Picture
    flags: Flags
    counts: Counts

    def render(self, reply: Plain, file: str, name: str, task: Task) -> Iterator[str]:
        """Yield the lines of the XML of an image."""
        yield "<annotation>"
        yield f"  <folder>{IMAGES.rstrip('/')}</folder>"
        yield f"  <filename>{escape(file)}</filename>"
        if has_xml(name):
            yield f"  <path>{escape(name)}</path>"
        else:
            self.counts.lose(task, "names of images with characters that XML does not have")
        width, height = reply["width"], reply["height"]
        yield (f"  <size><width>{width}</width><height>{height}</height><depth>3</depth></size>")
        if reply.get("rotation"):
            yield f"  <rotation>{reply['rotation']}</rotation>"
        yield "  <segmented>0</segmented>"
        for region in reply["regions"]:
            yield from self._render_region(region, reply, task)
        yield "</annotation>"

    def _render_region(self, region: Plain, reply: Plain, task: Task) -> list[str]:
        name = self.picture.find_known_class(region, task, self.counts)
        if name is None:
            return []
        if not has_xml(name):
            self.counts.lose(task, "regions of a class with characters that XML does not have")
            return []
        sides = find_sides(region, reply, task, self.counts)
        if sides is None:
            return []
        numbers = self._render_sides(sides)
        if numbers is None:
            self.counts.lose(task, "regions without an extent")
            return []
        labels = self.picture.list_attributes(region)
        lines = [f"    <name>{escape(name)}</name>"]
        lines += [
            f"    <{element}>{escape(text)}</{element}>"
            for element, text in self.flags.render(labels)
        ]
        lines.append(f"    <bndbox>{numbers}</bndbox>")
        lines += self._render_attributes(labels, task)
        return ["  <object>", *lines, "  </object>"]

    def _render_sides(self, sides: Sides) -> str | None:
        """Return the edges of a box; None when rounding leaves nothing between them."""
        left, top, right, bottom = [round(side, DECIMALS) for side in sides]
        if left >= right or top >= bottom:
            return None
        if self.counts.context.options[ONE_BASED.name]:
            left, top = round(left + 1, DECIMALS), round(top + 1, DECIMALS)
        named = {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}
        return "".join(f"<{name}>{number:.16g}</{name}>" for name, number in named.items())

    def _render_attributes(self, labels: Mapping[str, Any], task: Task) -> list[str]:
        """Return what is said of a region and has no element of its own, as CVAT writes it."""
        lines: list[str] = []
        for title, value in labels.items():
            if title in self.flags.titles:
                continue
            for text in (value,) if isinstance(value, str) else value:
                if not (has_xml(title) and has_xml(text)):
                    self.counts.lose(task, "labels with characters that XML does not have")
                    continue
                pair = f"<name>{escape(title)}</name><value>{escape(text)}</value>"
                lines.append(f"      <attribute>{pair}</attribute>")
        return ["    <attributes>", *lines, "    </attributes>"] if lines else []
