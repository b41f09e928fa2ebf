"""One item of a queue: the row that its task keeps, what tells it apart, and its prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.jobs import row_rules
from itagflow.jobs.row_rules import PreparedRow
from itagflow.model.job import Job
from itagflow.model.number import is_storable
from itagflow.model.prelabel import Prediction
from itagflow.model.row_key import format_row_key, parse_row_key
from itagflow.model.task import Task
from itagflow.model.template import Template
from itagflow.model.text import find_key_error
from itagflow.prelabels.rules import ModelName, ValidPrelabel, validate_prelabel
from itagflow.printing import format_repr

WHAT = "the task"
"""What messages call that which is added."""


def prepare_item(item: object, tags: Sequence[str], template: Template, job: Job) -> PreparedRow:
    """Return the row of one task, with its *tags* beside its data.

    Raises:
        InvalidData: when it is none; it lists everything that is wrong with it.
    """
    row = _prepare(item, template, job)
    if not tags:
        return row
    if "tags" in jsontext.loads(row.text):
        raise InvalidData(WHAT, [Problem("tags", "are given, and the row has some: give one")])
    # written behind what there is: the row stays as it came, to the last digit of its numbers
    written = jsontext.escape(json.dumps(list(tags), ensure_ascii=False))
    text = f'{row.text.rstrip()[:-1]}, "tags": {written}}}'
    return _prepare(text, template, job)


def _prepare(item: object, template: Template, job: Job) -> PreparedRow:
    row = row_rules.prepare_row(item, 1, template, job)
    if isinstance(row, PreparedRow):
        return row
    # there is one row only: its place in the data says nothing
    problems = [Problem(_find_place(problem.where), problem.reason) for problem in row]
    raise InvalidData(WHAT, problems)


def _find_place(where: str) -> str:
    for prefix in ("row 1, ", "row 1"):
        if where.startswith(prefix):
            return where.removeprefix(prefix)
    return where


def choose_key(job: Job, row: PreparedRow, key: str | int | None) -> str:
    """Return what tells the task apart, as it is stored: the row key of *row*, or else *key*.

    Raises:
        InvalidData: when *key* cannot tell rows apart, or is not that which the row has.
    """
    if key is None:
        return row.row_key
    stored = _format_key(job, key)
    if job.row_key is not None and stored != row.row_key:
        known = format_repr(parse_row_key(row.row_key))
        reason = f"is {format_repr(key)}, and data.{job.row_key} is {known}: leave it out"
        raise InvalidData(WHAT, [Problem("key", reason)])
    return stored


def _format_key(job: Job, key: str | int) -> str:
    """Return a key as it is stored; the conditions are those of the key in a row."""
    if not is_storable(key):
        raise InvalidData(WHAT, [Problem("key", "is out of the range of 64 bits")])
    if isinstance(key, str) and not key.strip():
        reason = "is empty: it must tell the task apart from all others"
        raise InvalidData(WHAT, [Problem("key", reason)])
    stored = format_row_key(key, as_text=job.row_key_type == "text")
    wrong = find_key_error(stored)
    if wrong:
        raise InvalidData(WHAT, [Problem("key", f"tells tasks apart, and {wrong}")])
    return stored


def check_prediction(
    template: Template, task: Task, prediction: Prediction
) -> ValidPrelabel | None:
    """Return what is predicted for *task*, which has no number yet; None for nothing.

    Raises:
        InvalidData: when it does not fit the task.
    """
    valid = validate_prelabel(template, task, prediction, ModelName())
    if isinstance(valid, list):
        raise make_prediction_error(task, valid)
    return valid


def make_prediction_error(task: Task, problems: Iterable[Problem]) -> InvalidData:
    """Return the error for what is wrong with a prediction, without the number of its task."""
    named = [Problem(p.where.removeprefix(f"{task}, "), p.reason) for p in problems]
    return InvalidData("the prediction", named)
