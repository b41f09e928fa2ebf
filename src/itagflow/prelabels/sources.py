"""Sources of pre-labels besides a model: fields of the rows, their results, an earlier export.

Each function returns what `flow.jobs.prelabel` calls with a batch of tasks::

    flow.jobs.prelabel(job, prelabels.from_fields(template, {"Single-choice": "guess"}), by="ada")

A model is such a callable itself: it takes tasks, and returns a `PreLabel` for each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from itagflow import formats, jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats import csv, itag
from itagflow.formats._cells import name_columns, parse_replies
from itagflow.formats._files import Source
from itagflow.formats._plain import is_a
from itagflow.formats._port import FormatRef
from itagflow.model.job import Stage
from itagflow.model.prelabel import Prediction, Predictor, PreLabel, require_score
from itagflow.model.reply import Replies
from itagflow.model.task import Row, Task
from itagflow.model.template import Template
from itagflow.model.text import find_text_error
from itagflow.printing import format_repr

__all__ = ["from_blocks", "from_export", "from_fields"]

_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""A number as JSON and CSV files write it."""


def from_fields(
    template: Template,
    fields: Mapping[str, str] | None = None,
    *,
    score: str | None = None,
    model: str = "",
) -> Predictor:
    """Return what reads pre-labels off fields of the rows' ``data``.

    A field holds a key or a text, a list of keys, or an element as a manifest has it, as JSON or as
    its text. An empty or missing one says nothing about its question.
    Source: iTAG, *Configure intelligent pre-labeling*: a mapping from the title of a question to a
    column.

    Args:
        template: What is asked.
        fields: The name of the field, by id or title of the question; the columns of iTAG's CSV
            (``结果字段-<title>``) unless given.
        score: The field that says how sure the source is, as a number from 0 to 1 or its text.
        model: What the source is called.

    Raises:
        InvalidData: when *fields* names a question that the template does not have.

    >>> from itagflow import Task, templates
    >>> template = templates.image_classification(["cat", "dog"])
    >>> predict = from_fields(template, {"Single-choice": "guess"})
    >>> row = '{"data": {"source": "1.jpg", "guess": "cat"}}'
    >>> [prelabel] = predict([Task(job=1, number=1, package=1, row=row)])
    >>> prelabel.replies
    {'1': Choice('cat')}
    """
    _require_kind("template", template, Template, "a Template")
    _require_text("model", model)
    if score is not None:
        _require_text("score", score)
    columns = name_columns(template)
    if fields is not None:
        _require_kind("fields", fields, Mapping, "a mapping from questions to fields")
        columns = _resolve_fields(template, fields)

    def predict(task: Task) -> Prediction:
        data = task.data
        replies = parse_replies({id: data.get(field) for id, field in columns.items()}, template)
        if not replies:
            return None
        return PreLabel(replies, _read_score(data, score), model)

    return _build_predictor(predict)


def from_blocks(
    template: Template, *, job: str | None = None, stage: Stage | None = None, model: str = ""
) -> Predictor:
    """Return what reads pre-labels from the blocks of results in the rows, as in iTAG's exports.

    Args:
        template: What is asked.
        job: The job whose results are meant; the one whose blocks come last in a row unless given.
        stage: The stage whose result is meant; the last that has one unless given.
        model: What the source is called.

    >>> from itagflow import Task, templates
    >>> element = {"questionId": "1", "data": "cat", "markTitle": "Single-choice"}
    >>> element["type"] = "survey/value"
    >>> row = jsontext.dumps({"data": {"source": "1.jpg"}, "label-15": {"results": [element]}})
    >>> predict = from_blocks(templates.image_classification(["cat", "dog"]))
    >>> [prelabel] = predict([Task(job=1, number=1, package=1, row=row)])
    >>> prelabel.replies
    {'1': Choice('cat')}
    """
    _require_blocks(template, job, stage, model)

    def predict(task: Task) -> Prediction:
        replies = _read_blocks(jsontext.loads(task.row), template, job, stage)
        if replies is None:
            return None
        return PreLabel(replies, model=model)

    return _build_predictor(predict)


def from_export(
    template: Template,
    source: Source,
    *,
    on: str = "source",
    format: FormatRef = "itag",
    job: str | None = None,
    stage: Stage | None = None,
    model: str = "",
) -> Predictor:
    """Return what reads pre-labels from an earlier export, for rows with the same field *on*.

    The replies of the whole file are held in memory.

    Args:
        template: What is asked.
        source: A file with results: a manifest unless *format* says otherwise, with ``"csv"`` a
            CSV with the columns ``结果字段-<title>``.
        on: The field of ``data`` by which a row of the file and a task are the same.
        format: The format of the file: its name, or a format itself.
        job: As in `from_blocks`.
        stage: As in `from_blocks`.
        model: What the source is called.

    Raises:
        InvalidData: when the file is broken, lacks the field, or says its value twice; it lists
            every problem.
        UnknownFormat: when there is no such format.
    """
    _require_blocks(template, job, stage, model)
    _require_text("on", on)
    known = _read_export(_Export(template, on, format, job, stage), source)

    def predict(task: Task) -> Prediction:
        replies = known.get(_read_key(task.data, on))
        if replies is None:
            return None
        return PreLabel(replies, model=model)

    return _build_predictor(predict)


def _read_export(export: _Export, source: Source) -> dict[Hashable, Replies]:
    """Return the replies of a file by the value that tells its rows apart.

    Raises:
        InvalidData: when the file is broken, or says a value twice; it lists every problem.
    """
    known: dict[Hashable, Replies] = {}
    problems: list[Problem] = []
    for item in formats.read(export.format, source, template=export.template):
        if isinstance(item, Problem):
            problems.append(item)
            continue
        try:
            key, replies = export.read_row(item)
        except InvalidData as error:
            problems += [
                Problem(f"line {item.line}, {problem.where}", problem.reason)
                for problem in error.problems
            ]
            continue
        # refused, and not overwritten: nobody could say which of the two rows counts
        if key in known:
            problems.append(
                Problem(f"line {item.line}, data.{export.on}", f"{key!r} is there twice")
            )
        elif replies:
            known[key] = replies
    if problems:
        raise InvalidData("the pre-labels", problems)
    return known


def _build_predictor(predict: Callable[[Task], Prediction]) -> Predictor:
    """Return what looks at each task of a batch, and says where it failed."""

    def predict_batch(tasks: Sequence[Task]) -> Iterable[Prediction]:
        return [_predict_or_error(predict, task) for task in tasks]

    return predict_batch


def _predict_or_error(predict: Callable[[Task], Prediction], task: Task) -> Prediction:
    try:
        return predict(task)
    except InvalidData as error:
        return error


def _require_blocks(template: object, job: object, stage: object, model: object) -> None:
    """Check the arguments of what reads blocks of results.

    Raises:
        InvalidData: when one is of the wrong kind.
    """
    _require_kind("template", template, Template, "a Template")
    _require_text("model", model)
    if job is not None:
        _require_text("job", job)
    if stage is not None:
        _require_kind("stage", stage, Stage, "a Stage")


def _require_kind(field: str, value: object, kind: type, wanted: str) -> None:
    if not isinstance(value, kind):
        reason = f"must be {wanted}, not {format_repr(value)}"
        raise InvalidData("the pre-labels", [Problem(field, reason)])


def _require_text(field: str, value: object) -> None:
    if error := find_text_error(value):
        raise InvalidData("the pre-labels", [Problem(field, error)])


def _resolve_fields(template: Template, fields: Mapping[str, str]) -> dict[str, str]:
    problems = [
        Problem(f"fields, {format_repr(name)}", error)
        for name, field in fields.items()
        if (error := find_text_error(field))
    ]
    if problems:
        raise InvalidData("the pre-labels", problems)
    by_title = {question.title: question.id for question in template.asked}
    ids = {question.id for question in template.asked}
    known = ", ".join(repr(question.title) for question in template.asked)
    if unknown := [name for name in fields if name not in ids and name not in by_title]:
        raise InvalidData(
            "the fields", [Problem(name, f"is no question; there are {known}") for name in unknown]
        )
    # an id wins over an equal title: ids are unique, titles need not be
    return {name if name in ids else by_title[name]: field for name, field in fields.items()}


def _read_score(data: Mapping[str, Any], field: str | None) -> float | None:
    if field is None:
        return None
    value = data.get(field)
    if value is None or value == "":  # an empty cell of a CSV
        return None
    # a CSV has texts only.  `float` alone would take "1_0", "nan" and digits of any script.
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    return require_score("the score", f"data.{field}", value)


def _read_blocks(
    row: Mapping[str, Any], template: Template, job: str | None, stage: Stage | None
) -> Replies | None:
    elements = itag.result_in(row, job=job, stage=stage)
    if elements is None:
        return None
    return itag.parse_with_size(elements, template, row.get("data"))


@attrs.frozen
class _Export:
    """How the rows of an earlier export are read."""

    template: Template
    on: str
    """The field of ``data`` by which a row and a task are the same."""
    format: FormatRef
    job: str | None
    stage: Stage | None

    def read_row(self, row: Row) -> tuple[Hashable, Replies | None]:
        """Return the key of a row, and the replies in it."""
        try:
            content: Any = jsontext.loads(row.text)
        except (ValueError, RecursionError) as error:
            raise InvalidData("the row", [Problem("", f"is not JSON: {error}")]) from None
        data: Any = None
        if is_a(content, dict):
            data = content.get("data")
        if not is_a(data, dict) or self.on not in data:
            raise InvalidData("the row", [Problem(f"data.{self.on}", "is missing")])
        key = _read_key(data, self.on)
        if formats.find(self.format) is csv:  # its results are columns among those of the data
            return key, csv.parse(data, self.template)
        return key, _read_blocks(content, self.template, self.job, self.stage)


def _read_key(data: Mapping[str, Any], on: str) -> Hashable:
    value = data.get(on)
    try:
        if isinstance(value, str):
            return value
        # as text, since lists and objects have no hash, and 1, 1.0 and true would be the same key
        return jsontext.dumps(value)
    except ValueError:
        raise InvalidData(
            "the row", [Problem(f"data.{on}", "holds a number that no float can hold")]
        ) from None
