"""The life of a job, told from the people's side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.scenes import Clock, cats, labeled, rows, street, taken, verbs

import itagflow
from itagflow import (
    Accept,
    AssignmentState,
    Choice,
    FixedSize,
    Flow,
    Group,
    GroupByField,
    Incomplete,
    Inspect,
    InvalidData,
    JobState,
    Label,
    NotAllowed,
    NotHeld,
    PackageCount,
    PackageState,
    Role,
    Route,
    Selection,
    Stage,
    TaskState,
    Text,
    Workflow,
    WrongState,
    maintenance,
    templates,
)
from itagflow.model import Outcome, Verdict

L, I, A = Stage.LABEL, Stage.INSPECT, Stage.ACCEPT


class TestLabeling:
    def test_everybody_gets_packages_of_their_own_until_all_is_done(self, flow: Flow) -> None:
        job = cats(flow)
        ben, cy = taken(flow, "ben", job), taken(flow, "cy", job)
        assert (ben.package, cy.package) == (1, 2)
        assert flow.claim("ben", job, L) is None
        for assignment in (ben, cy):
            for work in flow.tasks(assignment):
                flow.save(assignment, work, Choice("cat"))
            flow.submit(assignment)
        assert flow.jobs.get(job).state is JobState.FINISHED
        assert flow.jobs.progress(job).done == 4
        assert [result.state for result in flow.results.list(job)] == [TaskState.FINAL] * 4

    def test_saving_again_replaces_and_the_history_keeps_what_was(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        again = flow.save(assignment, 1, Choice("dog"))
        assert (again.reply, again.version) == (Choice("dog"), 1)
        last = list(flow.events.list(job))[-1]
        assert last.data["previous"]["1"]["replies"] == {"1": {"kind": "choice", "key": "cat"}}
        assert last.account == "ben"

    def test_sending_the_same_again_changes_nothing(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        first = flow.save(assignment, 1, Choice("cat"))
        before = verbs(flow, job)
        assert flow.save(assignment, 1, Choice("cat")) == first
        assert verbs(flow, job) == before
        flow.save(assignment, 2, Choice("cat"))
        done = flow.submit(assignment)
        assert flow.submit(assignment) == done
        assert verbs(flow, job).count("submit") == 1

    def test_many_answers_are_saved_as_one_act_or_not_at_all(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        with pytest.raises(InvalidData, match="task 2, 1: 'bird' is not an option"):
            flow.save_many(assignment, {1: Choice("cat"), 2: Choice("bird")})
        assert all(work.answer is None for work in flow.tasks(assignment))
        saved = flow.save_many(
            assignment, [(work, Choice("dog")) for work in flow.tasks(assignment)]
        )
        assert [answer.task for answer in saved] == [1, 2]
        assert verbs(flow, job).count("save") == 1
        flow.submit(assignment)

    def test_a_submit_lists_what_is_missing(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        with pytest.raises(Incomplete) as refused:
            flow.submit(assignment)
        assert refused.value.tasks == (2,)
        assert flow.assignments.get(assignment).state is AssignmentState.HELD

    def test_an_abandoned_task_needs_no_answer_and_can_be_restored(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("cat"))
        flow.save(assignment, 2, Choice("cat"))
        flow.abandon(assignment, 1, "too dark")
        assert flow.restore(assignment, 1).reply == Choice("cat")
        flow.abandon(assignment, 2, "too dark")
        flow.submit(assignment)
        assert flow.jobs.progress(job).abandoned == 1
        assert [result.state for result in flow.results.list(job)] == [
            TaskState.FINAL,
            TaskState.ABANDONED,
        ]
        assert flow.results.get((job.id, 2)).last.abandon_reason == "too dark"


class TestClaiming:
    def test_a_repeated_token_gives_the_same_assignment(self, flow: Flow) -> None:
        job = cats(flow)
        first = flow.claim("ben", job, L, token="request-7")
        assert flow.claim("ben", job, L, token="request-7") == first
        assert flow.claim("ben", job, L, token="request-8").package == 2

    def test_a_token_names_the_own_lapsed_assignment_that_it_gave(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(lease=timedelta(minutes=10))))
        first = flow.claim("ben", job, L, token="request-7")
        clock.forward(minutes=11)
        again = flow.claim("ben", job, L, token="request-8")
        assert again.id == first.id
        assert flow.claim("ben", job, L, token="request-8") == again

    def test_a_limit_caps_what_one_member_holds(self, flow: Flow) -> None:
        job = cats(flow, tasks=6, workflow=Workflow(Label(limit=2)))
        held = [taken(flow, "ben", job), taken(flow, "ben", job)]
        assert flow.claim("ben", job, L) is None
        assert flow.explain("ben", job, L) == "the limit is reached: ben holds 2 of 2 assignments"
        flow.release(held[0])
        assert flow.claim("ben", job, L) is not None

    def test_priority_comes_first_and_what_was_given_back_waits_from_then(
        self, flow: Flow, clock: Clock
    ) -> None:
        job = cats(flow, tasks=8)
        flow.packages.prioritize(job, 5, packages=[3], by="ada")
        assert taken(flow, "ben", job).package == 3
        assignment = taken(flow, "ben", job)
        clock.forward(minutes=1)
        flow.release(assignment, comment="lunch")
        assert [taken(flow, "cy", job).package for _ in range(3)] == [2, 4, 1]

    def test_what_a_returned_assignment_had_saved_is_a_draft_for_the_next(self, flow: Flow) -> None:
        job = cats(flow, tasks=2)
        assignment = taken(flow, "ben", job)
        flow.save(assignment, 1, Choice("dog"))
        flow.release(assignment)
        work = next(flow.tasks(taken(flow, "cy", job)))
        assert (work.previous.reply, work.answer) == (Choice("dog"), None)

    def test_a_lapsed_lease_is_only_takeable(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(lease=timedelta(minutes=10))))
        assignment = taken(flow, "ben", job)
        clock.forward(minutes=11)
        # nobody took it, so ben goes on, and the lease with him
        flow.save(assignment, 1, Choice("cat"))
        assert flow.claim("cy", job, L) is None
        clock.forward(minutes=11)
        new = taken(flow, "cy", job)
        assert (new.package, new.member != assignment.member) == (1, True)
        with pytest.raises(NotHeld, match="the lease lapsed and the assignment was taken"):
            flow.save(assignment, 1, Choice("dog"))

    def test_expire_returns_all_that_lapsed(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, workflow=Workflow(Label(lease=timedelta(minutes=10))))
        assignment, other = taken(flow, "ben", job), taken(flow, "cy", job)
        clock.forward(minutes=6)
        flow.renew(other)
        clock.forward(minutes=6)
        assert [returned.id for returned in flow.assignments.expire(job, by="ada")] == [
            assignment.id
        ]
        assert flow.assignments.get(assignment).outcome is Outcome.EXPIRED

    def test_work_is_pushed_to_people_too(self, flow: Flow) -> None:
        job = cats(flow)
        package = next(flow.packages.list(job))
        offer = flow.assignments.assign(package, "cy", by="ada")
        assert offer.state is AssignmentState.OFFERED
        assert taken(flow, "ben", job).package == 2
        assert taken(flow, "cy", job).id == offer.id
        again = flow.assignments.reassign(offer, "ben", by="ada", comment="cy is ill")
        assert [
            assignment.id
            for assignment in flow.assignments.list("ben")
            if assignment.state is AssignmentState.OFFERED
        ] == [again.id]
        with pytest.raises(NotAllowed, match="no free slot"):
            flow.assignments.assign(package, "cy", by="ada")

    def test_the_one_who_labeled_does_not_inspect(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2, inspect=["ben", "di"])
        labeled(flow, "ben", job)
        assert flow.claim("ben", job, I) is None
        assert "own work" in flow.explain("ben", job, I)
        assert taken(flow, "di", job, I)

    def test_but_may_where_the_rule_says_so(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(allow_own_work=True))
        job = cats(flow, workflow=workflow, tasks=2, inspect=["ben"])
        labeled(flow, "ben", job)
        assert taken(flow, "ben", job, I)

    def test_a_paused_job_gives_out_nothing_but_lets_held_assignments_end(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        flow.jobs.pause(job, by="ada")
        assert flow.claim("cy", job, L) is None
        assert flow.explain("cy", job, L) == "the job is paused"
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
        flow.submit(assignment)
        flow.jobs.resume(job, by="ada")
        assert flow.claim("cy", job, L) is not None

    def test_explain_says_where_the_work_is(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        assert flow.explain("ben", job, L) == "something is waiting: claim it"
        assert flow.explain("di", job, I) == "1 package is still at an earlier stage"
        labeled(flow, "ben", job)
        assert flow.explain("cy", job, L) == "all done here: 1 package is at a later stage"
        assignment = taken(flow, "di", job, I)
        assert (
            flow.explain("ada", job, I) == "1 assignment is held by or offered to people, "
            f"the first lease ends at {assignment.lease_until:%Y-%m-%d %H:%M:%S %Z}"
        )
        flow.reject(assignment, comment="again", whole=True)
        assert flow.explain("ben", job, L) == "something is offered: claim it"
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, I))
        assert flow.explain("ben", job, L) == "the job is finished"

    def test_available_shows_where_there_is_work(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        assert [(there.id, stage) for there, stage in flow.available("ben")] == [(job.id, L)]
        assert list(flow.available("di")) == []
        labeled(flow, "ben", job)
        assert [stage for _, stage in flow.available("di")] == [I]

    def test_who_leaves_gives_everything_back(self, flow: Flow) -> None:
        job = cats(flow, tasks=2, workflow=Workflow(Label(limit=1)))
        assignment = taken(flow, "ben", job)
        flow.members.remove(job.workspace, "ben", by="ada")
        assert flow.assignments.get(assignment).outcome is Outcome.RECALLED
        with pytest.raises(NotHeld):
            flow.save(assignment, 1, Choice("cat"))
        with pytest.raises(NotAllowed, match="removed"):
            flow.claim("ben", job, L)
        assert taken(flow, "cy", job).package == 1
        back = flow.members.add(job.workspace, "ben", Role.OPERATOR, by="ada")
        assert back.id == assignment.member


class TestReviewing:
    WORKFLOW = Workflow(Label(), Inspect(), Accept())

    def test_what_is_judged_wrong_goes_back_to_its_author_with_the_remark(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=3, size=3)
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, I)
        flow.judge(assignment, 2, wrong="a dog")
        with pytest.raises(Incomplete) as refused:
            flow.review(assignment)
        assert refused.value.tasks == (2,)
        rejected = flow.reject(assignment)
        assert (rejected.outcome, rejected.sent_back, rejected.comment) == (
            Outcome.REJECTED,
            (2,),
            "",  # nothing was said of the package
        )
        assert flow.jobs.progress(job).wrong == 1
        again = taken(flow, "ben", job)
        assert (again.round, again.scope) == (2, (2,))
        (work,) = flow.tasks(again)
        assert (work.comment, work.submitted.reply) == ("a dog", Choice("cat"))
        with pytest.raises(InvalidData, match="not in the scope"):
            flow.save(again, 1, Choice("dog"))
        flow.save(again, 2, Choice("dog"))
        flow.submit(again)
        last = taken(flow, "di", job, I)
        assert last.scope == (2,)
        flow.review(last)
        flow.accept(taken(flow, "ada", job, A))
        assert [result.replies["1"].key for result in flow.results.list(job)] == [
            "cat",
            "dog",
            "cat",
        ]

    def test_a_reviewer_may_modify_and_the_labelers_answer_stays_in_its_block(
        self, flow: Flow
    ) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2)
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, I)
        flow.modify(assignment, 1, Choice("dog"))
        flow.review(assignment)
        result = flow.results.get((job.id, 1))
        assert result.stages[L].replies["1"] == Choice("cat")
        assert result.stages[I].replies["1"] == Choice("dog")
        assert result.state is TaskState.PASSED

    def test_a_modify_stands_when_other_tasks_are_rejected(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2)
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, I)
        flow.modify(assignment, 1, Choice("dog"))
        flow.reject(assignment, tasks=[2], comment="look again")
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, I))
        assert flow.results.get((job.id, 1)).replies["1"] == Choice("dog")

    def test_rejecting_everything_needs_a_reason(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2)
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, I)
        with pytest.raises(Incomplete, match="whole=True"):
            flow.reject(assignment)
        flow.reject(assignment, comment="all blurred", whole=True)
        assert flow.jobs.progress(job).wrong == 2
        again = taken(flow, "ben", job)
        assert (again.scope, [work.comment for work in flow.tasks(again)]) == (
            None,
            ["all blurred"] * 2,
        )

    def test_a_judgment_can_be_taken_back(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2)
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, I)
        flow.judge(assignment, 1, wrong="hm")
        assert flow.judge(assignment, 1).verdict is Verdict.RIGHT
        flow.review(assignment)

    def test_rework_goes_to_the_queue_where_its_author_comes_last(self, flow: Flow) -> None:
        workflow = Workflow(Label(rework=Route.QUEUE), Inspect())
        job = cats(flow, workflow=workflow, tasks=4)
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        assert taken(flow, "ben", job).package == 2
        again = taken(flow, "ben", job)  # nothing else is there, and nobody is refused
        assert (again.package, again.round) == (1, 2)

    def test_rework_goes_to_a_named_member(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(rework="cy"), Inspect()), tasks=2)
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        assert [assignment.state for assignment in flow.assignments.list("cy")] == [
            AssignmentState.OFFERED
        ]

    def test_an_author_who_left_is_replaced_by_a_free_slot(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2)
        labeled(flow, "ben", job)
        flow.members.remove(job.workspace, "ben", by="ada")
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        assert taken(flow, "cy", job).round == 2

    def test_acceptance_can_send_back_to_inspection(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(), Accept(reject_to=I))
        job = cats(flow, workflow=workflow, tasks=3, size=3)
        labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, I))
        flow.reject(taken(flow, "ada", job, A), tasks=[3], comment="no")
        assignment = taken(flow, "di", job, I)
        assert (assignment.round, assignment.scope) == (2, (3,))
        with pytest.raises(Incomplete):
            flow.review(assignment)
        flow.modify(assignment, 3, Choice("dog"))
        flow.review(assignment)
        flow.accept(taken(flow, "ada", job, A))
        assert flow.results.get((job.id, 3)).replies["1"] == Choice("dog")
        assert flow.jobs.progress(job).wrong == 0

    def test_a_sample_is_drawn_once_and_the_rest_passes_with_it(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect(task_share=0.25)), tasks=10, size=10)
        labeled(flow, "ben", job)
        assignment = taken(flow, "di", job, I)
        assert len(assignment.scope) == 3
        flow.release(assignment)
        assert taken(flow, "di", job, I).scope == assignment.scope
        flow.review(next(flow.assignments.list("di")))
        looked = [result.stages[I].inspected for result in flow.results.list(job)]
        assert looked.count(True) == 3

    def test_a_reviewer_undoes_that_a_task_was_abandoned(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        assignment = taken(flow, "ben", job)
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("dog")})
        flow.abandon(assignment, 1, "too dark")
        flow.submit(assignment)
        assignment = taken(flow, "di", job, I)
        assert next(flow.tasks(assignment)).submitted.abandon_reason == "too dark"
        assert flow.restore(assignment, 1).reply == Choice("cat")
        flow.review(assignment)
        assert flow.jobs.progress(job).abandoned == 0
        assert flow.results.get((job.id, 1)).state is TaskState.FINAL

    def test_who_did_what_stays_known_for_every_round(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=1, size=1)
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, I), comment="again", whole=True)
        labeled(flow, "ben", job, "dog")
        flow.review(taken(flow, "di", job, I))
        made = flow.results.get((job.id, 1)).provenance
        assert [(one.stage, one.round, one.outcome) for one in made] == [
            (L, 1, Outcome.SUBMITTED),
            (I, 1, Outcome.REJECTED),
            (L, 2, Outcome.SUBMITTED),
            (I, 2, Outcome.REVIEWED),
        ]

    def test_verbs_of_another_stage_are_refused(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2)
        assignment = taken(flow, "ben", job)
        with pytest.raises(WrongState):
            flow.judge(assignment, 1, wrong="x")
        with pytest.raises(WrongState):
            flow.review(assignment)
        flow.save_many(assignment, {1: Choice("cat"), 2: Choice("cat")})
        flow.submit(assignment)
        review = taken(flow, "di", job, I)
        for act in (
            lambda: flow.save(review, 1, Choice("cat")),
            lambda: flow.accept(review),
            lambda: flow.submit(review),
        ):
            with pytest.raises(WrongState):
                act()


class TestVoting:
    WORKFLOW = Workflow(Label(votes=3, min_votes=2), Inspect(task_count=1))

    def test_the_majority_wins_and_reviewers_decide_disputes(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=3, size=3, label=["ben", "cy", "eve"])
        said = {
            "ben": ["cat", "cat", "cat"],
            "cy": ["cat", "dog", "dog"],
            "eve": ["cat", "cat", None],
        }
        for name, words in said.items():
            assignment = taken(flow, name, job)
            for work, word in zip(flow.tasks(assignment), words, strict=True):
                flow.save(assignment, work, Choice(word)) if word else flow.abandon(
                    assignment, work, "dark"
                )
            flow.submit(assignment)
        assert flow.jobs.progress(job).disputed == 1
        assignment = taken(flow, "di", job, I)
        assert 3 in assignment.scope
        work = next(work for work in flow.tasks(assignment) if work.task.number == 3)
        assert [vote.reply for vote in work.votes] == [Choice("cat"), Choice("dog"), None]
        with pytest.raises(Incomplete, match="disagree"):
            flow.review(assignment)
        flow.modify(assignment, 3, Choice("dog"))
        flow.review(assignment)
        assert [result.replies["1"].key for result in flow.results.list(job)] == [
            "cat",
            "cat",
            "dog",
        ]
        assert flow.jobs.progress(job).disputed == 0

    def test_nobody_votes_twice(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2, label=["ben", "cy", "eve"])
        labeled(flow, "ben", job)
        assert flow.claim("ben", job, L) is None
        with pytest.raises(NotAllowed, match="they have an assignment on package 1 in this round"):
            flow.assignments.assign(next(flow.packages.list(job)), "ben", by="ada")

    def test_rejected_votes_go_back_to_every_voter_and_are_merged_again(self, flow: Flow) -> None:
        job = cats(flow, workflow=self.WORKFLOW, tasks=2, label=["ben", "cy", "eve"])
        for name in ("ben", "cy", "eve"):
            labeled(flow, name, job)
        flow.reject(taken(flow, "di", job, I), comment="all dogs", whole=True)
        for name in ("ben", "cy", "eve"):
            assert labeled(flow, name, job, "dog").round == 2
        flow.review(taken(flow, "di", job, I))
        assert {result.replies["1"].key for result in flow.results.list(job)} == {"dog"}

    def test_votes_without_a_review_are_refused(self) -> None:
        with pytest.raises(InvalidData, match="Inspect or Accept"):
            Workflow(Label(votes=2))


class TestJobs:
    def test_a_job_that_could_never_finish_is_not_published_and_leaves_nothing(
        self, flow: Flow
    ) -> None:
        with pytest.raises(Incomplete, match="3 different members"):
            cats(flow, workflow=Workflow(Label(votes=3), Inspect()))
        assert list(flow.jobs.list("street")) == []

    def test_the_only_inspector_cannot_be_the_only_labeler(self, flow: Flow) -> None:
        with pytest.raises(Incomplete, match="nobody reviews their own work"):
            cats(flow, workflow=Workflow(Label(), Inspect()), label=["ben"], inspect=["ben"])

    @pytest.mark.parametrize(
        ("packaging", "sizes"),
        [(FixedSize(3), [3, 3, 1]), (PackageCount(3), [3, 2, 2]), (GroupByField("camera"), [4, 3])],
    )
    def test_packages_are_cut_as_asked(
        self, flow: Flow, packaging: itagflow.FixedSize, sizes: list[int]
    ) -> None:
        data = [{"data": {"source": f"{n}.jpg", "camera": n % 2}} for n in range(7)]
        job = cats(flow, data=data, packaging=packaging)
        assert [package.size for package in flow.packages.list(job)] == sizes

    def test_loading_goes_on_where_it_broke_off(self, flow: Flow) -> None:
        home = street(flow, "ben")
        template = templates.image_classification(["cat"])
        job = flow.jobs.create(
            home, "later", template=template, packaging=FixedSize(2), by="ada", draft=True
        )
        flow.jobs.load(job, rows(3), by="ada")
        report = flow.jobs.load(job, rows(5), by="ada")
        assert (report.loaded, flow.jobs.progress(job).total) == (2, 5)
        assert [package.size for package in flow.packages.list(job)] == [2, 2, 1]
        flow.jobs.publish(job, by="ada")
        with pytest.raises(WrongState):
            flow.jobs.load(job, rows(6), by="ada")

    def test_a_finished_job_runs_again_when_rows_are_appended(self, flow: Flow) -> None:
        data = [{"data": {"source": f"{n}.jpg", "id": n}} for n in range(2)]
        job = cats(flow, data=data, row_key="id")
        labeled(flow, "ben", job)
        assert flow.jobs.get(job).state is JobState.FINISHED
        more = [{"data": {"source": f"{n}.jpg", "id": n}} for n in (1, 2, 2)]
        report = flow.jobs.append(job, more, by="ada")
        assert (report.loaded, report.known, report.duplicates) == (1, 1, 1)
        assert flow.jobs.get(job).state is JobState.RUNNING
        labeled(flow, "ben", job)
        assert flow.jobs.progress(job).done == 3

    def test_bad_rows_are_all_named_and_leave_nothing_behind(self, flow: Flow) -> None:
        bad = [*rows(1), {"data": {}}, "{", {"dat": 1}]
        with pytest.raises(InvalidData) as refused:
            cats(flow, data=bad)
        assert [problem.where for problem in refused.value.problems] == [
            "row 2, data.source",
            "row 3",
            "row 4, data",
        ]
        assert list(flow.jobs.list("street")) == []

    def test_or_are_skipped_when_asked(self, flow: Flow) -> None:
        job = cats(flow, data=[*rows(1), {"data": {}}], on_error="skip")
        assert flow.jobs.progress(job).total == 1

    def test_finishing_by_hand_discards_only_when_told(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job)
        assignment = taken(flow, "cy", job)
        with pytest.raises(Incomplete, match="package 2 is still open"):
            flow.jobs.finish(job, by="ada")
        assert flow.jobs.finish(job, by="ada", discard_open=True).state is JobState.FINISHED
        assert flow.assignments.get(assignment).outcome is Outcome.RECALLED
        assert [package.state for package in flow.packages.list(job)] == [
            PackageState.DONE,
            PackageState.DISCARDED,
        ]
        flow.packages.reopen((job.id, 2), by="ada", comment="we need it after all")
        assert flow.jobs.get(job).state is JobState.RUNNING
        assert taken(flow, "ben", job).round == 2

    def test_accepted_work_is_locked_until_it_is_reopened(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()), tasks=2)
        assignment = labeled(flow, "ben", job)
        flow.review(taken(flow, "di", job, I))
        with pytest.raises(NotHeld):
            flow.save(assignment, 1, Choice("dog"))
        flow.packages.reopen((job.id, 1), by="ada")
        again = taken(flow, "di", job, I)
        flow.modify(again, 1, Choice("dog"))
        flow.review(again)
        assert flow.results.get((job.id, 1)).replies["1"] == Choice("dog")

    def test_an_archived_job_is_read_only_and_can_be_deleted(self, flow: Flow) -> None:
        job = cats(flow)
        assignment = taken(flow, "ben", job)
        with pytest.raises(NotAllowed, match="archive it first"):
            flow.jobs.delete(job, by="ada")
        flow.jobs.archive(job, by="ada")
        with pytest.raises(NotHeld):
            flow.save(assignment, 1, Choice("cat"))
        with pytest.raises(NotAllowed, match="archived"):
            flow.jobs.update(job, remark="x", by="ada")
        flow.jobs.delete(job, by="ada")
        with pytest.raises(itagflow.NotFound):
            flow.jobs.get(job)
        assert [event.type for event in flow.events.since()][-1] == "delete"
        assert not any(
            event.job == job.id for event in flow.events.since() if event.type != "delete"
        )

    def test_what_is_noted_about_a_job_can_change(self, flow: Flow, clock: Clock) -> None:
        job = cats(flow, tags=["animals"])
        changed = flow.jobs.update(job, name="dogs", tags=["x", "y"], due_at=clock(), by="ada")
        assert (changed.name, changed.tags, changed.due_at) == ("dogs", ("x", "y"), clock())
        with pytest.raises(InvalidData, match="1 to 100 characters"):
            flow.jobs.update(job, name="_", by="ada")
        with pytest.raises(InvalidData, match="time zone"):
            flow.jobs.update(job, due_at=clock().replace(tzinfo=None), by="ada")

    def test_the_workforce_changes_stage_by_stage(self, flow: Flow) -> None:
        job = cats(flow, label=["ben"])
        flow.members.add(job.workspace, "nan", Role.OPERATOR, groups=["night"], by="ada")
        with pytest.raises(NotAllowed, match="does not name them"):
            flow.claim("nan", job, L)
        flow.jobs.add_workers(job, L, [Group("night")], by="ada")
        assert flow.claim("nan", job, L) is not None
        flow.jobs.remove_workers(job, L, ["ben"], by="ada")
        with pytest.raises(NotAllowed):
            flow.claim("ben", job, L)
        flow.jobs.set_workforce(job, {L: ["ben"]}, by="ada")
        assert flow.jobs.get(job).crew(L).groups == ()

    def test_a_stored_template_serves_several_jobs(self, flow: Flow) -> None:
        home = street(flow, "ben")
        stored = flow.templates.add(
            home, templates.text_classification(["a", "b"]), name="letters", by="ada"
        )
        for name in ("one", "two"):
            flow.jobs.create(
                home, name, template="letters", data=[{"data": {"source": "text"}}], by="ada"
            )
        assert {job.template for job in flow.jobs.list(home)} == {stored.id}

    def test_tasks_are_found_by_state_member_and_label(self, flow: Flow) -> None:
        job = cats(flow)
        labeled(flow, "ben", job, "dog")
        found = flow.results.find(job, state=TaskState.FINAL, member="ben", label="dog")
        assert [result.task.number for result in found] == [1, 2]
        assert [result.task.number for result in flow.results.find(job, state=TaskState.TODO)] == [
            3,
            4,
        ]
        assert list(flow.results.find(job, member="cy")) == []

    def test_finding_is_listing_with_a_selection(self, flow: Flow) -> None:
        """Who did what was sent back and done again by somebody else is not who did the task."""
        job = cats(flow, workflow=Workflow(Label(rework="queue"), Inspect()))
        labeled(flow, "ben", job)
        flow.reject(taken(flow, "di", job, Stage.INSPECT), tasks=[1], comment="no cat")
        labeled(flow, "cy", job)
        conditions: list[dict[str, Any]] = [
            {"member": "ben"},
            {"member": "cy"},
            {"member": "di"},
            {"label": "cat"},
            {"state": TaskState.ANSWERED, "member": "cy"},
        ]
        for each in conditions:
            found = list(flow.results.find(job, **each))
            assert found == list(flow.results.list(job, where=Selection(**each))), each
        assert [result.task.number for result in flow.results.find(job, member="cy")] == [1]

    def test_everything_is_copied_to_another_store(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect()))
        labeled(flow, "ben", job)
        with itagflow.open("memory:") as other:
            maintenance.copy(flow, to=other)
            assert list(other.results.list(job)) == list(flow.results.list(job))
            assert [str(event) for event in other.events.list(job)] == [
                str(event) for event in flow.events.list(job)
            ]
            other.review(taken(other, "di", job, I))

    def test_listeners_hear_what_is_stored_and_cannot_break_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[str] = []

        def listen(event: itagflow.Event) -> None:
            heard.append(event.type)
            raise RuntimeError("a bad listener")

        with itagflow.open("memory:", listeners=[listen]) as flow:
            job = cats(flow)
            taken(flow, "ben", job)
            assert heard == [event.type for event in flow.events.since()]
        assert "a listener failed" in caplog.text

    def test_people_answer_texts_and_several_questions(self, flow: Flow) -> None:
        home = street(flow, "ben")
        template = itagflow.Template(
            questions=(
                itagflow.templates.Question(
                    "1",
                    itagflow.templates.QuestionKind.RADIO,
                    "Kind",
                    (itagflow.templates.Option("cat"),),
                ),
                itagflow.templates.Question(
                    "2", itagflow.templates.QuestionKind.INPUT, "Name", required=False
                ),
            )
        )
        job = flow.jobs.create(
            home, "two", template=template, data=rows(1), workforce={L: ["ben"]}, by="ada"
        )
        assignment = taken(flow, "ben", job)
        with pytest.raises(InvalidData, match="must be a mapping from question id"):
            flow.save(assignment, 1, Choice("cat"))
        flow.save(assignment, 1, {"2": Text("Tom"), "1": Choice("cat")})
        flow.submit(assignment)
        assert flow.results.get((job.id, 1)).replies == {"1": Choice("cat"), "2": Text("Tom")}


class TestFollowing:
    def test_whoever_goes_on_behind_the_last_position_sees_everything_once(
        self, flow: Flow
    ) -> None:
        job = cats(flow)
        seen = list(flow.events.since())
        labeled(flow, "ben", job)
        seen += flow.events.since(after=seen[-1].position)
        assert seen == list(flow.events.since())
        assert [event.type for event in seen][-4:] == ["claim", "save", "save", "submit"]
        assert list(flow.events.since(after=seen[-1].position)) == []

    def test_a_listener_goes_on_behind_an_event_or_its_position(self, flow: Flow) -> None:
        job = cats(flow)
        (*_, last) = flow.events.since()
        taken(flow, "ben", job)
        for after in (last, last.position):
            heard = list(flow.events.follow(after=after, timeout=0))
            assert [event.type for event in heard] == ["claim"]

    def test_a_listener_hears_what_comes(self, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also while it deals with what it has heard."""
        monkeypatch.setattr("itagflow.core.waiting.POLL", 0.01)
        job = cats(flow)
        heard = list[str]()
        for event in flow.events.follow(
            after=list(flow.events.since())[-1].position, workspace="street", timeout=0
        ):
            heard.append(event.type)
            if event.type == "claim":
                flow.release((job.id, event.assignment))
        assert heard == []
        taken(flow, "ben", job)
        for event in flow.events.follow(workspace="street", timeout=0.2):
            heard.append(event.type)
            if event.type == "claim":
                flow.release((job.id, event.assignment))
        assert heard[-2:] == ["claim", "release"]
