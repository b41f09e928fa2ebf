"""A process may fork at any time: each child writes or says at once that it cannot, and the parent does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from reliability import forks
from reliability.street import is_file
from reliability.trials import Trial, run


@pytest.fixture
def other(url: str, tmp_path: Path) -> str:
    """The URL of a second store, where each has a file of its own."""
    return str(tmp_path / "other.db") if is_file(url) else url


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (forks.during_writes, 20),
        (forks.during_a_load, 3_000),
        (forks.by_the_data, 1_000),
        (forks.of_children, 3),
    ],
)
def test_a_child_forked_during_the_acts_of_others_writes(url: str, where: Trial, count: int) -> None:
    run(where, url, count)


@pytest.mark.parametrize("where", [forks.inside_a_policy, forks.inside_a_signal_handler])
def test_a_child_forked_inside_an_act_writes_or_refuses_at_once(url: str, where: Trial) -> None:
    run(where, url, 12)


@pytest.mark.parametrize("act", [forks.with_two_flows, forks.inside_an_act_on_another_flow])
def test_two_stores_are_open_at_the_fork(url: str, other: str, act: Trial) -> None:
    run(act, url, other, 8)


@pytest.mark.parametrize("act", [forks.with_two_flows, forks.inside_an_act_on_another_flow])
def test_the_same_file_is_open_twice_at_the_fork(tmp_path: Path, act: Trial) -> None:
    url = str(tmp_path / "labels.db")
    run(act, url, url, 8)


@pytest.mark.parametrize(("how", "count"), [(forks.that_exit, 9), (forks.with_a_half_read_snapshot, 4)])
def test_the_end_of_a_child_disturbs_nobody(url: str, how: Trial, count: int) -> None:
    run(how, url, count)


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_processes_of_the_standard_library_write(url: str, way: str) -> None:
    run(forks.by_multiprocessing, url, way, 3)


def test_a_store_in_memory_stays_with_its_process() -> None:
    run(forks.by_multiprocessing, "memory:", "fork", 2)


def test_another_program_holds_the_file_at_the_fork(tmp_path: Path) -> None:
    run(forks.while_another_process_holds_the_file, str(tmp_path / "labels.db"), 1)


def test_another_thread_closes_the_store_at_the_fork(url: str) -> None:
    run(forks.while_it_is_closed, url, 4)
