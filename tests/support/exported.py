"""Results made by hand, what a format writes of them, and what it reads."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from itagflow import Regions, Result, Stage, Task, TaskState, Template, formats
from itagflow.errors import Problem
from itagflow.formats import kit
from itagflow.model import StageResult


def a_result(said: Any, number: int = 1, data: Any = None) -> Result:
    """Return the result of a task whose replies are *said*; None: it is abandoned."""
    made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
    row = json.dumps({"data": {"source": f"images/{number}.jpg"} if data is None else data})
    task = Task(job=4, number=number, package=1, row=row)
    return Result(task=task, state=TaskState.FINAL, stages=made)


def marked(*regions: Any, number: int = 1, name: str | None = None, **more: Any) -> Result:
    """Return the result of an image with these regions."""
    size = {"width": 100, "height": 50, **more}
    data = None if name is None else {"source": name}
    return a_result({"1": Regions(regions, **size)}, number, data)


def write(
    format: str, results: Iterable[Result], template: Template, **more: Any
) -> tuple[bytes, dict[str, int]]:
    """Return what a format writes, and what is lost."""
    file = io.BytesIO()
    report = formats.write(format, results, file, template=template, **more)
    return file.getvalue(), dict(report.losses)


def read(format: str, content: bytes, template: Template | None, **more: Any) -> list[Any]:
    """Return the replies to each task, or its row without a template; or what is wrong with it."""
    return [
        str(item)
        if isinstance(item, Problem)
        else kit.parse_row(item, template).get(Stage.LABEL)
        if template is not None
        else json.loads(item.text)
        for item in formats.read(format, io.BytesIO(content), template=template, **more)
    ]


def unzip(content: bytes) -> dict[str, str]:
    """Return the files of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def zipped(files: dict[str, str | bytes | None], **more: Any) -> bytes:
    """Return a zip file of these files; None: it is left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **more) as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return file.getvalue()
