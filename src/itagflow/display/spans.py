"""Spans of a text, in color."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from itagflow.display.html import Html, Palette, escape, name_label
from itagflow.errors import InvalidData, Problem
from itagflow.model.arguments import require_kind
from itagflow.model.span import Spans, TextSpan
from itagflow.printing import format_count


def show_spans(text: str, reply: Spans) -> Html:
    """Show a text with its spans in color, and the relations between them below it.

    Raises:
        InvalidData: when *text* is no text, or a span reaches outside of it.

    >>> from itagflow import TextSpan
    >>> show_spans("Ada", Spans([TextSpan(0, 3, label="person")])).text.count("person")
    2
    """
    what = "show_spans"
    given = require_kind(what, "text", text, str, "a text")
    spans = require_kind(what, "reply", reply, Spans, "Spans").spans
    for index, span in enumerate(spans):
        if span.end > len(given):
            length = format_count(len(given), "character")
            reason = f"ends at {span.end}, and the text has {length}"
            raise InvalidData(what, [Problem(f"reply.spans[{index}]", reason)])
    palette = Palette()
    cuts = sorted({0, len(given), *(place for span in spans for place in (span.start, span.end))})
    pieces = "".join(
        _show_piece(given[start:end], (start, end), spans, palette) for start, end in pairwise(cuts)
    )
    lines = [
        f"<div>{_name_span(spans[each.source], given)} → {escape(name_label(each))} → "
        f"{_name_span(spans[each.target], given)}</div>"
        for each in reply.relations
        if max(each.source, each.target) < len(spans)
    ]
    style = "line-height:2.2;white-space:pre-wrap;font-family:sans-serif"
    return Html(f'<div style="{style}">{pieces}</div>{"".join(lines)}')


def _name_span(span: TextSpan, text: str) -> str:
    return f"<b>{escape(text[span.start : span.end])}</b>"


def _show_piece(
    text: str, place: tuple[int, int], spans: Sequence[TextSpan], palette: Palette
) -> str:
    start, end = place
    shown = "\n".join(escape(line, len(line)) for line in text.split("\n"))
    over = [span for span in spans if span.start <= start and end <= span.end]
    if not over:
        return shown
    name = name_label(over[-1])
    color = palette.choose(name)
    # the name of a span stands behind its last piece
    names = " ".join(escape(name_label(span)) for span in over if span.end == end)
    note = f'<sub style="color:{color}"> {names}</sub>' if names else ""
    style = f"background:{color}22;border-bottom:3px solid {color};padding:2px 0"
    return f'<span style="{style}" title="{escape(name)}">{shown}</span>{note}'
