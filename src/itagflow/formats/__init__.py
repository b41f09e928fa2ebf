"""Importers and exporters: one module per format, all with the same two functions.

A format of another package is found by its name when that package declares it::

    [project.entry-points."itagflow.formats"]
    coco = "my_package.coco"

and ``my_package.coco`` has ``read`` and ``write`` as `Format` describes them.  What callers of a
format pass is checked here, before anything is read or written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

import attrs

from itagflow.errors import InvalidData, Problem, UnknownFormat
from itagflow.formats._files import MAX_ROW_BYTES, Source, Target
from itagflow.formats._files import BinaryFile as BinaryFile
from itagflow.formats._files import OpenablePath as OpenablePath
from itagflow.model.arguments import is_several
from itagflow.model.enums import parse_enums
from itagflow.model.job import STAGES, Job, Stage
from itagflow.model.number import require_whole_number
from itagflow.model.result import Result, StageResult
from itagflow.model.task import Row
from itagflow.model.template import Template
from itagflow.model.text import format_value, require_text
from itagflow.reprs import show_fields

for _kind in (BinaryFile, OpenablePath):
    _kind.__module__ = __name__  # where users import it from

__all__ = ["Format", "WriteReport", "find", "is_concatenable", "must_take"]

BUILT_IN = ("csv", "itag", "itag_v1")
"""The formats that come with the library; each is the module of that name."""
GROUP = "itagflow.formats"
"""The entry-point group in which other packages declare theirs."""


@attrs.frozen(kw_only=True)
class WriteReport:
    """What an export wrote, and what it could not write."""

    rows: int
    """How many tasks were written, one row each."""
    blocks: Mapping[Stage, int] = attrs.field(hash=False)
    """How many of the rows hold a result of each stage that was asked for."""
    abandoned: int
    """How many tasks are abandoned at the last of these stages that they reached."""
    unfinished: int
    """How many tasks have no result at any of these stages."""
    erased: int = 0
    """How many tasks were left out because their data was erased."""
    withdrawn: int = 0
    """How many tasks were left out because they were withdrawn."""

    def __add__(self, other: WriteReport) -> WriteReport:
        """Return what was written in all."""
        return WriteReport(
            rows=self.rows + other.rows,
            blocks={stage: count + other.blocks[stage] for stage, count in self.blocks.items()},
            abandoned=self.abandoned + other.abandoned,
            unfinished=self.unfinished + other.unfinished,
            erased=self.erased + other.erased,
            withdrawn=self.withdrawn + other.withdrawn,
        )

    __repr__ = show_fields


@attrs.define
class Counts:
    """The numbers of tasks and results that an export has written so far."""

    blocks: dict[Stage, int]
    """How many results there are at each stage that is asked for, in the order of the stages."""
    rows: int = 0
    abandoned: int = 0
    unfinished: int = 0

    @classmethod
    def for_stages(cls, stages: Collection[Stage] | None) -> Counts:
        """Return nothing counted yet, of these stages; of all, when None."""
        wanted = STAGES if stages is None else parse_enums(Stage, "stages", stages)
        return cls({stage: 0 for stage in STAGES if stage in wanted})

    def add_task(self, result: Result) -> list[StageResult]:
        """Count a task, and return its results at the requested stages, in the order of stages."""
        if not isinstance(cast(object, result), Result):
            reason = f"must be an iterable of Result, not of {format_value(result)}"
            raise InvalidData("the format", [Problem("results", reason)])
        reached = [result.stages[stage] for stage in self.blocks if stage in result.stages]
        self.rows += 1
        if not reached:
            self.unfinished += 1
        elif reached[-1].replies is None:
            # by the last stage: a reviewer may have answered what the labeler had abandoned
            self.abandoned += 1
        for stage_result in reached:
            if stage_result.replies is not None:
                self.blocks[stage_result.stage] += 1
        return reached

    def build_report(self) -> WriteReport:
        """Return what has been counted."""
        return WriteReport(
            rows=self.rows, blocks=self.blocks, abandoned=self.abandoned, unfinished=self.unfinished
        )


SHARED = frozenset({"job", "template", "stages"})
"""What every format's ``write`` takes by name."""


class Format(Protocol):
    """What a format offers; a module with these two functions is one.

    With ``CONCATENABLE = True`` it says that the files of a job's parts, one after the other, are
    the file of the job. With ``CHECKS_FIELDS = True`` its ``read`` also takes ``fields=``, the
    fields that every row needs, and yields one problem when the file as a whole lacks some. Options
    of its own are further arguments of ``write`` with a name and a default; `flow.results.export`
    passes them on.
    """

    def read(self, source: Source, *, limit: int = MAX_ROW_BYTES) -> Iterator[Row | Problem]:
        """Yield the rows of *source* one by one, or what is wrong with one of them.

        Args:
            source: A path, an open binary file, or anything path-like with ``open`` and ``/``.
            limit: How many bytes a row may have; a longer one is never held in memory.
        """
        ...

    def write(
        self,
        results: Iterable[Result],
        target: Target,
        *,
        job: Job,
        template: Template,
        stages: Collection[Stage] | None = None,
    ) -> WriteReport:
        """Write *results* to *target*, one after the other, and return what was written.

        Args:
            results: The tasks with their results, in the order in which they are to be written.
            target: A path, an open binary file, or anything path-like with ``open`` and ``/``.
            job: The job that the results are of.
            template: The template that they answer.
            stages: The stages whose results are written; None for all.
        """
        ...


MAX_LIMIT = 2**40
"""How many bytes a row may be allowed to have; more than any machine could hold."""


def require_mapping(name: str, value: object) -> None:
    """Check an argument that maps names to values.

    Raises:
        InvalidData: when it is no mapping.
    """
    if not isinstance(value, Mapping):
        raise _make_error(name, "a mapping", value)


def require_template(value: object) -> None:
    """Check an argument that is a template.

    Raises:
        InvalidData: when it is none.
    """
    if not isinstance(value, Template):
        raise _make_error("template", "a Template", value)


def require_job(value: object) -> None:
    """Check an argument that is a job.

    Raises:
        InvalidData: when it is none.
    """
    if not isinstance(value, Job):
        raise _make_error("job", "a Job", value)


def require_texts(name: str, value: Any) -> None:
    """Check an argument that is several texts.

    Raises:
        InvalidData: when it is not.
    """
    if not is_several(value):
        raise _make_error(name, "several texts, such as a list", value)
    for text in value:
        if not isinstance(text, str):
            raise _make_error(name, "several texts", text)


def require_results(value: object) -> None:
    """Check an argument that yields results; each of them is checked when it is reached.

    Raises:
        InvalidData: when it cannot be gone through.
    """
    if not is_several(value):
        raise _make_error("results", "an iterable of Result", value)


def require_job_id(value: object) -> None:
    """Check an argument that is the id of a job as it stands in a key, or None.

    Raises:
        InvalidData: when it is neither.
    """
    if value is not None and not isinstance(value, str):
        raise _make_error("job", "the id in 'label-<id>' as a text, or None", value)


def require_limit(value: object) -> int:
    """Return how many bytes a row may have.

    Raises:
        InvalidData: when it is no whole number of at least 1.
    """
    return require_whole_number("the format", "limit", value, least=1, most=MAX_LIMIT)


def _make_error(name: str, wanted: str, value: object) -> InvalidData:
    return InvalidData(
        "the format", [Problem(name, f"must be {wanted}, not {format_value(value)}")]
    )


def is_concatenable(format: Format) -> bool:
    """Return whether the files of a job's parts, one after the other, are the file of the job.

    >>> is_concatenable(find("itag"))
    True
    """
    return getattr(format, "CONCATENABLE", False) is True


def read(format: Format, source: Source, fields: Collection[str]) -> Iterator[Row | Problem]:
    """Return an iterator over the rows of *source*, which need these *fields* of ``data``."""
    if getattr(format, "CHECKS_FIELDS", False) is True:
        checking: Any = format  # what `Format` says of such a module in words
        rows: Iterator[Row | Problem] = checking.read(source, fields=fields)
        return rows
    return format.read(source)


def must_take(format: Format, name: str, options: Collection[str]) -> None:
    """Check that the ``write`` of a format takes these options of its own.

    Raises:
        InvalidData: when there is no such option; it lists those there are.

    >>> must_take(find("csv"), "csv", ["escape_formulas"])
    """
    name = require_text("the export", "format", name)
    require_texts("options", options)
    if not callable(getattr(format, "write", None)):
        reason = f"must have a function write, not {format_value(format)}"
        raise InvalidData("the export", [Problem(name, reason)])
    from inspect import Parameter, signature  # loaded when a format gets options: it takes long

    parameters = [
        each for each in signature(format.write).parameters.values() if each.name not in SHARED
    ]
    # a format that takes anything checks its options itself
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters):
        return
    names = [each.name for each in parameters if each.kind is Parameter.KEYWORD_ONLY]
    reason = f"is no option of the format {name!r}; it has {', '.join(names) or 'none'}"
    if problems := [Problem(option, reason) for option in options if option not in names]:
        raise InvalidData("the export", problems)


def find(name: str) -> Format:
    """Return the format with this name: the library's own, or one of an installed package.

    >>> find("itag").__name__
    'itagflow.formats.itag'

    Raises:
        UnknownFormat: when there is none, or it cannot be loaded; it lists those there are.
    """
    # what is no text may compare in a way of its own
    if isinstance(cast(object, name), str) and name in BUILT_IN:
        return cast(Format, import_module(f"{__name__}.{name}"))
    # loaded for formats of other packages only: it takes long
    from importlib.metadata import entry_points

    declared = entry_points(group=GROUP)
    known = tuple(sorted({*BUILT_IN, *declared.names}))
    for entry in declared.select(name=name):
        try:
            format = entry.load()
        except Exception as error:  # whatever the module of another package does when imported
            reason = f"{entry.value} cannot be loaded: {type(error).__name__}: {error}"
            raise UnknownFormat(name, known, reason) from error
        if not all(callable(getattr(format, each, None)) for each in ("read", "write")):
            raise UnknownFormat(name, known, f"{entry.value} has no functions read and write")
        return cast(Format, format)
    raise UnknownFormat(name, known)
