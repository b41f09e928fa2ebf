"""How a template is changed while its answers stay: the steps of a change."""

import attrs

from itagflow.model.reply import Reply
from itagflow.model.template import Option, Question, Template
from itagflow.model.text import (
    to_optional_text,
    to_text,
    validate_name,
)
from itagflow.model.validators import (
    Field,
    instance_of,
    make_error,
    show_value,
    validate_optional_string,
    validate_string,
)
from itagflow.printing import format_count
from itagflow.reprs import show_fields, show_line


def _validate_reply(owner: object, field: Field, reply: object) -> None:
    if reply is not None and not isinstance(reply, Reply):
        reason = f"must be a reply, such as Choice('cat'), not {show_value(reply)}"
        raise make_error(owner, field.name, reason)


def _as_option(option: Option | str) -> Option:
    return Option(option) if isinstance(option, str) else option


@attrs.frozen
class AddOption:
    """Adds an option behind the others; no answer is changed by it.

    >>> AddOption("1", "bird").option.label
    'bird'
    """

    question: str = attrs.field(converter=to_text, validator=validate_string)
    """The id of the question."""
    option: Option = attrs.field(converter=_as_option, validator=instance_of(Option))
    """The option, or its key; options may be inside it."""
    inside: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """The key of the option that it is to be inside of; empty for none."""
    about: str = attrs.field(default="", kw_only=True, converter=to_text, validator=validate_string)
    """The title of the question about the annotations of `question`, if that is meant."""

    __repr__ = show_fields


@attrs.frozen
class RenameOption:
    """Gives an option another key, in the template and in every answer; equal keys are merged.

    An option that was shown by its key is shown by the new one.  When it merges, the options inside
    it move up to where it was, and a reply with both keys has the new one, once.

    >>> RenameOption("1", "cat", "feline").new
    'feline'
    """

    question: str = attrs.field(converter=to_text, validator=validate_string)
    """The id of the question."""
    old: str = attrs.field(converter=to_text, validator=validate_string)
    """The key of the option."""
    new: str = attrs.field(converter=to_text, validator=validate_name)
    """The key that it gets, or that of the option with which it merges."""
    about: str = attrs.field(default="", kw_only=True, converter=to_text, validator=validate_string)
    """The title of the question about the parts of `question`, if it is one."""

    __repr__ = show_fields


@attrs.frozen
class DropOption:
    """Takes an option away, with those inside it.

    Without `to`, CHECKBOX and RANKING replies lose it, with the replies to questions that are not
    asked any more; a RADIO reply that has it, or a required CHECKBOX reply that has nothing else,
    cannot be carried over.

    >>> DropOption("1", "puppy", to="dog").to
    'dog'
    """

    question: str = attrs.field(converter=to_text, validator=validate_string)
    """The id of the question."""
    key: str = attrs.field(converter=to_text, validator=validate_string)
    """The key of the option."""
    to: str | None = attrs.field(
        default=None, converter=to_optional_text, validator=validate_optional_string
    )
    """The key of the option that replies get instead."""
    about: str = attrs.field(default="", kw_only=True, converter=to_text, validator=validate_string)
    """The title of the question about the parts of `question`, if it is one."""

    __repr__ = show_fields


@attrs.frozen
class AddQuestion:
    """Adds a question behind the others.

    >>> from itagflow.templates import QuestionKind
    >>> AddQuestion(Question("2", QuestionKind.INPUT, "Remark", required=False)).question.title
    'Remark'
    """

    question: Question = attrs.field(validator=instance_of(Question))
    """The question, perhaps with questions inside it."""
    inside: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """The id of the question that it goes into: per annotation, or when an option is chosen."""
    reply: Reply | None = attrs.field(default=None, validator=_validate_reply)
    """The reply that existing answers get where it is asked; without one, they get none."""
    about: str = attrs.field(default="", kw_only=True, converter=to_text, validator=validate_string)
    """The title of the question about the annotations of `inside` that it depends on, if any."""

    __repr__ = show_fields


@attrs.frozen
class RenameQuestion:
    """Gives a question another title; its id stays.  Labels of annotations follow the title.

    >>> RenameQuestion("1", "Which animal?").title
    'Which animal?'
    """

    question: str = attrs.field(converter=to_text, validator=validate_string)
    """The id of the question."""
    title: str = attrs.field(converter=to_text, validator=validate_string)
    """The title that it gets."""
    about: str = attrs.field(default="", kw_only=True, converter=to_text, validator=validate_string)
    """The title so far of the question about the parts of `question`, if it is one."""

    __repr__ = show_fields


@attrs.frozen
class DropQuestion:
    """Takes a question away with those inside it, and its replies out of every answer.

    >>> DropQuestion("2").question
    '2'
    """

    question: str = attrs.field(converter=to_text, validator=validate_string)
    """The id of the question."""
    about: str = attrs.field(default="", kw_only=True, converter=to_text, validator=validate_string)
    """The title of the question about the parts of `question`, if it is one."""

    __repr__ = show_fields


TemplateStep = AddOption | RenameOption | DropOption | AddQuestion | RenameQuestion | DropQuestion
"""One step of a written migration; each sees the template as those before it leave it."""


@attrs.frozen
class TemplateChange:
    """A change of a job's template that its answers still follow."""

    before: Template
    """The template before it."""
    steps: tuple[TemplateStep, ...]
    """What was done, in order."""

    def __repr__(self) -> str:
        return show_line(self, format_count(len(self.steps), "step"))
