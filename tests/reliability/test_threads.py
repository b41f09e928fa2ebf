"""Any number of threads share one Flow, whatever has started them."""

from __future__ import annotations

from reliability import threads
from reliability.trials import run, run_all


def test_a_thread_for_each_request_crashes_nothing_and_loses_nothing(url: str) -> None:
    run_all(url, (threads.requests, "threading", 2), (threads.requests, "_thread", 2))


def test_the_standard_web_server_serves_eight_clients_over_one_flow(url: str) -> None:
    run(threads.server, url, 2)
