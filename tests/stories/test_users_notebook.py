"""A researcher in a notebook: one file, a few lines, answers in Python, a table at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Job,
    JobState,
    PreLabel,
    Stage,
    TaskState,
    maintenance,
    templates,
)

TEXTS = ("good film", "bad film", "so so", "great", "awful", "fine")


def begin(flow: Flow) -> Job:
    """Three lines; run again, they find what is there."""
    mine = flow.workspaces.create("mine", admin="me", exist_ok=True)
    return flow.jobs.create(
        mine,
        "sentiment",
        template=templates.text_classification(["pos", "neg"], title="Sentiment"),
        data=[{"source": text} for text in TEXTS],
        packaging=FixedSize(1),
        by="me",
        exist_ok=True,
    )


def label_some(flow: Flow, job: Job, count: int) -> list[str]:
    """Answer in Python calls, and return what was shown."""
    shown = list[str]()
    for _ in range(count):
        assignment = flow.claim("me", job, Stage.LABEL)
        assert assignment is not None
        for item in flow.tasks(assignment):
            text = item.task.data["source"]
            shown.append(text)
            flow.save(assignment, item, Choice("neg" if text in ("bad film", "awful") else "pos"))
        flow.submit(assignment)
    return shown


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "labels.db")


def test_a_cell_that_is_run_again_goes_on_where_it_was(path: str) -> None:
    with itagflow.open(path) as flow:
        job = begin(flow)
        assert label_some(flow, job, 2) == ["good film", "bad film"]
    with itagflow.open(path) as flow:  # the kernel was restarted
        job = begin(flow)
        assert label_some(flow, job, 4) == ["so so", "great", "awful", "fine"]
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert list(maintenance.verify(flow)) == []
    with itagflow.open(path) as flow:
        assert begin(flow).state is JobState.FINISHED


def test_a_kernel_that_dies_in_the_middle_keeps_what_was_saved(path: str) -> None:
    with itagflow.open(path) as flow:
        job = begin(flow)
        assignment = flow.claim("me", job, Stage.LABEL)
        assert assignment is not None
        flow.save(assignment, 1, Choice("pos"))
    with itagflow.open(path) as flow:
        job = begin(flow)
        resumed = flow.claim("me", job, Stage.LABEL, resume=True)
        assert resumed is not None
        assert resumed.id == assignment.id
        (item,) = flow.tasks(resumed)
        assert item.answer is not None
        assert item.answer.replies == {"1": Choice("pos")}
        flow.submit(resumed)


def test_rows_are_a_table_with_plain_values(flow: Flow) -> None:
    job = begin(flow)
    label_some(flow, job, 6)
    table = list(flow.results.rows(job))
    assert len({tuple(row) for row in table}) == 1, "every row has the same columns"
    assert [(row["source"], row["Sentiment"]) for row in table] == [
        ("good film", "pos"),
        ("bad film", "neg"),
        ("so so", "pos"),
        ("great", "pos"),
        ("awful", "neg"),
        ("fine", "pos"),
    ]
    assert {row["label_by"] for row in table} == {"me"}
    assert {row["state"] for row in table} == {"final"}
    assert repr(flow.jobs.get(job)).startswith("<Job 'sentiment' FINISHED")
    assert str(flow.jobs.progress(job)).startswith("6 of 6 tasks done")


def test_train_score_reorder(flow: Flow) -> None:
    """The model suggests, and what it is least sure of is asked next."""
    job = begin(flow)
    label_some(flow, job, 1)
    doubt = {"bad film": 10, "so so": 90, "great": 20, "awful": 30, "fine": 80}

    def predict(tasks: list[itagflow.Task]) -> list[PreLabel]:
        return [
            PreLabel(Choice("pos"), score=1 - doubt[task.data["source"]] / 100) for task in tasks
        ]

    report = flow.jobs.prelabel(job, predict, model="tiny", model_version="1", by="me")
    assert (report.suggested, report.in_progress) == (5, 0)
    for result in flow.results.list(job):
        if result.state is TaskState.TODO:
            score = doubt[result.task.data["source"]]
            flow.packages.prioritize(job, score, packages=[result.task.package], by="me")
    assert label_some(flow, job, 3) == ["so so", "fine", "awful"]
    # the next model is asked about the rest, and its suggestion stands beside the first one's
    again = flow.jobs.prelabel(job, predict, model="tiny", model_version="2", by="me")
    assert again.suggested == 2
    assignment = flow.claim("me", job, Stage.LABEL)
    assert assignment is not None
    (item,) = flow.tasks(assignment)
    assert {prediction.model_version for prediction in item.predictions} == {"1", "2"}


def test_a_slip_is_taken_back_before_and_after_it_is_handed_in(flow: Flow) -> None:
    job = begin(flow)
    assignment = flow.claim("me", job, Stage.LABEL)
    assert assignment is not None
    flow.save(assignment, 1, Choice("neg"))
    flow.save(assignment, 1, Choice("pos"))
    before, now = flow.results.versions(job, 1)
    assert before.answer.replies == {"1": Choice("neg")}
    flow.results.restore_version(assignment, 1, before)
    flow.results.restore_version(assignment, 1, now)
    flow.submit(assignment)
    flow.packages.reopen((job, 1), comment="a slip", by="me")
    again = flow.claim("me", job, Stage.LABEL, package=1)
    assert again is not None
    (item,) = flow.tasks(again)
    assert item.previous is not None or item.submitted is not None
    flow.save(again, item, Choice("neg"))
    flow.submit(again)
    assert flow.results.get(job, 1).replies == {"1": Choice("neg")}
