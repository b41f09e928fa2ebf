"""Exports divided for training, validation and testing."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from stories.test_parts import OneByOne
from support.scenes import cats, rows

from itagflow import Dataset, Flow, InvalidData, Job, Split, StoreFailed

HALVES = {"train": 0.5, "test": 0.5}


def patients(flow: Flow, count: int = 60) -> Job:
    data = [{"data": {"source": f"{n}.jpg", "patient": f"p{n % 12}"}} for n in range(count)]
    return cats(flow, data=data, row_key="source", size=10)


def split(flow: Flow, jobs: Any, how: Any, **more: Any) -> dict[str, list[int]]:
    """The numbers of the tasks in each part."""
    files = {name: io.BytesIO() for name in (how.shares if isinstance(how, Split) else how)}
    flow.results.export(jobs, "jsonl", files, split=how, **more)
    return {
        name: [json.loads(line)["number"] for line in file.getvalue().splitlines()]
        for name, file in files.items()
    }


def test_each_task_is_in_one_file_and_the_report_counts_them(flow: Flow, tmp_path: Path) -> None:
    job = patients(flow)
    target = str(tmp_path / "cats.{split}.jsonl.gz")
    report = flow.results.export(job, "jsonl", target, split=HALVES)
    found = {
        name: gzip.decompress((tmp_path / f"cats.{name}.jsonl.gz").read_bytes()).splitlines()
        for name in HALVES
    }
    assert sorted(json.loads(line)["number"] for part in found.values() for line in part) == [
        *range(1, 61)
    ]
    assert report.splits == {name: len(lines) for name, lines in found.items()}
    assert (report.rows, report.sha256) == (60, "")
    assert all(found.values())


def test_tasks_that_are_added_move_no_other(flow: Flow) -> None:
    job = patients(flow)
    before = split(flow, job, HALVES)
    more = [{"data": {"source": f"new {n}.jpg", "patient": "p1"}} for n in range(20)]
    flow.jobs.append(job, more, by="ada")
    after = split(flow, job, HALVES)
    for name, numbers in before.items():
        assert after[name][: len(numbers)] == numbers


def test_a_patient_is_in_one_file(flow: Flow) -> None:
    job = patients(flow)
    groups = Split(HALVES, by="patient", seed=3)
    found = split(flow, job, groups)
    by_number = {result.task.number: result.task.data for result in flow.results.list(job)}
    train, test = ({by_number[number]["patient"] for number in found[name]} for name in HALVES)
    assert train | test == {f"p{n}" for n in range(12)}
    assert not train & test
    assert found != split(flow, job, Split(HALVES, by="patient", seed=4))


def test_an_executor_divides_them_alike(flow: Flow) -> None:
    job = patients(flow)
    assert split(flow, job, HALVES, executor=OneByOne(), partitions=3) == split(flow, job, HALVES)


def test_several_jobs_without_duplicates(flow: Flow) -> None:
    job = patients(flow)
    data = [{"data": {"source": f"{n}.jpg", "patient": f"q{n}"}} for n in range(50, 70)]
    more = flow.jobs.create(
        "street", "more", template=flow.templates.get(job), data=data, row_key="source", by="ada"
    )
    found = split(flow, Dataset([job, more], duplicates="first"), HALVES)
    assert sum(map(len, found.values())) == 70
    # a task and its duplicate are not in one part by their groups: it is found all the same
    groups = Split(HALVES, by="patient")
    assert (
        sum(map(len, split(flow, Dataset([job, more], duplicates="last"), groups).values())) == 70
    )


def test_the_history_tells_which_part_has_a_task(flow: Flow, tmp_path: Path) -> None:
    job = patients(flow)
    flow.results.export(job, "csv", tmp_path / "{split}.csv", split=HALVES)
    exports = list(flow.results.exports(job))
    assert [export.split for export in exports] == ["train", "test"]
    assert [export.target for export in exports] == [
        str(tmp_path / f"{name}.csv") for name in HALVES
    ]
    found = split(flow, job, HALVES)
    for number in (1, 2, 3, 4):
        (name,) = [name for name in HALVES if number in found[name]]
        assert next(flow.results.exports(job, number)).split == name


@pytest.mark.parametrize("broken", ["train", "test"])
def test_when_one_file_fails_none_takes_its_place(flow: Flow, tmp_path: Path, broken: str) -> None:
    job, folder = patients(flow), tmp_path / "out"
    folder.mkdir()
    files = {name: folder / f"{name}.csv" for name in HALVES}
    for file in files.values():
        file.write_text("yesterday's\n")
    wrong = {**files, broken: tmp_path / "nowhere" / "x.csv"}
    with pytest.raises(StoreFailed):
        flow.results.export(job, "csv", wrong, split=HALVES)
    assert [file.read_text() for file in files.values()] == ["yesterday's\n"] * 2
    assert sorted(file.name for file in folder.iterdir()) == ["test.csv", "train.csv"]
    assert not list(flow.results.exports(job))


def test_what_is_refused(flow: Flow) -> None:
    job = cats(flow, data=rows(3))
    with pytest.raises(InvalidData, match="each show their own moment"):
        flow.results.export(job, "csv", "{split}.csv", split=HALVES, snapshot=True)
    with pytest.raises(InvalidData, match=r"data\.patient: is missing"):
        split(flow, job, Split(HALVES, by="patient"))
    with pytest.raises(InvalidData, match="must be a path with"):
        flow.results.export(job, "csv", io.BytesIO(), split=HALVES)
    mapping: Any = {"train": io.BytesIO()}
    with pytest.raises(InvalidData, match="must be a path or an open binary file"):
        flow.results.export(job, "csv", mapping)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"shares": ["train"]}, "shares: must be a mapping from names to shares"),
        ({"shares": {}}, "shares: must add up to 1, and come to 0"),
        ({"shares": {"train": 0.8, "test": 0.3}}, "shares: must add up to 1, and come to 1.1"),
        ({"shares": {"a/b": 1}}, "shares: must have names of letters, digits, _ and -"),
        ({"shares": {7: 1}}, "shares: must have names of letters"),
        ({"shares": {"all": "1"}}, "must have a share between 0 and 1 for 'all'"),
        ({"shares": {"all": True}}, "must have a share between 0 and 1 for 'all'"),
        ({"shares": {"all": float("nan")}}, "must have a share between 0 and 1 for 'all'"),
        ({"by": 7}, "by: must be"),
        ({"seed": 1.5}, "seed: must be a whole number"),
    ],
)
def test_what_a_split_cannot_be(given: Any, reason: str) -> None:
    with pytest.raises(InvalidData, match=reason):
        Split(**{"shares": HALVES, **given})
