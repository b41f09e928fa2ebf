"""The elements of the format that PAI's labeling had before iTAG's present one ("v1").

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

from itagflow.errors import InvalidData, Problem
from itagflow.formats._arguments import require_mapping, require_template
from itagflow.formats._elements import (
    ONE,
    SEVERAL,
    TYPE,
    render,
)
from itagflow.formats._plain import is_a, is_strings, parse_key, parse_whole
from itagflow.formats._regions import (
    IMAGE,
    RECTANGLE,
    Element,
    RegionId,
    render_rectangle,
)
from itagflow.model.number import is_storable
from itagflow.model.region import (
    Box,
    Polygon,
    Region,
    Regions,
    RotatedBox,
)
from itagflow.model.reply import Reply
from itagflow.model.template import Question, QuestionKind, Template

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


def render_legacy(
    replies: Mapping[str, Reply], template: Template, *, region_id: RegionId
) -> list[Element]:
    """Return replies as elements of the old format.

    Args:
        replies: The replies by question id.
        template: The template that they answer.
        region_id: Names the regions that have no id of their own.

    Raises:
        InvalidData: when the old format has no shape for a reply; it lists every problem.
    """
    require_mapping("replies", replies)
    require_template(template)
    answered = [
        (question, replies[question.id]) for question in template.asked if question.id in replies
    ]
    # all of them before anything is written: half a file would be of no use
    if problems := [
        problem for question, reply in answered for problem in _find_unwritable(question, reply)
    ]:
        raise InvalidData("the results, for the format of v1", problems)
    return [_render_element(template, question, reply, region_id) for question, reply in answered]


def _find_unwritable(question: Question, reply: Reply) -> Iterator[Problem]:
    if TYPE.get(question.kind) not in (ONE, SEVERAL, IMAGE):
        yield Problem(question.id, "it has no spans or segments: use the format 'itag'")
    if question.kind in (QuestionKind.RANKING, QuestionKind.RATING, QuestionKind.PREFERENCE):
        yield Problem(
            question.id, f"it has no {question.kind.value.lower()}: use the format 'itag'"
        )
    if not isinstance(reply, Regions):
        return
    for index, region in enumerate(reply.regions):
        if _find_rectangle(region) is None:
            yield Problem(
                f"{question.id}.regions[{index}]", "it has rectangles only: use the format 'itag'"
            )
        if set(region.labels).difference(child.title for child in question.children[:1]):
            yield Problem(
                f"{question.id}.regions[{index}].labels",
                "it has those of the first question about it only",
            )


def _render_element(
    template: Template, question: Question, reply: Reply, region_id: RegionId
) -> Element:
    if isinstance(reply, Regions):
        data = [
            _render_region(question, region, index, region_id)
            for index, region in enumerate(reply.regions)
        ]
        return {"data": data, "id": question.id, "type": IMAGE}
    (element,) = render({question.id: reply}, template, region_id=region_id)
    return {
        "data": [{"data": element["data"], "id": _parse_id(question.id), "type": element["type"]}],
        "id": question.id,
        "type": SURVEY,
    }


def _parse_id(id: str) -> int | str:
    """Return an id as a number, or unchanged when the number would be written differently."""
    number = parse_key(id)
    if number is None:
        return id
    return number


def _render_region(question: Question, region: Region, index: int, region_id: RegionId) -> Element:
    values = list(region.labels.values())
    if region.label is not None:
        values = [region.label]  # the short form, as yet unsaved
    labels: list[str] = []
    for value in values:
        labels += [value] if isinstance(value, str) else value
    box = _find_rectangle(region)
    return {
        "id": region_id(question.id, index) if region.id is None else region.id,
        "type": RECTANGLE,
        "value": render_rectangle(box) if box else {},
        "labelColor": region.color,
        "labels": labels,
    }


def _find_rectangle(region: Region) -> Box | RotatedBox | None:
    """Return a region as the rectangle that it is, or None when it is none."""
    if isinstance(region, Box | RotatedBox):
        return region
    if not isinstance(region, Polygon) or region.holes or len(region.points) != 4:
        return None
    # two different x, two different y, and every corner once: an upright rectangle
    across, down = (sorted({point[axis] for point in region.points}) for axis in (0, 1))
    if len(across) != 2 or len(down) != 2 or len(set(region.points)) != 4:
        return None
    return Box(across[0], down[0], across[1] - across[0], down[1] - down[0])
