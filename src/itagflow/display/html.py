"""Pieces of HTML: everything that people wrote is escaped where it is put in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from html import escape as escape_html
from typing import Any, cast

import attrs

from itagflow.model.validators import validate_string
from itagflow.printing import format_repr, format_time, make_printable

MAX_CELL = 200
"""How many characters of a value a cell shows."""
HIDDEN = frozenset({"version", "seed", "pseudonym_key"})
"""The fields of values that are not shown."""
MAX_WIDTH = 4_000
"""How many pixels of the screen a picture can be wide."""
COLORS = (
    "#d64541",
    "#1559c7",
    "#2e7d32",
    "#8e24aa",
    "#b26a00",
    "#00838f",
    "#5d4037",
    "#c2185b",
)
"""The colors of labels, in the order in which they are met."""


@attrs.frozen
class Html:
    """A piece of HTML, which a notebook shows.

    >>> Html("<b>12</b>")._repr_html_()
    '<b>12</b>'
    """

    text: str = attrs.field(validator=validate_string)
    """The HTML itself."""

    def _repr_html_(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text


def escape(text: str, most: int = MAX_CELL) -> str:
    """Return a text of people for use in HTML, in one line that is not too long."""
    shown = text if len(text) <= most else f"{text[:most]}…"
    return escape_html(make_printable(shown))


def format_cell(value: object) -> str:
    """Return a value in a few words, escaped."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return escape(str(value.value))
    if isinstance(value, datetime):
        return escape(format_time(value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return ", ".join(f"{format_cell(key)}: {format_cell(held)}" for key, held in pairs)
    if isinstance(value, tuple | list):
        return ", ".join(format_cell(each) for each in cast("Iterable[object]", value))
    return escape(str(value) if isinstance(value, int) else format_repr(value))


def make_table(headings: Iterable[str], rows: Iterable[Iterable[str]], caption: str = "") -> str:
    """Return a table; cells are HTML already, headings and the caption are texts."""
    head = "".join(f'<th style="text-align:left">{escape(each)}</th>' for each in headings)
    body = "".join(_make_row(row) for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    first = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f"<table>{title}{first}<tbody>{body}</tbody></table>"


def _make_row(cells: Iterable[str]) -> str:
    inner = "".join(f'<td style="text-align:left;vertical-align:top">{cell}</td>' for cell in cells)
    return f"<tr>{inner}</tr>"


def make_bar(share: float) -> str:
    """Return a bar of which so much is full."""
    percent = round(100 * min(max(share, 0), 1))
    return (
        '<div style="width:160px;border:1px solid #999;height:10px">'
        f'<div style="width:{percent}%;height:10px;background:#1559c7"></div></div>'
    )


class Palette:
    """Gives each label a color: the same label has the same one everywhere in a picture."""

    def __init__(self) -> None:
        """Begin with the first color."""
        self._found: dict[str, str] = {}

    def choose(self, label: str) -> str:
        """Return the color of a label."""
        return self._found.setdefault(label, COLORS[len(self._found) % len(COLORS)])


def name_label(annotation: Any) -> str:
    """Return what is answered about a part of the data, in one line."""
    values: list[str] = []
    labels: Mapping[str, str | tuple[str, ...]] = annotation.labels
    for value in labels.values():
        values += [value] if isinstance(value, str) else value
    return ", ".join(values) or annotation.label or ""
