"""Templates for texts."""

from __future__ import annotations

from itagflow.model.template import (
    Question,
    QuestionKind,
    Template,
    View,
    ViewKind,
)
from itagflow.templates._questions import (
    OptionLabels,
    build_choice,
    build_classification,
    build_options,
)

TEXT_CONTENT = "Text content"


def text_classification(
    labels: OptionLabels, *, multiple: bool = False, title: str | None = None, field: str = "source"
) -> Template:
    """Return a template that asks for the label of a text, or with *multiple* for its labels.

    Source: iTAG, *Templates for text labeling*.  The Chinese title is ``单选``, or ``多选`` with
    *multiple*.

    >>> text_classification(["tech", "sport"]).views[0].kind.value
    'Text'
    """
    return build_classification(ViewKind.TEXT, labels, multiple, title, field)


def entity_recognition(
    labels: OptionLabels, *, title: str = TEXT_CONTENT, field: str = "source"
) -> Template:
    """Return a template that asks for the named things in a text, each with one or several labels.

    Source: iTAG, *Templates for text labeling*.  The Chinese title is ``文本内容``.

    >>> entity_recognition(["company", "place"]).questions[0].children[0].kind.value
    'CHECKBOX'
    """
    return Template(
        questions=(_build_entities(labels, title, ()),), views=(View(ViewKind.TEXT, field),)
    )


def entity_relation(
    labels: OptionLabels,
    relations: OptionLabels,
    *,
    title: str = TEXT_CONTENT,
    relation_title: str = "Relation",
    field: str = "source",
) -> Template:
    """Return a template that asks for the named things in a text, and for what holds between them.

    iTAG has such a template; its output format is not documented.

    >>> entity_relation(["company"], ["bought"]).questions[0].relations[0].title
    'Relation'
    """
    holds = build_choice(relations, title=relation_title)
    return Template(
        questions=(_build_entities(labels, title, (holds,)),), views=(View(ViewKind.TEXT, field),)
    )


def _build_entities(labels: OptionLabels, title: str, relations: tuple[Question, ...]) -> Question:
    label = Question("1", QuestionKind.CHECKBOX, title, build_options(labels))
    return Question("1", QuestionKind.SLOT, title, children=(label,), relations=relations)
