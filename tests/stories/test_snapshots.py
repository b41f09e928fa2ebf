"""Named snapshots: what the results of jobs were, exported with the same bytes each time."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from stories.test_parts import OneByOne
from support.scenes import START, cats, labeled, rows, taken

from itagflow import (
    AlreadyExists,
    Dataset,
    Flow,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotFound,
    Role,
    Selection,
    StoreFailed,
    Workflow,
    maintenance,
)
from itagflow.json import to_json
from itagflow.model import Export
from itagflow.templates import AddOption, AddQuestion, Question, QuestionKind

FORMATS = ["jsonl", "csv", "itag"]


def exported(flow: Flow, jobs: Any, snapshot: Any, format: str = "jsonl", **how: Any) -> bytes:
    file = io.BytesIO()
    flow.results.export(jobs, format, file, snapshot=snapshot, **how)
    return file.getvalue()


def go_on(flow: Flow, job: Job) -> None:
    """Everything that may become of a job, but erasing."""
    flow.jobs.reopen(job, where=Selection(package=1), by="ada")
    labeled(flow, "ben", job, "dog")
    labeled(flow, "cy", job, "dog")
    flow.jobs.withdraw(job, tasks=[3], by="ada")
    flow.jobs.append(job, rows(2), by="ada")
    note = Question("2", QuestionKind.INPUT, "Note", required=False)
    flow.jobs.change_template(job, [AddOption("1", "bird"), AddQuestion(note)], by="ada")
    flow.jobs.update(job, name="renamed", by="ada")


class TestTheSameBytesAgain:
    @pytest.mark.parametrize("format", FORMATS)
    def test_although_work_went_on(self, flow: Flow, tmp_path: Path, format: str) -> None:
        job = cats(flow, row_key="source")
        labeled(flow, "ben", job)
        before = exported(flow, job, True, format)
        made = flow.results.snapshot(job, "first", tmp_path / "first.jsonl.gz")
        assert exported(flow, job, "first", format) == before
        go_on(flow, job)
        assert exported(flow, job, True, format) != before
        for snapshot in ("first", made):
            assert exported(flow, job, snapshot, format) == before

    def test_divided_and_selected_further(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow, tasks=20, size=10, row_key="source")
        labeled(flow, "ben", job)
        halves = {"train": 0.5, "test": 0.5}
        before = {name: io.BytesIO() for name in halves}
        flow.results.export(job, "csv", before, split=halves)
        chosen = exported(flow, job, True, where=Selection(label="cat"))
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        go_on(flow, job)
        after = {name: io.BytesIO() for name in halves}
        flow.results.export(job, "csv", after, split=halves, snapshot="first")
        for name in halves:
            assert after[name].getvalue() == before[name].getvalue()
        assert exported(flow, job, "first", where=Selection(label="cat")) == chosen

    def test_of_several_jobs_and_of_a_selection(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        template = flow.templates.get(job)
        more = flow.jobs.create("street", "more", template=template, data=rows(3), by="ada")
        labeled(flow, "ben", job)
        where = Selection(label="cat")
        before = exported(flow, [job, more], True, where=where)
        flow.results.snapshot([job, more], "both", tmp_path / "both.jsonl", where=where)
        labeled(flow, "ada", more)
        assert exported(flow, Dataset([job, more]), "both") == before
        for jobs in (job, [more, job], more):
            with pytest.raises(NotFound, match="no Snapshot 'both'"):
                exported(flow, jobs, "both")

    def test_a_copy_of_the_file_elsewhere_is_a_file_like_others(
        self, flow: Flow, tmp_path: Path
    ) -> None:
        job, path = cats(flow), tmp_path / "first.jsonl.gz"
        made = flow.results.snapshot(job, "first", path, by="ada")
        assert gzip.decompress(path.read_bytes()) == exported(flow, job, "first")
        export: Export = next(flow.results.exports(job))
        assert (export.sha256, export.target) == (made.sha256, str(path))


class TestWhatIsErased:
    def test_a_task_is_left_out_and_the_report_says_so(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow, row_key="source")
        labeled(flow, "ben", job)
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        maintenance.erase_task(flow, (job, 2), by="ada")
        file = io.BytesIO()
        report = flow.results.export(job, "jsonl", file, snapshot="first")
        assert (report.rows, report.erased) == (3, 1)
        assert b"2.jpg" not in file.getvalue()
        assert b'"erased":true' not in file.getvalue()
        assert exported(flow, job, "first") == file.getvalue()

    def test_and_so_are_texts_once_a_name_is_erased(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow, workflow=Workflow(Label(votes=2, on_dispute="keep")))
        assignment = taken(flow, "ben", job)
        for number in (1, 2):
            flow.abandon(assignment, number, "benedict saw it, says ben")
        flow.submit(assignment)
        labeled(flow, "cy", job)
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        assert b"says ben" in exported(flow, job, "first")
        flow.members.remove("street", "ben", by="ada")
        maintenance.erase_member(flow, "street", "ben", by="ada")
        file = io.BytesIO()
        report = flow.results.export(job, "jsonl", file, snapshot="first")
        assert report.losses == {"texts of people, since the name of a member was erased": 4}
        assert b"ben" not in file.getvalue()
        later = flow.results.snapshot(job, "later", tmp_path / "later.jsonl")
        assert flow.results.export(job, "jsonl", io.BytesIO(), snapshot=later).losses == {}

    def test_the_receipt_of_an_erasure_names_its_file(self, flow: Flow, tmp_path: Path) -> None:
        job, path = cats(flow), tmp_path / "first.jsonl"
        flow.results.snapshot(job, "first", path)
        report = maintenance.erase_where(flow, "street", field="source", equals="2.jpg", by="ada")
        assert [export.target for export in report.exports] == [str(path)]


class TestNames:
    def test_what_is_known_of_a_snapshot(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        where = Selection(package=1)
        made = flow.results.snapshot(job, "first", tmp_path / "first.jsonl", where=where, by="ada")
        assert (made.name, made.rows, made.jobs, made.account) == ("first", 2, (job.id,), "ada")
        assert (made.at, made.where) == (START, {"package": 1})
        assert list(flow.results.snapshots(job)) == [made]
        *_, event = flow.events.list(job)
        assert str(event) == "09:00 ada made a snapshot of job 'cats'"
        assert event.position == made.position > made.complete_to
        assert to_json(made)["name"] == "first"
        assert repr(made).startswith("<Snapshot first ")

    def test_a_name_is_taken_once_and_free_when_it_is_dropped(
        self, flow: Flow, tmp_path: Path
    ) -> None:
        job, path = cats(flow), tmp_path / "first.jsonl"
        first = flow.results.snapshot(job, "first", path)
        with pytest.raises(AlreadyExists, match="there is already a Snapshot 'first'"):
            flow.results.snapshot(job, "first", tmp_path / "again.jsonl")
        assert not (tmp_path / "again.jsonl").exists()
        flow.results.snapshot(job, "second", tmp_path / "second.jsonl")
        assert flow.results.drop_snapshot(job, "first", by="ada") == first
        assert path.exists()
        with pytest.raises(NotFound):
            exported(flow, job, first)
        with pytest.raises(NotFound):
            flow.results.drop_snapshot(job, first)
        again = flow.results.snapshot(job, "first", tmp_path / "again.jsonl")
        assert [each.name for each in flow.results.snapshots(job)] == ["second", "first"]
        assert again.position > first.position
        assert list(maintenance.verify(flow)) == []

    def test_dropped_for_all_its_jobs(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        more = flow.jobs.create(
            "street", "more", template=flow.templates.get(job), data=rows(1), by="ada"
        )
        flow.results.snapshot([job, more], "both", tmp_path / "both.jsonl")
        with pytest.raises(AlreadyExists):
            flow.results.snapshot(more, "both", tmp_path / "other.jsonl")
        flow.results.drop_snapshot(more, "both")
        assert not [*flow.results.snapshots(job), *flow.results.snapshots(more)]


class TestWhatIsRefused:
    def test_a_file_that_was_changed_or_is_gone(self, flow: Flow, tmp_path: Path) -> None:
        job, path, out = cats(flow), tmp_path / "first.jsonl", tmp_path / "out.csv"
        flow.results.snapshot(job, "first", path)
        content = path.read_bytes()
        path.write_bytes(content.replace(b"1.jpg", b"x.jpg"))
        with pytest.raises(InvalidData, match="is not the file that was written"):
            flow.results.export(job, "csv", out, snapshot="first")
        path.unlink()
        with pytest.raises(StoreFailed, match=r"first\.jsonl: the file cannot be read"):
            flow.results.export(job, "csv", out, snapshot="first")
        assert not out.exists()
        path.write_bytes(content)
        assert flow.results.export(job, "csv", out, snapshot="first").rows == 4

    def test_what_does_not_go_with_it(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        with pytest.raises(InvalidData, match="since: a snapshot does not change"):
            exported(flow, job, "first", since=0)
        with pytest.raises(InvalidData, match="leave one of the two out"):
            exported(flow, job, "first", executor=OneByOne())
        given: Any = io.BytesIO()
        with pytest.raises(InvalidData, match="target: must be the path of a file"):
            flow.results.snapshot(job, "second", given)

    def test_who_may_not_export(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        for call in (
            lambda: flow.results.snapshot(job, "mine", tmp_path / "mine.jsonl", by="ben"),
            lambda: exported(flow, job, "first", by="ben"),
            lambda: flow.results.snapshots(job, by="ben"),
            lambda: flow.results.drop_snapshot(job, "first", by="ben"),
        ):
            with pytest.raises(NotAllowed):
                call()
        assert not (tmp_path / "mine.jsonl").exists()

    def test_who_was_removed_is_told_of_none(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow)
        made = flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        flow.members.add("street", "vi", Role.ANNOTATION_ADMIN, by="ada")
        assert list(flow.results.snapshots(job, by="vi")) == [made]
        flow.members.remove("street", "vi", by="ada")
        with pytest.raises(NotAllowed):
            list(flow.results.snapshots(job, by="vi"))

    def test_votes_that_are_secret_are_not_in_it(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow, workflow=Workflow(Label(votes=2, on_dispute="keep")))
        labeled(flow, "ben", job)
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        assert b'"cat"' not in exported(flow, job, "first", by="ada")
        labeled(flow, "cy", job)
        assert b'"cat"' not in exported(flow, job, "first")

    def test_names_that_are_hidden_stay_hidden(self, flow: Flow, tmp_path: Path) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect(blind=True)))
        flow.members.set_role("street", "di", Role.ADMIN, by="ada")
        flow.results.snapshot(job, "first", tmp_path / "first.jsonl")
        assert exported(flow, job, "first")
        with pytest.raises(InvalidData, match="only the application can export from it"):
            exported(flow, job, "first", by="di")
