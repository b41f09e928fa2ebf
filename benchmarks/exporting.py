"""Prints how fast a labeled job is written: ``python -m benchmarks.exporting [images] [format …]``.

The job is that of `benchmarks.reading`: ten boxes on each image, on SQLite.  Seconds are of CPU
time, the best of three, and all of one run; a ratio is by hand / ours, so larger is better.  By
hand is a joined query on the same database, which knows no rules, no votes and no access, with
`json`; with the extra ``fast`` also with `msgspec`, which ours uses then.  Parquet files need the
extra ``arrow``.  The options add lines to the table:

- ``--postgres``: the job is on PostgreSQL, and seconds are those of the clock, with the server's work;
- ``--unlabeled``: also a job of as many images without an answer, whose rows go out as they came;
- ``--two``: also two processes at once, ours and by hand, by the clock: the slower one counts;
- ``--others PYTHON``: also COCO by other libraries, those that this Python has: see
  `benchmarks.exporters_of_others`; there a ratio is theirs / ours.
"""

import argparse
import csv
import importlib
import json
import multiprocessing
import sqlite3
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, cast

import attrs
import psycopg

import itagflow
from benchmarks.reading import BOXES, CLASSES, IMAGES, JOIN, fetch, fill
from benchmarks.shared.databases import postgres_database
from itagflow import FixedSize, Flow, formats, jsontext, templates

Rows = Iterator[tuple[Any, ...]]
"""What by hand begins with: the number of each task, its row, and the body of its answer."""
Codec = tuple[Callable[[Any], Any], Callable[[Any], bytes]]
"""What parses JSON, and what writes it."""
BUFFER = 1 << 20
SIZE = {"width": 1920, "height": 1080}
GOALS = {
    "coco": ("0.90", "0.55"),
    "jsonl": ("0.70", "0.55"),
    "itag": ("0.60", "0.45"),
    "csv": ("0.60", "0.50"),
    "yolo": ("0.60", "0.50"),
    "parquet": ("0.50", "0.50"),
}
"""Which ratio is wanted for each format: with `json`, and with `msgspec`."""


def write_coco(rows: Rows, target: Path, codec: Codec) -> None:
    """Write COCO by hand, with the annotations in a file of their own until all images are out."""
    loads, dumps = codec
    ids = {name: number for number, name in enumerate(CLASSES, 1)}
    count = 0
    with target.open("wb", BUFFER) as file, tempfile.TemporaryFile(buffering=BUFFER) as spool:
        file.write(b'{"images":[')
        for number, row, body in rows:
            name = loads(row)["data"]["source"]
            comma = b"," if number > 1 else b""
            file.write(comma + dumps({"id": number, "file_name": name, **SIZE}))
            for box in loads(body)["replies"]["1"]["regions"]:
                count += 1
                annotation = {
                    "id": count,
                    "image_id": number,
                    "category_id": ids[next(iter(box["labels"].values()))],
                    "bbox": [box["x"], box["y"], box["width"], box["height"]],
                    "area": box["width"] * box["height"],
                    "iscrowd": 0,
                }
                spool.write((b"," if count > 1 else b"") + dumps(annotation))
        file.write(b'],"annotations":[')
        spool.seek(0)
        while chunk := spool.read(BUFFER):
            file.write(chunk)
        categories = [{"id": id, "name": name} for name, id in ids.items()]
        file.write(b'],"categories":' + dumps(categories) + b"}")


def write_jsonl(rows: Rows, target: Path, codec: Codec) -> None:
    """Write a line of JSON for each task by hand."""
    loads, dumps = codec
    with target.open("wb", BUFFER) as file:
        for number, row, body in rows:
            replies = loads(body)["replies"]
            file.write(
                dumps({"task": number, "data": loads(row)["data"], "replies": replies}) + b"\n"
            )


def make_element(number: int, body: Any, loads: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the element of iTAG's manifest that has the boxes of a task."""
    data: list[Any] = []
    for index, box in enumerate(loads(body)["replies"]["1"]["regions"]):
        left, top = box["x"], box["y"]
        right, bottom = left + box["width"], top + box["height"]
        outline = [[left, top], [right, top], [right, bottom], [left, bottom]]
        id = f"{number}-{index}"
        data.append({"id": id, "type": "image/polygon", "labels": box["labels"], "value": outline})
    known = {"questionId": "1", "rotation": 0, "markTitle": "t", "type": "image"}
    return {**known, "data": data, **SIZE}


def write_itag(rows: Rows, target: Path, codec: Codec) -> None:
    """Write iTAG's manifest by hand, with the row as it came."""
    loads, dumps = codec
    with target.open("wb", BUFFER) as file:
        for number, row, body in rows:
            results = dumps({"results": [make_element(number, body, loads)]})
            file.write(row[:-1].encode() + b',"label-1":' + results + b"}\n")


def write_csv(rows: Rows, target: Path, codec: Codec) -> None:
    """Write a table by hand: the data, and the element as JSON."""
    loads, dumps = codec
    with target.open("w", BUFFER, newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "width", "height", "result"])
        for number, row, body in rows:
            data = loads(row)["data"]
            element = dumps(make_element(number, body, loads)).decode()
            writer.writerow([data["source"], data["width"], data["height"], element])


def write_yolo(rows: Rows, target: Path, codec: Codec) -> None:
    """Write a zip with a file of numbers for each image by hand."""
    loads, _ = codec
    ids = {name: number for number, name in enumerate(CLASSES)}
    width, height = SIZE["width"], SIZE["height"]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for _, row, body in rows:
            lines: list[str] = []
            for box in loads(body)["replies"]["1"]["regions"]:
                x, y = (
                    (box["x"] + box["width"] / 2) / width,
                    (box["y"] + box["height"] / 2) / height,
                )
                size = f"{box['width'] / width:.12g} {box['height'] / height:.12g}"
                lines.append(
                    f"{ids[next(iter(box['labels'].values()))]} {x:.12g} {y:.12g} {size}\n"
                )
            name = Path(loads(row)["data"]["source"]).stem
            archive.writestr(f"labels/{name}.txt", "".join(lines))


BATCH = 2_000
"""How many tasks make a batch of columns by hand."""


def write_parquet(rows: Rows, target: Path, codec: Codec) -> None:
    """Write columns by hand, in batches; only what boxes have is there."""
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    loads, _ = codec
    text, number = arrow.string(), arrow.int64()
    sides = [(name, arrow.float64()) for name in ("x", "y", "width", "height")]
    boxes = arrow.list_(arrow.struct([*sides, ("label", text)]))
    schema = arrow.schema(
        [("task", number), ("source", text), ("width", text), ("height", text), ("boxes", boxes)]
    )
    with parquet.ParquetWriter(target, schema) as writer:
        while batch := list(islice(rows, BATCH)):
            columns: dict[str, list[Any]] = {name: [] for name in schema.names}
            for task, row, body in batch:
                data = loads(row)["data"]
                columns["task"].append(task)
                columns["source"].append(data["source"])
                columns["width"].append(str(data["width"]))
                columns["height"].append(str(data["height"]))
                regions = loads(body)["replies"]["1"]["regions"]
                columns["boxes"].append(
                    [{**each, "label": next(iter(each["labels"].values()))} for each in regions]
                )
            writer.write_batch(arrow.RecordBatch.from_pydict(columns, schema=schema))


BY_HAND = {
    "coco": write_coco,
    "jsonl": write_jsonl,
    "itag": write_itag,
    "csv": write_csv,
    "yolo": write_yolo,
    "parquet": write_parquet,
}


def make_codecs() -> dict[str, Codec]:
    """Return what reads and writes JSON by hand, by name."""
    compact = json.JSONEncoder(separators=(",", ":")).encode
    codecs: dict[str, Codec] = {"json": (json.loads, lambda value: compact(value).encode())}
    if jsontext.dumps.__module__.endswith("fast"):
        msgspec: Any = importlib.import_module("msgspec")
        encode = cast("Callable[[Any], bytes]", msgspec.json.Encoder().encode)
        codecs["msgspec"] = (msgspec.json.Decoder().decode, encode)
    return codecs


# -- where it is --


def fetch_from(url: str) -> Rows:
    """Fetch the tuples of a database by hand."""
    if not url.startswith("postgresql"):
        yield from fetch(find_path(url))
        return
    with psycopg.connect(url, options="-c search_path=itagflow") as connection:
        # as text, which the codec parses
        yield from read_all(connection, JOIN.replace("a.body", "a.body::text"))


def read_all(connection: psycopg.Connection[Any], statement: str, *given: int) -> Rows:
    """Yield the rows of a query, some thousands at a time."""
    with connection.cursor("rows") as cursor:
        cursor.itersize = 2_000
        yield from cursor.execute(statement.encode(), given)


def find_path(url: str) -> Path:
    """Return the file of a database of SQLite."""
    return Path(url.removeprefix("sqlite:///").partition("?")[0])


@contextmanager
def make_database(folder: str, is_postgres: bool) -> Iterator[str]:
    """Make an empty database, and yield its URL."""
    if not is_postgres:
        yield f"sqlite:///{folder}/labels.db?synchronous=normal"
        return
    with postgres_database() as database:
        yield database.new("labels")


# -- what is measured --


@attrs.frozen
class Bench:
    """What one run measures."""

    url: str
    flow: Flow
    job: int
    target: Path
    clock: Callable[[], float]
    """That of the process, or that on the wall."""

    def measure(self, act: Callable[[], object]) -> float:
        """Return the seconds of *act*, the best of three."""
        taken: list[float] = []
        for _ in range(3):
            start = self.clock()
            act()
            taken.append(self.clock() - start)
        return min(taken)

    def export(self, name: str) -> float:
        """Return the seconds of our export."""
        return self.measure(lambda: self.flow.results.export(self.job, name, self.target))


def compare(bench: Bench, name: str) -> float:
    """Print how long one format takes beside each way by hand, and return the seconds of ours."""
    ours = bench.export(name)
    for (library, codec), goal in zip(make_codecs().items(), GOALS[name], strict=False):
        write = BY_HAND[name]
        hand = bench.measure(
            lambda write=write, codec=codec: write(fetch_from(bench.url), bench.target, codec)
        )
        show(name, hand, ours, goal, library)
    return ours


def compare_unlabeled(bench: Bench, images: int) -> None:
    """Print how long a job takes whose rows pass through."""
    data = ({"data": {"source": f"images/{n:09}.jpg"}} for n in range(images))
    job = bench.flow.jobs.create(
        "bench",
        "unlabeled",
        template=templates.object_detection(CLASSES),
        data=data,
        packaging=FixedSize(100),
        by="ada",
    )

    def write() -> None:
        with bench.target.open("wb", BUFFER) as file:
            for (row,) in fetch_bodies(bench.url, job.id):
                file.write(row.encode() + b"\n")

    ours = bench.measure(lambda: bench.flow.results.export(job, "itag", bench.target))
    show("itag, no answers", bench.measure(write), ours, "0.30", "no JSON")


def fetch_bodies(url: str, job: int) -> Rows:
    """Fetch the rows of a job as they are stored, by hand."""
    if url.startswith("postgresql"):
        statement = "SELECT body FROM itagflow.task WHERE job = %s ORDER BY number"
        with psycopg.connect(url) as connection:
            yield from read_all(connection, statement, job)
        return
    with closing(sqlite3.connect(find_path(url))) as file:
        yield from file.execute("SELECT body FROM task WHERE job = ? ORDER BY number", [job])


def compare_two(bench: Bench, name: str) -> None:
    """Print how long two processes take that export at once, beside two by hand."""
    hand = run_two(export_by_hand, bench, name)
    show(f"{name}, two at once", hand, run_two(export_ours, bench, name), "0.80", "json")


Ready = Callable[[], None]
"""Is called when all is open: it waits for the other process."""


def export_ours(ready: Ready, bench: tuple[str, int], name: str, target: Path) -> None:
    """Export as a process of its own."""
    url, job = bench
    formats.find(name)  # by hand all is loaded, too
    with itagflow.open(url) as flow:
        ready()
        flow.results.export(job, name, target)


def export_by_hand(ready: Ready, bench: tuple[str, int], name: str, target: Path) -> None:
    """Do the same by hand."""
    ready()
    BY_HAND[name](fetch_from(bench[0]), target, make_codecs()["json"])


def run_two(act: Callable[..., None], bench: Bench, name: str) -> float:
    """Return the seconds of the slower of two processes that begin together, the best of three."""
    spawn = multiprocessing.get_context("spawn")
    taken: list[float] = []
    for _ in range(3):
        barrier, seconds = spawn.Barrier(2), spawn.SimpleQueue()
        given = (act, barrier, seconds, (bench.url, bench.job), name)
        processes = [
            spawn.Process(target=run_one, args=(*given, bench.target.with_suffix(f".{number}")))
            for number in range(2)
        ]
        for process in processes:
            process.start()
        taken.append(max(seconds.get() for _ in processes))
        for process in processes:
            process.join()
    return min(taken)


def run_one(
    act: Callable[..., None],
    barrier: Any,
    seconds: Any,
    bench: tuple[str, int],
    name: str,
    target: Path,
) -> None:
    """Run one of two, and tell how long it took from when both were ready."""
    begun: list[float] = []

    def ready() -> None:
        barrier.wait()
        begun.append(time.perf_counter())

    act(ready, bench, name, target)
    seconds.put(time.perf_counter() - begun[0])


def compare_others(bench: Bench, ours: float, python: str) -> None:
    """Print how long other libraries take to write COCO of the same images."""
    source = bench.target.with_suffix(".jsonl")
    bench.flow.results.export(bench.job, "jsonl", source)
    script = Path(__file__).with_name("exporters_of_others.py")
    done = subprocess.run([python, script, source], check=True, capture_output=True, text=True)
    # some of them print what they do
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    for name, theirs in seconds.items():
        show(f"coco, {name}", theirs, ours, "", "")
    if seconds:
        show("coco, fastest other", min(seconds.values()), ours, "3.00", "")


def show(name: str, hand: float, ours: float, goal: str, library: str) -> None:
    """Print a line of the table."""
    print(f"{name:24} {hand:8.2f} {ours:8.2f} {hand / ours:6.2f} {goal:4}   {library}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exporting")
    parser.add_argument("images", type=int, nargs="?", default=IMAGES)
    parser.add_argument("formats", nargs="*", default=list(BY_HAND))
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--unlabeled", action="store_true")
    parser.add_argument("--two", action="store_true")
    parser.add_argument("--others", metavar="PYTHON")
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    given = parse_arguments()
    clock = time.perf_counter if given.postgres else time.process_time
    with (
        tempfile.TemporaryDirectory() as folder,
        make_database(folder, given.postgres) as url,
        itagflow.open(url) as flow,
    ):
        job = fill(flow, given.images)
        bench = Bench(url, flow, job.id, Path(folder, "out"), clock)
        kind = "PostgreSQL; seconds" if given.postgres else "SQLite; CPU seconds"
        writer = jsontext.dumps.__module__.rpartition(".")[2]
        print(f"{given.images:,} images with {BOXES} boxes, {kind}; our JSON: {writer}")
        print(f"{'what':24} {'by hand':>8} {'ours':>8} {'ratio':>6} goal   by hand with")
        seconds = {name: compare(bench, name) for name in given.formats}
        for name in given.formats if given.two else ():
            compare_two(bench, name)
        if given.others:
            compare_others(bench, seconds.get("coco") or bench.export("coco"), given.others)
        # last: by hand all jobs of the database are read
        if given.unlabeled:
            compare_unlabeled(bench, given.images)


if __name__ == "__main__":
    main()
