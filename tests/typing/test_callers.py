"""The code that the type checkers check is code that runs."""

from __future__ import annotations

import runpy
from pathlib import Path

from itagflow import Choice, Stage


def test_the_code_of_callers_runs() -> None:
    callers = runpy.run_path(str(Path(__file__).with_name("callers.py")))
    said = [result.stages[Stage.LABEL].replies for result in callers["main"]()]
    assert said.count({"1": Choice("cat")}) == len(said) > 0
