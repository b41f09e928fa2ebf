"""Label real boxes with two simulated members who make mistakes, and count what inspection finds.

The boxes are those of ``data/coco_boxes.json``; see the note beside it.
"""

import io
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Box,
    FixedSize,
    Flow,
    Inspect,
    Job,
    Label,
    Regions,
    Role,
    Stage,
    Task,
    Workflow,
    templates,
)

DATA = Path(__file__).parent / "data" / "coco_boxes.json"
MISTAKES = {"ben": 0.15, "cy": 0.30}
"""How often each labeler gets an image wrong."""


def truth() -> dict[int, list[tuple[list[float], str]]]:
    """Return the boxes of each image, with their category."""
    boxes = defaultdict(list)
    for found in json.loads(DATA.read_text()):
        if min(found["bbox"][2:]) > 0:
            boxes[found["image_id"]].append((found["bbox"], str(found["category_id"])))
    return dict(boxes)


def rows(boxes: dict[int, list[tuple[list[float], str]]]) -> Iterator[dict[str, object]]:
    """Yield a row for each image, with a size that contains all its boxes."""
    for image, found in boxes.items():
        width = max(int(box[0] + box[2]) + 1 for box, _ in found)
        height = max(int(box[1] + box[3]) + 1 for box, _ in found)
        yield {
            "data": {
                "source": f"val2014/{image:012}.jpg",
                "image": image,
                "width": width,
                "height": height,
            }
        }


def correct_answer(task: Task, boxes: dict[int, list[tuple[list[float], str]]]) -> Regions:
    """Return the correct answer to a task."""
    regions = [Box(*box, label=label) for box, label in boxes[task.data["image"]]]
    return Regions(regions, width=task.data["width"], height=task.data["height"])


def with_mistake(answer: Regions, draw: random.Random) -> Regions:
    """Return the answer with one box missing or with a wrong label."""
    regions = list(answer.regions)
    box = regions.pop(draw.randrange(len(regions)))
    if draw.random() < 0.5:
        wrong = "1" if box.label != "1" else "2"
        regions.append(Box(box.x, box.y, box.width, box.height, label=wrong))
    return Regions(regions, width=answer.width, height=answer.height)


def places(regions: Iterable[Box]) -> set[tuple[float, float, str]]:
    """Return the place and label of each box; a saved box has its label in `labels`."""
    return {(box.x, box.y, box.label or next(iter(box.labels.values()))) for box in regions}


def label(flow: Flow, assignment: Assignment, name: str, boxes: dict, draw: random.Random) -> int:
    """Label a package and return the number of mistakes; there are none in rework."""
    made = 0
    for item in flow.tasks(assignment):
        answer = correct_answer(item.task, boxes)
        if assignment.round == 1 and draw.random() < MISTAKES[name]:
            answer, made = with_mistake(answer, draw), made + 1
        flow.save(assignment, item, answer)
    flow.submit(assignment)
    return made


def inspect(flow: Flow, assignment: Assignment, boxes: dict) -> int:
    """Inspect a package, reject the wrong tasks, and return how many there were."""
    caught = 0
    for item in flow.tasks(assignment):
        expected = correct_answer(item.task, boxes).regions
        actual = item.submitted.reply.regions
        if places(actual) != places(expected):
            flow.judge(assignment, item, wrong="a box is missing or has the wrong label")
            caught += 1
    flow.reject(assignment) if caught else flow.review(assignment)
    return caught


def main(url: str = "memory:", *, seed: int = 7, sample: float = 0.5) -> tuple[int, int]:
    """Run the whole job, print a summary, and return how many mistakes were made and found."""
    boxes, draw = truth(), random.Random(seed)
    with itagflow.open(url) as flow:
        coco = flow.workspaces.create("coco", admin="ada")
        for name in ("ben", "cy", "di"):
            flow.members.add(coco, name, Role.OPERATOR, by="ada")
        job: Job = flow.jobs.create(
            coco,
            "boxes",
            template=templates.object_detection(
                sorted({kind for found in boxes.values() for _, kind in found})
            ),
            data=rows(boxes),
            workflow=Workflow(Label(), Inspect(task_share=sample), Accept(task_count=1)),
            packaging=FixedSize(5),
            workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]},
            seed=seed,
            by="ada",
        )
        made = caught = 0
        while flow.jobs.get(job).state is not itagflow.JobState.FINISHED:
            for name in MISTAKES:
                if assignment := flow.claim(name, job, Stage.LABEL):
                    made += label(flow, assignment, name, boxes, draw)
            while assignment := flow.claim("di", job, Stage.INSPECT):
                caught += inspect(flow, assignment, boxes)
            while assignment := flow.claim("ada", job, Stage.ACCEPT):
                flow.accept(assignment)
        out = io.BytesIO()
        report = flow.results.export(job, "itag", out)
        print(flow.jobs.progress(job))
        print(f"{made} of {len(boxes)} images were labeled wrong")
        print(f"inspecting {sample:.0%} of the tasks found {caught} of them")
        print(f"exported {report.rows} rows, {len(out.getvalue()):,} bytes")
    return made, caught


if __name__ == "__main__":
    main()
    main(sample=1.0)
