"""What a notebook shows: tables, images with their regions, texts with their spans, charts.

A job, its progress, a result, a template and an event show themselves as HTML in a notebook.  The
functions of this module show more; each returns `Html`, which a notebook displays, or, of charts,
the axes of matplotlib.

>>> from itagflow import Spans, TextSpan
>>> shown = show_spans("Ada was here", Spans([TextSpan(0, 3, label="person")]))
>>> "Ada" in shown.text and "person" in shown.text
True

Charts need the extra ``notebook``; the rest needs nothing.
"""

from __future__ import annotations

from itagflow.display.charts import plot_members, plot_progress
from itagflow.display.html import Html
from itagflow.display.regions import show_regions
from itagflow.display.segments import show_segments
from itagflow.display.spans import show_spans
from itagflow.display.tables import show_results, show_table
from itagflow.display.values import describe_value

__all__ = [
    "Html",
    "describe_value",
    "plot_members",
    "plot_progress",
    "show_regions",
    "show_results",
    "show_segments",
    "show_spans",
    "show_table",
]
