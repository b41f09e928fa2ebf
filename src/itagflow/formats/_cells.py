"""What the cells of a CSV hold: one reply each.

==========================================  ==================================================
kind of question                            cell
==========================================  ==================================================
RADIO                                       the key
INPUT, OPEN_ENDED, TEXT_EDIT                the text
RATING                                      the number
CHECKBOX, RANKING                           the keys as a JSON list
PICTURE, SLOT, VIDEO, PREFERENCE            the element that the manifest has for it, as JSON
==========================================  ==================================================

The names of the columns are iTAG's; what is in them is not documented, and ours.
Source: iTAG, *Configure intelligent pre-labeling in iTAG*.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats._elements import TYPE, find_element_problems, parse_reply
from itagflow.formats._plain import is_a, is_number, move_problems
from itagflow.formats._regions import Element
from itagflow.model.reply import Reply
from itagflow.model.template import (
    MARKING,
    WRITING,
    Question,
    QuestionKind,
    Template,
)

ITAG, ENGLISH = "itag", "english"
HEADINGS = {ITAG: "结果字段-", ENGLISH: "result-"}
"""How the name of a result's column begins: iTAG's is "result field"."""
ELEMENT = MARKING | {QuestionKind.PREFERENCE}
"""Kinds whose cell is a whole element."""
BARE = WRITING | {QuestionKind.RADIO, QuestionKind.RATING}
"""Kinds whose cell is no JSON."""

# OWASP's list for CSV injection, with the full-width forms that spreadsheets of Chinese systems
# take for the same signs
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
"""Begins a formula of a spreadsheet, after any apostrophes; also in full-width characters."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")
"""What begins so and is harmless."""


def name_columns(template: Template, headings: str = ITAG) -> dict[str, str]:
    """Return the name of each question's column, by question id.

    Where questions share a title, it is followed by ``#`` and the question's id.

    Args:
        template: What is asked.
        headings: How the names begin: one of `HEADINGS`.

    >>> from itagflow.templates import image_classification
    >>> name_columns(image_classification(["cat"], title="Animal"))
    {'1': '结果字段-Animal'}
    """
    titles = Counter(question.title for question in template.asked)
    names: dict[str, str] = {}
    for question in template.asked:
        name = HEADINGS[headings] + question.title
        if titles[question.title] > 1:
            name += f"#{question.id}"
        while name in names.values():  # a title may end like another one with its id
            name += f"#{question.id}"
        names[question.id] = name
    return names


def escape(cell: str) -> str:
    """Return *cell*, with an apostrophe before a formula and before what `unescape` would change.

    >>> [escape(cell) for cell in ("cat", "-5", "=1+2", "'=1+2")]
    ['cat', '-5', "'=1+2", "''=1+2"]
    """
    if _is_formula(cell):
        return f"'{cell}"
    return cell


def escape_apostrophe(cell: str) -> str:
    """Return *cell*, with one more apostrophe if `unescape` would take away its own.

    >>> [escape_apostrophe(cell) for cell in ("cat", "=1+2", "'=1+2")]
    ['cat', '=1+2', "''=1+2"]
    """
    # a cell that begins with "=" stays as it is: only what `unescape` would shorten is escaped
    if cell[:1] == "'":
        return escape(cell)
    return cell


def unescape(cell: str) -> str:
    """Return the cell that `escape` has made *cell* of.

    >>> [unescape(cell) for cell in ("cat", "'-5", "'=1+2", "''=1+2")]
    ['cat', "'-5", '=1+2', "'=1+2"]
    """
    # an apostrophe before anything else is part of the text, such as in "'tis"
    if cell[:1] == "'" and _is_formula(cell[1:]):
        return cell[1:]
    return cell


def _is_formula(cell: str) -> bool:
    return _FORMULA.match(cell) is not None and not _NUMBER.fullmatch(cell)


def render_cell(question: Question, element: Element) -> str:
    """Return the cell that says the same as *element*, which answers *question*.

    >>> from itagflow import templates
    >>> template = templates.image_classification(["cat", "dog"], multiple=True)
    >>> render_cell(template.questions[0], {"questionId": "1", "data": ["cat", "dog"]})
    '["cat","dog"]'
    """
    if question.kind in ELEMENT:
        return jsontext.dumps(element)
    # a text or a key stands bare in its cell; only lists need JSON
    data: str | list[str] = element["data"]
    return data if isinstance(data, str) else jsontext.dumps(data)


def parse_replies(
    values: Mapping[str, Any], template: Template, *, where: str = ""
) -> dict[str, Reply]:
    """Return the replies in *values*, in the order of the template; "" and None are no reply.

    A value is a cell's text, or what such a text says as plain JSON: a number, a list of keys, an
    element of the manifest.  An element's ``type`` and ``rotation`` may be missing, and spans and
    segments may come as the list of their objects.  A CHECKBOX cell that is no list is one key, a
    PREFERENCE cell that is no element the better option.  Whether a key is among the options is not
    checked here.

    Args:
        values: The values by question id.
        template: The template whose questions they answer.
        where: The row that they are from, such as ``row 3``; problems begin with it.

    Raises:
        InvalidData: when a value does not fit its question, or the template has no such question;
            it lists every problem with its path, such as ``row 3, 1.width``.

    >>> from itagflow.templates import image_classification
    >>> parse_replies({"1": "cat"}, image_classification(["cat", "dog"], multiple=True))
    {'1': Choices(('cat',))}
    """
    start = ""
    if where:
        start = f"{where}, "
    questions = {question.id: question for question in template.asked}
    problems = [
        Problem(start + id, "the template has no such question")
        for id in values
        if id not in questions
    ]
    replies: dict[str, Reply] = {}
    # in the order of the template, whatever order the columns have
    for id, question in questions.items():
        value = _parse_value(question.kind, values.get(id))
        if value is None:
            continue
        new_problems = list(_find_problems(start + id, question, value))
        problems += new_problems
        # an element is parsed only when it is valid: the parser trusts its shape
        if not new_problems:
            try:
                replies[id] = parse_reply(question, _build_element(question.kind, value))
            except InvalidData as error:
                problems += move_problems(f"{start}{id}.", error)
    if problems:
        raise InvalidData("the results", problems)
    return replies


def _parse_value(kind: QuestionKind, value: Any) -> Any:
    """Return the plain JSON that *value* stands for; None when it says nothing."""
    # a number says the same as a cell with its digits
    text = value
    if is_number(value):
        text = json.dumps(value)  # also of what is no number in JSON, and refused below
    if text == "":
        return None
    if not is_a(text, str) or kind in BARE:
        return text
    parsed = _parse_json(text)
    # what is no JSON of the expected type is taken literally: people type keys without quotes
    if kind is QuestionKind.CHECKBOX and not is_a(parsed, list):
        return [text]
    if kind is QuestionKind.PREFERENCE and not is_a(parsed, dict):
        return text
    if parsed is None:
        return text
    return parsed


def _parse_json(text: str) -> Any:
    try:
        return jsontext.loads(text)
    except (ValueError, RecursionError):
        return None


def _find_problems(path: str, question: Question, value: Any) -> Iterator[Problem]:
    is_element = is_a(value, dict)
    if question.kind in MARKING and not (is_element or is_a(value, list)):
        yield Problem(path, "must be JSON: the element that the manifest has for it")
    elif question.kind is QuestionKind.PICTURE and not is_element:
        yield Problem(
            path,
            "lacks the width and height of the image: give the whole element, not only its regions",
        )
    else:
        for problem in find_element_problems(path, question, _build_element(question.kind, value)):
            # a bare value has no fields: the path of the cell alone says where it is
            has_fields = is_element or question.kind in MARKING
            yield problem if has_fields else Problem(path, problem.reason)


def _build_element(kind: QuestionKind, value: Any) -> Element:
    """Return *value* as an element, with the fields that follow from the kind of question."""
    known: Element = {}
    if kind in TYPE:
        known["type"] = TYPE[kind]
    if is_a(value, dict):
        if kind is QuestionKind.PICTURE:
            known["rotation"] = 0
        # last, so that what the cell says itself wins over what is assumed
        return {**known, **value}
    if kind is QuestionKind.VIDEO:
        # 0 stands for a length that is not known: see `Segments.duration`
        known["duration"] = 0
    if kind in MARKING:
        return {**known, "objects": value}
    return {**known, "data": value}
