"""The elements of iTAG's ``results``: one per question, in the shapes that iTAG documents.

Source: iTAG, *Labeling data structures*, and the pages of the templates.  Rankings, ratings and
preferences are ours: they look like choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import is_a, is_strings, is_whole
from itagflow.formats._regions import (
    IMAGE,
    Element,
    RegionId,
    image_in,
    image_out,
    image_problems,
)
from itagflow.formats._stretches import (
    segments_in,
    segments_out,
    segments_problems,
    spans_in,
    spans_out,
    spans_problems,
)
from itagflow.model.region import Regions
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Reply,
    Text,
)
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.model.template import Question, QuestionKind, Template
from itagflow.model.text import shown

ONE, SEVERAL = "survey/value", "survey/multivalue"
TYPE = {
    QuestionKind.RADIO: ONE,
    QuestionKind.INPUT: ONE,
    QuestionKind.OPEN_ENDED: ONE,
    QuestionKind.TEXT_EDIT: ONE,
    QuestionKind.CHECKBOX: SEVERAL,
    QuestionKind.RANKING: SEVERAL,
    QuestionKind.RATING: ONE,
    QuestionKind.PREFERENCE: ONE,
    QuestionKind.PICTURE: IMAGE,
}
"""An element's ``type``, by the kind of its question; spans and segments have none."""
NAMELESS = {QuestionKind.SLOT, QuestionKind.VIDEO}
"""Kinds whose elements iTAG writes without id, title and type."""

Given = tuple[str, Question, Element]
"""An element with its path and the question that it answers."""


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

    >>> from itagflow.templates import image_classification
    >>> render({"1": Choice("cat")}, image_classification(["cat"]), region_id=str)
    [{'questionId': '1', 'data': 'cat', 'markTitle': 'Single-choice', 'type': 'survey/value'}]
    """
    asked = template.asked
    kinds = [question.kind for question in asked]
    said = [question for question in asked if question.id in replies]
    return [
        _named(_element(at, replies[at.id], region_id), at, kinds.count(at.kind)) for at in said
    ]


def _named(element: Element, question: Question, alike: int) -> Element:
    if question.kind not in NAMELESS or alike == 1:
        return element
    return {"questionId": question.id, "markTitle": question.title, **element}


def _element(question: Question, reply: Reply, region_id: RegionId) -> Element:
    match reply:
        case Regions():
            return image_out(question, reply, region_id)
        case Spans():
            return spans_out(question, reply)
        case Segments():
            return segments_out(question, reply)
        case Preference():
            more: Element = {"degree": reply.degree}
        case _:
            more = {}
    said = {"questionId": question.id, "data": _data(reply), "markTitle": question.title}
    return {**said, "type": TYPE[question.kind], **more}


def _data(reply: Choice | Choices | Text | Ranking | Rating | Preference) -> str | list[str]:
    match reply:
        case Choice():
            return reply.key
        case Choices() | Ranking():
            return list(reply.keys)
        case Text():
            return reply.text
        case Rating():
            return repr(reply.value)
        case Preference():
            return reply.better or ""


def parse(results: object, template: Template) -> dict[str, Reply]:
    """Return the replies that the elements of ``results`` say, by question id.

    Raises:
        InvalidData: when an element is of no question of the template, or not of its question's
            shape; it lists every problem with its path.
    """
    asked = template.asked
    given, problems = _matched("results", results, asked)
    if problems:
        raise InvalidData("the results", problems)
    replies = {question.id: reply_in(question, element) for _, question, element in given}
    return {question.id: replies[question.id] for question in asked if question.id in replies}


def reply_in(question: Question, element: Element) -> Reply:
    """Return the reply that a sound element says."""
    match question.kind:
        case QuestionKind.PICTURE:
            return image_in(question, element)
        case QuestionKind.SLOT:
            return spans_in(question, element)
        case QuestionKind.VIDEO:
            return segments_in(question, element)
        case _:
            return _simple(question.kind, element["data"], element)


def _simple(kind: QuestionKind, data: Any, element: Element) -> Reply:
    match kind:
        case QuestionKind.RADIO:
            return Choice(data)
        case QuestionKind.CHECKBOX:
            return Choices(data)
        case QuestionKind.RANKING:
            return Ranking(data)
        case QuestionKind.RATING:
            number = number_in(data)
            return Rating(0 if number is None else number)
        case QuestionKind.PREFERENCE:
            return Preference(data or None, element.get("degree", 1))
        case _:
            return Text(data)


def number_in(text: str) -> float | None:
    """Return the number that *text* is, whole where it is written so; None when it is none."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if abs(number) < math.inf and len(text) < 400 else None
    return None


def misfits(where: str, results: object, questions: tuple[Question, ...]) -> list[Problem]:
    """Return every problem that keeps the elements of ``results`` from answering *questions*."""
    return _matched(where, results, questions)[1]


def _matched(
    where: str, results: Any, questions: tuple[Question, ...]
) -> tuple[list[Given], list[Problem]]:
    """Return which element answers which question, and every problem with the elements."""
    if not is_a(results, list):
        return [], [Problem(where, "must be a list")]
    given, problems = _paired(where, results, questions)
    problems += [problem for at in given for problem in element_problems(*at)]
    return given, problems


def shape_of(element: Any) -> QuestionKind | None:
    """Return the kind of question that an element without id and title answers."""
    if not is_a(element, dict) or "objects" not in element:
        return None
    return QuestionKind.VIDEO if "duration" in element else QuestionKind.SLOT


def _paired(
    where: str, results: list[Any], questions: tuple[Question, ...]
) -> tuple[list[Given], list[Problem]]:
    """Return which element answers which question, and which answer no or a repeated question.

    An element without an id answers the first question of its kind that none has answered yet, if
    possible one that asks for what its objects say.
    """
    given, problems = list[Given](), list[Problem]()
    left = {question.id: question for question in questions}
    for index, element in enumerate(results):
        path = f"{where}[{index}]"
        id = _id_of(element, left.values())
        if is_a(id, str) and id in left:
            given.append((path, left.pop(id), element))
        elif any(question.id == id for question in questions):
            problems.append(Problem(f"{path}.questionId", f"the question {id!r} is answered twice"))
        else:
            problems.append(
                Problem(
                    f"{path}.questionId", f"must be a question of the template, not {shown(id)}"
                )
            )
    return given, problems


def _id_of(element: Any, left: Iterable[Question]) -> Any:
    kind = shape_of(element)
    if kind is None or "questionId" in element:
        return element.get("questionId") if is_a(element, dict) else None
    fitting = [question for question in left if question.kind is kind]
    titles = _titles(element["objects"])
    best = [
        q
        for q in fitting
        if titles.issubset(child.title for top in q.children for child in top.every)
    ]
    return next((question.id for question in best or fitting), None)


def _titles(objects: Any) -> set[str]:
    parts: list[Any] = objects if is_a(objects, list) else []
    results = [part.get("result") for part in parts if is_a(part, dict)]
    return {title for result in results if is_a(result, dict) for title in result}


def element_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from being a reply to *question*."""
    wanted, found = TYPE.get(question.kind), element.get("type")
    if wanted is None and shape_of(element) is not question.kind:
        yield Problem(where, f"must have the objects that {question.title!r} asks for")
    elif wanted is not None and found != wanted:
        yield Problem(
            f"{where}.type", f"must be {wanted!r} for {question.title!r}, not {shown(found)}"
        )
    elif question.kind is QuestionKind.PICTURE:
        yield from image_problems(where, question, element)
    elif question.kind is QuestionKind.SLOT:
        yield from spans_problems(where, question, element)
    elif question.kind is QuestionKind.VIDEO:
        yield from segments_problems(where, question, element)
    else:
        yield from _value_problems(where, question, element)


def _value_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    value = element.get("data")
    if TYPE[question.kind] == SEVERAL:
        if not is_strings(value):
            yield Problem(f"{where}.data", "must be a list of strings")
    elif not is_a(value, str):
        yield Problem(f"{where}.data", "must be a string")
    elif question.kind is QuestionKind.RATING and number_in(element["data"]) is None:
        yield Problem(f"{where}.data", "must be a number, written as a string")
    if question.kind is QuestionKind.PREFERENCE and not is_whole(element.get("degree", 1)):
        yield Problem(f"{where}.degree", "must be a whole number")
