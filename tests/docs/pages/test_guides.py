"""The guides: every verb and every name that is imported from the top is used in one of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest
from docs.building.listing import list_nouns

import itagflow
from itagflow import delivery, model, quality

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


MODULES = (
    *("access", "aio", "delivery", "display", "errors", "formats", "json", "maintenance", "model"),
    *("prelabels", "quality", "schema", "storage", "templates", "testing", "typing"),
)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_module_is_in_a_guide(name: str) -> None:
    imported = rf"from itagflow import .*\b{name}\b"
    assert re.search(rf"\bitagflow\.{name}\b|{imported}", CODE_OF_GUIDES), name


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_a_module_is_in_a_guide(module: str) -> None:
    names: list[str] = getattr(import_module(f"itagflow.{module}"), "__all__", [])
    missing = [name for name in names if not re.search(rf"\b{name}\b", CODE_OF_GUIDES)]
    assert missing == []


VALUES = (ROOT / "docs" / "values.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("value", "verb"),
    [
        (value, verb)
        for value, verbs in re.findall(
            r"^\| `(\w+)` \| (`[a-z_.]+`(?:, `[a-z_.]+`)*) \|", VALUES, re.MULTILINE
        )
        for verb in re.findall(r"`([a-z_.]+)`", verbs)
        if f"flow.{verb}" in set(list_verbs())
    ],
)
def test_a_verb_returns_what_the_page_says(value: str, verb: str) -> None:
    with itagflow.open("memory:") as flow:
        returned = inspect.signature(attrgetter(verb)(flow)).return_annotation
    assert re.search(rf"\b{value}\b", str(returned))


@pytest.mark.parametrize(
    ("name", "words"), re.findall(r"^\| `(\w+)` \| `[^|]+` \| (`[^|]+`) \|$", VALUES, re.MULTILINE)
)
def test_the_words_of_an_enum_are_those_of_the_page(name: str, words: str) -> None:
    found = [getattr(module, name, None) for module in (model, delivery, quality)]
    kind = next(each for each in found if each is not None)
    assert [str(member.value) for member in kind] == re.findall(r"`([^`]+)`", words)
