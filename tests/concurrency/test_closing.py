"""A Flow can be closed at any time and from anywhere; the others learn that it is closed, and nothing else."""

from __future__ import annotations

# a few of each, as many as most faults need to show: `support.reliability.long` runs 50 of each
from support.reliability import closing
from support.reliability.trials import run_all


def test_three_close_at_once_while_eight_threads_work(url: str) -> None:
    run_all(url, (closing.under_load, 3), (closing.while_snapshots_begin, 2))


def test_it_is_closed_wherever_a_thread_happens_to_be(url: str) -> None:
    run_all(url, (closing.from_a_signal_handler, 2), (closing.from_a_finalizer, 2))


def test_it_is_closed_from_within_an_act_or_behind_it_or_twice(url: str) -> None:
    run_all(url, (closing.from_inside,), (closing.from_a_listener,), (closing.twice,))


def test_closing_waits_for_acts_that_run_as_long_as_it_is_told(url: str) -> None:
    run_all(url, (closing.at_a_timeout,), (closing.while_waiting,))


def test_whoever_was_reading_is_told(url: str) -> None:
    run_all(url, (closing.half_read,), (closing.while_listening,))
