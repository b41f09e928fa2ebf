"""What goes back to labeling, and to whom."""

from __future__ import annotations

from collections.abc import Sequence
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
from itagflow.model import (
    Campaign,
    LotEntry,
    LotState,
    OnMaxRejects,
    Outcome,
    Purpose,
    Verdict,
)
from itagflow.model.change import Change, Context
from itagflow.model.job import Route, StageWorkers
from itagflow.model.workspace import Member
from itagflow.reviewing import reject_rules as rules
from itagflow.reviewing.reject_rules import (
    NOTHING_SAID,
    REJECTED_TOO_OFTEN,
    Explanation,
    RejectFacts,
    Rework,
    abandon_rejected,
    count_rejects,
    find_limit,
    find_limited,
    list_reasons,
    must_not_be_in_a_lot,
    plan_reject,
    require_below_limit,
    require_explanation,
    require_known_reason,
    require_no_modification,
    without_withdrawn,
)
from itagflow.reviewing.rules import AssignmentContext, PackageHistory
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
BEN, CY = make_member(id=2, account="ben"), make_member(id=4, account="cy")
STAGES = make_job(workflow=Workflow(Label(), Inspect(), Accept()))
LABELED = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, ended_at=AT)
INSPECTING = make_assignment(6, stage=Stage.INSPECT, member=3)
AT_INSPECT = make_package(state=PackageState.INSPECT, free=0)
ANSWERED = (make_answer(1, replies=CAT), make_answer(2, replies=DOG))
JUDGED = make_answer(2, assignment=6, stage=Stage.INSPECT, verdict=Verdict.WRONG, comment="no dog")
MODIFIED = make_answer(1, assignment=6, stage=Stage.INSPECT, verdict=Verdict.RIGHT, replies=DOG)
BLURRED = Explanation("blurred")


def everything_allowed(
    member: Member, action: Action, job: Job | None, stage: Stage | None
) -> None:
    """Refuse nothing."""


def by_task(answers: tuple[Answer, ...]) -> dict[int, dict[int, Answer]]:
    return {
        task: {answer.assignment: answer for answer in answers if answer.task == task}
        for task in (1, 2)
    }


def facts_of(
    *answers: Answer,
    job: Job = STAGES,
    package: Package = AT_INSPECT,
    assignment: Assignment = INSPECTING,
    earlier: Sequence[Assignment] = (LABELED,),
    **fields: Any,
) -> RejectFacts:
    history = PackageHistory(
        assignments=[*earlier, assignment], tasks=(1, 2), answers=by_task((*ANSWERED, *answers))
    )
    defaults: dict[str, Any] = {
        "context": AssignmentContext(job, package, assignment, CTX),
        "history": history,
        "counters": (),
        "policy": everything_allowed,
    }
    return RejectFacts(**{**defaults, **fields})


def rejected(facts: RejectFacts, *members: Member) -> Change:
    """The change of a reject whose candidates are these members."""
    return rules.reject(facts, plan_reject(facts), members or (BEN,), [10, 11])


def saved(change: Change, kind: type[Any]) -> Any:
    """Return what the change makes of the one entity of this kind that it saves."""
    (after,) = [after for _, after in change.save if isinstance(after, kind)]
    return after


def reviewing(**rule: Any) -> Job:
    return make_job(workflow=Workflow(Label(), Inspect(**rule), Accept()))


class TestReject:
    def test_what_is_judged_wrong_goes_back_to_its_author(self) -> None:
        change = rejected(facts_of(JUDGED))
        ended, after = saved(change, Assignment), saved(change, Package)
        assert (ended.outcome, ended.sent_back, ended.comment) == (Outcome.REJECTED, (2,), "")
        assert (after.state, after.round, after.free) == (PackageState.LABEL, 2, 0)
        assert (after.scope, after.rejects, after.wrong) == ((2,), (2,), 1)
        (offer,) = change.add
        assert isinstance(offer, Assignment)
        assert (offer.id, offer.member, offer.state) == (10, BEN.id, AssignmentState.OFFERED)
        assert (offer.scope, offer.round, offer.stage) == ((2,), 2, Stage.LABEL)
        assert change.event.data == {"tasks": [2], "comment": "no dog"}

    def test_the_claim_counter_goes_down(self) -> None:
        counter = (make_member(), make_member(version=1))
        assert counter in rejected(facts_of(JUDGED, counters=(counter,))).save

    def test_it_needs_a_task_that_is_judged_wrong_or_whole(self) -> None:
        with pytest.raises(Incomplete, match="whole=True"):
            rejected(facts_of())
        with pytest.raises(Incomplete, match="whole=True"):
            rejected(facts_of(said=BLURRED))

    def test_everything_goes_back_whole_and_it_is_said_why(self) -> None:
        with pytest.raises(Incomplete, match="say why"):
            rejected(facts_of(is_whole=True))
        change = rejected(facts_of(is_whole=True, said=Explanation("all wrong")))
        ended, after = saved(change, Assignment), saved(change, Package)
        assert (ended.sent_back, ended.comment) == (None, "all wrong")
        assert (after.scope, after.rejects, after.whole_round) == (None, (1, 2), 2)
        assert change.event.data == {"tasks": [1, 2], "comment": "all wrong"}

    def test_what_is_judged_is_enough_to_say_why_everything_goes_back(self) -> None:
        change = rejected(facts_of(JUDGED, is_whole=True))
        assert saved(change, Assignment).sent_back is None
        assert change.event.data == {"tasks": [1, 2], "comment": "no dog"}

    def test_what_is_said_of_the_package_stands_beside_what_is_said_of_tasks(self) -> None:
        change = rejected(facts_of(JUDGED, said=Explanation("read the guideline")))
        ended = saved(change, Assignment)
        assert (ended.sent_back, ended.comment) == ((2,), "read the guideline")
        assert not any(isinstance(new, Answer) for new in change.add)

    def test_a_reason_of_the_stage_is_kept(self) -> None:
        job = reviewing(reasons=("blurred", "dark"))
        change = rejected(facts_of(job=job, is_whole=True, said=Explanation(reason="dark")))
        assert saved(change, Assignment).reason == "dark"
        assert change.event.data["reason"] == "dark"
        with pytest.raises(InvalidData, match="is not one of"):
            rejected(facts_of(JUDGED, job=job, said=Explanation(reason="late")))

    def test_named_tasks_are_judged_wrong_too(self) -> None:
        change = rejected(facts_of(JUDGED, named=[1], said=BLURRED))
        _, judgment = change.add
        assert isinstance(judgment, Answer)
        assert (judgment.task, judgment.verdict, judgment.comment) == (1, Verdict.WRONG, "blurred")
        assert change.event.data == {"tasks": [1, 2], "comment": "blurred", "answered": [1]}

    def test_named_tasks_are_judged_in_order(self) -> None:
        change = rejected(facts_of(named={2, 1}, said=BLURRED))
        assert [new.task for new in change.add if isinstance(new, Answer)] == [1, 2]
        assert change.event.data["answered"] == [1, 2]
        assert saved(change, Assignment).sent_back == (1, 2)

    def test_a_named_task_that_was_judged_before_keeps_the_old_judgment_in_the_event(self) -> None:
        change = rejected(
            facts_of(JUDGED, named=[2], said=Explanation("worse"), previous={"2": "as it was"})
        )
        assert (JUDGED, attrs.evolve(JUDGED, comment="worse", member=3)) in change.save
        assert change.event.data["previous"] == {"2": "as it was"}
        assert change.event.data["answered"] == [2]

    def test_a_named_task_that_is_judged_so_already_is_not_judged_again(self) -> None:
        change = rejected(facts_of(JUDGED, named=[2], said=Explanation("no dog")))
        assert "answered" not in change.event.data
        assert not any(isinstance(new, Answer) for new in change.add)

    @pytest.mark.parametrize(
        ("comment", "named", "message"),
        [("", [1], "comment: is empty"), ("x", [9], "task 9: is not in the scope of assignment 6")],
    )
    def test_what_cannot_be_named(self, comment: str, named: list[int], message: str) -> None:
        with pytest.raises(InvalidData, match=message):
            rejected(facts_of(named=named, said=Explanation(comment)))

    def test_the_reviewers_own_answer_is_not_dropped(self) -> None:
        with pytest.raises(Incomplete, match="discard_modification=True") as caught:
            rejected(facts_of(MODIFIED, named=[1], said=BLURRED))
        assert caught.value.tasks == (1,)

    def test_not_once_the_job_is_archived(self) -> None:
        job = attrs.evolve(STAGES, state=JobState.ARCHIVED)
        with pytest.raises(NotAllowed, match="archived"):
            rejected(facts_of(JUDGED, job=job))

    def test_labeling_is_not_rejected(self) -> None:
        labeling = make_assignment(6)
        with pytest.raises(WrongState, match="label"):
            rejected(facts_of(assignment=labeling, package=make_package(free=0), said=BLURRED))

    def test_only_tasks_in_the_scope_are_rejected(self) -> None:
        review = make_assignment(scope=(1, 3))
        rules.require_in_scope(review, {3, 1}, (1, 3))
        with pytest.raises(InvalidData) as refused:
            rules.require_in_scope(review, [4, 1, 2], (1, 3))
        assert [problem.where for problem in refused.value.problems] == ["task 2", "task 4"]


class TestLimits:
    """Task 2 was sent back once already, which is as often as it may."""

    BEFORE = make_assignment(
        5,
        stage=Stage.INSPECT,
        member=3,
        state=AssignmentState.DONE,
        outcome=Outcome.REJECTED,
        sent_back=(2,),
    )

    def facts(self, then: str, *answers: Answer, **fields: Any) -> RejectFacts:
        job = reviewing(max_rejects=1, on_max_rejects=then)
        return facts_of(*answers, job=job, earlier=[LABELED, self.BEFORE], **fields)

    @pytest.mark.parametrize(
        "fields", [{"named": [2]}, {"is_whole": True}, {"named": [1, 2], "is_whole": True}]
    )
    def test_the_reviewer_has_to_modify_it(self, fields: dict[str, Any]) -> None:
        with pytest.raises(Incomplete, match="sent back 1 time, which is the most") as caught:
            rejected(self.facts("modify", said=BLURRED, **fields))
        assert caught.value.tasks == (2,)

    def test_other_tasks_go_back(self) -> None:
        change = rejected(self.facts("modify", named=[1], said=BLURRED))
        assert saved(change, Assignment).sent_back == (1,)

    def test_it_is_abandoned_when_the_others_go_back(self) -> None:
        change = rejected(self.facts("abandon", named=[1, 2], said=BLURRED))
        first, second = [new for new in change.add if isinstance(new, Answer)]
        assert (first.task, first.verdict) == (1, Verdict.WRONG)
        assert (second.task, second.abandon_reason) == (2, REJECTED_TOO_OFTEN)
        assert second.comment == "blurred"
        assert saved(change, Assignment).sent_back == (1,)
        after = saved(change, Package)
        assert (after.scope, after.abandoned, after.wrong) == ((1,), 1, 1)
        assert change.event.data["abandoned"] == [2]

    def test_it_is_abandoned_when_everything_goes_back(self) -> None:
        change = rejected(self.facts("abandon", JUDGED, is_whole=True, previous={"2": "as it was"}))
        assert saved(change, Assignment).sent_back == (1,)
        (judgment,) = [new for _, new in change.save if isinstance(new, Answer)]
        assert (judgment.abandon_reason, judgment.comment) == (REJECTED_TOO_OFTEN, "no dog")
        assert change.event.data["previous"] == {"2": "as it was"}

    def test_the_reviewers_own_answer_stands(self) -> None:
        own = attrs.evolve(MODIFIED, task=2)
        change = rejected(self.facts("abandon", own, is_whole=True, said=BLURRED))
        assert not any(isinstance(new, Answer) for _, new in change.save)
        assert saved(change, Assignment).sent_back == (1,)

    def test_a_reject_sends_something_back(self) -> None:
        with pytest.raises(Incomplete, match="sent back as often as it may"):
            rejected(self.facts("abandon", named=[2], said=BLURRED))

    def test_it_goes_to_the_queue(self) -> None:
        facts = self.facts("queue", named=[1, 2], said=BLURRED)
        assert plan_reject(facts).candidates == ()
        change = rules.reject(facts, plan_reject(facts), (), ())
        assert saved(change, Package).free == 1
        assert change.event.data["rework"] == "queue"


class TestRework:
    def test_an_author_who_may_not_label_any_more_leaves_a_free_slot(self) -> None:
        change = rejected(facts_of(JUDGED, policy=default_policy))
        assert change.add == ()
        assert saved(change, Package).free == 1
        assert change.event.data["rework"] == "queue"

    NAMED = make_job(workflow=Workflow(Label(rework=4), Inspect()))

    def test_a_named_member_gets_it(self) -> None:
        facts = facts_of(JUDGED, job=self.NAMED)
        plan = plan_reject(facts)
        assert (plan.named_member, plan.authors, plan.candidates) == (4, (2,), (4, 2))
        change = rejected(facts, CY, BEN)
        assert [new.member for new in change.add if isinstance(new, Assignment)] == [4]
        assert "rework" not in change.event.data

    def test_it_goes_back_to_the_author_when_a_named_member_is_gone(self) -> None:
        def only_ben(member: Member, *_: Any) -> str | None:
            return None if member.id == 2 else "they are gone"

        change = rejected(facts_of(JUDGED, job=self.NAMED, policy=only_ben), CY, BEN)
        assert [new.member for new in change.add if isinstance(new, Assignment)] == [2]
        assert change.event.data["rework"] == "author"

    def test_it_goes_to_the_queue_when_all_are_gone(self) -> None:
        facts = facts_of(JUDGED, job=self.NAMED, policy=default_policy)
        change = rejected(facts, CY, BEN)
        assert saved(change, Package).free == 1
        assert change.event.data["rework"] == "queue"

    def test_the_queue_is_no_news_where_the_rule_says_so(self) -> None:
        job = make_job(workflow=Workflow(Label(rework="queue"), Inspect()))
        facts = facts_of(JUDGED, job=job)
        assert plan_reject(facts).candidates == ()
        change = rules.reject(facts, plan_reject(facts), (), ())
        assert "rework" not in change.event.data

    def test_each_voter_gets_an_offer_and_who_is_gone_leaves_a_free_slot(self) -> None:
        job = make_job(workflow=Workflow(Label(votes=3), Inspect()))
        package = attrs.evolve(AT_INSPECT, free=3)
        facts = facts_of(JUDGED, job=job, policy=lambda m, *_: "gone" if m.id == 4 else None)
        rework = rules.select_rework(
            facts,
            attrs.evolve(plan_reject(facts), authors=(2, 4)),
            [BEN, CY],
            make_package(free=3),
        )
        assert rework == Rework(members=[BEN])
        assert package.free == 3


class TestAuthors:
    def test_those_who_closed_the_latest_round(self) -> None:
        assignments = [
            make_assignment(5, member=2, round=1, **DONE),
            make_assignment(6, member=3, round=2, **DONE),
            make_assignment(7, member=4, round=2, **DONE),
            make_assignment(8, member=None, round=2, **{**DONE, "outcome": Outcome.MERGED}),
            make_assignment(9, member=9, round=2, state=AssignmentState.RETURNED),
        ]
        assert rules.find_authors(STAGES, AT_INSPECT, assignments) == (3, 4)
        assert rules.find_authors(STAGES, AT_INSPECT, []) == ()

    def test_those_who_labeled_the_tasks_that_go_back(self) -> None:
        assignments = [
            make_assignment(5, member=2, round=1, **DONE),
            make_assignment(6, member=3, round=2, scope=(2,), **DONE),
        ]
        assert rules.find_authors(STAGES, AT_INSPECT, assignments, (1,)) == (2,)
        assert rules.find_authors(STAGES, AT_INSPECT, assignments, (2,)) == (3,)
        assert rules.find_authors(STAGES, AT_INSPECT, assignments, (1, 2)) == (3, 2)

    def test_what_nobody_labeled_goes_to_those_who_did_the_rest(self) -> None:
        assignments = [make_assignment(5, member=2, scope=(2,), **DONE)]
        assert rules.find_authors(STAGES, AT_INSPECT, assignments, (1,)) == (2,)

    @pytest.mark.parametrize("purpose", [Purpose.ADJUDICATION, Purpose.ESCALATION])
    def test_who_decided_what_others_labeled_is_no_author(self, purpose: Purpose) -> None:
        deciding = make_assignment(6, member=3, purpose=purpose, **DONE)
        assert rules.find_authors(STAGES, AT_INSPECT, [LABELED, deciding]) == (2,)

    def test_the_route_of_the_job(self) -> None:
        job = make_job(workflow=Workflow(Label(rework=Route.QUEUE), Inspect()))
        assert rules.find_authors(job, AT_INSPECT, [LABELED]) == ()
        job = make_job(workflow=Workflow(Label(rework=9), Inspect()))
        assert rules.find_named_member(job, AT_INSPECT) == 9
        assert rules.find_named_member(STAGES, AT_INSPECT) is None

    def test_the_last_inspector_after_a_reject_at_accept(self) -> None:
        workflow = Workflow(Label(rework=9), Inspect(), Accept(reject_to=Stage.INSPECT))
        job = make_job(workflow=workflow)
        inspections = [
            make_assignment(id, stage=Stage.INSPECT, member=member, **DONE)
            for id, member in ((6, 3), (7, 4))
        ]
        package = make_package(state=PackageState.ACCEPT)
        assert rules.find_authors(job, package, [LABELED, *inspections]) == (4,)
        assert rules.find_named_member(job, package) is None


def test_the_authors_of_tasks_are_those_who_closed_their_last_labeling() -> None:
    again = make_assignment(7, member=4, round=2, scope=(2,), **DONE)
    expert = make_assignment(8, member=9, round=2, scope=(2,), purpose=Purpose.ESCALATION, **DONE)
    inspected = make_assignment(6, member=3, stage=Stage.INSPECT, **DONE)
    assignments = [LABELED, inspected, again, expert]
    assert rules.list_authors(Stage.LABEL, assignments, (1,)) == (2,)
    assert rules.list_authors(Stage.LABEL, assignments, (1, 2)) == (4, 2)
    assert rules.list_authors(Stage.LABEL, assignments, None) == (4,)
    assert rules.list_authors(Stage.INSPECT, assignments, (1,)) == (3,)
    assert rules.list_authors(Stage.ACCEPT, assignments, (1,)) == ()


def test_work_is_offered_to_those_who_may_do_it_and_are_not_paused() -> None:
    job = make_job(workforce={Stage.LABEL: StageWorkers((2, 4))})
    place = rules.WorkPlace(default_policy, job, Stage.LABEL, AT)
    di = make_member(id=9, account="di")
    resting = attrs.evolve(CY, paused=True)
    assert rules.select_able(place, [BEN, CY, di]) == [BEN, CY]
    assert rules.select_able(place, [resting, BEN]) == [BEN]


def test_a_whole_reject_in_a_campaign_sends_the_campaign_back() -> None:
    campaign = Campaign(round=1, stage=Stage.LABEL, tasks=(2,))
    package = attrs.evolve(AT_INSPECT, size=2, campaigns=(campaign,), scope=(2,))
    reviewing = attrs.evolve(INSPECTING, scope=(2,))
    whole = facts_of(package=package, assignment=reviewing, is_whole=True, said=BLURRED)
    change = rejected(whole)
    after = saved(change, Package)
    assert (after.scope, after.rejects) == ((2,), (2,))
    assert change.event.data["tasks"] == [2]


PLAIN = make_job(workflow=Workflow(Label(), Inspect()))
LISTED = make_job(workflow=Workflow(Label(), Inspect(reasons=("blurred", "dark"))))


@pytest.mark.parametrize(("comment", "words"), [("", "is empty"), (" ", "is empty"), ("\0", "NUL")])
def test_without_reasons_there_is_a_comment(comment: str, words: str) -> None:
    said = Explanation("no cat")
    assert require_explanation(PLAIN, Stage.INSPECT, "the judgment", said) is said
    with pytest.raises(InvalidData, match=words):
        require_explanation(PLAIN, Stage.INSPECT, "the judgment", Explanation(comment))


def test_where_there_are_reasons_one_is_given_and_the_comment_may_be_empty() -> None:
    said = Explanation(reason="dark")
    assert require_explanation(LISTED, Stage.INSPECT, "the judgment", said) is said
    with pytest.raises(InvalidData, match="reason: is missing: give 'blurred' or 'dark'"):
        require_explanation(LISTED, Stage.INSPECT, "the judgment", Explanation("no cat"))


@pytest.mark.parametrize("comment", ["", "no cat"])
def test_a_reason_is_one_of_the_list(comment: str) -> None:
    said = Explanation(comment, "late")
    with pytest.raises(InvalidData, match="is not one of 'blurred' or 'dark'"):
        require_known_reason(LISTED, Stage.INSPECT, "the reject", said)
    with pytest.raises(InvalidData, match="inspect has no reasons"):
        require_known_reason(PLAIN, Stage.INSPECT, "the reject", said)
    require_known_reason(LISTED, Stage.INSPECT, "the reject", Explanation(comment, "dark"))


def test_a_stage_has_the_reasons_of_its_rule() -> None:
    assert list_reasons(LISTED, Stage.INSPECT) == ("blurred", "dark")
    assert list_reasons(LISTED, Stage.LABEL) == list_reasons(PLAIN, Stage.INSPECT) == ()


def test_what_says_nothing() -> None:
    assert NOTHING_SAID.is_empty
    assert Explanation(" ").is_empty
    assert not Explanation("x").is_empty
    assert not Explanation(reason="x").is_empty


I = Stage.INSPECT


def limited(then: str = "modify") -> Any:
    rule = Inspect(max_rejects=2, on_max_rejects=then)
    return make_job(workflow=Workflow(Label(), rule))


def ended(id: int, outcome: Outcome, sent: tuple[int, ...] | None, stage: Stage = I) -> Any:
    return make_assignment(
        id, stage=stage, state=AssignmentState.DONE, outcome=outcome, sent_back=sent
    )


def test_each_task_is_counted_at_its_stage() -> None:
    assignments = [
        ended(6, Outcome.REJECTED, (1,)),
        ended(7, Outcome.REJECTED, None),
        ended(8, Outcome.REVIEWED, None),
        ended(9, Outcome.REJECTED, (1, 2), Stage.ACCEPT),
    ]
    package = make_package()
    assert count_rejects(package, assignments, I, (1, 2)) == {1: 2, 2: 1}
    assert count_rejects(package, assignments, Stage.ACCEPT, (1, 2, 3)) == {1: 1, 2: 1, 3: 0}


def test_what_a_campaign_sent_back_whole_counts_for_its_tasks_only() -> None:
    campaign = Campaign(round=1, last_round=1, stage=Stage.LABEL, tasks=(1,))
    package = make_package(round=2, campaigns=(campaign,))
    assert count_rejects(package, [ended(6, Outcome.REJECTED, None)], I, (1, 2)) == {1: 1, 2: 0}


@pytest.mark.parametrize(
    "opened",
    [
        {"reopened_round": 2},
        {"campaigns": (Campaign(round=2, stage=Stage.LABEL, tasks=(1, 2)),)},
        {"campaigns": (Campaign(round=1, last_round=1, stage=Stage.LABEL, tasks=(1, 2)),)}
        | {"reopened_round": 2},
    ],
)
def test_what_is_opened_again_is_counted_anew(opened: dict[str, Any]) -> None:
    before = ended(6, Outcome.REJECTED, (1, 2))
    since = attrs.evolve(ended(7, Outcome.REJECTED, (2,)), round=2)
    package = make_package(round=3, **opened)
    assert count_rejects(package, [before, since], I, (1, 2)) == {1: 0, 2: 1}


def test_a_campaign_about_other_tasks_does_not_begin_the_count_anew() -> None:
    campaign = Campaign(round=2, last_round=2, stage=Stage.LABEL, tasks=(2,))
    package = make_package(round=3, campaigns=(campaign,))
    assert count_rejects(package, [ended(6, Outcome.REJECTED, (1,))], I, (1,)) == {1: 1}


def test_what_was_done_in_a_withdrawn_campaign_is_left_out() -> None:
    campaign = Campaign(round=2, last_round=3, stage=Stage.LABEL, tasks=(1,))
    rounds = [attrs.evolve(ended(6, Outcome.SUBMITTED, None), round=n) for n in (1, 2, 3, 4)]
    kept = without_withdrawn(make_package(round=4, campaigns=(campaign,)), rounds)
    assert list(kept) == rounds
    withdrawn = attrs.evolve(campaign, is_withdrawn=True)
    kept = without_withdrawn(make_package(round=4, campaigns=(withdrawn,)), rounds)
    assert [assignment.round for assignment in kept] == [1, 4]


def test_a_withdrawn_campaign_changes_no_count() -> None:
    campaign = Campaign(round=2, last_round=2, stage=Stage.LABEL, tasks=(1,), is_withdrawn=True)
    package = make_package(round=2, campaigns=(campaign,))
    before = ended(6, Outcome.REJECTED, (1,))
    since = attrs.evolve(before, id=7, round=2)
    assert count_rejects(package, [before, since], I, (1,)) == {1: 1}


def test_the_limit_is_that_of_the_rule() -> None:
    limit = find_limit(limited("abandon"), I)
    assert (limit.most, limit.then) == (2, OnMaxRejects.ABANDON)
    assert [limit.is_reached(number) for number in range(4)] == [False, False, True, True]
    for job, stage in ((make_job(), Stage.LABEL), (make_job(), I)):
        assert find_limit(job, stage).most is None
        assert not find_limit(job, stage).is_reached(1_000)


def test_tasks_at_the_limit_are_found() -> None:
    assert find_limited(limited(), I, {3: 2, 1: 5, 2: 1}) == (1, 3)
    assert find_limited(make_job(), I, {1: 5}) == ()


def test_the_reviewer_does_the_rest() -> None:
    with pytest.raises(Incomplete, match="sent back 2 times, which is the most") as caught:
        require_below_limit(limited(), I, {1: 2, 2: 1})
    assert caught.value.tasks == (1,)
    require_below_limit(limited(), I, {1: 1})


@pytest.mark.parametrize("then", ["abandon", "queue"])
def test_elsewhere_it_is_no_error(then: str) -> None:
    require_below_limit(limited(then), I, {1: 2})


def test_an_abandoned_judgment_keeps_why_it_was_wrong() -> None:
    wrong = attrs.evolve(MODIFIED, replies=None, verdict=Verdict.WRONG, comment="no cat")
    given_up = abandon_rejected(wrong)
    assert (given_up.is_abandoned, given_up.wrong, given_up.comment) == (True, False, "no cat")


def test_what_is_no_answer_of_the_reviewer_may_be_judged_wrong() -> None:
    bare = attrs.evolve(MODIFIED, replies=None)
    require_no_modification(None, bare)
    with pytest.raises(Incomplete):
        require_no_modification(bare, MODIFIED)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (LotEntry(lot=4, state=LotState.CLOSED), "lot 4 is accepted or rejected as a whole"),
        (LotEntry(lot=4, state=LotState.ACCEPTED), "lot 4 was accepted"),
    ],
)
def test_nobody_sends_back_what_is_in_a_lot(entry: LotEntry, reason: str) -> None:
    must_not_be_in_a_lot(make_package())
    with pytest.raises(NotAllowed, match=reason):
        must_not_be_in_a_lot(make_package(lot_entry=entry))


INSPECTION = make_assignment(
    id=6, member=3, stage=Stage.INSPECT, state=AssignmentState.DONE, authored=True
)


@pytest.mark.parametrize(
    ("replies", "scope", "expected"),
    [
        ({"1": Choice("cat")}, (2,), True),
        (None, (2,), False),
        ({"1": Choice("cat")}, None, False),
    ],
)
def test_what_was_modified_is_kept_unless_all_is_labeled_again(
    replies: dict[str, Choice] | None, scope: tuple[int, ...] | None, expected: bool
) -> None:
    answer = make_answer(assignment=6, task=1, stage=Stage.INSPECT, replies=replies)
    back = make_package(scope=scope)
    assert rules.has_kept_answers(INSPECTION, back, [1, 2], {1: {6: answer}, 2: {}}) == expected
    assert not rules.has_kept_answers(INSPECTION, back, [1, 2], {1: {7: answer}, 2: {}})


@pytest.mark.parametrize(
    ("state", "scope", "erased", "is_outdated"),
    [
        (PackageState.LABEL, None, (), True),
        (PackageState.LABEL, (1,), (), False),
        (PackageState.LABEL, (1,), (2,), True),
        (PackageState.INSPECT, None, (), False),
    ],
)
def test_a_labeling_of_the_whole_package_leaves_nothing_of_what_was_modified(
    state: PackageState, scope: tuple[int, ...] | None, erased: tuple[int, ...], is_outdated: bool
) -> None:
    package = make_package(state=state, scope=scope, erased=erased)
    assert rules.is_labeled_anew(package, [1, 2]) == is_outdated
    labeling = make_assignment(state=AssignmentState.DONE, authored=True)
    found = rules.find_outdated_authors(package, [labeling, INSPECTION], [1, 2])
    expected = [(INSPECTION, attrs.evolve(INSPECTION, authored=False))] if is_outdated else []
    assert found == expected
