"""The elements of the format that PAI's labeling had before iTAG's present one ("v1"), to be read.

::

    {"data": [{"data": "positive", "id": 1120001, "type": "survey/value"}],
     "id": "1120001", "type": "survey"}
    {"data": [{"id": …, "type": "image/rectangleLabel",
               "value": {"rotation": 0, "x": …, "width": …, "y": …, "height": …},
               "labelColor": …, "labels": ["cat"]}],
     "id": "440001", "type": "image"}

It has no titles, and does not say how large an image is: a size of 0 stands for that.
Source: PAI, *Labeling templates* (155367, 184938), before iTAG.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from itagflow.errors import Problem
from itagflow.formats._plain import is_a, is_strings, parse_whole
from itagflow.formats._regions import (
    IMAGE,
    Element,
)
from itagflow.model.number import is_storable
from itagflow.model.region import (
    Regions,
)
from itagflow.model.reply import Reply
from itagflow.model.template import Question, QuestionKind

SURVEY = "survey"
LABELS = "labels"
"""The title of the question about regions, where a template is read off results: v1 has none."""


def is_legacy(element: Any) -> bool:
    """Return whether an element is of the old format."""
    if not is_a(element, dict) or "questionId" in element or "objects" in element:
        return False
    return element.get("type") == SURVEY or (element.get("type") == IMAGE and "id" in element)


def upgrade_elements(results: list[Any], questions: tuple[Question, ...] = ()) -> list[Any]:
    """Return elements with those of the old format written as in the present one.

    The labels of a region come under the title of the first of its question's children.
    """
    known = {question.id: question for question in questions}
    upgraded: list[Any] = []
    for element in results:
        if is_legacy(element):
            # one old element can hold several replies, each an element of the present format
            upgraded += _upgrade_element(element, known)
        else:
            upgraded.append(element)
    return upgraded


def _upgrade_element(element: Element, known: Mapping[str, Question]) -> Iterator[Any]:
    id = _normalize_id(element.get("id"))
    if not is_a(element.get("data"), list):
        # broken, and passed on as it is: the check of the present format says what is wrong with it
        yield {**element, "questionId": id, "markTitle": id}
    elif element["type"] == SURVEY:
        for item in element["data"]:
            fields: Element = item if is_a(item, dict) else {}
            item_id = _normalize_id(fields.get("id", element.get("id")))
            yield {
                "questionId": item_id,
                "data": fields.get("data"),
                "markTitle": item_id,
                "type": fields.get("type"),
            }
    else:
        question = known.get(id) if is_a(id, str) else None
        data = [_upgrade_region(region, question) for region in element["data"]]
        # a size of 0 stands for one that is not known, also where it is null
        size = {name: element.get(name, 0) for name in ("rotation", "width", "height")}
        size = {name: 0 if length is None else length for name, length in size.items()}
        yield {"questionId": id, "data": data, "markTitle": id, "type": IMAGE, **size}


def _normalize_id(id: Any) -> Any:
    # v1 has numbers where the present format has strings; one that is too large to be an id of
    # ours stays as it is, and is refused as no question of the template
    if is_a(id, int) and is_storable(id):
        return str(id)
    return id


def _upgrade_region(region: Any, question: Question | None) -> Any:
    if not is_a(region, dict):
        return region
    labels = region.get("labels")
    if not is_strings(labels):
        return region
    several = question is None or any(
        child.kind is QuestionKind.CHECKBOX for child in question.children[:1]
    )
    title = LABELS
    if question and question.children:
        title = question.children[0].title
    labels_by_title: dict[str, Any] = {}
    if labels:
        labels_by_title[title] = labels if several or len(labels) != 1 else labels[0]
    return {**region, "labels": labels_by_title, "color": region.get("labelColor")}


def add_image_size(replies: Mapping[str, Reply], data: Any) -> dict[str, Reply]:
    """Return replies with the image size, which v1 lacks, from ``width`` and ``height``."""
    if not is_a(data, dict):
        return dict(replies)
    width, height = parse_whole(data.get("width")), parse_whole(data.get("height"))
    if width is None or height is None:
        return dict(replies)
    unknown = {
        id: attrs.evolve(reply, width=width, height=height)
        for id, reply in replies.items()
        if isinstance(reply, Regions) and _has_no_size(reply)
    }
    return {**replies, **unknown}


def _has_no_size(reply: Reply) -> bool:
    return isinstance(reply, Regions) and not reply.width and not reply.height


def find_unknown_sizes(results: object, replies: Mapping[str, Reply]) -> list[Problem]:
    """Return the problem with each reply of v1 whose image has no size, not even in the data."""
    elements: list[Any] = []
    if is_a(results, list):
        elements = [each for each in cast("list[Any]", results) if is_legacy(each)]
    ids = {_normalize_id(element.get("id")) for element in elements if element["type"] == IMAGE}
    reason = "is not in this format (v1): add the fields width and height of the image to data"
    return [
        Problem(f"{id}, the size of the image", reason)
        for id, reply in replies.items()
        if id in ids and _has_no_size(reply)
    ]
