"""Prints how fast labeled rows are imported: ``python -m benchmarks.importing [images]``.

The rows are lines of JSON with ten boxes on each image, as `benchmarks.exporting` writes them.
Seconds are of CPU time, the best of three, all of one run; a ratio is by hand / ours, so larger is
better.  By hand each line is parsed with `json` and its rows are put into tables with the same
columns and indexes, in transactions of 5,000; nothing is checked.
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import itagflow
from benchmarks.reading import BOXES, CLASSES, fill, measure
from itagflow import FixedSize, Flow, templates

IMAGES, PACKAGE, BLOCK = 20_000, 100, 5_000
Row = dict[str, Any]
compact = json.JSONEncoder(separators=(",", ":")).encode


def write_lines(folder: str, images: int) -> Path:
    """Write the file that is imported."""
    target = Path(folder, "labels.jsonl")
    with itagflow.open(f"sqlite:///{folder}/labeled.db?synchronous=normal") as flow:
        flow.results.export(fill(flow, images), "jsonl", target)
    return target


def import_lines(flow: Flow, name: str, source: Path) -> None:
    """Import the file as a finished job."""
    flow.jobs.import_results(
        "bench",
        name,
        template=templates.object_detection(CLASSES),
        data=source,
        format="jsonl",
        packaging=FixedSize(PACKAGE),
        by="ada",
    )


class Tables:
    """A database with the tables of ours, and a row of each to go by."""

    def __init__(self, ours: Path, copy: Path) -> None:
        """Make the tables in *copy*, and read a row of each out of *ours*."""
        self.copy = sqlite3.connect(copy, isolation_level=None)
        self.copy.execute("PRAGMA journal_mode = WAL")
        self.copy.execute("PRAGMA synchronous = NORMAL")
        with sqlite3.connect(ours) as source:
            source.row_factory = sqlite3.Row
            for (text,) in source.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            ):
                self.copy.execute(text)
            self.rows: dict[str, Row] = {
                table: dict(source.execute(f"SELECT * FROM {table} LIMIT 1").fetchone())
                for table in ("task", "answer", "assignment", "package")
            }

    def insert(self, table: str, rows: list[Row]) -> None:
        """Insert rows, which are like the one that is there but for these columns."""
        like = self.rows[table]
        marks = ", ".join(f":{name}" for name in like)
        whole = [{**like, **row} for row in rows]
        self.copy.executemany(f"INSERT INTO {table} VALUES ({marks})", whole)

    def import_lines(self, source: Path, job: int) -> None:
        """Import the file as a job of this number."""
        assignments = count(job * 1_000_000)
        assignment = 0
        lines = read_lines(source)
        while block := list(islice(lines, BLOCK)):
            rows: dict[str, list[Row]] = {table: [] for table in self.rows}
            for number, line in block:
                package = (number - 1) // PACKAGE + 1
                if number % PACKAGE == 1:
                    assignment = next(assignments)
                    rows["package"].append({"job": job, "number": package})
                    rows["assignment"].append({"job": job, "package": package, "id": assignment})
                body = {"at": line["provenance"][0]["at"], "replies": line["stages"][0]["replies"]}
                task = {"job": job, "number": number, "package": package}
                answer = {"job": job, "assignment": assignment, "task": number}
                rows["task"].append({**task, "body": compact(line["row"])})
                rows["answer"].append({**answer, "body": compact(body)})
            self.copy.execute("BEGIN IMMEDIATE")
            for table, each in rows.items():
                self.insert(table, each)
            self.copy.execute("COMMIT")


def read_lines(source: Path) -> Iterator[tuple[int, Any]]:
    """Yield each line of the file with its number."""
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            yield number, json.loads(line)


def main() -> None:
    """Print the line."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    with tempfile.TemporaryDirectory() as folder:
        source = write_lines(folder, images)
        path = Path(folder, "ours.db")
        numbers = count(1)
        with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
            flow.workspaces.create("bench", admin="ada")
            ours = measure(lambda: import_lines(flow, f"job-{next(numbers)}", source))
        tables = Tables(path, Path(folder, "by_hand.db"))
        hand = measure(lambda: tables.import_lines(source, next(numbers)))
        print(f"{images:,} images with {BOXES} boxes; CPU seconds, by hand / ours (goal 0.40)")
        print(f"import {hand:8.2f} {ours:8.2f} {hand / ours:6.2f}")


if __name__ == "__main__":
    main()
