"""Files are compressed as the suffix of their path says: the same bytes each time."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.scenes import cats, labeled

import itagflow
from itagflow import Choice, Flow, InvalidData, StoreFailed, formats
from itagflow.formats import jsonl

NAMES = ["itag", "jsonl", "csv"]


@pytest.fixture
def flow() -> Any:
    with itagflow.open("memory:") as flow:
        yield flow


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_it_is_what_would_be_in_a_plain_file(
    flow: Flow, tmp_path: Path, name: str
) -> None:
    job = cats(flow)
    labeled(flow, "ben", job)
    plain, packed = tmp_path / "out", tmp_path / "out.gz"
    one, other = (flow.results.export(job, name, place) for place in (plain, packed))
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert (one.rows, one.blocks) == (other.rows, other.blocks)
    # the hash is that of the file as it lies there
    assert other.sha256 == hashlib.sha256(packed.read_bytes()).hexdigest()
    *_, export = flow.results.exports(job)
    assert (export.sha256, export.size) == (other.sha256, packed.stat().st_size)
    assert [row.text for row in formats.read(name, packed)] == [
        row.text for row in formats.read(name, plain)
    ]


def test_the_same_bytes_at_another_time_under_another_name(
    flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cats(flow)
    flow.results.export(job, "jsonl", tmp_path / "a.jsonl.gz")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10_000)
    flow.results.export(job, "jsonl", str(tmp_path / "B.JSONL.GZ"))
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "B.JSONL.GZ").read_bytes()


def test_it_is_read_wherever_a_file_is(flow: Flow, tmp_path: Path) -> None:
    job = cats(flow)
    labeled(flow, "ben", job, "dog")
    packed = tmp_path / "out.jsonl.gz"
    flow.results.export(job, "jsonl", packed)
    assert list(jsonl.read_results(packed)) == list(flow.results.list(job))
    template = flow.templates.get(job)
    again = flow.jobs.create(
        "street", "again", template=template, data=packed, format="jsonl", by="ada"
    )
    assert flow.jobs.progress(again).total == 4


def test_a_place_in_a_zip_file(flow: Flow) -> None:
    job, target = cats(flow), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        flow.results.export(job, "jsonl", zipfile.Path(archive, "out.jsonl.gz"))
    with zipfile.ZipFile(target) as archive:
        lines = gzip.decompress(archive.read("out.jsonl.gz")).splitlines()
        assert [json.loads(line)["number"] for line in lines] == [1, 2, 3, 4]
        found = list(jsonl.read_results(zipfile.Path(archive, "out.jsonl.gz")))
        assert found == list(flow.results.list(job))


def test_an_open_file_is_written_as_it_is(flow: Flow, tmp_path: Path) -> None:
    job, path = cats(flow), tmp_path / "out.csv.gz"
    with gzip.open(path, "wb") as file:
        flow.results.export(job, "csv", file)
    assert gzip.decompress(path.read_bytes()).startswith(b"source,")
    with gzip.open(path) as file:
        assert len(list(formats.read("csv", file))) == 4


@pytest.mark.parametrize("name", ["out.bz2", "out.csv.xz", "out.LZ4", "out.br"])
def test_other_suffixes_are_refused_before_anything_is_written(
    flow: Flow, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InvalidData, match=r"which is not read or written: use \.gz"):
        flow.results.export(cats(flow), "csv", tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python has Zstandard")
def test_zstandard_where_python_does_not_have_it(flow: Flow, tmp_path: Path) -> None:
    job = cats(flow)
    for act in (
        lambda: flow.results.export(job, "csv", tmp_path / "out.csv.zst"),
        lambda: list(formats.read("csv", tmp_path / "out.csv.zst")),
    ):
        with pytest.raises(InvalidData, match=r"Python has from 3.14 on: use \.gz"):
            act()
    assert not list(tmp_path.iterdir())
    assert not list(flow.results.exports(job))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="this Python has no Zstandard")
def test_zstandard_where_python_has_it(flow: Flow, tmp_path: Path) -> None:
    job = cats(flow)
    flow.results.export(job, "jsonl", tmp_path / "out.jsonl.zst")
    assert list(jsonl.read_results(tmp_path / "out.jsonl.zst")) == list(flow.results.list(job))


@pytest.mark.parametrize("spoil", ["text", "short", "broken"])
def test_what_is_no_whole_file_of_gzip(flow: Flow, tmp_path: Path, spoil: str) -> None:
    job, path = cats(flow), tmp_path / "out.jsonl.gz"
    flow.results.export(job, "jsonl", path)
    content = path.read_bytes()
    broken = content[:20] + bytes(byte ^ 255 for byte in content[20:40]) + content[40:]
    path.write_bytes({"text": b"{}\n", "short": content[:-20], "broken": broken}[spoil])
    with pytest.raises(StoreFailed, match="the file cannot be read"):
        list(jsonl.read_results(path))


def test_an_export_that_fails_leaves_the_file_as_it_was(flow: Flow, tmp_path: Path) -> None:
    job, path = cats(flow), tmp_path / "out.csv.gz"
    path.write_bytes(b"yesterday's")

    def fail(results: Any) -> Any:
        yield next(iter(results))
        raise OSError("it breaks")

    with pytest.raises(OSError, match="it breaks"):
        flow.results.export(job, "csv", path, progress=fail)
    assert path.read_bytes() == b"yesterday's"
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv.gz"]
    held = flow.claim("ben", job, "label")
    assert held is not None
    flow.save(held, 1, Choice("cat"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_our_error(flow: Flow) -> None:
    link = Path("/dev/full")
    with pytest.raises(StoreFailed, match="the file cannot be written: No space left"):
        flow.results.export(cats(flow, tasks=2_000), "jsonl", link)
