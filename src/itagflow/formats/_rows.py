"""Rows as formats yield them: data, and results as blocks like those of iTAG's manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from itagflow import jsontext
from itagflow.errors import InvalidData, Problem
from itagflow.formats import itag
from itagflow.formats._arguments import require_mapping, require_template
from itagflow.formats._files import remove_fields
from itagflow.formats._regions import RECTANGLE, Element, render_rectangle
from itagflow.formats._rendering import Elements
from itagflow.model.job import Stage
from itagflow.model.reply import Replies, Reply
from itagflow.model.task import Row
from itagflow.model.template import Template
from itagflow.storage.codec import encode_replies
from itagflow.validation.answers import REPLY_OF

_get_sides = itemgetter("x", "y", "width", "height")
OWNER = "file"
"""What the blocks of a row are called after, where a file does not know the job: `label-file`."""


def render_row(
    row: Mapping[str, Any] | str,
    results: Mapping[Stage, Replies],
    template: Template | None,
    *,
    line: int = 0,
) -> Row:
    """Return a row with the results that a file has for it, as ``read`` of a format yields it.

    Args:
        row: The row, its ``data`` and what stands beside it; or its JSON text, which is kept.
        results: The replies at each stage that the file has results of.
        template: What they answer; without it the row has data only.
        line: Where it is in the file, from 1; 0 when files of the format have no lines.

    Raises:
        InvalidData: when a reply is to no question of the template, or of another kind than it.

    >>> from itagflow import Choice, Stage, templates
    >>> cats = templates.image_classification(["cat", "dog"])
    >>> made = render_row({"data": {"source": "1.jpg"}}, {Stage.LABEL: {"1": Choice("cat")}}, cats)
    >>> parse_row(made, cats)
    {<Stage.LABEL: 'label'>: {'1': Choice('cat')}}
    """
    text = row if isinstance(row, str) else jsontext.dumps(row)
    keys = {f"label-{OWNER}{itag.SUFFIX[stage]}": replies for stage, replies in results.items()}
    if template is None or not keys:
        return Row(text, line)
    # results of the file that this row was in take the place of those of an earlier one
    if f"label-{OWNER}" in text:
        text = remove_fields(text, keys)
    blocks = {key: {"results": _render_replies(keys[key], template)} for key in keys}
    return Row(f"{text[: text.rindex('}')]},{jsontext.dumps(blocks)[1:]}", line)


def parse_row(row: Row, template: Template, *, job: str = OWNER) -> dict[Stage, dict[str, Reply]]:
    """Return the replies at each stage that a row has results of.

    Args:
        row: A row that a format has yielded.
        template: What was asked.
        job: Whose results, as in ``label-<id>``.

    Raises:
        InvalidData: when results do not fit the template.
    """
    return itag.results_in(jsontext.loads(row.text), template, job=job)


def _render_replies(replies: Replies, template: Template) -> list[Element]:
    require_mapping("replies", replies)
    require_template(template)
    _require_asked(replies, template)
    plain = encode_replies(replies)
    # a region without an id stays one: it is not known whether the file will be read again
    elements = Elements(template).render_each(plain, lambda _, __: None)
    for id, element in elements.items():
        if plain[id]["kind"] == "regions":
            _keep_boxes(plain[id]["regions"], element["data"])
    return list(elements.values())


def _require_asked(replies: Replies, template: Template) -> None:
    kinds = {question.id: question.kind for question in template.asked}
    problems: list[Problem] = []
    for id, reply in replies.items():
        if id not in kinds:
            problems.append(Problem(id, "the template has no such question"))
        elif not isinstance(reply, wanted := REPLY_OF[kinds[id]]):
            reason = f"needs a {wanted.__name__}, not a {type(reply).__name__}"
            problems.append(Problem(id, reason))
    if problems:
        raise InvalidData("the row", problems)


def _keep_boxes(regions: Iterable[Mapping[str, Any]], parts: Iterable[Element]) -> None:
    """Write boxes as rectangles: iTAG writes them as outlines, which are read as polygons."""
    for region, part in zip(regions, parts, strict=True):
        if region["kind"] == "box":
            part["type"] = RECTANGLE
            part["value"] = render_rectangle(*_get_sides(region))
