"""What is asked about each task: questions, their options, and which data fields are shown."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Any, cast

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.enums import IdentityHash
from itagflow.model.pattern import compile_pattern
from itagflow.model.text import (
    normalize_name,
    to_optional_text,
    to_text,
    validate_name,
)
from itagflow.model.validators import (
    Field,
    instance_of,
    make_error,
    member_of,
    no_deeper_than,
    number_above,
    require_tuple,
    show_value,
    to_member,
    to_number,
    to_texts,
    to_tuple,
    to_whole,
    tuple_of,
    validate_flag,
    validate_number,
    validate_optional_one_or_more,
    validate_optional_string,
    validate_string,
    validate_strings,
    whole_number,
)
from itagflow.printing import format_count
from itagflow.reprs import show, show_fields, show_line


class QuestionKind(IdentityHash, Enum):
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
COUNTED = MARKING | {QuestionKind.CHECKBOX}
"""Kinds whose replies are several parts or options, which can be limited in number."""
MAX_NESTING = 30
"""How deep options, questions and views may be nested: more than any screen can show."""
MAX_SCALE_STEPS = 1_000_000
"""How many steps a scale may have: with more, a step is lost in the rounding of a float."""


class ViewKind(IdentityHash, Enum):
    """What a view shows.  Source: iTAG's ``ViewPlugin.Type``."""

    IMAGE = "Image"
    TEXT = "Text"
    VIDEO = "Video"
    AUDIO = "Audio"


class Shape(IdentityHash, Enum):
    """The shapes that a region can have."""

    BOX = "box"
    ROTATED_BOX = "rotated box"
    POLYGON = "polygon"
    POLYLINE = "polyline"
    POINT = "point"
    KEYPOINTS = "keypoints"
    MASK = "mask"


def _get_key(option: Any) -> str:
    # what is no text stays as it is: the validator of the key refuses it
    key: str = option.key
    return key


def _as_options(options: "Iterable[Option]") -> "tuple[Option, ...]":
    return to_tuple(options)


def _validate_options(owner: object, field: Field, options: "tuple[Option, ...]") -> None:
    tuple_of("options", Option)(owner, field, options)
    no_deeper_than(MAX_NESTING, lambda option: option.children)(owner, field, options)


@attrs.frozen
class Option:
    """One possible choice: what is stored and what is shown.  Source: iTAG's ``QuestionOption``.

    >>> Option("car").label
    'car'
    """

    key: str = attrs.field(converter=to_text, validator=validate_name)
    """What is stored in an answer: one line that can be seen."""
    label: str = attrs.field(
        default=attrs.Factory(_get_key, takes_self=True),
        converter=to_text,
        validator=validate_string,
    )
    """What is shown to people; the key when not given."""
    color: str | None = attrs.field(
        default=None, converter=to_optional_text, validator=validate_optional_string
    )
    """How it is drawn, such as ``#239125``."""
    shortcut: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """The key on the keyboard that chooses it."""
    remark: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """What tells people when to choose it."""
    children: "tuple[Option, ...]" = attrs.field(
        default=(), converter=_as_options, validator=_validate_options
    )
    """Finer options; each can be chosen, and so can this one."""

    @property
    def every(self) -> "tuple[Option, ...]":
        """Itself, and all options below it."""
        return (self, *(below for child in self.children for below in child.every))

    __repr__ = show_fields


def _as_view_kind(kind: ViewKind | str) -> ViewKind:
    return to_member(ViewKind, kind)


def _as_views(views: "Iterable[View]") -> "tuple[View, ...]":
    return to_tuple(views)


def _validate_views(owner: object, field: Field, views: "tuple[View, ...]") -> None:
    tuple_of("views", View)(owner, field, views)
    no_deeper_than(MAX_NESTING, lambda view: view.views)(owner, field, views)


@attrs.frozen
class View:
    """Shows one field of a row's data.

    >>> View("Text", "prompt", title="Prompt").title
    'Prompt'
    """

    kind: ViewKind = attrs.field(converter=_as_view_kind, validator=member_of(ViewKind))
    """How the field is shown."""
    field: str = attrs.field(default="source", converter=to_text, validator=validate_string)
    """The field of ``data`` that each row must have."""
    views: "tuple[View, ...]" = attrs.field(
        default=(), converter=_as_views, validator=_validate_views
    )
    """What is shown inside it."""
    title: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """What a screen writes above it; empty for nothing."""

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

    low: float = attrs.field(default=1, converter=to_number, validator=validate_number)
    """The least number."""
    high: float = attrs.field(default=5, converter=to_number, validator=validate_number)
    """The greatest number; not less than `low`."""
    step: float = attrs.field(
        default=1, converter=to_number, validator=number_above(0, or_equal=True)
    )
    """By how much the numbers are apart, from `low` on; 0 when any number between is fine."""

    def __attrs_post_init__(self) -> None:
        """Check that the numbers make a scale."""
        length = self.high - self.low
        if length < 0:
            reason = f"must be at least low, {self.low:g}, not {self.high:g}"
            raise make_error(self, "high", reason)
        # also where the difference is more than a float can say
        if self.step and length > self.step * MAX_SCALE_STEPS:
            reason = f"makes more than {MAX_SCALE_STEPS:,} numbers: use 0 for any number between"
            raise make_error(self, "step", reason)

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


def _as_question_kind(kind: QuestionKind | str) -> QuestionKind:
    return to_member(QuestionKind, kind)


def _as_questions(questions: "Iterable[Question]") -> "tuple[Question, ...]":
    return to_tuple(questions)


def _validate_questions(owner: object, field: Field, questions: "tuple[Question, ...]") -> None:
    tuple_of("questions", Question)(owner, field, questions)
    no_deeper_than(MAX_NESTING, lambda question: (*question.children, *question.relations))(
        owner, field, questions
    )


def _as_default(default: str | Iterable[str] | None) -> str | tuple[str, ...] | None:
    if default is None:
        return None
    if isinstance(default, str):
        return to_text(default)
    return to_texts(default)


def _as_shapes(shapes: Iterable[Shape | str]) -> tuple[Shape, ...]:
    several = to_tuple(shapes)
    if not isinstance(cast(object, several), tuple):
        return cast("tuple[Shape, ...]", shapes)
    return tuple(to_member(Shape, shape) for shape in several)


def _validate_shapes(owner: object, field: Field, shapes: object) -> None:
    known = ", ".join(repr(shape.value) for shape in Shape)
    for index, shape in enumerate(require_tuple(owner, field, shapes, "shapes")):
        if not isinstance(shape, Shape):
            reason = f"must be a Shape ({known}), not {show_value(shape)}"
            raise make_error(owner, f"{field.name}[{index}]", reason)


def _is_shuffled(question: Any) -> bool:
    # who compares responses prefers what is shown first, unless the order changes
    kind: object = question.kind
    return isinstance(kind, QuestionKind) and kind in COMPARING


def _validate_max_count(owner: Any, field: Field, most: object) -> None:
    if most is None:
        return
    whole_number(1)(owner, field, most)
    if cast(int, most) < owner.min_count:
        reason = f"must be at least min_count, {owner.min_count}, not {show_value(most)}"
        raise make_error(owner, field.name, reason)


def _as_max_count(most: int | None) -> int | None:
    return None if most is None else to_whole(most)


@attrs.frozen
class Question:
    """One question about a task, or, inside a question that marks parts, about each of these.

    Source: iTAG's ``QuestionPlugin``.

    >>> Question("1", "RADIO", "Animal", [Option("cat"), Option("dog")]).kind.name
    'RADIO'
    """

    id: str = attrs.field(converter=to_text, validator=validate_string)
    """Its number in the template, as a string: iTAG's ``questionId``."""
    kind: QuestionKind = attrs.field(converter=_as_question_kind, validator=member_of(QuestionKind))
    """What is asked for."""
    title: str = attrs.field(converter=to_text, validator=validate_string)
    """The title: iTAG's ``markTitle``; labels of annotations are kept under this title."""
    options: tuple[Option, ...] = attrs.field(
        default=(), converter=_as_options, validator=_validate_options
    )
    """What there is to choose, to rank or to prefer."""
    required: bool = attrs.field(default=True, validator=validate_flag)
    """Whether an answer without a reply to it is refused: iTAG's ``MustFill``."""
    children: "tuple[Question, ...]" = attrs.field(
        default=(), converter=_as_questions, validator=_validate_questions
    )
    """Asked about each annotation; or, of RADIO and CHECKBOX, asked when an option was chosen."""
    when: tuple[str, ...] = attrs.field(default=(), converter=to_texts, validator=validate_strings)
    """The options of its parent that it depends on: asked only if one is chosen; empty: any."""
    relations: "tuple[Question, ...]" = attrs.field(
        default=(), converter=_as_questions, validator=_validate_questions
    )
    """Asked about each relation between two spans (of a SLOT question); empty: no relations."""
    rule: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """The regular expression that a text has to match as a whole; see `itagflow.model.pattern`."""
    presets: tuple[str, ...] = attrs.field(
        default=(), converter=to_texts, validator=validate_strings
    )
    """Texts to pick from instead of typing: iTAG's ``PreOptions``."""
    default: str | tuple[str, ...] | None = attrs.field(
        default=None, converter=_as_default, validator=validate_optional_one_or_more
    )
    """What is filled in at first: a text, a key, or several keys: iTAG's ``DefaultResult``."""
    field: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """The field of ``data`` that it is about; empty for the first one shown that fits it."""
    shapes: tuple[Shape, ...] = attrs.field(
        default=(), converter=_as_shapes, validator=_validate_shapes
    )
    """The shapes that regions can have; any, when empty."""
    keypoints: tuple[str, ...] = attrs.field(
        default=(), converter=to_texts, validator=validate_strings
    )
    """The names of the keypoints of an object; any, when empty."""
    scale: Scale | None = attrs.field(default=None, validator=instance_of(Scale, or_none=True))
    """The numbers of a RATING question; the degrees of a PREFERENCE, which begin with 1."""
    min_count: int = attrs.field(
        default=0, kw_only=True, converter=to_whole, validator=whole_number(0)
    )
    """The least parts to mark, or options of a CHECKBOX to choose."""
    max_count: int | None = attrs.field(
        default=None, kw_only=True, converter=_as_max_count, validator=_validate_max_count
    )
    """The most parts to mark, or options of a CHECKBOX to choose; None for any number."""
    shuffle: bool = attrs.field(
        default=attrs.Factory(_is_shuffled, takes_self=True),
        kw_only=True,
        validator=validate_flag,
    )
    """Whether people see the options in an order that differs by task and by person.

    `WorkItem.order` tells the order; replies stay by key.
    True unless given for a RANKING and a PREFERENCE.  Not for questions about annotations.
    """

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of the options, also of those inside others."""
        return frozenset(option.key for top in self.options for option in top.every)

    # worked out once for each question: whoever checks or reads the parts of a reply asks for them
    @cached_property
    def dependents(self) -> "tuple[Question, ...]":
        """The questions that are asked when an option of it is chosen."""
        # the children of other kinds are asked about annotations, not after an option
        if self.kind in CHOOSING:
            return self.children
        return ()

    @cached_property
    def every(self) -> "tuple[Question, ...]":
        """Itself, and the questions that depend on its reply."""
        return (self, *(question for child in self.dependents for question in child.every))

    @cached_property
    def part_questions(self) -> Mapping[str, "Question"]:
        """What is asked about the parts that are marked, by title."""
        return _index_by_title(self.children)

    @cached_property
    def relation_questions(self) -> Mapping[str, "Question"]:
        """What is asked about the relations between them, by title."""
        return _index_by_title(self.relations)

    def __repr__(self) -> str:
        options = format_count(len(self.options), "option") if self.options else ""
        return show_line(self, show(self.id), self.kind.name, show(self.title), options)


def _index_by_title(questions: tuple[Question, ...]) -> Mapping[str, Question]:
    return {question.title: question for top in questions for question in top.every}


def _check_questions(owner: object, field: Field, questions: tuple[Question, ...]) -> None:
    _validate_questions(owner, field, questions)
    if problems := list(_find_template_problems(questions)):
        raise InvalidData("the template", problems)


@attrs.frozen(kw_only=True)
class Template:
    """What is asked about each task of a job.  Ready-made ones are in `itagflow.templates`.

    >>> Template(questions=(Question("1", QuestionKind.INPUT, "What is it?"),)).question("1").title
    'What is it?'
    """

    questions: tuple[Question, ...] = attrs.field(
        converter=_as_questions, validator=_check_questions
    )
    """The questions, in the order in which results list them."""
    views: tuple[View, ...] = attrs.field(
        default=(View(ViewKind.IMAGE),), converter=_as_views, validator=_validate_views
    )
    """The fields of a row that are shown; a row without one of them is refused."""
    abandon_reasons: tuple[str, ...] = attrs.field(
        default=(), converter=to_texts, validator=validate_strings
    )
    """The reasons for which a task may be abandoned; any text when empty."""
    name: str = attrs.field(default="", converter=to_text, validator=validate_string)
    """Its name in the workspace; empty when it belongs to one job only."""
    id: int = attrs.field(default=0, converter=to_whole, validator=whole_number(0))
    """Its key in the store; 0 until it is added."""
    workspace: int = attrs.field(default=0, converter=to_whole, validator=whole_number(0))
    """The workspace that owns it; 0 until it is added."""
    version: int = attrs.field(default=0, converter=to_whole, validator=whole_number(0))
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
    def shuffled(self) -> tuple[Question, ...]:
        """The questions of `asked` whose options are shown in another order to each person."""
        return tuple(question for question in self.asked if question.shuffle)

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields of ``data`` that are shown; each row must have them."""
        return frozenset(view.field for top in self.views for view in top.every)

    def describe(self) -> dict[str, Any]:
        """Return the template as plain JSON types, for a screen that asks its questions.

        Fields that are empty are left out, and what has a default says it: the `Scale` of a RATING,
        the degrees of a PREFERENCE, the field that a question is about.  Ids are strings, since
        JavaScript has no integers of 64 bits.

        >>> Template(questions=(Question("1", QuestionKind.INPUT, "Name"),), views=()).describe()
        {'questions': [{'id': '1', 'kind': 'INPUT', 'title': 'Name', 'required': True}], \
'version': 0}
        """
        description: dict[str, Any] = {
            "questions": [_describe_question(question, self) for question in self.questions]
        }
        for name in ("views", "abandon_reasons", "name"):
            if value := _to_plain(getattr(self, name)):
                description[name] = value
        description["version"] = self.version
        for name in ("id", "workspace"):
            if key := getattr(self, name):
                description[name] = str(key)
        return description

    def question(self, id: str) -> Question | None:
        """Return the question with this id, or None.

        Raises:
            InvalidData: when *id* is not a text.
        """
        require_kind("the template", "id", id, str, "a text")
        return next((question for question in self.asked if question.id == id), None)

    def field_of(self, question: Question) -> str:
        """Return the field of ``data`` that *question* is about: its own or the first that fits.

        Raises:
            InvalidData: when *question* is none.
        """
        require_kind("the template", "question", question, Question, "a Question")
        if question.field:
            return question.field
        fitting = _SHOWN.get(question.kind, tuple(ViewKind))
        views = [view for top in self.views for view in top.every]
        return next((view.field for view in views if view.kind in fitting), "source")

    def __repr__(self) -> str:
        name = show(self.name) if self.name else ""
        id = f"id={self.id}" if self.id else ""
        return show_line(self, name, format_count(len(self.asked), "question"), id)


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
    if "" in ids:
        yield Problem("questions", "each needs an id, such as '1'")
    yield from (Problem(f"question {id!r}", "the id is used twice") for id in _find_duplicates(ids))
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
            *_find_range_problems(question),
            *_find_misplaced_settings(question),
        )
    )
    # labels of annotations are kept by title: two questions of one title would share a label
    for inside_it in (question.children, question.relations):
        titles = [inner.title for child in inside_it for inner in child.every]
        yield from (
            Problem(where, f"two questions inside it share the title {title!r}")
            for title in _find_duplicates(titles)
        )
    for child in (*question.children, *question.relations):
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
    if inside and question.shuffle and kind in CHOOSING:
        yield "cannot have shuffle: it is about a part, and is asked many times in a task"
    if question.children and kind not in CHOOSING | MARKING:
        yield "has questions inside it; only one that marks parts or offers options can"


def _find_range_problems(question: Question) -> Iterator[str]:
    """Yield numbers and names that no reply could keep to."""
    kind, scale = question.kind, question.scale
    if kind is QuestionKind.CHECKBOX and question.min_count > len(question.keys):
        least = format_count(question.min_count, "option")
        yield f"needs {least} to be chosen, and has {len(question.keys)}"
    if _find_duplicates(question.keypoints):
        yield "has two keypoints with the same name"
    # a degree is a whole number from 1 on
    is_of_degrees = scale is None or (
        (scale.low, scale.step) == (1, 1) and scale.high == int(scale.high)
    )
    if kind is QuestionKind.PREFERENCE and not is_of_degrees:
        yield "needs a scale of degrees: from 1 to a whole number, in steps of 1"
    if kind is not QuestionKind.CHECKBOX and isinstance(question.default, tuple):
        yield "has several defaults, and takes one"


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
        "default": CHOOSING | WRITING,
        "min_count": COUNTED,
        "max_count": COUNTED,
        "shuffle": CHOOSING | COMPARING,
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


def _describe_question(question: Question, template: Template | None) -> dict[str, Any]:
    """Return a question as plain JSON types; without *template*, it is about an annotation."""
    plain: dict[str, Any] = _to_plain(question)
    for name in ("children", "relations"):
        # those inside a question that marks parts are about its annotations, not about a field
        inside = template if question.kind in CHOOSING else None
        if parts := getattr(question, name):
            plain[name] = [_describe_question(part, inside) for part in parts]
    for name in ("min_count", "shuffle"):
        if not plain[name]:
            del plain[name]
    if template is not None and question.kind in _SHOWN:
        plain["field"] = template.field_of(question)
    if question.kind is QuestionKind.RATING:
        plain["scale"] = _to_plain(question.scale or Scale())
    elif question.kind is QuestionKind.PREFERENCE:
        plain["scale"] = _to_plain(question.scale or Scale(1, 1))
    return plain


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
