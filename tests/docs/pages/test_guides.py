"""The guides: every verb and every name that is imported from the top is used in one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.building.listing import list_nouns

import itagflow

ROOT = Path(__file__).parents[3]
GUIDES = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem != "reference"]
CODE = re.compile(r"^```python\n(.*?)^```|(?<!`)`([^`\n]+)`(?!`)", re.MULTILINE | re.DOTALL)
"""Code that is run, and words of code in a sentence."""


def read_code() -> str:
    """Return all code of the guides."""
    found = [match for page in GUIDES for match in CODE.findall(page.read_text("utf-8"))]
    return "\n".join(block or words for block, words in found)


def list_verbs() -> Iterator[str]:
    """Yield each verb as it is called."""
    for noun, kind in list_nouns():
        for name, verb in vars(kind).items():
            if callable(verb) and not name.startswith("_"):
                yield ".".join(filter(None, ("flow", noun, name)))


CODE_OF_GUIDES = read_code()


@pytest.mark.parametrize("verb", list(list_verbs()))
def test_every_verb_is_in_a_guide(verb: str) -> None:
    # a client of another name, as `async_flow`, or a noun alone, as `jobs.pause`
    assert re.search(rf"\b{re.escape(verb.removeprefix('flow.'))}\b", CODE_OF_GUIDES), verb
    if verb.count(".") == 1:
        assert re.search(rf"\bflow\.{verb.partition('.')[2]}\b", CODE_OF_GUIDES), verb


@pytest.mark.parametrize("name", itagflow.__all__)
def test_every_name_is_in_a_guide(name: str) -> None:
    assert re.search(rf"\b{name}\b", CODE_OF_GUIDES), name


@pytest.mark.parametrize(
    "module",
    [
        *("itagflow.access", "itagflow.aio", "itagflow.delivery", "itagflow.errors"),
        *("itagflow.formats", "itagflow.json", "itagflow.maintenance", "itagflow.model"),
        *("itagflow.prelabels", "itagflow.quality", "itagflow.schema", "itagflow.storage"),
        *("itagflow.templates", "itagflow.testing", "itagflow.typing"),
    ],
)
def test_every_public_module_is_in_a_guide(module: str) -> None:
    _, _, name = module.partition(".")
    imported = rf"from itagflow import .*\b{name}\b"
    assert re.search(rf"\b{re.escape(module)}\b|{imported}", CODE_OF_GUIDES), module
