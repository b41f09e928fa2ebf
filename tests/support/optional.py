"""Verbs that need a library that need not be installed."""

from __future__ import annotations

import pytest

NEEDED = {"results.to_arrow": "pyarrow"}
"""The library that a verb needs."""


def skip_without(verb: str) -> None:
    """Skip the test when the library is not there that *verb* needs; nox installs all of them."""
    for name, library in NEEDED.items():
        if verb.endswith(name):
            pytest.importorskip(library, reason=f"{name} needs {library}")
