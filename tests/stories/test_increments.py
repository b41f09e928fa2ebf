"""Exports of what changed since an earlier one: both put together are the whole."""

from __future__ import annotations

import csv
import io
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from stories.test_parts import OneByOne
from support.increments import Copy, apply, read
from support.scenes import cats, labeled, peak, rows, taken, verbs

from itagflow import (
    Choice,
    Dataset,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    Role,
    Selection,
    Split,
    Text,
    Workflow,
    formats,
    maintenance,
    templates,
)
from itagflow.formats import jsonl
from itagflow.model import Row
from itagflow.templates import AddOption, AddQuestion, Question, QuestionKind

NAMES = [name for name in formats.BUILT_IN if formats.is_incremental(name)]
NEEDS_ARROW = pytest.mark.skipif(not find_spec("pyarrow"), reason="`arrow` is not installed")
INCREMENTAL = [
    pytest.param(name, marks=NEEDS_ARROW) if name == "parquet" else name for name in NAMES
]


def lines(flow: Flow, jobs: Any, since: Any, **how: Any) -> list[Any]:
    file = io.BytesIO()
    flow.results.export(jobs, "jsonl", file, since=since, **how)
    return [json.loads(line) for line in file.getvalue().splitlines()]


def numbers(found: list[Any]) -> list[tuple[int, str]]:
    return [(line["number"], line.get("removed", "")) for line in found]


@pytest.mark.parametrize("format", INCREMENTAL)
def test_a_job_from_its_first_task_to_its_last(flow: Flow, format: str) -> None:
    """Loaded, labeled, reviewed, sent back, corrected, withdrawn, erased, reopened, appended."""
    workflow = Workflow(Label(), Inspect())
    job, copy = cats(flow, workflow=workflow, row_key="source"), Copy(format)
    assert copy.check(flow, job).rows == 4
    assert copy.check(flow, job).rows == 0
    labeled(flow, "ben", job)
    assert copy.check(flow, job).rows == 2
    flow.save(taken(flow, "ben", job), 3, Choice("dog"))
    copy.check(flow, job)
    review = taken(flow, "di", job, "inspect")
    flow.judge(review, 1, wrong="a dog")
    flow.reject(review)
    copy.check(flow, job)
    labeled(flow, "ben", job, "dog")
    flow.review(taken(flow, "di", job, "inspect"))
    copy.check(flow, job)
    flow.jobs.withdraw(job, tasks=[2], by="ada")
    report = copy.check(flow, job)
    assert (report.rows, report.removed, report.withdrawn) == (1, 1, 0)
    maintenance.erase_task(flow, (job, 1), by="ada")
    assert copy.check(flow, job).removed == 2
    flow.jobs.append(job, [{"data": {"source": "new.jpg", "site": "north"}}], by="ada")
    assert copy.check(flow, job).rows == 1
    flow.jobs.reopen(job, where=Selection(package=1), by="ada")
    copy.check(flow, job)
    assert len(copy.rows) == 3


@pytest.mark.parametrize("format", INCREMENTAL)
@pytest.mark.parametrize(
    "where", [Selection(state="final"), Selection(label="cat"), Selection(member="ben")]
)
def test_what_is_no_longer_selected_is_taken_out(flow: Flow, format: str, where: Selection) -> None:
    job, copy = cats(flow), Copy(format, where=where)
    assert copy.check(flow, job).rows == 0
    labeled(flow, "ben", job)
    assert copy.check(flow, job).rows == 2
    flow.jobs.reopen(job, where=Selection(package=1), by="ada")
    report = copy.check(flow, job)
    assert (report.rows, report.removed) == (0, 2)
    labeled(flow, "cy", job, "dog")
    copy.check(flow, job)


def test_only_what_an_earlier_file_can_have_is_taken_out(flow: Flow) -> None:
    job = cats(flow, data=[{"data": {"source": f"{n}.jpg", "site": "north"}} for n in range(4)])
    first = flow.results.export(job, "jsonl", io.BytesIO())
    flow.jobs.append(job, rows(2), by="ada")
    flow.jobs.withdraw(job, tasks=[1, 5], by="ada")
    assert numbers(lines(flow, job, first)) == [(1, "withdrawn"), (2, ""), (6, "")]
    # the data and the package of a task never change
    for where in (Selection(package=2), Selection(field={"site": "south"})):
        assert numbers(lines(flow, job, first, where=where)) == []
    labeled(flow, "ben", job)
    maintenance.erase_task(flow, (job, 3), by="ada")
    where = Selection(field={"site": "south"})
    assert numbers(lines(flow, job, first, where=where)) == [(3, "erased")]


def test_nothing_that_was_said_goes_with_what_is_taken_out(flow: Flow) -> None:
    job = cats(flow, row_key="source")
    labeled(flow, "ben", job)
    first = flow.results.export(job, "jsonl", io.BytesIO())
    flow.jobs.withdraw(job, tasks=[1], by="ada")
    (line,) = [line for line in lines(flow, job, first) if line.get("removed")]
    assert line == {
        "itagflow": 1,
        "job": job.id,
        "number": 1,
        "package": 1,
        "row_key": "1.jpg",
        "state": "withdrawn",
        "became": "withdrawn",
        "revision": 1,
        "removed": "withdrawn",
        "stages": [],
        "votes": [],
        "provenance": [],
        "row": {"data": {}},
    }
    result = jsonl.parse(json.dumps(line))
    assert (result.removed, result.task.row_key) == ("withdrawn", "1.jpg")


@pytest.mark.parametrize(
    ("format", "place"), [("jsonl", "line"), pytest.param("parquet", "row", marks=NEEDS_ARROW)]
)
def test_a_file_of_changes_is_no_data_of_a_job(flow: Flow, format: str, place: str) -> None:
    job = cats(flow)
    first = flow.results.export(job, format, io.BytesIO())
    flow.jobs.withdraw(job, tasks=[1], by="ada")
    file = io.BytesIO()
    flow.results.export(job, format, file, since=first)
    for template in (None, flow.templates.get(job)):
        file.seek(0)
        problem, row = formats.read(format, file, template=template)
        assert f"{place} 1, removed: takes the task out of an earlier file" in str(problem)
        assert isinstance(row, Row)


@pytest.mark.parametrize("format", INCREMENTAL)
def test_a_name_that_is_erased_is_erased_from_every_row(flow: Flow, format: str) -> None:
    job, copy = cats(flow, workflow=Workflow(Label(votes=2, on_dispute="keep"))), Copy(format)
    assignment = taken(flow, "ben", job)
    for number in (1, 2):
        flow.abandon(assignment, number, "ben cannot see it")
    flow.submit(assignment)
    labeled(flow, "cy", job)
    copy.check(flow, job)
    flow.members.remove("street", "ben", by="ada")
    maintenance.erase_member(flow, "street", "ben", by="ada")
    assert copy.check(flow, job).rows == 4
    assert "ben" not in json.dumps(list(copy.rows.values()), default=str)


@pytest.mark.parametrize("format", INCREMENTAL)
def test_a_change_of_the_template(flow: Flow, format: str) -> None:
    job, copy = cats(flow), Copy(format)
    labeled(flow, "ben", job)
    copy.check(flow, job)
    note = Question("2", QuestionKind.INPUT, "Note", required=False)
    steps = [AddOption("1", "bird"), AddQuestion(note, reply=Text("none"))]
    flow.jobs.change_template(job, steps, by="ada")
    assert copy.check(flow, job).rows == 4


def test_who_does_not_see_secret_votes_gets_them_later(flow: Flow) -> None:
    workflow = Workflow(Label(votes=2, on_dispute="keep"))
    job = cats(flow, workflow=workflow, label=["ben", "cy", "ann"])
    flow.members.set_role("street", "ann", Role.ANNOTATION_ADMIN, by="ada")
    copy = Copy(by="ann")
    labeled(flow, "ben", job)
    copy.check(flow, job)
    labeled(flow, "cy", job)
    copy.check(flow, job)
    flow.jobs.set_workforce(job, {"label": ["ben", "cy"]}, by="ada")
    copy.check(flow, job)


class TestSeveralFiles:
    @pytest.mark.parametrize("format", INCREMENTAL)
    def test_of_several_jobs(self, flow: Flow, format: str) -> None:
        job = cats(flow, row_key="source")
        data = [{"data": {"source": f"more {n}.jpg"}} for n in range(3)]
        template = flow.templates.get(job)
        more = flow.jobs.create(
            "street", "more", template=template, data=data, row_key="source", by="ada"
        )
        copy = Copy(format)
        assert copy.check(flow, [job, more]).rows == 7
        labeled(flow, "ben", job)
        labeled(flow, "ada", more)
        assert copy.check(flow, [job, more]).rows == 5
        flow.jobs.withdraw(more, tasks=[1], by="ada")
        copy.check(flow, Dataset([job, more], duplicates="keep"))

    def test_a_duplicate_that_comes_later_is_found(self, flow: Flow) -> None:
        job = cats(flow, row_key="source")
        template = flow.templates.get(job)
        more = flow.jobs.create(
            "street", "more", template=template, row_key="source", auto_finish=False, by="ada"
        )
        copy = Copy()
        copy.check(flow, [job, more])
        flow.jobs.append(more, rows(1), by="ada")
        with pytest.raises(InvalidData, match=r"both have a task with the row key .1\.jpg"):
            copy.update(flow, [job, more])
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        copy.check(flow, [job, more])

    @pytest.mark.parametrize("rule", ["first", "last"])
    def test_not_where_one_task_hides_another(self, flow: Flow, rule: Any) -> None:
        job = cats(flow, row_key="source")
        both = Dataset([job, job], duplicates=rule)
        with pytest.raises(InvalidData, match="duplicates: which of two tasks is taken may change"):
            lines(flow, both, 0)
        assert len(lines(flow, Dataset([job], duplicates=rule), 0)) == 4

    @pytest.mark.parametrize("by", [None, "patient"])
    def test_of_a_split(self, flow: Flow, by: str | None) -> None:
        data = [{"data": {"source": f"{n}.jpg", "patient": f"p{n % 5}"}} for n in range(20)]
        job = cats(flow, data=data, row_key="source", size=5)
        split = Split({"train": 0.5, "test": 0.5}, by=by)
        copies: dict[str, Any] = {"train": {}, "test": {}}
        since: Any = 0
        for step in (
            lambda: None,
            lambda: labeled(flow, "ben", job),
            lambda: maintenance.erase_task(flow, (job, 7), by="ada"),
            lambda: flow.jobs.withdraw(job, tasks=[1, 2], by="ada"),
            lambda: labeled(flow, "cy", job, "dog"),
        ):
            step()
            files = {name: io.BytesIO() for name in copies}
            since = flow.results.export(job, "csv", files, split=split, since=since)
            whole = {name: io.BytesIO() for name in copies}
            report = flow.results.export(job, "csv", whole, split=split, since=0)
            assert (report.erased, sum(report.splits.values())) == (report.erased, report.rows)
            for name, rows_ in copies.items():
                apply(rows_, files[name].getvalue(), "csv")
                assert rows_ == read(whole[name].getvalue(), "csv")
        assert (report.rows, report.erased, report.withdrawn) == (17, 1, 2)

    def test_of_a_part_of_a_job(self, flow: Flow) -> None:
        job = cats(flow, tasks=10)
        for part in flow.results.partition(job, 2):
            copy = Copy()
            copy.check(flow, part)
            labeled(flow, "ben", job)
            copy.check(flow, part)


class TestCsv:
    def test_columns_say_which_task_and_why_it_is_gone(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        labeled(flow, "ben", job)
        first = flow.results.export(job, "csv", io.BytesIO(), since=0)
        flow.jobs.withdraw(job, tasks=[2], by="ada")
        file = io.BytesIO()
        flow.results.export(job, "csv", file, since=first)
        head, *records = csv.reader(io.StringIO(file.getvalue().decode(), newline=""))
        assert head[:4] == ["job", "task", "removed", "source"]
        assert records == [
            [str(job.id), "1", "", "1.jpg", "cat"],
            [str(job.id), "2", "withdrawn", "", ""],
        ]

    def test_a_field_of_the_same_name_keeps_what_it_has(self, flow: Flow) -> None:
        data = {"task": "a", "task (data)": "b", "removed": "c", "tasks": "d"}
        job = cats(flow, data=[{"data": {"source": "1.jpg", **data}}])
        file = io.BytesIO()
        flow.results.export(job, "csv", file, since=0)
        (record,) = csv.DictReader(io.StringIO(file.getvalue().decode(), newline=""))
        assert (record["task"], record["removed"]) == ("1", "")
        named = ("task (data)", "task (data) (data)", "removed (data)", "tasks")
        assert [record[name] for name in named] == ["a", "b", "c", "d"]

    def test_a_whole_export_is_as_it_was(self, flow: Flow) -> None:
        job, file = cats(flow), io.BytesIO()
        flow.results.export(job, "csv", file)
        assert file.getvalue().startswith(b"source,")


class TestWhereItGoesOn:
    def test_from_a_report_an_entry_a_position_an_event_and_a_followed_result(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        (_, second) = flow.results.follow(job, timeout=0)
        *_, event = flow.events.list(job)
        report = flow.results.export(job, "jsonl", io.BytesIO())
        (entry,) = flow.results.exports(job)
        assert (entry.since, entry.complete_to) == (None, report.complete_to)
        labeled(flow, "cy", job)
        for since in (report, entry, report.complete_to, event, event.position):
            assert numbers(lines(flow, job, since)) == [(3, ""), (4, "")]
        # of the event of the other tasks not all were seen
        assert len(lines(flow, job, second)) == len(lines(flow, job, second.cursor)) == 4
        last = list(flow.results.exports(job))[-1]
        assert last.since == event.position - 1

    def test_what_happens_while_it_is_written_comes_again(self, flow: Flow) -> None:
        job = cats(flow)

        def meanwhile(results: Any) -> Any:
            for number, result in enumerate(results):
                if not number:
                    labeled(flow, "ben", job)
                yield result

        report = flow.results.export(job, "jsonl", io.BytesIO(), progress=meanwhile)
        assert numbers(lines(flow, job, report)) == [(1, ""), (2, "")]

    def test_not_from_another_store_or_export(self, flow: Flow) -> None:
        job = cats(flow)
        more = flow.jobs.create(
            "street", "more", template=flow.templates.get(job), data=rows(1), by="ada"
        )
        flow.results.export(job, "jsonl", io.BytesIO(), where=Selection(label="cat"))
        (entry,) = flow.results.exports(job)
        with pytest.raises(InvalidData, match="behind the last event of the store"):
            lines(flow, job, 10**9)
        for jobs, how, name in (
            (more, {"where": Selection(label="cat")}, "jobs"),
            (job, {}, "where"),
            (job, {"where": Selection(label="cat"), "stages": ["label"]}, "stages"),
        ):
            with pytest.raises(InvalidData, match=f"since: is an export with the {name}"):
                lines(flow, jobs, entry, **how)
        with pytest.raises(InvalidData, match="is an export with the format 'jsonl'"):
            flow.results.export(job, "csv", io.BytesIO(), since=entry)
        template = flow.templates.get(job)
        without_store = formats.write("jsonl", [], io.BytesIO(), template=template)
        with pytest.raises(InvalidData, match="tells of no position"):
            lines(flow, job, without_store)

    def test_what_cannot_be_put_together_is_refused(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        before = verbs(flow, job)
        for format in set(formats.BUILT_IN) - set(NAMES):
            with pytest.raises(
                InvalidData, match=f"'{format}' cannot be put together .* csv, jsonl or p"
            ):
                flow.results.export(job, format, tmp_path / "out.new", since=0)
        with pytest.raises(InvalidData, match="executor: what changed is written by one process"):
            lines(flow, job, 0, executor=OneByOne())
        assert verbs(flow, job) == before
        assert not list(tmp_path.glob("*out*"))

    def test_after_a_job_of_another_workspace_did_much(self, flow: Flow) -> None:
        job = cats(flow)
        first = flow.results.export(job, "jsonl", io.BytesIO())
        flow.workspaces.create("lane", admin="zoe")
        template = templates.image_classification(["cat"])
        flow.jobs.create("lane", "other", template=template, data=rows(3), by="zoe")
        assert lines(flow, job, first) == []


def many(flow: Flow, tasks: int) -> Job:
    return cats(flow, tasks=tasks, size=1)


def test_packages_are_read_in_blocks(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itagflow.results.change_rules.BLOCK", 2)
    monkeypatch.setattr("itagflow.core.lookup.PAGE", 3)
    job, copy = cats(flow, tasks=30, size=5), Copy()
    copy.check(flow, job)
    for answer in ("cat", "dog", "cat"):
        labeled(flow, "ben", job, answer)
        labeled(flow, "cy", job, answer)
        copy.check(flow, job)


def test_memory_does_not_grow_with_what_changed(flow: Flow) -> None:
    job = many(flow, 1_000)
    small = peak(lambda: flow.results.export(job, "jsonl", io.BytesIO(), since=1))
    flow.jobs.append(job, rows(5_000), by="ada")
    large = peak(lambda: flow.results.export(job, "jsonl", _Nowhere(), since=1))
    assert large < small + 3_000_000


class _Nowhere(io.BytesIO):
    """A file that keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)
