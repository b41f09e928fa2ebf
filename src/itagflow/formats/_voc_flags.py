"""What Pascal VOC says of an object besides its class, and which questions ask it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

import attrs

from itagflow.formats._pictures import Picture
from itagflow.model.template import Question, QuestionKind

FLAGS = ("truncated", "occluded", "difficult")
"""The elements that are 0 or 1."""
POSE, UNSPECIFIED = "pose", "Unspecified"
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@attrs.frozen
class Flags:
    """The questions about a region that VOC has an element for, by that element."""

    by_element: Mapping[str, Question]

    @classmethod
    def find(cls, picture: Picture) -> Flags:
        """Return the questions that are called like an element, and have the options of one."""
        title = None if picture.label is None else picture.label.title
        found = {
            child.title.casefold(): child
            for top in picture.question.children
            for child in top.every
            if child.kind is QuestionKind.RADIO and child.title != title
        }
        fitting = {
            name: found[name]
            for name in (POSE, *FLAGS)
            if name in found and _fits(name, found[name])
        }
        return cls(fitting)

    @property
    def titles(self) -> frozenset[str]:
        """The titles of the questions."""
        return frozenset(question.title for question in self.by_element.values())

    def render(self, labels: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield each element with its text; one that is asked and not answered is left out.

        What nobody has asked is as programs write it when they do not know.
        """
        for name in (POSE, *FLAGS):
            question = self.by_element.get(name)
            if question is None:
                if name != "occluded":  # not in all files of VOC
                    yield name, UNSPECIFIED if name == POSE else "0"
            elif question.title in labels:
                value: str = labels[question.title]
                yield name, value if name == POSE else str(int(value.casefold() in _YES))

    def parse(self, element: Element) -> dict[str, str]:
        """Return the labels that the elements of an object say."""
        labels: dict[str, str] = {}
        for name, question in self.by_element.items():
            text = element.findtext(name)
            if text is None or (name == POSE and text == UNSPECIFIED not in question.keys):
                continue
            # any number but 0 is a yes
            wanted = _NO if text.strip().casefold() in ("", *_NO) else _YES
            keys = [key for key in question.keys if key.casefold() in wanted]
            labels[question.title] = text if name == POSE else keys[0]
        return labels


def _fits(name: str, question: Question) -> bool:
    """Return whether the options of a question are those of an element."""
    if name == POSE:
        return True
    keys = sorted(key.casefold() for key in question.keys)
    return keys in [sorted(pair) for pair in zip(_YES, _NO, strict=True)]
