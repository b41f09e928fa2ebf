"""The links of README and documentation lead to what is there, and every page can be reached."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *(DOCS / "reference").glob("*.md")])
TEXTS = [*PAGES, *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"))]
CODE = re.compile(r"^(`{3,})(.*?)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def find_links(page: Path) -> Iterator[str]:
    """Yield where a page links to, outside of code."""
    text = re.sub(r"`[^`\n]+`", "", CODE.sub("", page.read_text("utf-8")))
    yield from LINK.findall(text)


def find_anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page."""
    text = CODE.sub("", page.read_text("utf-8"))
    return {make_anchor(title) for title in re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)}


def make_anchor(title: str) -> str:
    """Return the anchor of a heading, as GitHub and these pages make it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in find_links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in find_anchors(target), link


def test_pages_of_the_documentation_link_to_each_other_only() -> None:
    """What is built has no other files."""
    for page in PAGES:
        paths = [link.partition("#")[0] for link in find_links(page) if "://" not in link]
        targets = [(page.parent / path).resolve() for path in paths if path]
        assert [target.name for target in targets if DOCS not in target.parents] == [], page.name


def test_every_page_is_in_one_table_of_contents() -> None:
    places: Counter[str] = Counter()
    for page in PAGES:
        for _, kind, content in CODE.findall(page.read_text("utf-8")):
            if kind == "{toctree}":
                places.update(line for line in content.splitlines() if line and line[0] != ":")
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in PAGES} - {"index"}
    assert set(places) == pages
    assert max(places.values()) == 1


def test_links_and_anchors_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `more` page!\n\nSee [this](none.md#at), not `[that](this)`.\n")
    assert list(find_links(page)) == ["none.md#at"]
    assert find_anchors(page) == {"one-more-page"}


def test_every_extra_is_told_where_one_installs() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    table = (DOCS / "install.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(extras)
