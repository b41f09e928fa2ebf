"""Waiting for what is stored in SQLite: a sign is watched, and a change is followed by more looks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from itagflow import StoreFailed
from itagflow.storage.sqlite import watching
from itagflow.storage.sqlite.watching import ChangeWait, describe_file

PAUSE = 10
"""The milliseconds between two checks of the sign: a wait may be longer by that."""


class Watched:
    """A store with a sign, and a clock that goes on while somebody sleeps."""

    name = "labels.db"
    is_closed = False

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sign, self.now = 0, 0.0
        monkeypatch.setattr(
            watching, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self.sleep)
        )
        self.wait = ChangeWait(self, lambda: self.sign)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def waited(self, seconds: float) -> float:
        """How long a wait of so many seconds took, in milliseconds."""
        began = self.now
        self.wait(seconds)
        return round((self.now - began) * 1_000)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def test_where_nothing_changes_it_takes_the_whole_time(store: Watched) -> None:
    assert [store.waited(1), store.waited(0.005), store.waited(0)] == [1_000, 5, 0]


def test_a_change_ends_it_also_one_from_before(store: Watched) -> None:
    store.sign = 1
    assert store.waited(1) == 0


def test_behind_a_change_it_is_over_again_and_again_ever_later(store: Watched) -> None:
    """What was written is committed some time later, and that changes nothing."""
    store.sign = 1
    pauses = [store.waited(1) for _ in range(8)]
    assert pauses == pytest.approx([0, 10, 20, 40, 80, 160, 320, 1_000], abs=PAUSE)


def test_another_change_begins_that_anew(store: Watched) -> None:
    store.sign = 1
    assert [store.waited(1) for _ in range(4)] == pytest.approx([0, 10, 20, 40], abs=PAUSE)
    store.sign = 2
    assert [store.waited(1) for _ in range(3)] == pytest.approx([0, 10, 20], abs=PAUSE)


def test_when_the_store_is_closed_nobody_waits_on(store: Watched) -> None:
    store.is_closed = True
    with pytest.raises(StoreFailed, match="closed"):
        store.wait(1)


def test_a_file_is_described_by_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "labels.db-wal"
    assert describe_file(str(path)) is None
    path.write_bytes(b"a")
    before = describe_file(str(path))
    assert describe_file(str(path)) == before
    path.write_bytes(b"ab")
    assert describe_file(str(path)) != before
