from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import invariants
import pytest
from hypothesis import settings
from scenes import Clock

import itagflow
from itagflow import Flow

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def flow(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Flow]:
    url = "memory:" if request.param == "memory" else str(tmp_path / "labels.db")
    with itagflow.open(url, clock=clock) as opened:
        yield opened
        invariants.check(opened)
