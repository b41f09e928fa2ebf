"""Files for TRL are read by `datasets`, and have the columns that its trainers ask for.

TRL itself brings all of PyTorch.  What its documentation says a row must be is checked here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from itagflow import (
    Choice,
    Preference,
    Result,
    Stage,
    Task,
    TaskState,
    Template,
    Text,
    formats,
    templates,
)
from itagflow.model import StageResult
from itagflow.templates import Option, Question, QuestionKind, View

datasets = pytest.importorskip("datasets", reason="nox -s interop runs this")
PAIRS = templates.pairwise_preference()
JUDGED = Template(
    questions=[Question("1", QuestionKind.RADIO, "Good?", [Option("yes"), Option("no")])],
    views=[View("Text", "prompt"), View("Text", "a")],
)
WRITTEN = Template(
    questions=[Question("1", QuestionKind.OPEN_ENDED, "Answer")], views=[View("Text", "prompt")]
)


def load(path: Path, replies: list[Any], template: Template, **more: Any) -> Any:
    data = {"prompt": "The sky is", "a": " blue.", "b": " green."}
    results = []
    for number, reply in enumerate(replies, 1):
        said = {"1": reply}
        made = {Stage.LABEL: StageResult(stage=Stage.LABEL, replies=said, round=1, member=2)}
        task = Task(job=4, number=number, package=1, row=json.dumps({"data": data}))
        results.append(Result(task=task, state=TaskState.FINAL, stages=made))
    file = path / "rows.jsonl"
    formats.write("trl", results, file, template=template, lossy="error", **more)
    return datasets.load_dataset("json", data_files=str(file), cache_dir=str(path))["train"]


def is_conversational(value: Any) -> bool:
    """Whether a column holds messages, as TRL tells it."""
    return isinstance(value, list) and {"role", "content"} <= value[0].keys()


@pytest.mark.parametrize("conversational", [False, True])
def test_pairs(tmp_path: Path, conversational: bool) -> None:
    rows = load(tmp_path, [Preference("b"), Preference("a")], PAIRS, conversational=conversational)
    assert rows.column_names == ["prompt", "chosen", "rejected"]
    for row in rows:
        assert [is_conversational(value) for value in row.values()] == [conversational] * 3
    chosen = rows[0]["chosen"]
    assert chosen == (
        [{"role": "assistant", "content": " green."}] if conversational else " green."
    )


@pytest.mark.parametrize("conversational", [False, True])
def test_unpaired_ratings(tmp_path: Path, conversational: bool) -> None:
    more = {"kind": "unpaired", "good": "yes", "conversational": conversational}
    rows = load(tmp_path, [Choice("yes"), Choice("no")], JUDGED, **more)
    assert rows.column_names == ["prompt", "completion", "label"]
    assert rows.features["label"] == datasets.Value("bool")
    assert rows["label"][:] == [True, False]
    assert is_conversational(rows[0]["completion"]) is conversational


def test_messages(tmp_path: Path) -> None:
    rows = load(tmp_path, [Text("blue."), Text("It is blue.")], WRITTEN, kind="messages")
    assert rows.column_names == ["messages"]
    assert [message["role"] for message in rows[1]["messages"]] == ["user", "assistant"]
    assert rows[1]["messages"][1]["content"] == "It is blue."


def test_margins_for_a_reward_model(tmp_path: Path) -> None:
    degrees = templates.pairwise_preference(degrees=3)
    rows = load(tmp_path, [Preference("a", degree=2)], degrees, margin=True)
    assert rows.features["margin"] == datasets.Value("float64")
    assert rows[0]["margin"] == 2.0
