"""What is asked about the parts of an item that a file holds: segments of it, or spans."""

from __future__ import annotations

from collections.abc import Callable

from itagflow.errors import InvalidData, Problem
from itagflow.formats._pictures import LABEL, find_replies, lose_other_replies
from itagflow.formats._port import Counts
from itagflow.formats._shapes import Plain
from itagflow.model.result import Result
from itagflow.model.template import Question


def find_label(question: Question, title: str | None) -> Question | None:
    """Return the question about a part that says its class; None when nothing is asked.

    Args:
        question: The question whose answers are the parts.
        title: The title of what says their class; the first that has options unless given.

    Raises:
        InvalidData: when nothing with options has this title.
    """
    fitting = [
        child for child in list_parts(question) if child.options and title in (None, child.title)
    ]
    if title is not None and not fitting:
        reason = f"must be the title of a question with options about {question.title!r}"
        raise InvalidData("the format", [Problem(LABEL.name, reason)])
    return fitting[0] if fitting else None


def find_parts_reply(question: Question, result: Result, counts: Counts) -> Plain | None:
    """Return the parts of a task, None where there is no answer; other replies count as lost."""
    replies = find_replies(result, counts)
    reply: Plain | None = replies.get(question.id)
    lose_other_replies(question, replies, result.task, counts)
    return reply


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
