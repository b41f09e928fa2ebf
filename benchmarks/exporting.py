"""Prints how fast a labeled job is written to files: ``python -m benchmarks.exporting [images]``.

The job is that of `benchmarks.reading`: ten boxes on each image, on SQLite.  Seconds are of CPU
time, the best of three, and all of one run; a ratio is by hand / ours, so larger is better.  By
hand is a joined query on `sqlite3` on the same file, which knows no rules, no votes and no access,
with `json`; with the extra ``fast`` also with `msgspec`, which ours uses then.  Parquet files need
the extra ``arrow``.
"""

import csv
import importlib
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, cast

import itagflow
from benchmarks.reading import BOXES, CLASSES, IMAGES, fetch, fill, measure
from itagflow import jsontext

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


def write_coco(path: Path, target: Path, codec: Codec) -> None:
    """Write COCO by hand, with the annotations in a file of their own until all images are out."""
    loads, dumps = codec
    ids = {name: number for number, name in enumerate(CLASSES, 1)}
    count = 0
    with target.open("wb", BUFFER) as file, tempfile.TemporaryFile(buffering=BUFFER) as spool:
        file.write(b'{"images":[')
        for number, row, body in fetch(path):
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


def write_jsonl(path: Path, target: Path, codec: Codec) -> None:
    """Write a line of JSON for each task by hand."""
    loads, dumps = codec
    with target.open("wb", BUFFER) as file:
        for number, row, body in fetch(path):
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


def write_itag(path: Path, target: Path, codec: Codec) -> None:
    """Write iTAG's manifest by hand, with the row as it came."""
    loads, dumps = codec
    with target.open("wb", BUFFER) as file:
        for number, row, body in fetch(path):
            results = dumps({"results": [make_element(number, body, loads)]})
            file.write(row[:-1].encode() + b',"label-1":' + results + b"}\n")


def write_csv(path: Path, target: Path, codec: Codec) -> None:
    """Write a table by hand: the data, and the element as JSON."""
    loads, dumps = codec
    with target.open("w", BUFFER, newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "width", "height", "result"])
        for number, row, body in fetch(path):
            data = loads(row)["data"]
            element = dumps(make_element(number, body, loads)).decode()
            writer.writerow([data["source"], data["width"], data["height"], element])


def write_yolo(path: Path, target: Path, codec: Codec) -> None:
    """Write a zip with a file of numbers for each image by hand."""
    loads, _ = codec
    ids = {name: number for number, name in enumerate(CLASSES)}
    width, height = SIZE["width"], SIZE["height"]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for _, row, body in fetch(path):
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


def write_parquet(path: Path, target: Path, codec: Codec) -> None:
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
    rows = fetch(path)
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


def main() -> None:
    """Print the table."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    wanted = sys.argv[2:] or list(BY_HAND)
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "labels.db"), Path(folder, "out")
        with itagflow.open(f"sqlite:///{path}?synchronous=normal") as flow:
            job = fill(flow, images)
            print(f"{images:,} images with {BOXES} boxes; CPU seconds, by hand / ours")
            print(f"{'format':8} {'by hand':>8} {'ours':>8} {'ratio':>6} goal   by hand with")
            for name in wanted:
                ours = measure(lambda name=name: flow.results.export(job, name, target))
                for (library, codec), goal in zip(make_codecs().items(), GOALS[name], strict=False):
                    write = BY_HAND[name]
                    hand = measure(lambda write=write, codec=codec: write(path, target, codec))
                    ratio = hand / ours
                    print(
                        f"{name:8} {hand:8.2f} {ours:8.2f} {ratio:6.2f} {goal}   {library}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
