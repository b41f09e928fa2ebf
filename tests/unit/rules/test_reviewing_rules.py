"""How assignments end, and how packages move: pass, reject, discard, reopen."""

from __future__ import annotations

import hashlib
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
from itagflow.access import Action
from itagflow.lifecycle.tables import AssignmentCommand
from itagflow.model import Campaign, Outcome, Purpose, Verdict
from itagflow.model.change import Change, Context
from itagflow.model.package import ClaimCounter
from itagflow.model.workspace import Member
from itagflow.results.rules import build_cases, is_voted_on_in
from itagflow.reviewing import rules
from itagflow.reviewing.rules import (
    AnswerCounts,
    AssignmentContext,
    CompletionFacts,
    PackageHistory,
    count_votes,
    plan_completion,
    with_next_round,
    with_slots_added,
    with_votes,
)
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
        assert rules.scope_of(context, self.HISTORY) == (1, 2)
        assert rules.get_scope_size(context) == 2
        part = attrs.evolve(context, assignment=make_assignment(scope=(2,)))
        assert rules.scope_of(part, self.HISTORY) == (2,)
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

    def test_disputed_tasks_without_an_answer_of_the_reviewer_are_undecided(self) -> None:
        disputed = make_package(disputes=(1, 2), withdrawals=(2,), excluded_revisions=(1,))
        context = AssignmentContext(STAGES, disputed, make_assignment(6), CTX)
        assert rules.find_undecided(context, self.HISTORY) == (1,)
        context = AssignmentContext(STAGES, disputed, make_assignment(), CTX)
        assert rules.find_undecided(context, self.HISTORY) == ()

    def test_the_one_that_has_ended_takes_its_place(self) -> None:
        ended = attrs.evolve(INSPECTING, state=AssignmentState.DONE)
        assert rules.replace_assignment([LABELED, INSPECTING], ended) == [LABELED, ended]

    def test_a_package_passes_on_and_is_counted(self) -> None:
        answers = (ANSWERED[0], make_answer(2, abandon_reason="dark"))
        facts = complete(STAGES, make_package(free=0), make_assignment(), answers=answers)
        passed = rules.pass_on(facts, [LABELED], (2,))
        assert (passed.state, passed.disputes) == (PackageState.INSPECT, (2,))
        assert rules.recount(facts, passed, [LABELED]).abandoned == 1


class TestFinishJobWith:
    def test_the_last_package_finishes_its_job_when_it_is_done(self) -> None:
        facts = complete(STAGES, make_package(free=0), make_assignment(), last_of_job=STAGES)
        ((before, after),) = rules.finish_job_with(facts, make_package(state=PackageState.DONE))
        assert isinstance(after, Job)
        assert (before, after.state) == (STAGES, JobState.FINISHED)

    def test_a_package_that_goes_on_does_not(self) -> None:
        facts = complete(STAGES, make_package(free=0), make_assignment(), last_of_job=STAGES)
        assert rules.finish_job_with(facts, make_package()) == ()


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


class TestWhatBecameOfTasks:
    ONLY = make_job(workflow=Workflow(Label()))
    MINE = make_assignment(member=2)
    GIVEN_UP = make_answer(2, abandon_reason="dark")

    def test_an_event_that_ends_a_package_names_them(self) -> None:
        package = make_package(free=0, first_task=1)
        assert not complete(self.ONLY, package, self.MINE, answers=ANSWERED).plan.needs_tasks
        assert self.describe(package, ANSWERED) == "final 1-2"

    def test_their_numbers_are_read_where_the_package_has_gaps(self) -> None:
        assert complete(
            self.ONLY, make_package(free=0), self.MINE, answers=ANSWERED
        ).plan.needs_tasks
        assert self.describe(make_package(free=0), ANSWERED) == "final 1-2"

    def test_those_that_were_given_up_are_abandoned(self) -> None:
        answers = (ANSWERED[0], self.GIVEN_UP)
        assert self.describe(make_package(free=0, first_task=1), answers) == "final 1 abandoned 2"

    def test_nothing_while_the_package_goes_on(self) -> None:
        facts = complete(STAGES, make_package(free=0), self.MINE, answers=ANSWERED)
        assert rules.describe_became(facts, AT_INSPECT, [LABELED]) == ""

    def describe(self, package: Package, answers: tuple[Answer, ...]) -> str:
        facts = complete(self.ONLY, package, self.MINE, answers=answers)
        ended = attrs.evolve(self.MINE, **DONE)
        passed = rules.pass_on(facts, [ended])
        after = rules.recount(facts, passed, [ended])
        return rules.describe_became(facts, after, [ended])

    def test_who_is_given_up_is_read_off_the_answers(self) -> None:
        cases = build_cases(self.ONLY, make_package(free=0), [LABELED], by_task((self.GIVEN_UP,)))
        assert rules.find_abandoned(cases) == (2,)


class TestPackages:
    VOTED = make_job(workflow=Workflow(Label(votes=2), Inspect(), Accept()))

    def test_labeling_needs_a_slot_for_each_vote_and_a_review_one(self) -> None:
        assert rules.slots(make_package(votes=2), Stage.LABEL) == 2
        assert rules.slots(make_package(votes=2), Stage.INSPECT) == 1

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
            package = rules.pass_package(self.VOTED, package, CTX, tasks=TASKS)
            seen.append((package.state, package.free))
        assert seen == [(PackageState.INSPECT, 1), (PackageState.ACCEPT, 1), (PackageState.DONE, 0)]
        with pytest.raises(WrongState):
            rules.pass_package(self.VOTED, package, CTX, tasks=TASKS)

    def test_a_first_review_looks_at_a_sample_and_at_disputes(self) -> None:
        sampled = make_job(workflow=Workflow(Label(), Inspect(task_count=1)))
        package = make_package(size=4)
        plain = rules.pass_package(sampled, package, CTX, tasks=TASKS)
        assert plain.scope is not None
        assert len(plain.scope) == 1
        (drawn,) = plain.scope
        other = next(task for task in TASKS if task != drawn)
        disputed = rules.pass_package(sampled, package, CTX, tasks=TASKS, disputes=(other,))
        assert disputed.scope == tuple(sorted((drawn, other)))
        assert disputed.disputes == (other,)

    def test_a_later_review_is_of_what_was_sent_back(self) -> None:
        package = make_package(size=9, round=2, rejects=(3, 5))
        looked = attrs.evolve(INSPECTING, state=AssignmentState.DONE, outcome=Outcome.REJECTED)
        assignments = [LABELED, attrs.evolve(looked, sent_back=(3, 5))]
        after = rules.pass_package(
            STAGES, package, CTX, tasks=range(1, 10), assignments=assignments
        )
        assert after.scope == (3, 5)

    def test_a_package_that_is_not_drawn_skips_the_stage(self) -> None:
        rare = make_job(workflow=Workflow(Label(), Inspect(package_share=1e-9), Accept()))
        passed = rules.pass_package(rare, make_package(size=4), CTX, tasks=TASKS)
        assert (passed.state, passed.free, passed.scope) == (PackageState.ACCEPT, 1, None)
        assert passed.skipped == (Stage.INSPECT,)
        assert rules.find_next_stage(rare, make_package(size=4)) is Stage.ACCEPT
        back = rules.send_back(rare, passed, CTX, sent=(1,), tasks=TASKS)
        assert back.skipped == ()
        again = rules.pass_package(rare, back, CTX, tasks=TASKS)
        assert (again.state, again.skipped) == (PackageState.INSPECT, ())

    def test_a_package_that_skips_every_stage_is_done(self) -> None:
        share = {"package_share": 1e-9}
        rare = make_job(workflow=Workflow(Label(), Inspect(**share), Accept(**share)))
        passed = rules.pass_package(rare, make_package(size=4), CTX, tasks=TASKS)
        assert (passed.state, passed.free) == (PackageState.DONE, 0)
        assert passed.skipped == (Stage.INSPECT, Stage.ACCEPT)
        assert rules.find_next_stage(rare, make_package(size=4)) is None
        disputed = make_package(size=4, disputes=(2,))
        assert rules.find_next_stage(rare, disputed) is None, "this may decide what is disputed"

    def test_a_disputed_package_is_always_reviewed(self) -> None:
        rare = make_job(workflow=Workflow(Label(votes=2), Inspect(package_share=1e-9)))
        passed = rules.pass_package(rare, make_package(size=4), CTX, tasks=TASKS, disputes=(2,))
        assert (passed.state, passed.skipped) == (PackageState.INSPECT, ())

    def test_erased_tasks_are_in_no_scope(self) -> None:
        package = make_package(size=4, erased=(2,))
        passed = rules.pass_package(STAGES, package, CTX, tasks=TASKS)
        assert passed.scope == (1, 3, 4)
        assert rules.without_excluded(package, None, TASKS) == (1, 3, 4)
        assert rules.without_excluded(package, (2, 3), TASKS) == (3,)
        assert rules.without_excluded(make_package(), None, (1, 2)) is None

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
        back = rules.send_back(STAGES, package, CTX, sent=sent, tasks=TASKS)
        assert (back.scope, back.round, back.whole_round) == (None, 2, 2)

    def test_what_goes_back_in_part_or_to_inspection_is_not_labeled_whole(self) -> None:
        package = make_package(size=4, state=PackageState.INSPECT)
        part = rules.send_back(STAGES, package, CTX, sent=(1,), tasks=TASKS)
        assert (part.round, part.whole_round) == (2, 1)
        job = make_job(workflow=Workflow(Label(), Inspect(), Accept(reject_to=Stage.INSPECT)))
        package = make_package(size=4, state=PackageState.ACCEPT)
        whole = rules.send_back(job, package, CTX, sent=None, tasks=TASKS)
        assert (whole.state, whole.round, whole.whole_round) == (PackageState.INSPECT, 2, 1)

    def test_redo_all_sends_everything_back_to_label(self) -> None:
        job = make_job(workflow=Workflow(Label(redo_all=True), Inspect()))
        package = make_package(size=4, state=PackageState.INSPECT)
        back = rules.send_back(job, package, CTX, sent=(3,), tasks=TASKS)
        assert (back.scope, back.rejects) == (None, (3,))

    def test_a_done_package_is_reopened_for_its_first_review(self) -> None:
        done = make_package(size=4, state=PackageState.DONE, free=0)
        opened = rules.reopen_package(STAGES, done, CTX, tasks=TASKS)
        assert (opened.state, opened.round, opened.free) == (PackageState.INSPECT, 2, 1)
        assert (opened.whole_round, opened.reopened_round) == (1, 2)
        again = rules.reopen_package(make_job(), done, CTX, tasks=TASKS)
        assert (again.state, again.whole_round) == (PackageState.LABEL, 2)

    def test_some_tasks_of_a_done_package_come_back_to_a_stage(self) -> None:
        done = make_package(size=4, state=PackageState.DONE, free=0, skipped=(Stage.INSPECT,))
        opening = rules.Reopening((2, 3), Stage.LABEL, "look again")
        opened = rules.reopen_tasks(STAGES, done, CTX, opening)
        assert (opened.state, opened.round, opened.free) == (PackageState.LABEL, 2, 1)
        assert (opened.scope, opened.whole_round, opened.skipped) == ((2, 3), 1, ())
        assert opened.campaign == Campaign(
            round=2,
            stage=Stage.LABEL,
            tasks=(2, 3),
            skipped=(Stage.INSPECT,),
            comment="look again",
        )
        assert (opened.purpose, opened.final) == (Purpose.CAMPAIGN, 2)
        review = rules.reopen_tasks(STAGES, done, CTX, rules.Reopening((2,), Stage.ACCEPT))
        assert (review.state, review.scope) == (PackageState.ACCEPT, (2,))

    def test_all_tasks_of_a_done_package_are_labeled_whole(self) -> None:
        done = make_package(size=4, state=PackageState.DONE, free=0)
        opened = rules.reopen_tasks(STAGES, done, CTX, rules.Reopening(TASKS, Stage.LABEL))
        assert (opened.scope, opened.whole_round, opened.final) == (None, 2, 0)
        review = rules.reopen_tasks(STAGES, done, CTX, rules.Reopening(TASKS, Stage.INSPECT))
        assert (review.scope, review.whole_round) == (None, 1)

    def test_only_what_is_done_is_opened_again(self) -> None:
        with pytest.raises(WrongState):
            rules.reopen_tasks(STAGES, AT_INSPECT, CTX, rules.Reopening((1,), Stage.LABEL))

    def test_a_campaign_has_as_many_slots_as_the_job_asks_for_votes(self) -> None:
        job = make_job(workflow=Workflow(Label(votes=3), Inspect()))
        done = make_package(size=4, state=PackageState.DONE, free=0, votes=2)
        opened = rules.reopen_tasks(job, done, CTX, rules.Reopening((1,), Stage.LABEL))
        assert (opened.free, opened.votes) == (3, 3)

    def test_a_campaign_ends_when_its_package_is_done(self) -> None:
        campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(2,))
        ended = (attrs.evolve(campaign, last_round=3),)
        package = make_package(
            size=4, round=3, state=PackageState.ACCEPT, free=0, campaigns=(campaign,)
        )
        assert rules.end_campaign(package) == ended
        assert rules.pass_package(STAGES, package, CTX, tasks=TASKS).campaigns == ended
        over = attrs.evolve(package, campaigns=ended)
        assert (over.campaign, over.final, rules.end_campaign(over)) == (None, 0, ended)
        inspected = attrs.evolve(package, state=PackageState.INSPECT)
        passed = rules.pass_package(STAGES, inspected, CTX, tasks=TASKS)
        assert (passed.campaigns, passed.scope) == ((campaign,), (2,))

    def test_what_goes_back_whole_in_a_campaign_is_the_campaign(self) -> None:
        campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(2, 4))
        package = make_package(
            size=4, round=2, state=PackageState.INSPECT, free=0, campaigns=(campaign,)
        )
        assert rules.list_due(package, TASKS) == (2, 4)
        assert rules.list_due(make_package(), TASKS) == TASKS
        back = rules.send_back(STAGES, package, CTX, sent=None, tasks=TASKS)
        assert (back.scope, back.rejects, back.whole_round) == ((2, 4), (2, 4), 1)
        assert (back.campaign, back.purpose) == (campaign, Purpose.REWORK)
        redone = make_job(workflow=Workflow(Label(redo_all=True), Inspect()))
        back = rules.send_back(redone, package, CTX, sent=(4,), tasks=TASKS)
        assert (back.scope, back.rejects) == ((2, 4), (4,))

    def test_a_discarded_package_has_no_slots_and_comes_back_to_labeling(self) -> None:
        gone = rules.discard_package(STAGES, attrs.evolve(AT_INSPECT, scope=(1,), free=1))
        assert (gone.state, gone.free, gone.scope) == (PackageState.DISCARDED, 0, None)
        again = rules.reopen_package(STAGES, gone, CTX, tasks=())
        assert (again.state, again.round, again.free) == (PackageState.LABEL, 2, 1)

    def test_each_offer_takes_a_slot(self) -> None:
        package = make_package(free=2)
        assert rules.with_offers(package, [make_member()]).free == 1
        assert rules.with_offers(package, []) is package

    def test_abandoned_tasks_are_labeled_once_more_in_a_new_round(self) -> None:
        context = AssignmentContext(STAGES, make_package(size=4, free=0), make_assignment(), CTX)
        again = rules.requeue(context, (2,), (3,))
        assert (again.state, again.round, again.free) == (PackageState.LABEL, 2, 1)
        assert (again.scope, again.requeued, again.disputes) == ((2,), (2,), (3,))
        assert (again.whole_round, again.rejects) == (1, ())
        whole = rules.requeue(context, TASKS, ())
        assert (whole.scope, whole.whole_round, whole.requeued) == (None, 2, TASKS)

    def test_answers_and_assignments_replace_what_they_were(self) -> None:
        ended = attrs.evolve(INSPECTING, state=AssignmentState.DONE)
        assert rules.replace_assignment([LABELED, INSPECTING], ended) == [LABELED, ended]
        old, new = make_answer(1, replies=CAT), make_answer(1, replies=DOG)
        assert rules.with_answers({1: {old.assignment: old}}, [new]) == {1: {new.assignment: new}}
        assert rules.with_answers({}, [new]) == {1: {new.assignment: new}}

    def test_the_scope_of_a_whole_assignment_is_every_task(self) -> None:
        history = PackageHistory(assignments=[], tasks=TASKS)
        context = AssignmentContext(STAGES, AT_INSPECT, INSPECTING, CTX)
        assert rules.scope_of(context, history) == TASKS
        part = attrs.evolve(context, assignment=attrs.evolve(INSPECTING, scope=(2,)))
        assert rules.scope_of(part, history) == (2,)

    @pytest.mark.parametrize("state", [JobState.RUNNING, JobState.PAUSED])
    def test_a_job_finishes_from_where_it_can(self, state: JobState) -> None:
        job = make_job(state=state)
        assert rules.finish_job(job) == ((job, attrs.evolve(job, state=JobState.FINISHED)),)

    @pytest.mark.parametrize("job", [None, make_job(state=JobState.ARCHIVED)])
    def test_else_it_stays(self, job: Job | None) -> None:
        assert rules.finish_job(job) == ()


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
        # how many answers there are says nothing where one may be to an erased task
        needs_answers = "erased" in package
        assert (plan.needs_tasks, plan.needs_answers) == (needs, needs_answers)
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


def test_packages_that_are_not_drawn_have_one_vote() -> None:
    job = make_job(workflow=Workflow(Label(votes=3, on_dispute="keep", votes_package_share=0.2)))
    votes = [count_votes(job, number) for number in range(1, 1001)]
    assert set(votes) == {1, 3}
    assert 160 < votes.count(3) < 240
    # the same on every machine: drawn by a hash of seed, stage, package and round
    digest = hashlib.sha256(f"{job.seed}/label/3/1".encode()).digest()
    is_drawn = int.from_bytes(digest, "big") < 0.2 * 2**256
    assert (count_votes(job, 3) == 3) is is_drawn
    everywhere = make_job(workflow=Workflow(Label(votes=3, on_dispute="keep")))
    assert count_votes(everywhere, 1) == 3


THREE = make_job(workflow=Workflow(Label(votes=3, on_dispute="keep")))


def test_votes_are_raised_from_a_round_on() -> None:
    raised = with_votes(THREE, make_package(votes=1, round=4), 4)
    assert (raised.votes, raised.voted_since) == (3, 4)
    assert not is_voted_on_in(raised, 3)
    assert is_voted_on_in(raised, 4)
    again = with_votes(THREE, make_package(votes=2, voted_since=2, round=4), 4)
    assert (again.votes, again.voted_since) == (3, 2)


def test_votes_never_become_fewer() -> None:
    assert with_votes(make_job(), make_package(votes=3), 2).votes == 3


def test_the_next_round_at_label_has_the_votes_of_now() -> None:
    at_label = with_next_round(THREE, make_package(votes=1), Stage.LABEL)
    assert (at_label.round, at_label.votes, at_label.voted_since) == (2, 3, 2)
    at_inspect = with_next_round(THREE, make_package(votes=1), Stage.INSPECT)
    assert (at_inspect.round, at_inspect.votes) == (2, 1)


def test_slots_are_added_to_what_is_at_label() -> None:
    assert with_slots_added(THREE, make_package(votes=1, free=0)).free == 2
    done = make_package(state=PackageState.DONE, free=0)
    assert with_slots_added(THREE, done) == done


def test_no_plan_decides_on_a_package_that_is_no_lot() -> None:
    context = AssignmentContext(make_job(), make_package(), make_assignment(), CTX)
    assert rules.find_lot_work(context, rules.PackageHistory(assignments=())) is None


@pytest.mark.parametrize(
    ("stage", "has_answered", "is_author"),
    [
        (Stage.INSPECT, True, True),
        (Stage.INSPECT, False, False),
        (Stage.ACCEPT, True, False),
    ],
)
def test_an_inspector_who_answers_tasks_is_their_author(
    stage: Stage, has_answered: bool, is_author: bool
) -> None:
    review = make_assignment(stage=stage, state=AssignmentState.DONE)
    assert rules.with_author(review, has_answered=has_answered).authored == is_author
