"""Any number of threads share one Flow, whatever has started them."""

from __future__ import annotations

import pytest
from reliability import threads
from reliability.trials import run


@pytest.mark.parametrize("way", ["threading", "_thread"])
def test_a_thread_for_each_request_crashes_nothing_and_loses_nothing(url: str, way: str) -> None:
    run(threads.requests, url, way, 2)


def test_the_standard_web_server_serves_eight_clients_over_one_flow(url: str) -> None:
    run(threads.server, url, 2)
