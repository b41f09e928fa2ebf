"""Keeps what was found for one target: ``python -m fuzz.keep manifest``; needs no atheris.

Of what lies in ``.fuzz/<target>``, the smallest inputs that reach what no stored input reaches are added to
``fuzz/corpus/<target>``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import itagflow
from fuzz.inputs import CORPUS, FOUND, stored
from fuzz.targets import TARGETS

OURS = str(Path(itagflow.__file__).parent)

Way = tuple[str, int, int]
"""A file, one of its lines, and the line that came after it."""


def reached(target: Callable[[bytes], None], data: bytes) -> set[Way]:
    """Return the ways through the library that *data* takes."""
    found = set[Way]()

    def enter(frame: FrameType, _: str, __: object) -> Any:
        name, last = frame.f_code.co_filename, 0

        def step(frame: FrameType, event: str, _: object) -> Any:
            nonlocal last
            if event == "line":
                found.add((name, last, frame.f_lineno))
                last = frame.f_lineno
            return step

        return step if name.startswith(OURS) else None

    sys.settrace(enter)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return found


def main() -> None:
    """Keep what is worth it for the target that the command line names."""
    (name,) = sys.argv[1:]
    target, corpus = TARGETS[name], CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    known = {way for file in stored(name) for way in reached(target, file.read_bytes())}
    # the smallest come first: of two inputs that reach the same code, the smaller one is kept
    for file in sorted((FOUND / name).iterdir(), key=lambda file: (file.stat().st_size, file.name)):
        data = file.read_bytes()
        new = reached(target, data) - known
        if new:
            known |= new
            (corpus / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    print(f"{len(stored(name))} inputs of {name} take {len(known)} ways")


if __name__ == "__main__":
    main()
