"""The elements of iTAG's ``results``: one per question, each in one of the shapes that iTAG documents.

Source: iTAG, *Labeling data structures*, and the pages of the templates.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from itagflow.errors import InvalidData, Problem
from itagflow.model.reply import Choice, Choices, Polygon, Region, Regions, Reply, Text
from itagflow.model.template import Option, Question, QuestionKind, Template

ONE, SEVERAL, IMAGE, POLYGON = "survey/value", "survey/multivalue", "image", "image/polygon"
TYPE = {
    QuestionKind.RADIO: ONE,
    QuestionKind.INPUT: ONE,
    QuestionKind.CHECKBOX: SEVERAL,
    QuestionKind.PICTURE: IMAGE,
}
"""An element's ``type``, by the kind of its question."""
KIND = {ONE: QuestionKind.RADIO, SEVERAL: QuestionKind.CHECKBOX, IMAGE: QuestionKind.PICTURE}
"""The kind of question that an element's ``type`` implies; INPUT looks like RADIO."""

Element = dict[str, Any]
RegionId = Callable[[str, int], str]
"""Names a region by the id of its question and its index."""


def render(replies: Mapping[str, Reply], template: Template, *, region_id: RegionId) -> list[Element]:
    """Return replies as the elements of ``results``, with iTAG's keys in iTAG's order.

    Args:
        replies: The replies by question id.
        template: The template that they answer.
        region_id: Names the regions that have no id of their own.

    >>> from itagflow.templates import image_classification
    >>> render({"1": Choice("cat")}, image_classification(["cat"]), region_id=str)
    [{'questionId': '1', 'data': 'cat', 'markTitle': 'Single-choice', 'type': 'survey/value'}]
    """
    return [
        _element(question, replies[question.id], region_id) for question in template.questions if question.id in replies
    ]


def _element(question: Question, reply: Reply, region_id: RegionId) -> Element:
    data: Any
    match reply:
        case Regions():
            return _image(question, reply, region_id)
        case Choice():
            data = reply.key
        case Choices():
            data = list(reply.keys)
        case Text():
            data = reply.text
    return {"questionId": question.id, "data": data, "markTitle": question.title, "type": TYPE[question.kind]}


def _image(question: Question, reply: Regions, region_id: RegionId) -> Element:
    return {
        "questionId": question.id,
        "data": [
            {
                "id": region_id(question.id, index) if region.id is None else region.id,
                "type": POLYGON,
                "value": [[float(x), float(y)] for x, y in region.points],
                "labels": _labels(question, region),
            }
            for index, region in enumerate(reply.regions)
        ],
        "rotation": reply.rotation,
        "markTitle": question.title,
        "width": reply.width,
        "type": IMAGE,
        "height": reply.height,
    }


def _labels(question: Question, region: Region) -> dict[str, str | list[str]]:
    """Return a region's labels in the order of the template, whatever order a store gave them."""
    given = {child.title: region.labels.get(child.title) for child in question.children}
    if region.label is not None and len(given) == 1:  # the short form, as yet unsaved
        given = dict.fromkeys(given, region.label)
    return {title: list(v) if isinstance(v, tuple) else v for title, v in given.items() if v is not None}


def parse(results: object, template: Template) -> dict[str, Reply]:
    """Return the replies that the elements of ``results`` say, by question id.

    Every outline is read as a `Polygon`, also an upright one of four points.  Whether a choice is among the
    options is not looked at here.

    Raises:
        InvalidData: when an element is of no question of the template, or not of its question's shape; it lists
            every problem with its path.

    >>> from itagflow.templates import image_classification
    >>> element = {"questionId": "1", "data": "cat", "markTitle": "Single-choice", "type": "survey/value"}
    >>> parse([element], image_classification(["cat"]))
    {'1': Choice(key='cat')}
    """
    if problems := list(misfits("results", results, template.questions)):
        raise InvalidData("the results", problems)
    elements = {element["questionId"]: element for element in cast(list[Element], results)}
    return {
        question.id: _reply(question, elements[question.id])
        for question in template.questions
        if question.id in elements
    }


def _reply(question: Question, element: Element) -> Reply:
    data = element["data"]
    match question.kind:
        case QuestionKind.RADIO:
            return Choice(data)
        case QuestionKind.CHECKBOX:
            return Choices(data)
        case QuestionKind.INPUT:
            return Text(data)
        case QuestionKind.PICTURE:
            size = {name: element[name] for name in ("width", "height", "rotation")}
            return Regions([_region(region) for region in data], **size)


def _region(region: Element) -> Region:
    labels = {title: tuple(v) if _is(v, list) else v for title, v in region["labels"].items()}
    return Polygon(region["value"], labels=labels, id=region["id"])


def misfits(where: str, results: Any, questions: Iterable[Question]) -> Iterator[Problem]:
    """Yield everything that keeps the elements of ``results`` from being replies to *questions*."""
    if not _is(results, list):
        yield Problem(where, "must be a list")
        return
    known, seen = {question.id: question for question in questions}, set[str]()
    for index, element in enumerate(results):
        path = f"{where}[{index}]"
        id = element.get("questionId") if _is(element, dict) else None
        if not _is(id, str) or id not in known:
            yield Problem(f"{path}.questionId", f"must be a question of the template, not {id!r}")
        elif id in seen:
            yield Problem(f"{path}.questionId", f"the question {id!r} is answered twice")
        else:
            seen.add(id)
            yield from _element_problems(path, known[id], element)


def _element_problems(where: str, question: Question, element: Element) -> Iterator[Problem]:
    wanted, found = TYPE[question.kind], element.get("type")
    if found != wanted:
        yield Problem(f"{where}.type", f"must be {wanted!r} for {question.title!r}, not {found!r}")
    elif question.kind is not QuestionKind.PICTURE:
        yield from _value_problems(f"{where}.data", question, element.get("data"))
    else:
        yield from (
            Problem(f"{where}.{name}", "must be a whole number")
            for name in ("width", "height", "rotation")
            if not _is(element.get(name), int)
        )
        if not _is(element.get("data"), list):
            yield Problem(f"{where}.data", "must be a list of regions")
        else:
            for index, region in enumerate(element["data"]):
                yield from _region_problems(f"{where}.data[{index}]", question, region)


def _value_problems(where: str, question: Question, value: Any) -> Iterator[Problem]:
    if question.kind is QuestionKind.CHECKBOX:
        if not (_is(value, list) and all(_is(item, str) for item in value)):
            yield Problem(where, "must be a list of strings")
    elif not _is(value, str):
        yield Problem(where, "must be a string")


def _region_problems(where: str, question: Question, region: Any) -> Iterator[Problem]:
    if not _is(region, dict) or region.get("type") != POLYGON:
        yield Problem(where, f"must be an object with the type {POLYGON!r}")
        return
    if not (region.get("id", ...) is None or _is(region.get("id"), str)):
        yield Problem(f"{where}.id", "must be a string or null")
    outline = region.get("value")
    if not (_is(outline, list) and len(outline) >= 3 and all(_is_point(point) for point in outline)):
        yield Problem(f"{where}.value", "must be a list of at least three points [x, y]")
    if not _is(region.get("labels"), dict):
        yield Problem(f"{where}.labels", "must be an object")
        return
    children = {child.title: child for child in question.children}
    for title, value in region["labels"].items():
        if title in children:
            yield from _value_problems(f"{where}.labels[{title!r}]", children[title], value)
        else:
            yield Problem(f"{where}.labels[{title!r}]", "is not a question about regions")


def _is(value: object, kind: type) -> bool:
    """Return whether a value from JSON has this type: true and false are no numbers there."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_point(point: Any) -> bool:
    return _is(point, list) and len(point) == 2 and all(_is_number(number) for number in point)


def _is_number(number: Any) -> bool:
    # JSON has integers that no float can hold, and Python reads NaN and Infinity as well
    return (_is(number, int) or _is(number, float)) and abs(number) <= sys.float_info.max


def nameless(where: str, results: Iterable[Any]) -> Iterator[Problem]:
    """Yield the elements that imply no question: those without an id, a title or a known type."""
    for index, element in enumerate(results):
        given: Element = element if _is(element, dict) else {}
        for name in ("questionId", "markTitle"):
            if not (_is(given.get(name), str) and given[name]):
                yield Problem(f"{where}[{index}].{name}", "must be a string")
        if given.get("type") not in list(KIND):
            yield Problem(f"{where}[{index}].type", f"must be {ONE}, {SEVERAL} or {IMAGE}, not {given.get('type')!r}")


def implied(elements: Iterable[Element]) -> tuple[Question, ...]:
    """Return the questions that elements imply, in the order of their first appearance.

    It takes from the data what it understands; `misfits` tells what is wrong with the rest.
    """
    answers = dict[str, list[Element]]()
    for element in elements:
        answers.setdefault(element["questionId"], []).append(element)
    return tuple(_question(id, given) for id, given in answers.items())


def _question(id: str, elements: list[Element]) -> Question:
    kind, title = KIND[elements[0]["type"]], elements[0]["markTitle"]
    data = [element.get("data") for element in elements]
    if kind is not QuestionKind.PICTURE:
        return Question(id, kind, title, _options(data))
    values = dict[str, list[Any]]()
    for region in _flat(data):
        labels: Any = region.get("labels") if _is(region, dict) else None
        for child, value in labels.items() if _is(labels, dict) else ():
            values.setdefault(child, []).append(value)
    children = tuple(_child(str(n), child, given) for n, (child, given) in enumerate(values.items(), 1))
    return Question(id, kind, title, children=children)


def _child(id: str, title: str, values: list[Any]) -> Question:
    several = any(_is(value, list) for value in values)
    return Question(id, QuestionKind.CHECKBOX if several else QuestionKind.RADIO, title, _options(values))


def _options(values: Iterable[Any]) -> tuple[Option, ...]:
    return tuple(Option(key) for key in dict.fromkeys(value for value in _flat(values) if _is(value, str)))


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if _is(value, list) else (value,)
