"""The manifest format of PAI before iTAG's present one ("v1"), for tools that still read it.

Reading is that of `itagflow.formats.itag`, which understands both.  Only choices, texts and
rectangles can be written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from itagflow.errors import InvalidData, Problem
from itagflow.formats import WriteReport, require_mapping, require_template
from itagflow.formats._elements import ONE, SEVERAL, TYPE
from itagflow.formats._files import Target
from itagflow.formats._legacy import SURVEY
from itagflow.formats._plain import parse_key
from itagflow.formats._regions import IMAGE, RECTANGLE, Element, RegionId, render_rectangle
from itagflow.formats.itag import CONCATENABLE, read, render, write_rows
from itagflow.model.job import Job, Stage
from itagflow.model.region import Box, Polygon, Region, Regions, RotatedBox
from itagflow.model.reply import Reply
from itagflow.model.result import Result
from itagflow.model.template import Question, QuestionKind, Template

__all__ = ["CONCATENABLE", "read", "render_legacy", "write"]


def write(
    results: Iterable[Result],
    target: Target,
    *,
    job: Job,
    template: Template,
    stages: Collection[Stage] | None = None,
) -> WriteReport:
    """Write a manifest in the old format, with the arguments of `itagflow.formats.itag.write`.

    Raises:
        InvalidData: when the old format has no shape for a reply.
    """
    return write_rows(results, target, job, template, stages, render_legacy)


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
