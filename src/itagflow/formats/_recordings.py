"""What formats of recordings ask a template: which question they hold, and who speaks."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._parts import find_label, find_parts_reply, spell_keys
from itagflow.formats._pictures import LABEL, find_field, find_question
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
        label = find_label(question, context.options.get(LABEL.name))
        return cls(
            question=question,
            label=label,
            names=spell_keys(label, spell),
            field=find_field(context),
        )

    def find_reply(self, result: Result, counts: Counts) -> Plain | None:
        """Return the segments of a task; None where there is no answer."""
        return find_parts_reply(self.question, result, counts)

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
