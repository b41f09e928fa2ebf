"""The documentation is built without a warning, and what is built is usable offline."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")

DOCS = Path(__file__).parents[2] / "docs"
SITE = DOCS / "_build" / "html"
MOST_BYTES = {"reference": 100_000, "guide": 150_000}
"""How large a page may be; the source code beside it may be larger."""
LOADED = re.compile(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"([^\"]+)\"")


@pytest.fixture(scope="session")
def site() -> Path:
    """The built pages."""
    # a process of its own, since the configuration changes what classes say of themselves
    command = [sys.executable, "-m", "sphinx", "-n", "-W", "--keep-going", "-q", "-E", DOCS, SITE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return SITE


def find_pages(site: Path) -> Iterator[Path]:
    """Yield all pages but the source code."""
    for page in sorted(site.rglob("*.html")):
        if "_modules" not in page.relative_to(site).parts:
            yield page


def test_no_page_is_too_large(site: Path) -> None:
    sizes = {page.relative_to(site): page.stat().st_size for page in find_pages(site)}
    assert len(sizes) > 80
    too_large = {
        str(page): size
        for page, size in sizes.items()
        if size > MOST_BYTES["reference" if page.parts[0] == "reference" else "guide"]
    }
    assert too_large == {}


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in find_pages(site):
        found = LOADED.findall(page.read_text("utf-8"))
        assert found, page
        assert [each for each in found if "//" in each] == [], page


def test_signatures_have_types_and_links_to_the_source(site: Path) -> None:
    page = (site / "reference" / "flow.html").read_text("utf-8")
    assert 'href="typing.html#itagflow.typing.MemberRef"' in page
    assert 'href="../_modules/itagflow/flow.html#Flow.claim"' in page


def test_defaults_are_shown_as_they_are_written(site: Path) -> None:
    for page in sorted((site / "reference").glob("*.html")):
        text = page.read_text("utf-8")
        assert "NOTHING" not in text, page.name
        assert "&lt;function" not in text, page.name


def test_code_can_be_copied(site: Path) -> None:
    assert "copybutton.js" in (site / "quickstart.html").read_text("utf-8")


def test_the_web_app_can_be_downloaded(site: Path) -> None:
    page = (site / "web-app.html").read_text("utf-8")
    (link,) = re.findall(r'href="([^"]+\.zip)"', page)
    with ZipFile(site / link) as archive:
        assert "examples/web/static/index.html" in archive.namelist()


def test_lifecycles_are_drawn(site: Path) -> None:
    page = (site / "lifecycles.html").read_text("utf-8")
    assert page.count('<svg class="lifecycle"') == 3


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("datafram", "tables"),
        ("panda", "tables"),
        ("django", "django-flask"),
        ("coco", "formats"),
        ("postgresql", "many-machines"),
        ("cvat", "coming-from"),
        ("backup", "backup"),
    ],
)
def test_the_search_finds_it(site: Path, word: str, page: str) -> None:
    """Words are in the index as the search looks them up: without their endings."""
    script = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(script.removeprefix("Search.setIndex(").removesuffix(")"))
    found: set[str] = set()
    for where in ("terms", "titleterms"):
        places = index[where].get(word, [])
        numbers = [places] if isinstance(places, int) else places
        found.update(index["docnames"][number] for number in numbers)
    assert page in found
