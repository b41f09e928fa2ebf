"""Subtitles as rows: a recording each, with its cues as segments."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._cues import LISTING, Cues, Dialect, collapse
from itagflow.formats._files import Source
from itagflow.formats._listing import parse_entry, read_listing
from itagflow.formats._pictures import find_field
from itagflow.formats._plain import is_number
from itagflow.formats._port import FormatContext
from itagflow.formats._rows import render_row
from itagflow.formats._zip import BROKEN, open_zip, read_entry
from itagflow.model.job import Stage
from itagflow.model.segment import Segment, Segments
from itagflow.model.task import Row
from itagflow.model.template import Question, QuestionKind

Block = tuple[int, list[str]]
"""Lines between two empty ones, with the number of the first."""
ARROW = "-->"
_TIME = re.compile(r"(?:([0-9]{1,9}):)?([0-5]?[0-9]):([0-5]?[0-9])[.,]([0-9]{3})")
_BESIDE = re.compile(r"(NOTE|STYLE|REGION)([ \t].*)?")
"""How blocks begin that are no cues."""
_VOICE = re.compile(r"<v(?:\.[^>\s]*)?[ \t]+([^>]*)>")
_TAG = re.compile("<[^>]*>")


def read_zip(source: Source, context: FormatContext, dialect: Dialect) -> Iterator[Row | Problem]:
    """Yield a row for each recording, with its cues as the result of labeling."""
    cues = None if context.template is None else Cues.find(context)
    reader = _Reader(context, cues, dialect)
    try:
        with open_zip(source) as archive:
            yield from _read_files(archive, reader)
    except InvalidData:
        # it is a ValueError too: the source is no file at all
        raise
    except BROKEN as error:
        yield Problem("the file", f"is no zip file that can be read: {error}")


def _read_files(archive: ZipFile, reader: _Reader) -> Iterator[Row | Problem]:
    if LISTING in archive.NameToInfo:
        for where, text in read_listing(archive, LISTING):
            try:
                entry = parse_entry(where, text, "file", "recording")
                duration = entry.get("duration", 0)
                if not is_number(duration) or duration < 0:
                    raise _make_error(f"{where}, duration", "must be a number of seconds")
                yield reader.read(archive, entry)
            except InvalidData as error:
                yield from error.problems
        return
    files = [name for name in archive.namelist() if name.endswith(reader.dialect.suffix)]
    if not files:
        yield Problem("the file", f"has no {reader.dialect.suffix} file for each recording")
    for file in files:
        try:
            name = file.removesuffix(reader.dialect.suffix)
            yield reader.read(archive, {"file": file, "recording": name})
        except InvalidData as error:
            yield from error.problems


@attrs.frozen
class _Reader:
    """Makes rows of files of subtitles."""

    context: FormatContext
    cues: Cues | None
    dialect: Dialect

    def read(self, archive: ZipFile, entry: dict[str, Any]) -> Row:
        """Return the row of a recording.

        Raises:
            InvalidData: when its file is missing or broken.
        """
        file = entry["file"]
        try:
            content = read_entry(archive, file)
        except BROKEN as error:
            raise _make_error(file, f"cannot be read: {error}") from error
        if content is None:
            raise _make_error(file, "is missing")
        results = {}
        if self.cues is not None:
            reply = self._parse(file, content, self.cues, entry.get("duration", 0))
            results = {Stage.LABEL: {self.cues.recording.question.id: reply}}
        row = {"data": {find_field(self.context): entry["recording"]}}
        return render_row(row, results, self.context.template)

    def _parse(self, file: str, content: bytes, cues: Cues, duration: float) -> Segments:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _make_error(file, "is not UTF-8") from error
        segments: list[Segment] = []
        problems: list[Problem] = []
        for number, lines in self._list_cues(text, file):
            try:
                segments.append(self._parse_cue(lines, cues))
            except InvalidData as error:
                where = f"{file}, line {number}"
                problems += [Problem(where, str(each)) for each in error.problems]
        # some of the cues of a recording would look like all of them
        if problems:
            raise InvalidData("the file", problems)
        return Segments(segments, duration=duration)

    def _list_cues(self, text: str, file: str) -> list[Block]:
        blocks = list(_split(text))
        if not self.dialect.header:
            return blocks
        if not blocks or not re.match(r"WEBVTT(?![^ \t])", blocks[0][1][0]):
            raise _make_error(f"{file}, line 1", "must be WEBVTT")
        return [block for block in blocks[1:] if not _BESIDE.fullmatch(block[1][0])]

    def _parse_cue(self, lines: list[str], cues: Cues) -> Segment:
        # before its times a cue may have a number or a name
        place = next((place for place, line in enumerate(lines[:2]) if ARROW in line), None)
        if place is None:
            reason = "must have its times, such as 00:00:01.000 --> 00:00:02.500"
            raise _make_error("the cue", reason)
        before, _, after = lines[place].partition(ARROW)
        start, end = _parse_time(before), _parse_time(f"{after} ".lstrip().partition(" ")[0])
        text = "\n".join(lines[place + 1 :])
        labels: dict[str, Any] = {}
        if self.dialect.has_markup:
            self._add_voice(labels, text, cues)
            text = html.unescape(_TAG.sub("", text))
        if text and cues.text is not None:
            _add_label(labels, cues.text, text)
        return Segment(start, end, labels=labels)

    def _add_voice(self, labels: dict[str, Any], text: str, cues: Cues) -> None:
        voices = {collapse(html.unescape(each)) for each in _VOICE.findall(text)} - {""}
        if len(voices) > 1:
            raise _make_error("the cue", "has several voices, and a segment is of one")
        for voice in voices:
            if cues.label is not None:
                _add_label(labels, cues.label, cues.recording.names.get(voice, voice))


def _add_label(labels: dict[str, Any], question: Question, value: str) -> None:
    several = question.kind is QuestionKind.CHECKBOX
    labels[question.title] = (value,) if several else value


def _split(text: str) -> Iterator[Block]:
    """Yield the lines between empty ones."""
    block: list[str] = []
    first = 1
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if line.strip():
            first = first if block else number
            block.append(line)
        elif block:
            yield first, block
            block = []
    if block:
        yield first, block


def _parse_time(text: str) -> float:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise _make_error("the cue", "must have its times as hours:minutes:seconds.milliseconds")
    hours, minutes, seconds, milliseconds = [int(part or 0) for part in found.groups()]
    return ((hours * 60 + minutes) * 60_000 + seconds * 1_000 + milliseconds) / 1_000


def _make_error(where: str, reason: str) -> InvalidData:
    return InvalidData("the file", [Problem(where, reason)])
