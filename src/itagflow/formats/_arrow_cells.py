"""The cells of typed columns: what a reply says there, and the reply that a cell says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import attrs

from itagflow.formats._arrow_types import list_children, list_region_fields, takes_several
from itagflow.formats._plain import is_a
from itagflow.model.template import Question, QuestionKind

Lose = Callable[[str], None]
"""Is told what a column has no place for."""
Speller = Callable[[Any, Lose], Any]
"""Makes a cell of the value in a row."""
Plain = Mapping[str, Any]
"""An object of JSON."""

_KEYPOINT = {"x": 0, "y": 0, "visibility": 2}
"""What a keypoint leaves out when it is so."""
_KINDS = {
    QuestionKind.RADIO: ("choice", "key"),
    QuestionKind.CHECKBOX: ("choices", "keys"),
    QuestionKind.RANKING: ("ranking", "keys"),
    QuestionKind.RATING: ("rating", "value"),
}
"""The kind of the reply that a cell without fields says, and the field that has it there."""


def make_speller(question: Question, class_ids: Mapping[str, int] | None = None) -> Speller | None:
    """Return what makes the cells of a question; None where the value is the cell.

    Args:
        question: The question.
        class_ids: The ids of its options, where cells have these.
    """
    if class_ids is not None:
        return _ClassSpeller(class_ids)
    match question.kind:
        case QuestionKind.PREFERENCE:
            return _spell_preference
        case QuestionKind.PICTURE:
            return _PictureSpeller(_Parts.of(question.children), list_region_fields(question))
        case QuestionKind.SLOT:
            return _SlotSpeller(_Parts.of(question.children), _Parts.of(question.relations))
        case QuestionKind.VIDEO:
            return _VideoSpeller(_Parts.of(question.children))
        case _:
            return None


def _spell_preference(reply: Plain, _: Lose) -> Plain:
    return {"degree": 1, **reply}


@attrs.frozen
class _ClassSpeller:
    class_ids: Mapping[str, int]

    def __call__(self, key: Any, lose: Lose) -> int | None:
        number = self.class_ids.get(key)
        if number is None:
            lose("options that the template does not have")
        return number


@attrs.frozen
class _Parts:
    """Makes the structs of annotations."""

    several: Mapping[str, bool]
    """The titles of the questions about them, and whether the answer can be several keys."""

    @classmethod
    def of(cls, children: Iterable[Question]) -> _Parts:
        """Return what makes the structs of parts that *children* are asked about."""
        return cls({child.title: takes_several(child) for child in list_children(children)})

    def spell(self, part: Plain, lose: Lose) -> Plain:
        """Return an annotation with its labels as its column has them."""
        labels = part.get("labels")
        if labels is None and "label" in part:
            # the short form, as yet unsaved: the answer to the one question about it
            labels = {next(iter(self.several), ""): part["label"]}
            part = {**part, "labels": labels}
        if not labels or self._is_single(labels):
            return part
        spelled: dict[str, Any] = {}
        for title, value in labels.items():
            if title not in self.several:
                lose("labels that the template does not ask for")
                continue
            spelled[title] = self._spell_label(value, self.several[title], lose)
        return {**part, "labels": spelled}

    def _is_single(self, labels: Plain) -> bool:
        """Return whether they are one text, of a question that takes one: so nearly always."""
        if len(labels) != 1:
            return False
        ((title, value),) = labels.items()
        return isinstance(value, str) and self.several.get(title) is False

    def _spell_label(self, value: Any, is_several: bool, lose: Lose) -> Any:
        if is_several:
            return [value] if isinstance(value, str) else value
        if isinstance(value, str):
            return value
        several = cast("Sequence[str]", value)
        if len(several) != 1:
            lose("labels with several keys, where the template asks for one")
            return None
        return several[0]


@attrs.frozen
class _PictureSpeller:
    parts: _Parts
    fields: Mapping[str, frozenset[str]]
    """The fields of a region of each kind that can be marked."""

    def __call__(self, reply: Plain, lose: Lose) -> Plain:
        regions = [self._spell_region(region, lose) for region in reply["regions"]]
        kept = [region for region in regions if region is not None]
        return {"rotation": 0, **reply, "regions": kept}

    def _spell_region(self, region: Plain, lose: Lose) -> Plain | None:
        if region["kind"] not in self.fields:
            lose("regions of a shape that the template does not have")
            return None
        spelled = self.parts.spell(region, lose)
        if region["kind"] == "keypoints":
            keypoints = [{**_KEYPOINT, **each} for each in region["keypoints"]]
            spelled = {**spelled, "keypoints": keypoints}
        elif region["kind"] == "polygon":
            spelled = {"holes": (), **spelled}
        return spelled


@attrs.frozen
class _SlotSpeller:
    parts: _Parts
    relations: _Parts

    def __call__(self, reply: Plain, lose: Lose) -> Plain:
        return {
            "spans": [{"text": "", **self.parts.spell(part, lose)} for part in reply["spans"]],
            "relations": [self.relations.spell(part, lose) for part in reply.get("relations", ())],
        }


@attrs.frozen
class _VideoSpeller:
    parts: _Parts

    def __call__(self, reply: Plain, lose: Lose) -> Plain:
        segments = [self.parts.spell(part, lose) for part in reply["segments"]]
        return {"duration": 0, **reply, "segments": segments}


def parse_cell(question: Question, value: Any) -> Plain:
    """Return the reply that a cell says, which is not None, as replies are stored: plain JSON."""
    match question.kind:
        case QuestionKind.PICTURE:
            return {"kind": "regions", **_drop_empty(value)}
        case QuestionKind.SLOT:
            return {"kind": "spans", **_drop_empty(value)}
        case QuestionKind.VIDEO:
            return {"kind": "segments", **_drop_empty(value)}
        case QuestionKind.PREFERENCE:
            return {"kind": "preference", "better": None, **_drop_empty(value)}
        case _:
            kind, field = _KINDS.get(question.kind, ("text", "text"))
            return {"kind": kind, field: value}


def _drop_empty(value: Any) -> Any:
    """Return a cell without the fields that say nothing: structs have those of every shape."""
    if is_a(value, dict):
        return {name: _drop_empty(each) for name, each in value.items() if each is not None}
    if is_a(value, list):
        return [_drop_empty(each) for each in value]
    return value
