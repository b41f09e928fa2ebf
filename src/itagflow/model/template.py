"""What is asked about each task: questions, their options, and which data fields are shown."""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cached_property
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.pattern import compile_pattern
from itagflow.model.text import (
    find_text_error,
    normalize_name,
    validate_name,
    validate_text,
    validate_texts,
)
from itagflow.reprs import count, show, show_fields, show_line


class QuestionKind(Enum):
    """The kinds of question.

    Source: iTAG's ``TemplateQuestion.Type``; the last three are ours, for work on language models.
    """

    RADIO = "RADIO"
    """One of the options; answered with a `Choice`."""
    CHECKBOX = "CHECKBOX"
    """Any of the options; answered with `Choices`."""
    INPUT = "INPUT"
    """A short text, perhaps of a certain form; answered with a `Text`."""
    OPEN_ENDED = "OPEN_ENDED"
    """A long text; answered with a `Text`."""
    TEXT_EDIT = "TEXT_EDIT"
    """A text that exists already and is corrected; answered with a `Text`."""
    PICTURE = "PICTURE"
    """Regions of an image; answered with `Regions`.  Its children are asked about each region."""
    SLOT = "SLOT"
    """Spans of a text; answered with `Spans`.  Its children are asked about each span."""
    VIDEO = "VIDEO"
    """Segments of a video or a sound, as `Segments`.  Its children are asked for each segment."""
    RANKING = "RANKING"
    """All options, the best first; answered with a `Ranking`."""
    RATING = "RATING"
    """A number on a scale; answered with a `Rating`."""
    PREFERENCE = "PREFERENCE"
    """The better of two options; answered with a `Preference`."""


CHOOSING = frozenset({QuestionKind.RADIO, QuestionKind.CHECKBOX})
"""Kinds that are answered with options; their children are asked when one of these is chosen."""
WRITING = frozenset({QuestionKind.INPUT, QuestionKind.OPEN_ENDED, QuestionKind.TEXT_EDIT})
"""Kinds that are answered with a text."""
MARKING = frozenset({QuestionKind.PICTURE, QuestionKind.SLOT, QuestionKind.VIDEO})
"""Kinds that are answered with parts of the data; their children are asked about each part."""
COMPARING = frozenset({QuestionKind.RANKING, QuestionKind.PREFERENCE})
"""Kinds that compare their options."""


class ViewKind(Enum):
    """What a view shows.  Source: iTAG's ``ViewPlugin.Type``."""

    IMAGE = "Image"
    TEXT = "Text"
    VIDEO = "Video"
    AUDIO = "Audio"


class Shape(Enum):
    """The shapes that a region can have."""

    BOX = "box"
    ROTATED_BOX = "rotated box"
    POLYGON = "polygon"
    POLYLINE = "polyline"
    POINT = "point"
    KEYPOINTS = "keypoints"
    MASK = "mask"


def _get_key(option: Any) -> str:
    return str(option.key)


@attrs.frozen
class Option:
    """One possible choice: what is stored and what is shown.  Source: iTAG's ``QuestionOption``.

    >>> Option("car").label
    'car'
    """

    key: str = attrs.field(validator=validate_name)
    """What is stored in an answer: one line that can be seen."""
    label: str = attrs.field(default=attrs.Factory(_get_key, takes_self=True))
    """What is shown to people; the key when not given."""
    color: str | None = None
    """How it is drawn, such as ``#239125``."""
    shortcut: str = ""
    """The key on the keyboard that chooses it."""
    remark: str = ""
    """What tells people when to choose it."""
    children: "tuple[Option, ...]" = ()
    """Finer options; each can be chosen, and so can this one."""

    @property
    def every(self) -> "tuple[Option, ...]":
        """Itself, and all options below it."""
        return (self, *(below for child in self.children for below in child.every))

    __repr__ = show_fields


@attrs.frozen
class View:
    """Shows one field of a row's data."""

    kind: ViewKind
    """How the field is shown."""
    field: str = attrs.field(default="source", validator=validate_text)
    """The field of ``data`` that each row must have."""
    views: "tuple[View, ...]" = ()
    """What is shown inside it."""

    @property
    def every(self) -> "tuple[View, ...]":
        """Itself, and all views inside it."""
        return (self, *(inner for view in self.views for inner in view.every))

    __repr__ = show_fields


@attrs.frozen
class Scale:
    """The numbers that a RATING question takes.

    >>> 3 in Scale(1, 5)
    True
    """

    low: float = 1
    """The least number."""
    high: float = 5
    """The greatest number."""
    step: float = 1
    """By how much the numbers are apart, from `low` on; 0 when any number between is fine."""

    def __contains__(self, value: float) -> bool:
        """Return whether *value* is on the scale."""
        if not self.low <= value <= self.high:
            return False
        if not self.step:
            return True
        # steps such as 0.1 have no exact float: 0.3 / 0.1 is not 3
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-9

    __repr__ = show_fields


@attrs.frozen
class Question:
    """One question about a task, or, inside a question that marks parts, about each of these.

    Source: iTAG's ``QuestionPlugin``.
    """

    id: str
    """Its number in the template, as a string: iTAG's ``questionId``."""
    kind: QuestionKind
    """What is asked for."""
    title: str
    """The title: iTAG's ``markTitle``; labels of annotations are kept under this title."""
    options: tuple[Option, ...] = ()
    """What there is to choose, to rank or to prefer."""
    required: bool = True
    """Whether an answer without a reply to it is refused: iTAG's ``MustFill``."""
    children: "tuple[Question, ...]" = ()
    """Asked about each annotation; or, of RADIO and CHECKBOX, asked when an option was chosen."""
    when: tuple[str, ...] = ()
    """The options of its parent that it depends on: asked only if one is chosen; empty: any."""
    relations: "tuple[Question, ...]" = ()
    """Asked about each relation between two spans (of a SLOT question); empty: no relations."""
    rule: str = ""
    """The regular expression that a text has to match as a whole; see `itagflow.model.pattern`."""
    presets: tuple[str, ...] = ()
    """Texts to pick from instead of typing: iTAG's ``PreOptions``."""
    default: str | tuple[str, ...] | None = None
    """What is filled in at first: a text, a key, or several keys: iTAG's ``DefaultResult``."""
    field: str = ""
    """The field of ``data`` that it is about; empty for the first one shown that fits it."""
    shapes: tuple[Shape, ...] = ()
    """The shapes that regions can have; any, when empty."""
    keypoints: tuple[str, ...] = ()
    """The names of the keypoints of an object; any, when empty."""
    scale: Scale | None = None
    """The numbers of a RATING question; the degrees of a PREFERENCE."""

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of the options, also of those inside others."""
        return frozenset(option.key for top in self.options for option in top.every)

    @property
    def dependents(self) -> "tuple[Question, ...]":
        """The questions that are asked when an option of it is chosen."""
        # the children of other kinds are asked about annotations, not after an option
        if self.kind in CHOOSING:
            return self.children
        return ()

    @property
    def every(self) -> "tuple[Question, ...]":
        """Itself, and the questions that depend on its reply."""
        return (self, *(question for child in self.dependents for question in child.every))

    def __repr__(self) -> str:
        options = count(len(self.options), "option") if self.options else ""
        return show_line(self, show(self.id), self.kind.name, show(self.title), options)


def _check_questions(_: object, __: object, questions: tuple[Question, ...]) -> None:
    if problems := list(_find_template_problems(questions)):
        raise InvalidData("the template", problems)


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
    abandon_reasons: tuple[str, ...] = attrs.field(default=(), validator=validate_texts)
    """The reasons for which a task may be abandoned; any text when empty."""
    name: str = ""
    """Its name in the workspace; empty when it belongs to one job only."""
    id: int = 0
    """Its key in the store; 0 until it is added."""
    workspace: int = 0
    """The workspace that owns it; 0 until it is added."""
    version: int = 0
    """Counts its changes; a job's own copy of a shared template goes on counting."""

    @property
    def key(self) -> tuple[int]:
        """The key in the store."""
        return (self.id,)

    @cached_property
    def asked(self) -> tuple[Question, ...]:
        """Every question that can have a reply, each followed by those that depend on it."""
        return tuple(question for top in self.questions for question in top.every)

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields of ``data`` that are shown; each row must have them."""
        return frozenset(view.field for top in self.views for view in top.every)

    def describe(self) -> dict[str, Any]:
        """Return the template as plain JSON types, for a screen that asks its questions.

        Fields that are empty are left out; ids are strings, since JavaScript has no integers of 64
        bits.

        >>> Template(questions=(Question("1", QuestionKind.INPUT, "Name"),), views=()).describe()
        {'questions': [{'id': '1', 'kind': 'INPUT', 'title': 'Name', 'required': True}]}
        """
        plain = _to_plain(self)
        fields = {
            name: value
            for name, value in plain.items()
            if name not in ("id", "workspace", "version")
        }
        if self.id:
            fields["id"] = str(self.id)
        return fields

    def question(self, id: str) -> Question | None:
        """Return the question with this id, or None."""
        return next((question for question in self.asked if question.id == id), None)

    def field_of(self, question: Question) -> str:
        """Return the field of ``data`` that *question* is about: its own or the first that fits."""
        if question.field:
            return question.field
        fitting = _SHOWN.get(question.kind, tuple(ViewKind))
        views = [view for top in self.views for view in top.every]
        return next((view.field for view in views if view.kind in fitting), "source")

    def __repr__(self) -> str:
        name = show(self.name) if self.name else ""
        id = f"id={self.id}" if self.id else ""
        return show_line(self, name, count(len(self.asked), "question"), id)


_SHOWN = {
    QuestionKind.PICTURE: (ViewKind.IMAGE,),
    QuestionKind.SLOT: (ViewKind.TEXT,),
    QuestionKind.TEXT_EDIT: (ViewKind.TEXT,),
    QuestionKind.VIDEO: (ViewKind.VIDEO, ViewKind.AUDIO),
}


def _find_template_problems(questions: tuple[Question, ...]) -> Iterator[Problem]:
    if not questions:
        yield Problem("questions", "a template needs at least one question")
    ids = [question.id for top in questions for question in top.every]
    yield from (Problem(f"question {id!r}", "the id is used twice") for id in _find_duplicates(ids))
    flaws = (
        (question, find_text_error(text))
        for question in questions
        for text in _iter_texts(_to_plain(question))
    )
    yield from (
        Problem(f"question {question.id!r}", f"a text of it {reason}")
        for question, reason in flaws
        if reason
    )
    for question in questions:
        if question.when:
            yield Problem(
                f"question {question.id!r}", "depends on no other question: it is not inside one"
            )
        yield from _find_question_problems(question, inside=False)


def _find_question_problems(question: Question, *, inside: bool) -> Iterator[Problem]:
    where = f"question {question.id!r}"
    yield from (
        Problem(where, reason)
        for reason in (
            *_find_shape_problems(question, inside=inside),
            *_find_misplaced_settings(question),
        )
    )
    # labels of annotations are kept by title: two questions of one title would share a label
    titles = [
        question_inside.title for child in question.children for question_inside in child.every
    ]
    yield from (
        Problem(where, f"two questions inside it share the title {title!r}")
        for title in _find_duplicates(titles)
    )
    for child in question.children:
        if unknown := set(child.when) - (question.keys if question.kind in CHOOSING else set()):
            yield Problem(
                f"question {child.id!r}",
                f"depends on {min(unknown)!r}, which {where} does not offer",
            )
    marking = question.kind in MARKING
    for child in (*question.children, *question.relations):
        yield from _find_question_problems(child, inside=inside or marking)


def _find_shape_problems(question: Question, *, inside: bool) -> Iterator[str]:
    kind, optional = question.kind, CHOOSING | COMPARING
    if not question.title:
        yield "needs a title"
    if (kind in optional) != bool(question.options):
        yield "needs options" if kind in optional else "cannot have options"
    if kind is QuestionKind.PREFERENCE and len(question.options) != 2:
        yield "needs exactly two options"
    if _find_duplicates(
        normalize_name(option.key) for top in question.options for option in top.every
    ):
        yield "has two options with the same key"
    if inside and kind not in CHOOSING | WRITING:
        yield "a part can only be asked for choices and texts"
    if question.children and kind not in CHOOSING | MARKING:
        yield "has questions inside it; only one that marks parts or offers options can"


def _find_misplaced_settings(question: Question) -> Iterator[str]:
    """Yield settings that have no meaning for a question of its kind, and invalid expressions."""
    kind, rating = question.kind, {QuestionKind.RATING, QuestionKind.PREFERENCE}
    allowed = {
        "relations": {QuestionKind.SLOT},
        "rule": WRITING,
        "presets": WRITING,
        "shapes": {QuestionKind.PICTURE},
        "keypoints": {QuestionKind.PICTURE},
        "scale": rating,
    }
    yield from (
        f"cannot have {name}"
        for name, allowed_kinds in allowed.items()
        if getattr(question, name) and kind not in allowed_kinds
    )
    try:
        compile_pattern(question.rule)
    except InvalidData as error:
        yield f"has a rule that cannot be used: {'; '.join(map(str, error.problems))}"
    # an empty text is a default too, and no option has it as its key
    default_keys = (
        (question.default,) if isinstance(question.default, str) else question.default or ()
    )
    if kind in CHOOSING and not question.keys.issuperset(default_keys):
        yield "has a default that is not among its options"


def _find_duplicates(values: Iterable[str]) -> list[str]:
    return sorted(value for value, count in Counter(values).items() if count > 1)


def _iter_texts(plain: Any) -> Iterator[str]:
    """Yield every text in plain JSON types, keys aside."""
    if isinstance(plain, str):
        yield plain
    elif isinstance(plain, dict | list):
        values = cast("Iterable[Any]", plain.values() if isinstance(plain, dict) else plain)
        for value in values:
            yield from _iter_texts(value)


def _to_plain(value: Any) -> Any:
    """Return *value* in plain JSON types, without fields that are empty."""
    kind: type[Any] = value.__class__
    if kind is tuple:
        return [_to_plain(item) for item in value]
    if not attrs.has(kind):
        return value.value if isinstance(value, Enum) else value
    fields = {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
    return {
        name: _to_plain(field_value)
        for name, field_value in fields.items()
        if field_value is not None and field_value not in ((), "")
    }
