"""Threads and processes together: nothing is given out twice, nothing is lost."""

from __future__ import annotations

import pytest
from support.reliability import crowds
from support.reliability.trials import run


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_threads_and_processes_do_anything_at_once(url: str) -> None:
    run(crowds.together, url, 4)  # seconds, of which the processes start for one; 600 by hand
