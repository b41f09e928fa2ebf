"""Subtitles: cues with times and texts, and what becomes of segments in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import Target, open_spool
from itagflow.formats._listing import render_entry
from itagflow.formats._names import SafeNames, split_name
from itagflow.formats._parts import list_parts
from itagflow.formats._port import Counts, FormatContext, FormatOption, WriteReport
from itagflow.formats._recordings import Recording
from itagflow.formats._shapes import Plain
from itagflow.formats._zip import add_entry, add_file, create_zip
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.template import WRITING, Question

TEXT = FormatOption("text", str, None)
"""The title of the question about a segment that says what the cue shows; the first that is
answered in words, or else the first with options."""
LISTING = "recordings.jsonl"
LATEST = 3_600_000_000
"""How many seconds are too late for a cue: a million hours."""
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What ends a line for some programs, or has no place in UTF-8."""


@attrs.frozen(kw_only=True)
class Dialect:
    """How a format of subtitles spells cues."""

    suffix: str
    """How the names of its files end."""
    header: str
    """How its files begin."""
    point: str
    """What stands before milliseconds."""
    has_markup: bool
    """Whether it says who speaks, and escapes the signs of its markup."""
    is_numbered: bool
    """Whether its cues have numbers."""


WEBVTT = Dialect(suffix=".vtt", header="WEBVTT\n\n", point=".", has_markup=True, is_numbered=False)
SRT = Dialect(suffix=".srt", header="", point=",", has_markup=False, is_numbered=True)


@attrs.frozen(kw_only=True)
class Cues:
    """The question whose segments files hold, and what the texts of cues say about them."""

    recording: Recording
    text: Question | None
    """What is asked about a segment, and shown as its text."""
    label: Question | None
    """What is asked about a segment that says who speaks."""

    @classmethod
    def find(cls, context: FormatContext) -> Cues:
        """Return what the template asks about recordings.

        Raises:
            InvalidData: when it asks nothing of the kind, or two options are spelled alike.
        """
        recording = Recording.find(context, collapse)
        parts = list_parts(recording.question)
        title = context.options[TEXT.name]
        fitting = [child for child in parts if child.title == title]
        if title is not None and not fitting:
            reason = f"must be the title of a question about {recording.question.title!r}"
            raise InvalidData("the format", [Problem(TEXT.name, reason)])
        if title is None:
            fitting = [child for child in parts if child.kind in WRITING]
            fitting += [child for child in parts if child.options]
        text = fitting[0] if fitting else None
        label = recording.label
        is_shown = label is not None and text is not None and label.title == text.title
        return cls(recording=recording, text=text, label=None if is_shown else label)


def collapse(text: str) -> str:
    """Return a text with single spaces, as markup is read."""
    return " ".join(text.split())


def write_cues(
    results: Iterable[Result], target: Target, context: FormatContext, dialect: Dialect
) -> WriteReport:
    """Write a file of subtitles for each recording into a zip file, and a list of all of them.

    Raises:
        InvalidData: when the template asks nothing of the kind.
    """
    counts = Counts(context)
    writer = _Writer(Cues.find(context), counts, dialect)
    names = SafeNames()
    # the list is one file, complete when all others are: it waits outside of memory
    with create_zip(target) as archive, open_spool() as spool:
        for result in results:
            reply = writer.cues.recording.find_reply(result, counts)
            if reply is None:
                continue
            name = writer.cues.recording.find_name(result.task)
            stem, _ = split_name(names.choose(name, context.number_task(result.task)))
            file = stem + dialect.suffix
            add_entry(archive, file, writer.render(reply, result.task).encode())
            entry: dict[str, Any] = {"file": file, "recording": name}
            if reply.get("duration"):
                entry["duration"] = reply["duration"]
            spool.write(render_entry(entry))
        spool.seek(0)
        add_file(archive, LISTING, spool)
    return counts.build_report()


@attrs.frozen
class _Writer:
    """Makes cues of segments."""

    cues: Cues
    counts: Counts
    dialect: Dialect

    def render(self, reply: Plain, task: Task) -> str:
        """Return the subtitles of a recording."""
        segments: list[Plain] = reply["segments"]
        in_order = sorted(segments, key=lambda segment: segment["start"])
        if in_order != segments:
            self.counts.lose(task, "orders of segments (written as they begin)")
        blocks: list[str] = []
        for segment in in_order:
            cue = self._render_cue(segment, task)
            if cue is not None:
                number = f"{len(blocks) + 1}\n" if self.dialect.is_numbered else ""
                blocks.append(f"{number}{cue}\n")
        return self.dialect.header + "\n".join(blocks)

    def _render_cue(self, segment: Plain, task: Task) -> str | None:
        if segment["end"] >= LATEST:
            self.counts.lose(task, "segments that end after a million hours")
            return None
        start, end = [round(segment[name] * 1_000) for name in ("start", "end")]
        if start >= end:
            self.counts.lose(task, "segments of no length")
            return None
        labels = dict(segment.get("labels") or self._spread_label(segment.get("label")))
        text = self._clean(self._take(labels, self.cues.text, task), task)
        who = collapse(self._take(labels, self.cues.label, task))
        if self.dialect.has_markup:
            text = escape(text, quote=False)
            text = f"<v {escape(who, quote=False)}>{text}</v>" if who else text
        elif who:
            self.counts.lose(task, "labels of segments")
        if not text:
            self.counts.lose(task, "segments without a text")
            return None
        if labels:
            self.counts.lose(task, "further labels of segments")
        if any(abs(segment[n] * 1_000 - ms) > 1e-3 for n, ms in (("start", start), ("end", end))):
            self.counts.lose(task, "times between milliseconds (rounded)")
        return f"{self._render_time(start)} --> {self._render_time(end)}\n{text}"

    def _spread_label(self, label: str | None) -> dict[str, str]:
        """Return the short form of a label, as yet unsaved, by its title."""
        parts = list_parts(self.cues.recording.question)
        return {parts[0].title: label} if label is not None and len(parts) == 1 else {}

    def _take(self, labels: dict[str, Any], question: Question | None, task: Task) -> str:
        """Return what is said of a segment, which is taken out of its labels; empty for nothing."""
        value = "" if question is None else labels.pop(question.title, "")
        several = (value,) if isinstance(value, str) else value
        if len(several) > 1:
            self.counts.lose(task, "several labels of a segment (the first is written)")
        return several[0] if several else ""

    def _clean(self, text: str, task: Task) -> str:
        """Return a text as a cue can have it: an empty line ends a cue."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        kept = [_REFUSED.sub(" ", line) for line in lines]
        cleaned = "\n".join(line for line in kept if line.strip())
        if cleaned != text:
            self.counts.lose(task, "empty lines and control characters in texts")
        return cleaned

    def _render_time(self, milliseconds: int) -> str:
        seconds, rest = divmod(milliseconds, 1_000)
        minutes, hours = seconds // 60 % 60, seconds // 3_600
        return f"{hours:02}:{minutes:02}:{seconds % 60:02}{self.dialect.point}{rest:03}"
