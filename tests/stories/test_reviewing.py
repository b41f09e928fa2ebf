"""What reviewers say and decide: judgments, reasons, modifications, rejects and their limit."""

from __future__ import annotations

import pytest
from support import invariants
from support.scenes import cats, labeled, rows, taken

from itagflow import (
    Accept,
    Assignment,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    PackageState,
    Stage,
    TaskState,
    Workflow,
    templates,
)
from itagflow.model import Verdict

PLAIN = Workflow(Label(), Inspect())
LISTED = Workflow(Label(), Inspect(reasons=("blurred", "wrong class")))
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}


def inspecting(flow: Flow, workflow: Workflow = PLAIN, tasks: int = 3) -> tuple[Job, Assignment]:
    """A job of one package that ben has labeled and di inspects."""
    job = cats(flow, workflow=workflow, tasks=tasks, size=tasks)
    labeled(flow, "ben", job)
    return job, taken(flow, "di", job, Stage.INSPECT)


def scope_of(flow: Flow, assignment: Assignment) -> list[int]:
    return [item.task.number for item in flow.tasks(assignment)]


class TestJudging:
    def test_where_the_stage_has_reasons_one_is_required(self, flow: Flow) -> None:
        _, review = inspecting(flow, LISTED)
        with pytest.raises(
            InvalidData, match="reason: is missing: give 'blurred' or 'wrong class'"
        ):
            flow.judge(review, 1, wrong="look at the ears")
        with pytest.raises(InvalidData, match="is not one of"):
            flow.judge(review, 1, reason="late")
        said = flow.judge(review, 1, wrong="look at the ears", reason="wrong class")
        assert (said.comment, said.reason) == ("look at the ears", "wrong class")
        alone = flow.judge(review, 2, reason="blurred")
        assert (alone.verdict, alone.comment, alone.reason) == (Verdict.WRONG, "", "blurred")
        invariants.check(flow)

    def test_the_labeler_reads_comment_and_reason(self, flow: Flow) -> None:
        job, review = inspecting(flow, LISTED)
        flow.judge(review, 1, wrong="look at the ears", reason="wrong class")
        flow.judge(review, 2, reason="blurred")
        flow.reject(review, comment="read the guideline")
        first, second = flow.tasks(taken(flow, "ben", job))
        assert (first.comment, first.reason) == ("look at the ears", "wrong class")
        assert (second.comment, second.reason) == ("", "blurred")
        assert first.package_comment == second.package_comment == "read the guideline"

    def test_a_stage_without_reasons_takes_none(self, flow: Flow) -> None:
        _, review = inspecting(flow)
        with pytest.raises(InvalidData, match="inspect has no reasons"):
            flow.judge(review, 1, wrong="blurred", reason="blurred")
        with pytest.raises(InvalidData, match="is empty"):
            flow.judge(review, 1, wrong="")

    def test_a_right_judgment_after_a_modification_keeps_it(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.modify(review, 1, Choice("dog"))
        assert flow.judge(review, 1).replies == DOG
        flow.review(review)
        result = flow.results.get(job, 1)
        assert result.stages[Stage.LABEL].replies == CAT  # the labeler's answer is kept
        assert result.stages[Stage.INSPECT].replies == DOG
        invariants.check(flow)

    def test_a_wrong_one_is_refused_unless_the_modification_is_discarded(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.modify(review, 1, Choice("dog"))
        with pytest.raises(Incomplete, match="discard_modification=True") as caught:
            flow.judge(review, 1, wrong="no cat")
        assert caught.value.tasks == (1,)
        with pytest.raises(Incomplete, match="discard_modification=True"):
            flow.reject(review, tasks=[1], comment="no cat")
        said = flow.judge(review, 1, wrong="no cat", discard_modification=True)
        assert (said.verdict, said.replies) == (Verdict.WRONG, None)
        (event,) = [e for e in flow.events.list(job) if e.type == "judge"]
        assert event.data["previous"]["1"]["replies"]  # the history keeps it
        invariants.check(flow)

    def test_what_the_reviewer_abandoned_stays_so_when_it_is_judged_right(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.abandon(review, 1, "dark")
        assert flow.judge(review, 1).is_abandoned
        flow.review(review)
        assert flow.results.get(job, 1).state is TaskState.ABANDONED

    def test_nothing_passes_while_a_task_stands_judged_wrong(self, flow: Flow) -> None:
        _, review = inspecting(flow)
        flow.judge(review, 2, wrong="no cat")
        with pytest.raises(Incomplete) as caught:
            flow.review(review)
        assert caught.value.tasks == (2,)
        flow.judge(review, 2)
        flow.review(review)


class TestRejecting:
    def test_it_needs_a_task_that_is_judged_wrong(self, flow: Flow) -> None:
        _, review = inspecting(flow)
        for comment in ("", "all blurred"):
            with pytest.raises(Incomplete, match=r"no task is judged wrong.*whole=True"):
                flow.reject(review, comment=comment)

    def test_named_tasks_are_added_to_those_judged(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.judge(review, 3, wrong="no cat")
        flow.reject(review, tasks=[1], comment="blurred")
        items = list(flow.tasks(taken(flow, "ben", job)))
        assert [(item.task.number, item.comment) for item in items] == [
            (1, "blurred"),
            (3, "no cat"),
        ]
        assert {item.package_comment for item in items} == {"blurred"}

    def test_whole_sends_back_also_what_was_not_in_the_sample(self, flow: Flow) -> None:
        job, review = inspecting(flow, Workflow(Label(), Inspect(task_count=1)))
        (seen,) = scope_of(flow, review)
        with pytest.raises(Incomplete, match="say why"):
            flow.reject(review, whole=True)
        flow.judge(review, seen, wrong="no cat")
        flow.reject(review, whole=True, comment="all blurred")
        items = list(flow.tasks(taken(flow, "ben", job)))
        assert [item.task.number for item in items] == [1, 2, 3]
        said = {item.task.number: item.comment for item in items}
        assert said.pop(seen) == "no cat"
        assert set(said.values()) == {"all blurred"}
        invariants.check(flow)

    def test_a_reason_of_the_stage_says_why_all_go_back(self, flow: Flow) -> None:
        job, review = inspecting(flow, LISTED)
        rejected = flow.reject(review, whole=True, reason="blurred")
        assert (rejected.reason, rejected.comment) == ("blurred", "")
        assert {item.reason for item in flow.tasks(taken(flow, "ben", job))} == {"blurred"}

    def test_many_are_rejected_alike(self, flow: Flow) -> None:
        job = cats(flow, workflow=LISTED, tasks=4, size=2)
        for _ in range(2):
            labeled(flow, "ben", job)
        first, second = (taken(flow, "di", job, Stage.INSPECT) for _ in range(2))
        flow.judge(first, 1, reason="blurred")
        ended, refused = flow.reject_many([first, second])
        assert ended
        assert "whole=True" in str(refused.error)
        (outcome,) = flow.reject_many([second], reason="blurred", whole=True)
        assert outcome
        invariants.check(flow)

    def test_a_past_review_shows_what_was_judged(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.judge(review, 1, wrong="no cat")
        flow.reject(review)
        labeled(flow, "ben", job, "dog")
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        item = next(flow.tasks(review))
        assert item.submitted is not None
        assert (item.submitted.replies, item.answer and item.answer.comment) == (CAT, "no cat")


class TestLimit:
    @staticmethod
    def sent_back(flow: Flow, then: str) -> tuple[Job, Assignment]:
        """An inspection of a package whose first task was sent back once, the most it may be."""
        rule = Inspect(max_rejects=1, on_max_rejects=then)
        job, review = inspecting(flow, Workflow(Label(), rule))
        flow.judge(review, 1, wrong="no cat")
        flow.reject(review)
        labeled(flow, "ben", job)
        return job, taken(flow, "di", job, Stage.INSPECT)

    def test_the_reviewer_modifies_it(self, flow: Flow) -> None:
        job, review = self.sent_back(flow, "modify")
        for refused in (
            lambda: flow.judge(review, 1, wrong="no cat"),
            lambda: flow.reject(review, tasks=[1], comment="no cat"),
            lambda: flow.reject(review, whole=True, comment="no cat"),
        ):
            with pytest.raises(Incomplete, match="sent back 1 time, which is the most") as caught:
                refused()
            assert caught.value.tasks == (1,)
        flow.modify(review, 1, Choice("dog"))
        flow.review(review)
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)

    def test_or_it_is_abandoned(self, flow: Flow) -> None:
        job, review = self.sent_back(flow, "abandon")
        said = flow.judge(review, 1, wrong="no cat")
        assert (said.abandon_reason, said.comment) == ("rejected too often", "no cat")
        flow.review(review)
        assert flow.results.get(job, 1).state is TaskState.ABANDONED
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)

    def test_the_queue_needs_somebody_beside_the_author(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(max_rejects=1, on_max_rejects="queue"))
        with pytest.raises(Incomplete, match="nobody else is there to label it: name more"):
            cats(flow, workflow=workflow, label=["ben"])
        report = flow.jobs.check(
            "street",
            "one-labeler",
            template=templates.image_classification(["cat", "dog"]),
            data=rows(1),
            workflow=workflow,
            workforce={Stage.LABEL: ["ben"], Stage.INSPECT: ["di"]},
            by="ada",
        )
        assert report.blocking_reason.startswith("INSPECT can send a task back without end")

    def test_or_it_goes_to_the_queue(self, flow: Flow) -> None:
        job, review = self.sent_back(flow, "queue")
        flow.judge(review, 1, wrong="no cat")
        flow.reject(review)
        assert list(flow.assignments.list("ben", job=job)) == []
        assert scope_of(flow, taken(flow, "cy", job)) == [1]
        invariants.check(flow)

    def test_other_tasks_and_stages_are_counted_alone(self, flow: Flow) -> None:
        rule = Inspect(max_rejects=1)
        job, review = inspecting(flow, Workflow(Label(), rule, Accept(max_rejects=1)))
        flow.judge(review, 1, wrong="no cat")
        flow.reject(review)
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, Stage.INSPECT))
        accepting = taken(flow, "ada", job, Stage.ACCEPT)
        flow.judge(accepting, 1, wrong="no cat")
        flow.judge(accepting, 2, wrong="no cat")
        flow.reject(accepting)
        labeled(flow, "ben", job)
        assert flow.judge(taken(flow, "di", job, Stage.INSPECT), 2, wrong="still").wrong
        invariants.check(flow)


class TestRework:
    def test_the_author_of_the_tasks_gets_it_and_not_who_labeled_last(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.judge(review, 1, wrong="no cat")
        rejected = flow.reject(review)
        (offer,) = flow.assignments.list("ben", job=job)
        flow.assignments.reassign(offer, "cy", by="ada", comment="ben is ill")
        labeled(flow, "cy", job)
        again = taken(flow, "di", job, Stage.INSPECT)
        assert rejected.sent_back == (1,)
        flow.reject(again, tasks=[1], comment="still no cat")
        assert [offer.member for offer in flow.assignments.list("cy", job=job)]
        assert list(flow.assignments.list("ben", job=job)) == []
        invariants.check(flow)

    def test_each_voter_gets_an_offer_and_only_the_newest_round_is_merged(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
        job = cats(flow, workflow=workflow, tasks=2)
        for member in ("ben", "cy"):
            labeled(flow, member, job)
        flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[1], comment="no cat")
        for member in ("ben", "cy"):
            offered = taken(flow, member, job)
            assert scope_of(flow, offered) == [1]
            flow.save(offered, 1, Choice("dog"))
            flow.submit(offered)
        assert [flow.results.get(job, task).replies for task in (1, 2)] == [DOG, CAT]
        invariants.check(flow)

    def test_a_vote_whose_author_left_becomes_a_free_slot(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2), Inspect())
        job = cats(flow, workflow=workflow, tasks=2, label=("ben", "cy", "eve"))
        for member in ("ben", "cy"):
            labeled(flow, member, job)
        flow.members.remove("street", "cy", by="ada")
        flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[1], comment="no cat")
        assert flow.packages.get((job.id, 1)).free == 1
        assert scope_of(flow, taken(flow, "ben", job)) == [1]
        assert scope_of(flow, taken(flow, "eve", job)) == [1]
        invariants.check(flow)

    def test_when_a_named_member_is_gone_it_goes_back_to_the_author(self, flow: Flow) -> None:
        job, review = inspecting(flow, Workflow(Label(rework="cy"), Inspect()))
        flow.members.remove("street", "cy", by="ada")
        flow.reject(review, tasks=[1], comment="no cat")
        assert scope_of(flow, taken(flow, "ben", job)) == [1]
        (event,) = [event for event in flow.events.list(job) if event.type == "reject"]
        assert event.data["rework"] == "author"

    def test_the_event_says_when_it_goes_to_the_queue(self, flow: Flow) -> None:
        job, review = inspecting(flow)
        flow.members.remove("street", "ben", by="ada")
        flow.reject(review, tasks=[1], comment="no cat")
        assert flow.packages.get((job.id, 1)).free == 1
        (event,) = [event for event in flow.events.list(job) if event.type == "reject"]
        assert event.data["rework"] == "queue"
        assert scope_of(flow, taken(flow, "cy", job)) == [1]


class TestAbandoned:
    QUEUE = Workflow(Label(on_abandon="queue"), Inspect())

    @staticmethod
    def abandoned(flow: Flow, job: Job, member: str, *tasks: int) -> None:
        assignment = taken(flow, member, job)
        for item in flow.tasks(assignment):
            if item.task.number in tasks:
                flow.abandon(assignment, item, "dark")
            else:
                flow.save(assignment, item, Choice("cat"))
        flow.submit(assignment)

    def test_it_is_offered_once_more_to_others(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.QUEUE, tasks=3, size=3)
        self.abandoned(flow, job, "ben", 2)
        again = taken(flow, "cy", job)
        assert scope_of(flow, again) == [2]
        (item,) = flow.tasks(again)
        assert item.submitted is not None
        assert item.submitted.abandon_reason == "dark"
        flow.save(again, 2, Choice("dog"))
        flow.submit(again)
        review = taken(flow, "di", job, Stage.INSPECT)
        assert scope_of(flow, review) == [1, 2, 3]
        assert flow.results.get(job, 2).replies == DOG
        invariants.check(flow)

    def test_abandoned_twice_it_stays_abandoned(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.QUEUE, tasks=3, size=3)
        self.abandoned(flow, job, "ben", 2)
        self.abandoned(flow, job, "cy", 2)
        assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT
        assert flow.results.get(job, 2).state is TaskState.ABANDONED
        invariants.check(flow)

    def test_the_event_and_the_package_say_so(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.QUEUE, tasks=3, size=3)
        self.abandoned(flow, job, "ben", 1, 3)
        (submitted,) = [event for event in flow.events.list(job) if event.type == "submit"]
        assert submitted.data == {"requeued": [1, 3]}
        package = flow.packages.get((job.id, 1))
        assert (package.requeued, package.round, package.abandoned) == ((1, 3), 2, 0)
        invariants.check(flow)

    def test_what_most_voters_abandon_is_voted_on_once_more(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2, on_abandon="queue"), Inspect())
        job = cats(flow, workflow=workflow, tasks=2, label=("ben", "cy", "eve", "flo"))
        for member in ("ben", "cy"):
            self.abandoned(flow, job, member, 1)
        assert flow.packages.get((job.id, 1)).free == 2
        for member in ("eve", "flo"):
            again = taken(flow, member, job)
            assert scope_of(flow, again) == [1]
            flow.save(again, 1, Choice("dog"))
            flow.submit(again)
        assert [flow.results.get(job, task).replies for task in (1, 2)] == [DOG, CAT]
        invariants.check(flow)

    def test_elsewhere_it_is_kept(self, flow: Flow) -> None:
        job = cats(flow, workflow=PLAIN, tasks=3, size=3)
        self.abandoned(flow, job, "ben", 2)
        assert flow.packages.get((job.id, 1)).state is PackageState.INSPECT

    def test_a_job_without_reviews_finishes_after_the_second_try(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(on_abandon="queue")), tasks=2)
        self.abandoned(flow, job, "ben", 1)
        assert flow.jobs.get(job).state is JobState.RUNNING
        self.abandoned(flow, job, "cy", 1)
        assert flow.jobs.get(job).state is JobState.FINISHED
        invariants.check(flow)
