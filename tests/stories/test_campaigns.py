"""Campaigns: tasks that were done are opened again, and all others stay as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from support import invariants
from support.scenes import Clock, cats, exported, labeled, taken, verbs

import itagflow
from itagflow import (
    Accept,
    Assignment,
    AssignmentState,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    NotFound,
    PackageState,
    Selection,
    Stage,
    TaskState,
    Workflow,
    WrongState,
    maintenance,
)
from itagflow.core.engine import Engine
from itagflow.jobs import reopening
from itagflow.model import Purpose, ReopenReport
from itagflow.templates import RenameOption

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT
REVIEWED = Workflow(Label(), Inspect())
DOGS = Selection(label="dog")


def answered(flow: Flow, member: str, job: Job, replies: dict[int, str] | str) -> Assignment:
    """What is offered to a member, or waits, is labeled: alike, or as told by task."""
    assignment = taken(flow, member, job)
    for item in flow.tasks(assignment):
        key = replies if isinstance(replies, str) else replies.get(item.task.number, "cat")
        flow.save(assignment, item, Choice(key))
    return flow.submit(assignment)


def passed(flow: Flow, job: Job, member: str = "di") -> Assignment:
    return flow.review(taken(flow, member, job, I))


def a_finished_job(flow: Flow, **more: Any) -> Job:
    """Three packages of two tasks: tasks 1, 4 and 5 are dogs; ben did packages 1 and 3, cy 2."""
    job = cats(flow, tasks=6, workflow=more.pop("workflow", REVIEWED), **more)
    for member in ("ben", "cy", "ben"):
        answered(flow, member, job, {1: "dog", 4: "dog", 5: "dog"})
        if Stage.INSPECT in job.workflow.stages:
            passed(flow, job)
    job = flow.jobs.get(job)
    assert job.state is JobState.FINISHED
    return job


def selected(flow: Flow, job: Job, by: str | None = None, **conditions: Any) -> list[int]:
    found = flow.results.list(job, where=Selection(**conditions), by=by)
    return [result.task.number for result in found]


def rows_of(flow: Flow, job: Job, *tasks: int) -> list[dict[str, Any]]:
    return [row for row in flow.results.rows(job) if row["task"] in tasks]


class TestSelections:
    @pytest.mark.parametrize(
        ("conditions", "expected"),
        [
            ({}, [1, 2, 3, 4, 5, 6]),
            ({"label": "dog"}, [1, 4, 5]),
            ({"label": "dog", "member": "ben"}, [1, 5]),
            ({"member": "ben", "stage": "label"}, [1, 2, 5, 6]),
            ({"member": "di"}, [1, 2, 3, 4, 5, 6]),
            ({"member": "di", "stage": "label"}, []),
            ({"package": 2}, [3, 4]),
            ({"package": 2, "label": "dog"}, [4]),
            ({"state": "final"}, [1, 2, 3, 4, 5, 6]),
            ({"state": TaskState.TODO}, []),
            ({"field": {"source": "3.jpg"}}, [3]),
            ({"field": {"source": "3.jpg"}, "label": "dog"}, []),
            ({"template_version": 0}, [1, 2, 3, 4, 5, 6]),
            ({"guideline_version": 1}, []),
        ],
        ids=str,
    )
    def test_results_that_meet_all_conditions(
        self, flow: Flow, conditions: dict[str, Any], expected: list[int]
    ) -> None:
        job = a_finished_job(flow)
        assert selected(flow, job, **conditions) == expected
        assert selected(flow, job, by="ada", **conditions) == expected
        where = Selection(**conditions)
        assert [row["task"] for row in flow.results.rows(job, where=where)] == expected
        content, report = exported(flow, job, where=where)
        assert report.rows == len(content.splitlines()) == len(expected)

    def test_a_period_is_that_of_the_work(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=6, label=["ben"], workflow=Workflow(Label()))
        times = list[datetime]()
        for _ in range(3):
            clock.forward(hours=1)
            times.append(clock())
            labeled(flow, "ben", job)
        assert selected(flow, job, since=times[1]) == [3, 4, 5, 6]
        assert selected(flow, job, until=times[1]) == [1, 2]
        assert selected(flow, job, since=times[1], until=times[2]) == [3, 4]

    def test_pages_and_parts_of_a_job(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        first = list(flow.results.list(job, where=DOGS, limit=2))
        assert [result.task.number for result in first] == [1, 4]
        rest = flow.results.list(job, where=DOGS, after=first[-1])
        assert [result.task.number for result in rest] == [5]
        parts = flow.results.partition(job, 2)
        found = [[r.task.number for r in flow.results.list(part, where=DOGS)] for part in parts]
        assert found == [[1], [4, 5]]

    def test_members_and_packages_may_be_objects_and_those_of_others_are_not_found(
        self, flow: Flow
    ) -> None:
        job = a_finished_job(flow)
        ben = flow.members.get("street", "ben")
        package = flow.packages.get((job, 2))
        assert selected(flow, job, member=ben, label="dog") == [1, 5]
        assert selected(flow, job, member=ben.id, label="dog") == [1, 5]
        assert selected(flow, job, package=package) == [3, 4]
        other = flow.workspaces.create("alley", admin="zoe")
        zoe = flow.members.get(other, "zoe")
        wrongs: list[dict[str, Any]] = [{"member": "zoe"}, {"member": zoe}, {"package": 9}]
        for wrong in wrongs:
            with pytest.raises(NotFound):
                selected(flow, job, **wrong)
        with pytest.raises(InvalidData):
            selected(flow, job, stage="accept")

    def test_an_executor_writes_the_same(self, flow: Flow) -> None:
        from concurrent.futures import ThreadPoolExecutor

        job = a_finished_job(flow)
        with ThreadPoolExecutor(2) as executor:
            parts = exported(flow, job, where=DOGS, executor=executor, partitions=3)
        assert parts == exported(flow, job, where=DOGS)


class TestStories:
    def test_a_new_guideline(self, flow: Flow) -> None:
        job = a_finished_job(flow, guideline="Look.")
        flow.jobs.update(job, guideline="Foxes are dogs.", by="ada")
        old = Selection(guideline_version=1)
        report = flow.jobs.reopen(job, where=old, by="ada")
        assert report == ReopenReport(packages=3, tasks=6)
        assert flow.jobs.get(job).state is JobState.RUNNING
        for member in ("ben", "cy", "ben"):
            answered(flow, member, job, "dog")
            assert passed(flow, job).scope is None
        assert flow.jobs.get(job).state is JobState.FINISHED
        # nothing is left that was labeled under the first version, so it may be sent again
        assert flow.jobs.reopen(job, where=old, by="ada") == ReopenReport()
        assert selected(flow, job, guideline_version=2) == [1, 2, 3, 4, 5, 6]
        assert selected(flow, job, label="dog") == [1, 2, 3, 4, 5, 6]
        invariants.check(flow)

    def test_a_label_that_one_member_misunderstood_for_a_while(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=8, label=["ben", "cy"], workflow=REVIEWED)
        since = clock()
        for member in ("ben", "cy", "ben", "ben"):
            answered(flow, member, job, {1: "dog", 3: "dog", 5: "dog", 8: "dog"})
            passed(flow, job)
            clock.forward(hours=1)
        where = Selection(
            label="dog", member="ben", stage="label", since=since, until=since + timedelta(hours=3)
        )
        before = rows_of(flow, job, 2, 3, 4, 6, 7, 8)
        report = flow.jobs.reopen(job, where=where, comment="foxes are no dogs", by="ada")
        assert report == ReopenReport(packages=2, tasks=2)
        for task in (1, 5):
            assert flow.claim("cy", job, L) is None, "it is ben who is to learn"
            assignment = taken(flow, "ben", job)
            assert (assignment.purpose, assignment.scope) == (Purpose.CAMPAIGN, (task,))
            (item,) = flow.tasks(assignment)
            assert (item.comment, item.package_comment) == ("foxes are no dogs",) * 2
            assert item.submitted is not None
            assert item.submitted.reply == Choice("dog")
            flow.save(assignment, item, Choice("cat"))
            flow.submit(assignment)
            review = taken(flow, "di", job, I)
            assert review.scope == (task,)
            flow.review(review)
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert rows_of(flow, job, 2, 3, 4, 6, 7, 8) == before
        assert selected(flow, job, label="dog") == [3, 8]
        invariants.check(flow)

    def test_the_others_keep_their_results_and_files_meanwhile(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(task_count=1), Accept())
        job = cats(flow, tasks=4, size=4, label=["ben"], workflow=workflow)
        answered(flow, "ben", job, {1: "dog"})
        passed(flow, job)
        flow.accept(taken(flow, "ada", job, A))
        rows, others = rows_of(flow, job, 2, 3, 4), Selection(label="cat")
        results = [flow.results.get(job, task) for task in (2, 3, 4)]
        content = exported(flow, job, where=others)
        assert flow.jobs.reopen(job, where=DOGS, by="ada").tasks == 1

        def unchanged() -> bool:
            invariants.check(flow)
            return (
                rows_of(flow, job, 2, 3, 4) == rows
                and [flow.results.get(job, task) for task in (2, 3, 4)] == results
                and exported(flow, job, where=others) == content
            )

        assert unchanged()
        assert flow.results.get(job, 1).state is TaskState.TODO
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("dog"))
        assert unchanged()
        flow.submit(assignment)
        assert unchanged()
        flow.reject(taken(flow, "di", job, I), whole=True, comment="a cat")
        assert unchanged()
        answered(flow, "ben", job, "dog")
        passed(flow, job)
        assert unchanged()
        flow.accept(taken(flow, "ada", job, A))
        assert unchanged()
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert selected(flow, job, label="dog") == [1]

    def test_what_was_passed_without_a_review_stays_so_for_the_others(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(package_share=1e-9))
        job = cats(flow, tasks=4, size=4, label=["ben"], workflow=workflow)
        answered(flow, "ben", job, {1: "dog", 2: "dog"})
        assert flow.packages.get((job, 1)).skipped == (I,)
        before = [flow.results.get(job, task) for task in (2, 3, 4)]
        flow.jobs.reopen(job, where=Selection(field={"source": "1.jpg"}), by="ada")
        answered(flow, "ben", job, "cat")
        # what was opened again is checked, though the package was not drawn
        review = taken(flow, "di", job, I)
        assert review.scope == (1,)
        flow.review(review)
        assert [flow.results.get(job, task) for task in (2, 3, 4)] == before
        assert flow.results.get(job, 1).stages[I].inspected
        # and once more, for another one
        flow.jobs.reopen(job, where=Selection(field={"source": "2.jpg"}), by="ada")
        assert flow.results.get(job, 1).stages[I].inspected
        answered(flow, "ben", job, "cat")
        passed(flow, job)
        assert [flow.results.get(job, task) for task in (3, 4)] == before[1:]
        assert len(flow.packages.get((job, 1)).campaigns) == 2
        invariants.check(flow)

    def test_with_votes_everybody_votes_once_more(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
        job = cats(flow, tasks=4, size=4, label=["ben", "cy", "eve"], workflow=workflow)
        for member in ("ben", "cy"):
            answered(flow, member, job, {1: "dog"})
        passed(flow, job)
        assert flow.jobs.reopen(job, where=DOGS, by="ada").tasks == 1
        assert flow.packages.get((job, 1)).free == 0
        invariants.check(flow)
        answered(flow, "ben", job, "cat")
        # a result is a vote until the other is in
        assert flow.results.get(job, 1, by="ada").replies is None
        answered(flow, "cy", job, "dog")
        assert flow.packages.get((job, 1)).disputes == (1,)
        review = taken(flow, "di", job, I)
        assert review.scope == (1,)
        flow.modify(review, 1, Choice("cat"))
        flow.review(review)
        assert [len(flow.results.get(job, task).votes) for task in (1, 2)] == [2, 2]
        assert flow.results.get(job, 1).replies == {"1": Choice("cat")}
        invariants.check(flow)

    def test_a_voter_who_is_gone_leaves_a_free_slot(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2), Inspect())
        job = cats(flow, tasks=2, label=["ben", "cy", "eve"], workflow=workflow)
        for member in ("ben", "cy"):
            answered(flow, member, job, "dog")
        passed(flow, job)
        flow.members.remove("street", "cy", by="ada")
        flow.jobs.reopen(job, where=DOGS, by="ada")
        assert flow.packages.get((job, 1)).free == 1
        eve = taken(flow, "eve", job)
        assert (eve.purpose, eve.member) == (Purpose.CAMPAIGN, flow.members.get("street", "eve").id)
        for item in flow.tasks(eve):
            flow.save(eve, item, Choice("cat"))
        flow.submit(eve)
        answered(flow, "ben", job, "cat")
        passed(flow, job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)

    def test_prelabels_that_counted_have_no_author(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=REVIEWED)
        flow.jobs.prelabel(
            job,
            lambda tasks: [itagflow.PreLabel(Choice("dog")) for _ in tasks],
            min_confidence=True,
            by="ada",
        )
        passed(flow, job)
        flow.jobs.reopen(job, where=DOGS, by="ada")
        assert flow.packages.get((job, 1)).free == 1
        answered(flow, "cy", job, "cat")
        passed(flow, job)
        assert flow.jobs.progress(job).corrected == 2
        invariants.check(flow)


class TestPeople:
    def test_the_queue(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, assign="queue", by="ada")
        assert [package.free for package in flow.packages.list(job)] == [1, 1, 1]
        assert list(flow.available("cy")) != []
        assignment = taken(flow, "cy", job)
        assert (assignment.package, assignment.purpose) == (1, Purpose.CAMPAIGN)
        back = flow.release(assignment)
        assert back.state is AssignmentState.RETURNED
        assert taken(flow, "ben", job).purpose is Purpose.CAMPAIGN
        invariants.check(flow)

    def test_a_member(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, assign="cy", by="ada")
        assert flow.claim("ben", job, L) is None
        offers = list(flow.assignments.list("cy", job=job))
        assert [(each.package, each.scope) for each in offers] == [(1, (1,)), (2, (4,)), (3, (5,))]
        assert {each.purpose for each in offers} == {Purpose.CAMPAIGN}
        moved = flow.assignments.reassign(offers[0], "ben", by="ada")
        assert (moved.purpose, moved.scope) == (Purpose.CAMPAIGN, (1,))
        invariants.check(flow)

    def test_a_member_called_like_a_route_is_given_by_key(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        queue = flow.members.add("street", "queue", "operator", by="ada")
        flow.jobs.add_workers(job, L, [queue], by="ada")
        flow.jobs.reopen(job, where=Selection(package=1), assign="queue", by="ada")
        assert flow.packages.get((job, 1)).free == 1
        flow.jobs.reopen(job, where=Selection(package=2), assign=queue, by="ada")
        assert flow.packages.get((job, 2)).free == 0

    @pytest.mark.parametrize("how", ["paused", "removed", "named for nothing"])
    def test_an_author_who_cannot_leaves_it_to_the_queue(self, flow: Flow, how: str) -> None:
        job = a_finished_job(flow)
        if how == "paused":
            flow.members.pause("street", "ben", by="ada")
        elif how == "removed":
            flow.members.remove("street", "ben", by="ada")
        else:
            flow.jobs.remove_workers(job, L, ["ben"], by="ada")
        flow.jobs.reopen(job, where=DOGS, by="ada")
        assert [package.free for package in flow.packages.list(job)] == [1, 0, 1]
        assert list(flow.jobs.blocked(job)) == []
        invariants.check(flow)

    @pytest.mark.parametrize(
        ("member", "words"),
        [
            ("di", "^di may not label"),
            ("eve", "^eve may not be assigned: they are paused"),
            ("fay", "^fay may not be assigned: without fay there are too few to review it"),
        ],
    )
    def test_a_member_who_cannot_is_refused_before_anything_happens(
        self, flow: Flow, member: str, words: str
    ) -> None:
        job = a_finished_job(flow, label=("ben", "cy", "eve", "fay"))
        flow.members.pause("street", "eve", by="ada")
        flow.jobs.set_workforce(job, {I: ["fay"]}, by="ada")
        before = verbs(flow, job)
        for dry_run in (True, False):
            with pytest.raises(NotAllowed, match=words):
                flow.jobs.reopen(job, where=DOGS, assign=member, dry_run=dry_run, by="ada")
        assert verbs(flow, job) == before

    def test_a_review_is_opened_for_who_did_it_last(self, flow: Flow) -> None:
        job = a_finished_job(flow, inspect=["di", "eve"])
        report = flow.jobs.reopen(job, where=DOGS, to="inspect", comment="sure?", by="ada")
        assert report == ReopenReport(packages=3, tasks=3)
        assert flow.claim("eve", job, I) is None
        review = taken(flow, "di", job, I)
        assert (review.scope, review.purpose, review.round) == ((1,), Purpose.REVIEW, 2)
        (item,) = flow.tasks(review)
        assert item.comment == "sure?"
        flow.judge(review, 1, wrong="a cat")
        flow.reject(review)
        rework = answered(flow, "ben", job, "cat")
        assert (rework.scope, rework.purpose) == ((1,), Purpose.REWORK)
        scopes = {passed(flow, job).scope for _ in range(3)}
        assert scopes == {(1,), (4,), (5,)}
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert selected(flow, job, label="dog") == [4, 5]
        invariants.check(flow)

    def test_the_last_stage_alone(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(), Accept())
        job = cats(flow, tasks=2, label=["ben"], workflow=workflow)
        answered(flow, "ben", job, {1: "dog"})
        passed(flow, job)
        flow.accept(taken(flow, "ada", job, A))
        flow.jobs.reopen(job, where=DOGS, to=A, by="ada")
        invariants.check(flow)
        assert flow.accept(taken(flow, "ada", job, A)).scope == (1,)
        invariants.check(flow)

    def test_nobody_reviews_their_own_work_in_it(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.add_workers(job, I, ["ben"], by="ada")
        report = flow.jobs.reopen(job, where=DOGS, to=I, assign="ben", by="ada")
        assert (report.packages, report.tasks, report.skipped) == (1, 1, 2)
        assert [str(problem) for problem in report.problems] == [
            "task 1: package 1 is ben's own work",
            "task 5: package 3 is ben's own work",
        ]
        assert taken(flow, "ben", job, I).package == 2


class TestReports:
    def test_a_dry_run_says_the_same_and_changes_nothing(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.packages.reopen((job, 3), by="ada")
        events = list(flow.events.list(job))
        tried = flow.jobs.reopen(job, where=DOGS, dry_run=True, by="ada")
        assert list(flow.events.list(job)) == events
        assert tried == flow.jobs.reopen(job, where=DOGS, by="ada")
        assert (tried.packages, tried.tasks, tried.skipped, tried.selected) == (2, 2, 1, 3)
        assert [str(problem) for problem in tried.problems] == [
            "task 5: package 3 is at INSPECT: it can be opened again once it is done"
        ]

    def test_what_is_discarded_or_erased_stays_closed(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.packages.reopen((job, 1), by="ada")
        flow.packages.discard((job, 1), by="ada")
        maintenance.erase_task(flow, (job, 3), by="ada")
        report = flow.jobs.reopen(job, where=Selection(), by="ada")
        assert (report.packages, report.tasks, report.skipped) == (2, 3, 3)
        assert [str(problem) for problem in report.problems] == [
            "task 1: package 1 is discarded",
            "task 2: package 1 is discarded",
            "task 3: its data was erased",
        ]
        assert taken(flow, "cy", job).scope == (4,)
        invariants.check(flow)

    def test_it_breaks_off_and_goes_on(self, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
        job = a_finished_job(flow)
        monkeypatch.setattr(reopening, "PAGE", 1)  # each package is a block

        def broken(packages: Iterable[Any]) -> Iterator[Any]:
            for number, package in enumerate(packages):
                if number == 2:
                    raise ConnectionError("the line is cut")
                yield package

        with pytest.raises(ConnectionError):
            flow.jobs.reopen(job, where=DOGS, progress=broken, by="ada")
        states = [package.state for package in flow.packages.list(job)]
        assert states == [PackageState.LABEL, PackageState.LABEL, PackageState.DONE]
        invariants.check(flow)
        # what is open is not selected any more: it has no result
        assert flow.jobs.reopen(job, where=DOGS, by="ada") == ReopenReport(packages=1, tasks=1)
        assert flow.jobs.reopen(job, where=DOGS, by="ada") == ReopenReport()
        again = flow.jobs.reopen(job, where=Selection(package=1), by="ada")
        assert (again.tasks, again.skipped) == (0, 2)
        invariants.check(flow)

    def test_a_job_that_is_deleted_meanwhile_is_not_found(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job = a_finished_job(flow)
        begin = Engine.transaction

        def delete_first(engine: Engine) -> Any:
            monkeypatch.undo()
            flow.jobs.archive(job, by="ada")
            flow.jobs.delete(job, by="ada")
            return begin(engine)

        monkeypatch.setattr(Engine, "transaction", delete_first)
        with pytest.raises(NotFound, match="no Job "):
            flow.jobs.reopen(job, where=DOGS, by="ada")
        invariants.check(flow)

    def test_each_package_has_an_event(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, comment="foxes", by="ada")
        events = [event for event in flow.events.list(job) if event.type == "reopen"]
        assert [event.data["tasks"] for event in events] == [[1], [4], [5]]
        assert {event.became for event in events} == {"reopened"}
        assert str(events[0]).endswith("ada reopened package 1 (1 task): foxes")
        moved = {change.kind for event in events for change in event.changes}
        assert moved == {"package", "assignment", "job"}
        answered(flow, "ben", job, "dog")
        passed(flow, job)
        assert list(flow.events.list(job))[-1].became == "final"

    def test_progress_counts_what_is_left(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        assert flow.jobs.progress(job).done == 6
        flow.jobs.reopen(job, where=DOGS, by="ada")
        progress = flow.jobs.progress(job)
        assert (progress.done, progress.total, progress.final) == (3, 6, 3)
        answered(flow, "ben", job, "cat")
        passed(flow, job)
        progress = flow.jobs.progress(job)
        assert (progress.done, progress.final) == (4, 2)
        flow.packages.discard((job, 2), by="ada")
        assert flow.jobs.progress(job).done == 5
        invariants.check(flow)

    def test_who_is_missing_is_told(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, assign="queue", by="ada")
        assert list(flow.jobs.blocked(job)) == []
        flow.jobs.set_workforce(job, {L: ["di"]}, by="ada")
        for member in ("di", "ada"):
            flow.members.pause("street", member, by="ada")
        assert [blocked.package for blocked in flow.jobs.blocked(job)] == [1, 2, 3]
        assert list(flow.available("cy")) == []


class TestRefusals:
    def test_drafts_and_archived_jobs_open_nothing(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        draft = flow.jobs.clone(job, "draft", by="ada")
        for closed in (draft, flow.jobs.archive(job, by="ada")):
            for dry_run in (True, False):
                with pytest.raises(WrongState):
                    flow.jobs.reopen(closed, where=DOGS, dry_run=dry_run, by="ada")

    @pytest.mark.parametrize("member", ["ben", "di"])
    def test_only_who_manages_jobs_opens_tasks(self, flow: Flow, member: str) -> None:
        job = a_finished_job(flow)
        for dry_run in (True, False):
            with pytest.raises(NotAllowed):
                flow.jobs.reopen(job, where=DOGS, dry_run=dry_run, by=member)

    def test_a_stage_that_the_job_does_not_have(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        with pytest.raises(InvalidData):
            flow.jobs.reopen(job, where=DOGS, to="accept", by="ada")

    def test_answers_that_still_follow_a_change_of_the_template(
        self, flow: Flow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from itagflow.template_changes import service

        def fail(*_: object) -> None:
            raise ZeroDivisionError

        job = a_finished_job(flow)
        with monkeypatch.context() as patch:
            patch.setattr(service, "migrate_package", fail)
            with pytest.raises(ZeroDivisionError):
                flow.jobs.change_template(job, RenameOption("1", "dog", "fox"), by="ada")
        with pytest.raises(Incomplete, match="still follow a change of the template"):
            flow.jobs.reopen(job, where=DOGS, by="ada")

    def test_a_paused_job_stays_paused(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, workflow=Workflow(Label()))
        answered(flow, "ben", job, "dog")
        flow.jobs.pause(job, by="ada")
        assert flow.jobs.reopen(job, where=DOGS, by="ada").tasks == 2
        assert flow.jobs.get(job).state is JobState.PAUSED
        assert flow.claim("ben", job, L) is None


class TestAfterwards:
    def test_a_package_is_reopened_for_a_full_review_after_a_campaign(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, by="ada")
        answered(flow, "ben", job, "cat")
        passed(flow, job)
        flow.packages.reopen((job, 1), by="ada")
        review = taken(flow, "di", job, I)
        assert review.scope is None
        flow.reject(review, tasks=[2], comment="no")
        rework = flow.claim("ben", job, L, package=1)
        assert rework is not None
        assert (rework.scope, rework.purpose) == ((2,), Purpose.REWORK)
        (item,) = flow.tasks(rework)
        assert item.comment == "no"
        flow.save(rework, item, Choice("dog"))
        flow.submit(rework)
        assert passed(flow, job).scope == (2,)
        invariants.check(flow)

    def test_what_is_discarded_in_a_campaign_has_its_former_results(self, flow: Flow) -> None:
        """Whatever was done in it: offered, labeled, or sent back."""
        job = a_finished_job(flow)
        before = list(flow.results.list(job))
        flow.jobs.reopen(job, where=DOGS, by="ada")
        answered(flow, "ben", job, "cat")
        answered(flow, "ben", job, "cat")
        review = taken(flow, "di", job, I)
        flow.modify(review, review.scope[0] if review.scope else 0, Choice("cat"))
        invariants.check(flow)
        flow.jobs.finish(job, discard_open=True, by="ada")
        invariants.check(flow)
        assert list(flow.results.list(job)) == before
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert list(flow.assignments.list("di", job=job)) == []
        events = flow.events.list(job, package=review.package)
        (event,) = (each for each in events if each.type == "discard")
        assert (event.became, event.data["tasks"]) == ("final", list(review.scope or ()))
        (campaign,) = flow.packages.get((job, review.package)).campaigns
        assert campaign.is_withdrawn

    def test_a_whole_campaign_is_withdrawn_and_its_package_goes_on_as_before(
        self, flow: Flow
    ) -> None:
        """Who modified at INSPECT before it does not accept, and who labeled gets the next one."""
        workflow = Workflow(Label(), Inspect(), Accept())
        job = cats(flow, tasks=2, workflow=workflow, accept=("ada", "di"))
        answered(flow, "ben", job, "dog")
        review = taken(flow, "di", job, I)
        flow.modify(review, 1, Choice("cat"))
        flow.review(review)
        flow.accept(taken(flow, "ada", job, A))
        before = list(flow.results.list(job))
        flow.jobs.reopen(job, where=Selection(package=1), assign="cy", by="ada")
        answered(flow, "cy", job, "cat")
        passed(flow, job)
        flow.packages.discard((job, 1), by="ada", comment="a mistake")
        invariants.check(flow)
        assert list(flow.results.list(job)) == before
        assert flow.jobs.get(job).state is JobState.FINISHED
        flow.jobs.reopen(job, where=Selection(package=1), to=A, assign="queue", by="ada")
        assert flow.claim("di", job, A) is None
        flow.packages.discard((job, 1), by="ada")
        flow.jobs.reopen(job, where=Selection(package=1), by="ada")
        (item, _) = flow.tasks(taken(flow, "ben", job))
        assert item.submitted is not None
        assert item.submitted.reply == Choice("cat")
        invariants.check(flow)

    def test_after_a_campaign_a_package_can_still_be_discarded_whole(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, by="ada")
        for _ in range(2):
            flow.packages.discard((job, 1), by="ada")
            flow.packages.reopen((job, 1), by="ada")
        flow.packages.discard((job, 1), by="ada")
        assert flow.packages.get((job, 1)).state is PackageState.DISCARDED
        invariants.check(flow)
        flow.packages.reopen((job, 1), by="ada")
        invariants.check(flow)
        again = flow.claim("cy", job, L, package=1)
        assert again is not None
        assert again.scope is None
        assert flow.results.get(job, 2).state is TaskState.TODO

    def test_abandoned_tasks_are_given_to_somebody_else(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label()))
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        flow.abandon(assignment, 2, "dark")
        flow.submit(assignment)
        assert flow.jobs.progress(job).abandoned == 1
        flow.jobs.reopen(job, where=Selection(state="abandoned"), assign="cy", by="ada")
        assert flow.jobs.progress(job).abandoned == 0
        answered(flow, "cy", job, "dog")
        assert [row["label_by"] for row in flow.results.rows(job)] == ["ben", "cy"]
        invariants.check(flow)

    @pytest.mark.parametrize("how", ["a campaign", "the package"])
    def test_rejects_are_counted_anew(self, flow: Flow, how: str) -> None:
        """Before it the task was sent back as often as it may be; now it may be once more."""
        job = cats(flow, tasks=2, workflow=Workflow(Label(), Inspect(max_rejects=1)))

        def send_back() -> None:
            flow.reject(taken(flow, "di", job, I), tasks=[1], comment="no dog")
            answered(flow, "ben", job, "dog")

        answered(flow, "ben", job, "dog")
        send_back()
        passed(flow, job)
        if how == "a campaign":
            flow.jobs.reopen(job, where=Selection(package=1), by="ada")
            answered(flow, "ben", job, "dog")
        else:
            flow.packages.reopen((job, 1), by="ada")
        send_back()
        with pytest.raises(Incomplete, match="1 time, which is the most"):
            flow.judge(taken(flow, "di", job, I), 1, wrong="no dog")
        invariants.check(flow)

    def test_a_campaign_can_be_handed_in_in_parts(self, flow: Flow) -> None:
        job = cats(flow, tasks=4, size=4, workflow=Workflow(Label(allow_partial=True)))
        answered(flow, "ben", job, "dog")
        flow.jobs.reopen(job, where=DOGS, by="ada")
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        flow.submit(assignment, rest="release")
        rest = taken(flow, "cy", job)
        assert (rest.purpose, rest.scope) == (Purpose.REST, (2, 3, 4))
        invariants.check(flow)

    def test_names_and_data_are_erased_from_it(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, comment="ben was tired", by="ada")
        flow.members.remove("street", "ben", by="ada")
        gone = maintenance.erase_member(flow, "street", "ben", by="ada")
        assert flow.packages.get((job, 1)).campaigns[0].comment == f"{gone.account} was tired"
        assert [event.data.get("comment") for event in flow.events.list(job)].count(
            f"{gone.account} was tired"
        ) == 3
        maintenance.erase_task(flow, (job, 1), by="ada")
        last = flow.claim("cy", job, L, package=1)
        assert last is not None
        assert last.scope == ()
        invariants.check(flow)

    def test_a_copy_has_it(self, flow: Flow) -> None:
        job = a_finished_job(flow)
        flow.jobs.reopen(job, where=DOGS, by="ada")
        with itagflow.open("memory:") as copy:
            maintenance.copy(flow, to=copy.store, workspace="street", by="ada")
            invariants.check(copy)
            assert list(copy.packages.list(job.id)) == list(flow.packages.list(job))
            answered(copy, "ben", copy.jobs.get(job.id), "cat")


class TestSecrets:
    def test_who_is_to_vote_again_is_not_told(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2), Inspect())
        job = cats(flow, tasks=2, label=["ben", "cy", "ada"], workflow=workflow)
        for member in ("ben", "cy"):
            answered(flow, member, job, "dog")
        passed(flow, job)
        flow.jobs.reopen(job, where=DOGS, by="ada")

        def offers(by: str | None) -> list[Any]:
            (event,) = [e for e in flow.events.list(job, by=by) if e.type == "reopen"]
            return [change for change in event.changes if change.kind == "assignment"]

        assert len(offers(None)) == 6
        # ada may still vote herself
        assert offers("ada") == []
        invariants.check(flow)

    def test_a_selection_finds_no_labeler_who_is_hidden(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, label=["ben"], workflow=Workflow(Label(), Inspect(blind=True)))
        flow.members.set_role("street", "di", "annotation_admin", by="ada")
        answered(flow, "ben", job, "dog")
        assert selected(flow, job, by="di", member="ben") == []
        assert selected(flow, job, by="ada", member="ben") == [1, 2]
        tried = flow.jobs.reopen(job, where=Selection(member="ben"), dry_run=True, by="di")
        assert tried == ReopenReport()
        passed(flow, job)
        assert selected(flow, job, by="di", member="ben") == [1, 2]
        assert flow.jobs.reopen(job, where=Selection(member="ben"), by="di").tasks == 2

    def test_workers_of_an_export_do_not_tell_it_either(self, flow: Flow) -> None:
        from concurrent.futures import ThreadPoolExecutor

        job = cats(flow, tasks=2, label=["ben"], workflow=Workflow(Label(), Inspect(blind=True)))
        answered(flow, "ben", job, "dog")
        with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidData, match="blind"):
            exported(flow, job, where=Selection(member="ben"), executor=executor, by="ada")

    def test_votes_that_are_secret_match_nothing(self, flow: Flow) -> None:
        job = cats(
            flow, tasks=2, label=["ben", "cy", "ada"], workflow=Workflow(Label(votes=2), Inspect())
        )
        answered(flow, "ben", job, "dog")
        assert selected(flow, job, by="ada", label="dog") == []
        assert selected(flow, job, by="ada", member="ben") == []
