"""What formats of recordings ask a template: which question they hold, and who speaks."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._pictures import (
    LABEL,
    find_field,
    find_question,
    find_replies,
    lose_other_replies,
)
from itagflow.formats._port import Counts, FormatContext, FormatOption
from itagflow.formats._shapes import Plain
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.template import Question, QuestionKind

RECORDING = FormatOption("image", str, None)
"""The field of ``data`` with the name of the recording; the first that is shown unless given."""
KINDS = frozenset({QuestionKind.VIDEO})
"""The kinds of questions that mark segments of a recording."""


@attrs.frozen(kw_only=True)
class Recording:
    """The question whose segments a file holds, and the one that says who speaks."""

    question: Question
    label: Question | None
    """What is asked about a segment that says who speaks."""
    names: dict[str, str]
    """The options as they are spelled in a file, with their keys."""
    field: str
    """The field of ``data`` with the name of the recording."""

    @classmethod
    def find(cls, context: FormatContext, spell: Callable[[str], str]) -> Recording:
        """Return what the template asks about recordings.

        Args:
            context: What is asked, and which questions are meant.
            spell: Returns an option as it is spelled in a file.

        Raises:
            InvalidData: when it asks nothing of the kind, or two options are spelled alike.
        """
        question = find_question(context, KINDS)
        title = context.options.get(LABEL.name)
        fitting = [child for child in list_parts(question) if child.options]
        if title is not None:
            fitting = [child for child in fitting if child.title == title]
        if title is not None and not fitting:
            reason = f"must be the title of a question with options about {question.title!r}"
            raise InvalidData("the format", [Problem(LABEL.name, reason)])
        label = fitting[0] if fitting else None
        return cls(
            question=question,
            label=label,
            names=spell_keys(label, spell),
            field=find_field(context),
        )

    def find_reply(self, result: Result, counts: Counts) -> Plain | None:
        """Return the segments of a task; None where there is no answer."""
        replies = find_replies(result, counts)
        reply: Plain | None = replies.get(self.question.id)
        lose_other_replies(self.question, replies, result.task, counts)
        return reply

    def find_name(self, task: Task) -> str:
        """Return the name of the recording of a task.

        Raises:
            InvalidData: when its data has none.
        """
        name = task.data.get(self.field)
        if not isinstance(name, str) or not name.strip():
            reason = "must be the name of the recording: pass image= with the field that has it"
            raise InvalidData(str(task), [Problem(f"data.{self.field}", reason)])
        return name


def list_parts(question: Question) -> list[Question]:
    """Return what is asked about a part, also what is asked only after some answers."""
    return [child for top in question.children for child in top.every]


def spell_keys(question: Question | None, spell: Callable[[str], str]) -> dict[str, str]:
    """Return the options of a question as they are spelled in a file, with their keys.

    Raises:
        InvalidData: when two of them are spelled alike.
    """
    keys = () if question is None else [option.key for option in question.options]
    names = {spell(key): key for key in keys}
    if question is not None and len(names) < len(keys):
        same = [key for key in keys if names[spell(key)] != key]
        reason = f"has options that are written alike in a file, such as {same[0]!r}"
        raise InvalidData("the template", [Problem(f"question {question.id!r}", reason)])
    return names
