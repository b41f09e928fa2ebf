"""The elements of iTAG's ``results``: one per question, in the shapes that iTAG documents.

Source: iTAG, *Labeling data structures*, and the pages of the templates.  Rankings, ratings and
preferences are ours: they look like choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arguments import require_mapping, require_template
from itagflow.formats._plain import is_a, is_strings, is_whole, move_problems, parse_number
from itagflow.formats._regions import (
    IMAGE,
    Element,
    RegionId,
    find_image_problems,
    parse_image,
    render_image,
)
from itagflow.formats._spans import (
    find_segments_problems,
    find_spans_problems,
    parse_segments,
    parse_spans,
    render_segments,
    render_spans,
)
from itagflow.formats._spelling import respell_keys
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
from itagflow.model.text import format_value

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

ElementMatch = tuple[str, Question, Element]
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
    require_mapping("replies", replies)
    require_template(template)
    questions = template.asked
    kinds = [question.kind for question in questions]
    answered = [question for question in questions if question.id in replies]
    return [
        _with_question_id(
            _render_element(question, replies[question.id], region_id),
            question,
            kinds.count(question.kind),
        )
        for question in answered
    ]


def _with_question_id(element: Element, question: Question, alike: int) -> Element:
    if question.kind not in NAMELESS or alike == 1:
        return element
    return {"questionId": question.id, "markTitle": question.title, **element}


def _render_element(question: Question, reply: Reply, region_id: RegionId) -> Element:
    match reply:
        case Regions():
            return render_image(question, reply, region_id)
        case Spans():
            return render_spans(question, reply)
        case Segments():
            return render_segments(question, reply)
        case Preference():
            extra: Element = {"degree": reply.degree}
            if reply.tie is not None:
                extra["tie"] = reply.tie.value
        case _:
            extra = {}
    element = {"questionId": question.id, "data": _render_data(reply), "markTitle": question.title}
    return {**element, "type": TYPE[question.kind], **extra}


def _render_data(reply: Choice | Choices | Text | Ranking | Rating | Preference) -> str | list[str]:
    match reply:
        case Choice():
            return reply.key
        case Choices() | Ranking():
            return list(reply.keys)
        case Text():
            return reply.text
        case Rating():
            # iTAG writes every value of a survey as a string; `repr` reads back as the same number
            return repr(reply.value)
        case Preference():
            return reply.better or ""


def parse(results: object, template: Template) -> dict[str, Reply]:
    """Return the replies that the elements of ``results`` say, by question id.

    Raises:
        InvalidData: when an element is of no question of the template, or not of its question's
            shape; it lists every problem with its path.
    """
    questions = template.asked
    matches, problems = _match_elements("results", results, questions)
    if problems:
        raise InvalidData("the results", problems)
    replies: dict[str, Reply] = {}
    for path, question, element in matches:
        try:
            replies[question.id] = parse_reply(question, element)
        # of the right shape, with values that cannot be, such as a span that ends before it starts
        except InvalidData as error:
            problems += move_problems(f"{path}.", error)
    if problems:
        raise InvalidData("the results", problems)
    return {question.id: replies[question.id] for question in questions if question.id in replies}


def parse_reply(question: Question, element: Element) -> Reply:
    """Return the reply of an element of the right shape.

    Raises:
        InvalidData: when a value of it cannot be.
    """
    match question.kind:
        case QuestionKind.PICTURE:
            return parse_image(question, element)
        case QuestionKind.SLOT:
            return parse_spans(question, element)
        case QuestionKind.VIDEO:
            return parse_segments(question, element)
        case _:
            return _parse_simple(question.kind, respell_keys(question, element["data"]), element)


def _parse_simple(kind: QuestionKind, data: Any, element: Element) -> Reply:
    match kind:
        case QuestionKind.RADIO:
            return Choice(data)
        case QuestionKind.CHECKBOX:
            return Choices(data)
        case QuestionKind.RANKING:
            return Ranking(data)
        case QuestionKind.RATING:
            number = parse_number(data)
            if number is None:  # never: the element was checked before
                number = 0
            return Rating(number)
        case QuestionKind.PREFERENCE:
            return Preference(data or None, element.get("degree", 1), element.get("tie"))
        case _:
            return Text(data)


def find_shape_errors(
    where: str, results: object, questions: tuple[Question, ...]
) -> list[Problem]:
    """Return every problem that keeps the elements of ``results`` from answering *questions*."""
    return _match_elements(where, results, questions)[1]


def _match_elements(
    where: str, results: Any, questions: tuple[Question, ...]
) -> tuple[list[ElementMatch], list[Problem]]:
    """Return which element answers which question, and every problem with the elements."""
    if not is_a(results, list):
        return [], [Problem(where, "must be a list")]
    matches, problems = _pair_elements(where, results, questions)
    problems += [problem for match in matches for problem in find_element_problems(*match)]
    return matches, problems


def infer_kind(element: Any) -> QuestionKind | None:
    """Return the kind of question that an element without id and title answers."""
    if not is_a(element, dict) or "objects" not in element:
        return None
    # iTAG writes neither id nor type here: only a recording has a length
    if "duration" in element:
        return QuestionKind.VIDEO
    return QuestionKind.SLOT


def _pair_elements(
    where: str, results: list[Any], questions: tuple[Question, ...]
) -> tuple[list[ElementMatch], list[Problem]]:
    """Return which element answers which question, and which answer no or a repeated question.

    An element without an id answers the first question of its kind that none has answered yet, if
    possible one that asks for what its objects say.
    """
    matches: list[ElementMatch] = []
    problems: list[Problem] = []
    unanswered = {question.id: question for question in questions}
    for index, element in enumerate(results):
        path = f"{where}[{index}]"
        # an answered question is taken out: a second element for it is a problem, and not the last
        # word
        id = _find_question_id(element, unanswered.values())
        if is_a(id, str) and id in unanswered:
            matches.append((path, unanswered.pop(id), element))
        elif any(question.id == id for question in questions):
            problems.append(Problem(f"{path}.questionId", f"the question {id!r} is answered twice"))
        else:
            problems.append(
                Problem(
                    f"{path}.questionId",
                    f"must be a question of the template, not {format_value(id)}",
                )
            )
    return matches, problems


def _find_question_id(element: Any, unanswered: Iterable[Question]) -> Any:
    kind = infer_kind(element)
    # an id always wins, also a wrong one: guessing would hide the mistake
    if kind is None or "questionId" in element:
        return element.get("questionId") if is_a(element, dict) else None
    fitting = [question for question in unanswered if question.kind is kind]
    # of two questions of a kind, the labels tell which is meant
    titles = _collect_titles(element["objects"])
    best = [
        q
        for q in fitting
        if titles.issubset(child.title for top in q.children for child in top.every)
    ]
    return next((question.id for question in best or fitting), None)


def _collect_titles(objects: Any) -> set[str]:
    if not is_a(objects, list):
        return set()
    annotations: list[Any] = objects
    results = [annotation.get("result") for annotation in annotations if is_a(annotation, dict)]
    return {title for result in results if is_a(result, dict) for title in result}


def find_element_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    """Yield everything that keeps an element from being a reply to *question*."""
    wanted, actual = TYPE.get(question.kind), element.get("type")
    # spans and segments have no type: their fields are all there is to go by
    if wanted is None and infer_kind(element) is not question.kind:
        yield Problem(where, f"must have the objects that {question.title!r} asks for")
    elif wanted is not None and actual != wanted:
        yield Problem(
            f"{where}.type",
            f"must be {wanted!r} for {question.title!r}, not {format_value(actual)}",
        )
    elif question.kind is QuestionKind.PICTURE:
        yield from find_image_problems(where, question, element)
    elif question.kind is QuestionKind.SLOT:
        yield from find_spans_problems(where, question, element)
    elif question.kind is QuestionKind.VIDEO:
        yield from find_segments_problems(where, question, element)
    else:
        yield from _find_value_problems(where, question, element)


def _find_value_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    value = element.get("data")
    if TYPE[question.kind] == SEVERAL:
        if not is_strings(value):
            yield Problem(f"{where}.data", "must be a list of strings")
    elif not is_a(value, str):
        yield Problem(f"{where}.data", "must be a string")
    elif question.kind is QuestionKind.RATING and parse_number(element["data"]) is None:
        yield Problem(f"{where}.data", "must be a number, written as a string")
    if question.kind is QuestionKind.PREFERENCE and not is_whole(element.get("degree", 1)):
        yield Problem(f"{where}.degree", "must be a whole number")
