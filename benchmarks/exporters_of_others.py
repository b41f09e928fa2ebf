"""Prints how long other libraries write COCO: ``python -m benchmarks.exporters_of_others file.jsonl``.

`benchmarks.exporting --others PYTHON` runs it with the Python of an environment that has them; it
needs nothing of ours.  The file has the results as JSON Lines of the format ``jsonl``.  What is timed
is the export: reading the file and building the model of the library are not.  Each library that is
not installed is left out.
"""

import importlib
import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Image = tuple[str, list[tuple[str, float, float, float, float]]]
"""The name of an image, and its boxes: class, x, y, width and height."""
WIDTH, HEIGHT = 1920, 1080
Export = Callable[[], object]


def read_images(path: Path) -> Iterator[Image]:
    """Yield the images of a file."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            regions = row["stages"][0]["replies"]["1"]["regions"]
            boxes = [
                (
                    next(iter(box["labels"].values())),
                    box["x"],
                    box["y"],
                    box["width"],
                    box["height"],
                )
                for box in regions
            ]
            yield row["row"]["data"]["source"], boxes


def list_classes(images: list[Image]) -> list[str]:
    """Return the classes, in the order in which they appear."""
    return list(dict.fromkeys(box[0] for _, boxes in images for box in boxes))


def build_globox(images: list[Image], target: Path) -> Export:
    """Return the export of globox."""
    globox: Any = importlib.import_module("globox")
    annotations = [
        globox.Annotation(
            name,
            image_size=(WIDTH, HEIGHT),
            boxes=[
                globox.BoundingBox(label=label, xmin=x, ymin=y, xmax=x + width, ymax=y + height)
                for label, x, y, width, height in boxes
            ],
        )
        for name, boxes in images
    ]
    found = globox.AnnotationSet(annotations)
    return lambda: found.save_coco(target / "globox.json", auto_ids=True)


def build_datumaro(images: list[Image], target: Path) -> Export:
    """Return the export of datumaro."""
    components = "datumaro.components"
    annotation: Any = importlib.import_module(f"{components}.annotation")
    base: Any = importlib.import_module(f"{components}.dataset_base")
    dataset: Any = importlib.import_module(f"{components}.dataset")
    media: Any = importlib.import_module(f"{components}.media")
    classes = list_classes(images)
    ids = {name: number for number, name in enumerate(classes)}
    items = [
        base.DatasetItem(
            id=Path(name).stem,
            subset="train",
            media=media.Image.from_file(path=name, size=(HEIGHT, WIDTH)),
            annotations=[annotation.Bbox(*box, label=ids[label]) for label, *box in boxes],
        )
        for name, boxes in images
    ]
    found = dataset.Dataset.from_iterable(items, categories=classes, media_type=media.Image)
    folder = str(target / "datumaro")
    return lambda: found.export(folder, "coco_instances", save_media=False)


def build_supervision(images: list[Image], target: Path) -> Export:
    """Return the export of supervision."""
    supervision: Any = importlib.import_module("supervision")
    numpy: Any = importlib.import_module("numpy")
    classes = list_classes(images)
    ids = {name: number for number, name in enumerate(classes)}
    detections = {
        name: supervision.Detections(
            xyxy=numpy.array([(x, y, x + width, y + height) for _, x, y, width, height in boxes]),
            class_id=numpy.array([ids[label] for label, *_ in boxes]),
        )
        for name, boxes in images
    }
    # it asks each image for its size: one that is small already
    picture = numpy.zeros((1, 1, 3), numpy.uint8)
    found = supervision.DetectionDataset(
        classes=classes, images=dict.fromkeys(detections, picture), annotations=detections
    )
    return lambda: found.as_coco(annotations_path=str(target / "supervision.json"))


def build_label_studio(images: list[Image], target: Path) -> Export:
    """Return the export of label-studio-sdk, which reads the tasks itself."""
    converter: Any = importlib.import_module("label_studio_sdk.converter")
    labels = "".join(f'<Label value="{name}"/>' for name in list_classes(images))
    config = (
        '<View><Image name="image" value="$image"/>'
        f'<RectangleLabels name="label" toName="image">{labels}</RectangleLabels></View>'
    )
    folder = target / "tasks"
    folder.mkdir()
    tasks = [make_task(number, *image) for number, image in enumerate(images, 1)]
    (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    made = converter.Converter(config, project_dir=None, download_resources=False)
    out, pictures = str(target / "label_studio"), str(target / "pictures")
    return lambda: made.convert_to_coco(str(folder), out, output_image_dir=pictures)


def make_task(number: int, name: str, boxes: list[Any]) -> dict[str, Any]:
    """Return an image as a task of Label Studio."""
    result = [
        {
            "id": f"{number}-{index}",
            "type": "rectanglelabels",
            "from_name": "label",
            "to_name": "image",
            "original_width": WIDTH,
            "original_height": HEIGHT,
            "image_rotation": 0,
            "value": {
                "x": x / WIDTH * 100,
                "y": y / HEIGHT * 100,
                "width": width / WIDTH * 100,
                "height": height / HEIGHT * 100,
                "rotation": 0,
                "rectanglelabels": [label],
            },
        }
        for index, (label, x, y, width, height) in enumerate(boxes)
    ]
    at = "2026-11-28T00:00:00Z"
    annotation = {
        "id": number,
        "completed_by": {"id": 1, "email": "ada@example.org"},
        "was_cancelled": False,
        "created_at": at,
        "updated_at": at,
        "lead_time": 1.0,
        "result": result,
    }
    data = {"image": f"http://example.org/{name}"}
    return {"id": number, "data": data, "annotations": [annotation]}


OTHERS = {
    "globox": build_globox,
    "datumaro": build_datumaro,
    "supervision": build_supervision,
    "label_studio_sdk": build_label_studio,
}


def main() -> None:
    """Print a line of JSON with the CPU seconds of each library: the best of three."""
    images = list(read_images(Path(sys.argv[1])))
    seconds: dict[str, float] = {}
    for name, build in OTHERS.items():
        if importlib.util.find_spec(name) is None:
            continue
        taken: list[float] = []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                export = build(images, Path(folder))
                start = time.process_time()
                export()
                taken.append(time.process_time() - start)
        seconds[name] = min(taken)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
