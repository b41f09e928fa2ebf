"""Elements of iTAG's ``results`` made of replies, which stay plain JSON on their way.

Replies are stored as plain JSON (see `itagflow.storage.codec`): no object is made of them to write
them to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from itagflow.formats._elements import TYPE
from itagflow.formats._labels import NO_QUESTIONS, PartQuestions
from itagflow.formats._regions import Element, RegionId, render_image
from itagflow.formats._spans import render_segments, render_spans
from itagflow.model.template import Question, QuestionKind, Template

NAMELESS = {QuestionKind.SLOT, QuestionKind.VIDEO}
"""Kinds whose elements iTAG writes without id, title and type."""


@attrs.frozen
class _Asked:
    """A question, with what is looked up once for all replies to it."""

    question: Question
    has_name: bool
    """Whether id and title stand in an element that iTAG writes without them."""
    parts: PartQuestions
    relations: PartQuestions

    def render(self, reply: Mapping[str, Any], region_id: RegionId) -> Element:
        """Return the element of a reply."""
        kind = reply["kind"]
        if kind == "regions":
            return render_image(self.question, self.parts, reply, region_id)
        if kind == "spans":
            return self._name(render_spans(self.parts, self.relations, reply))
        if kind == "segments":
            return self._name(render_segments(self.parts, reply))
        element: Element = {
            "questionId": self.question.id,
            "data": _DATA[kind](reply),
            "markTitle": self.question.title,
            "type": TYPE[self.question.kind],
        }
        if kind == "preference":
            element["degree"] = reply.get("degree", 1)
            if reply.get("tie") is not None:
                element["tie"] = reply["tie"]
        return element

    def _name(self, element: Element) -> Element:
        if not self.has_name:
            return element
        return {"questionId": self.question.id, "markTitle": self.question.title, **element}


_DATA: Mapping[str, Callable[[Mapping[str, Any]], str | list[str]]] = {
    "choice": lambda reply: reply["key"],
    "choices": lambda reply: list(reply["keys"]),
    "ranking": lambda reply: list(reply["keys"]),
    "text": lambda reply: reply["text"],
    # iTAG writes every value of a survey as a string; `repr` reads back as the same number
    "rating": lambda reply: repr(reply["value"]),
    "preference": lambda reply: reply["better"] or "",
}
"""What an element has for each kind of reply that marks nothing."""


def _find_parts(questions: tuple[Question, ...]) -> PartQuestions:
    # nearly always: most questions are about no part of anything
    return PartQuestions.find(questions) if questions else NO_QUESTIONS


class Elements:
    """Makes the elements of the replies to one template."""

    def __init__(self, template: Template) -> None:
        """Look up what the template asks."""
        kinds = [question.kind for question in template.asked]
        self._asked = [
            _Asked(
                question,
                # one could not tell the elements of two such questions apart
                has_name=question.kind in NAMELESS and kinds.count(question.kind) > 1,
                parts=_find_parts(question.children),
                relations=_find_parts(question.relations),
            )
            for question in template.asked
        ]

    def render(self, replies: Mapping[str, Any], region_id: RegionId) -> list[Element]:
        """Return the elements of ``results``, with iTAG's keys in iTAG's order.

        Args:
            replies: The replies as plain JSON, by question id.
            region_id: Names the regions that have no id of their own.
        """
        return list(self.render_each(replies, region_id).values())

    def render_each(self, replies: Mapping[str, Any], region_id: RegionId) -> dict[str, Element]:
        """Return the same by question id, in the order of the template."""
        return {
            asked.question.id: asked.render(replies[asked.question.id], region_id)
            for asked in self._asked
            if asked.question.id in replies
        }
