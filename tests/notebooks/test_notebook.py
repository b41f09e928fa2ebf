"""The page about notebooks as a notebook, run by a kernel: the nox session ``notebooks``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

import itagflow

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("matplotlib")
PAGE = Path(__file__).parents[2] / "docs" / "notebooks.md"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The cells of the page, after all of them have run."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    book = nbformat.v4.new_notebook()
    # what a cell ends with is what the notebook shows
    book.cells = [nbformat.v4.new_code_cell(block) for block in ("%matplotlib inline", *blocks)]
    folder = str(tmp_path_factory.mktemp("notebook"))
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    # the kernel works in another folder, and is to import the same library
    client.execute(env={**os.environ, "PYTHONPATH": str(Path(itagflow.__file__).parents[1])})
    found: list[Any] = book.cells[1:]
    return found


def shown(cell: Any, kind: str) -> list[str]:
    """What a cell shows in a format."""
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def test_values_show_themselves(cells: list[Any]) -> None:
    (progress,) = shown(cells[0], "text/html")
    assert "4 of 4 tasks done" in progress
    (people,) = shown(cells[1], "text/html")
    assert "ada" in people
    (picture,) = shown(cells[2], "text/html")
    assert picture.startswith("<svg")
    (grid,) = shown(cells[3], "text/html")
    assert grid.count("<svg") == 4


def test_charts_are_drawn(cells: list[Any]) -> None:
    assert len(shown(cells[4], "image/png")) == 2
