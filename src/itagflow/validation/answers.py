"""Whether an answer fits its template: every problem, with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

import attrs

from itagflow.errors import Problem
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
from itagflow.validation.annotations import (
    expand_labels,
    explain_not_asked,
    find_annotation_problems,
    iter_annotations,
    walk_questions,
)
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
