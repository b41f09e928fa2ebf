"""JSON Lines with everything that a result has: one line per task, written and read without loss.

::

    {"itagflow": 1, "job": 15, "number": 1, "package": 1, "row": {"data": {…}}, "state": "final",
     "stages": [{"stage": "label", "replies": {"1": {"key": "cat", "kind": "choice"}}, …}],
     "provenance": […], "votes": […]}

``row`` is the task's row as it came.  ``stages``, ``provenance`` and ``votes`` have the fields of
`StageResult`, `Provenance` and `Answer`; what has its default is left out.  Replies are JSON as
`itagflow.schema.replies_to_json` has it.  Members are numbers: accounts are in no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

import attrs

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats import itag
from itagflow.formats._arguments import require_limit
from itagflow.formats._files import (
    MAX_ROW_BYTES,
    Source,
    Target,
    find_field,
    open_target,
)
from itagflow.formats._plain import is_a
from itagflow.formats._port import LIMIT, Counts, FormatContext, WriteReport
from itagflow.formats._rows import render_row
from itagflow.model.job import Stage
from itagflow.model.reply import Reply
from itagflow.model.result import Provenance, Result, StageResult
from itagflow.model.task import Answer, Row, Task, TaskState
from itagflow.model.text import require_text
from itagflow.storage import codec

__all__ = [
    "CONCATENABLE",
    "INCREMENTAL",
    "READ_OPTIONS",
    "parse",
    "read",
    "read_results",
    "write",
]

CONCATENABLE = True
"""Each task is a line of its own."""
INCREMENTAL = True
"""A line can say that its task is no longer there."""
READ_OPTIONS = (LIMIT,)
"""How long a line may be."""
V = TypeVar("V")
VERSION = 1
"""The version of the format, which each line begins with."""
TASK = ("job", "number", "package")
"""What a line has of its task, besides the row."""
OPTIONAL: dict[str, str] = {"row_key": "row_key_text", "version": "version"}
"""What it has of it where there is something, by its name in the file."""
OF_ONE_TASK: dict[str, Any] = {"score": None, "seconds": 0.0}
"""What the work on a task has for itself, and not with others of its package, by default."""


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a line for each task: its row, its results, who worked on it, and all votes.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: The stages whose results are written, with the work and the votes at them.
    """
    counts, line = Counts(context), LineWriter(frozenset(context.stages))
    with open_target(target) as file:
        for result in results:
            reached = counts.add_task(result)
            file.write(line.render(result, reached))
    return counts.build_report()


class CachedWriter(Generic[V]):
    """Writes what the tasks of a package have in common, and keeps the text for equal values."""

    def __init__(self, kind: type[V], encode: Callable[[V], Any], rest: Mapping[str, Any]) -> None:
        """Look up the fields of *kind*.

        Args:
            kind: The class of the values.
            encode: Makes plain JSON types of one.
            rest: The fields that differ from task to task, each with a value that is not written.
        """
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", kind))
        self._names = [field.name for field in fields if field.name not in rest]
        self._get_values = attrgetter(*self._names)
        write = partial(_write_values, self._names, lambda given: encode(kind(**given, **rest)))
        self._write = lru_cache(maxsize=1_000)(write)

    def write(self, value: V) -> str:
        """Return a value as JSON, without what differs from task to task."""
        return self._write(self._get_values(value))


def _write_values(
    names: list[str], encode: Callable[[dict[str, Any]], Any], values: tuple[Any, ...]
) -> str:
    return jsontext.dumps(encode(dict(zip(names, values, strict=True))))


class LineWriter:
    """Makes the lines of results; replies pass through as the text that they are stored as."""

    def __init__(self, stages: frozenset[Stage]) -> None:
        """Look up what writes each part, for work and votes at these *stages*."""
        self._stages = stages
        self._encode_stage = codec.encoder_without_replies(StageResult)
        self._encode_vote = codec.encoder_without_replies(Answer)
        encode_entry = codec.encoder(Provenance)
        self._entries = CachedWriter(Provenance, encode_entry, OF_ONE_TASK)
        rest: dict[str, Any] = {"replies": None, "merge": None, "order": {}}
        self._results = CachedWriter(StageResult, self._encode_stage, rest)

    def render(self, result: Result, reached: list[StageResult]) -> bytes:
        """Return the line of a result, with what it *reached*."""
        entries = ",".join(
            [self._write_entry(entry) for entry in result.provenance if entry.stage in self._stages]
        )
        stages = ",".join([_add_replies(self._write_stage(each), each) for each in reached])
        votes = ",".join(
            [
                _add_replies(jsontext.dumps(self._encode_vote(vote)), vote)
                for vote in result.votes
                if vote.stage in self._stages
            ]
        )
        # the row as it came, with its numbers as they are spelled; line breaks can only be white
        # space between tokens of JSON
        row = result.task.row.replace("\n", " ").replace("\r", " ")
        work = f'"provenance":[{entries}],"stages":[{stages}],"votes":[{votes}]'
        text = f'{{{_write_head(result)},{work},"row":{row}}}\n'
        return jsontext.escape(text).encode(errors="backslashreplace")

    def _write_entry(self, entry: Provenance) -> str:
        """Return who worked on a task as JSON."""
        text = self._entries.write(entry)
        rest: dict[str, Any] = {}
        for name, usual in OF_ONE_TASK.items():
            value = getattr(entry, name)
            if value != usual:
                rest[name] = value
        return f"{text[:-1]},{jsontext.dumps(rest)[1:]}" if rest else text

    def _write_stage(self, result: StageResult) -> str:
        """Return a result at a stage as JSON, without its replies."""
        if result.merge is None and not result.order:
            return self._results.write(result)
        return jsontext.dumps(self._encode_stage(result))


_write_word = lru_cache(maxsize=100)(jsontext.dumps)
"""Returns one of the few words for a state as JSON."""


def _write_head(result: Result) -> str:
    """Return what a line says of the task and its state, as fields of JSON."""
    task = result.task
    # put together as text, since whole numbers are JSON as they are
    fields = [f'"itagflow":{VERSION}', *(f'"{name}":{getattr(task, name):d}' for name in TASK)]
    for name, attribute in OPTIONAL.items():
        value = getattr(task, attribute)
        if value:
            fields.append(f'"{name}":{jsontext.dumps(value)}')
    fields.append(f'"state":{_write_word(result.state.value)}')
    if result.became:
        fields.append(f'"became":{_write_word(result.became)}')
    if result.revision:
        fields.append(f'"revision":{result.revision:d}')
    if result.removed:
        fields.append(f'"removed":{jsontext.dumps(result.removed)}')
    return ",".join(fields)


def _add_replies(text: str, part: StageResult | Answer) -> str:
    """Return a result or a vote as JSON, given its JSON without the replies, which come last."""
    replies = "null" if part.replies is None else codec.write_replies(part.replies)
    return f'{text[:-1]},"replies":{replies}}}'


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield the row of each line with its results at each stage, or what is wrong with the line.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: What was asked, and the option ``limit``: how many bytes a line may have.
    """
    for line in itag.read(source, context):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            yield read_row(line, context)
        except InvalidData as error:
            yield from _place(line, error)


def read_results(source: Source, *, limit: int = MAX_ROW_BYTES) -> Iterator[Result | Problem]:
    """Yield the result in each line as it was exported, or what is wrong with the line.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        limit: How many bytes a line may have; a longer one is never held in memory.

    Raises:
        InvalidData: when the limit is no number of bytes, or the source is nothing to read from.
    """
    context = FormatContext(options={LIMIT.name: require_limit(limit)})
    return _read_results(source, context)


def _read_results(source: Source, context: FormatContext) -> Iterator[Result | Problem]:
    for line in itag.read(source, context):
        if isinstance(line, Problem):
            yield line
            continue
        try:
            yield parse(line.text)
        except InvalidData as error:
            yield from _place(line, error)


def _place(line: Row, error: InvalidData) -> Iterator[Problem]:
    for problem in error.problems:
        where = f"line {line.line}, {problem.where}".removesuffix(", ")
        yield Problem(where, problem.reason)


def read_row(line: Row, context: FormatContext) -> Row:
    """Return the row of a line, with its results.

    Raises:
        InvalidData: when the line is none of this format.
    """
    fields = _parse_fields(line.text)
    if fields.get("removed"):
        reason = (
            "takes the task out of an earlier file: put both together first, and read what remains"
        )
        raise InvalidData("the line", [Problem("removed", reason)])
    if context.template is None:
        _decode(_decode(fields, "row", dict), "data", dict)
        return Row(find_field(line.text, "row"), line.line)
    result = _make_result(line.text, fields)
    replies = {
        stage: stage_result.replies
        for stage, stage_result in result.stages.items()
        if stage_result.replies is not None
    }
    return render_row(result.task.row, replies, context.template, line=line.line)


def parse(line: str) -> Result:
    """Return the result in a line, equal to the one that was written.

    White space between the lines of a row is the only thing that is not kept.

    Args:
        line: A line of the file.

    Raises:
        InvalidData: when it is none of this format; it lists every problem with its path.
    """
    return _make_result(line, _parse_fields(require_text("the line", "line", line)))


def _make_result(line: str, fields: dict[str, Any]) -> Result:
    """Return the result in a line with these fields.

    Raises:
        InvalidData: when they are none of this format.
    """
    _decode(_decode(fields, "row", dict), "data", dict)
    stages = _decode_each(fields, "stages", StageResult)
    known = {name: _decode(fields, name, int) for name in TASK}
    named = {
        attribute: _decode(fields, name, type(getattr(_NO_TASK, attribute)))
        for name, attribute in OPTIONAL.items()
        if name in fields
    }
    return Result(
        task=Task(row=find_field(line, "row"), **known, **named),
        state=_decode(fields, "state", TaskState),
        became=_decode({"became": "", **fields}, "became", str),
        revision=_decode({"revision": 0, **fields}, "revision", int),
        removed=_decode({"removed": "", **fields}, "removed", str),
        stages={stage_result.stage: stage_result for stage_result in stages},
        provenance=_decode_each(fields, "provenance", Provenance),
        votes=_decode_each(fields, "votes", Answer),
    )


_NO_TASK = Task(job=0, number=0, package=0, row="{}")
"""Tells of what kind the optional fields are."""


def _parse_fields(line: str) -> dict[str, Any]:
    try:
        fields: Any = jsontext.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidData("the line", [Problem("", f"is not JSON: {error}")]) from None
    if not is_a(fields, dict) or fields.get("itagflow") != VERSION:
        reason = f'must begin with {{"itagflow": {VERSION}}}, as what this format writes'
        raise InvalidData("the line", [Problem("", reason)])
    return dict(fields)


def _decode_each(fields: dict[str, Any], name: str, kind: Any) -> tuple[Any, ...]:
    _decode(fields, name, list)
    return tuple(
        _decode({f"{name}[{index}]": value}, f"{name}[{index}]", kind)
        for index, value in enumerate(fields[name])
    )


def _decode(fields: dict[str, Any], name: str, kind: Any) -> Any:
    """Return a field of a line as *kind*.

    Raises:
        InvalidData: when it is none; it lists every problem with its path.
    """
    if name not in fields:
        raise InvalidData("the line", [Problem(name, "is missing")])
    value = fields[name]
    if kind in (list, dict):
        if not is_a(value, kind):
            wanted = "a list" if kind is list else "an object"
            raise InvalidData("the line", [Problem(name, f"must be {wanted}")])
        return value
    try:
        return _make_whole(kind, value)
    except codec.DecodingError as error:
        problems = [Problem(name + path, reason) for path, reason in codec.list_problems(error)]
        raise InvalidData("the line", problems) from None
    except InvalidData as error:
        problems = [Problem(f"{name}.{each.where}", each.reason) for each in error.problems]
        raise InvalidData("the line", problems) from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f"is no {kind.__name__}: {error}"
        raise InvalidData("the line", [Problem(name, reason)]) from None


def _make_whole(kind: Any, value: Any) -> Any:
    """Return a value as *kind* with all its replies, else made when they are asked for."""
    made = codec.decoder(kind)(value)
    replies: Mapping[str, Reply] | None = getattr(made, "replies", None)
    if replies is not None:
        if not is_a(value["replies"], dict):
            raise InvalidData("the line", [Problem("replies", "must be an object")])
        dict(replies)  # makes each of them
    return made
