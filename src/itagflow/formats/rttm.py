"""RTTM: a line for each segment of a recording: when it begins, how long it is, who speaks.

::

    SPEAKER call-1 1 0.5 2.25 <NA> <NA> agent <NA> <NA>

Fields are separated by spaces and have none: a space in a name is written as ``_``.  Source: NIST,
*Rich Transcription Evaluation Plan*, 2009, appendix A.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.formats._files import (
    Source,
    Target,
    decode_line,
    open_source,
    open_target,
    read_lines,
)
from itagflow.formats._pictures import LABEL, QUESTION, find_field
from itagflow.formats._plain import parse_number
from itagflow.formats._port import LIMIT, Counts, FormatContext, WriteReport
from itagflow.formats._recordings import RECORDING, Recording
from itagflow.formats._rows import render_row
from itagflow.formats._shapes import DECIMALS, Plain
from itagflow.model.job import Stage
from itagflow.model.result import Result
from itagflow.model.segment import Segment, Segments
from itagflow.model.task import Row, Task
from itagflow.model.template import QuestionKind

__all__ = ["READ_OPTIONS", "WRITE_OPTIONS", "read", "write"]

READ_OPTIONS = (QUESTION, LABEL, RECORDING, LIMIT)
"""Which question the segments answer, and how long a line may be."""
WRITE_OPTIONS = (QUESTION, LABEL, RECORDING)
"""Which question's segments are written."""
_SPACE = re.compile(r"\s")
_NOTHING = "<NA>"


def _spell(key: str) -> str:
    """Return an option without spaces."""
    return _SPACE.sub("_", key)


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield a row for each recording, with its segments as the result of labeling.

    Lines of other kinds than ``SPEAKER`` are skipped. The whole file is held in memory, since the
    segments of a recording can stand anywhere in it.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What is asked, and the options: ``question``, ``label``, ``image`` (the field with
            the name of the recording) and ``limit`` (how many bytes a line may have).
    """
    asked = None if context.template is None else Recording.find(context, _spell)
    recordings: dict[str, list[Segment]] = {}
    broken: set[str] = set()
    with open_source(source) as file:
        for number, line in enumerate(read_lines(file, context.options[LIMIT.name]), 1):
            fields = _split(line, number)
            if isinstance(fields, Problem):
                yield fields
            elif fields[:1] == ["SPEAKER"]:
                name = fields[1] if len(fields) > 1 else ""
                try:
                    recordings.setdefault(name, []).append(_parse_segment(fields, asked))
                except InvalidData as error:
                    broken.add(name)
                    yield from (Problem(f"line {number}", str(each)) for each in error.problems)
    for name, segments in recordings.items():
        # half of the segments of a recording would look like all of them
        if name in broken:
            continue
        results = {}
        if asked is not None:
            results = {Stage.LABEL: {asked.question.id: Segments(segments)}}
        yield render_row({"data": {find_field(context): name}}, results, context.template)


def _split(line: bytes | None, number: int) -> list[str] | Problem:
    """Return the fields of a line; none for a comment."""
    if line is None:
        return Problem(f"line {number}", "is longer than limit=")
    text = decode_line(line, number)
    if isinstance(text, Problem):
        return text
    return [] if text.startswith(";;") else text.split()


def _parse_segment(fields: list[str], asked: Recording | None) -> Segment:
    if len(fields) < 8:
        reason = "has fewer than 8 fields: SPEAKER, recording, channel, start, duration, …, speaker"
        raise InvalidData("the line", [Problem("SPEAKER", reason)])
    start, length = parse_number(fields[3]), parse_number(fields[4])
    if start is None or length is None:
        raise InvalidData("the line", [Problem("SPEAKER", "must have start and duration")])
    labels: dict[str, Any] = {}
    if asked is not None and asked.label is not None and fields[7] != _NOTHING:
        key = asked.names.get(fields[7], fields[7])
        several = asked.label.kind is QuestionKind.CHECKBOX
        labels[asked.label.title] = (key,) if several else key
    return Segment(start, round(start + length, DECIMALS), labels=labels)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write the segments of one question, a line each.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, the stages, and the options: ``question``, ``label`` (the question
            that says who speaks) and ``image`` (the field with the name of the recording).

    Raises:
        InvalidData: when the template asks nothing of the kind.
    """
    counts = Counts(context)
    asked = Recording.find(context, _spell)
    taken: set[str] = set()
    with open_target(target) as file:
        for result in results:
            reply = _find_reply(result, asked, counts)
            name = None if reply is None else _find_name(result.task, asked, taken, counts)
            if reply is not None and name is not None:
                for segment in reply["segments"]:
                    line = _render_segment(segment, name, asked, result.task, counts)
                    file.write("".join(line).encode())
    return counts.build_report()


def _find_reply(result: Result, asked: Recording, counts: Counts) -> Plain | None:
    """Return the segments of a recording; None where a file cannot say anything of them."""
    reply = asked.find_reply(result, counts)
    if reply is None:
        return None
    if reply.get("duration"):
        counts.lose(result.task, "durations of recordings")
    if not reply["segments"]:
        counts.lose(result.task, "recordings without a segment")
        return None
    return reply


def _find_name(task: Task, asked: Recording, taken: set[str], counts: Counts) -> str | None:
    """Return the name of a recording without spaces; None when another one has it."""
    given = asked.find_name(task)
    # half of a surrogate pair has no place in UTF-8
    name = _SPACE.sub("_", given).encode(errors="replace").decode()
    if name in taken:
        counts.lose(task, "recordings with a name that another one has")
        return None
    taken.add(name)
    if name != given:
        counts.lose(task, "names of recordings with a space (written as _)")
    return name


def _render_segment(
    segment: Plain, name: str, asked: Recording, task: Task, counts: Counts
) -> list[str]:
    start, end = round(segment["start"], DECIMALS), round(segment["end"], DECIMALS)
    length = round(end - start, DECIMALS)
    if length <= 0:
        counts.lose(task, "segments of no length")
        return []
    labels = dict(segment.get("labels") or {})
    said = None if asked.label is None else labels.pop(asked.label.title, segment.get("label"))
    several = [said] if isinstance(said, str) else list(said or ())
    if len(several) > 1:
        counts.lose(task, "segments of several labels")
        return []
    if labels:
        counts.lose(task, "further labels of segments")
    speaker = _SPACE.sub("_", several[0]) if several else _NOTHING
    times = f"{start:.16g} {length:.16g}"
    return [f"SPEAKER {name} 1 {times} {_NOTHING} {_NOTHING} {speaker} {_NOTHING} {_NOTHING}\n"]
