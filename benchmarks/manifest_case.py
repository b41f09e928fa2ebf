"""One case of `benchmarks.manifest`, in a process of its own: what many rows cost in time and memory."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import itagflow
from itagflow import (
    Box,
    Choice,
    FixedSize,
    Regions,
    Result,
    Stage,
    Task,
    TaskState,
    formats,
    jsontext,
    templates,
)
from itagflow.formats import itag
from itagflow.model import StageResult
from itagflow.model.reply import Reply

POOL = 1_000
"""How many different rows there are; a case takes them in turn, so that making rows costs next to nothing."""
TEMPLATES = {
    "a choice": templates.image_classification(["cat", "dog"]),
    "3 boxes": templates.object_detection(["car", "sign"]),
}
WRITER = jsontext.dumps.__module__.rpartition(".")[2]
"""``fast`` where msgspec is there, else ``standard``."""


def reply(kind: str, number: int) -> Reply:
    """Return what is said of an image."""
    if kind == "a choice":
        return Choice("cat" if number % 2 else "dog")
    boxes = [
        Box(number + 0.5, 20.25 * n, 64, 48.5, label="car", id=f"{number}-{n}") for n in range(3)
    ]
    return Regions(boxes, width=1280, height=720)


def results(kind: str) -> list[Result]:
    """Return the results to choose from."""
    return [
        Result(
            task=Task(
                job=4,
                number=n,
                package=1,
                row=f'{{"data":{{"source":"oss://bucket/images/{n:012}.jpg"}}}}',
            ),
            state=TaskState.FINAL,
            stages={
                Stage.LABEL: StageResult(
                    stage=Stage.LABEL, replies={"1": reply(kind, n)}, round=1, member=2
                )
            },
        )
        for n in range(1, POOL + 1)
    ]


class Case:
    """The acts on one kind of row."""

    def __init__(self, kind: str, count: int, folder: Path) -> None:
        """Make the rows that are written; files are in *folder*."""
        self.kind, self.count, self.template = kind, count, TEMPLATES[kind]
        self.manifest = folder / f"{kind}-{count}.manifest"
        self.database = folder / f"{WRITER}-{count}.db"
        self.url = f"sqlite:///{self.database}?synchronous=normal"
        self.out = folder / "out.manifest"
        self.results = results(kind)
        target = BytesIO()
        formats.write("itag", self.results, target, template=self.template)
        self.rows = [json.loads(line) for line in target.getvalue().splitlines()]

    def plain_write(self) -> None:
        """Write dicts, which are there already, as lines of JSON."""
        with self.out.open("w") as file:
            for row in self._many(self.rows):
                file.write(json.dumps(row) + "\n")

    def write(self) -> None:
        """Write results, which are objects, as a manifest."""
        formats.write("itag", self._many(self.results), self.manifest, template=self.template)

    def plain_read(self) -> None:
        """Parse each line of a manifest."""
        with self.manifest.open("rb") as file:
            for line in file:
                json.loads(line)

    def read(self) -> None:
        """Parse each line of a manifest, check it, and make objects of the results."""
        for row in formats.read("itag", self.manifest):
            for stages in itag.blocks(jsontext.loads(row.text)).values():  # a Problem has no text
                for elements in stages.values():
                    itag.parse(elements, self.template)

    def load(self) -> None:
        """Load a manifest into a new SQLite file, as a job."""
        self.database.unlink(missing_ok=True)
        with itagflow.open(self.url) as flow:
            flow.workspaces.create("bench", admin="ada")
            more: dict[str, Any] = {"packaging": FixedSize(50), "by": "ada"}
            flow.jobs.create("bench", "rows", template=self.template, data=self.manifest, **more)

    def export(self) -> None:
        """Export that job, in which nobody has worked yet."""
        with itagflow.open(self.url) as flow:
            flow.results.export(next(flow.jobs.list("bench")), "itag", self.out)

    def _many(self, pool: list[Any]) -> Iterator[Any]:
        return islice(cycle(pool), self.count)


def memory() -> int:
    """Return the most memory that this process has ever had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Print the CPU seconds that an act takes, by how many KiB the memory grows, and who writes the JSON."""
    act, kind, count, folder = sys.argv[1:]
    case = Case(kind, int(count), Path(folder))
    memory_before, before = memory(), time.process_time()
    getattr(case, act)()
    seconds = time.process_time() - before
    print(json.dumps([seconds, memory() - memory_before, WRITER]))
