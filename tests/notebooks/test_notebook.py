"""The page about notebooks as a notebook, run by a kernel: the nox session ``notebooks``."""

from __future__ import annotations

import json
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebook is."""
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def cells(folder: Path) -> list[Any]:
    """The cells of the page, after all of them have run."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    book = nbformat.v4.new_notebook()
    # what a cell ends with is what the notebook shows
    book.cells = [nbformat.v4.new_code_cell(block) for block in ("%matplotlib inline", *blocks)]
    client = nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    # the kernel works in another folder, and is to import the same library
    client.execute(env={**os.environ, "PYTHONPATH": str(Path(itagflow.__file__).parents[1])})
    found: list[Any] = book.cells[1:]
    return found


def shown(cell: Any, kind: str) -> list[str]:
    """What a cell shows in a format."""
    return [output.data[kind] for output in cell.outputs if kind in output.get("data", {})]


def find(cells: list[Any], code: str) -> Any:
    """The first cell with this in it."""
    return next(cell for cell in cells if code in cell.source)


def test_values_show_themselves(cells: list[Any]) -> None:
    before, after = (cell for cell in cells if cell.source.endswith("flow.jobs.progress(job)\n"))
    assert "0 of 4 tasks done" in shown(before, "text/html")[0]
    assert "4 of 4 tasks done" in shown(after, "text/html")[0]
    (people,) = shown(find(cells, "quality.statistics"), "text/html")
    assert "ada" in people
    (history,) = shown(find(cells, "events.list"), "text/html")
    assert "submit" in history


def test_images_texts_and_sounds_are_shown(cells: list[Any]) -> None:
    (grid,) = shown(find(cells, "show_results"), "text/html")
    assert grid.count("<svg") == 4
    assert grid.count("data:image/png;base64,") == 4
    (picture,) = shown(find(cells, "show_regions"), "text/html")
    assert picture.startswith("<svg")
    assert "data:image/png;base64," in picture
    (text,) = shown(find(cells, "show_spans"), "text/html")
    assert "person" in text
    (line,) = shown(find(cells, "show_segments"), "text/html")
    assert line.startswith("<svg")


def test_charts_are_drawn(cells: list[Any]) -> None:
    for chart in ("plot_progress", "plot_members"):
        assert len(shown(find(cells, chart), "image/png")) == 1


def test_the_results_are_a_file_beside_the_notebook(cells: list[Any], folder: Path) -> None:
    assert shown(find(cells, "results.export"), "text/plain")
    exported = json.loads((folder / "signs.json").read_text("utf-8"))
    assert [image["file_name"] for image in exported["images"]] == [f"{n}.png" for n in range(4)]
    assert {tuple(each["bbox"][1:]) for each in exported["annotations"]} == {(80, 120, 80)}
