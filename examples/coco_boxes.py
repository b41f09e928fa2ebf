"""Real boxes, labeled by two simulated members who make mistakes: how many does inspection catch?

The boxes are those of ``data/coco_boxes.json``; see the note beside it.
"""

import io
import json
import random
from collections import defaultdict
from collections.abc import Iterator
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
    """Yield a row for each image, with a size that holds all its boxes."""
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


def right(task: Task, boxes: dict[int, list[tuple[list[float], str]]]) -> Regions:
    """Return the right answer to a task."""
    regions = [Box(*box, label=label) for box, label in boxes[task.data["image"]]]
    return Regions(regions, width=task.data["width"], height=task.data["height"])


def spoiled(answer: Regions, draw: random.Random) -> Regions:
    """Return an answer with one box missed or named wrongly."""
    regions = list(answer.regions)
    box = regions.pop(draw.randrange(len(regions)))
    if draw.random() < 0.5:
        wrong = "1" if box.label != "1" else "2"
        regions.append(Box(box.x, box.y, box.width, box.height, label=wrong))
    return Regions(regions, width=answer.width, height=answer.height)


def label(flow: Flow, assignment: Assignment, name: str, boxes: dict, draw: random.Random) -> int:
    """Label a package and return how many mistakes were made; rework is done with more care."""
    made = 0
    for work in flow.tasks(assignment):
        answer = right(work.task, boxes)
        if assignment.round == 1 and draw.random() < MISTAKES[name]:
            answer, made = spoiled(answer, draw), made + 1
        flow.save(assignment, work, answer)
    flow.submit(assignment)
    return made


def inspect(flow: Flow, assignment: Assignment, boxes: dict) -> int:
    """Inspect a package, send back what is wrong, and return how many tasks that were."""
    caught = 0
    for work in flow.tasks(assignment):
        said = work.submitted.reply
        wanted = {(region.x, region.y, region.label) for region in right(work.task, boxes).regions}
        if {(region.x, region.y, *region.labels.values()) for region in said.regions} != wanted:
            flow.judge(assignment, work, wrong="a box is missing or has the wrong label")
            caught += 1
    flow.reject(assignment) if caught else flow.review(assignment)
    return caught


def main(url: str = "memory:", *, seed: int = 7, sample: float = 0.5) -> tuple[int, int]:
    """Run the whole job, print what happened, and return how many mistakes were made and caught."""
    boxes, draw = truth(), random.Random(seed)
    with itagflow.open(url) as flow:
        home = flow.workspaces.create("coco", admin="ada")
        for name in ("ben", "cy", "di"):
            flow.members.add(home, name, Role.OPERATOR, by="ada")
        job: Job = flow.jobs.create(
            home,
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
        print(
            f"{made} of {len(boxes)} images were labeled wrong; inspecting {sample:.0%} caught {caught} of them"
        )
        print(f"exported {report.rows} rows, {len(out.getvalue()):,} bytes")
    return made, caught


if __name__ == "__main__":
    main()
    main(sample=1.0)
