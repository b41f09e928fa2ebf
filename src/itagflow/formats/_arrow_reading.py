"""The rows of a table with typed columns, as formats yield them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arrow import Description
from itagflow.formats._arrow_cells import parse_cell
from itagflow.formats._plain import is_a
from itagflow.formats._rows import render_row
from itagflow.model.job import Stage
from itagflow.model.reply import Reply
from itagflow.model.task import Row
from itagflow.model.template import Question, Template
from itagflow.model.text import format_value
from itagflow.storage import codec


@attrs.frozen
class RowReader:
    """Makes rows of the cells of a table."""

    told: Description
    """What the table says about its columns."""
    template: Template | None
    """What is asked; None: rows have data only."""

    def read(self, cells: Mapping[str, Any]) -> Row:
        """Return a row.

        Args:
            cells: The cells by the names of their columns.

        Raises:
            InvalidData: when a cell holds nothing that a row or a reply can have, or the row takes
                a task out of an earlier file.
        """
        if "removed" not in self.told.fields and cells.get("removed"):
            reason = (
                "takes the task out of an earlier file: "
                "put both together first, and read what remains"
            )
            raise InvalidData("the row", [Problem("removed", reason)])
        data = {field: _make_plain(name, cells[name]) for name, field in self.told.fields.items()}
        replies = dict(self._iter_replies(cells))
        results = {Stage.LABEL: replies} if replies else {}
        return render_row({"data": data}, results, self.template)

    def _iter_replies(self, cells: Mapping[str, Any]) -> Any:
        if self.template is None:
            return
        for name, id in self.told.questions.items():
            question, value = self.template.question(id), cells[name]
            if question is not None and value is not None:
                yield id, _parse_reply(question, name, self._find_class(name, value))

    def _find_class(self, name: str, value: Any) -> Any:
        """Return the name of the class that a cell has the id of, where it has ids."""
        classes = self.told.classes.get(name)
        if classes is None:
            return value
        if type(value) is int and 0 <= value < len(classes):
            return classes[value]
        raise _make_error(name, f"must be the id of a class, below {len(classes)}", value)


def _parse_reply(question: Question, name: str, value: Any) -> Reply:
    """Return the reply that a cell says.

    Raises:
        InvalidData: when it says none to *question*.
    """
    try:
        return codec.decode_reply(parse_cell(question, value))
    except codec.DecodingError as error:
        found = [Problem(name + path, reason) for path, reason in codec.list_problems(error)]
        raise InvalidData("the row", found) from None
    except InvalidData as error:
        found = [Problem(f"{name}.{each.where}", each.reason) for each in error.problems]
        raise InvalidData("the row", found) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"is no reply to a {question.kind.value} question: {error}"
        raise InvalidData("the row", [Problem(name, reason)]) from None


def _make_plain(where: str, value: Any) -> Any:
    """Return a cell as JSON has it: a time or a date is its text, and no number is null.

    Raises:
        InvalidData: when JSON has nothing of the kind.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if is_a(value, list):
        return [_make_plain(where, each) for each in value]
    if is_a(value, dict):
        return {name: _make_plain(f"{where}.{name}", each) for name, each in value.items()}
    raise _make_error(where, "must be a text, a number, a time, a list or a struct", value)


def _make_error(where: str, wanted: str, value: object) -> InvalidData:
    return InvalidData("the row", [Problem(where, f"{wanted}, not {format_value(value)}")])
