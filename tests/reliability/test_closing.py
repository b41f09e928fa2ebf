"""A Flow can be closed at any time and from anywhere; the others learn that it is closed, and nothing else."""

from __future__ import annotations

import pytest
from reliability import closing
from reliability.trials import Trial, run


def test_three_close_at_once_while_eight_threads_work(url: str) -> None:
    run(closing.under_load, url, 5)


@pytest.mark.parametrize("where", [closing.from_a_signal_handler, closing.from_a_finalizer])
def test_it_is_closed_wherever_a_thread_happens_to_be(url: str, where: Trial) -> None:
    run(where, url, 5)


@pytest.mark.parametrize("where", [closing.from_inside, closing.from_a_listener, closing.twice])
def test_it_is_closed_from_within_an_act_or_behind_it_or_twice(url: str, where: Trial) -> None:
    run(where, url)


@pytest.mark.parametrize("how", [closing.at_a_timeout, closing.while_waiting])
def test_closing_waits_for_acts_that_run_as_long_as_it_is_told(url: str, how: Trial) -> None:
    run(how, url)


@pytest.mark.parametrize("who", [closing.half_read, closing.while_listening])
def test_whoever_was_reading_is_told(url: str, who: Trial) -> None:
    run(who, url)
