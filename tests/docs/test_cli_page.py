"""The page about the command line: its commands are run, and print what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from itagflow.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a shell shows of a command: what it prints, and an exit code that is not 0."""
    program, *arguments = shlex.split(command)
    assert program == "itagflow"
    code = main(arguments)
    shown = capsys.readouterr()
    return shown.out + shown.err + (f"[{code}]\n" if code else "")


def is_as_told(told: str, shown: str) -> bool:
    """Whether a text is the one on the page, where an ellipsis stands for anything in a line."""
    pattern = ".*".join(map(re.escape, told.split("…")))
    return re.fullmatch(pattern, shown) is not None


def test_the_page_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    commands = 0
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if kind == "python":
            exec(text, names)
            continue
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, told = part.partition("\n")
            shown = run(command, capsys)
            assert is_as_told(told, shown), f"{command}\n{shown}"
            commands += 1
    assert commands > 10
