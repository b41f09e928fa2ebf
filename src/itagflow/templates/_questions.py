"""What several templates are made of."""

from __future__ import annotations

from collections.abc import Iterable

from itagflow.model.template import (
    Option,
    Question,
    QuestionKind,
    Template,
    View,
    ViewKind,
)

OptionLabels = Iterable[str | Option]
"""Labels to choose from: names, or options with more to say."""

SINGLE, MULTIPLE = "Single-choice", "Multiple-choice"


def build_options(labels: OptionLabels) -> tuple[Option, ...]:
    """Return labels as options; one string is one label."""
    if isinstance(labels, str):  # one label, not one per letter
        labels = (labels,)
    return tuple(Option(label) if isinstance(label, str) else label for label in labels)


def build_choice(
    labels: OptionLabels, *, id: str = "1", title: str = SINGLE, required: bool = True
) -> Question:
    """Return the question which one of *labels* it is."""
    return Question(id, QuestionKind.RADIO, title, build_options(labels), required)


def build_classification(
    view: ViewKind, labels: OptionLabels, multiple: bool, title: str | None, field: str
) -> Template:
    """Return a template that asks for the label, or labels, of what *view* shows."""
    kind, default_title = QuestionKind.RADIO, SINGLE
    if multiple:
        kind, default_title = QuestionKind.CHECKBOX, MULTIPLE
    # an empty title stays, for the template to refuse it
    if title is None:
        title = default_title
    question = Question("1", kind, title, build_options(labels))
    return Template(questions=(question,), views=(View(view, field),))
