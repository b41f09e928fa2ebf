"""iTAG's manifest: JSON Lines, one row per task, with a block of results per stage.

::

    {"data": {…}, "label-<job>": {"results": […]},
     "label-<job>-check": {…}, "label-<job>-verify": {…}}

``results`` lists one element per question, in the order of the template; a question without a reply
has none. Source: iTAG, *Labeling data structures*, and for the elements the pages of the templates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats import _elements
from itagflow.formats._arguments import require_job_id, require_mapping, require_template
from itagflow.formats._elements import find_shape_errors
from itagflow.formats._files import (
    CR_ALONE,
    Source,
    Target,
    decode_line,
    find_file_problem,
    open_source,
    open_target,
    read_lines,
    remove_fields,
)
from itagflow.formats._implied import MAX_QUESTIONS, find_unidentified, infer_questions
from itagflow.formats._legacy import (
    add_image_size,
    find_unknown_sizes,
    upgrade_elements,
)
from itagflow.formats._plain import is_a
from itagflow.formats._port import LIMIT, Counts, FormatContext, WriteReport
from itagflow.formats._regions import Element, RegionId, RegionIds
from itagflow.formats._rendering import Elements
from itagflow.model.enums import parse_optional_enum
from itagflow.model.job import STAGES, Stage
from itagflow.model.reply import Reply
from itagflow.model.result import Result, StageResult
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.storage.codec import encode_replies

__all__ = [
    "CONCATENABLE",
    "READ_OPTIONS",
    "blocks",
    "parse",
    "read",
    "render",
    "result_in",
    "results_in",
    "template_of",
    "write",
]

CONCATENABLE = True
"""Each task is a line of its own."""
READ_OPTIONS = (LIMIT,)
"""How long a row may be."""
SUFFIX = {Stage.LABEL: "", Stage.INSPECT: "-check", Stage.ACCEPT: "-verify"}
"""How a block's key ends, by stage."""
STAGE = {suffix: stage for stage, suffix in SUFFIX.items()}
"""The stage, by how a block's key ends."""
BLOCK = re.compile(rf"label-(?P<job>[^-]+)(?P<suffix>{'|'.join(SUFFIX.values())})")
"""A block's key.  The id is a number in iTAG's own files, and may have letters in older ones."""
_CR_BETWEEN_ROWS = re.compile(rb"\}[ \t]*\r+[ \t]*\{\"")
_NOT_THERE = object()
"""Stands for the results of a block that says something else, and is none of the manifest."""


Renderer = Callable[[Task, Mapping[str, Reply], Counts], "list[Element]"]
"""Makes the elements of ``results`` from the replies to a task, and counts what it leaves out."""


def read(source: Source, context: FormatContext, /) -> Iterator[Row | Problem]:
    """Yield the rows of a manifest as they stand there, or what is wrong with one, with its line.

    Blank lines and a byte order mark are skipped.  The JSON itself is not checked: whoever takes
    the row checks what they need of it.  A file that is compressed, in UTF-16, or whose lines end
    with CR alone is one problem.

    Args:
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        context: The option ``limit``: how many bytes a row may have; a longer one is never held in
            memory.

    >>> import io
    >>> from itagflow import formats
    >>> manifest = io.BytesIO(b'{"data": {"source": "cat.jpg"}}')
    >>> [row.text for row in formats.read("itag", manifest)]
    ['{"data": {"source": "cat.jpg"}}']
    """
    limit = context.options["limit"]
    with open_source(source) as file:
        for number, line in enumerate(read_lines(file, limit), 1):
            problem = _find_file_problem(line) if number == 1 else None
            if problem is not None:
                yield problem  # the one problem of all its lines
                return
            if line is None:
                yield Problem(f"line {number}", f"is longer than {limit:,} bytes")
            elif line and not line.isspace():
                yield _decode_row(line, number)


def _find_file_problem(line: bytes | None) -> Problem | None:
    # first what kind of file it is: another kind may have any bytes
    problem = find_file_problem(line)
    # CR is white space in JSON: only behind the end of a row it is meant to end the line
    if problem is None and line is not None and _CR_BETWEEN_ROWS.search(line):
        return CR_ALONE
    return problem


def _decode_row(line: bytes, number: int) -> Row | Problem:
    text = decode_line(line, number)
    if isinstance(text, Problem):
        return text
    return Row(text, number)


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a manifest: each task's row as it came, then a block of results for each stage.

    An abandoned result has no block; that of the default answer of an overdue task also has
    ``"decidedBy": "timeout"``.  The id of the job, of several jobs that of the first, is in the
    keys of the blocks.  Blocks of this job with which a row came are replaced, except those that
    could not be imported; those of other jobs are kept.  Characters that some programs take for the
    end of a line, such as U+2028, are escaped.  A region without an id gets one that is the same in
    every export.

    Args:
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        context: What was asked, and the stages whose results are written.
    """
    elements = Elements(context.asked)

    def render_stage(task: Task, replies: Mapping[str, Reply], _: Counts) -> list[Element]:
        return elements.render(encode_replies(replies), RegionIds(task.job, task.number))

    return write_rows(results, target, context, render_stage)


def write_rows(
    results: Iterable[Result], target: Target, context: FormatContext, elements: Renderer
) -> WriteReport:
    """Write a manifest whose elements are rendered by *elements*."""
    counts = Counts(context)
    with open_target(target) as file:
        # one line at a time: however large the job, one result is in memory
        for result in results:
            reached = counts.add_task(result)
            file.write(_render_line(result.task, reached, counts, elements))
    return counts.build_report()


def _render_line(
    task: Task, reached: list[StageResult], counts: Counts, elements: Renderer
) -> bytes:
    key = f"label-{counts.context.find_block_job(task)}"
    row = task.row
    # what could not be imported is all that there is of its result: it stays to be corrected
    if not any(stage_result.is_not_imported for stage_result in reached):
        row = _remove_own_blocks(row, key)
    pieces = [row[: row.rindex("}")]]
    for stage_result in reached:
        if stage_result.replies is not None:
            elements_text = jsontext.dumps(elements(task, stage_result.replies, counts))
            decided = ""
            if stage_result.decided_by:
                decided = f',"decidedBy":"{stage_result.decided_by}"'
            block = f'{{"results":{elements_text}{decided}}}'
            pieces.append(f',"{key}{SUFFIX[stage_result.stage]}":{block}')
    # line breaks can only be white space between tokens of JSON; half a surrogate pair has to be
    # escaped
    text = "".join(pieces).replace("\n", " ").replace("\r", " ")
    text = jsontext.escape(text)
    return f"{text}}}\n".encode(errors="backslashreplace")


def render(
    replies: Mapping[str, Reply], template: Template, *, region_id: RegionId
) -> list[Element]:
    """Return replies as the elements of ``results``, with iTAG's keys in iTAG's order.

    Where a template asks for spans (or segments) twice, their elements begin with ``questionId``
    and ``markTitle``, which iTAG leaves out: one could not tell them apart.

    Args:
        replies: The replies by question id.
        template: The template that they answer.
        region_id: Names the regions that have no id of their own.

    >>> from itagflow import Choice
    >>> from itagflow.templates import image_classification
    >>> render({"1": Choice("cat")}, image_classification(["cat"]), region_id=str)
    [{'questionId': '1', 'data': 'cat', 'markTitle': 'Single-choice', 'type': 'survey/value'}]
    """
    require_mapping("replies", replies)
    require_template(template)
    return Elements(template).render(encode_replies(replies), region_id)


def _remove_own_blocks(row: str, key: str) -> str:
    """Return a row without the blocks of this job that it came with."""
    # cutting costs more than all the rest, so only a row that may hold the key, plain or escaped,
    # is checked
    if key not in row and "\\u00" not in row:
        return row
    return remove_fields(row, [key + suffix for suffix in SUFFIX.values()])


def parse(results: object, template: Template) -> dict[str, Reply]:
    """Return the replies in the elements of ``results`` by question id; also of the format v1.

    An outline is read as a `Polygon`, also an upright one of four points; a rectangle of v1 as a
    `Box`, on an image whose size is 0 by 0, since v1 does not say it.  Whether a choice is among
    the options is not checked here.

    Raises:
        InvalidData: when an element is of no question of the template, or not of its question's
            shape; it lists every problem with its path.

    >>> from itagflow.templates import image_classification
    >>> element = {"questionId": "1", "data": "cat", "markTitle": "Single-choice"}
    >>> element["type"] = "survey/value"
    >>> parse([element], image_classification(["cat"]))
    {'1': Choice('cat')}
    """
    require_template(template)
    elements: Any = results
    if is_a(elements, list):
        elements = upgrade_elements(elements, template.asked)
    return _elements.parse(elements, template)


def parse_with_size(results: object, template: Template, data: object) -> dict[str, Reply]:
    """Return the same as `parse`, with the size that v1 does not say from the fields of *data*.

    Raises:
        InvalidData: when there is no size there either.
    """
    replies = add_image_size(parse(results, template), data)
    if problems := find_unknown_sizes(results, replies):
        raise InvalidData("the results", problems)
    return replies


def blocks(row: Mapping[str, Any]) -> dict[str, dict[Stage, list[Element]]]:
    """Return the results in a row, by job id (as it stands in the key) and stage.

    >>> blocks({"data": {}, "label-15": {"results": []}, "label-15-check": {"results": []}})
    {'15': {<Stage.LABEL: 'label'>: [], <Stage.INSPECT: 'inspect'>: []}}

    A block that is null, empty, or has null for its results is no result.

    >>> blocks({"data": {}, "label-15": None, "label-16": {}, "label-17": {"results": None}})
    {}

    Raises:
        InvalidData: when a block has results that are no list.
    """
    require_mapping("row", row)
    by_job: dict[str, dict[Stage, list[Element]]] = {}
    problems: list[Problem] = []
    for key, block in row.items():
        match = BLOCK.fullmatch(key) if is_a(key, str) else None
        if match is None or block is None or block == {}:
            continue
        results: Any = _NOT_THERE
        if is_a(block, dict):
            results = block.get("results", _NOT_THERE)
        if is_a(results, list):
            by_job.setdefault(match["job"], {})[STAGE[match["suffix"]]] = list(results)
        elif results is not None:
            problems.append(Problem(f"{key}.results", "must be a list"))
    if problems:
        raise InvalidData("the row", problems)
    return by_job


def result_in(
    row: Mapping[str, Any], *, job: str | None = None, stage: Stage | None = None
) -> list[Element] | None:
    """Return *the* result in a row, or None.  iTAG's documents do not say which block that is.

    Args:
        row: A row with results, parsed.
        job: The job whose results are meant, as it stands in the keys; the one whose blocks come
            last unless given.
        stage: The stage whose result is meant; the last that has one unless given.

    >>> result_in({"data": {}, "label-15": {"results": [1]}, "label-15-check": {"results": [2]}})
    [2]

    Raises:
        InvalidData: when a block has results that are no list.
    """
    require_job_id(job)
    stage = parse_optional_enum(Stage, stage)
    by_job = blocks(row)
    if job is None:
        # iTAG appends blocks: those of the last job are the latest word about the row
        job = next(reversed(by_job), "")
    stages = by_job.get(job, {})
    if stage is None:
        stage = max(stages, key=STAGES.index, default=None)
    if stage is None:
        return None
    return stages.get(stage)


def results_in(
    row: Mapping[str, Any], template: Template, *, job: str
) -> dict[Stage, dict[str, Reply]]:
    """Return the replies in a row at each stage of *job* that it has a block of.

    A size that the format of v1 does not say is taken from the fields ``width`` and ``height`` of
    ``data``.

    Raises:
        InvalidData: when elements are of no question of the template, or not of their question's
            shape, or the size of an image is not known; it lists every problem with its path.
    """
    require_template(template)
    require_job_id(job)
    replies: dict[Stage, dict[str, Reply]] = {}
    problems: list[Problem] = []
    for stage, results in blocks(row).get(job, {}).items():
        try:
            replies[stage] = parse_with_size(results, template, row.get("data"))
        except InvalidData as error:
            key = f"label-{job}{SUFFIX[stage]}"
            problems += [
                Problem(f"{key}.{problem.where}", problem.reason) for problem in error.problems
            ]
    if problems:
        raise InvalidData("the row", problems)
    return replies


def template_of(*rows: Mapping[str, Any], job: str | None = None) -> Template:
    """Return the template that rows with results imply, without views: rows have none.

    The options are the values seen.  The format does not tell a text from a single choice, so an
    INPUT question comes out as RADIO with the texts as options.

    Args:
        rows: Rows with results, parsed.
        job: Look at the results of the job with this id only.

    Raises:
        InvalidData: when there are no results, or they are not of the known shapes; it lists every
            problem.

    >>> element = {"questionId": "1", "data": "cat", "markTitle": "Single-choice"}
    >>> element["type"] = "survey/value"
    >>> template_of({"label-15": {"results": [element]}}).questions[0].kind.value
    'RADIO'
    """
    require_job_id(job)
    answers = [
        (f"row {number}, label-{id}{SUFFIX[stage]}.results", upgrade_elements(results))
        for number, row in enumerate(rows, 1)
        for id, stages in blocks(row).items()
        if job in (None, id)
        for stage, results in stages.items()
    ]
    _raise_if_any(
        problem for where, results in answers for problem in find_unidentified(where, results)
    )
    questions = infer_questions(results for _, results in answers)
    if len(questions) > MAX_QUESTIONS:
        _raise_if_any([Problem("", f"imply more than {MAX_QUESTIONS:,} questions")])
    _raise_if_any(
        problem
        for where, results in answers
        for problem in find_shape_errors(where, results, questions)
    )
    return Template(questions=questions, views=())


def _raise_if_any(problems: Iterable[Problem]) -> None:
    if listed := list(problems):
        raise InvalidData("the results", listed)
