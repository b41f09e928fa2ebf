"""Every error that a verb raises in a story is one that its docstring names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.named_errors import Seen, watching


@pytest.fixture(scope="module")
def unnamed() -> Iterator[Seen]:
    with watching() as seen:
        yield seen


@pytest.fixture(autouse=True)
def _errors_are_named(unnamed: Seen) -> Iterator[None]:
    unnamed.clear()
    yield
    assert not unnamed, "name them under `Raises:` in the docstring, with when"
