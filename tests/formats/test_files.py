"""Files that are written: a replaced one keeps its access, and a disk that is full is told in our words."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.scenes import cats, labeled

import itagflow
from itagflow import (
    Flow,
    InvalidData,
    Job,
    StoreFailed,
)
from itagflow.formats._files import open_source, open_target

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="modes and owners are those of POSIX"
)

FORMATS = ["itag", "itag_v1", "csv", "jsonl"]


@pytest.fixture
def finished() -> Iterator[tuple[Flow, Job]]:
    with itagflow.open("memory:") as flow:
        job = cats(flow, tasks=200, size=200)
        labeled(flow, "ben", job)
        yield flow, job


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    yield
    os.umask(before)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("bits", [0o600, 0o640, 0o664, 0o444, 0o755])
def test_a_replaced_file_keeps_its_mode(
    finished: tuple[Flow, Job], tmp_path: Path, format: str, bits: int
) -> None:
    flow, job = finished
    target, link = tmp_path / "out", tmp_path / "link"
    target.write_text("old")
    target.chmod(bits)
    link.symlink_to(target)
    owner = (target.stat().st_uid, target.stat().st_gid)
    for path in (target, link):
        flow.results.export(job, format, path)
        assert mode(target) == bits
        assert (target.stat().st_uid, target.stat().st_gid) == owner
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, target]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0])
def test_a_new_file_gets_the_mode_that_others_get(
    finished: tuple[Flow, Job], tmp_path: Path, mask: int
) -> None:
    flow, job = finished
    with umask(mask):
        flow.results.export(job, "itag", tmp_path / "out")
        (tmp_path / "other").write_text("")
    assert mode(tmp_path / "out") == mode(tmp_path / "other") == 0o666 & ~mask


def test_what_is_written_is_never_open_to_more_people(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("secret")
    target.chmod(0o600)
    with umask(0), open_target(target) as file:
        file.write(b"still secret")
        (part,) = (path for path in tmp_path.iterdir() if path != target)
        assert mode(part) == 0o600
    assert target.read_bytes() == b"still secret"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)
def test_the_owner_is_kept_where_the_process_may(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_text("old")
    os.chown(target, 1234, 4321)
    target.chmod(0o4750)
    with open_target(target) as file:
        file.write(b"new")
    assert (target.stat().st_uid, target.stat().st_gid, mode(target)) == (1234, 4321, 0o4750)


def test_a_group_that_cannot_be_kept_gets_no_more_than_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, owner: int, group: int) -> None:
        raise PermissionError("not you")

    target = tmp_path / "out"
    target.write_text("old")
    target.chmod(0o4764)
    monkeypatch.setattr(os, "chown", refuse)
    with open_target(target) as file:
        file.write(b"new")
    assert mode(target) == 0o744


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file can grow beyond this many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk(finished: tuple[Flow, Job], tmp_path: Path, format: str, there: bool) -> None:
    flow, job = finished
    target = tmp_path / "out"
    if there:
        target.write_text("old")
    with (
        small_disk(100),
        pytest.raises(StoreFailed, match="cannot be written: File too large") as refused,
    ):
        flow.results.export(job, format, target)
    assert refused.value.store in (str(target), tempfile.gettempdir())
    assert isinstance(refused.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == ([target] if there else [])
    assert not there or target.read_text() == "old"
    assert flow.results.export(job, format, target).rows == 200


HOW: dict[str, tuple[str, str, dict[str, Any]]] = {
    "compressed": ("csv", "out.csv.gz", {}),
    "split": ("jsonl", "out.{split}.jsonl", {"split": {"train": 0.5, "test": 0.5}}),
    "split and compressed": ("csv", "{split}.csv.gz", {"split": {"train": 0.5, "test": 0.5}}),
    "what changed": ("jsonl", "out.jsonl", {"since": 1}),
    "what changed, compressed": ("csv", "out.csv.gz", {"since": 1}),
}
"""Ways to export: the format, the name of the file, and the rest."""


@pytest.mark.parametrize("way", HOW)
@pytest.mark.parametrize("size", [0, 100])
def test_a_disk_that_is_full_leaves_what_was_there(
    finished: tuple[Flow, Job], tmp_path: Path, way: str, size: int
) -> None:
    (flow, job), (format, name, how) = finished, HOW[way]
    target = str(tmp_path / name)
    flow.results.export(job, format, target, **how)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    events = len(list(flow.results.exports(job)))
    with (
        small_disk(size),
        pytest.raises(StoreFailed, match="cannot be written: File too large"),
    ):
        flow.results.export(job, format, target, **how)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert len(list(flow.results.exports(job))) == events
    flow.results.export(job, format, target, **how)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("format", FORMATS)
def test_a_device_that_is_full(finished: tuple[Flow, Job], format: str) -> None:
    flow, job = finished
    with pytest.raises(StoreFailed, match="/dev/full: the file cannot be written: No space left"):
        flow.results.export(job, format, "/dev/full")
    assert Path("/dev/full").is_char_device()


BAD_PATHS = ["/nowhere/at/all", "a\0b", "a\ud800b", "x" * 5_000, "/"]


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: ascii(path)[:20])
def test_paths_that_the_system_refuses(finished: tuple[Flow, Job], path: str) -> None:
    flow, job = finished
    acts: list[Callable[[], object]] = [
        lambda: flow.results.export(job, "itag", path),
        lambda: flow.jobs.append(job, path, by="ada"),
        lambda: flow.jobs.append(job, path, format="csv", by="ada"),
    ]
    for act in acts:
        with pytest.raises(StoreFailed, match="the file cannot be"):
            act()


def test_errors_of_those_in_between_are_theirs(tmp_path: Path) -> None:
    """What a callback raises is not taken for an error of the disk."""
    target = tmp_path / "out"
    with pytest.raises(OSError, match="the model is gone"), open_target(target) as file:
        file.write(b"x")
        raise OSError("the model is gone")
    assert list(tmp_path.iterdir()) == []

    class Broken(io.BytesIO):
        def write(self, data: Any, /) -> int:
            raise OSError("the bucket is gone")

    with pytest.raises(OSError, match="bucket"), open_target(Broken()) as file:
        file.write(b"x")
    target.write_bytes(b"x")
    with pytest.raises(OSError, match="the model is gone"), open_source(target):
        raise OSError("the model is gone")


def test_the_disk_for_temporary_files_is_full(
    finished: tuple[Flow, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, job = finished

    def refuse() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(
        StoreFailed, match=f"{tempfile.gettempdir()}: the file cannot be written: No space left"
    ):
        flow.results.export(job, "csv", io.BytesIO())


class TestOptions:
    def test_an_option_reaches_its_format(self, finished: tuple[Flow, Job]) -> None:
        flow, job = finished
        target = io.BytesIO()
        flow.results.export(job, "csv", target, escape_formulas=True)
        assert target.getvalue().startswith(b"source,")

    @pytest.mark.parametrize("format", FORMATS)
    def test_one_that_it_does_not_have_is_refused(
        self, finished: tuple[Flow, Job], format: str
    ) -> None:
        flow, job = finished
        has = "escape_formulas" if format == "csv" else "none"
        for option in ("formulas", "job_", "results"):
            with pytest.raises(
                InvalidData, match=f"{option}: is no option of the format '{format}'; it has {has}"
            ):
                flow.results.export(job, format, io.BytesIO(), **{option: True})
