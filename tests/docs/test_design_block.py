"""The code block of the design, as it stands: run twice on a database, the second run only reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import itagflow
from itagflow import Event, Flow, JobState, maintenance

PAGE = Path(__file__).with_name("design_block.txt")
BLOCK = PAGE.read_text(encoding="utf-8")
DATABASE = '"labels.db"'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the manifest of two rows that the block reads."""
    monkeypatch.chdir(tmp_path)
    rows = [{"data": {"source": f"oss://street/{n}.jpg"}} for n in (1, 2)]
    manifest = tmp_path / "street.manifest"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def run(url: str) -> None:
    assert BLOCK.count(DATABASE) == 1
    exec(compile(BLOCK.replace(DATABASE, repr(url)), str(PAGE), "exec"), {})


def test_once(folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(url)
    printed = capsys.readouterr().out
    assert "2 of 2 tasks done" in printed
    # which of the two is in the sample goes by the job's seed
    assert re.search(r"di judged task [12]: the sign is missing", printed)
    assert printed.count("'state': 'final', 'label_by': 'ben'") == 2
    manifest = (folder / "street.out.manifest").read_text(encoding="utf-8")
    written = [json.loads(line) for line in manifest.splitlines()]
    assert [row["data"]["source"] for row in written] == [
        "oss://street/1.jpg",
        "oss://street/2.jpg",
    ]


def drop_exports(text: str) -> str:
    """Return what was printed, except for the lines about files that were written."""
    return "".join(line for line in text.splitlines(True) if " exported job " not in line)


def list_work(flow: Flow) -> list[Event]:
    """Return all that happened, except for files that were written: each run writes one."""
    return [event for event in flow.events.since() if event.type != "export"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_twice_on_the_same_database(
    folder: Path, kind: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else "labels.db"
    run(url)
    first, exported = capsys.readouterr().out, (folder / "street.out.manifest").read_bytes()
    with itagflow.open(url) as flow:
        before = list_work(flow)
    run(url)
    with itagflow.open(url) as flow:
        assert list_work(flow) == before, "the second run labels nothing"
        assert flow.jobs.get("signs-2026-11").state is JobState.FINISHED
        assert list(maintenance.verify(flow)) == []
    assert drop_exports(capsys.readouterr().out) == drop_exports(first)
    assert (folder / "street.out.manifest").read_bytes() == exported
