"""What formats of texts ask a template: which question they hold, and the classes of its spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._parts import find_label, find_parts_reply, spell_keys
from itagflow.formats._pictures import LABEL, find_question
from itagflow.formats._port import Counts, FormatContext, FormatOption
from itagflow.formats._shapes import Plain
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.template import Question, QuestionKind

FIELD = FormatOption("field", str, None)
"""The field of ``data`` with the text; that which the question is about unless given."""
KINDS = frozenset({QuestionKind.SLOT})
"""The kinds of questions that mark spans of a text."""


@attrs.frozen(kw_only=True)
class MarkedText:
    """The question whose spans a file holds, and the one that says their class."""

    question: Question
    label: Question | None
    """What is asked about a span that says its class; None: all spans are of one class."""
    names: dict[str, str]
    """The classes as they are spelled in a file, with their keys."""
    field: str
    """The field of ``data`` with the text."""

    @classmethod
    def find(cls, context: FormatContext, spell: Callable[[str], str]) -> MarkedText:
        """Return what the template asks about texts.

        Args:
            context: What is asked, and which questions are meant.
            spell: Returns a class as it is spelled in a file.

        Raises:
            InvalidData: when it asks nothing of the kind, or two classes are spelled alike.
        """
        question = find_question(context, KINDS)
        label = find_label(question, context.options[LABEL.name])
        names = spell_keys(label, spell)
        if label is None:
            names = {spell(question.title): question.title}
        return cls(question=question, label=label, names=names, field=find_text_field(context))

    def find_reply(self, result: Result, counts: Counts) -> Plain | None:
        """Return the spans of a task; None where there is no answer."""
        return find_parts_reply(self.question, result, counts)

    def find_text(self, task: Task) -> str:
        """Return the text of a task.

        Raises:
            InvalidData: when its data has none.
        """
        text = task.data.get(self.field)
        if not isinstance(text, str):
            reason = "must be the text: pass field= with the field that has it"
            raise InvalidData(str(task), [Problem(f"data.{self.field}", reason)])
        return text

    def find_class(self, span: Plain, task: Task, counts: Counts) -> str | None:
        """Return the key of the class of a span; None, and count it as lost, if it has not one."""
        if self.label is None:
            return self.question.title
        value = spread_label(span, self.question.children).get(self.label.title, ())
        several = [value] if isinstance(value, str) else list(value)
        if len(several) != 1:
            counts.lose(task, "spans of several classes" if several else "spans of no class")
            return None
        if several[0] not in self.label.keys:
            counts.lose(task, "spans of a class that the template does not have")
            return None
        return several[0]

    def has_further_labels(self, span: Plain) -> bool:
        """Return whether more is said of a span than its class."""
        titles = set(span.get("labels") or ())
        if self.label is not None:
            titles.discard(self.label.title)
        return bool(titles)

    def make_labels(self, name: str) -> dict[str, Any]:
        """Return the labels of a span whose class is spelled so."""
        return {} if self.label is None else make_label(self.label, self.names.get(name, name))


def spread_label(part: Plain, questions: tuple[Question, ...]) -> Mapping[str, Any]:
    """Return the labels of a part by title, also where they are in the short form of one."""
    labels: Mapping[str, Any] | None = part.get("labels")
    if labels:
        return labels
    titles = [child.title for top in questions for child in top.every]
    short = part.get("label")
    return {titles[0]: short} if short is not None and len(titles) == 1 else {}


def make_label(question: Question, *keys: str) -> dict[str, Any]:
    """Return an answer to a question about a part, by its title."""
    several = question.kind is QuestionKind.CHECKBOX
    return {question.title: keys if several else keys[0]}


def find_text_field(context: FormatContext) -> str:
    """Return the field of ``data`` that has the text."""
    given: str | None = context.options[FIELD.name]
    if given is not None:
        return given
    if context.template is None:
        return "source"
    return context.template.field_of(find_question(context, KINDS))
