"""The elements of iTAG's ``results``: one per question, in the shapes that iTAG documents.

Source: iTAG, *Labeling data structures*, and the pages of the templates.  Rankings, ratings and
preferences are ours: they look like choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import is_a, is_strings, is_whole, move_problems, parse_number
from itagflow.formats._regions import (
    IMAGE,
    Element,
    find_image_problems,
    parse_image,
)
from itagflow.formats._spans import (
    find_segments_problems,
    find_spans_problems,
    parse_segments,
    parse_spans,
)
from itagflow.formats._spelling import respell_keys
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Reply,
    Text,
)
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

ElementMatch = tuple[str, Question, Element]
"""An element with its path and the question that it answers."""


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
