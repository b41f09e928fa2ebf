"""``kill -9`` in the middle of exports: no file looks whole that is not, and the next is the same.

``ITAGFLOW_KILLS`` says how often; 6 unless set.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.scenes import half_done

import itagflow
from itagflow import Flow, Selection

KILLS = int(os.environ.get("ITAGFLOW_KILLS", "6"))
HALVES = {"train": 0.5, "test": 0.5}
WAYS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "plain": ("jsonl", "plain.jsonl", {}),
    "compressed": ("csv", "out.csv.gz", {}),
    "split": ("jsonl", "part.{split}.jsonl.gz", {"split": HALVES}),
    "what changed": ("jsonl", "changed.jsonl", {"since": True}),
    "what changed, split and compressed": (
        *("csv", "changed.{split}.csv.gz"),
        {"since": True, "split": HALVES},
    ),
}
"""Ways to export: the format, the name of the file, and the rest; ``since`` stands for a number."""

WORKER = """
import json, random, sys
import itagflow

path, ways, seed = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
draw = random.Random(seed)
flow = itagflow.open(path)
print("ready", flush=True)
while True:
    format, target, how = draw.choice(ways)
    flow.results.export("cats", format, target, **how)
"""


def describe(folder: Path, since: int) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (format, str(folder / name), {**how, **({"since": since} if "since" in how else {})})
        for format, name, how in WAYS.values()
    ]


def export(flow: Flow, folder: Path, since: int) -> dict[str, bytes]:
    """Export in every way, and return what each file has."""
    for format, target, how in describe(folder, since):
        flow.results.export("cats", format, target, **how)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_export_leaves_no_file_that_looks_whole(tmp_path: Path) -> None:
    path, good, folder = str(tmp_path / "labels.db"), tmp_path / "good", tmp_path / "out"
    good.mkdir()
    folder.mkdir()
    with itagflow.open(path) as flow:
        half_done(flow, tasks=1_000)
        since = max(event.position for event in flow.events.list("cats"))
        flow.jobs.reopen("cats", where=Selection(label="dog"), by="ada")
        flow.jobs.withdraw("cats", tasks=[700, 701], by="ada")
        whole = export(flow, good, since)
        assert len(whole) == 7
    draw, cut = random.Random(), 0
    for seed in range(KILLS):
        for file in folder.iterdir():
            file.unlink()
        arguments = [path, json.dumps(describe(folder, since)), str(seed)]
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            time.sleep(draw.uniform(0.05, 1.5))
            os.kill(worker.pid, signal.SIGKILL)
        drafts = [file for file in folder.iterdir() if file.name.startswith(".itagflow-")]
        cut += len(drafts)
        found = {file.name: file.read_bytes() for file in folder.iterdir() if file not in drafts}
        assert found == {name: whole[name] for name in found}
        with itagflow.open(path) as flow:
            told = {each.sha256 for each in flow.results.exports("cats")}
            assert {hashlib.sha256(content).hexdigest() for content in found.values()} <= told
            again = export(flow, folder, since)
            assert {name: again[name] for name in whole} == whole
    # most are killed in the middle: else nothing was tried
    assert cut
