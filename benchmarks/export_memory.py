"""Prints how much memory an export takes: ``python -m benchmarks.export_memory [tasks]``.

Two jobs of labeled images are exported, of 20,000 tasks and of a million unless a number is given,
on SQLite, each to each format in a process of its own, on Linux.  What is printed is by how much
the peak of the process grows meanwhile, in MB; the goal is that the large job takes at most 64 more.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import itagflow
from itagflow import FixedSize, templates

SMALL, LARGE = 20_000, 1_000_000
FORMATS = ("itag", "csv", "jsonl", "coco")
BOX = {"x": 10.5, "y": 20.25, "width": 120.5, "height": 80.25, "rotation": 0}
REGION = {"id": None, "type": "image/rectangleLabel", "value": BOX}


def list_rows(tasks: int) -> Iterator[str]:
    """Yield lines of a manifest with a box on each image."""
    region = {**REGION, "labels": {"Single-choice": "car"}}
    element = {
        "questionId": "1",
        "data": [region],
        "rotation": 0,
        "markTitle": "Object detection label configuration",
        "width": 1920,
        "height": 1080,
        "type": "image",
    }
    block = json.dumps({"results": [element]})
    for number in range(tasks):
        data = json.dumps({"source": f"images/{number:09}.jpg"})
        yield f'{{"data": {data}, "label-1": {block}}}'


def fill(path: Path, tasks: int) -> None:
    """Import so many labeled images into a new database."""
    with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
        flow.workspaces.create("bench", admin="ada")
        flow.jobs.import_results(
            "bench",
            "boxes",
            template=templates.object_detection(["car", "van"]),
            data=list_rows(tasks),
            packaging=FixedSize(100),
            by="ada",
        )


def export(path: str, format: str) -> None:
    """Export the job of a database, and print by how many MB the peak grows."""
    with itagflow.open(f"sqlite:///{path}") as flow, tempfile.TemporaryDirectory() as folder:
        job = next(flow.jobs.list("bench"))
        next(iter(flow.results.list(job, limit=1)))  # what is imported and opened once
        # from here on, so that what was used before does not hide what the export uses
        Path("/proc/self/clear_refs").write_text("5")
        before = read_peak()
        flow.results.export(job, format, Path(folder, "out"))
        print(read_peak() - before)


def read_peak() -> float:
    """Return the most memory that this process has had, in MB; Linux tells it."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024


def measure(path: Path, format: str) -> float:
    """Export in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.export_memory", "export", str(path), format]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print a line for each format, or export."""
    if sys.argv[1:2] == ["export"]:
        export(*sys.argv[2:])
        return
    large = int(sys.argv[1]) if len(sys.argv) > 1 else LARGE
    with tempfile.TemporaryDirectory() as folder:
        paths = {tasks: Path(folder, f"{tasks}.db") for tasks in (SMALL, large)}
        for tasks, path in paths.items():
            fill(path, tasks)
        print(f"{'format':8} {SMALL:>10,} {large:>10,}   MB (goal: at most 64 more)")
        for format in FORMATS:
            few, many = (measure(path, format) for path in paths.values())
            print(f"{format:8} {few:10.1f} {many:10.1f}", flush=True)


if __name__ == "__main__":
    main()
