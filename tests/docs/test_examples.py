"""The examples run and print what they promise."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_active_learning_finds_more_with_as_many_labels(capsys: pytest.CaptureFixture[str]) -> None:
    example("active_learning").main()
    lines = capsys.readouterr().out.splitlines()
    errors = {line.split(":")[0]: float(line.split()[-1]) for line in lines}
    assert errors["least-sure-first"] < errors["as-they-come"]
    assert errors["least-sure-first"] < 0.01


def test_quickstart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("quickstart").main(tmp_path)
    shown = capsys.readouterr().out
    assert "2 of 2 tasks done: 1 package (2 tasks) done" in shown
    assert "di rejected package 1 (1 task): the sign is missing" in shown
    lines = (tmp_path / "street.out.manifest").read_text().splitlines()
    keys = [list(json.loads(line)) for line in lines]
    assert [len(row) for row in keys] == [4, 4]
    assert [key.split("-")[2:] for key in keys[0][1:]] == [[], ["check"], ["verify"]]


@pytest.mark.parametrize("url", ["memory:", "labels.db"])
def test_the_main_story_runs(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"data": {"source": name}} for name in ("a.jpg", "b.jpg")]
    Path("street.manifest").write_text("".join(json.dumps(row) + "\n" for row in rows))
    exec(STORY.replace("labels.db", url), {})
    shown = capsys.readouterr().out
    assert "di rejected package 1 (1 task): the sign is missing" in shown
    assert len(Path("street.out.manifest").read_text().splitlines()) == 2


STORY = """
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

car = Box(10, 20, 100, 200, label="car")
sign = Box(300, 40, 30, 30, label="sign")

with itagflow.open("labels.db") as flow:          # a SQLite file; "memory:" works the same way
    street = flow.workspaces.create("street", admin="ada")      # ada is its first member
    for name in ("ben", "cy", "di"):
        flow.members.add(street, name, Role.OPERATOR, by="ada")

    job = flow.jobs.create(
        street,
        "signs-2026-11",
        template=templates.object_detection(["car", "sign"]),
        data="street.manifest",                   # a path, or any iterable of rows
        workflow=Workflow(Label(), Inspect(task_share=0.5), Accept()),
        packaging=FixedSize(2),
        workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]},
        by="ada",
    )                                             # the job is running; draft=True leaves a draft

    assignment = flow.claim("ben", job, Stage.LABEL)    # None when there is no work for ben
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Regions([car], width=1280, height=720))
    flow.submit(assignment)

    assignment = flow.claim("di", job, Stage.INSPECT)
    item = next(flow.tasks(assignment))           # one of two tasks: the sample
    assert len(item.submitted.reply.regions) == 1  # ben's answer
    flow.judge(assignment, item, wrong="the sign is missing")
    flow.reject(assignment)                       # the task judged wrong goes back to ben: round 2

    assignment = flow.claim("ben", job, Stage.LABEL)
    (item,) = flow.tasks(assignment)              # only the rejected task
    assert item.comment == "the sign is missing"
    flow.save(assignment, item, Regions([car, sign], width=1280, height=720))
    flow.submit(assignment)

    assignment = flow.claim("di", job, Stage.INSPECT)
    flow.review(assignment)                       # inspection passed
    assignment = flow.claim("ada", job, Stage.ACCEPT)
    flow.accept(assignment)                       # the job finishes by itself

    print(flow.jobs.progress(job))                # packages and tasks by stage and state
    for event in flow.events.list(job):
        print(event)                              # 14:02 di rejected package 1 (1 task): …
    flow.results.export(job, "itag", "street.out.manifest")
"""


def test_coco_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coco = example("coco_boxes")
    made, caught = coco.main(sample=1.0)
    assert made == caught > 10, "an inspection of every task finds every mistake"
    made, caught = coco.main(str(tmp_path / "labels.db"), sample=0.4)
    assert 0 < caught < made
    assert "99 of 99 tasks done" in capsys.readouterr().out


def test_label_counts(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "label_counts.py", tmp_path]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown == "{'dog': 120, 'cat': 30}\n"


def test_verify_partitions(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "verify_partitions.py", tmp_path]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(shown) == 4
    assert shown[3] == "tasks 751 to 1000: 0 inconsistencies"


def test_webhooks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("webhooks").main(tmp_path)
    shown = capsys.readouterr().out
    events = "create_workspace, add_member, add_member"
    assert shown == f"4 calls, 3 events, lag 0: {events}\n"
