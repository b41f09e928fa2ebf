"""The labels of a region, span, segment or relation, by title of the question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._plain import is_a, is_strings
from itagflow.formats._spelling import respell_labels
from itagflow.model.annotation import Labels
from itagflow.model.template import Question, QuestionKind


def _find_only_title(questions: PartQuestions) -> str | None:
    return questions.titles[0] if len(questions.titles) == 1 else None


@attrs.frozen
class PartQuestions:
    """What is asked about the parts of a reply, looked up once for all parts."""

    titles: tuple[str, ...]
    """The titles of the questions, in the order of the template."""
    is_checkbox: bool
    """Whether several may be chosen in the only question there is."""
    title: str | None = attrs.field(
        init=False, default=attrs.Factory(_find_only_title, takes_self=True)
    )
    """The title of the only question there is; None where there are several, or none."""

    @classmethod
    def find(cls, children: Iterable[Question]) -> PartQuestions:
        """Return what is asked, with what is asked only after some answers."""
        questions = [child for top in children for child in top.every]
        return cls(
            titles=tuple(dict.fromkeys(question.title for question in questions)),
            is_checkbox=len(questions) == 1 and questions[0].kind is QuestionKind.CHECKBOX,
        )

    def render_labels(self, part: Mapping[str, Any], *, lists: bool = False) -> dict[str, Any]:
        """Return the labels of a part in the order of the template, whatever order a store has.

        Args:
            part: The part as plain JSON.
            lists: Whether a single value is a list too, as iTAG writes it for spans.
        """
        labels = part.get("labels")
        if not labels:
            labels = self._spread_label(part.get("label"))
        if self.title is not None and isinstance(value := labels.get(self.title), str):
            return {self.title: [value] if lists else value}  # nearly always
        rendered: dict[str, Any] = {}
        for title in self.titles:
            value = labels.get(title)
            if value is None:
                continue
            if isinstance(value, str):
                rendered[title] = [value] if lists else value
            else:
                rendered[title] = list(value)  # a copy: the element belongs to whoever gets it
        return rendered

    def _spread_label(self, label: str | None) -> Mapping[str, Any]:
        """Return the short form of a label, as yet unsaved, by its title."""
        if label is None or len(self.titles) != 1:
            return {}
        return {self.titles[0]: (label,) if self.is_checkbox else label}


NO_QUESTIONS = PartQuestions((), is_checkbox=False)
"""Where nothing is asked about parts."""


def parse_labels(by_title: Mapping[str, Question], labels: Mapping[str, Any]) -> Labels:
    """Return the labels that a file has, as its questions take them.

    Args:
        by_title: The questions, by title.
        labels: What the file has, by title.
    """
    respelled = respell_labels(by_title, labels)
    return {title: _parse_value(by_title.get(title), value) for title, value in respelled.items()}


def _parse_value(question: Question | None, value: str | list[str]) -> str | tuple[str, ...]:
    kind = None if question is None else question.kind
    if kind is QuestionKind.CHECKBOX:
        return (value,) if isinstance(value, str) else tuple(value)
    if isinstance(value, str):
        return value
    # iTAG writes a single value of a span as a list of one; of a title that no question has, the
    # list stays, since it may be the only sign that several could be chosen
    if len(value) == 1 and kind is not None:
        return value[0]
    return tuple(value)


def parse_attributes(where: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the labels that a part has as its ``attributes``, in a file that is JSON.

    Raises:
        InvalidData: when they are no object.
    """
    attributes = part.get("attributes", {})
    if not is_a(attributes, dict):
        raise InvalidData("the image", [Problem(f"{where}.attributes", "must be an object")])
    # other programs have flags and numbers here, which are answers to none of our questions
    return {
        name: tuple(value) if is_a(value, list) else value
        for name, value in attributes.items()
        if is_a(value, str) or is_a(value, list)
    }


def find_label_problems(
    by_title: Mapping[str, Question], labels: Any, *, lists: bool = False
) -> Iterator[Problem]:
    """Yield everything that keeps *labels* from being answers to questions.

    Args:
        by_title: The questions, by title.
        labels: What the file has.
        lists: Whether a single value may be a list, too.
    """
    if not is_a(labels, dict):
        yield Problem("", "must be an object")
        return
    for title, value in respell_labels(by_title, labels).items():
        question = by_title.get(title)
        kind = None if question is None else question.kind
        error = _find_value_error(kind, value, lists=lists)
        if error is not None:
            yield Problem(f"[{title!r}]", error)


def _find_value_error(kind: QuestionKind | None, value: Any, *, lists: bool) -> str | None:
    """Return what keeps a label from being an answer to a question of this kind, or None."""
    if kind is None:
        if is_a(value, str) or is_strings(value):
            return None
        return "must be a string, or a list of strings"
    if kind is QuestionKind.CHECKBOX:
        return None if is_strings(value) else "must be a list of strings"
    is_only = lists and is_strings(value) and len(value) == 1
    return None if is_a(value, str) or is_only else "must be a string"
