"""Files that are read and written: here alone the command line touches formats."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from itagflow import formats
from itagflow.cli.places import parse_job, parse_name, parse_template
from itagflow.errors import InvalidData, Problem, UnknownFormat
from itagflow.flow import Flow
from itagflow.formats import FormatOption, WriteReport
from itagflow.formats._port import parse_options
from itagflow.model.job import Job

STANDARD_OUTPUT = "-"
"""What stands for the standard output where a file is written."""
_FLAGS = {"true": True, "false": False}
"""What an option that is on or off is given as."""


def export(flow: Flow, given: Mapping[str, Any]) -> WriteReport:
    """Write the results of a job to a file or to the standard output."""
    target = given["target"]
    if target == STANDARD_OUTPUT:
        target = sys.stdout.buffer
    format = given["format"]
    return flow.results.export(
        parse_job(given["job"]),
        format,
        target,
        stages=given["stages"] or None,
        since=given["since"],
        snapshot=given["snapshot"],
        **parse_write_options(format, given["options"] or ()),
    )


def parse_write_options(format: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the options of an export, checked by what the format declares.

    Args:
        format: The name of the format.
        pairs: The name and the text of each option; one that takes several texts may be repeated.

    Raises:
        UnknownFormat: when there is no such format.
        InvalidData: when it has no such option, or its value is none that it can be.

    >>> parse_write_options("csv", [("bom", "true")])
    {'bom': True}
    >>> parse_write_options("coco", [("classes", "sign"), ("classes", "car")])
    {'classes': ('sign', 'car')}
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    found = formats.find(format)
    declared = {option.name: option for option in getattr(found, "WRITE_OPTIONS", ())}
    given = {
        name: _parse_option(declared[name], of_name) if name in declared else of_name
        for name, of_name in texts.items()
    }
    checked = parse_options(found, format, "WRITE_OPTIONS", given)
    return {name: checked[name] for name in given}


def _parse_option(option: FormatOption, texts: list[str]) -> object:
    """Return what the texts of one option say; the format checks whether it can be that."""
    if option.kind is tuple:
        return texts
    if len(texts) > 1:
        raise _make_option_error(option, f"is given {len(texts)} times, and takes one value")
    (text,) = texts
    if option.kind is bool:
        if text not in _FLAGS:
            raise _make_option_error(option, f"must be {' or '.join(_FLAGS)}, not {text!r}")
        return _FLAGS[text]
    if option.kind is int:
        if not text.isdecimal():
            raise _make_option_error(option, f"must be a whole number, not {text!r}")
        return int(text)
    return text


def _make_option_error(option: FormatOption, reason: str) -> InvalidData:
    return InvalidData("the format", [Problem(option.name, reason)])


def import_job(flow: Flow, given: Mapping[str, Any], *, on_error: Any) -> Job:
    """Read an exported file as a finished job."""
    return flow.jobs.import_results(
        parse_name(given["workspace"]),
        given["name"],
        template=parse_template(given["template"]),
        data=given["source"],
        by=parse_name(given["by"]),
        format=given["format"],
        of_job=given["of_job"],
        on_error=on_error,
    )


def list_formats() -> Iterator[dict[str, str]]:
    """Yield the name of each format, and what it is."""
    known: tuple[str, ...] = ()
    try:
        formats.find("")
    except UnknownFormat as error:
        known = error.known
    for name in known:
        summary = ""
        # one of another package that cannot be loaded is there all the same
        with suppress(UnknownFormat):
            summary = (formats.find(name).__doc__ or "").partition("\n")[0]
        yield {"name": name, "summary": summary}


def show_format(format: Mapping[str, str]) -> str:
    """Return a format in one line.

    >>> show_format({"name": "csv", "summary": "Tables."})
    'csv: Tables.'
    """
    return f"{format['name']}: {format['summary']}"
