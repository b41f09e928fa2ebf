"""What formats of images ask a template: which question they hold, and which of its labels."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from itagflow.errors import InvalidData, Problem
from itagflow.formats._port import Counts, FormatContext, FormatOption
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.template import MARKING, WRITING, Question, QuestionKind, Template
from itagflow.storage.codec import encode_replies

QUESTION = FormatOption("question", str, None)
"""The title or id of the question whose answers are meant; the first of its kind unless given."""
LABEL = FormatOption("label", str, None)
"""The title of the question about a region that says its class; the first with options."""
IMAGE = FormatOption("image", str, None)
"""The field of ``data`` with the name of the image; the first that is shown unless given."""
ABOUT_IMAGES = (QUESTION, LABEL, IMAGE)
"""What is declared by every format of images."""
PICTURES = frozenset({QuestionKind.PICTURE})
TEXTS = WRITING
NOTHING_ELSE: Mapping[str, Any] = MappingProxyType({})
"""What is said of a region besides its class, nearly always."""


def _get_label_title(picture: Picture) -> str | None:
    return None if picture.label is None else picture.label.title


@attrs.frozen(kw_only=True)
class Picture:
    """The question whose answers a file of images holds, and its classes."""

    question: Question
    label: Question | None
    """What is asked about a region that says its class; None: all regions are of one class."""
    class_ids: dict[str, int]
    """The classes with their ids, from 0."""
    field: str
    """The field of ``data`` with the name of the image."""
    label_title: str | None = attrs.field(
        init=False, default=attrs.Factory(_get_label_title, takes_self=True)
    )
    """The title of the question that says the class, where there is one."""

    @classmethod
    def find(cls, context: FormatContext) -> Picture:
        """Return what the template asks about images.

        Raises:
            InvalidData: when it asks nothing of the kind.
        """
        question = find_question(context, PICTURES)
        title = context.options[LABEL.name]
        children = [child for top in question.children for child in top.every]
        fitting = [child for child in children if child.options and title in (None, child.title)]
        if title is not None and not fitting:
            reason = f"must be the title of a question with options about {question.title!r}"
            raise InvalidData("the format", [Problem(LABEL.name, reason)])
        label = fitting[0] if fitting else None
        return cls(
            question=question,
            label=label,
            class_ids={question.title: 0} if label is None else context.number_classes(label),
            field=find_field(context),
        )

    def find_reply(self, result: Result, counts: Counts) -> Mapping[str, Any] | None:
        """Return the regions of a task; None where there are none of an image of known size.

        Args:
            result: The task with its results.
            counts: Where it is counted, with what is lost.
        """
        replies = find_replies(result, counts)
        reply: Mapping[str, Any] | None = replies.get(self.question.id)
        lose_other_replies(self.question, replies, result.task, counts)
        if reply is None:
            return None
        if not (reply["width"] and reply["height"]):
            counts.lose(result.task, "images of unknown size")
            return None
        return reply

    def find_class(self, region: Mapping[str, Any], task: Task, counts: Counts) -> str | None:
        """Return the class of a region; None, and count it as lost, when it has not exactly one.

        Args:
            region: The region as plain JSON.
            task: Where it is.
            counts: Where losses are counted.
        """
        if self.label is None:
            return self.question.title
        labels = region.get("labels")
        # the short form, as yet unsaved, where there are none
        value = labels.get(self.label.title) if labels else region.get("label")
        if isinstance(value, str):
            return value
        several: list[str] = list(value or ())
        if len(several) != 1:
            counts.lose(task, "regions of several classes" if several else "regions of no class")
            return None
        return several[0]

    def iter_regions(
        self, reply: Mapping[str, Any], task: Task, counts: Counts
    ) -> Iterator[tuple[Mapping[str, Any], int, Mapping[str, Any]]]:
        """Yield each region of a reply, the id of its class, from 0, and what else is said of it.

        One without an id is counted as lost.

        Args:
            reply: The regions as plain JSON.
            task: Where they are.
            counts: Where losses are counted.
        """
        title, class_ids = self.label_title, self.class_ids
        for region in reply["regions"]:
            labels = region.get("labels")
            # nearly always the class alone is said
            if labels and len(labels) == 1:
                value = labels.get(title)
                number = class_ids.get(value) if isinstance(value, str) else None
                if number is not None:
                    yield region, number, NOTHING_ELSE
                    continue
            name = self.find_known_class(region, task, counts)
            if name is not None:
                yield region, class_ids[name], self.list_attributes(region)

    def find_known_class(self, region: Mapping[str, Any], task: Task, counts: Counts) -> str | None:
        """Return the class of a region; None, and count it as lost, where the template has none."""
        name = self.find_class(region, task, counts)
        if name is not None and name not in self.class_ids:
            counts.lose(task, "regions of a class that the template does not have")
            return None
        return name

    def list_attributes(self, region: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is said of a region besides its class, by the title of the question."""
        labels = region.get("labels")
        if not labels:
            return {}
        return {name: value for name, value in labels.items() if name != self.label_title}


def find_question(context: FormatContext, kinds: Collection[QuestionKind]) -> Question:
    """Return the question of one of these kinds whose answers are meant.

    Raises:
        InvalidData: when there is none.
    """
    wanted = context.options[QUESTION.name]
    for question in context.asked.asked:
        if question.kind in kinds and wanted in (None, question.id, question.title):
            return question
    names = " or ".join(kind.value for kind in QuestionKind if kind in kinds)
    which = "" if wanted is None else f" with the title or id {wanted!r}"
    raise InvalidData("the template", [Problem("questions", f"has no {names} question{which}")])


def find_field(context: FormatContext) -> str:
    """Return the field of ``data`` that has the name of the image."""
    given: str | None = context.options[IMAGE.name]
    if given is not None:
        return given
    shown = list_fields(context.template)
    return shown[0] if shown else "source"


def list_fields(template: Template | None) -> list[str]:
    """Return the fields of ``data`` that a template shows, in their order."""
    if template is None:
        return []
    return [view.field for top in template.views for view in top.every if view.field]


def find_image_name(task: Task, field: str) -> str:
    """Return the name of the image of a task.

    Raises:
        InvalidData: when the field *field* of its data has none.
    """
    name = task.data.get(field)
    if not isinstance(name, str):
        reason = "must be the name of the image: pass image= with the field that has it"
        raise InvalidData(str(task), [Problem(f"data.{field}", reason)])
    return name


def find_replies(result: Result, counts: Counts) -> Mapping[str, Any]:
    """Count a task, and return *the* replies to it: those of the last stage wanted and reached.

    They are plain JSON, by the id of the question.
    """
    reached = counts.add_task(result)
    if not reached:
        return {}
    return encode_replies(reached[-1].replies or {})


def lose_other_replies(
    question: Question, answered: Collection[str], task: Task, counts: Counts
) -> None:
    """Count the replies to other questions than *question*, which a file of one kind has not."""
    if len(answered) == 1 and question.id in answered:
        return  # nearly always
    for other in counts.context.asked.asked:
        if other.id != question.id and other.id in answered:
            kind = "marked parts" if other.kind in MARKING else "answers"
            counts.lose(task, f"{kind} of further questions")
