"""Where the inputs of the targets are."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).parent
CORPUS = HOME / "corpus"
"""The smallest inputs that reach all known code; their names are hashes, and `keep` adds to them."""
REGRESSIONS = HOME / "regressions"
"""Inputs that failed once, under a name that describes them; nothing removes or replaces them."""
FOUND = HOME.parent / ".fuzz"
"""What the runs on this machine leave; it is not stored with the project."""


def stored(target: str) -> list[Path]:
    """Return the files of the corpus and the regressions of a target, in a fixed order."""
    return sorted(
        file
        for kind in (CORPUS, REGRESSIONS)
        for file in (kind / target).glob("*")
        if file.is_file()
    )
