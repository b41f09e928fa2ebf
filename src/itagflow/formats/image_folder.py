"""Image folders: a zip file with a folder for each class, as programs for classification read it.

::

    classes.txt              the classes, a line each, in their order
    train/cat/               a folder for each class, also for one that no image has
    train/metadata.jsonl     for each image: its place and its class, as ``datasets`` reads it
    images.jsonl             for each image: where it belongs, and its name in the data

The images are not in it: each belongs where ``file`` in ``images.jsonl`` says.  YOLO, torchvision
and ``datasets`` take the folders from A to Z for the order of the classes, whatever the template
says: ``classes.txt`` has theirs.  Source: docs.ultralytics.com, *Image classification datasets*;
huggingface.co, *ImageFolder*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from zipfile import ZipFile

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import CheckedFile, Source, Target, open_spool
from itagflow.formats._listing import parse_entry, read_listing, render_entry
from itagflow.formats._names import SafeNames, make_safe
from itagflow.formats._parts import spell_keys
from itagflow.formats._pictures import (
    IMAGE,
    QUESTION,
    find_field,
    find_image_name,
    find_question,
    find_replies,
    lose_other_replies,
)
from itagflow.formats._port import Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._rows import render_row
from itagflow.formats._zip import BROKEN, add_entry, add_file, create_zip, open_zip
from itagflow.model.job import Stage
from itagflow.model.reply import Choice, Choices, Reply
from itagflow.model.result import Result
from itagflow.model.task import Row
from itagflow.model.template import CHOOSING, Question, QuestionKind

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = (FormatOption("split", str, None), QUESTION, IMAGE)
"""What is read: the images of one folder of classes, or all; and which question they answer."""
WRITE_OPTIONS = (FormatOption("split", str, "train"), QUESTION, IMAGE)
"""What is written: the folder that has those of the classes, and which question they answer."""
CLASSES, LISTING, METADATA = "classes.txt", "images.jsonl", "metadata.jsonl"


@attrs.frozen(kw_only=True)
class _Classes:
    """The question that says the class of an image, and the folders of its options."""

    question: Question
    folders: dict[str, str]
    """The folders, with the keys of the options."""

    @classmethod
    def find(cls, context: FormatContext) -> _Classes:
        """Return what the template asks about images.

        Raises:
            InvalidData: when it asks nothing of the kind, or two classes have the same folder.
        """
        question = find_question(context, CHOOSING)
        folders = spell_keys(question, make_safe)
        if len({folder.casefold() for folder in folders}) < len(folders):
            reason = "has options whose folders differ in upper and lower case only"
            raise InvalidData("the template", [Problem(f"question {question.id!r}", reason)])
        return cls(question=question, folders=folders)

    def find_folder(self, result: Result, counts: Counts) -> str | None:
        """Return the folder of the image of a task; None where there is no class to put it in."""
        replies = find_replies(result, counts)
        lose_other_replies(self.question, replies, result.task, counts)
        reply = replies.get(self.question.id)
        if reply is None:
            return None
        keys: list[str] = [reply["key"]] if "key" in reply else list(reply["keys"])
        if len(keys) != 1:
            counts.lose(result.task, "images of several classes" if keys else "images of no class")
            return None
        return make_safe(keys[0])

    def parse_reply(self, folder: str) -> Reply:
        """Return the answer that a folder says."""
        key = self.folders.get(folder, folder)
        return Choices([key]) if self.question.kind is QuestionKind.CHECKBOX else Choice(key)


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each image, with its folder as the result of labeling.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``: a zip
            file with ``images.jsonl``, or with images in a folder for each class.
        context: What is asked, and the options: ``split`` (the folder whose images are read; all
            unless given), ``question`` and ``image``.
    """
    classes = None if context.template is None else _Classes.find(context)
    try:
        with open_zip(source) as archive:
            for item in _list_images(archive):
                if isinstance(item, Problem):
                    yield item
                    continue
                file, name = item
                *folders, _ = file.split("/")
                if context.options["split"] not in (None, *folders[:-1]):
                    continue
                results = {}
                if classes is not None:
                    reply = classes.parse_reply(folders[-1])
                    results = {Stage.LABEL: {classes.question.id: reply}}
                row = {"data": {find_field(context): name}}
                yield render_row(row, results, context.template)
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _list_images(archive: ZipFile) -> Iterator[tuple[str, str] | Problem]:
    """Yield where each image stands, and what it is called in the data."""
    if LISTING in archive.NameToInfo:
        for where, text in read_listing(archive, LISTING):
            try:
                entry = parse_entry(where, text, "file", "image")
            except InvalidData as error:
                yield from error.problems
                continue
            if "/" in entry["file"]:
                yield entry["file"], entry["image"]
            else:
                yield Problem(f"{where}, file", "must be in the folder of a class")
        return
    ours = (CLASSES, METADATA)
    files = [
        name
        for name in archive.namelist()
        if "/" in name.rstrip("/") and not name.endswith(("/", *ours))
    ]
    if not files:
        yield Problem("the file", f"has neither {LISTING} nor images in a folder for each class")
    yield from ((file, file) for file in files)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write where each image belongs by its class; the same bytes each time.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``split`` (the folder that has those
            of the classes), ``question`` and ``image`` (the field with the name of the image).

    Raises:
        InvalidData: when the template asks nothing of the kind, two classes have the same folder,
            or no folder can have the name of the split.
    """
    counts = Counts(context)
    classes = _Classes.find(context)
    split: str = context.options["split"]
    if make_safe(split) != split:
        reason = "must be a name that a folder can have on every system"
        raise InvalidData("the format", [Problem("split", reason)])
    with create_zip(target) as archive, open_spool() as listing, open_spool() as metadata:
        names = "".join(f"{option.key}\n" for option in classes.question.options)
        add_entry(archive, CLASSES, names.encode(errors="replace"))
        for folder in classes.folders:
            add_entry(archive, f"{split}/{folder}/", b"")
        _write_images(results, classes, counts, (listing, metadata))
        add_file(archive, f"{split}/{METADATA}", metadata)
        add_file(archive, LISTING, listing)
    return counts.build_report()


def _write_images(
    results: Iterable[Result],
    classes: _Classes,
    counts: Counts,
    lists: tuple[CheckedFile, CheckedFile],
) -> None:
    """Write the two lists of images, which are complete when all results are seen."""
    listing, metadata = lists
    split = counts.context.options["split"]
    field = find_field(counts.context)
    names = SafeNames()
    for result in results:
        folder = classes.find_folder(result, counts)
        if folder is None:
            continue
        name = find_image_name(result.task, field)
        place = f"{folder}/{names.choose(name, counts.context.number_task(result.task))}"
        key = classes.folders.get(folder, folder)
        entry: dict[str, Any] = {"file": f"{split}/{place}", "image": name}
        listing.write(render_entry(entry))
        metadata.write(render_entry({"file_name": place, "label": key}))
    listing.seek(0)
    metadata.seek(0)
