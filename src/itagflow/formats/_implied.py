"""The questions that results imply, for files whose template is not at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from itagflow.errors import Problem
from itagflow.formats._elements import ONE, SEVERAL, infer_kind
from itagflow.formats._plain import find_non_texts, is_a
from itagflow.formats._regions import IMAGE, Element
from itagflow.model.template import Option, Question, QuestionKind
from itagflow.model.text import find_name_error, format_value, normalize_name

KIND = {ONE: QuestionKind.RADIO, SEVERAL: QuestionKind.CHECKBOX, IMAGE: QuestionKind.PICTURE}
"""The kind of question that an element's ``type`` implies; texts look like RADIO."""


MAX_QUESTIONS = 1_000
"""How many questions results may imply: more than any template has, and a safe limit."""


def find_unidentified(where: str, results: list[Any]) -> Iterator[Problem]:
    """Yield the elements that imply no question: without id, title or known type, or too many."""
    if len(results) > MAX_QUESTIONS:
        yield Problem(where, f"has more than {MAX_QUESTIONS:,} elements")
        return
    for index, element in enumerate(results):
        if infer_kind(element) and "questionId" not in element:
            yield from find_non_texts(f"{where}[{index}]", element, "markTitle")
            continue
        fields: Element = element if is_a(element, dict) else {}
        for name in ("questionId", "markTitle"):
            if not (is_a(fields.get(name), str) and fields[name]):
                yield Problem(f"{where}[{index}].{name}", "must be a string")
        if infer_kind(element) is None and fields.get("type") not in list(KIND):
            reason = f"must be {ONE}, {SEVERAL} or {IMAGE}, not {format_value(fields.get('type'))}"
            yield Problem(f"{where}[{index}].type", reason)


def infer_questions(rows: Iterable[Iterable[Element]]) -> tuple[Question, ...]:
    """Return the questions that the results of rows imply, in the order of their first appearance.

    An element without an id gets that of its place in the results.  What some rows, or some parts,
    do not answer is not required.  It takes from the data what it understands;
    `_elements.find_shape_errors` tells what is wrong with the rest.
    """
    answers: dict[str, list[Element]] = {}
    # kept, since each element is used twice: for the ids in use, and for its question
    results = [list(row) for row in rows]
    used_ids = {
        element["questionId"] for row in results for element in row if "questionId" in element
    }
    for row in results:
        for index, element in enumerate(row):
            answers.setdefault(_choose_id(element, index, used_ids), []).append(element)
    return tuple(
        _infer_question(id, elements, everywhere=len(elements) >= len(results))
        for id, elements in answers.items()
    )


def _choose_id(element: Element, index: int, used_ids: set[str]) -> str:
    if "questionId" in element:
        return str(element["questionId"])
    number = index + 1
    # never the id of another element: the two would become one question
    while str(number) in used_ids:
        number += 1
    return str(number)


def _infer_question(id: str, elements: list[Element], *, everywhere: bool) -> Question:
    kind = infer_kind(elements[0]) or KIND[elements[0]["type"]]
    if kind in (QuestionKind.SLOT, QuestionKind.VIDEO):
        annotations = list(_flatten(element.get("objects") for element in elements))
        relations = list(_flatten(element.get("relations") for element in elements))
        children = _infer_children(annotations, "result", several=kind is QuestionKind.SLOT)
        title = (
            elements[0].get("markTitle")
            or " / ".join(child.title for child in children)
            or kind.value
        )
        relation_questions = _infer_children(relations, "result")
        return Question(
            id, kind, title, required=everywhere, children=children, relations=relation_questions
        )
    title, data = elements[0]["markTitle"], [element.get("data") for element in elements]
    if kind is QuestionKind.PICTURE:
        return Question(
            id,
            kind,
            title,
            required=everywhere,
            children=_infer_children(list(_flatten(data)), "labels"),
        )
    options = _infer_options(data)
    # a RADIO element whose values cannot all be keys was an answer in words
    if kind is QuestionKind.RADIO and not options:
        kind = QuestionKind.INPUT
    return Question(id, kind, title, options, required=everywhere)


def _infer_children(
    annotations: list[Any], name: str, *, several: bool = False
) -> tuple[Question, ...]:
    values: dict[str, list[Any]] = {}
    for annotation in annotations:
        labels: Any = None
        if is_a(annotation, dict):
            labels = annotation.get(name)
        # broken annotations are left out here; `find_shape_errors` reports them
        if is_a(labels, dict):
            for title, value in labels.items():
                values.setdefault(title, []).append(value)
    numbered = enumerate(values.items(), 1)
    return tuple(
        _infer_child(
            str(number),
            title,
            title_values,
            several,
            everywhere=len(title_values) >= len(annotations),
        )
        for number, (title, title_values) in numbered
        if title
    )


def _infer_child(
    id: str, title: str, values: list[Any], several: bool, *, everywhere: bool
) -> Question:
    kind = QuestionKind.RADIO
    if several or any(is_a(value, list) for value in values):
        kind = QuestionKind.CHECKBOX
    options = _infer_options(values)
    if not options:
        kind = QuestionKind.INPUT
    return Question(id, kind, title, options, required=everywhere)


def _infer_options(values: Iterable[Any]) -> tuple[Option, ...]:
    """Return the options of the values; none when they cannot all be options (then: texts)."""
    # in the order of their first appearance: a set would make another template in every process
    keys = dict.fromkeys(value for value in _flatten(values) if is_a(value, str))
    if any(map(find_name_error, keys)) or len(set(map(normalize_name, keys))) < len(keys):
        return ()
    return tuple(map(Option, keys))


def _flatten(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if is_a(value, list):
            yield from value
        else:
            yield value
