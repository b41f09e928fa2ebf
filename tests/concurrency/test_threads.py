"""Any number of threads share one Flow, whatever has started them."""

from __future__ import annotations

from pathlib import Path

from support.reliability import threads
from support.reliability.trials import run, run_all


def test_a_thread_for_each_request_crashes_nothing_and_loses_nothing(url: str) -> None:
    # hundreds of threads in a second; a minute of each by hand
    run_all(url, *((threads.requests, way, 1) for way in ("threading", "_thread")))


def test_the_standard_web_server_serves_eight_clients_over_one_flow(tmp_path: Path) -> None:
    run(threads.server, str(tmp_path / "labels.db"), 1)
