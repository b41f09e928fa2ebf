"""Erasing: a name, or a row with its answers, goes; who did what, states and counts stay."""

from __future__ import annotations

import io
import itertools
import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import attrs
import pytest
from support import invariants
from support.scenes import Clock, cats, labeled, taken, verbs

import itagflow
from itagflow import (
    Accept,
    AlreadyExists,
    Choice,
    Event,
    Flow,
    GroupByField,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    PackageState,
    PreLabel,
    Role,
    Stage,
    TaskState,
    Template,
    Text,
    Workflow,
    maintenance,
)
from itagflow.maintenance import erasure
from itagflow.storage import FIELDS, Query, Writer
from itagflow.templates import AddQuestion, DropOption, Question, QuestionKind, View, ViewKind


@pytest.fixture
def checked(flow: Flow) -> Iterator[Flow]:
    yield flow
    invariants.check(flow)


def everything(flow: Flow) -> str:
    """Everything in a store, as text."""
    with flow.store.read() as reader:
        return "\n".join(
            sorted(
                repr(attrs.asdict(entity)) for kind in FIELDS for entity in reader.find(Query(kind))
            )
        )


def on_disk(path: Path) -> bytes:
    """The bytes of a SQLite file, after what was deleted is removed from it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def a_busy_week(flow: Flow) -> tuple[Job, int]:
    """A job in whose history benedict is everywhere, and his key; he is removed at the end."""
    job = cats(
        flow,
        tasks=6,
        size=1,
        workflow=Workflow(Label(), Inspect()),
        label=("benedict", "benedict-two"),
    )
    (key,) = (member.id for member in flow.members.list("street") if member.account == "benedict")
    flow.members.set_role("street", "benedict", Role.LEADER, by="ada", groups=["benedict's crew"])
    flow.assignments.assign((job.id, 6), "benedict", by="ada")
    assignment = labeled(flow, "benedict", job)
    review = taken(flow, "di", job, Stage.INSPECT)
    flow.judge(review, assignment.package, wrong="benedict, this is a dog")
    flow.judge(review, assignment.package, wrong="benedict, look: a dog")
    flow.reject(review)
    other = taken(flow, "benedict-two", job)
    flow.abandon(other, other.package, "ask benedict")
    flow.assignments.reassign(other, "benedict", by="ada", comment="benedict knows it")
    taken(flow, "benedict", job)
    flow.members.remove("street", "benedict", by="ada")
    return job, key


class TestMembers:
    def test_the_name_is_nowhere_and_who_did_what_stays_known(self, checked: Flow) -> None:
        job, key = a_busy_week(checked)
        before = [
            (event.position, event.type, event.member, event.changes)
            for event in checked.events.since()
        ]
        assert everything(checked).count("benedict") > everything(checked).count("benedict-two")
        gone = maintenance.erase_member(checked, "street", "benedict", by="ada")
        assert (gone.id, gone.account, gone.groups, gone.active) == (
            key,
            f"erased-{key}",
            (),
            False,
        )
        assert "benedict" not in everything(checked).replace("benedict-two", "")
        assert "benedict-two" in everything(checked), "somebody else's name"
        after = [
            (event.position, event.type, event.member, event.changes)
            for event in checked.events.since()
        ]
        assert after[:-1] == before, "the acts are the same ones"
        assert {event.account for event in checked.events.list(job) if event.member == key} == {
            f"erased-{key}"
        }
        assert list(checked.assignments.list(key, workspace="street", live=False))
        assert {
            made.member for result in checked.results.list(job) for made in result.provenance
        } >= {key}

    def test_what_people_wrote_says_who_by_the_mark(self, checked: Flow) -> None:
        job, key = a_busy_week(checked)
        maintenance.erase_member(checked, "street", "benedict", by="ada")
        reasons = [
            event.data[name]
            for event in checked.events.list(job)
            for name in ("comment", "reason")
            if event.data.get(name)
        ]
        assert f"erased-{key}, look: a dog" in reasons
        assert f"erased-{key} knows it" in reasons
        assert f"erased-{key} was removed" in reasons

    def test_its_event_names_the_mark_only(self, checked: Flow) -> None:
        _, key = a_busy_week(checked)
        maintenance.erase_member(checked, "street", "benedict", by="ada")
        *_, last = checked.events.since()
        assert str(last).endswith(f"ada erased the name of member erased-{key}")

    def test_the_file_does_not_hold_it_either(self, tmp_path: Path) -> None:
        path = tmp_path / "labels.db"
        with itagflow.open(path, clock=Clock()) as flow:
            a_busy_week(flow)
            assert b"benedict" in on_disk(path)
            maintenance.erase_member(flow, "street", "benedict", by="ada")
            assert "'benedict'" not in repr(flow.store._row_cache._decoded), (
                "nor what the store keeps decoded"
            )
        assert b"benedict" not in on_disk(path).replace(b"benedict-two", b"")

    def test_one_who_still_belongs_there_is_removed_first(self, checked: Flow) -> None:
        cats(checked)
        with pytest.raises(
            NotAllowed,
            match="ben may not be erased: they belong to the workspace: remove them first",
        ):
            maintenance.erase_member(checked, "street", "ben", by="ada")

    def test_only_an_administrator_may(self, checked: Flow) -> None:
        job, _ = a_busy_week(checked)
        checked.members.add("street", "eve", Role.ANNOTATION_ADMIN, by="ada")
        before = everything(checked)
        with pytest.raises(NotAllowed, match="eve may not erase"):
            maintenance.erase_member(checked, "street", "benedict", by="eve")
        with pytest.raises(NotAllowed, match="eve may not erase"):
            maintenance.erase_task(checked, (job.id, 1), by="eve")
        assert everything(checked) == before

    def test_the_account_is_free_again_for_somebody_else(self, checked: Flow) -> None:
        _, key = a_busy_week(checked)
        maintenance.erase_member(checked, "street", "benedict", by="ada")
        new = checked.members.add("street", "benedict", Role.OPERATOR, by="ada")
        assert new.id != key
        with pytest.raises(AlreadyExists):
            checked.members.add("street", f"erased-{key}", Role.OPERATOR, by="ada")

    def test_once_more_changes_nothing(self, checked: Flow) -> None:
        _, key = a_busy_week(checked)
        gone = maintenance.erase_member(checked, "street", "benedict", by="ada")
        before = everything(checked)
        assert maintenance.erase_member(checked, "street", key, by="ada") == gone
        assert everything(checked) == before

    def test_after_a_crash_it_is_called_again(
        self, checked: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_busy_week(checked)
        monkeypatch.setattr(erasure, "BLOCK", 4)
        opened, transactions = checked.store.write, itertools.count(1)

        def write() -> AbstractContextManager[Writer]:
            if next(transactions) > 5:
                raise OSError("the power is gone")
            return opened()

        with monkeypatch.context() as broken:
            broken.setattr(checked.store, "write", write)
            with pytest.raises(OSError, match="power"):
                maintenance.erase_member(checked, "street", "benedict", by="ada")
        maintenance.erase_member(checked, "street", "benedict", by="ada")
        assert "benedict" not in everything(checked).replace("benedict-two", "")

    @pytest.mark.parametrize("when", range(6))
    def test_a_task_that_is_erased_meanwhile_is_in_nobodys_way(
        self, checked: Flow, monkeypatch: pytest.MonkeyPatch, when: int
    ) -> None:
        job, key = a_busy_week(checked)
        batches = erasure._batch_events

        def slow(events: Iterator[Event]) -> Iterator[list[Event]]:
            for number, some in enumerate(batches(events)):
                if number == when:
                    maintenance.erase_task(checked, (job.id, 6), by="ada")
                yield some

        monkeypatch.setattr(erasure, "BLOCK", 4)
        monkeypatch.setattr(erasure, "_batch_events", slow)
        maintenance.erase_member(checked, "street", "benedict", by="ada")
        assert "benedict" not in everything(checked).replace("benedict-two", "")
        reasons = {
            event.data["comment"]
            for event in checked.events.list(job)
            if event.type in ("judge", "reject")
        }
        assert reasons == {"erased"}, "nor has what was erased come back"
        assert checked.results.get((job.id, 6)).task.erased
        assert f"erased-{key}" in everything(checked)

    def test_a_job_of_that_name_is_somebody_elses_word(self, checked: Flow) -> None:
        job = cats(checked)
        checked.jobs.update(job, name="ben", by="ada")
        checked.jobs.pause("ben", by="ada")
        checked.members.remove("street", "ben", by="ada")
        maintenance.erase_member(checked, "street", "ben", by="ada")
        assert [
            event.data["name"] for event in checked.events.list(job) if event.type == "pause"
        ] == ["ben"]


def letters(flow: Flow, count: int = 4, workflow: Workflow | None = None, **more: Any) -> Job:
    """A job that asks people to copy letters; what they copy is as private as the letters."""
    template = Template(
        questions=(Question("1", QuestionKind.INPUT, "Text"),),
        views=(View(ViewKind.IMAGE), View(ViewKind.TEXT, "from")),
    )
    home = flow.workspaces.create("street", admin="ada")
    people = {Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"], Stage.ACCEPT: ["ada"]}
    for name in ("ben", "cy", "di"):
        flow.members.add(home, name, Role.OPERATOR, by="ada")
    flow_ = workflow or Workflow(Label(), Inspect())
    data = [
        {
            "data": {"source": f"s{n}.jpg", "from": f"secret {n}"},
            "label-15": {"results": [f"old secret {n}"]},
        }
        for n in range(1, count + 1)
    ]
    return flow.jobs.create(
        home,
        "letters",
        template=template,
        data=more.pop("data", data),
        workflow=flow_,
        packaging=more.pop("packaging", itagflow.FixedSize(2)),
        workforce={stage: people[stage] for stage in flow_.stages},
        by="ada",
        row_key=more.pop("row_key", "from"),
        **more,
    )


def copied(flow: Flow, member: str, job: Job) -> itagflow.Assignment:
    """A package of letters copied and handed in."""
    assignment = taken(flow, member, job)
    for item in flow.tasks(assignment):
        flow.save(assignment, item, Text(f"draft of {item.data['from']}"))
        flow.save(assignment, item, Text(f"copy of {item.data['from']}"))
    return flow.submit(assignment)


class TestTasks:
    def test_nothing_of_it_is_left_but_its_place(self, checked: Flow) -> None:
        job = letters(checked)
        copied(checked, "ben", job)
        assignment = taken(checked, "di", job, Stage.INSPECT)
        checked.judge(assignment, 1, wrong="no: secret 1 again")
        checked.judge(assignment, 1, wrong="secret 1 is upside down")
        checked.judge(assignment, 2, wrong="a comma is missing")
        checked.reject(assignment)
        checked.jobs.prelabel(
            job, lambda tasks: [Text(f"guess {task.data['from']}") for task in tasks], by="ada"
        )
        erased = maintenance.erase_task(
            checked, (job.id, 1), by="ada", comment="asked for in a letter of May 3"
        )
        assert (erased.erased, erased.row_key) == (True, None)
        assert json.loads(erased.row) == {"data": {"from": None, "source": None}, "erased": True}
        assert "secret 1" not in everything(checked)
        assert "secret 2" in everything(checked)
        assert "a comma is missing" in everything(checked)
        (reject,) = (event for event in checked.events.list(job) if event.type == "reject")
        assert reject.data["comment"] == "erased; a comma is missing"
        *_, last = checked.events.list(job)
        assert str(last).endswith("ada erased the data of task 1: asked for in a letter of May 3")

    def test_the_file_does_not_hold_it_either(self, tmp_path: Path) -> None:
        path = tmp_path / "labels.db"
        with itagflow.open(path, clock=Clock()) as flow:
            job = letters(flow)
            copied(flow, "ben", job)
            assert b"secret 1" in on_disk(path)
            maintenance.erase_task(flow, (job.id, 1), by="ada")
        assert b"secret 1" not in on_disk(path)
        assert b"secret 2" in on_disk(path)

    def test_states_counts_and_who_made_it_stay(self, checked: Flow) -> None:
        job = letters(checked, workflow=Workflow(Label(), Inspect(), Accept()))
        copied(checked, "ben", job)
        assignment = taken(checked, "cy", job)
        checked.abandon(assignment, 3, "secret 3 is blank")
        checked.save(assignment, 4, Text("copy of secret 4"))
        checked.submit(assignment)
        checked.review(taken(checked, "di", job, Stage.INSPECT))
        before = [(result.state, result.provenance) for result in checked.results.list(job)]
        progress = checked.jobs.progress(job)
        for number in (1, 3):
            maintenance.erase_task(checked, (job.id, number), by="ada")
        assert [(result.state, result.provenance) for result in checked.results.list(job)] == before
        assert before[0][0] is TaskState.PASSED
        assert before[2][0] is TaskState.ABANDONED
        assert checked.jobs.progress(job) == progress
        first, _, third, _ = checked.results.list(job)
        assert first.replies == {}
        assert third.last is not None
        assert third.last.abandon_reason == "erased"

    def test_answers_and_events_say_that_it_was_erased(self, checked: Flow) -> None:
        job = letters(checked, 2)
        assignment = copied(checked, "ben", job)
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        first, second = checked.tasks(assignment)
        assert first.answer is not None
        assert second.answer is not None
        assert (first.answer.erased, first.answer.replies) == (True, {})
        assert (second.answer.erased, second.answer.reply) == (False, Text("copy of secret 2"))

    def test_the_one_at_work_goes_on_without_it(self, checked: Flow) -> None:
        job = letters(checked, 2)
        assignment = taken(checked, "ben", job)
        first, second = checked.tasks(assignment)
        checked.save(assignment, first, Text("copy of secret 1"))
        maintenance.erase_task(checked, first, by="ada")
        assert [item.task.number for item in checked.tasks(assignment)] == [2]
        with pytest.raises(InvalidData, match="task 1: is not in the scope"):
            checked.save(assignment, first, Text("copy of secret 1"))
        checked.save(assignment, second, Text("copy of secret 2"))
        checked.submit(assignment)
        assert "secret 1" not in everything(checked)
        assignment = taken(checked, "di", job, Stage.INSPECT)
        assert [item.task.number for item in checked.tasks(assignment)] == [2]
        checked.review(assignment)
        assert checked.jobs.get(job).state is JobState.FINISHED

    def test_a_package_of_which_nothing_is_left_passes_empty(self, checked: Flow) -> None:
        job = letters(checked, 2)
        for number in (1, 2):
            maintenance.erase_task(checked, (job.id, number), by="ada")
        assignment = taken(checked, "ben", job)
        assert list(checked.tasks(assignment)) == []
        checked.submit(assignment)
        checked.review(taken(checked, "di", job, Stage.INSPECT))
        assert checked.jobs.get(job).state is JobState.FINISHED
        assert [result.state for result in checked.results.list(job)] == [
            TaskState.TODO,
            TaskState.TODO,
        ]

    def test_rework_and_samples_leave_it_out(self, checked: Flow) -> None:
        job = letters(
            checked, 4, Workflow(Label(), Inspect(task_share=1.0)), packaging=itagflow.FixedSize(4)
        )
        copied(checked, "ben", job)
        maintenance.erase_task(checked, (job.id, 2), by="ada")
        assignment = taken(checked, "di", job, Stage.INSPECT)
        assert assignment.scope == (1, 3, 4)
        checked.reject(assignment, comment="all again", whole=True)
        assignment = taken(checked, "ben", job)
        assert assignment.scope == (1, 3, 4)
        checked.save_many(assignment, {number: Text("again") for number in (1, 3, 4)})
        checked.submit(assignment)
        checked.review(taken(checked, "di", job, Stage.INSPECT))
        checked.packages.reopen((job.id, 1), by="ada")
        assert taken(checked, "di", job, Stage.INSPECT).scope == (1, 3, 4)

    def test_a_dispute_about_it_needs_no_decision(self, checked: Flow) -> None:
        job = letters(checked, 2, Workflow(Label(votes=2, min_votes=2), Inspect()))
        for name in ("ben", "cy"):
            assignment = taken(checked, name, job)
            checked.save_many(assignment, {1: Text(f"{name} reads secret 1"), 2: Text("the same")})
            checked.submit(assignment)
        assert checked.jobs.progress(job).disputed == 1
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        assert checked.jobs.progress(job).disputed == 1
        assignment = taken(checked, "di", job, Stage.INSPECT)
        checked.review(assignment)
        assert checked.jobs.get(job).state is JobState.FINISHED
        assert "secret 1" not in everything(checked)

    def test_between_two_votes_it_drops_out(self, checked: Flow) -> None:
        job = letters(checked, 2, Workflow(Label(votes=2, min_votes=2), Inspect()))
        for name in ("ben", "cy"):
            assignment = taken(checked, name, job)
            checked.save_many(assignment, {n: Text("the same") for n in assignment.scope or (1, 2)})
            checked.submit(assignment)
            if name == "ben":
                maintenance.erase_task(checked, (job.id, 1), by="ada")
        (package,) = checked.packages.list(job)
        assert (package.state, package.disputes, package.scope) == (PackageState.INSPECT, (), (2,))

    def test_a_model_is_not_asked_about_it(self, checked: Flow) -> None:
        job = letters(checked, 4)
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        seen = list[int]()

        def predict(tasks: Any) -> Any:
            seen.extend(task.number for task in tasks)
            maintenance.erase_task(checked, (job.id, 4), by="ada")  # while the model thinks
            return [PreLabel(Text(f"guess {task.data['from']}"), 0.9) for task in tasks]

        report = checked.jobs.prelabel(job, predict, min_confidence=True, by="ada")
        assert seen == [2, 3, 4]
        assert report.accepted == 2
        assert "guess secret 4" not in everything(checked)
        assert {package.state for package in checked.packages.list(job)} == {PackageState.INSPECT}

    def test_the_value_that_made_the_package_goes_with_its_last_task(self, checked: Flow) -> None:
        data = [{"data": {"source": f"{n}.jpg", "from": "a patient"}} for n in (1, 2)]
        job = letters(checked, data=data, packaging=GroupByField("from"), row_key="source")
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        assert next(checked.packages.list(job)).value == '"a patient"'
        maintenance.erase_task(checked, (job.id, 2), by="ada")
        assert "patient" not in everything(checked)

    def test_exports_leave_it_out_and_say_so(self, checked: Flow) -> None:
        job = letters(checked, 4)
        for _ in range(2):
            copied(checked, "ben", job)
            checked.review(taken(checked, "di", job, Stage.INSPECT))
        maintenance.erase_task(checked, (job.id, 2), by="ada")
        target = io.BytesIO()
        report = checked.results.export(job, "itag", target)
        assert (report.rows, report.erased, report.abandoned) == (3, 1, 0)
        assert [json.loads(line)["data"]["from"] for line in target.getvalue().splitlines()] == [
            "secret 1",
            "secret 3",
            "secret 4",
        ]

    def test_workers_that_export_parts_count_it_too(self, checked: Flow) -> None:
        job = letters(checked, 4)
        for task in (2, 3):
            maintenance.erase_task(checked, (job.id, task), by="ada")
        whole, joined = io.BytesIO(), io.BytesIO()
        checked.results.export(job, "itag", whole)
        with ThreadPoolExecutor(2) as threads:
            report = checked.results.export(job, "itag", joined, executor=threads, partitions=3)
        assert (report.rows, report.erased) == (2, 2)
        assert joined.getvalue() == whole.getvalue()

    def test_the_template_changes_without_it(self, checked: Flow) -> None:
        job = cats(checked)
        labeled(checked, "ben", job, "dog")
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        maintenance.erase_task(checked, (job.id, 2), by="ada")
        report = checked.jobs.change_template(job, DropOption("1", "dog"), by="ada")
        assert (report.changed, report.unchanged, report.cannot) == (0, 2, 0)
        note = Question("2", QuestionKind.INPUT, "Note")
        report = checked.jobs.change_template(job, AddQuestion(note, reply=Text("?")), by="ada")
        assert (report.changed, report.unchanged, report.cannot) == (0, 2, 0)
        assert all(not result.replies for result in checked.results.list(job) if result.task.erased)

    def test_the_same_row_may_come_again(self, checked: Flow) -> None:
        job = letters(checked, 2)
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        again = [
            {"data": {"source": "s.jpg", "from": "secret 1"}},
            {"data": {"source": "s.jpg", "from": "secret 2"}},
        ]
        report = checked.jobs.append(job, again, by="ada")
        assert (report.loaded, report.known) == (1, 1)

    def test_it_can_be_erased_in_an_archived_job_but_not_in_a_draft(self, checked: Flow) -> None:
        job = letters(checked, 2)
        copied(checked, "ben", job)
        checked.jobs.archive(job, by="ada")
        maintenance.erase_task(checked, (job.id, 2), by="ada")
        assert "secret 2" not in everything(checked)
        data = [{"data": {"source": "s.jpg", "from": "me"}}]
        draft = checked.jobs.create(
            "street", "draft", template=job.template, data=data, by="ada", draft=True
        )
        with pytest.raises(NotAllowed, match="is a draft"):
            maintenance.erase_task(checked, (draft.id, 1), by="ada")

    def test_once_more_changes_nothing(self, checked: Flow) -> None:
        job = letters(checked, 2)
        erased = maintenance.erase_task(checked, (job.id, 1), by="ada")
        before = verbs(checked, job)
        assert maintenance.erase_task(checked, erased, by="ada") == erased
        assert verbs(checked, job) == before

    def test_what_an_erased_pre_label_was_corrected_to_is_counted_no_more(
        self, checked: Flow
    ) -> None:
        job = letters(checked, 2)
        checked.jobs.prelabel(job, lambda tasks: [Text("guess") for _ in tasks], by="ada")
        copied(checked, "ben", job)
        assert checked.jobs.progress(job).corrected == 2
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        assert (checked.jobs.progress(job).prelabeled, checked.jobs.progress(job).corrected) == (
            2,
            1,
        )

    def test_a_copy_of_the_store_knows_it_too(self, checked: Flow) -> None:
        job = letters(checked, 2)
        copied(checked, "ben", job)
        maintenance.erase_task(checked, (job.id, 1), by="ada")
        with itagflow.open("memory:") as other:
            maintenance.copy(checked, to=other)
            assert [result.task.erased for result in other.results.list(job)] == [True, False]
            assert everything(other) == everything(checked)


def test_an_answer_without_replies_is_one_on_every_store(flow: Flow) -> None:
    home = flow.workspaces.create("street", admin="ada")
    template = Template(
        questions=(Question("1", QuestionKind.INPUT, "Remark", required=False),), views=()
    )
    job = flow.jobs.create(home, "remarks", template=template, data=[{"data": {}}], by="ada")
    assignment = taken(flow, "ada", job)
    flow.save(assignment, 1, {})
    flow.submit(assignment)
    (result,) = flow.results.list(job)
    assert (result.state, result.replies) == (TaskState.FINAL, {})


def test_an_answer_to_an_erased_task_does_not_stand_for_a_missing_one(flow: Flow) -> None:
    job = cats(flow, tasks=3, size=3)
    assignment = taken(flow, "ben", job)
    flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
    maintenance.erase_task(flow, (job.id, 2), by="ada")
    with pytest.raises(Incomplete) as caught:
        flow.submit(assignment)
    assert caught.value.tasks == (3,)
