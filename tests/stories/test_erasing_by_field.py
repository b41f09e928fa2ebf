"""Erasing what a field of the data names, such as a patient, from all jobs of a workspace."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.scenes import cats, labeled, peak

from itagflow import Flow, InvalidData, Job, JobState, NotAllowed, NotFound, maintenance, templates
from itagflow.json import to_json
from itagflow.model import EraseReport

CATS = templates.image_classification(["cat", "dog"])


@pytest.fixture
def street(flow: Flow) -> Iterator[Flow]:
    """Three jobs with the same patients, and one in another workspace."""
    job = patients(flow)
    for name in ("again", "later"):
        flow.jobs.create("street", name, template=flow.templates.get(job), data=data(6), by="ada")
    yield flow
    assert list(maintenance.verify(flow)) == []


def data(count: int) -> list[Any]:
    return [{"data": {"source": f"{n}.jpg", "patient": f"p{n % 3}"}} for n in range(1, count + 1)]


def patients(flow: Flow, count: int = 6, size: int = 2) -> Job:
    return cats(flow, data=data(count), size=size, row_key="source")


def erase(flow: Flow, equals: str = "p1", **how: Any) -> EraseReport:
    how = {"field": "patient", "by": "ada", **how}
    return maintenance.erase_where(flow, "street", equals=equals, **how)


def found(report: EraseReport) -> dict[str, tuple[int, ...]]:
    return {tasks.name: tasks.numbers for tasks in report.jobs}


def left(flow: Flow, *jobs: str) -> str:
    """Everything that the results of jobs have, as a text."""
    return json.dumps([result.task.data for job in jobs for result in flow.results.list(job)])


class TestWhatIsErased:
    def test_a_patient_from_every_job(self, street: Flow) -> None:
        labeled(street, "ben", street.jobs.get("cats"))
        report = erase(street, comment="asked for")
        assert found(report) == {"cats": (1, 4), "again": (1, 4), "later": (1, 4)}
        assert (report.count, report.erased_before, report.drafts) == (6, 0, ())
        assert '"p1"' not in left(street, "cats", "again", "later")
        for job in ("cats", "again", "later"):
            assert [r.task.number for r in street.results.list(job) if r.task.erased] == [1, 4]
        (event, _) = [e for e in street.events.list("cats") if e.type == "erase_task"]
        assert event.data["comment"] == "asked for"

    def test_only_in_the_workspace(self, street: Flow) -> None:
        lane = street.workspaces.create("lane", admin="zoe")
        away = street.jobs.create(lane, "away", template=CATS, data=data(3), by="zoe")
        erase(street)
        assert '"p1"' in json.dumps([r.task.data for r in street.results.list(away)])

    @pytest.mark.parametrize(
        ("value", "equals"), [(17, "17"), (None, "null"), ("17", "17"), (["a"], '["a"]')]
    )
    def test_values_that_are_no_texts(self, flow: Flow, value: Any, equals: str) -> None:
        rows = [{"data": {"source": "1.jpg", "patient": value}}, {"data": {"source": "2.jpg"}}]
        cats(flow, data=rows)
        assert found(erase(flow, equals)) == {"cats": (1,)}

    def test_archived_and_finished_jobs(self, street: Flow) -> None:
        street.jobs.archive("again", by="ada")
        assert erase(street).count == 6
        assert street.jobs.get("again").state is JobState.ARCHIVED

    def test_of_a_draft_nothing_and_the_report_says_so(self, street: Flow) -> None:
        street.jobs.create("street", "plan", template=CATS, data=data(3), draft=True, by="ada")
        report = erase(street)
        assert [(tasks.name, tasks.numbers) for tasks in report.drafts] == [("plan", (1,))]
        assert str(report).endswith("1 task of 1 draft left: delete the drafts")
        assert '"p1"' in left(street, "plan")

    def test_nothing_where_there_is_nothing(self, street: Flow) -> None:
        before = [street.jobs.progress(job) for job in ("cats", "again")]
        report = erase(street, "p9")
        assert str(report) == "erased 0 tasks of 0 jobs; no export holds them"
        assert erase(street, "1.jpg").count == 0
        assert erase(street, field="nothing").count == 0
        assert [street.jobs.progress(job) for job in ("cats", "again")] == before

    def test_a_look_first_changes_nothing(self, street: Flow) -> None:
        before = list(street.events.since())
        report = erase(street, dry_run=True)
        assert (report.count, report.dry_run) == (6, True)
        assert list(street.events.since()) == before
        assert attrs_of(erase(street)) == attrs_of(report)


class TestTheReceipt:
    def test_says_which_files_hold_the_tasks(self, street: Flow) -> None:
        first = street.results.export("cats", "jsonl", io.BytesIO(), by="ada")
        part, _ = street.results.partition("again", 2)
        second = street.results.export(part, "jsonl", io.BytesIO())
        street.results.export(street.results.partition("later", 6)[1], "jsonl", io.BytesIO())
        report = erase(street)
        one, other = report.exports
        assert (one.sha256, one.account) == (first.sha256, "ada")
        assert other.sha256 == second.sha256
        later = street.results.export("cats", "jsonl", io.BytesIO())
        assert later.sha256 not in {export.sha256 for export in erase(street).exports}

    def test_is_json_and_a_sentence(self, street: Flow) -> None:
        report = erase(street, dry_run=True)
        sent = to_json(report)
        assert (sent["count"], sent["dry_run"]) == (6, True)
        assert [each["name"] for each in sent["jobs"]] == ["cats", "again", "later"]
        assert str(report) == "would erase 6 tasks of 3 jobs; no export holds them"

    def test_has_what_was_erased_before_it_was_killed(self, street: Flow) -> None:
        street.results.export("cats", "csv", io.BytesIO())

        def kill(tasks: Any) -> Iterator[Any]:
            for number, task in enumerate(tasks):
                if number == 9:
                    raise KeyboardInterrupt
                yield task

        with pytest.raises(KeyboardInterrupt):
            erase(street, progress=kill)
        assert '"p1"' in left(street, "later")
        report = erase(street)
        assert found(report) == {"cats": (1, 4), "again": (1, 4), "later": (1, 4)}
        assert (report.erased_before, len(report.exports)) == (3, 1)
        # of another value, or erased one by one, nothing is in it
        maintenance.erase_task(street, (street.jobs.get("cats"), 2), by="ada")
        assert found(erase(street, "p2")) == {"cats": (5,), "again": (2, 5), "later": (2, 5)}

    def test_keeps_the_value_nowhere(self, street: Flow) -> None:
        erase(street)
        history = json.dumps([event.data for event in street.events.since()])
        assert "p1" not in history
        assert '"patient"' not in history

    def test_the_progress_has_a_total(self, street: Flow) -> None:
        totals = list[int]()

        def show(tasks: Any) -> Any:
            totals.append(len(tasks))
            return tasks

        erase(street, progress=show)
        assert totals == [18]


class TestWhoMayErase:
    def test_administrators_only(self, street: Flow) -> None:
        for who in ("ben", "cy"):
            for dry_run in (True, False):
                with pytest.raises(NotAllowed):
                    erase(street, by=who, dry_run=dry_run)
        with pytest.raises(NotFound):
            erase(street, by="nobody")
        assert '"p1"' in left(street, "cats")

    def test_what_is_no_field_and_no_text(self, street: Flow) -> None:
        for how in ({"field": 5}, {"equals": 17}, {"comment": b"why"}, {"dry_run": 1}):
            with pytest.raises(
                InvalidData, match=r"maintenance\.erase_where: (field|equals|co|dry)"
            ):
                erase(street, **how)


def test_memory_does_not_grow_with_what_is_searched(flow: Flow) -> None:
    patients(flow, 500, size=100)
    small = peak(lambda: erase(flow, "p9"))
    flow.jobs.append("cats", data(5_000), by="ada")
    assert peak(lambda: erase(flow, "p9")) < small + 1_000_000


def attrs_of(report: EraseReport) -> tuple[Any, ...]:
    return (report.jobs, report.drafts, report.exports)
