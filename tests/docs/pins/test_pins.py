"""Nothing that people, files or programs rely on changes by accident.

After a change by design, ``python tests/docs/pins/write.py`` writes the texts again, and the diff of the
commit shows what changed.
"""

from __future__ import annotations

import pytest
from support.pins import golden


def must_be_as_pinned(texts: dict[str, str]) -> None:
    if difference := golden.difference(texts):
        pytest.fail(
            f"differs from tests/docs/pins; if by design, run python tests/docs/pins/write.py\n{difference}",
            pytrace=False,
        )


def test_public_names_and_signatures() -> None:
    must_be_as_pinned(golden.public())


def test_history_and_exports_of_a_story(url: str) -> None:
    must_be_as_pinned(golden.story(url))


def test_every_pinned_file_is_compared() -> None:
    written = {**golden.public(), **golden.story("memory:")}
    kept = {
        path.relative_to(golden.FOLDER).as_posix()
        for path in golden.FOLDER.rglob("*.*")
        if path.suffix != ".py"
    }
    assert {name for name in kept if "__pycache__" not in name} == set(written)


def test_a_difference_is_a_diff_that_people_can_read() -> None:
    lines = golden.difference(
        {"public.txt": golden.read("public.txt").replace("class Job ", "class Order ")}
    )
    assert lines.startswith("--- public.txt (pinned)\n+++ public.txt (now)\n@@ ")
    assert "\n-class Job  [keywords only]\n+class Order  [keywords only]\n" in lines
