"""What the fuzzer found is run again, and a short random run; `fuzz/` has the long ones."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

import pytest
from fuzz.inputs import HOME, stored
from fuzz.mutate import mutated
from fuzz.targets import SLOW, TARGETS

FILES = [file for name in TARGETS for file in stored(name)]
TIMEOUT = 30
"""After how many seconds an input counts as hanging; each takes some thousandths of one."""
RUNS = 200
"""How many inputs are drawn for each target: the same ones in every run, since the seed is fixed."""


@contextmanager
def watched(data: bytes) -> Generator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        pytest.fail(f"hangs on {data!r}")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIMEOUT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(HOME)))
def test_what_the_fuzzer_found_stays_harmless(file: Path) -> None:
    data = file.read_bytes()
    with watched(data):
        TARGETS[file.parent.name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_short_random_run_lets_nothing_out(name: str) -> None:
    random = Random(name)
    inputs = [file.read_bytes() for file in stored(name)]
    for _ in range(RUNS // 5 if name in SLOW else RUNS):
        data = mutated(random.choice(inputs), random)
        with watched(data):
            try:
                TARGETS[name](data)
            except Exception as error:
                error.add_note(f"the input was {data!r}")
                raise
