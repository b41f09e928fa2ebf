"""How assignments end, and how packages move: pass, reject, discard, reopen."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    Accept,
    Answer,
    Assignment,
    AssignmentState,
    Choice,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    JobState,
    Label,
    NotAllowed,
    Package,
    PackageState,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.access import Action, default_policy
from itagflow.core.change import Change, Context
from itagflow.lifecycle.tables import AssignmentCommand
from itagflow.model import Outcome, Verdict
from itagflow.model.job import Route
from itagflow.model.package import ClaimCounter
from itagflow.model.workspace import Member
from itagflow.reviewing import rules
from itagflow.reviewing.rules import (
    AnswerCounts,
    AssignmentContext,
    CompletionFacts,
    PackageHistory,
    RejectFacts,
    plan_completion,
)
from itagflow.reviewing.sampling import draw_sample
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_member,
    make_package,
)

CTX = Context(AT, 1, 2)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
DONE: dict[str, Any] = {"state": AssignmentState.DONE, "outcome": Outcome.SUBMITTED}
BEN = make_member(id=2, account="ben")
STAGES = make_job(workflow=Workflow(Label(), Inspect(), Accept()))
LABELED = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT)
INSPECTING = make_assignment(6, stage=Stage.INSPECT, member=3)
AT_INSPECT = make_package(state=PackageState.INSPECT, free=0)
TASKS = (1, 2, 3, 4)
COUNTER = ClaimCounter(job=4, stage=Stage.LABEL, member=2, active=1)
COUNTERS = ((COUNTER, attrs.evolve(COUNTER, active=0)),)


def everything_allowed(
    member: Member, action: Action, job: Job | None, stage: Stage | None
) -> None:
    """Refuse nothing."""


def complete(
    job: Job,
    package: Package,
    assignment: Assignment,
    *others: Assignment,
    answers: tuple[Answer, ...] = (),
    **fields: Any,
) -> CompletionFacts:
    """Return the facts as the service gathers them: by the plan, with all tasks and answers."""
    context = AssignmentContext(job, package, assignment, CTX)
    own = [answer for answer in answers if answer.assignment == assignment.id]
    counts = AnswerCounts(
        resolved=sum(answer.is_resolved for answer in own),
        abandoned=sum(answer.is_abandoned for answer in own),
        wrong=sum(answer.wrong for answer in own),
    )
    assignments = [*others, assignment]
    plan = plan_completion(context, assignments, counts)
    history = PackageHistory(assignments=assignments)
    if plan.needs_tasks:
        history = attrs.evolve(history, tasks=(1, 2))
    if plan.needs_answers:
        history = attrs.evolve(history, answers=by_task(answers))
    defaults: dict[str, Any] = {"context": context, "plan": plan, "counts": counts}
    return CompletionFacts(**{**defaults, "history": history, "counters": COUNTERS, **fields})


def by_task(answers: tuple[Answer, ...]) -> dict[int, dict[int, Answer]]:
    return {
        task: {answer.assignment: answer for answer in answers if answer.task == task}
        for task in (1, 2)
    }


def saved(change: Change, kind: type[Any]) -> Any:
    """Return what the change makes of the one entity of this kind that it saves."""
    (after,) = [after for _, after in change.save if isinstance(after, kind)]
    return after


ANSWERED = (make_answer(1, replies=CAT), make_answer(2, replies=DOG))


class TestHelpersOfCompleting:
    HISTORY = PackageHistory(assignments=[LABELED], tasks=(1, 2), answers=by_task(ANSWERED[:1]))

    def test_the_scope_of_a_whole_package_are_its_tasks(self) -> None:
        context = AssignmentContext(STAGES, make_package(), make_assignment(), CTX)
        assert rules.get_scope(context, self.HISTORY) == (1, 2)
        assert rules.get_scope_size(context) == 2
        part = attrs.evolve(context, assignment=make_assignment(scope=(2,)))
        assert rules.get_scope(part, self.HISTORY) == (2,)
        assert rules.get_scope_size(part) == 1

    def test_an_answer_to_an_erased_task_stands_for_no_other(self) -> None:
        context = AssignmentContext(STAGES, make_package(), make_assignment(scope=(1,)), CTX)
        counts = AnswerCounts(resolved=1)
        assert rules.is_count_enough(context, counts)
        erased = attrs.evolve(context, package=make_package(erased=(2,)))
        assert not rules.is_count_enough(erased, counts)

    def test_tasks_without_an_answer_are_found(self) -> None:
        context = AssignmentContext(STAGES, make_package(), make_assignment(), CTX)
        assert rules.find_unanswered(context, self.HISTORY, (1, 2)) == (2,)

    def test_the_one_that_has_ended_takes_its_place(self) -> None:
        ended = attrs.evolve(INSPECTING, state=AssignmentState.DONE)
        assert rules.replace_ended([LABELED, INSPECTING], ended) == [LABELED, ended]

    def test_a_package_passes_on_and_is_counted(self) -> None:
        answers = (ANSWERED[0], make_answer(2, abandon_reason="dark"))
        facts = complete(STAGES, make_package(free=0), make_assignment(), answers=answers)
        passed = rules.pass_on(facts, [LABELED], (2,))
        assert (passed.state, passed.disputes) == (PackageState.INSPECT, (2,))
        assert rules.recount(facts, passed, [LABELED]).abandoned == 1


class TestPassReview:
    @pytest.mark.parametrize(
        ("stage", "operation", "outcome", "state"),
        [
            (Stage.INSPECT, "review", Outcome.REVIEWED, PackageState.ACCEPT),
            (Stage.ACCEPT, "accept", Outcome.ACCEPTED, PackageState.DONE),
        ],
    )
    def test_the_package_passes(
        self, stage: Stage, operation: str, outcome: Outcome, state: PackageState
    ) -> None:
        package = make_package(state=PackageState.at(stage), free=0)
        facts = complete(STAGES, package, make_assignment(6, stage=stage), LABELED)
        change = rules.pass_review(facts, operation)
        assert saved(change, Assignment).outcome is outcome
        assert saved(change, Package).state is state
        assert COUNTERS[0] in change.save

    def test_not_at_another_stage(self) -> None:
        with pytest.raises(WrongState):
            rules.pass_review(complete(STAGES, AT_INSPECT, INSPECTING, LABELED), "accept")

    def test_not_while_a_task_stands_judged_wrong(self) -> None:
        judgment = make_answer(2, assignment=6, stage=Stage.INSPECT, verdict=Verdict.WRONG)
        facts = complete(STAGES, AT_INSPECT, INSPECTING, LABELED, answers=(*ANSWERED, judgment))
        with pytest.raises(Incomplete) as caught:
            rules.pass_review(facts, "review")
        assert caught.value.tasks == (2,)

    def test_not_while_a_dispute_is_undecided(self) -> None:
        package = attrs.evolve(AT_INSPECT, disputes=(1, 2), erased=(1,))
        with pytest.raises(Incomplete) as caught:
            rules.pass_review(complete(STAGES, package, INSPECTING, LABELED), "review")
        assert caught.value.tasks == (2,)
        own = make_answer(2, assignment=6, stage=Stage.INSPECT, replies=CAT, verdict=Verdict.RIGHT)
        facts = complete(STAGES, package, INSPECTING, LABELED, answers=(own,))
        assert saved(rules.pass_review(facts, "review"), Package).disputes == ()


class TestReject:
    @staticmethod
    def facts(
        *answers: Answer, job: Job = STAGES, package: Package = AT_INSPECT, **fields: Any
    ) -> RejectFacts:
        assignment = fields.pop("assignment", INSPECTING)
        history = PackageHistory(
            assignments=[LABELED, assignment], tasks=(1, 2), answers=by_task((*ANSWERED, *answers))
        )
        defaults: dict[str, Any] = {
            "context": AssignmentContext(job, package, assignment, CTX),
            "history": history,
            "counters": (),
            "named": (),
            "comment": "",
            "previous": {},
            "authors": [BEN],
            "offer_ids": [10],
            "policy": everything_allowed,
        }
        return RejectFacts(**{**defaults, **fields})

    JUDGED = make_answer(
        2, assignment=6, stage=Stage.INSPECT, verdict=Verdict.WRONG, comment="no dog"
    )

    def test_what_is_judged_wrong_goes_back_to_its_author(self) -> None:
        change = rules.reject(self.facts(self.JUDGED, counters=COUNTERS))
        ended, after = saved(change, Assignment), saved(change, Package)
        assert (ended.outcome, ended.sent_back, ended.comment) == (Outcome.REJECTED, (2,), "no dog")
        assert (after.state, after.round, after.free) == (PackageState.LABEL, 2, 0)
        assert (after.scope, after.rejects, after.wrong) == ((2,), (2,), 1)
        (offer,) = change.add
        assert isinstance(offer, Assignment)
        assert (offer.id, offer.member, offer.state) == (10, BEN.id, AssignmentState.OFFERED)
        assert (offer.scope, offer.round, offer.stage) == ((2,), 2, Stage.LABEL)
        assert change.event.data == {"tasks": [2], "comment": "no dog"}
        assert COUNTERS[0] in change.save

    def test_without_a_judgment_everything_goes_back_and_needs_a_comment(self) -> None:
        with pytest.raises(Incomplete, match="give a comment"):
            rules.reject(self.facts())
        change = rules.reject(self.facts(comment="all wrong"))
        assert saved(change, Assignment).sent_back is None
        after = saved(change, Package)
        assert (after.scope, after.rejects) == (None, (1, 2))
        assert change.event.data == {"tasks": [1, 2], "comment": "all wrong"}

    def test_named_tasks_are_judged_wrong(self) -> None:
        change = rules.reject(self.facts(named=[1], comment="blurred"))
        _, judgment = change.add
        assert isinstance(judgment, Answer)
        assert (judgment.task, judgment.verdict, judgment.comment) == (1, Verdict.WRONG, "blurred")
        assert change.event.data == {"tasks": [1], "comment": "blurred", "answered": [1]}

    def test_named_tasks_are_judged_in_order(self) -> None:
        change = rules.reject(self.facts(named={2, 1}, comment="blurred"))
        assert [new.task for new in change.add if isinstance(new, Answer)] == [1, 2]
        assert change.event.data["answered"] == [1, 2]
        assert saved(change, Assignment).sent_back == (1, 2)

    def test_a_named_task_that_was_judged_before_keeps_the_old_judgment_in_the_event(self) -> None:
        facts = self.facts(self.JUDGED, named=[2], comment="worse", previous={"2": "as it was"})
        change = rules.reject(facts)
        assert (self.JUDGED, attrs.evolve(self.JUDGED, comment="worse", member=3)) in change.save
        assert change.event.data["previous"] == {"2": "as it was"}
        assert change.event.data["answered"] == [2]

    def test_a_named_task_that_is_judged_so_already_is_not_judged_again(self) -> None:
        change = rules.reject(self.facts(self.JUDGED, named=[2], comment="no dog"))
        assert "answered" not in change.event.data
        assert not any(isinstance(new, Answer) for new in change.add)

    @pytest.mark.parametrize(
        ("comment", "named", "message"),
        [("", [1], "comment: is empty"), ("x", [9], "task 9: is not in the scope of assignment 6")],
    )
    def test_what_cannot_be_named(self, comment: str, named: list[int], message: str) -> None:
        with pytest.raises(InvalidData, match=message):
            rules.reject(self.facts(named=named, comment=comment))

    def test_an_author_who_may_not_label_any_more_gets_no_offer(self) -> None:
        change = rules.reject(self.facts(self.JUDGED, policy=default_policy))
        assert change.add == ()
        assert saved(change, Package).free == 1

    def test_not_once_the_job_is_archived(self) -> None:
        job = attrs.evolve(STAGES, state=JobState.ARCHIVED)
        with pytest.raises(NotAllowed, match="archived"):
            rules.reject(self.facts(self.JUDGED, job=job))

    def test_labeling_is_not_rejected(self) -> None:
        labeling = make_assignment(6)
        facts = self.facts(assignment=labeling, package=make_package(free=0), comment="x")
        with pytest.raises(WrongState, match="label"):
            rules.reject(facts)


class TestAuthors:
    def test_those_who_closed_the_latest_round(self) -> None:
        assignments = [
            make_assignment(5, member=2, round=1, **DONE),
            make_assignment(6, member=3, round=2, **DONE),
            make_assignment(7, member=4, round=2, **DONE),
            make_assignment(8, member=None, round=2, **{**DONE, "outcome": Outcome.MERGED}),
            make_assignment(9, member=9, round=2, state=AssignmentState.RETURNED),
        ]
        assert rules.find_authors(STAGES, AT_INSPECT, assignments) == [3, 4]
        assert rules.find_authors(STAGES, AT_INSPECT, []) == []

    @pytest.mark.parametrize(("rework", "authors"), [(9, [9]), (Route.QUEUE, [])])
    def test_the_route_of_the_job(self, rework: Any, authors: list[int]) -> None:
        job = make_job(workflow=Workflow(Label(rework=rework), Inspect()))
        assert rules.find_authors(job, AT_INSPECT, [LABELED]) == authors

    def test_the_last_inspector_after_a_reject_at_accept(self) -> None:
        job = make_job(workflow=Workflow(Label(), Inspect(), Accept(reject_to=Stage.INSPECT)))
        inspections = [
            make_assignment(id, stage=Stage.INSPECT, member=member, **DONE)
            for id, member in ((6, 3), (7, 4))
        ]
        package = make_package(state=PackageState.ACCEPT)
        assert rules.find_authors(job, package, [LABELED, *inspections]) == [4]

    def test_nobody_where_nothing_can_be_rejected(self) -> None:
        assert rules.find_authors(STAGES, make_package(), [LABELED]) == []


class TestPackages:
    VOTED = make_job(workflow=Workflow(Label(votes=2), Inspect(), Accept()))

    def test_labeling_needs_a_slot_for_each_vote_and_a_review_one(self) -> None:
        assert rules.slots(self.VOTED, Stage.LABEL) == 2
        assert rules.slots(self.VOTED, Stage.INSPECT) == 1

    def test_the_next_stage_is_the_one_after_or_none(self) -> None:
        next_stages = [
            rules.find_next_stage(STAGES, make_package(state=PackageState.at(stage)))
            for stage in (Stage.LABEL, Stage.INSPECT, Stage.ACCEPT)
        ]
        assert next_stages == [Stage.INSPECT, Stage.ACCEPT, None]
        with pytest.raises(NotAllowed, match="reopen it first"):
            rules.find_next_stage(STAGES, make_package(state=PackageState.DONE))

    def test_a_package_passes_from_stage_to_stage_until_it_is_done(self) -> None:
        package, seen = make_package(size=4, free=0), list[tuple[PackageState, int]]()
        for _ in range(3):
            package = rules.pass_package(self.VOTED, package, CTX, tasks=TASKS, first=True)
            seen.append((package.state, package.free))
        assert seen == [(PackageState.INSPECT, 1), (PackageState.ACCEPT, 1), (PackageState.DONE, 0)]
        with pytest.raises(WrongState):
            rules.pass_package(self.VOTED, package, CTX, tasks=TASKS, first=True)

    def test_a_first_review_looks_at_a_sample_and_at_disputes(self) -> None:
        sampled = make_job(workflow=Workflow(Label(), Inspect(task_count=1)))
        package = make_package(size=4)
        plain = rules.pass_package(sampled, package, CTX, tasks=TASKS, first=True)
        assert plain.scope is not None
        assert len(plain.scope) == 1
        (drawn,) = plain.scope
        other = next(task for task in TASKS if task != drawn)
        disputed = rules.pass_package(
            sampled, package, CTX, tasks=TASKS, first=True, disputes=(other,)
        )
        assert disputed.scope == tuple(sorted((drawn, other)))
        assert disputed.disputes == (other,)

    def test_a_later_review_is_of_what_was_sent_back(self) -> None:
        package = make_package(size=9, round=2, rejects=(3, 5))
        after = rules.pass_package(STAGES, package, CTX, tasks=range(1, 10), first=False)
        assert after.scope == (3, 5)

    def test_erased_tasks_are_in_no_scope(self) -> None:
        package = make_package(size=4, erased=(2,))
        passed = rules.pass_package(STAGES, package, CTX, tasks=TASKS, first=True)
        assert passed.scope == (1, 3, 4)
        assert rules.without_erased(package, None, TASKS) == (1, 3, 4)
        assert rules.without_erased(package, (2, 3), TASKS) == (3,)
        assert rules.without_erased(make_package(), None, (1, 2)) is None

    def test_what_is_sent_back_begins_a_round_at_label(self) -> None:
        package = make_package(size=4, state=PackageState.INSPECT, disputes=(1, 3), rejects=(4,))
        back = rules.send_back(self.VOTED, package, CTX, sent=(3,), tasks=TASKS)
        assert (back.state, back.round, back.free) == (PackageState.LABEL, 2, 2)
        assert (back.scope, back.rejects, back.disputes) == ((3,), (3, 4), (1,))

    @pytest.mark.parametrize("sent", [None, TASKS])
    def test_a_package_sent_back_as_a_whole_has_no_scope(
        self, sent: tuple[int, ...] | None
    ) -> None:
        package = make_package(size=4, state=PackageState.INSPECT)
        assert rules.send_back(STAGES, package, CTX, sent=sent, tasks=TASKS).scope is None

    def test_redo_all_sends_everything_back_to_label(self) -> None:
        job = make_job(workflow=Workflow(Label(redo_all=True), Inspect()))
        package = make_package(size=4, state=PackageState.INSPECT)
        back = rules.send_back(job, package, CTX, sent=(3,), tasks=TASKS)
        assert (back.scope, back.rejects) == (None, (3,))

    def test_a_done_package_is_reopened_for_its_first_review(self) -> None:
        done = make_package(size=4, state=PackageState.DONE, free=0)
        opened = rules.reopen_package(STAGES, done, CTX, tasks=TASKS)
        assert (opened.state, opened.round, opened.free) == (PackageState.INSPECT, 2, 1)
        again = rules.reopen_package(make_job(), done, CTX, tasks=TASKS)
        assert again.state is PackageState.LABEL

    def test_a_discarded_package_has_no_slots_and_comes_back_to_labeling(self) -> None:
        gone = rules.discard_package(STAGES, attrs.evolve(AT_INSPECT, scope=(1,), free=1))
        assert (gone.state, gone.free, gone.scope) == (PackageState.DISCARDED, 0, None)
        again = rules.reopen_package(STAGES, gone, CTX, tasks=())
        assert (again.state, again.round, again.free) == (PackageState.LABEL, 2, 1)

    def test_each_offer_takes_a_slot(self) -> None:
        package = make_package(free=2)
        assert rules.with_offers(package, [make_member()]).free == 1
        assert rules.with_offers(package, []) is package

    @pytest.mark.parametrize("state", [JobState.RUNNING, JobState.PAUSED])
    def test_a_job_finishes_from_where_it_can(self, state: JobState) -> None:
        job = make_job(state=state)
        assert rules.finish_job(job) == ((job, attrs.evolve(job, state=JobState.FINISHED)),)

    @pytest.mark.parametrize("job", [None, make_job(state=JobState.ARCHIVED)])
    def test_else_it_stays(self, job: Job | None) -> None:
        assert rules.finish_job(job) == ()


class TestScopeOfReview:
    @staticmethod
    def sampled(**rule: Any) -> Job:
        return make_job(workflow=Workflow(Label(), Inspect(**rule)))

    def test_a_first_review_without_a_sample_is_of_everything(self) -> None:
        package = make_package(size=4)
        scope = rules.scope_of_review(
            self.sampled(), package, Stage.INSPECT, TASKS, (2,), first=True
        )
        assert scope is None

    def test_a_first_review_looks_at_the_sample_and_at_every_dispute(self) -> None:
        package = make_package(size=4)
        job = self.sampled(task_count=1)
        drawn = draw_sample(job.workflow.review(Stage.INSPECT), 7, 1, Stage.INSPECT, TASKS)
        scope = rules.scope_of_review(job, package, Stage.INSPECT, TASKS, (), first=True)
        assert scope == drawn
        disputed = rules.scope_of_review(job, package, Stage.INSPECT, TASKS, TASKS, first=True)
        assert disputed is None  # that is everything

    def test_a_later_review_looks_at_what_was_sent_back_in_any_round(self) -> None:
        package = make_package(size=4, round=3, rejects=(1, 4))
        scope = rules.scope_of_review(
            self.sampled(), package, Stage.INSPECT, TASKS, (), first=False
        )
        assert scope == (1, 4)

    def test_a_package_that_was_done_again_as_a_whole_is_sampled_once_more(self) -> None:
        job = make_job(workflow=Workflow(Label(redo_all=True), Inspect(task_count=1)))
        package = make_package(size=4, round=2, rejects=(1,))
        drawn = draw_sample(job.workflow.review(Stage.INSPECT), 7, 1, Stage.INSPECT, TASKS)
        scope = rules.scope_of_review(job, package, Stage.INSPECT, TASKS, (), first=False)
        assert scope == tuple(sorted({1, *drawn}))


class TestPlan:
    @pytest.mark.parametrize(
        ("inspect", "package", "needs"),
        [
            (Inspect(), {}, False),
            (Inspect(task_count=1), {}, True),
            (Inspect(task_share=0.5), {}, True),
            (Inspect(), {"round": 2}, True),
            (Inspect(), {"erased": (1,)}, True),
        ],
    )
    def test_tasks_are_read_only_where_a_scope_is_drawn(
        self, inspect: Inspect, package: dict[str, Any], needs: bool
    ) -> None:
        job = make_job(workflow=Workflow(Label(), inspect))
        context = AssignmentContext(job, make_package(free=0, **package), make_assignment(), CTX)
        plan = plan_completion(context, [context.assignment], AnswerCounts(resolved=2))
        assert (plan.needs_tasks, plan.needs_answers) == (needs, False)
        assert (plan.leaves_stage, plan.next_stage) == (True, Stage.INSPECT)


class TestEnd:
    HELD = AssignmentContext(STAGES, make_package(), make_assignment(), CTX)

    def test_work_ends_only_when_everything_is_answered(self) -> None:
        held = self.HELD.assignment
        done = rules.end_assignment(self.HELD, "submit", AssignmentCommand(assignment=held))
        assert (done.state, done.outcome, done.ended_at) == (
            AssignmentState.DONE,
            Outcome.SUBMITTED,
            AT,
        )
        with pytest.raises(Incomplete) as refused:
            closing = AssignmentCommand(assignment=held, missing=(2,))
            rules.end_assignment(self.HELD, "submit", closing)
        assert refused.value.tasks == (2,)
        ended = attrs.evolve(self.HELD, assignment=done)
        with pytest.raises(WrongState):
            rules.end_assignment(ended, "submit", AssignmentCommand(assignment=done))


class TestChecks:
    def test_what_stands_judged_wrong_is_found_in_the_scope(self) -> None:
        judged = [
            make_answer(task, assignment=6, stage=Stage.INSPECT, verdict=Verdict.WRONG)
            for task in (1, 2)
        ]
        history = PackageHistory(
            assignments=[LABELED, INSPECTING],
            tasks=(1, 2),
            answers=by_task((*ANSWERED, *judged)),
        )
        context = AssignmentContext(STAGES, AT_INSPECT, INSPECTING, CTX)
        assert rules.find_wrong(context, history) == (1, 2)
        narrow = attrs.evolve(context, assignment=attrs.evolve(INSPECTING, scope=(2,)))
        assert rules.find_wrong(narrow, history) == (2,)
        assert rules.find_wrong(context, attrs.evolve(history, answers={})) == ()

    def test_only_tasks_in_the_scope_are_rejected(self) -> None:
        review = make_assignment(scope=(1, 3))
        rules.require_in_scope(review, {3, 1}, (1, 3))
        with pytest.raises(InvalidData) as refused:
            rules.require_in_scope(review, [4, 1, 2], (1, 3))
        assert [problem.where for problem in refused.value.problems] == ["task 2", "task 4"]

    @pytest.mark.parametrize(
        ("comment", "words"), [("", "is empty"), (" ", "is empty"), ("\0", "NUL")]
    )
    def test_who_rejects_says_why(self, comment: str, words: str) -> None:
        assert rules.require_comment("the reject", "blurred") == "blurred"
        with pytest.raises(InvalidData, match=words):
            rules.require_comment("the reject", comment)
