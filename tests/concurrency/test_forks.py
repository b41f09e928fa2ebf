"""A process may fork at any time: each child writes or says at once that it cannot, and the parent does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reliability import connections, forks, points
from support.reliability.street import is_file
from support.reliability.trials import run, run_all

# Every way is tried, each a few times; at lines, the same ones in every run, with a step that is odd
# and prime, so that the parent waits at every second point and no loop is met at one place only.
# `support.reliability.long` forks at every line, and hundreds of times.


@pytest.fixture
def other(url: str, tmp_path: Path) -> str:
    """The URL of a second store, where each has a file of its own."""
    return str(tmp_path / "other.db") if is_file(url) else url


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "labels.db")


def test_a_child_forked_during_the_acts_of_others_writes(url: str) -> None:
    run_all(url, (forks.during_writes, 9 if is_file(url) else 6), (forks.of_children, 1))


def test_a_child_forked_during_a_load_writes(url: str) -> None:
    run_all(url, (forks.during_a_load, 1_500), (forks.by_the_data, 250))


def test_a_child_forked_inside_an_act_writes_or_refuses_at_once(url: str) -> None:
    run_all(url, (forks.inside_a_policy, 4), (forks.inside_a_signal_handler, 8))


def test_a_child_that_goes_on_in_the_middle_of_an_act_stores_nothing(file: str) -> None:
    run(points.everywhere, file, 23)


@pytest.mark.parametrize("whose", connections.OWNERS)
def test_a_child_forked_at_any_line_of_a_transaction_leaves_the_parents_connection_alone(
    postgres_url: str, whose: str
) -> None:
    run(connections.everywhere, postgres_url, whose, 67)


def test_a_child_forked_by_the_function_that_connects_refuses_the_connection(
    postgres_url: str,
) -> None:
    run(connections.in_the_function_that_connects, postgres_url, 2)


def test_two_stores_are_open_at_the_fork(url: str, other: str) -> None:
    run_all(url, (forks.with_two_flows, other, 3), (forks.inside_an_act_on_another_flow, other, 2))


def test_the_same_file_is_open_twice_at_the_fork(file: str) -> None:
    run_all(file, (forks.with_two_flows, file, 3), (forks.inside_an_act_on_another_flow, file, 3))


def test_the_end_of_a_child_disturbs_nobody(url: str) -> None:
    run_all(url, (forks.that_exit, 3), (forks.with_a_half_read_snapshot, 1))


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
def test_processes_of_the_standard_library_write(file: str, way: str) -> None:
    run(forks.by_multiprocessing, file, way, 2)


def test_a_store_in_memory_stays_with_its_process() -> None:
    run(forks.by_multiprocessing, "memory:", "fork", 2)


def test_another_program_holds_the_file_at_the_fork(file: str) -> None:
    run(forks.while_another_process_holds_the_file, file, 1)


def test_another_thread_closes_the_store_at_the_fork(url: str) -> None:
    run(forks.while_it_is_closed, url, 2)
