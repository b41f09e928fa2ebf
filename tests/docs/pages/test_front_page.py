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
    names: dict[str, object] = {}
    for program, shown in zip(programs, read_blocks("docs/quickstart.md", "console"), strict=True):
        exec(program, names)
        assert capsys.readouterr().out == shown.removeprefix("$ python pets.py\n")
