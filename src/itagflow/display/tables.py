"""Several values: as a table, and results as a grid of pictures, texts and answers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, cast

import attrs

from itagflow.display.html import HIDDEN, Html, escape, format_cell, make_table
from itagflow.display.regions import find_address, show_regions
from itagflow.display.segments import can_draw, show_segments
from itagflow.display.sources import read_source
from itagflow.display.spans import show_spans
from itagflow.display.values import describe_replies
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import is_several, make_error, require_kind
from itagflow.model.event import Event
from itagflow.model.number import require_whole_number
from itagflow.model.region import Regions
from itagflow.model.reply import Reply
from itagflow.model.result import Result
from itagflow.model.segment import Segments
from itagflow.model.span import Spans
from itagflow.model.template import Template, ViewKind
from itagflow.printing import format_repr

_SHOWN: Mapping[type[Any], tuple[str, ...]] = {Event: ("position", "at", "account", "type")}
"""The fields that are shown of values that have many."""


def show_table(rows: Iterable[object], *, limit: int = 50) -> Html:
    """Show values as a table: events, statistics, rows, jobs, assignments, members.

    Args:
        rows: The values, such as ``flow.events.list(job)``, or dicts, such as those of
            ``flow.quality.statistics``.
        limit: How many are shown; it says so where there are more.

    Raises:
        InvalidData: when they are not several, or one is neither a dict nor a value with fields.

    >>> show_table([{"name": "ada", "tasks": 3}]).text.count("<td")
    2
    """
    most = require_whole_number("show_table", "limit", limit, least=1)
    if not is_several(rows):
        raise make_error("show_table", "rows", "must be several values, such as a list", rows)
    found = list(islice(rows, most + 1))
    cells = [_list_cells(row, index) for index, row in enumerate(found[:most])]
    headings = list(dict.fromkeys(name for row in cells for name in row))
    table = make_table(headings, ([row.get(name, "") for name in headings] for row in cells))
    more = f"<div>… more than {most}</div>" if len(found) > most else ""
    return Html(table + more)


def _list_cells(row: object, index: int) -> Mapping[str, str]:
    kind: type[Any] = type(row)
    if isinstance(row, Mapping):
        given = cast("Mapping[object, object]", row)
        return {str(name): format_cell(value) for name, value in given.items()}
    if not attrs.has(kind):
        reason = f"must be a dict or a value with fields, not {format_repr(row)}"
        raise InvalidData("show_table", [Problem(f"rows[{index}]", reason)])
    names = _SHOWN.get(kind) or tuple(field.name for field in attrs.fields(kind))
    cells = {name: format_cell(getattr(row, name)) for name in names if name not in HIDDEN}
    if isinstance(row, Event):
        cells["what"] = escape(str(row))
    return cells


def show_results(
    results: Iterable[Result],
    *,
    template: Template,
    folder: str | os.PathLike[str] = "",
    limit: int = 12,
) -> Html:
    """Show results as a grid: images with regions, texts with spans, and the other answers.

    Args:
        results: The results, such as ``flow.results.list(job)``.
        template: The template of their job, which says what each question is about.
        folder: Where the files are whose names are in the data: images, and WAV files of sounds.
            What is not found there, or is another kind of file, is shown without it.
        limit: How many are shown.

    Raises:
        InvalidData: when something is not what it has to be.

    >>> from itagflow import templates
    >>> show_results([], template=templates.image_classification(["cat"])).text.count("<div")
    1
    """
    what = "show_results"
    most = require_whole_number(what, "limit", limit, least=1)
    asked = require_kind(what, "template", template, Template, "a Template")
    place = require_kind(what, "folder", folder, (str, os.PathLike), "a path")
    if not is_several(results):
        raise make_error(what, "results", "must be several results, such as a list", results)
    cards: list[str] = []
    for result in islice(results, most):
        require_kind(what, "results", result, Result, "results")
        cards.append(_make_card(result, asked, os.fspath(place)))
    style = "display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start"
    return Html(f'<div style="{style}">{"".join(cards)}</div>')


def _make_card(result: Result, template: Template, folder: str) -> str:
    replies = result.replies or {}
    views = "".join(_draw_views(result, template, folder))
    pictures = "".join(_draw_replies(result, replies, template, folder))
    marked = {id for id, reply in replies.items() if isinstance(reply, Regions | Spans | Segments)}
    rest = {id: reply for id, reply in replies.items() if id not in marked}
    data = "" if marked else f"{views}<div>{format_cell(result.task.data)}</div>"
    title = f"<b>task {result.task.number}</b> {escape(result.state.value)}"
    style = "border:1px solid #ccc;padding:8px;max-width:360px"
    return (
        f'<div style="{style}">{title}{data}{pictures}'
        f"<div>{describe_replies(rest, template)}</div></div>"
    )


def _draw_views(result: Result, template: Template, folder: str) -> Iterator[str]:
    """Yield the images that the question is about, where they are not marked themselves."""
    for view in template.views:
        content = result.task.data.get(view.field)
        address = _find_image(content, folder) if view.kind is ViewKind.IMAGE else ""
        if address:
            size = "max-width:320px;display:block"
            yield f'<img src="{escape(address, len(address))}" alt="" style="{size}"/>'


def _find_image(content: object, folder: str) -> str:
    """Return an image of the folder as an address that has all of it; empty when there is none."""
    path = os.path.join(folder, str(content).lstrip("/"))
    return find_address(read_source("show_results", "folder", path)) if os.path.isfile(path) else ""


def _find_sound(content: object, folder: str) -> bytes | None:
    """Return a recording of the folder whose waveform can be drawn, if there is one."""
    path = os.path.join(folder, str(content).lstrip("/"))
    if not os.path.isfile(path):
        return None
    recording = read_source("show_results", "folder", path)
    return recording if can_draw(recording) else None


def _draw_replies(
    result: Result, replies: Mapping[str, Reply], template: Template, folder: str
) -> Iterator[str]:
    data = result.task.data
    for question in template.questions:
        reply, content = replies.get(question.id), data.get(template.field_of(question))
        match reply:
            case Regions() if reply.width and reply.height:
                image = _find_image(content, folder)
                yield show_regions(image or None, reply, width=320).text
            case Spans() if isinstance(content, str):
                yield show_spans(content, reply).text
            case Segments() if reply.duration or reply.segments:
                yield show_segments(reply, recording=_find_sound(content, folder), width=320).text
            case _:
                pass
