"""What several templates are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from itagflow.errors import InvalidData, Problem
from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Template,
    View,
    ViewKind,
)
from itagflow.model.text import parse_texts
from itagflow.model.validators import show_value, to_tuple

OptionLabels = Iterable[str | Option]
"""Labels to choose from: names, or options with more to say."""

SINGLE, MULTIPLE = "Single-choice", "Multiple-choice"


def build_options(labels: OptionLabels) -> tuple[Option, ...]:
    """Return labels as options; one string is one label.

    Raises:
        InvalidData: when one of them is neither a text nor an option.
    """
    if isinstance(labels, str | Option):  # one label, not one per letter
        labels = (labels,)
    several = cast(object, to_tuple(labels))
    if not isinstance(several, tuple):
        reason = f"must be several texts, such as a list, not {show_value(labels)}"
        raise InvalidData("the template", [Problem("labels", reason)])
    options: list[Option] = []
    problems: list[Problem] = []
    for index, label in enumerate(cast("tuple[object, ...]", several)):
        if isinstance(label, Option):
            options.append(label)
        elif isinstance(label, str):
            options.append(Option(label))
        else:
            reason = f"must be a text or an Option, not {show_value(label)}"
            problems.append(Problem(f"labels[{index}]", reason))
    if problems:
        raise InvalidData("the template", problems)
    return tuple(options)


def require_flag(name: str, value: object) -> None:
    """Check that an argument is true or false.

    Raises:
        InvalidData: when it is not.
    """
    if not isinstance(value, bool):
        reason = f"must be True or False, not {show_value(value)}"
        raise InvalidData("the template", [Problem(name, reason)])


def require_texts(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return several texts as a tuple.

    Raises:
        InvalidData: when they are one text, which would become its letters, or none at all.
    """
    texts = parse_texts("the template", name, values)
    if not texts:
        raise InvalidData("the template", [Problem(name, "needs at least one")])
    return texts


def build_choice(
    labels: OptionLabels, *, id: str = "1", title: str = SINGLE, required: bool = True
) -> Question:
    """Return the question which one of *labels* it is."""
    return Question(id, QuestionKind.RADIO, title, build_options(labels), required)


def build_classification(
    view: ViewKind, labels: OptionLabels, multiple: bool, title: str | None, field: str
) -> Template:
    """Return a template that asks for the label, or labels, of what *view* shows."""
    require_flag("multiple", multiple)
    kind, default_title = QuestionKind.RADIO, SINGLE
    if multiple:
        kind, default_title = QuestionKind.CHECKBOX, MULTIPLE
    # an empty title stays, for the template to refuse it
    if title is None:
        title = default_title
    question = Question("1", kind, title, build_options(labels))
    return Template(questions=(question,), views=(View(view, field),))
