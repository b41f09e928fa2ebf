"""The labels of a region, span, segment or relation, by title of the question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from itagflow.errors import Problem
from itagflow.formats._plain import is_a, is_strings
from itagflow.formats._spelling import respell_labels
from itagflow.model.annotation import Annotation, Labels
from itagflow.model.template import Question, QuestionKind


def render_labels(
    children: Iterable[Question], annotation: Annotation, *, lists: bool = False
) -> dict[str, str | list[str]]:
    """Return a part's labels in the order of the template, whatever order a store gave them.

    With *lists* a single value is a list too, as iTAG writes it for spans.
    """
    questions = [child for top in children for child in top.every]
    values = {child.title: annotation.labels.get(child.title) for child in questions}
    label = annotation.label
    if label is not None and not annotation.labels and len(questions) == 1:
        # the short form, as yet unsaved
        is_one_of_several = questions[0].kind is QuestionKind.CHECKBOX
        values = {questions[0].title: (label,) if is_one_of_several else label}
    return {
        title: _render_value(value, lists) for title, value in values.items() if value is not None
    }


def _render_value(value: str | tuple[str, ...], lists: bool) -> str | list[str]:
    if isinstance(value, tuple):
        return list(value)
    if lists:
        return [value]
    return value


def parse_labels(children: Iterable[Question], labels: Mapping[str, Any]) -> Labels:
    """Return the labels that a file has, as its questions take them."""
    children = tuple(children)
    kinds = {child.title: child.kind for top in children for child in top.every}
    respelled = respell_labels(children, dict(labels))
    return {title: _parse_value(kinds.get(title), value) for title, value in respelled.items()}


def _parse_value(kind: QuestionKind | None, value: str | list[str]) -> str | tuple[str, ...]:
    if kind is QuestionKind.CHECKBOX:
        return (value,) if isinstance(value, str) else tuple(value)
    if isinstance(value, str):
        return value
    # iTAG writes a single value of a span as a list of one; of a title that no question has, the
    # list stays, since it may be the only sign that several could be chosen
    if len(value) == 1 and kind is not None:
        return value[0]
    return tuple(value)


def find_label_problems(
    where: str, children: Iterable[Question], labels: Any, *, lists: bool = False
) -> Iterator[Problem]:
    """Yield everything that keeps *labels* from being answers to *children*."""
    if not is_a(labels, dict):
        yield Problem(where, "must be an object")
        return
    children = tuple(children)
    known = {child.title: child.kind for top in children for child in top.every}
    for title, value in respell_labels(children, labels).items():
        path, kind = f"{where}[{title!r}]", known.get(title)
        is_list = is_strings(value) and (lists or kind is QuestionKind.CHECKBOX)
        is_single = is_a(value, str) and (not lists or kind is not QuestionKind.CHECKBOX)
        if kind is None and not (is_a(value, str) or is_strings(value)):
            yield Problem(path, "must be a string, or a list of strings")
        elif kind is QuestionKind.CHECKBOX and not is_list:
            yield Problem(path, "must be a list of strings")
        elif kind not in (None, QuestionKind.CHECKBOX) and not (
            is_single or (is_list and len(value) == 1)
        ):
            yield Problem(path, "must be a string")
