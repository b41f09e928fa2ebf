"""The pages are in plain English: `pages.txt` lists what nobody would say, with what is said instead.

Words alone, such as "whilst", are found by codespell in the session `lint`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
CODE = re.compile(r"^(`{3,}).*?^\1`*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#.*$", re.MULTILINE)
PHRASES = {
    re.compile(old): new
    for old, _, new in (
        line.rpartition(" -> ")
        for line in (HERE / "pages.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
}


def find_phrases(text: str) -> list[str]:
    """Return what of a page is listed, with what is said instead."""
    prose = HEADING.sub("", CODE.sub("", text))
    # a phrase may be cut in two at the end of a line; a paragraph ends a sentence
    paragraphs = (re.sub(r"\s+", " ", each) for each in re.split(r"\n\s*\n|\n(?=\s*- )", prose))
    return [
        f"{match[0]!r}: say {new}"
        for paragraph in paragraphs
        for phrase, new in PHRASES.items()
        for match in phrase.finditer(paragraph)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_in_plain_english(page: Path) -> None:
    if "_build" not in page.parts:
        assert find_phrases(page.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "Who closes it keeps the work for\nhalf an hour.",
        "- **Who has read cannot decide.** The others may.",
        "It goes to who labeled them.",
        "All are kept, but\nfor the boxes.",
        "A draft is no answer.",
        "Of a store that failed it says no more.",
        "So reads supervision.",
        "At the first look nobody sees it.",
        "Both are replaced at one stroke.",
    ],
)
def test_a_listed_phrase_is_found(text: str) -> None:
    assert find_phrases(text)


@pytest.mark.parametrize(
    "text",
    [
        "## Who is asked\n\nThe members. Nobody else.",
        "| who | Who did it |",
        "The result says who labeled it. Who did it? Ben.",
        "There is no answer. It looks right.",
        "```python\n# Who closes it keeps the work for long.\n```",
    ],
)
def test_other_sentences_are_left_alone(text: str) -> None:
    assert find_phrases(text) == []
