"""Jobs that a running system feeds: items come one by one, some are withdrawn, and nothing ends."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from typing import Any

import pytest
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
from itagflow.model import GroupByField
from itagflow.storage import MemoryStore

CATS = templates.image_classification(["cat", "dog"])
TURNS = int(os.environ.get("ITAGFLOW_TURNS", "200"))
"""How many times a queue becomes idle and busy again; 10,000 in a run of its own."""


def queue(flow: Flow, **more: Any) -> Job:
    """A job that is empty and runs: ben and cy label."""
    street(flow, "ben", "cy", "di")
    workforce = {Stage.LABEL: ["ben", "cy"]}
    given: dict[str, Any] = {"template": CATS, "workforce": workforce, "by": "ada"} | more
    return flow.jobs.create("street", "flagged", **given)


def item(n: int) -> dict[str, str]:
    return {"source": f"{n}.jpg"}


@pytest.fixture
def whole(flow: Flow) -> Any:
    """A flow whose store must be consistent when the test has ended."""
    yield flow
    assert list(maintenance.verify(flow)) == []


class TestJobsThatNeverEnd:
    def test_one_without_data_is_published_empty(self, whole: Flow) -> None:
        job = queue(whole)
        assert (job.state, job.auto_finish) == (JobState.RUNNING, False)
        assert whole.jobs.progress(job).is_idle
        assert whole.claim("ben", job, Stage.LABEL) is None
        assert whole.explain("ben", job, Stage.LABEL) == "nothing waits now"

    def test_data_a_draft_and_who_says_so_are_as_always(self, whole: Flow) -> None:
        street(whole, "ben", "cy", "di")
        make = whole.jobs.create
        assert make("street", "a", template=CATS, data=rows(1), by="ada").auto_finish
        draft = make("street", "b", template=CATS, draft=True, by="ada")
        assert (draft.state, draft.auto_finish) == (JobState.DRAFT, True)
        waiting = make("street", "c", template=CATS, auto_finish=True, by="ada")
        assert waiting.state is JobState.DRAFT, "it would be done at once"
        with pytest.raises(Incomplete, match="no tasks"):
            whole.jobs.publish(waiting, by="ada")
        endless = make("street", "d", template=CATS, data=rows(1), auto_finish=False, by="ada")
        assert not endless.auto_finish
        empty = make("street", "e", template=CATS, auto_finish=False, draft=True, by="ada")
        assert empty.state is JobState.DRAFT
        assert whole.jobs.publish(empty, by="ada").state is JobState.RUNNING

    def test_dead_ends_are_found_all_the_same(self, whole: Flow) -> None:
        street(whole, "ben")
        order: dict[str, Any] = {
            "template": CATS,
            "workflow": Workflow(Label(), Inspect()),
            "workforce": {Stage.LABEL: ["ben"], Stage.INSPECT: ["ben"]},
            "by": "ada",
        }
        with pytest.raises(Incomplete, match="nobody reviews their own work"):
            whole.jobs.create("street", "flagged", **order)
        assert list(whole.jobs.list("street")) == []
        assert "nobody reviews" in whole.jobs.check("street", "flagged", **order).blocking_reason
        assert whole.jobs.check("street", "x", template=CATS, data=[], by="ada").blocking_reason
        assert whole.jobs.check(
            "street", "x", template=CATS, data=[], auto_finish=False, by="ada"
        ).ok

    def test_idle_and_busy_in_turn(self, flow: Flow) -> None:
        job = queue(flow)
        for turn in range(1, TURNS + 1):
            flow.jobs.add(job, item(turn), key=turn, by="ada")
            labeled(flow, ("ben", "cy")[turn % 2], job)
            if turn % 50 == 0:
                assert flow.jobs.get(job).state is JobState.RUNNING
                assert flow.jobs.progress(job).is_idle
        assert flow.jobs.progress(job).done == TURNS
        assert flow.jobs.get(job).state is JobState.RUNNING
        assert list(maintenance.verify(flow)) == []

    def test_nothing_but_finish_ends_it(self, whole: Flow) -> None:
        job = queue(whole)
        whole.jobs.append(job, rows(3), by="ada")
        labeled(whole, "ben", job)
        whole.jobs.append(job, rows(2), by="ada")
        whole.packages.discard((job.id, 2), by="ada")
        assert whole.jobs.get(job).state is JobState.RUNNING
        assert whole.jobs.finish(job, by="ada").state is JobState.FINISHED
        whole.jobs.add(job, item(9), by="ada")
        assert whole.jobs.get(job).state is JobState.RUNNING

    def test_turned_on_it_ends_with_the_last_package_or_at_once(self, whole: Flow) -> None:
        job = queue(whole)
        whole.jobs.append(job, rows(1), by="ada")
        assert whole.jobs.update(job, auto_finish=True, by="ada").state is JobState.RUNNING
        labeled(whole, "ben", job)
        assert whole.jobs.get(job).state is JobState.FINISHED
        whole.jobs.update(job, auto_finish=False, by="ada")
        assert whole.jobs.get(job).state is JobState.FINISHED, "what has ended stays so"
        whole.jobs.append(job, rows(1), by="ada")
        labeled(whole, "ben", job)
        assert whole.jobs.get(job).state is JobState.RUNNING
        for _ in range(2):  # sent again it changes nothing
            assert whole.jobs.update(job, auto_finish=True, by="ada").state is JobState.FINISHED
        assert verbs(whole, job).count("finish") == 1, "the other one is the submission"

    def test_a_clone_is_one_too(self, whole: Flow) -> None:
        clone = whole.jobs.clone(queue(whole), "again", by="ada")
        assert not clone.auto_finish
        assert whole.jobs.publish(clone, by="ada").state is JobState.RUNNING

    def test_what_is_held_is_told(self, whole: Flow, clock: Clock) -> None:
        job = queue(whole)
        whole.jobs.append(job, rows(1), by="ada")
        taken(whole, "ben", job)
        told = whole.explain("cy", job, Stage.LABEL)
        assert told.startswith("nothing waits now; 1 assignment is held by or offered to people")

    def test_exist_ok_returns_it_as_it_runs(self, whole: Flow) -> None:
        job = queue(whole)
        assert whole.jobs.create("street", job.name, template=CATS, exist_ok=True, by="ada") == job


class TestAdding:
    def test_a_task_in_a_package_of_its_own(self, whole: Flow) -> None:
        job = queue(whole, packaging=FixedSize(50))
        due = START + timedelta(hours=2)
        task = whole.jobs.add(
            job, item(1), key="post-7", priority=0.5, due=due, tags=["spam?", "é"], by="ada"
        )
        assert (task.number, task.package, task.row_key) == (1, 1, "post-7")
        assert (task.data, task.tags) == (item(1), ("spam?", "é"))
        package = whole.packages.get((job, 1))
        assert (package.size, package.priority, package.due) == (1, 0.5, due)
        assert whole.jobs.add(job, item(2), by="ada").package == 2
        assert verbs(whole, job)[-2:] == ["add", "add"]
        assert str(list(whole.events.list(job))[-1]).endswith("ada added task 2")

    def test_the_same_key_gives_the_same_task(self, whole: Flow) -> None:
        job = queue(whole)
        task = whole.jobs.add(job, item(1), key="post-7", by="ada")
        before = list(whole.events.since())
        again = whole.jobs.add(job, item(2), key="post-7", priority=9, tags=["x"], by="ada")
        assert again == task
        assert list(whole.events.since()) == before
        whole.jobs.finish(job, discard_open=True, by="ada")
        assert whole.jobs.add(job, item(1), key="post-7", by="ada") == task
        assert whole.jobs.get(job).state is JobState.FINISHED

    def test_a_number_and_its_digits_are_two_keys(self, whole: Flow) -> None:
        job = queue(whole)
        numbers = [whole.jobs.add(job, item(1), key=key, by="ada").number for key in (7, "7", 7)]
        assert numbers == [1, 2, 1]
        assert whole.results.get(job, key="7").task.number == 2
        text = whole.jobs.create("street", "texts", template=CATS, row_key_type="text", by="ada")
        numbers = [whole.jobs.add(text, item(1), key=key, by="ada").number for key in (7, "7")]
        assert numbers == [1, 1]

    def test_the_row_key_of_the_job_goes_before(self, whole: Flow) -> None:
        job = queue(whole, row_key="id")
        row = {**item(1), "id": "a"}
        task = whole.jobs.add(job, row, by="ada")
        assert whole.jobs.add(job, row, key="a", by="ada") == task
        with pytest.raises(InvalidData, match=r"key: is 'b', and data\.id is 'a'"):
            whole.jobs.add(job, row, key="b", by="ada")
        with pytest.raises(InvalidData, match=r"the task: data\.id: is missing"):
            whole.jobs.add(job, item(1), key="a", by="ada")
        assert whole.jobs.append(job, [row], by="ada").known == 1

    def test_a_key_is_looked_up_also_without_a_field_for_it(self, whole: Flow) -> None:
        job = queue(whole)
        whole.jobs.add(job, item(1), by="ada")
        with pytest.raises(InvalidData, match="has no row key"):
            whole.results.get(job, key="post-7")
        whole.jobs.add(job, item(2), key="post-7", by="ada")
        assert whole.results.get(job, key="post-7").task.number == 2
        with pytest.raises(NotFound):
            whole.results.get(job, key="post-8")

    def test_a_prediction_is_shown_or_counts(self, whole: Flow) -> None:
        job = queue(whole)
        guess = PreLabel(Choice("dog"), score=0.7, model="vit", model_version="3")
        for n, sure in enumerate((0.9, 0.7, False, True), 1):
            whole.jobs.add(job, item(n), prediction=guess, min_confidence=sure, by="ada")
        states = [result.state for result in whole.results.list(job)]
        assert states == [TaskState.TODO, TaskState.FINAL, TaskState.TODO, TaskState.FINAL]
        shown = next(iter(whole.tasks(taken(whole, "ben", job)))).prelabel
        assert shown is not None
        assert (shown.reply, shown.score, shown.model) == (Choice("dog"), 0.7, "vit")
        with pytest.raises(InvalidData, match="the prediction: 1: 'bird' is not an option"):
            whole.jobs.add(job, item(5), prediction=Choice("bird"), by="ada")
        assert whole.jobs.progress(job).total == 4

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

    def test_votes_groups_and_reviews_are_those_of_the_job(self, whole: Flow) -> None:
        workflow = Workflow(Label(votes=2, votes_package_share=0.5), Inspect())
        job = queue(
            whole,
            workflow=workflow,
            packaging=GroupByField("source"),
            workforce={Stage.LABEL: ["ben", "cy"], Stage.INSPECT: ["di"]},
        )
        for n in range(20):
            whole.jobs.add(job, item(n % 2), by="ada")
        packages = list(whole.packages.list(job))
        assert {package.votes for package in packages} == {1, 2}
        assert all(package.free == package.votes for package in packages)
        assert [package.value for package in packages[:2]] == ['"0.jpg"', '"1.jpg"']

    def test_a_finished_job_runs_again_if_there_is_something_to_do(self, whole: Flow) -> None:
        job = cats(whole, tasks=1)
        labeled(whole, "ben", job)
        assert whole.jobs.get(job).state is JobState.FINISHED
        whole.jobs.add(job, item(2), prediction=Choice("cat"), min_confidence=True, by="ada")
        assert whole.jobs.get(job).state is JobState.FINISHED
        whole.jobs.add(job, item(3), by="ada")
        assert whole.jobs.get(job).state is JobState.RUNNING

    def test_drafts_and_archived_jobs_take_nothing(self, whole: Flow) -> None:
        street(whole, "ben")
        job = whole.jobs.create("street", "x", template=CATS, draft=True, by="ada")
        with pytest.raises(WrongState):
            whole.jobs.add(job, item(1), by="ada")
        whole.jobs.archive(job, by="ada")
        with pytest.raises(WrongState):
            whole.jobs.add(job, item(1), by="ada")

    def test_only_who_manages_jobs_adds(self, whole: Flow) -> None:
        job = queue(whole)
        with pytest.raises(NotAllowed):
            whole.jobs.add(job, item(1), by="ben")
        assert whole.jobs.progress(job).total == 0

    def test_what_is_wrong_leaves_nothing(self, whole: Flow) -> None:
        job = queue(whole)
        before = list(whole.events.since())
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
                whole.jobs.add(job, given.pop("data"), **given)
        assert list(whole.events.since()) == before

    def test_append_says_which_tasks_it_made_and_when_they_are_due(self, whole: Flow) -> None:
        job = queue(whole, packaging=FixedSize(2))
        due = START + timedelta(days=1)
        report = whole.jobs.append(job, rows(3), priority=2.0, due=due, by="ada")
        assert report.tasks == (range(1, 4),)
        found = [(package.priority, package.due) for package in whole.packages.list(job)]
        assert found == [(2, due), (2, due)]

    def test_tags_go_out_with_the_row_and_come_in_with_one(self, whole: Flow) -> None:
        job = queue(whole)
        whole.jobs.add(job, item(1), tags=["hot"], by="ada")
        labeled(whole, "ben", job)
        manifest = exported(whole, job)[0]
        other = whole.jobs.create(
            "street", "other", template=CATS, data=io.BytesIO(manifest), by="ada"
        )
        assert whole.results.get(other, 1).task.tags == ("hot",)


class TestWithdrawing:
    def test_nobody_works_on_it_and_its_data_stays(self, whole: Flow) -> None:
        job = queue(whole)
        for n in (1, 2):
            whole.jobs.add(job, item(n), key=f"post-{n}", by="ada")
        assert whole.jobs.withdraw(job, keys=["post-1"], comment="deleted", by="ada") == 1
        assert taken(whole, "ben", job).package == 2
        result = whole.results.get(job, key="post-1")
        assert (result.state, result.task.data) == (TaskState.WITHDRAWN, item(1))
        assert whole.packages.get((job, 1)).state is PackageState.DISCARDED
        event = next(event for event in whole.events.list(job) if event.type == "withdraw")
        assert (event.package, event.data["tasks"], event.became) == (1, [1], "withdrawn")
        assert str(event).endswith("ada withdrew from package 1 (1 task): deleted")
        assert whole.jobs.add(job, item(1), key="post-1", by="ada") == result.task

    def test_sent_again_it_changes_nothing(self, whole: Flow) -> None:
        job = cats(whole, tasks=4)
        assert whole.jobs.withdraw(job, tasks=[1, 4], by="ada") == 2
        before = list(whole.events.since())
        assert whole.jobs.withdraw(job, tasks=[1, 4], by="ada") == 2
        assert list(whole.events.since()) == before

    def test_held_work_goes_on_without_it(self, whole: Flow) -> None:
        workflow = Workflow(Label(), Inspect())
        job = cats(whole, tasks=3, size=3, workflow=workflow)
        held = taken(whole, "ben", job)
        whole.save(held, 2, Choice("cat"))
        task = whole.results.get(job, 2).task
        whole.jobs.withdraw(job, tasks=[task], by="ada")
        assert [work.task.number for work in whole.tasks(held)] == [1, 3]
        with pytest.raises(itagflow.ItagflowError):
            whole.save(held, 2, Choice("dog"))
        for number in (1, 3):
            whole.save(held, number, Choice("dog"))
        whole.submit(held)
        review = taken(whole, "di", job, Stage.INSPECT)
        assert [work.task.number for work in whole.tasks(review)] == [1, 3]
        whole.review(review)
        states = [result.state for result in whole.results.list(job)]
        assert states == [TaskState.FINAL, TaskState.WITHDRAWN, TaskState.FINAL]
        assert whole.jobs.get(job).state is JobState.FINISHED

    def test_what_has_nothing_left_is_taken_back(self, whole: Flow) -> None:
        workflow = Workflow(Label(limit=1))
        job = cats(whole, tasks=2, workflow=workflow)
        held = taken(whole, "ben", job)
        whole.jobs.withdraw(job, tasks=[1], by="ada")
        whole.jobs.withdraw(job, tasks=[2], by="ada")
        with pytest.raises(itagflow.NotHeld, match="its tasks were withdrawn"):
            whole.submit(held)
        assert whole.jobs.get(job).state is JobState.FINISHED

    def test_rework_of_which_nothing_is_left_passes(self, whole: Flow) -> None:
        workflow = Workflow(Label(rework="queue"), Inspect())
        job = cats(whole, tasks=2, workflow=workflow)
        labeled(whole, "ben", job)
        review = taken(whole, "di", job, Stage.INSPECT)
        whole.judge(review, 1, wrong="blurred")
        whole.reject(review)
        whole.jobs.withdraw(job, tasks=[1], by="ada")
        assert whole.packages.get((job, 1)).state is PackageState.DONE
        assert whole.jobs.progress(job).wrong == 0
        states = [result.state for result in whole.results.list(job)]
        assert states == [TaskState.WITHDRAWN, TaskState.FINAL]

    def test_a_result_is_withdrawn_too(self, whole: Flow) -> None:
        job = cats(whole, tasks=2)
        labeled(whole, "ben", job)
        whole.jobs.withdraw(job, tasks=[2], by="ada")
        _, report = exported(whole, job)
        assert (report.rows, report.withdrawn, report.erased) == (1, 1, 0)
        assert whole.packages.get((job, 1)).state is PackageState.DONE
        reopened = whole.jobs.reopen(job, where=itagflow.Selection(), by="ada")
        assert (reopened.tasks, reopened.skipped) == (1, 1)
        assert reopened.problems == (Problem("task 2", "it was withdrawn"),)
        assert [w.task.number for w in whole.tasks(taken(whole, "ben", job))] == [1]

    def test_models_are_not_asked_about_it(self, whole: Flow) -> None:
        job = cats(whole, tasks=2)
        whole.jobs.withdraw(job, tasks=[1], by="ada")
        asked: list[int] = []

        def predict(tasks: Any) -> Any:
            asked.extend(task.number for task in tasks)
            return [Choice("cat") for _ in tasks]

        report = whole.jobs.prelabel(job, predict, min_confidence=True, by="ada")
        assert (asked, report.tasks, report.accepted) == ([2], 1, 1)
        assert whole.jobs.get(job).state is JobState.FINISHED

    def test_many_in_blocks_with_progress(self, whole: Flow) -> None:
        job = cats(whole, tasks=450, size=1)
        shown: list[int] = []

        def watch(packages: Any) -> Any:
            for package in packages:
                shown.append(package)
                yield package

        named = range(1, 441)
        assert whole.jobs.withdraw(job, tasks=named, progress=watch, by="ada") == 440
        assert shown == list(named)
        assert [result.state for result in whole.results.list(job)].count(TaskState.WITHDRAWN) == 440

    def test_a_task_that_is_not_there_stops_it_before_it_begins(self, whole: Flow) -> None:
        job = cats(whole, tasks=2)
        before = list(whole.events.since())
        for named in ({"tasks": [1, 3]}, {"tasks": [1], "keys": ["nothing"]}):
            with pytest.raises(NotFound):
                whole.jobs.withdraw(job, by="ada", **named)  # type: ignore[arg-type]
        with pytest.raises(InvalidData, match="name tasks, or their row keys"):
            whole.jobs.withdraw(job, by="ada")
        assert list(whole.events.since()) == before

    def test_only_who_manages_jobs_and_not_from_an_archived_job(self, whole: Flow) -> None:
        job = cats(whole, tasks=2)
        with pytest.raises(NotAllowed):
            whole.jobs.withdraw(job, tasks=[1], by="ben")
        whole.jobs.archive(job, by="ada")
        with pytest.raises(NotAllowed, match="archived"):
            whole.jobs.withdraw(job, tasks=[1], by="ada")

    def test_with_votes_the_rest_is_merged(self, whole: Flow) -> None:
        workflow = Workflow(Label(votes=2), Inspect())
        job = cats(whole, tasks=2, workflow=workflow)
        first = taken(whole, "ben", job)
        whole.save_many(first, {1: Choice("cat"), 2: Choice("cat")})
        whole.submit(first)
        whole.jobs.withdraw(job, tasks=[1], by="ada")
        second = taken(whole, "cy", job)
        assert [work.task.number for work in whole.tasks(second)] == [2]
        whole.save(second, 2, Choice("cat"))
        whole.submit(second)
        whole.review(taken(whole, "di", job, Stage.INSPECT))
        states = [result.state for result in whole.results.list(job)]
        assert states == [TaskState.WITHDRAWN, TaskState.FINAL]


class TestPriorities:
    def test_each_task_has_its_own(self, whole: Flow) -> None:
        job = cats(whole, tasks=6, size=2)
        scores = {1: 0.25, 2: 0.5, 3: 0.75, 5: -1, 6: float(2**53)}
        assert whole.packages.prioritize(job, scores, by="ada") == 3
        found = [package.priority for package in whole.packages.list(job)]
        assert found == [0.5, 0.75, 2**53], "a package has the greatest of its tasks"
        assert [type(priority) for priority in found] == [float, float, int]
        order = [taken(whole, "ben", job).package for _ in range(3)]
        assert order == [3, 2, 1]

    def test_by_task_or_by_key(self, whole: Flow) -> None:
        job = queue(whole, row_key="source")
        whole.jobs.append(job, [item(n) for n in range(3)], by="ada")
        task = whole.results.get(job, 1).task
        whole.packages.prioritize(job, {task: 1, "1.jpg": 2, 3: 0.5}, by="ada")
        assert whole.packages.get((job, 1)).priority == 2
        with pytest.raises(NotFound):
            whole.packages.prioritize(job, {1: 1, "9.jpg": 2}, by="ada")
        with pytest.raises(NotFound):
            whole.packages.prioritize(job, {1: 9, 4: 2}, by="ada")
        assert whole.packages.get((job, 1)).priority == 2, "all are found before one is stored"

    def test_thousands_are_stored_block_by_block(self, whole: Flow) -> None:
        job = cats(whole, tasks=1_200, size=1)
        scores = {n: n / 7 for n in range(1, 1_201)}
        assert whole.packages.prioritize(job, scores, by="ada") == 1_200
        events = [event for event in whole.events.list(job) if event.type == "prioritize"]
        assert [len(event.data["packages"]) for event in events] == [500, 500, 200]
        assert whole.packages.prioritize(job, scores, by="ada") == 1_200
        assert verbs(whole, job).count("prioritize") == 3, "what is so already is not stored again"
        assert taken(whole, "ben", job).package == 1_200

    def test_what_is_no_priority_is_refused(self, whole: Flow) -> None:
        job = cats(whole)
        for wrong in (float("nan"), float("inf"), "1", True, None, 2**53 + 1):
            with pytest.raises(InvalidData):
                whole.packages.prioritize(job, wrong, by="ada")  # type: ignore[arg-type]
            with pytest.raises(InvalidData, match="the priority of 1"):
                whole.packages.prioritize(job, {1: wrong}, by="ada")  # type: ignore[dict-item]
        with pytest.raises(InvalidData, match="give one"):
            whole.packages.prioritize(job, {1: 1}, packages=[1], by="ada")
        assert all(package.priority == 0 for package in whole.packages.list(job))

    def test_who_may_not_assign_gives_none(self, whole: Flow) -> None:
        job = cats(whole)
        with pytest.raises(NotAllowed):
            whole.packages.prioritize(job, {1: 1}, by="ben")

    def test_fractions_are_in_order_behind_a_cursor(self, whole: Flow, clock: Clock) -> None:
        """With votes a member's scan begins at what they had last: fractions above it come first."""
        job = cats(whole, tasks=6, size=1, workflow=Workflow(Label(votes=2), Inspect()))
        whole.packages.prioritize(job, {n: n / 10 for n in range(1, 7)}, by="ada")
        assert [taken(whole, "ben", job).package for _ in range(2)] == [6, 5]
        whole.packages.prioritize(job, {1: 0.55}, by="ada")
        whole.packages.prioritize(job, {2: 0.5000000000000001}, by="ada")
        assert [taken(whole, "ben", job).package for _ in range(4)] == [1, 2, 4, 3]
        assert taken(whole, "cy", job).package == 6
