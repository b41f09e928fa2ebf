"""The examples run, and show what they say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_quickstart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("quickstart").main(tmp_path)
    shown = capsys.readouterr().out
    assert "2 of 2 tasks done: 1 packages (2 tasks) done" in shown
    assert "di rejected package 1 (1 task): the sign is missing" in shown
    lines = (tmp_path / "street.out.manifest").read_text().splitlines()
    keys = [list(json.loads(line)) for line in lines]
    assert [len(row) for row in keys] == [4, 4]
    assert [key.split("-")[2:] for key in keys[0][1:]] == [[], ["check"], ["verify"]]


def test_coco_boxes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coco = example("coco_boxes")
    made, caught = coco.main(sample=1.0)
    assert made == caught > 10, "who looks at everything catches everything"
    made, caught = coco.main(str(tmp_path / "labels.db"), sample=0.4)
    assert 0 < caught < made
    assert "99 of 99 tasks done" in capsys.readouterr().out
