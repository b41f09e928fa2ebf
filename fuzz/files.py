"""Any bytes as files of the formats that are no manifest and no table: rows come out, or what is wrong and where."""

from __future__ import annotations

import io
import json
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fuzz.attempts import attempt
from fuzz.readers import JOBS, TEMPLATES, load_row
from itagflow import Result, Stage, Task, TaskState, Template, formats
from itagflow.errors import Problem
from itagflow.formats import kit
from itagflow.model import Row, StageResult
from itagflow.validation import answers

MARK = b"\n=== "
"""What stands before the name of each file where an input is several: they are put into an archive."""
TAR = frozenset({"webdataset"})
"""The formats whose archives are tar files; those of the others are zip files."""
PACKED = frozenset({"docbin"})
"""The formats whose files are compressed as a whole."""
OTHERS = tuple(name for name in formats.BUILT_IN if name not in ("itag", "itag_v1", "csv"))
"""The formats that are read here."""


def make_target(name: str) -> Callable[[bytes], None]:
    """Return the target that reads bytes as files of the format *name*."""
    return lambda data: _read_all(name, data)


def _read_all(name: str, data: bytes) -> None:
    files = [data]
    if MARK in data:
        files.append(pack(name, data))
    if name in PACKED:
        files.append(zlib.compress(data))
    for file in files:
        for options in _list_options(name):
            for template in (None, *TEMPLATES):
                for row in _read(name, file, template, options):
                    _use(name, row, template)


def pack(name: str, data: bytes) -> bytes:
    """Return the archive with the files that *data* describes: each behind a `MARK` and its name."""
    entries: list[tuple[str, bytes]] = []
    for part in (b"\n" + data).split(MARK)[1:]:
        entry, _, content = part.partition(b"\n")
        # no archive has a file without a name
        entries.append((entry.decode(errors="replace").replace("\0", "") or "-", content))
    file = io.BytesIO()
    if name in TAR:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for entry, content in entries:
                info = tarfile.TarInfo(entry)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return file.getvalue()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as zip_file:
        warnings.simplefilter("ignore")  # two files may have one name
        for entry, content in entries:
            zip_file.writestr(entry, content)
    return file.getvalue()


def _list_options(name: str) -> Iterator[dict[str, Any]]:
    """Yield the options that a file may be read with: none, and each word that there is to choose."""
    yield {}
    for option in getattr(formats.find(name), "READ_OPTIONS", ()):
        yield from ({option.name: choice} for choice in option.choices if choice != option.default)


def _read(
    name: str, file: bytes, template: Template | None, options: Mapping[str, Any]
) -> Iterator[Row]:
    items = attempt(formats.read, name, io.BytesIO(file), template=template, **options)
    while items is not None and (item := attempt(next, items, None)) is not None:
        if isinstance(item, Problem):
            assert item.where
            assert item.reason
        else:
            yield item


def _use(name: str, row: Row, template: Template | None) -> None:
    """Load a row; where its results answer the template, they can be written again."""
    assert isinstance(json.loads(row.text), dict)
    load_row(row, 1, JOBS[0])
    if template is None:
        return
    task = Task(job=4, number=1, package=1, row=row.text)
    for stage, replies in (attempt(kit.parse_row, row, template) or {}).items():
        if not answers.find_problems(template, replies, task):
            at = StageResult(stage=stage, replies=replies, round=1, member=2)
            made = {Stage.LABEL: at}
            result = Result(task=task, state=TaskState.FINAL, stages=made, provenance=())
            attempt(formats.write, name, [result], io.BytesIO(), template=template)
