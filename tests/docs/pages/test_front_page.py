"""README and quickstart: short programs that run twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_blocks(name: str, kind: str) -> list[str]:
    """Return the blocks of one kind in a page."""
    text = (ROOT / name).read_text("utf-8")
    return [block for found, block in BLOCK.findall(text) if found == kind]


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/quickstart.md"])
def test_the_program_runs_twice(
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    program = read_blocks(page, "python")[0]
    exec(program, {})
    first = (capsys.readouterr().out.splitlines(), Path("pets.csv").read_bytes())
    exec(program, {})
    again = (capsys.readouterr().out.splitlines(), Path("pets.csv").read_bytes())
    assert again[1] == first[1]
    assert again[0] == [line for line in first[0] if "is shown" not in line]
    assert b"cat" in first[1]


def test_the_first_program_is_short() -> None:
    (program,) = read_blocks("README.md", "python")
    lines = [
        line for line in program.splitlines() if line and not line.startswith(("import", "from"))
    ]
    assert len(lines) <= 15


def test_the_quickstart_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    programs = read_blocks("docs/quickstart.md", "python")
    consoles = read_blocks("docs/quickstart.md", "console")[1:]  # the first one installs
    for program, shown in zip(programs, consoles, strict=True):
        exec(program, {})  # each is a file of its own
        assert capsys.readouterr().out == shown.partition("\n")[2]


@pytest.mark.parametrize(
    "page", ["docs/install.md", "docs/quickstart.md", "docs/notebooks.md", "docs/web-app.md"]
)
def test_the_page_begins_with_an_empty_machine(page: str) -> None:
    """Who follows this page alone needs no other one to install what it uses."""
    lines = read_blocks(page, "console")[0].splitlines()
    assert lines[:2] == ["$ python3 -m venv .venv", "$ source .venv/bin/activate"]
    assert lines[2].startswith("$ pip install ")
    assert "itagflow" in lines[2]


@pytest.mark.parametrize("page", ["docs/quickstart.md", "docs/notebooks.md", "docs/web-app.md"])
def test_the_page_ends_with_exported_data(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert re.search(r"results\.export\(|\*\*Export\*\*", text)
