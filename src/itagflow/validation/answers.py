"""Whether an answer fits its template: every problem, with its path.

Below the replies are the annotations of a reply - regions, spans, segments, relations - and their
labels.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, cast

import attrs

from itagflow.errors import Problem
from itagflow.model.annotation import Annotation, Labels
from itagflow.model.region import Regions
from itagflow.model.reply import (
    Choice,
    Choices,
    Preference,
    Ranking,
    Rating,
    Replies,
    Reply,
    Text,
)
from itagflow.model.segment import Segments
from itagflow.model.span import Spans, TextSpan
from itagflow.model.task import Task
from itagflow.model.template import Question, QuestionKind, Template
from itagflow.validation.regions import (
    find_regions_problems,
    find_segments_problems,
    find_spans_problems,
)
from itagflow.validation.values import (
    find_preference_problems,
    find_ranking_problems,
    find_rating_problems,
    find_value_problems,
)

Validator = Callable[[Task, Replies], Iterable[Problem]]
"""The application's own check of a job's answers: returns what is wrong, if anything."""

REPLY_OF: Mapping[QuestionKind, type[Reply]] = {
    QuestionKind.RADIO: Choice,
    QuestionKind.CHECKBOX: Choices,
    QuestionKind.INPUT: Text,
    QuestionKind.OPEN_ENDED: Text,
    QuestionKind.TEXT_EDIT: Text,
    QuestionKind.PICTURE: Regions,
    QuestionKind.SLOT: Spans,
    QuestionKind.VIDEO: Segments,
    QuestionKind.RANKING: Ranking,
    QuestionKind.RATING: Rating,
    QuestionKind.PREFERENCE: Preference,
}
"""What a question is answered with."""


def normalize_replies(
    template: Template, given: object, task: Task | None = None
) -> Replies | None:
    """Return *given* as replies by question id, or None when it is neither replies nor a reply.

    A single reply is short for the answer to the only question; ``label="car"`` on a region, span
    or segment is short for the answer to the only question about it; the text of a span is filled
    in from the data of *task*.
    """
    if isinstance(given, Reply):
        if len(template.questions) != 1:
            return None
        given = {template.questions[0].id: given}
    if not isinstance(given, Mapping):
        return None
    by_id = cast("Mapping[str, object]", given)
    known = {question.id: question for question in template.asked}
    # in the order of the template, so that equal answers are stored alike, whatever a screen sent
    order = [*known, *(id for id in by_id if id not in known)]
    replies: dict[str, Reply] = {}
    for id in order:
        reply = by_id.get(id)
        if isinstance(reply, Reply):
            replies[str(id)] = reply
    if len(replies) < len(by_id):  # a value that is no reply, or two ids with the same text
        return None
    for id, reply in replies.items():
        # what answers no question stays as it is, for `find_problems` to name it
        if id in known:
            replies[id] = _complete_reply(template, known[id], reply, task)
    return replies


def find_problems(
    template: Template, replies: Replies | None, task: Task | None = None
) -> list[Problem]:
    """Return every problem that keeps *replies* from answering *task*, each with its path."""
    if replies is None:
        ids = ", ".join(repr(question.id) for question in template.asked)
        return [
            Problem(
                "",
                f"must be a mapping from question id ({ids}) to reply, "
                "or one reply to one question",
            )
        ]
    known = {question.id for question in template.asked}
    problems = [
        Problem(id, "the template has no such question") for id in replies if id not in known
    ]
    for top in template.questions:
        for question, reply, applies in walk_questions(
            top, lambda question: replies.get(question.id)
        ):
            if reply is not None and not applies:
                problems.append(Problem(question.id, explain_not_asked(question)))
            elif reply is not None:
                problems += find_reply_problems(template, question, reply, task)
            elif applies and question.required:
                problems.append(
                    Problem(question.id, f"no reply to the required question {question.title!r}")
                )
    return problems


def has_label(replies: Replies | None, label: str) -> bool:
    """Return whether *label* is chosen in *replies*, for the task or for one of its parts."""
    return any(label in _iter_labels(reply) for reply in (replies or {}).values())


def _iter_labels(reply: Reply) -> Iterator[str]:
    match reply:
        case Choice():
            yield reply.key
        case Choices():
            yield from reply.keys
        case _:
            for annotation in iter_annotations(reply):
                for value in annotation.labels.values():
                    if isinstance(value, str):
                        yield value
                    else:
                        yield from value


def _find_text(template: Template, question: Question, task: Task | None) -> str | None:
    """Return the text that *question* is about, where the data has it."""
    if task is None:
        return None
    text = task.data.get(template.field_of(question))
    if not isinstance(text, str):  # the row may hold anything under this name
        return None
    return text


def _complete_reply(
    template: Template, question: Question, reply: Reply, task: Task | None
) -> Reply:
    reply = expand_labels(question, reply)
    if not isinstance(reply, Spans) or all(span.text for span in reply.spans):
        return reply
    text = _find_text(template, question, task)
    if text is None:
        return reply
    return attrs.evolve(reply, spans=[_with_text(span, text) for span in reply.spans])


def _with_text(span: TextSpan, text: str) -> TextSpan:
    if span.text:
        return span
    return attrs.evolve(span, text=text[span.start : span.end])


def find_reply_problems(
    template: Template, question: Question, reply: Reply, task: Task | None = None
) -> Iterator[Problem]:
    """Yield every problem that keeps *reply* from answering *question*, each with its path."""
    wanted, id = REPLY_OF[question.kind], question.id
    if not isinstance(reply, wanted):
        yield Problem(id, f"needs a {wanted.__name__}, not a {type(reply).__name__}")
        return
    match reply:
        case Choice(key=value) | Choices(keys=value) | Text(text=value):
            yield from find_value_problems(question, id, value)
        case Ranking():
            yield from find_ranking_problems(question, id, reply.keys)
        case Rating():
            yield from find_rating_problems(question, id, reply)
        case Preference():
            yield from find_preference_problems(question, id, reply)
        case Regions():
            yield from find_regions_problems(question, reply)
        case Spans():
            yield from find_spans_problems(question, reply, _find_text(template, question, task))
        case Segments():
            yield from find_segments_problems(question, reply)
    yield from find_annotation_problems(question, reply)


_FIELDS: Mapping[type[Reply], tuple[tuple[str, str], ...]] = {
    Regions: (("regions", "children"),),
    Spans: (("spans", "children"), ("relations", "relations")),
    Segments: (("segments", "children"),),
}
"""Where a reply keeps its parts, and where its question keeps what is asked about them."""


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
    for name, questions_field in _FIELDS.get(type(reply), ()):
        children = getattr(question, questions_field)
        titles = {child.title for top in children for child in top.every}
        for index, annotation in enumerate(getattr(reply, name)):
            # the place is written out only where there is a problem: a reply may have many parts
            for problem in _find_label_problems(children, titles, annotation):
                where = f"{question.id}.{name}[{index}]{problem.where}"
                yield Problem(where, problem.reason)


def _find_label_problems(
    children: tuple[Question, ...], titles: Collection[str], annotation: Annotation
) -> Iterator[Problem]:
    """Yield everything wrong with the labels of one annotation, with the place in it.

    Args:
        children: The questions about it.
        titles: Their titles, and those of what is asked after some answers to them.
        annotation: The annotation.
    """
    labels = annotation.labels
    if _is_short(annotation):
        asked = ", ".join(repr(child.title) for child in children) or "none"
        reason = f"is short for the one question about it; here they are {asked}: use labels"
        yield Problem(".label", reason)
    for title in labels:
        if title not in titles:
            yield Problem(".labels", f"{title!r} is not a question that is asked about it")
    for question in children:
        for child, value, applies in walk_questions(
            question, lambda child: labels.get(child.title)
        ):
            if value is not None and not applies:
                yield Problem(f".labels[{child.title!r}]", explain_not_asked(child))
            elif value is not None:
                for problem in find_value_problems(child, "", value):
                    where = f".labels[{child.title!r}]{problem.where}"
                    yield Problem(where, problem.reason)
            elif applies and child.required and not _is_short(annotation):
                yield Problem(".labels", f"no reply to the required question {child.title!r}")
