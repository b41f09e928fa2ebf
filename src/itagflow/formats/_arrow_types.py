"""The types of the columns of a table: they follow from the template, and from nothing else.

A column of annotations holds them as a list of structs, whose fields are those of the JSON of a
reply, and those of the questions about an annotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from itagflow.model.template import Question, QuestionKind, Shape

TIMES = frozenset({"at", "label_at", "inspect_at", "accept_at"})
DURATIONS = frozenset({"seconds", "label_seconds", "inspect_seconds", "accept_seconds"})
NUMBERS = frozenset({"task", "round", "rejections", "job_id"})

_SHAPE_FIELDS: Mapping[Shape, tuple[str, ...]] = {
    Shape.BOX: ("x", "y", "width", "height"),
    Shape.ROTATED_BOX: ("x", "y", "width", "height", "angle"),
    Shape.POLYGON: ("points", "holes"),
    Shape.POLYLINE: ("points",),
    Shape.POINT: ("x", "y"),
    Shape.KEYPOINTS: ("keypoints",),
    Shape.MASK: ("counts",),
}
"""What tells where a region of each shape is."""


@attrs.frozen
class ArrowTypes:
    """Makes the types of columns."""

    pa: Any
    """The module ``pyarrow``."""

    def find_fixed(self, name: str) -> Any:
        """Return the type of one of the columns that every table begins with."""
        pa = self.pa
        if name in TIMES:
            return pa.timestamp("us", tz="UTC")
        if name in DURATIONS or name == "score":
            return pa.float64()
        if name in NUMBERS:
            return pa.int64()
        return pa.bool_() if name == "inspected" else pa.string()

    def find(self, question: Question) -> Any:
        """Return the type of the column of a question."""
        pa = self.pa
        match question.kind:
            case QuestionKind.CHECKBOX | QuestionKind.RANKING:
                return pa.list_(pa.string())
            case QuestionKind.RATING:
                return pa.float64()
            case QuestionKind.PREFERENCE:
                texts = [("better", pa.string()), ("degree", pa.int64()), ("tie", pa.string())]
                return pa.struct(texts)
            case QuestionKind.PICTURE:
                sides = [(name, pa.int64()) for name in ("width", "height", "rotation")]
                return pa.struct([*sides, ("regions", pa.list_(self._build_region(question)))])
            case QuestionKind.SLOT:
                return self._build_spans(question)
            case QuestionKind.VIDEO:
                places = [("start", pa.float64()), ("end", pa.float64())]
                segments = pa.list_(self._build_part(places, question.children))
                return pa.struct([("segments", segments), ("duration", pa.float64())])
            case _:
                return pa.string()

    def _build_region(self, question: Question) -> Any:
        wanted = frozenset[str]().union(*list_region_fields(question).values())
        fields = [(name, kind) for name, kind in self._list_places() if name in wanted]
        return self._build_part([("kind", self.pa.string()), *fields], question.children)

    def _list_places(self) -> list[tuple[str, Any]]:
        """Return all fields that tell where a region is, in their order."""
        pa = self.pa
        number, points = pa.float64(), pa.list_(pa.list_(pa.float64()))
        keypoint = [("name", pa.string()), ("x", number), ("y", number), ("visibility", pa.int64())]
        return [
            *((name, number) for name in ("x", "y", "width", "height", "angle")),
            ("points", points),
            ("holes", pa.list_(points)),
            ("keypoints", pa.list_(pa.struct(keypoint))),
            ("counts", pa.list_(pa.int64())),
        ]

    def _build_spans(self, question: Question) -> Any:
        pa = self.pa
        ends = [("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())]
        spans = pa.list_(self._build_part(ends, question.children))
        ends = [("source", pa.int64()), ("target", pa.int64())]
        relations = pa.list_(self._build_part(ends, question.relations))
        return pa.struct([("spans", spans), ("relations", relations)])

    def _build_part(self, fields: list[tuple[str, Any]], children: Iterable[Question]) -> Any:
        """Return the type of an annotation: where it is, and what was answered about it."""
        pa = self.pa
        names = [("id", pa.string()), ("color", pa.string())]
        labels = [(child.title, self._find_label(child)) for child in list_children(children)]
        # a file has no place for a struct without fields
        answered = [("labels", pa.struct(labels))] if labels else []
        return pa.struct([*fields, *answered, *names])

    def _find_label(self, child: Question) -> Any:
        text = self.pa.string()
        return self.pa.list_(text) if takes_several(child) else text


def list_region_fields(question: Question) -> dict[str, frozenset[str]]:
    """Return the fields of each kind of region that can be marked, by what JSON calls the kind."""
    shapes = question.shapes or tuple(Shape)
    return {shape.value.replace(" ", ""): frozenset(_SHAPE_FIELDS[shape]) for shape in shapes}


def list_children(children: Iterable[Question]) -> list[Question]:
    """Return the questions about an annotation, with those that depend on their replies."""
    return [child for top in children for child in top.every]


def takes_several(child: Question) -> bool:
    """Return whether an answer to a question about an annotation can be several keys."""
    return child.kind is QuestionKind.CHECKBOX
