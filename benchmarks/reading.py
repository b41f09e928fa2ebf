"""Prints how fast the results of a labeled job are read: ``python -m benchmarks.reading [images]``.

A job is labeled, with ten boxes on each image, on SQLite.  Seconds are of CPU time, the best of
three, and all of one run; a ratio is by hand / ours, so larger is better.  By hand is a joined query
on `sqlite3` on the same file, which knows no rules, no votes and no access.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import itagflow
from itagflow import Box, FixedSize, Flow, Job, Regions, Stage, Workflow, jsontext, templates

IMAGES, BOXES = 20_000, 10
CLASSES = [f"class {number}" for number in range(20)]
JOIN = (
    "SELECT t.number, t.body, a.body FROM task t JOIN answer a ON a.job = t.job AND a.task = t.number"
    " ORDER BY t.job, t.number"
)


def fill(flow: Flow, images: int) -> Job:
    """Make a job whose images are all labeled."""
    flow.workspaces.create("bench", admin="ada")
    job = flow.jobs.create(
        "bench",
        "boxes",
        template=templates.object_detection(CLASSES),
        data=(
            {"data": {"source": f"images/{n:09}.jpg", "width": 1920, "height": 1080}}
            for n in range(images)
        ),
        workflow=Workflow(itagflow.Label()),
        packaging=FixedSize(100),
        by="ada",
    )
    while assignment := flow.claim("ada", job, Stage.LABEL):
        pairs = [(item, draw_boxes(item.task.number)) for item in flow.tasks(assignment)]
        flow.save_many(assignment, pairs)
        flow.submit(assignment)
    return job


def draw_boxes(number: int) -> Regions:
    """Return what is answered about an image."""
    boxes = [
        Box(number % 1_000 + 0.5, at * 50 + 0.25, 120.5, 80.25, label=CLASSES[at])
        for at in range(BOXES)
    ]
    return Regions(boxes, width=1920, height=1080)


def fetch(path: Path) -> Iterator[tuple[Any, ...]]:
    """Fetch the tuples by hand."""
    connection = sqlite3.connect(path)
    yield from connection.execute(JOIN)
    connection.close()


def measure(act: Callable[[], object]) -> float:
    """Return the CPU seconds of *act*, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return best


def exhaust(items: Iterator[Any]) -> None:
    """Take every item."""
    for _ in items:
        pass


def read_states(flow: Flow, job: Job) -> None:
    """Ask each result for its state and for what each stage came to."""
    for result in flow.results.list(job):
        _ = result.state, result.stages


def read_replies(flow: Flow, job: Job) -> None:
    """Ask each result for its replies, as objects."""
    for result in flow.results.list(job):
        _ = result.replies and result.replies["1"]


def write_by_hand(path: Path, target: Path, loads: Any, dumps: Any) -> None:
    """Write a line of JSON for each task, from the tuples."""
    with target.open("wb") as file:
        for number, row, body in fetch(path):
            line = {"task": number, "data": loads(row)["data"], "replies": loads(body)["replies"]}
            file.write(dumps(line).encode() + b"\n")


def write_rows(flow: Flow, job: Job, target: Path, dumps: Any) -> None:
    """Write a line of JSON for each row."""
    with target.open("wb") as file:
        for row in flow.results.rows(job):
            file.write(dumps({**row, "label_at": None}).encode() + b"\n")


def show(name: str, hand: float, ours: float, goal: str = "") -> None:
    """Print a line of the table."""
    print(f"{name:34} {hand:6.2f} {ours:6.2f} {hand / ours:6.2f}   {goal}", flush=True)


def main() -> None:
    """Print the table."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    writer = jsontext.dumps.__module__.rpartition(".")[2]
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "labels.db"), Path(folder, "out.jsonl")
        with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
            job = fill(flow, images)
            print(f"{images:,} images with {BOXES} boxes, JSON: {writer}; seconds, by hand / ours")
            tuples = measure(lambda: exhaust(fetch(path)))
            show("untouched", tuples, measure(lambda: exhaust(flow.results.list(job))), "0.40")
            show("with states and stages", tuples, measure(lambda: read_states(flow, job)), "0.25")
            show("with replies as objects", tuples, measure(lambda: read_replies(flow, job)))
            show("rows", tuples, measure(lambda: exhaust(flow.results.rows(job))))
            compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
            ours = measure(lambda: write_rows(flow, job, target, jsontext.dumps))
            by_json = measure(lambda: write_by_hand(path, target, json.loads, compact))
            show("rows as lines of JSON / json", by_json, ours)
            same = measure(lambda: write_by_hand(path, target, jsontext.loads, jsontext.dumps))
            show("rows as lines of JSON / ours", same, ours)


if __name__ == "__main__":
    main()
