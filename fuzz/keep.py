"""Keeps what was found for one target: ``python fuzz/keep.py manifest``; needs no atheris.

Of what lies in ``.fuzz/<target>``, the smallest inputs that reach what no seed reaches are added to
``fuzz/corpus/<target>``.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from targets import TARGETS

import itagflow

HOME = Path(__file__).parents[1]
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
    found, seeds = HOME / ".fuzz" / name, HOME / "fuzz" / "corpus" / name
    seeds.mkdir(parents=True, exist_ok=True)
    known = {way for file in seeds.iterdir() for way in reached(TARGETS[name], file.read_bytes())}
    for file in sorted(found.iterdir(), key=lambda file: (file.stat().st_size, file.name)):
        data = file.read_bytes()
        if new := reached(TARGETS[name], data) - known:
            known |= new
            (seeds / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    print(f"{len(list(seeds.iterdir()))} seeds of {name} take {len(known)} ways")


if __name__ == "__main__":
    main()
