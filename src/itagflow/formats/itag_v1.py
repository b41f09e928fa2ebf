"""The manifest format of PAI before iTAG's present one ("v1"), for tools that still read it.

Reading is that of `itagflow.formats.itag`, which understands both.  Only choices, texts and
rectangles can be written; the rest is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import attrs

from itagflow.formats._elements import ONE, SEVERAL, TYPE
from itagflow.formats._files import Target
from itagflow.formats._legacy import SURVEY
from itagflow.formats._plain import parse_key
from itagflow.formats._port import Counts, FormatContext, WriteReport
from itagflow.formats._regions import (
    IMAGE,
    RECTANGLE,
    Element,
    RegionId,
    RegionIds,
    render_rectangle,
)
from itagflow.formats._rendering import Elements
from itagflow.formats.itag import CONCATENABLE, READ_OPTIONS, read, write_rows
from itagflow.model.annotation import find_only_label
from itagflow.model.region import Box, Polygon, Region, Regions, RotatedBox
from itagflow.model.reply import Reply
from itagflow.model.result import Result
from itagflow.model.task import Task
from itagflow.model.template import Question, QuestionKind
from itagflow.storage.codec import encode_replies

__all__ = ["CONCATENABLE", "READ_OPTIONS", "read", "write"]

NOT_HELD = (QuestionKind.RANKING, QuestionKind.RATING, QuestionKind.PREFERENCE)
"""Kinds of questions whose replies look like others in iTAG's elements, and are none of v1."""


def write(results: Iterable[Result], target: Target, context: FormatContext, /) -> WriteReport:
    """Write a manifest in the old format, with the arguments of `itagflow.formats.itag.write`.

    What the old format has no shape for is left out, and counted.
    """
    return write_rows(results, target, context, partial(_render_stage, Elements(context.asked)))


def _render_stage(
    known: Elements, task: Task, replies: Mapping[str, Reply], counts: Counts
) -> list[Element]:
    region_id = RegionIds(task.job, task.number)
    elements: list[Element] = []
    for question in counts.context.asked.asked:
        reply = replies.get(question.id)
        if reply is None:
            continue
        if TYPE.get(question.kind) not in (ONE, SEVERAL, IMAGE) or question.kind in NOT_HELD:
            counts.lose(task, f"replies of the kind {question.kind.value}")
        elif isinstance(reply, Regions):
            reply = _keep_rectangles(task, question, reply, counts)
            elements.append(_render_regions(question, reply, region_id))
        else:
            (element,) = known.render(encode_replies({question.id: reply}), region_id)
            elements.append(_render_value(question, element))
    return elements


def _keep_rectangles(task: Task, question: Question, reply: Regions, counts: Counts) -> Regions:
    """Return *reply* with the regions and labels that the old format has a shape for."""
    titles = {child.title for child in question.children[:1]}
    regions: list[Region] = []
    for marked in reply.regions:
        region = marked
        if _find_rectangle(region) is None:
            counts.lose(task, "regions that are no rectangles")
            continue
        kept = {title: label for title, label in region.labels.items() if title in titles}
        if len(kept) < len(region.labels):
            counts.lose(task, "labels of any but the first question about a region")
            region = attrs.evolve(region, labels=kept, label=find_only_label(kept))
        regions.append(region)
    return attrs.evolve(reply, regions=regions)


def _render_regions(question: Question, reply: Regions, region_id: RegionId) -> Element:
    data = [
        _render_region(question, region, index, region_id)
        for index, region in enumerate(reply.regions)
    ]
    return {"data": data, "id": question.id, "type": IMAGE}


def _render_value(question: Question, element: Element) -> Element:
    value = {"data": element["data"], "id": _parse_id(question.id), "type": element["type"]}
    return {"data": [value], "id": question.id, "type": SURVEY}


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
        "value": _render_box(box) if box else {},
        "labelColor": region.color,
        "labels": labels,
    }


def _render_box(box: Box | RotatedBox) -> Element:
    angle: float = 0
    if isinstance(box, RotatedBox):
        angle = box.angle
    return render_rectangle(*box.points[0], box.width, box.height, angle)


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
