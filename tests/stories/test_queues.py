"""Jobs that a running system feeds: items come one by one, some are withdrawn, and nothing ends."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from typing import Any

import pytest
from support.refusals import everything
from support.scenes import START, Clock, cats, exported, labeled, rows, street, taken, verbs

import itagflow
from itagflow import (
    Choice,
    FixedSize,
    Flow,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotFound,
    PackageState,
    PreLabel,
    Stage,
    TaskState,
    Workflow,
    maintenance,
    templates,
)
from itagflow.errors import Incomplete, NotRegistered, Problem, WrongState
from itagflow.model import GroupByField, WithdrawReport
from itagflow.storage import MemoryStore

CATS = templates.image_classification(["cat", "dog"])
CYCLES = int(os.environ.get("ITAGFLOW_CYCLES", "200"))
"""How many times a queue becomes idle and busy again; 10,000 in a run of its own."""


def queue(flow: Flow, **more: Any) -> Job:
    """A job that is empty and runs: ben and cy label."""
    street(flow, "ben", "cy", "di")
    workforce = {Stage.LABEL: ["ben", "cy"]}
    given: dict[str, Any] = {"template": CATS, "workforce": workforce, "by": "ada"} | more
    return flow.jobs.create("street", "flagged", **given)


def item(n: int) -> dict[str, str]:
    return {"source": f"{n}.jpg"}


class TestJobsThatNeverEnd:
    def test_one_without_data_is_published_empty(self, flow: Flow) -> None:
        job = queue(flow)
        assert (job.state, job.auto_finish) == (JobState.RUNNING, False)
        assert flow.jobs.progress(job).is_idle
        assert flow.claim("ben", job, Stage.LABEL) is None
        assert flow.explain("ben", job, Stage.LABEL) == "nothing waits now"

    def test_data_a_draft_and_who_says_so_are_as_always(self, flow: Flow) -> None:
        street(flow, "ben", "cy", "di")
        make = flow.jobs.create
        assert make("street", "a", template=CATS, data=rows(1), by="ada").auto_finish
        draft = make("street", "b", template=CATS, draft=True, by="ada")
        assert (draft.state, draft.auto_finish) == (JobState.DRAFT, True)
        waiting = make("street", "c", template=CATS, auto_finish=True, by="ada")
        assert waiting.state is JobState.DRAFT, "it would be done at once"
        with pytest.raises(Incomplete, match="no tasks"):
            flow.jobs.publish(waiting, by="ada")
        endless = make("street", "d", template=CATS, data=rows(1), auto_finish=False, by="ada")
        assert not endless.auto_finish
        empty = make("street", "e", template=CATS, auto_finish=False, draft=True, by="ada")
        assert empty.state is JobState.DRAFT
        assert flow.jobs.publish(empty, by="ada").state is JobState.RUNNING

    def test_dead_ends_are_found_all_the_same(self, flow: Flow) -> None:
        street(flow, "ben")
        order: dict[str, Any] = {
            "template": CATS,
            "workflow": Workflow(Label(), Inspect()),
            "workforce": {Stage.LABEL: ["ben"], Stage.INSPECT: ["ben"]},
            "by": "ada",
        }
        before = list(flow.events.since())
        for exist_ok in (False, True):
            with pytest.raises(Incomplete, match="nobody reviews their own work"):
                flow.jobs.create("street", "flagged", exist_ok=exist_ok, **order)
        assert list(flow.jobs.list("street")) == []
        assert list(flow.events.since()) == before, "what was refused left no trace"
        assert "nobody reviews" in flow.jobs.check("street", "flagged", **order).blocking_reason
        assert flow.jobs.check("street", "x", template=CATS, data=[], by="ada").blocking_reason
        assert flow.jobs.check(
            "street", "x", template=CATS, data=[], auto_finish=False, by="ada"
        ).ok

    def test_idle_and_busy_again_and_again(self, flow: Flow) -> None:
        job = queue(flow)
        for cycle in range(1, CYCLES + 1):
            flow.jobs.add(job, item(cycle), key=cycle, by="ada")
            labeled(flow, ("ben", "cy")[cycle % 2], job)
            if cycle % 50 == 0:
                assert flow.jobs.get(job).state is JobState.RUNNING
                assert flow.jobs.progress(job).is_idle
        assert flow.jobs.progress(job).done == CYCLES
        assert flow.jobs.get(job).state is JobState.RUNNING
        assert list(maintenance.verify(flow)) == []

    def test_nothing_but_finish_ends_it(self, flow: Flow) -> None:
        job = queue(flow)
        flow.jobs.append(job, rows(3), by="ada")
        labeled(flow, "ben", job)
        flow.jobs.append(job, rows(2), by="ada")
        flow.packages.discard((job.id, 2), by="ada")
        assert flow.jobs.get(job).state is JobState.RUNNING
        assert flow.jobs.finish(job, by="ada").state is JobState.FINISHED
        flow.jobs.add(job, item(9), by="ada")
        assert flow.jobs.get(job).state is JobState.RUNNING

    def test_turned_on_it_ends_with_the_last_package_or_at_once(self, flow: Flow) -> None:
        job = queue(flow)
        flow.jobs.append(job, rows(1), by="ada")
        assert flow.jobs.update(job, auto_finish=True, by="ada").state is JobState.RUNNING
        labeled(flow, "ben", job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        flow.jobs.update(job, auto_finish=False, by="ada")
        assert flow.jobs.get(job).state is JobState.FINISHED, "what has ended stays so"
        flow.jobs.append(job, rows(1), by="ada")
        labeled(flow, "ben", job)
        assert flow.jobs.get(job).state is JobState.RUNNING
        for _ in range(2):  # sent again it changes nothing
            assert flow.jobs.update(job, auto_finish=True, by="ada").state is JobState.FINISHED
        assert verbs(flow, job).count("finish") == 1, "the other one is the submission"

    def test_a_clone_is_one_too(self, flow: Flow) -> None:
        clone = flow.jobs.clone(queue(flow), "again", by="ada")
        assert not clone.auto_finish
        assert flow.jobs.publish(clone, by="ada").state is JobState.RUNNING

    def test_what_is_held_is_told(self, flow: Flow, clock: Clock) -> None:
        job = queue(flow)
        flow.jobs.append(job, rows(1), by="ada")
        taken(flow, "ben", job)
        told = flow.explain("cy", job, Stage.LABEL)
        assert told.startswith("nothing waits now; 1 assignment is held by or offered to people")

    def test_exist_ok_returns_it_as_it_runs(self, flow: Flow) -> None:
        job = queue(flow)
        assert flow.jobs.create("street", job.name, template=CATS, exist_ok=True, by="ada") == job


class TestAdding:
    def test_a_task_in_a_package_of_its_own(self, flow: Flow) -> None:
        job = queue(flow, packaging=FixedSize(50))
        due = START + timedelta(hours=2)
        task = flow.jobs.add(
            job, item(1), key="post-7", priority=0.5, due=due, tags=["spam?", "é"], by="ada"
        )
        assert (task.number, task.package, task.row_key) == (1, 1, "post-7")
        assert (task.data, task.tags) == (item(1), ("spam?", "é"))
        package = flow.packages.get((job, 1))
        assert (package.size, package.priority, package.due) == (1, 0.5, due)
        assert flow.jobs.add(job, item(2), by="ada").package == 2
        assert verbs(flow, job)[-2:] == ["add", "add"]
        assert str(list(flow.events.list(job))[-1]).endswith("ada added task 2")

    def test_the_same_key_gives_the_same_task(self, flow: Flow) -> None:
        job = queue(flow)
        task = flow.jobs.add(job, item(1), key="post-7", by="ada")
        before = list(flow.events.since())
        again = flow.jobs.add(job, item(2), key="post-7", priority=9, tags=["x"], by="ada")
        assert again == task
        assert list(flow.events.since()) == before
        flow.jobs.finish(job, discard_open=True, by="ada")
        assert flow.jobs.add(job, item(1), key="post-7", by="ada") == task
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_a_number_and_its_digits_are_two_keys(self, flow: Flow) -> None:
        job = queue(flow)
        numbers = [flow.jobs.add(job, item(1), key=key, by="ada").number for key in (7, "7", 7)]
        assert numbers == [1, 2, 1]
        assert flow.results.get(job, key="7").task.number == 2
        text = flow.jobs.create("street", "texts", template=CATS, row_key_type="text", by="ada")
        numbers = [flow.jobs.add(text, item(1), key=key, by="ada").number for key in (7, "7")]
        assert numbers == [1, 1]

    def test_the_row_key_of_the_job_goes_before(self, flow: Flow) -> None:
        job = queue(flow, row_key="id")
        row = {**item(1), "id": "a"}
        task = flow.jobs.add(job, row, by="ada")
        assert flow.jobs.add(job, row, key="a", by="ada") == task
        with pytest.raises(InvalidData, match=r"key: is 'b', and data\.id is 'a'"):
            flow.jobs.add(job, row, key="b", by="ada")
        with pytest.raises(InvalidData, match=r"the task: data\.id: is missing"):
            flow.jobs.add(job, item(1), key="a", by="ada")
        assert flow.jobs.append(job, [row], by="ada").known == 1

    def test_a_key_is_looked_up_also_without_a_field_for_it(self, flow: Flow) -> None:
        job = queue(flow)
        flow.jobs.add(job, item(1), by="ada")
        with pytest.raises(InvalidData, match="has no row key"):
            flow.results.get(job, key="post-7")
        flow.jobs.add(job, item(2), key="post-7", by="ada")
        assert flow.results.get(job, key="post-7").task.number == 2
        with pytest.raises(NotFound):
            flow.results.get(job, key="post-8")

    def test_a_prediction_is_shown_or_counts(self, flow: Flow) -> None:
        job = queue(flow)
        guess = PreLabel(Choice("dog"), score=0.7, model="vit", model_version="3")
        for n, sure in enumerate((0.9, 0.7, False, True), 1):
            flow.jobs.add(job, item(n), prediction=guess, min_confidence=sure, by="ada")
        states = [result.state for result in flow.results.list(job)]
        assert states == [TaskState.TODO, TaskState.FINAL, TaskState.TODO, TaskState.FINAL]
        shown = next(iter(flow.tasks(taken(flow, "ben", job)))).prelabel
        assert shown is not None
        assert (shown.reply, shown.score, shown.model) == (Choice("dog"), 0.7, "vit")
        with pytest.raises(InvalidData, match="the prediction: 1: 'bird' is not an option"):
            flow.jobs.add(job, item(5), prediction=Choice("bird"), by="ada")
        assert flow.jobs.progress(job).total == 4

    def test_a_prediction_that_counts_is_shown_to_the_validator(self) -> None:
        seen: list[Any] = []

        def no_dogs(task: itagflow.Task, replies: Any) -> Any:
            seen.append((task.number, task.data))
            if replies["1"] == Choice("dog"):
                yield Problem("1", "there are no dogs")

        store = MemoryStore()
        flow = Flow(store, validators={"no_dogs": no_dogs})
        job = queue(flow, validator="no_dogs")
        with pytest.raises(InvalidData, match="the prediction: 1: there are no dogs"):
            flow.jobs.add(job, item(1), prediction=Choice("dog"), min_confidence=True, by="ada")
        flow.jobs.add(job, item(1), prediction=Choice("dog"), by="ada")
        assert seen == [(0, item(1))]
        with pytest.raises(NotRegistered):
            Flow(store).jobs.add(
                job, item(2), prediction=Choice("cat"), min_confidence=True, by="ada"
            )

    def test_votes_groups_and_reviews_are_those_of_the_job(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, votes_package_share=0.5), Inspect())
        job = queue(
            flow,
            workflow=workflow,
            packaging=GroupByField("source"),
            workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"]},
        )
        for n in range(20):
            flow.jobs.add(job, item(n % 2), by="ada")
        packages = list(flow.packages.list(job))
        assert {package.votes for package in packages} == {1, 2}
        assert all(package.free == package.votes for package in packages)
        assert [package.value for package in packages[:2]] == ['"0.jpg"', '"1.jpg"']

    def test_a_finished_job_runs_again_if_there_is_something_to_do(self, flow: Flow) -> None:
        job = cats(flow, tasks=1)
        labeled(flow, "ben", job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        flow.jobs.add(job, item(2), prediction=Choice("cat"), min_confidence=True, by="ada")
        assert flow.jobs.get(job).state is JobState.FINISHED
        flow.jobs.add(job, item(3), by="ada")
        assert flow.jobs.get(job).state is JobState.RUNNING

    def test_drafts_and_archived_jobs_take_nothing(self, flow: Flow) -> None:
        street(flow, "ben")
        job = flow.jobs.create("street", "x", template=CATS, draft=True, by="ada")
        with pytest.raises(WrongState):
            flow.jobs.add(job, item(1), by="ada")
        flow.jobs.archive(job, by="ada")
        with pytest.raises(WrongState):
            flow.jobs.add(job, item(1), by="ada")

    def test_only_who_manages_jobs_adds(self, flow: Flow) -> None:
        job = queue(flow)
        with pytest.raises(NotAllowed):
            flow.jobs.add(job, item(1), by="ben")
        assert flow.jobs.progress(job).total == 0

    def test_what_is_wrong_leaves_nothing(self, flow: Flow) -> None:
        job = queue(flow)
        before = list(flow.events.since())
        wrong: list[dict[str, Any]] = [
            {"data": {}},
            {"data": [1]},
            {"key": ""},
            {"key": True},
            {"key": 2**63},
            {"key": "x" * 5_000},
            {"tags": "word"},
            {"tags": [1]},
            {"data": {"data": item(1), "tags": ["here"]}, "tags": ["there"]},
            {"priority": float("nan")},
            {"priority": "high"},
            {"due": START.replace(tzinfo=None)},
            {"min_confidence": 2},
        ]
        for arguments in wrong:
            given = {"data": item(1), "by": "ada"} | arguments
            with pytest.raises(InvalidData):
                flow.jobs.add(job, given.pop("data"), **given)
        assert list(flow.events.since()) == before

    def test_append_says_which_tasks_it_made_and_when_they_are_due(self, flow: Flow) -> None:
        job = queue(flow, packaging=FixedSize(2))
        due = START + timedelta(days=1)
        report = flow.jobs.append(job, rows(3), priority=2.0, due=due, by="ada")
        assert report.tasks == (range(1, 4),)
        found = [(package.priority, package.due) for package in flow.packages.list(job)]
        assert found == [(2, due), (2, due)]

    def test_tags_go_out_with_the_row_and_come_in_with_one(self, flow: Flow) -> None:
        job = queue(flow)
        flow.jobs.add(job, item(1), tags=["hot"], by="ada")
        labeled(flow, "ben", job)
        manifest = exported(flow, job)[0]
        other = flow.jobs.create(
            "street", "other", template=CATS, data=io.BytesIO(manifest), by="ada"
        )
        assert flow.results.get(other, 1).task.tags == ("hot",)


class TestWithdrawing:
    def test_nobody_works_on_it_and_its_data_stays(self, flow: Flow) -> None:
        job = queue(flow)
        for n in (1, 2):
            flow.jobs.add(job, item(n), key=f"post-{n}", by="ada")
        report = flow.jobs.withdraw(job, keys=["post-1"], comment="deleted", by="ada")
        assert report == WithdrawReport(tasks=(1,))
        assert taken(flow, "ben", job).package == 2
        result = flow.results.get(job, key="post-1")
        assert (result.state, result.task.data) == (TaskState.WITHDRAWN, item(1))
        assert flow.packages.get((job, 1)).state is PackageState.DISCARDED
        event = next(event for event in flow.events.list(job) if event.type == "withdraw")
        assert (event.package, event.data["tasks"], event.became) == (1, [1], "withdrawn")
        assert str(event).endswith("ada withdrew from package 1 (1 task): deleted")
        assert flow.jobs.add(job, item(1), key="post-1", by="ada") == result.task

    def test_sent_again_it_changes_nothing(self, flow: Flow) -> None:
        job = cats(flow, tasks=4)
        report = flow.jobs.withdraw(job, tasks=[4, 1], by="ada")
        assert report == WithdrawReport(tasks=(1, 4))
        before = list(flow.events.since())
        report = flow.jobs.withdraw(job, tasks=[1, 4], by="ada")
        assert report == WithdrawReport(skipped=2)
        assert list(flow.events.since()) == before

    def test_held_work_goes_on_without_it(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect())
        job = cats(flow, tasks=3, size=3, workflow=workflow)
        held = taken(flow, "ben", job)
        flow.save(held, 2, Choice("cat"))
        task = flow.results.get(job, 2).task
        flow.jobs.withdraw(job, tasks=[task], by="ada")
        assert [work.task.number for work in flow.tasks(held)] == [1, 3]
        with pytest.raises(itagflow.ItagflowError):
            flow.save(held, 2, Choice("dog"))
        for number in (1, 3):
            flow.save(held, number, Choice("dog"))
        flow.submit(held)
        review = taken(flow, "di", job, Stage.INSPECT)
        assert [work.task.number for work in flow.tasks(review)] == [1, 3]
        flow.review(review)
        states = [result.state for result in flow.results.list(job)]
        assert states == [TaskState.FINAL, TaskState.WITHDRAWN, TaskState.FINAL]
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_what_has_nothing_left_is_taken_back(self, flow: Flow) -> None:
        workflow = Workflow(Label(limit=1))
        job = cats(flow, tasks=2, workflow=workflow)
        held = taken(flow, "ben", job)
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        flow.jobs.withdraw(job, tasks=[2], by="ada")
        with pytest.raises(itagflow.NotHeld, match="its tasks were withdrawn"):
            flow.submit(held)
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_rework_of_which_nothing_is_left_passes(self, flow: Flow) -> None:
        workflow = Workflow(Label(rework="queue"), Inspect())
        job = cats(flow, tasks=2, workflow=workflow)
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, Stage.INSPECT)
        flow.judge(review, 1, wrong="blurred")
        flow.reject(review)
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        assert flow.packages.get((job, 1)).state is PackageState.DONE
        assert flow.jobs.progress(job).wrong == 0
        states = [result.state for result in flow.results.list(job)]
        assert states == [TaskState.WITHDRAWN, TaskState.FINAL]

    def test_a_result_is_withdrawn_too(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        labeled(flow, "ben", job)
        flow.jobs.withdraw(job, tasks=[2], by="ada")
        _, report = exported(flow, job)
        assert (report.rows, report.withdrawn, report.erased) == (1, 1, 0)
        assert flow.packages.get((job, 1)).state is PackageState.DONE
        reopened = flow.jobs.reopen(job, where=itagflow.Selection(), by="ada")
        assert (reopened.tasks, reopened.skipped) == (1, 1)
        assert reopened.problems == (Problem("task 2", "it was withdrawn"),)
        assert [w.task.number for w in flow.tasks(taken(flow, "ben", job))] == [1]

    def test_models_are_not_asked_about_it(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        asked: list[int] = []

        def predict(tasks: Any) -> Any:
            asked.extend(task.number for task in tasks)
            return [Choice("cat") for _ in tasks]

        report = flow.jobs.prelabel(job, predict, min_confidence=True, by="ada")
        assert (asked, report.tasks, report.accepted) == ([2], 1, 1)
        assert flow.jobs.get(job).state is JobState.FINISHED

    def test_many_in_blocks_with_progress(self, flow: Flow) -> None:
        job = cats(flow, tasks=450, size=1)
        shown: list[int] = []

        def watch(packages: Any) -> Any:
            for package in packages:
                shown.append(package)
                yield package

        named = range(1, 441)
        report = flow.jobs.withdraw(job, tasks=named, progress=watch, by="ada")
        assert report == WithdrawReport(tasks=tuple(named))
        assert shown == list(named)
        assert [result.state for result in flow.results.list(job)].count(TaskState.WITHDRAWN) == 440

    def test_a_task_that_is_not_there_stops_it_before_it_begins(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        before = list(flow.events.since())
        for named in ({"tasks": [1, 3]}, {"tasks": [1], "keys": ["nothing"]}):
            with pytest.raises(NotFound):
                flow.jobs.withdraw(job, by="ada", **named)  # type: ignore[arg-type]
        with pytest.raises(InvalidData, match="name tasks, or their row keys"):
            flow.jobs.withdraw(job, by="ada")
        assert list(flow.events.since()) == before

    def test_what_is_missing_is_passed_over_where_that_is_asked_for(self, flow: Flow) -> None:
        """Another system deletes its items, and does not know which of them came here."""
        job = queue(flow)
        for n in range(1, 5):
            flow.jobs.add(job, item(n), key=f"post-{n}", by="ada")
        flow.jobs.withdraw(job, keys=["post-1"], by="ada")
        maintenance.erase_task(flow, (job, 2), by="ada")
        keys = ["post-1", "post-2", "post-3", "post-9", 7, "x" * 5_000]
        report = flow.jobs.withdraw(
            job, tasks=[2, 3, 4, 99], keys=keys, ignore_missing=True, by="ada"
        )
        # the row key was erased with the data
        missing = (99, "post-2", "post-9", 7, "x" * 5_000)
        assert report == WithdrawReport(tasks=(3, 4), skipped=2, missing=missing)
        states = [package.state for package in flow.packages.list(job)]
        assert states.count(PackageState.DISCARDED) == 3
        events = [event for event in flow.events.list(job) if event.type == "withdraw"]
        assert [event.data["tasks"] for event in events] == [[1], [3], [4]]
        before = list(flow.events.since())
        report = flow.jobs.withdraw(job, keys=keys, ignore_missing=True, by="ada")
        assert (report.tasks, report.skipped) == ((), 2)
        assert list(flow.events.since()) == before

    def test_a_task_of_another_job_is_refused_in_any_case(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        other = flow.jobs.create("street", "other", template=CATS, by="ada")
        task = flow.jobs.add(other, item(1), by="ada")
        before = list(flow.events.since())
        for named in (task, None, True):
            with pytest.raises(NotFound):
                flow.jobs.withdraw(job, tasks=[1, named], ignore_missing=True, by="ada")  # type: ignore[list-item]
        assert list(flow.events.since()) == before

    def test_only_who_manages_jobs_and_not_from_an_archived_job(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        with pytest.raises(NotAllowed):
            flow.jobs.withdraw(job, tasks=[1], by="ben")
        flow.jobs.archive(job, by="ada")
        with pytest.raises(NotAllowed, match="archived"):
            flow.jobs.withdraw(job, tasks=[1], by="ada")

    @pytest.mark.parametrize("erases", [False, True])
    def test_where_nothing_is_left_nothing_is_opened_again(self, flow: Flow, erases: bool) -> None:
        """It was opened, and whoever claimed it had nothing to do."""
        job = cats(flow, tasks=4)
        labeled(flow, "ben", job)
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        if erases:
            maintenance.erase_task(flow, (job, 2), by="ada")
        else:
            flow.jobs.withdraw(job, tasks=[2], by="ada")
        before = everything(flow)
        with pytest.raises(NotAllowed, match="all tasks of package 1 were withdrawn or erased"):
            flow.packages.reopen((job, 1), by="ada")
        assert everything(flow) == before

    def test_with_votes_the_rest_is_merged(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2), Inspect())
        job = cats(flow, tasks=2, workflow=workflow)
        first = taken(flow, "ben", job)
        flow.save_many(first, {1: Choice("cat"), 2: Choice("cat")})
        flow.submit(first)
        flow.jobs.withdraw(job, tasks=[1], by="ada")
        second = taken(flow, "cy", job)
        assert [work.task.number for work in flow.tasks(second)] == [2]
        flow.save(second, 2, Choice("cat"))
        flow.submit(second)
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        states = [result.state for result in flow.results.list(job)]
        assert states == [TaskState.WITHDRAWN, TaskState.FINAL]
