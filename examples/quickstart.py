"""A labeling job from its creation to accepted results, on a SQLite file in a temporary folder."""

import tempfile
from pathlib import Path

import itagflow
from itagflow import (
    Accept,
    Box,
    FixedSize,
    Inspect,
    Label,
    Regions,
    Role,
    Stage,
    Workflow,
    templates,
)

MANIFEST = """\
{"data": {"source": "images/crossing.jpg"}}
{"data": {"source": "images/bridge.jpg"}}
"""


def main(folder: Path) -> None:
    """Create a job, label, inspect, rework, accept, export."""
    (folder / "street.manifest").write_text(MANIFEST)
    car = Box(10, 20, 100, 200, label="car")
    sign = Box(300, 40, 30, 30, label="sign")

    with itagflow.open(folder / "labels.db") as flow:
        street = flow.workspaces.create("street", admin="ada")  # ada is its first member
        for name in ("ben", "cy", "di"):
            flow.members.add(street, name, Role.OPERATOR, by="ada")

        job = flow.jobs.create(
            street,
            "signs-2026-11",
            template=templates.object_detection(["car", "sign"]),
            data=folder / "street.manifest",  # a path, or any iterable of rows
            workflow=Workflow(Label(), Inspect(task_share=0.5), Accept()),
            packaging=FixedSize(2),
            workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]},
            by="ada",
        )  # the rows are loaded and packaged, and the job is running

        assignment = flow.claim("ben", job, Stage.LABEL)  # None when there is no work for ben
        for item in flow.tasks(assignment):
            flow.save(assignment, item, Regions([car], width=1280, height=720))
        flow.submit(assignment)

        assignment = flow.claim("di", job, Stage.INSPECT)
        item = next(flow.tasks(assignment))  # a sample of one; item.submitted is ben's answer
        flow.judge(assignment, item, wrong="the sign is missing")
        flow.reject(assignment)  # the task judged wrong goes back to ben: round 2

        assignment = flow.claim("ben", job, Stage.LABEL)
        for item in flow.tasks(assignment):  # only the rejected task; item.comment says why
            flow.save(assignment, item, Regions([car, sign], width=1280, height=720))
        flow.submit(assignment)

        flow.review(flow.claim("di", job, Stage.INSPECT))
        flow.accept(flow.claim("ada", job, Stage.ACCEPT))  # the job finishes by itself

        print(flow.jobs.progress(job))
        for event in flow.events.list(job):
            print(event)
        report = flow.results.export(job, "itag", folder / "street.out.manifest")
        print(f"exported {report.rows} rows, {report.blocks[Stage.ACCEPT]} of them accepted:")
        print((folder / "street.out.manifest").read_text()[:160], "…")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
