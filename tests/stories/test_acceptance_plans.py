"""Reviews under an acceptance plan: sample, verdict, more tasks, rejected lots, nobody against it."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from support import invariants
from support.scenes import cats, labeled, taken

import itagflow
from itagflow import (
    Accept,
    Assignment,
    Choice,
    Flow,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    Label,
    NotAllowed,
    NotHeld,
    PackageState,
    Stage,
    Workflow,
    maintenance,
)
from itagflow.json import from_json, to_json
from itagflow.model import LotVerdict, RejectedLots
from itagflow.quality import (
    Iso2859,
    PlanVerdict,
    SequentialPlan,
    SinglePlan,
    TablePlan,
    iso2859,
    sequential,
)
from itagflow.reviewing.sampling import Draw, draw_tasks

I = Stage.INSPECT
TASKS = 20
ACCEPT, REJECT, MORE = PlanVerdict.ACCEPT, PlanVerdict.REJECT, PlanVerdict.MORE


def planned(flow: Flow, rule: Inspect, *, tasks: int = TASKS, label: Label | None = None) -> Job:
    """A job of one package, labeled by ben, which waits for its inspection by a plan."""
    workflow = Workflow(label or Label(), rule)
    job = cats(flow, workflow=workflow, tasks=tasks, size=tasks, inspect=("di", "eve"), seed=7)
    labeled(flow, "ben", job)
    return job


def scope_of(flow: Flow, review: Assignment) -> tuple[int, ...]:
    return tuple(item.task.number for item in flow.tasks(review))


def look(flow: Flow, review: Assignment, *, wrong: int = 0) -> None:
    """Look at all that nobody has checked, and find so many of it wrong."""
    for item in flow.tasks(review):
        if item.answer is not None:
            continue
        flow.judge(review, item, wrong="blurred" if wrong > 0 else None)
        wrong -= 1


def told(verdict: LotVerdict) -> tuple[PlanVerdict, int, int, int]:
    return verdict.verdict, verdict.more, verdict.checked, verdict.wrong


class TestSinglePlans:
    RULE = Inspect(plan=SinglePlan(5, 1))

    def test_the_sample_is_drawn_when_the_package_comes_to_the_stage(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        lot = flow.packages.get((job, 1)).lot
        draw = Draw(seed=7, stage=I, package=1, round=1)
        assert lot is not None
        assert (lot.size, lot.sample) == (TASKS, draw_tasks(draw, range(1, TASKS + 1), 5))
        assert scope_of(flow, taken(flow, "di", job, I)) == lot.sample
        invariants.check(flow)

    def test_nothing_is_decided_before_the_whole_sample_was_checked(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        first, *others = flow.tasks(review)
        flow.judge(review, first)
        assert told(flow.plan_verdict(review)) == (MORE, 4, 1, 0)
        with pytest.raises(Incomplete, match="the plan says more: look at all") as refused:
            flow.review(review)
        assert refused.value.tasks == tuple(item.task.number for item in others)
        with pytest.raises(Incomplete, match="cannot reject: the plan says more"):
            flow.reject(review, comment="no", whole=True)
        invariants.check(flow)

    def test_what_is_wrong_in_an_accepted_lot_is_modified_first(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        look(flow, review, wrong=1)
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 5, 1)
        sentence = "the plan says accept (1 of 5 tasks wrong): first modify what was found wrong"
        with pytest.raises(Incomplete, match=re.escape(sentence)) as refused:
            flow.review(review)
        with pytest.raises(NotAllowed, match="the plan says accept"):
            flow.reject(review)
        flow.modify(review, refused.value.tasks[0], Choice("dog"))
        # what was modified is an error as before
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 5, 1)
        flow.review(review)
        package = flow.packages.get((job, 1))
        assert (package.state, package.lot) == (PackageState.DONE, None)
        assert flow.results.get(job, refused.value.tasks[0]).replies == {"1": Choice("dog")}
        event = next(each for each in flow.events.list(job) if each.type == "review")
        assert event.data["lot"] == {"verdict": "accept", "checked": 5, "wrong": 1, "size": TASKS}
        invariants.check(flow)

    def test_the_same_answer_as_the_labelers_is_no_error(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        for item in flow.tasks(review):
            flow.modify(review, item, Choice("cat"))
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 5, 0)

    def test_a_rejected_lot_goes_back_whole_and_a_fresh_sample_is_drawn(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        before = scope_of(flow, review)
        look(flow, review, wrong=2)
        assert told(flow.plan_verdict(review)) == (REJECT, 0, 5, 2)
        for task in before[:2]:
            flow.modify(review, task, Choice("dog"))
        with pytest.raises(NotAllowed, match=re.escape("says reject (2 of 5 tasks wrong): reject")):
            flow.review(review)
        (result,) = flow.review_many([review])
        assert isinstance(result.error, NotAllowed)
        with pytest.raises(Incomplete, match="say why"):
            flow.reject(review)
        flow.reject(review, comment="read the guideline")
        rework = taken(flow, "ben", job)
        assert scope_of(flow, rework) == tuple(range(1, TASKS + 1))
        flow.save_many(rework, {item: Choice("cat") for item in flow.tasks(rework)})
        flow.submit(rework)
        again = taken(flow, "di", job, I)
        draw = Draw(seed=7, stage=I, package=1, round=2)
        assert scope_of(flow, again) == draw_tasks(draw, range(1, TASKS + 1), 5) != before
        look(flow, again)
        flow.review(again)
        invariants.check(flow)

    def test_named_tasks_of_a_reject_count_as_wrong(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        *named, last = scope_of(flow, review)
        flow.judge(review, last)
        flow.reject(review, tasks=named, comment="blurred")
        event = next(each for each in flow.events.list(job) if each.type == "reject")
        assert event.data["lot"] == {"verdict": "reject", "checked": 5, "wrong": 4, "size": TASKS}

    def test_a_lot_smaller_than_the_sample_is_checked_whole(self, flow: Flow) -> None:
        job = planned(flow, self.RULE, tasks=3)
        review = taken(flow, "di", job, I)
        assert review.scope is None
        look(flow, review, wrong=1)
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 3, 1)

    def test_sent_again_nothing_more_happens(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        look(flow, review, wrong=2)
        done = flow.reject(review)
        assert flow.reject(review) == done
        with pytest.raises(NotHeld):
            flow.plan_verdict(review)


class TestTables:
    RULE = Inspect(plan=TablePlan([(10, 3, 0), (None, 6, 1)]))

    @pytest.mark.parametrize(("tasks", "sample"), [(2, 2), (10, 3), (11, 6)])
    def test_the_row_for_packages_of_this_size_says_how_many_are_checked(
        self, flow: Flow, tasks: int, sample: int
    ) -> None:
        job = planned(flow, self.RULE, tasks=tasks)
        review = taken(flow, "di", job, I)
        assert len(scope_of(flow, review)) == sample
        look(flow, review)
        assert flow.plan_verdict(review).verdict is ACCEPT
        flow.review(review)
        invariants.check(flow)


class TestRejectedLotsThatAreInspected:
    RULE = Inspect(plan=SinglePlan(5, 0), rejected_lots="inspect")

    def test_the_reviewer_gets_all_other_tasks(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        look(flow, review, wrong=1)
        with pytest.raises(NotAllowed, match="plan_verdict adds the rest of it, to be inspected"):
            flow.review(review)
        with pytest.raises(NotAllowed, match="rejected lots are inspected whole"):
            flow.reject(review, comment="no")
        assert told(flow.plan_verdict(review)) == (REJECT, TASKS - 5, 5, 1)
        assert told(flow.plan_verdict(review)) == (REJECT, TASKS - 5, 5, 1)
        assert scope_of(flow, review) == tuple(range(1, TASKS + 1))
        with pytest.raises(Incomplete, match="inspected whole: look at every task"):
            flow.review(review)
        look(flow, review, wrong=3)
        with pytest.raises(Incomplete, match="inspected whole: modify what is wrong") as refused:
            flow.review(review)
        assert len(refused.value.tasks) == 4
        for task in refused.value.tasks:
            flow.modify(review, task, Choice("dog"))
        flow.review(review)
        assert flow.packages.get((job, 1)).state is PackageState.DONE
        event = next(each for each in flow.events.list(job) if each.type == "extend")
        assert len(event.data["tasks"]) == TASKS - 5
        assert "drew more tasks of package 1" in str(event)
        invariants.check(flow)

    def test_who_takes_it_over_inspects_it_whole_too(self, flow: Flow) -> None:
        job = planned(flow, self.RULE)
        review = taken(flow, "di", job, I)
        look(flow, review, wrong=1)
        flow.plan_verdict(review)
        flow.release(review)
        other = taken(flow, "eve", job, I)
        assert scope_of(flow, other) == tuple(range(1, TASKS + 1))
        assert told(flow.plan_verdict(other)) == (REJECT, TASKS, 0, 0)
        look(flow, other)
        flow.review(other)
        invariants.check(flow)


class TestSequentialPlans:
    PLAN = sequential(0.02, 0.2)

    def test_the_scope_grows_in_the_order_of_the_draw(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=self.PLAN), tasks=40)
        review = taken(flow, "di", job, I)
        draw = Draw(seed=7, stage=I, package=1, round=1)
        while True:
            scope = scope_of(flow, review)
            assert scope == draw_tasks(draw, range(1, 41), len(scope))
            look(flow, review)
            verdict = flow.plan_verdict(review)
            if verdict.verdict is not MORE:
                break
            assert len(scope_of(flow, review)) == len(scope) + verdict.more
            with pytest.raises(Incomplete, match="the plan says more: look at all of the sample"):
                flow.review(review)
        # with none wrong it is accepted as soon as the plan accepts
        assert self.PLAN.decide(verdict.checked, 0).verdict is ACCEPT
        assert self.PLAN.decide(verdict.checked - 1, 0).verdict is MORE
        flow.review(review)
        invariants.check(flow)

    def test_before_it_is_asked_the_plan_refuses_and_says_how_to_go_on(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=self.PLAN), tasks=40)
        review = taken(flow, "di", job, I)
        look(flow, review)
        with pytest.raises(Incomplete, match="plan_verdict adds the next 2 tasks"):
            flow.review(review)

    def test_who_takes_it_over_has_the_larger_sample(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=self.PLAN), tasks=40)
        review = taken(flow, "di", job, I)
        look(flow, review)
        flow.plan_verdict(review)
        scope = scope_of(flow, review)
        flow.release(review)
        assert scope_of(flow, taken(flow, "eve", job, I)) == scope
        invariants.check(flow)

    def test_bad_work_is_rejected_early(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=self.PLAN), tasks=40)
        review = taken(flow, "di", job, I)
        look(flow, review, wrong=9)
        assert told(flow.plan_verdict(review)) == (REJECT, 0, 2, 2)
        flow.reject(review)


class TestTasksThatAreNoMore:
    def test_others_are_drawn_for_what_was_erased_or_withdrawn(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=SinglePlan(4, 0)))
        review = taken(flow, "di", job, I)
        first, second, *others = scope_of(flow, review)
        maintenance.erase_task(flow, (job, first), by="ada")
        flow.jobs.withdraw(job, tasks=[second], by="ada")
        assert scope_of(flow, review) == tuple(others)
        look(flow, review)
        assert told(flow.plan_verdict(review)) == (MORE, 2, 2, 0)
        assert set(others) < set(scope_of(flow, review))
        look(flow, review)
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 4, 0)
        flow.review(review)
        invariants.check(flow)

    def test_a_sample_that_was_withdrawn_while_nobody_had_it_is_drawn_again(
        self, flow: Flow
    ) -> None:
        job = planned(flow, Inspect(plan=SinglePlan(2, 0)), tasks=6)
        lot = flow.packages.get((job, 1)).lot
        assert lot is not None
        flow.jobs.withdraw(job, tasks=list(lot.sample), by="ada")
        review = taken(flow, "di", job, I)
        assert told(flow.plan_verdict(review)) == (MORE, 2, 0, 0)
        assert len(scope_of(flow, review)) == 2
        invariants.check(flow)

    def test_where_no_task_is_left_to_draw_all_that_there_is_decides(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=SinglePlan(3, 1)), tasks=4)
        review = taken(flow, "di", job, I)
        kept, *others = scope_of(flow, review)
        flow.jobs.withdraw(job, tasks=others, by="ada")
        look(flow, review)
        assert told(flow.plan_verdict(review)) == (MORE, 1, 1, 0)
        look(flow, review, wrong=1)
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 2, 1)
        assert kept in scope_of(flow, review)


class TestOtherLooks:
    def test_no_plan_decides_on_what_a_later_stage_sent_back(self, flow: Flow) -> None:
        workflow = Workflow(Label(), Inspect(plan=SinglePlan(2, 0)), Accept())
        job = cats(flow, workflow=workflow, tasks=6, size=6)
        labeled(flow, "ben", job)
        review = taken(flow, "di", job, I)
        look(flow, review)
        flow.review(review)
        acceptance = taken(flow, "ada", job, Stage.ACCEPT)
        with pytest.raises(NotAllowed, match="no acceptance plan decides on package 1 at ACCEPT"):
            flow.plan_verdict(acceptance)
        flow.reject(acceptance, tasks=[4], comment="no cat")
        labeled(flow, "ben", job)
        again = taken(flow, "di", job, I)
        assert scope_of(flow, again) == (4,)
        with pytest.raises(NotAllowed, match="no acceptance plan decides"):
            flow.plan_verdict(again)
        flow.review(again)
        invariants.check(flow)

    def test_disputed_tasks_are_checked_beside_the_sample(self, flow: Flow) -> None:
        workflow = Workflow(Label(votes=2, min_votes=2), Inspect(plan=SinglePlan(2, 0)))
        job = cats(flow, workflow=workflow, tasks=6, size=6)
        for member in ("ben", "cy"):
            vote = taken(flow, member, job)
            for item in flow.tasks(vote):
                is_odd = member == "cy" and item.task.number == 5
                flow.save(vote, item, Choice("dog" if is_odd else "cat"))
            flow.submit(vote)
        lot = flow.packages.get((job, 1)).lot
        assert lot is not None
        assert (lot.size, 5 in lot.sample) == (5, False)
        review = taken(flow, "di", job, I)
        assert set(scope_of(flow, review)) == {*lot.sample, 5}
        flow.modify(review, 5, Choice("dog"))
        look(flow, review)
        assert told(flow.plan_verdict(review)) == (ACCEPT, 0, 2, 0)
        flow.review(review)
        invariants.check(flow)

    def test_everything_is_reviewed_after_a_package_was_reopened(self, flow: Flow) -> None:
        job = planned(flow, Inspect(plan=SinglePlan(2, 0)))
        review = taken(flow, "di", job, I)
        look(flow, review)
        flow.review(review)
        flow.packages.reopen((job, 1), by="ada")
        again = taken(flow, "di", job, I)
        assert again.scope is None
        flow.reject(again, tasks=[1], comment="no cat")
        invariants.check(flow)


class TestRules:
    @pytest.mark.parametrize(
        "plan",
        [
            iso2859(2.5, "S-2"),
            sequential(0.02, 0.08),
            SinglePlan(8, 1),
            TablePlan([(90, 5, 0), (None, 20, 1)]),
        ],
    )
    def test_a_plan_is_stored_and_sent_as_it_is(
        self, flow: Flow, plan: Iso2859 | SequentialPlan | SinglePlan | TablePlan
    ) -> None:
        rule = Inspect(plan=plan, rejected_lots="inspect")
        job = cats(flow, workflow=Workflow(Label(), rule))
        stored = flow.jobs.get(job.id).workflow
        assert stored.inspect == rule
        assert rule.rejected_lots is RejectedLots.INSPECT
        assert from_json(Workflow, to_json(stored)) == stored

    @pytest.mark.parametrize(
        ("beside", "wrong"),
        [
            ({"task_share": 0.5}, "task_share: is given beside a plan"),
            ({"task_count": 5}, "task_count: is given beside a plan"),
            ({"package_share": 0.5}, "package_share: is given beside a plan"),
            ({"max_rejects": 2}, "max_rejects: is given beside a plan"),
        ],
    )
    def test_nothing_else_says_how_much_is_reviewed(
        self, beside: dict[str, Any], wrong: str
    ) -> None:
        with pytest.raises(InvalidData, match=wrong):
            Inspect(plan=SinglePlan(5, 1), **beside)

    def test_a_plan_is_one_of_the_library_for_lots_of_any_size(self) -> None:
        other: Any = "iso2859"
        with pytest.raises(InvalidData, match=r"plan: must be a plan of itagflow\.quality"):
            Inspect(plan=other)
        with pytest.raises(InvalidData, match="plan: is for a lot of one size"):
            Inspect(plan=SinglePlan(5, 1, lot=50))

    def test_what_a_plan_rejects_goes_to_label(self) -> None:
        rule = Accept(plan=SinglePlan(5, 1), reject_to="inspect")
        with pytest.raises(InvalidData, match="reject_to: is not for a stage with a plan"):
            Workflow(Label(), Inspect(), rule)

    def test_the_plan_of_a_job_cannot_change_and_what_becomes_of_lots_can(self, flow: Flow) -> None:
        job = cats(flow, workflow=Workflow(Label(), Inspect(plan=SinglePlan(5, 1))))
        other = Workflow(Label(), Inspect(plan=SinglePlan(5, 2)))
        with pytest.raises(InvalidData, match="inspect, plan: is SinglePlan"):
            flow.jobs.update(job, workflow=other, by="ada")
        inspected = Workflow(Label(), Inspect(plan=SinglePlan(5, 1), rejected_lots="inspect"))
        assert flow.jobs.update(job, workflow=inspected, by="ada").workflow == inspected

    def test_no_estimate_is_given_where_the_sample_depends_on_what_is_found(
        self, flow: Flow
    ) -> None:
        job = planned(flow, Inspect(plan=sequential(0.02, 0.2)))
        left = flow.quality.error_left(job)
        assert left.rate is None
        assert "at INSPECT of job 'cats' depends on what was found" in left.why


@pytest.mark.simulation
class TestSimulatedLots:
    """Simulated members on the real Flow, with fixed seeds."""

    LOTS = 150

    @pytest.mark.parametrize(
        ("plan", "wrong"),
        [
            (SinglePlan(6, 1), 2),
            (SinglePlan(6, 1), 5),
            (iso2859(4.0, "S-4"), 1),
            (iso2859(4.0, "S-4"), 4),
            (sequential(0.05, 0.4), 2),
            (sequential(0.05, 0.4), 4),
        ],
    )
    def test_lots_are_accepted_at_the_rate_of_the_oc_curve(
        self, plan: SinglePlan | Iso2859 | SequentialPlan, wrong: int
    ) -> None:
        """Of each lot of 20 tasks, *wrong* are wrong: the draw alone decides."""
        with itagflow.open("memory:") as flow:
            accepted = self._count_accepted(flow, plan, wrong)
        expected = plan.oc(wrong / 20, 20)
        deviation = math.sqrt(expected * (1 - expected) / self.LOTS)
        assert abs(accepted / self.LOTS - expected) < 1.96 * deviation, (accepted, expected)

    def _count_accepted(
        self, flow: Flow, plan: SinglePlan | Iso2859 | SequentialPlan, wrong: int
    ) -> int:
        rule = Inspect(plan=plan)
        job = cats(
            flow,
            workflow=Workflow(Label(), rule),
            tasks=20 * self.LOTS,
            size=20,
            seed=1,
            label=["ben"],
        )
        accepted = 0
        for _ in range(self.LOTS):
            labeled(flow, "ben", job)
            review = taken(flow, "di", job, I)
            accepted += self._is_accepted(flow, review, wrong)
            flow.release(review)
            flow.packages.discard((job, review.package), by="ada")
        return accepted

    @staticmethod
    def _is_accepted(flow: Flow, review: Assignment, wrong: int) -> bool:
        while True:
            for item in flow.tasks(review):
                if item.answer is None:
                    # the first ones of each package
                    is_wrong = (item.task.number - 1) % 20 < wrong
                    flow.judge(review, item, wrong="no cat" if is_wrong else None)
            verdict = flow.plan_verdict(review)
            if verdict.verdict is not MORE:
                return verdict.verdict is ACCEPT
