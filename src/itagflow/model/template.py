"""What is asked about each task: questions, their options, and which data field is shown."""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem


class QuestionKind(Enum):
    """The kinds of question.  Source: iTAG's ``QuestionPlugin.Type``."""

    RADIO = "RADIO"
    """One of the options; answered with a `Choice`."""
    CHECKBOX = "CHECKBOX"
    """Any of the options; answered with `Choices`."""
    INPUT = "INPUT"
    """A text; answered with a `Text`."""
    PICTURE = "PICTURE"
    """Regions of an image; answered with `Regions`.  Its children are asked about each region."""


class ViewKind(Enum):
    """What a view shows.  Source: iTAG's ``ViewPlugin.Type``."""

    IMAGE = "Image"
    TEXT = "Text"
    VIDEO = "Video"
    AUDIO = "Audio"


def _key_of(option: Any) -> str:
    return str(option.key)


@attrs.frozen
class Option:
    """One possible choice: what is stored and what is shown.

    >>> Option("car").label
    'car'
    """

    key: str
    """What is stored in an answer."""
    label: str = attrs.field(default=attrs.Factory(_key_of, takes_self=True))
    """What is shown to people; the key when not given."""
    color: str | None = None
    """How it is drawn, such as ``#239125``."""


@attrs.frozen
class View:
    """Shows one field of a row's data."""

    kind: ViewKind
    """How the field is shown."""
    field: str = "source"
    """The field of ``data`` that each row must have."""


@attrs.frozen
class Question:
    """One question about a task, or, inside a PICTURE question, about each of its regions."""

    id: str
    """Its number in the template, as a string: iTAG's ``questionId``."""
    kind: QuestionKind
    """What is asked for."""
    title: str
    """What people read: iTAG's ``markTitle``; a region's labels are kept under their question's title."""
    options: tuple[Option, ...] = ()
    """What a RADIO or CHECKBOX question offers."""
    required: bool = True
    """Whether an answer without a reply to it is refused: iTAG's ``MustFill``."""
    children: tuple[Question, ...] = ()
    """The questions asked about each region (of a PICTURE question)."""

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the options."""
        return frozenset(option.key for option in self.options)


def _check_questions(_: object, __: object, questions: tuple[Question, ...]) -> None:
    if problems := _template_problems(questions):
        raise InvalidData("the template", problems)


def _template_problems(questions: tuple[Question, ...]) -> list[Problem]:
    ids = [question.id for question in questions]
    found = [] if questions else [Problem("questions", "a template needs at least one question")]
    found += [Problem(f"question {id!r}", "the id is used twice") for id in set(ids) if ids.count(id) > 1]
    for question in questions:
        found += _question_problems(question, inside=False)
    return found


def _question_problems(question: Question, *, inside: bool) -> list[Problem]:
    where, found = f"question {question.id!r}", list[Problem]()
    choosing = question.kind in (QuestionKind.RADIO, QuestionKind.CHECKBOX)
    if not question.title:
        found.append(Problem(where, "needs a title"))
    if choosing != bool(question.options):
        found.append(Problem(where, "needs options" if choosing else "cannot have options"))
    if len(question.keys) < len(question.options):
        found.append(Problem(where, "has two options with the same key"))
    if inside and question.kind is QuestionKind.PICTURE:
        found.append(Problem(where, "a region cannot be asked for regions"))
    if question.children and question.kind is not QuestionKind.PICTURE:
        found.append(Problem(where, "only a PICTURE question has questions about its regions"))
    titles = [child.title for child in question.children]
    if len(set(titles)) < len(titles):
        found.append(Problem(where, "two questions about a region share a title"))
    for child in question.children:
        found += _question_problems(child, inside=True)
    return found


@attrs.frozen(kw_only=True)
class Template:
    """What is asked about each task of a job.  Ready-made ones are in `itagflow.templates`.

    >>> Template(questions=(Question("1", QuestionKind.INPUT, "What is it?"),)).question("1").title
    'What is it?'
    """

    questions: tuple[Question, ...] = attrs.field(validator=_check_questions)
    """The questions, in the order in which results list them."""
    views: tuple[View, ...] = (View(ViewKind.IMAGE),)
    """The fields of a row that are shown; a row without one of them is refused."""
    abandon_reasons: tuple[str, ...] = ()
    """The reasons for which a task may be abandoned; any text when empty."""
    name: str = ""
    """Its name in the workspace; empty when it belongs to one job only."""
    id: int = 0
    """Its key in the store; 0 until it is added."""
    workspace: int = 0
    """The workspace that owns it; 0 until it is added."""
    version: int = 0
    """Counts the saves."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.id,)

    def question(self, id: str) -> Question | None:
        """Return the question with this id, or None."""
        return next((question for question in self.questions if question.id == id), None)
