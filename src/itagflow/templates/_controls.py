"""How questions are asked in Label Studio: by controls, each of which points at what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from itagflow.model.template import (
    CHOOSING,
    MARKING,
    WRITING,
    Option,
    Question,
    QuestionKind,
    Scale,
    Shape,
    Template,
    View,
    ViewKind,
)

_NUMBER = re.compile(r"[-+0-9.].*|nan|inf.*", re.IGNORECASE)
TAGS = {
    Shape.BOX: "Rectangle",
    Shape.ROTATED_BOX: "Rectangle",
    Shape.POLYGON: "Polygon",
    Shape.POINT: "KeyPoint",
}
"""The tags that draw the shapes of regions; it has none for the others."""


@attrs.frozen
class Control:
    """What asks a question, or marks regions of one shape as the answer to it."""

    name: str
    tag: str
    field: str
    """The field of ``data`` that is shown."""
    question: Question
    """What it asks: about a task, or about a region."""
    owner: Question | None = None
    """The question whose regions it asks about."""
    label: Question | None = None
    """The question about a region whose options are its labels."""

    @property
    def object(self) -> str:
        """The name of what is shown."""
        return name_tag(self.field)

    @property
    def type(self) -> str:
        """What results call it, and the field of their values with labels or choices."""
        return self.tag.lower()

    @property
    def shape(self) -> str:
        """The tag without labels, such as Rectangle."""
        return self.tag.removesuffix("Labels")


def list_controls(template: Template) -> list[Control]:
    """Return the controls of a template, in the order of its questions.

    A question has none where Label Studio has no tag for it.
    """
    controls: list[Control] = []
    for question in template.asked:
        field, stem = template.field_of(question), name_tag(question.id)
        if question.kind not in MARKING:
            controls += [Control(stem, tag, field, question) for tag in _find_tags(question)]
            continue
        label = find_label(question)
        tags = _find_marking_tags(question, label, template)
        for index, tag in enumerate(tags):
            name = f"{stem}-{tag.lower()}" if index else stem
            controls.append(Control(name, tag, field, question, label=label))
        if tags:
            controls += _list_part_controls(question, label, field)
    return controls


def name_tag(text: str) -> str:
    """Return the name of a tag: Label Studio refuses one that reads as a number.

    >>> name_tag("1"), name_tag("mood")
    ('q1', 'mood')
    """
    return f"q{text}" if _NUMBER.fullmatch(text) else text


def _list_part_controls(question: Question, label: Question | None, field: str) -> list[Control]:
    return [
        Control(f"{name_tag(question.id)}.{child.id}", tag, field, child, owner=question)
        for top in question.children
        for child in top.every
        if child is not label
        for tag in _find_tags(child)
    ]


def find_label(question: Question) -> Question | None:
    """Return the question about a part whose options are labels: the first that has any."""
    children = [child for top in question.children for child in top.every]
    fitting = [child for child in children if child.options and not has_nested_options(child)]
    return fitting[0] if fitting else None


def find_relation(question: Question) -> Question | None:
    """Return the question about a relation whose options are its labels, if there is one."""
    relations = [child for top in question.relations for child in top.every]
    return next((child for child in relations if child.options), None)


def has_nested_options(question: Question) -> bool:
    """Return whether an option has finer ones."""
    return any(option.children for option in question.options)


def list_paths(question: Question) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the key of each option with the keys from the outermost one down to it."""

    def walk(option: Option, above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        path = (*above, option.key)
        yield option.key, path
        for child in option.children:
            yield from walk(child, path)

    for option in question.options:
        yield from walk(option, ())


def has_stars(scale: Scale) -> bool:
    """Return whether the numbers of a scale are 1, 2, 3 and so on."""
    return (scale.low, scale.step) == (1, 1) and scale.high == int(scale.high)


def iterate_views(template: Template) -> Iterator[View]:
    """Yield what is shown: each field once, also those that only questions are about."""
    shown: set[str] = set()
    views = [view for top in template.views for view in top.every]
    asked = {template.field_of(question): _VIEWS.get(question.kind) for question in template.asked}
    views += [View(kind or ViewKind.TEXT, field) for field, kind in asked.items()]
    for view in views:
        if view.field not in shown:
            shown.add(view.field)
            yield view


_VIEWS = {QuestionKind.PICTURE: ViewKind.IMAGE, QuestionKind.VIDEO: ViewKind.AUDIO}


def _find_tags(question: Question) -> tuple[str, ...]:
    if question.kind in CHOOSING:
        return ("Taxonomy",) if has_nested_options(question) else ("Choices",)
    if question.kind in WRITING:
        return ("TextArea",)
    if question.kind is QuestionKind.RATING:
        return ("Rating",) if has_stars(question.scale or Scale()) else ("Number",)
    return ()


def _find_marking_tags(
    question: Question, label: Question | None, template: Template
) -> tuple[str, ...]:
    if question.kind is QuestionKind.SLOT:
        return ("Labels",)
    if question.kind is QuestionKind.VIDEO:
        field = template.field_of(question)
        kinds = {view.field: view.kind for view in iterate_views(template)}
        return ("Labels",) if kinds[field] is ViewKind.AUDIO else ()
    shapes = [shape for shape in question.shapes or tuple(TAGS) if shape in TAGS]
    suffix = "" if label is None else "Labels"
    return tuple(dict.fromkeys(TAGS[shape] + suffix for shape in shapes))
