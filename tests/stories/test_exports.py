"""Every export is in the history: who wrote which file, and which tasks are in it."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stories.test_parts import OneByOne
from support.scenes import START, cats, half_done, labeled, rows

from itagflow import Flow, InvalidData, NotAllowed, NotFound, Role, Selection, Stage, maintenance
from itagflow.formats import WriteReport
from itagflow.model import Export


def exported(flow: Flow, jobs: Any, target: Any = None, **how: Any) -> WriteReport:
    return flow.results.export(jobs, how.pop("format", "csv"), target or io.BytesIO(), **how)


class TestWhatIsKept:
    def test_who_wrote_which_file(self, flow: Flow, tmp_path: Path) -> None:
        job, target = cats(flow), tmp_path / "pets.csv"
        labeled(flow, "ben", job)
        report = exported(flow, job, target, stages=["label"], by="ada")
        content = target.read_bytes()
        assert report.sha256 == hashlib.sha256(content).hexdigest()
        (export,) = flow.results.exports(job)
        ada = flow.members.get("street", "ada")
        assert export == Export(
            position=export.position,
            at=START,
            job=job.id,
            member=ada.id,
            account="ada",
            format="csv",
            target=str(target),
            rows=4,
            sha256=report.sha256,
            size=len(content),
            jobs=(job.id,),
            stages=("label",),
            complete_to=report.complete_to,
        )
        *_, before, event = flow.events.list(job)
        assert report.complete_to == before.position
        assert (event.position, str(event)) == (export.position, "09:00 ada exported job 'cats'")

    def test_what_the_application_writes_for_nobody(self, flow: Flow) -> None:
        job = cats(flow)
        exported(flow, job)
        (export,) = flow.results.exports(job)
        assert (export.member, export.account, export.target) == (0, "", "")
        assert (export.stages, export.where) == (None, {})

    def test_how_the_tasks_were_selected(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        later = START + timedelta(hours=1)
        where = Selection(
            member="ben", package=1, stage=Stage.LABEL, field={"source": "1.jpg"}, until=later
        )
        assert exported(flow, job, where=where).rows == 1
        (export,) = flow.results.exports(job)
        assert export.where == {
            "member": flow.members.get("street", "ben").id,
            "package": 1,
            "stage": "label",
            "field": {"source": "1.jpg"},
            "until": later.isoformat(),
        }

    def test_several_jobs_have_an_entry_each(self, flow: Flow) -> None:
        job = cats(flow)
        template = flow.templates.get(job)
        more = flow.jobs.create("street", "more", template=template, data=rows(2), by="ada")
        exported(flow, [job, more])
        (one,), (other,) = flow.results.exports(job), flow.results.exports(more)
        assert (one.rows, other.rows) == (4, 2)
        assert one.jobs == other.jobs == (job.id, more.id)
        assert (one.sha256, one.size) == (other.sha256, other.size)

    def test_an_executor_tells_the_same(self, flow: Flow) -> None:
        job = half_done(flow)
        for how in ({}, {"executor": OneByOne(), "partitions": 4}):
            exported(flow, job, format="jsonl", where=Selection(label="cat"), **how)
        one, other = flow.results.exports(job)
        assert (one.sha256, one.size, one.rows) == (other.sha256, other.size, other.rows)
        chosen = [r.task.number for r in flow.results.find(job, label="cat")]
        assert one.rows == len(chosen)
        for number in range(1, 30):
            assert len(list(flow.results.exports(job, number))) == 2 * (number in chosen)

    @pytest.mark.parametrize("fails", ["format", "target", "store"])
    def test_an_export_that_fails_leaves_neither_a_file_nor_an_entry(
        self, flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
    ) -> None:
        job, target = cats(flow), tmp_path / "out.csv"
        target.write_text("yesterday's\n")

        def fail(*_: object, **__: object) -> None:
            raise OSError("it breaks")

        places = {
            "format": "itagflow.formats._port.Counts.build_report",
            "target": "itagflow.formats._files.HashedFile.write",
            "store": "itagflow.results.exporting.record_export",
        }
        monkeypatch.setattr(places[fails], fail)
        with pytest.raises(OSError, match="it breaks"):
            exported(flow, job, target)
        monkeypatch.undo()
        assert target.read_text() == "yesterday's\n"
        assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
        assert not list(flow.results.exports(job))

    def test_who_is_removed_while_they_export_gets_no_file(
        self, flow: Flow, tmp_path: Path
    ) -> None:
        job, target = cats(flow), tmp_path / "out.csv"
        flow.members.add("street", "ann", Role.ANNOTATION_ADMIN, by="ada")

        def remove(results: Any) -> Any:
            yield from results
            flow.members.remove("street", "ann", by="ada")

        with pytest.raises(NotAllowed):
            exported(flow, job, target, by="ann", progress=remove)
        assert not target.exists()


class TestWhichFilesHoldATask:
    def test_by_its_number_its_key_and_itself(self, flow: Flow) -> None:
        job = cats(flow, row_key="source")
        exported(flow, job, where=Selection(field={"source": "2.jpg"}))
        everything = exported(flow, job)
        both = list(flow.results.exports(job))
        assert list(flow.results.exports(job, 2)) == both
        task = flow.results.get(job, 1).task
        for place in ((job, 1), task, (job.id, 1), ("cats", 1)):
            (found,) = flow.results.exports(place)
            assert found.sha256 == everything.sha256
        assert list(flow.results.exports(job, key="2.jpg")) == both
        assert list(flow.results.exports(("street", "cats"))) == both

    def test_an_erased_task_is_in_older_files_only(self, flow: Flow) -> None:
        job = cats(flow)
        before = exported(flow, job)
        maintenance.erase_task(flow, (job, 2), by="ada")
        flow.jobs.withdraw(job, tasks=[3], by="ada")
        exported(flow, job)
        assert [export.sha256 for export in flow.results.exports(job, 2)] == [before.sha256]
        assert [export.sha256 for export in flow.results.exports(job, 3)] == [before.sha256]
        assert [export.rows for export in flow.results.exports(job, 1)] == [4, 2]

    def test_of_a_job_whose_selection_has_holes_everywhere(self, flow: Flow) -> None:
        job = half_done(flow, tasks=2_000)
        exported(flow, job, where=Selection(label="dog"))
        (event,) = [event for event in flow.events.list(job) if event.type == "export"]
        dogs = {result.task.number for result in flow.results.find(job, label="dog")}
        assert len(event.data["numbers"]) <= 2_000
        for number in range(1, 40):
            assert bool(list(flow.results.exports(job, number))) is (number in dogs)

    def test_a_page_of_them(self, flow: Flow) -> None:
        job = cats(flow)
        for _ in range(5):
            exported(flow, job)
        every = list(flow.results.exports(job, 1))
        first = list(flow.results.exports(job, 1, limit=2))
        assert first == every[:2]
        assert list(flow.results.exports(job, 1, after=first[-1])) == every[2:]
        assert list(flow.results.exports(job, after=first[-1].position, limit=1)) == every[2:3]

    def test_what_is_not_there(self, flow: Flow) -> None:
        job = cats(flow)
        more = flow.jobs.create(
            "street", "more", template=flow.templates.get(job), data=rows(1), by="ada"
        )
        exported(flow, more)
        (away,) = flow.results.exports(more)
        for call in (
            lambda: flow.results.exports("typo"),
            lambda: flow.results.exports(job, 9),
            lambda: flow.results.exports(job, after=away),
        ):
            with pytest.raises(NotFound):
                call()
        with pytest.raises(InvalidData):
            flow.results.exports(job, 1, key="1.jpg")

    def test_who_is_removed_reads_no_further(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("itagflow.core.lookup.PAGE", 1)
        job = cats(flow)
        flow.members.add("street", "ann", Role.ANNOTATION_ADMIN, by="ada")
        for _ in range(3):
            exported(flow, job)
        found = flow.results.exports(job, by="ann")
        assert next(found)
        flow.members.remove("street", "ann", by="ada")
        with pytest.raises(NotAllowed, match="removed"):
            list(found)

    def test_who_may_not_export_sees_none(self, flow: Flow) -> None:
        job = cats(flow)
        exported(flow, job, by="ada")
        assert len(list(flow.results.exports(job, by="ada"))) == 1
        for name in ("ben", "nobody"):
            with pytest.raises((NotAllowed, NotFound)):
                flow.results.exports(job, by=name)
