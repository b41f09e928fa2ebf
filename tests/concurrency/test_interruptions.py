"""Whatever interrupts a verb, it is done or it is not; and this thread, others, and other processes go on at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reliability import interruptions
from support.reliability.street import is_file
from support.reliability.trials import run, run_all


def test_after_every_interruption_everybody_can_write(url: str) -> None:
    # one strike in ten may be lost: with fewer than ten, none
    count = 20 if is_file(url) else 10
    run_all(url, *((interruptions.strikes, source, count) for source in interruptions.SOURCES))


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_after_a_single_ctrl_c_another_process_goes_on_writing(url: str) -> None:
    run(interruptions.single_interrupts, url, 20)


def test_no_connection_stays_open_behind_an_interruption(tmp_path: Path) -> None:
    run(interruptions.of_snapshots, str(tmp_path / "labels.db"), 60)


def test_what_is_left_half_read_is_in_nobodys_way(url: str) -> None:
    run(interruptions.left_half_read, url, 22)
