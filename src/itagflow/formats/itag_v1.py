"""The manifest format of PAI before iTAG's present one ("v1"), for tools that still read it.

Reading is that of `itagflow.formats.itag`, which understands both.  Only choices, texts and
rectangles can be written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from itagflow.formats import WriteReport
from itagflow.formats._files import Target
from itagflow.formats._legacy import render_legacy
from itagflow.formats.itag import CONCATENABLE, read, write_rows
from itagflow.model.job import Job, Stage
from itagflow.model.result import Result
from itagflow.model.template import Template

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
