"""The annotations of a reply - regions, spans, segments, relations - and their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import attrs

from itagflow.errors import Problem
from itagflow.model.annotation import Annotation, Labels
from itagflow.model.region import Regions
from itagflow.model.reply import Choice, Choices, Reply
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.model.template import Question, QuestionKind
from itagflow.validation.values import find_value_problems

_FIELDS: Mapping[type[Reply], tuple[tuple[str, str], ...]] = {
    Regions: (("regions", "children"),),
    Spans: (("spans", "children"), ("relations", "relations")),
    Segments: (("segments", "children"),),
}
"""Where a reply keeps its parts, and where its question keeps what is asked about them."""


def walk_annotations(
    question: Question, reply: Reply
) -> Iterator[tuple[str, tuple[Question, ...], Annotation]]:
    """Yield each part of *reply*: its path, what is asked about it, and itself."""
    for name, questions_field in _FIELDS.get(type(reply), ()):
        for index, annotation in enumerate(getattr(reply, name)):
            yield f"{question.id}.{name}[{index}]", getattr(question, questions_field), annotation


def iter_annotations(reply: Reply) -> Iterator[Annotation]:
    """Yield every part that *reply* marks."""
    for name, _ in _FIELDS.get(type(reply), ()):
        yield from getattr(reply, name)


def expand_labels(question: Question, reply: Reply) -> Reply:
    """Return *reply* with every part's short label written out under its question's title."""
    changed: dict[str, Any] = {}
    for name, questions_field in _FIELDS.get(type(reply), ()):
        children, annotations = getattr(question, questions_field), getattr(reply, name)
        # with several questions the short form is ambiguous: `find_annotation_problems` refuses it
        if len(children) == 1 and any(_is_short(annotation) for annotation in annotations):
            changed[name] = tuple(
                _expand_label(annotation, children[0]) for annotation in annotations
            )
    return attrs.evolve(reply, **changed) if changed else reply


def _is_short(annotation: Annotation) -> bool:
    """Return whether its label is not yet under the title of a question."""
    return annotation.label is not None and not annotation.labels


def _expand_label(annotation: Annotation, child: Question) -> Annotation:
    if not _is_short(annotation):
        return annotation
    value: str | tuple[str, ...] = annotation.label or ""
    # several could be chosen: the short form says one
    if child.kind is QuestionKind.CHECKBOX:
        value = (annotation.label or "",)
    return attrs.evolve(annotation, label=None, labels={child.title: value})


def edit_labels(
    question: Question, reply: Reply, edit: Callable[[tuple[Question, ...], Labels], Labels]
) -> Reply:
    """Return *reply* with each annotation's labels edited by *edit*, given its questions."""
    changed: dict[str, Any] = {}
    for name, questions_field in _FIELDS.get(type(reply), ()):
        children, annotations = getattr(question, questions_field), getattr(reply, name)
        edited = tuple(
            _with_labels(annotation, edit(children, annotation.labels))
            for annotation in annotations
        )
        if edited != annotations:
            changed[name] = edited
    return attrs.evolve(reply, **changed) if changed else reply


def _with_labels(annotation: Annotation, labels: Labels) -> Annotation:
    if labels == annotation.labels:
        return annotation
    # the short form follows from the others
    return attrs.evolve(annotation, label=None, labels=labels)


def walk_questions(
    question: Question, get_reply: Callable[[Question], Any], applies: bool = True
) -> Iterator[tuple[Question, Any, bool]]:
    """Yield *question* and its dependents, each with its reply, and whether it is asked."""
    value = get_reply(question)
    yield question, value, applies
    dependents = question.dependents
    if not dependents:
        return  # nearly always
    for child in dependents:
        # a question that is not asked itself asks nothing further, whatever reply it came with
        yield from walk_questions(child, get_reply, applies and is_dependent_asked(child, value))


def is_dependent_asked(child: Question, value: Any) -> bool:
    """Return whether *child* is asked when its parent was answered with *value*."""
    chosen_keys = _get_chosen_keys(value)
    # without `when` any option will do
    if not child.when:
        return bool(chosen_keys)
    return not chosen_keys.isdisjoint(child.when)


def _get_chosen_keys(value: Any) -> frozenset[str]:
    keys: tuple[object, ...]
    match value:
        case Choice(key=str() as key) | (str() as key):
            keys = (key,)
        case Choices(keys=keys):
            pass
        case tuple():
            keys = cast("tuple[object, ...]", value)
        case _:
            keys = ()
    return frozenset(key for key in keys if isinstance(key, str))  # a screen may send anything


def explain_not_asked(question: Question) -> str:
    """Return why a reply to *question* has no place here."""
    options = " or ".join(map(repr, question.when)) or "an option"
    return (
        f"the question {question.title!r} is only asked "
        f"when {options} of the question before is chosen"
    )


def find_annotation_problems(question: Question, reply: Reply) -> Iterator[Problem]:
    """Yield everything wrong with the labels of the annotations of *reply*."""
    for path, children, annotation in walk_annotations(question, reply):
        yield from _find_label_problems(path, children, annotation)


def _find_label_problems(
    path: str, children: tuple[Question, ...], annotation: Annotation
) -> Iterator[Problem]:
    if _is_short(annotation):
        titles = ", ".join(repr(child.title) for child in children) or "none"
        yield Problem(
            f"{path}.label",
            f"is short for the one question about it; here they are {titles}: use labels",
        )
    questions = [child for question in children for child in question.every]
    known = {child.title for child in questions}
    yield from (
        Problem(f"{path}.labels", f"{title!r} is not a question that is asked about it")
        for title in annotation.labels
        if title not in known
    )
    for question in children:
        for child, value, applies in walk_questions(
            question, lambda child: annotation.labels.get(child.title)
        ):
            if value is not None and not applies:
                yield Problem(f"{path}.labels[{child.title!r}]", explain_not_asked(child))
            elif value is not None:
                yield from find_value_problems(child, f"{path}.labels[{child.title!r}]", value)
            elif applies and child.required and not _is_short(annotation):
                yield Problem(
                    f"{path}.labels", f"no reply to the required question {child.title!r}"
                )
