"""Importers and exporters: one module per format, all with the same two functions.

A format of another package is found by its name when that package declares it::

    [project.entry-points."itagflow.formats"]
    coco = "my_package.coco"

and ``my_package.coco`` has ``read`` and ``write`` as `Format` describes them.  Where a format is
named, such a module or object can be passed itself.  What callers of a format pass is checked here,
before anything is read or written; `itagflow.formats.kit` has what authors of formats need.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, cast

from itagflow.errors import InvalidData, Problem, UnknownFormat
from itagflow.formats._arguments import (
    make_error,
    parse_texts,
    require_results,
    require_template,
)
from itagflow.formats._files import BinaryFile as BinaryFile
from itagflow.formats._files import OpenablePath as OpenablePath
from itagflow.formats._files import Source, Target
from itagflow.formats._port import (
    Format,
    FormatContext,
    FormatOption,
    FormatRef,
    Lossy,
    WriteReport,
    parse_jobs,
    parse_lossy,
    parse_options,
)
from itagflow.model.enums import parse_enums
from itagflow.model.job import STAGES, Stage
from itagflow.model.result import Result
from itagflow.model.task import Row
from itagflow.model.template import Template
from itagflow.model.text import find_text_error, format_value

for _kind in (BinaryFile, Format, FormatContext, OpenablePath, FormatOption, WriteReport):
    _kind.__module__ = __name__  # where users import it from

__all__ = [
    "Format",
    "FormatContext",
    "FormatOption",
    "WriteReport",
    "find",
    "is_concatenable",
    "is_incremental",
    "read",
    "write",
]

BUILT_IN = (
    "brat",
    "coco",
    "conll",
    "csv",
    "cvat",
    "docbin",
    "hugging_face",
    "image_folder",
    "itag",
    "itag_v1",
    "jsonl",
    "label_studio",
    "labelme",
    "parquet",
    "rttm",
    "srt",
    "trl",
    "voc",
    "webdataset",
    "webvtt",
    "yolo",
)
"""The formats that come with the library; each is the module of that name."""
GROUP = "itagflow.formats"
"""The entry-point group in which other packages declare theirs."""
FUNCTIONS = {"read": 2, "write": 3}
"""What every format has, and how many arguments each of them takes."""


def is_concatenable(format: FormatRef) -> bool:
    """Return whether the files of a job's parts, one after the other, are the file of the job.

    Raises:
        UnknownFormat: when there is no such format.

    >>> is_concatenable("itag"), is_concatenable("csv")
    (True, False)
    """
    return getattr(find(format), "CONCATENABLE", False) is True


def is_incremental(format: FormatRef) -> bool:
    """Return whether a file can have only what changed since an earlier one.

    Raises:
        UnknownFormat: when there is no such format.

    >>> is_incremental("jsonl"), is_incremental("coco")
    (True, False)
    """
    return getattr(find(format), "INCREMENTAL", False) is True


def read(
    format: FormatRef,
    source: Source,
    *,
    template: Template | None = None,
    fields: Collection[str] = (),
    **options: Any,
) -> Iterator[Row | Problem]:
    r"""Return an iterator over the rows of a file, or what is wrong with one of them.

    Args:
        format: The name of a format, or a format.
        source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
        template: What is asked: most formats have no questions, and need it to tell what an answer
            in the file is the answer to.  Without it their rows have data only.
        fields: The fields of ``data`` that every row needs, where a file tells its fields at once.
        **options: What else the format takes.

    Raises:
        UnknownFormat: when there is no such format.
        InvalidData: when the format has no such option, or its value is none that it can be.

    >>> import io
    >>> [row.text for row in read("csv", io.BytesIO(b"source,animal\r\n1.jpg,cat"))]
    ['{"data":{"source":"1.jpg","animal":"cat"}}']
    """
    reader = find(format)
    if template is not None:
        require_template(template)
    context = FormatContext(
        template=template,
        fields=parse_texts("fields", fields),
        options=parse_options(reader, name_format(format), "READ_OPTIONS", options),
    )
    return reader.read(source, context)


def write(
    format: FormatRef,
    results: Iterable[Result],
    target: Target,
    *,
    template: Template,
    stages: Collection[Stage] | None = None,
    lossy: Lossy = "report",
    jobs: Sequence[int] = (),
    **options: Any,
) -> WriteReport:
    """Write results to a file, and return what was written.

    Args:
        format: The name of a format, or a format.
        results: The tasks with their results, in the order in which they are to be written.
        target: A path, an open binary file, or anything path-like with ``open`` and ``/``.  When
            something goes wrong, a path or place is left as it was.
        template: The template that the results answer.
        stages: The stages whose results are written; None for all.
        lossy: What becomes of what the format cannot hold: ``"report"`` leaves it out and counts
            it, ``"error"`` refuses it.
        jobs: The keys of the jobs that the results are of, in their order, where they are several.
        **options: What else the format takes.

    Raises:
        UnknownFormat: when there is no such format.
        InvalidData: when the format has no such option, or its value is none that it can be; or
            when nothing may be lost, and something would be.
        StoreFailed: when the system does not write a path.
    """
    context = make_write_context(
        format, template=template, stages=stages, lossy=lossy, options=options, jobs=jobs
    )
    return write_in(format, results, target, context)


def write_in(
    format: FormatRef, results: Iterable[Result], target: Target, context: FormatContext
) -> WriteReport:
    """Write results to a file with a context that is checked, and return what was written.

    Raises:
        UnknownFormat: as in `write`.
        InvalidData: as in `write`.
        StoreFailed: as in `write`.
    """
    require_results(results)
    report = find(format).write(results, target, context)
    if not isinstance(cast(object, report), WriteReport):
        raise make_error(f"what {name_format(format)} writes", "told by a WriteReport", report)
    return report


def make_write_context(
    format: FormatRef,
    *,
    template: Template,
    stages: Collection[Stage] | None,
    lossy: Lossy,
    options: dict[str, Any],
    jobs: Sequence[int] = (),
) -> FormatContext:
    """Return what the ``write`` of a format is given; the arguments are those of `write`.

    Raises:
        UnknownFormat: as in `write`.
        InvalidData: as in `write`.
    """
    require_template(template)
    wanted = STAGES if stages is None else parse_enums(Stage, "stages", stages)
    return FormatContext(
        template=template,
        stages=tuple(stage for stage in STAGES if stage in wanted),
        options=parse_options(find(format), name_format(format), "WRITE_OPTIONS", options),
        lossy=parse_lossy(lossy),
        jobs=parse_jobs(jobs),
    )


def name_format(format: FormatRef) -> str:
    """Return what a format is called: its name, that of its module, or that of its class."""
    if isinstance(format, str):
        return format
    name: str = getattr(format, "__name__", type(format).__name__)
    return name.rpartition(".")[2]


def find(format: FormatRef) -> Format:
    """Return the format with this name: the library's own, or one of an installed package.

    A format itself is returned as it is.

    >>> find("itag").__name__
    'itagflow.formats.itag'

    Raises:
        UnknownFormat: when there is none, or it cannot be loaded; it lists those there are.
        InvalidData: when it is neither a name nor has functions ``read`` and ``write``.
    """
    if not isinstance(format, str):
        if not _has_functions(format):
            reason = f"must be a name, or have functions read and write: {format_value(format)}"
            raise InvalidData("the format", [Problem("format", reason)])
        return format
    if wrong := find_text_error(format):
        raise InvalidData("the format", [Problem("format", wrong)])
    if format in BUILT_IN:
        return cast(Format, import_module(f"{__name__}.{format}"))
    # loaded for formats of other packages only: it takes long
    from importlib.metadata import entry_points

    declared = entry_points(group=GROUP)
    known = tuple(sorted({*BUILT_IN, *declared.names}))
    for entry in declared.select(name=format):
        try:
            found = entry.load()
        except Exception as error:  # whatever the module of another package does when imported
            reason = f"{entry.value} cannot be loaded: {type(error).__name__}: {error}"
            raise UnknownFormat(format, known, reason) from error
        if not _has_functions(found):
            raise UnknownFormat(format, known, f"{entry.value} has no functions read and write")
        return cast(Format, found)
    raise UnknownFormat(format, known)


def _has_functions(format: object) -> bool:
    """Return whether *format* has both functions, each of which takes a file and a context.

    Files and stores have a ``read`` and a ``write``, too, that take something else.
    """
    return all(_takes(getattr(format, name, None), count) for name, count in FUNCTIONS.items())


def _takes(function: object, count: int) -> bool:
    """Return whether *function* can be called with so many arguments."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*range(count))
    except (TypeError, ValueError):
        return False
    return True
