"""Numbers that pages name are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from itagflow.jobs.priorities import BLOCK

HOME = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/queues.md", f"in transactions of up to {BLOCK:,} packages"),
        ("src/itagflow/api/packages.py", f"Each transaction then holds up to {BLOCK:,} packages"),
        ("CHANGELOG.md", f"each its own priority, in transactions of {BLOCK:,}"),
    ],
)
def test_a_page_names_the_number_of_the_code(page: str, words: str) -> None:
    assert words in " ".join((HOME / page).read_text("utf-8").split())
