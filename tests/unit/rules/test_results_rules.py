"""What the answers about one task come to."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    Accept,
    AssignmentState,
    Choice,
    Incomplete,
    Inspect,
    Label,
    PackageState,
    Stage,
    TaskState,
    Workflow,
)
from itagflow.model import Campaign, Outcome, Purpose, Verdict
from itagflow.model.migration import RenameQuestion, TemplateChange
from itagflow.model.package import Assignment
from itagflow.model.task import Answer
from itagflow.results import building_rules, rules
from itagflow.results.rules import Case, PackageHistory
from itagflow.testing import (
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
    make_template,
)
from itagflow.testing.builders import AT

CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}
JOB = make_job(workflow=Workflow(Label(), Inspect(), Accept()))
VOTED = make_job(workflow=Workflow(Label(votes=2), Inspect()))


def ended(id: int, outcome: Outcome, **more: Any) -> Assignment:
    return make_assignment(id, state=AssignmentState.DONE, outcome=outcome, ended_at=AT, **more)


LABELED = ended(5, Outcome.SUBMITTED)
REVIEWED = ended(6, Outcome.REVIEWED, stage=Stage.INSPECT, member=3)
REJECTED = ended(6, Outcome.REJECTED, stage=Stage.INSPECT, member=3, sent_back=(1,), comment="all")


def said(assignment: Assignment, **more: Any) -> Answer:
    return make_answer(
        assignment=assignment.id,
        stage=assignment.stage,
        round=assignment.round,
        member=assignment.member,
        **more,
    )


def case(*assignments: Assignment, answers: Any = (), job: Any = JOB, **package: Any) -> Case:
    by_id = {answer.assignment: answer for answer in answers}
    return Case(job, make_package(**package), assignments, by_id, 1)


AT_INSPECT = case(LABELED, answers=[said(LABELED, replies=CAT)], state=PackageState.INSPECT)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (case(), TaskState.TODO),
        (case(make_assignment(), answers=[make_answer(replies=CAT)]), TaskState.ANSWERED),
        (AT_INSPECT, TaskState.ANSWERED),
        (
            case(
                LABELED, answers=[said(LABELED, abandon_reason="dark")], state=PackageState.INSPECT
            ),
            TaskState.ABANDONED,
        ),
        (
            case(
                LABELED, REVIEWED, answers=[said(LABELED, replies=CAT)], state=PackageState.ACCEPT
            ),
            TaskState.PASSED,
        ),
        (
            case(LABELED, REVIEWED, answers=[said(LABELED, replies=CAT)], state=PackageState.DONE),
            TaskState.FINAL,
        ),
        (
            case(
                LABELED,
                REJECTED,
                answers=[said(LABELED, replies=CAT), said(REJECTED, verdict=Verdict.WRONG)],
                round=2,
                scope=(1,),
            ),
            TaskState.WRONG,
        ),
    ],
)
def test_the_state_of_a_task_follows_from_what_was_said(found: Case, expected: TaskState) -> None:
    assert rules.compute_state(found) is expected


def test_what_is_held_counts_only_when_asked_for_live() -> None:
    held = case(make_assignment(), answers=[make_answer(replies=CAT)])
    assert rules.find_current_answer(held, live=False) is None
    current = rules.find_current_answer(held, live=True)
    assert current is not None
    assert current.replies
    assert rules.compute_state(held, live=True) is TaskState.ANSWERED
    assert rules.compute_state(held, live=False) is TaskState.TODO


def test_votes_count_once_they_are_merged() -> None:
    vote = case(LABELED, answers=[said(LABELED, replies=CAT)], job=VOTED, votes=2)
    assert rules.compute_state(vote, live=False) is TaskState.TODO
    assert vote.find_labeling() is None
    assert vote.is_being_voted_on
    merged = ended(7, Outcome.MERGED, member=None)
    after = case(
        LABELED,
        merged,
        answers=[said(merged, replies=CAT)],
        job=VOTED,
        state=PackageState.INSPECT,
        votes=2,
    )
    assert after.find_labeling() == merged
    assert rules.compute_state(after, live=False) is TaskState.ANSWERED


def test_a_result_has_the_votes_of_the_newest_round_of_its_task() -> None:
    again = ended(8, Outcome.SUBMITTED, round=2)
    merged = ended(7, Outcome.MERGED, member=None)
    answers = [said(LABELED, replies=CAT), said(merged, replies=CAT)]
    found = case(LABELED, merged, answers=answers, job=VOTED, state=PackageState.DONE, votes=2)
    assert rules.find_votes(found) == (answers[0],)
    newest = said(again, replies=DOG)
    found = case(LABELED, merged, again, answers=[*answers, newest], job=VOTED, votes=2, round=2)
    assert rules.find_votes(found) == (newest,)


def test_the_answer_of_one_labeler_is_no_vote() -> None:
    found = case(LABELED, answers=[said(LABELED, replies=CAT)], state=PackageState.DONE)
    assert rules.find_votes(found) == ()
    assert rules.find_votes(case(state=PackageState.INSPECT)) == ()


def test_a_round_with_one_labeler_stays_closed_when_votes_are_raised_later() -> None:
    found = case(LABELED, answers=[said(LABELED, replies=CAT)], votes=3, voted_since=2, round=2)
    assert found.find_labeling() == LABELED
    assert found.closes(LABELED)
    assert not found.closes(attrs.evolve(LABELED, round=2))
    assert found.closes(attrs.evolve(LABELED, round=2, outcome=Outcome.MERGED))


def test_assignments_are_sorted_by_round_and_then_by_id() -> None:
    given = [make_assignment(9, round=1), make_assignment(5, round=2), make_assignment(7, round=1)]
    assert [one.id for one in rules.sort_assignments(given)] == [7, 9, 5]


def test_each_task_with_answers_has_a_case_with_the_assignments_in_order() -> None:
    first, second = make_answer(1, replies=CAT), make_answer(2, replies=DOG)
    found = rules.build_cases(
        JOB, make_package(), [REVIEWED, LABELED], {2: {5: second}, 1: {5: first}}
    )
    assert [one.task for one in found] == [2, 1]
    assert [one.answers for one in found] == [{5: second}, {5: first}]
    assert {tuple(one.assignments) for one in found} == {(LABELED, REVIEWED)}
    assert rules.build_cases(JOB, make_package(), [LABELED], {}) == []


def test_a_stage_is_shown_what_the_stage_before_made_of_it() -> None:
    changed = said(REVIEWED, replies=DOG, verdict=Verdict.RIGHT)
    found = case(
        LABELED, REVIEWED, answers=[said(LABELED, replies=CAT), changed], state=PackageState.ACCEPT
    )
    shown = rules.find_submitted(found, Stage.ACCEPT)
    assert shown == changed
    assert rules.find_submitted(case(), Stage.LABEL) is None


def test_a_result_has_a_block_for_each_stage_that_has_passed() -> None:
    changed = said(REVIEWED, replies=DOG, verdict=Verdict.RIGHT)
    found = case(
        LABELED, REVIEWED, answers=[said(LABELED, replies=CAT), changed], state=PackageState.ACCEPT
    )
    result = building_rules.build_result(found, make_task())
    assert {stage: made.replies for stage, made in result.stages.items()} == {
        Stage.LABEL: CAT,
        Stage.INSPECT: DOG,
    }
    assert [(one.stage, one.member) for one in result.provenance] == [
        (Stage.LABEL, 2),
        (Stage.INSPECT, 3),
    ]
    assert result.state is TaskState.PASSED


def test_what_is_being_labeled_again_has_no_result() -> None:
    again = attrs.evolve(AT_INSPECT, package=make_package(round=2, scope=(1,)))
    assert again.is_being_labeled
    assert building_rules.build_result(again, make_task()).stages == {}


def test_a_task_stands_wrong_until_it_is_answered_again() -> None:
    wrong = said(REJECTED, verdict=Verdict.WRONG, comment="no cat")
    back = case(LABELED, REJECTED, answers=[said(LABELED, replies=CAT), wrong], round=2)
    assert rules.find_judgment(back) == rules.StandingJudgment(True, "no cat")
    redone = ended(7, Outcome.SUBMITTED, round=2)
    answers = [said(LABELED, replies=CAT), wrong, said(redone, replies=DOG)]
    after = case(LABELED, REJECTED, redone, answers=answers, round=2)
    assert rules.find_judgment(after) == rules.StandingJudgment(False, "no cat")


def test_a_package_that_is_rejected_as_a_whole_is_all_wrong() -> None:
    whole = attrs.evolve(REJECTED, sent_back=None)
    back = case(LABELED, whole, answers=[said(LABELED, replies=CAT)], round=2)
    assert rules.find_judgment(back) == rules.StandingJudgment(True, "all")


def test_a_prelabel_that_people_changed_is_corrected() -> None:
    given = ended(4, Outcome.SUGGESTED, member=None)
    for replies, changed in ((CAT, False), (DOG, True)):
        found = case(
            given,
            LABELED,
            answers=[said(given, replies=CAT), said(LABELED, replies=replies)],
            state=PackageState.INSPECT,
        )
        assert rules.is_corrected(found) is changed
    assert not rules.is_corrected(AT_INSPECT)


def test_a_package_counts_its_tasks() -> None:
    given_up = case(
        LABELED, answers=[said(LABELED, abandon_reason="dark")], state=PackageState.INSPECT
    )
    counted = rules.with_counts(make_package(wrong=9), [given_up, AT_INSPECT])
    assert (counted.abandoned, counted.wrong, counted.corrected) == (1, 0, 0)


def test_a_work_item_has_the_comment_that_sent_it_back_and_the_last_draft() -> None:
    wrong = said(REJECTED, verdict=Verdict.WRONG, comment="no cat")
    gave_back = make_assignment(
        7, round=2, member=8, state=AssignmentState.RETURNED, outcome=Outcome.RELEASED
    )
    now = make_assignment(9, round=2)
    draft = said(gave_back, replies=DOG)
    found = case(
        LABELED,
        REJECTED,
        gave_back,
        now,
        answers=[said(LABELED, replies=CAT), wrong, draft],
        round=2,
    )
    item = rules.build_work_item(found, now, make_task())
    assert (item.comment, item.previous, item.answer) == ("no cat", draft, None)
    first = rules.build_work_item(case(make_assignment()), make_assignment(), make_task())
    assert (first.comment, first.previous, first.submitted) == ("", None, None)


def test_who_takes_the_rest_sees_what_its_first_holder_left() -> None:
    handed_in = attrs.evolve(LABELED, scope=(2,))
    now = make_assignment(9, purpose=Purpose.REST, scope=(1,))
    left = said(handed_in, replies=DOG)
    found = case(handed_in, now, answers=[left])
    assert rules.build_work_item(found, now, make_task()).previous == left
    covered = case(LABELED, now, answers=[left])
    assert rules.build_work_item(covered, now, make_task()).previous is None


def test_a_voter_does_not_see_the_draft_of_another() -> None:
    returned = make_assignment(7, member=8, state=AssignmentState.RETURNED)
    mine = make_assignment(9, member=2)
    found = case(returned, mine, answers=[said(returned, replies=DOG)], job=VOTED, votes=2)
    assert rules.build_work_item(found, mine, make_task()).previous is None
    own = case(
        attrs.evolve(returned, member=2),
        mine,
        answers=[said(returned, replies=DOG)],
        job=VOTED,
        votes=2,
    )
    assert rules.build_work_item(own, mine, make_task()).previous is not None


def test_while_answers_follow_a_change_the_template_is_not_settled() -> None:
    change = TemplateChange(make_template(), (RenameQuestion("1", "Animal"),))
    rules.must_fit_its_template(make_job(), "export")
    with pytest.raises(Incomplete, match="answers still follow"):
        rules.must_fit_its_template(make_job(pending_template_change=change), "export")


def test_the_newest_prediction_of_the_model_is_shown() -> None:
    old, other, new = (
        make_answer(assignment=id, member=None, model=model, model_version=version)
        for id, model, version in ((7, "a", "1"), (8, "b", ""), (9, "a", "2"))
    )
    predictions = (old, other, new)
    assert rules.ANY_MODEL.choose(predictions) is new
    assert rules.ModelChoice("b").choose(predictions) is other
    assert rules.ModelChoice("a", "1").choose(predictions) is old
    assert rules.ModelChoice("c").choose(predictions) is None


SECOND = ended(7, Outcome.SUBMITTED, member=4)
MERGED = ended(8, Outcome.MERGED, member=None)
ADJUDICATED = ended(9, Outcome.SUBMITTED, member=9, scope=(1,), purpose=Purpose.ADJUDICATION)
EXPERT = ended(6, Outcome.SUBMITTED, member=8, scope=(1,), purpose=Purpose.ESCALATION)


def test_the_last_word_is_that_of_the_expert_whenever_it_was_asked_for() -> None:
    assignments = rules.sort_assignments([LABELED, EXPERT, SECOND, MERGED, ADJUDICATED])
    assert [each.id for each in assignments] == [5, 7, 8, 9, 6]
    found = case(*assignments, job=VOTED, state=PackageState.INSPECT).find_labeling()
    assert found == EXPERT
    found = case(*assignments[:-1], job=VOTED, state=PackageState.INSPECT).find_labeling()
    assert found == ADJUDICATED


def test_who_decides_is_shown_what_labelers_wrote() -> None:
    held = make_assignment(10, member=5)
    returned = make_assignment(11, member=6, state=AssignmentState.RETURNED)
    answers = [said(LABELED, replies=CAT), said(SECOND, replies=DOG), said(held, replies=DOG)]
    answers += [said(MERGED, disputed=("1",)), said(ADJUDICATED, replies=CAT)]
    answers += [said(returned, escalation_reason="")]
    everything = [LABELED, SECOND, MERGED, ADJUDICATED, held, returned, EXPERT]
    found = case(*everything, answers=answers, job=VOTED)
    by_expert = rules.find_shown_votes(found, EXPERT)
    assert [answer.assignment for answer in by_expert] == [5, 7, 9, 10, 11]
    by_third = rules.find_shown_votes(found, ADJUDICATED)
    assert [answer.assignment for answer in by_third] == [5, 7, 10, 11]


def test_a_task_that_only_was_handed_on_is_to_do() -> None:
    answers = [said(LABELED, escalation_reason="", replies=CAT)]
    assert rules.compute_state(case(LABELED, answers=answers)) is TaskState.TODO


class TestCampaigns:
    """Task 1 was labeled and reviewed in round 1; a campaign in round 2 opened task 2 only."""

    OTHERS = Campaign(round=2, stage=Stage.LABEL, tasks=(2,), skipped=(Stage.INSPECT,))
    AGAIN = ended(7, Outcome.SUBMITTED, round=2, scope=(2,), purpose=Purpose.CAMPAIGN)
    REJECTED = ended(8, Outcome.REJECTED, stage=Stage.INSPECT, round=2, scope=(2,), comment="no")

    def open_again(self, **package: Any) -> Any:
        return make_package(size=2, round=2, scope=(2,), campaigns=(self.OTHERS,), **package)

    def test_a_task_outside_is_final_meanwhile(self) -> None:
        answers = {1: {5: said(LABELED, replies=CAT)}, 2: {5: make_answer(2, replies=CAT)}}
        package = self.open_again()
        assignments = [LABELED, REVIEWED, self.REJECTED]
        outside, inside = rules.build_cases(JOB, package, assignments, answers)
        assert (outside.is_final, inside.is_final) == (True, False)
        assert rules.compute_state(outside) is TaskState.FINAL
        assert rules.compute_state(inside) is TaskState.WRONG
        result = building_rules.build_result(outside, make_task())
        assert result.replies == CAT
        assert [entry.round for entry in result.provenance] == [1, 1]

    def test_what_was_done_in_a_withdrawn_campaign_is_no_part_of_any_history(self) -> None:
        withdrawn = attrs.evolve(self.OTHERS, last_round=2, is_withdrawn=True)
        assert [rules.has_opened(each, 2) for each in (self.OTHERS, withdrawn)] == [True, False]
        assert not rules.has_opened(self.OTHERS, 1)
        package = make_package(size=2, round=2, campaigns=(withdrawn,), skipped=(Stage.INSPECT,))
        for task in (1, 2):
            found = rules.select_history(package, [LABELED, REVIEWED, self.AGAIN], task)
            assert list(found) == [LABELED, REVIEWED]
            assert rules.find_skipped(package, task) == (Stage.INSPECT,)

    def test_who_works_on_it_is_told_why(self) -> None:
        campaign = attrs.evolve(self.OTHERS, tasks=(1,), comment="cats have tails")
        held = make_assignment(7, round=2, scope=(1,), purpose=Purpose.CAMPAIGN)
        sent = [said(LABELED, replies=CAT), said(REJECTED, verdict=Verdict.WRONG, comment="old")]
        opened = case(LABELED, REJECTED, held, answers=sent, size=2, round=2, campaigns=(campaign,))
        item = rules.build_work_item(opened, held, make_task())
        assert (item.comment, item.package_comment) == ("cats have tails", "cats have tails")
        assert item.submitted == sent[0]

    def test_a_reject_in_it_says_more(self) -> None:
        campaign = attrs.evolve(self.OTHERS, tasks=(1,), comment="cats have tails")
        again = ended(7, Outcome.SUBMITTED, round=2, scope=(1,), purpose=Purpose.CAMPAIGN)
        rejected = attrs.evolve(self.REJECTED, scope=(1,))
        held = make_assignment(9, round=3, scope=(1,))
        answers = [said(LABELED, replies=CAT), said(again, replies=DOG)]
        work = (LABELED, REVIEWED, again, rejected, held)
        opened = case(*work, answers=answers, size=2, round=3, campaigns=(campaign,))
        item = rules.build_work_item(opened, held, make_task())
        assert (item.comment, item.package_comment) == ("no", "no")


def test_a_package_is_voted_on_from_the_round_in_which_its_votes_were_raised() -> None:
    raised = make_package(votes=3, voted_since=2)
    assert [rules.is_voted_on_in(raised, round) for round in (1, 2, 3)] == [False, True, True]
    assert not rules.is_voted_on_in(make_package(), 1)


OTHERS = Campaign(round=2, stage=Stage.LABEL, tasks=(2,), skipped=(Stage.INSPECT,))
OVER = attrs.evolve(OTHERS, last_round=3)
AGAIN = ended(7, Outcome.SUBMITTED, round=2, scope=(2,), purpose=Purpose.CAMPAIGN)
SENT_BACK = ended(8, Outcome.REJECTED, stage=Stage.INSPECT, round=2, scope=(2,), comment="no")


def open_again(**package: Any) -> Any:
    return make_package(**{"size": 2, "round": 2, "scope": (2,), "campaigns": (OTHERS,), **package})


@pytest.mark.parametrize(
    ("campaign", "rounds"), [(OTHERS, [2, 3, 4]), (OVER, [2, 3])], ids=["goes on", "is over"]
)
def test_a_campaign_has_the_rounds_from_its_first_to_its_last(
    campaign: Campaign, rounds: list[int]
) -> None:
    assert [n for n in range(1, 5) if rules.is_in_campaign(campaign, n)] == rounds
    package = open_again(round=4, campaigns=(campaign,))
    assert [n for n in range(1, 5) if rules.find_campaign(package, n) == campaign] == rounds
    assert rules.find_campaign(make_package(), 1) is None


def test_what_others_went_through_is_no_part_of_the_history() -> None:
    assignments = [LABELED, REVIEWED, AGAIN, SENT_BACK]
    package = open_again()
    assert rules.select_history(package, assignments, 1) == [LABELED, REVIEWED]
    assert rules.select_history(package, assignments, 2) == assignments
    over = attrs.evolve(package, campaigns=(attrs.evolve(OTHERS, last_round=2),), round=3)
    later = ended(9, Outcome.REVIEWED, stage=Stage.INSPECT, round=3)
    assert rules.select_history(over, [*assignments, later], 1) == [LABELED, REVIEWED, later]
    assert rules.select_history(make_package(), assignments, 1) is assignments


def test_what_was_skipped_before_a_campaign_was_skipped_for_the_others() -> None:
    package = open_again()
    assert rules.find_skipped(package, 1) == (Stage.INSPECT,)
    assert rules.find_skipped(package, 2) == ()
    second = Campaign(round=3, stage=Stage.LABEL, tasks=(3,))
    first = attrs.evolve(OTHERS, last_round=2)
    twice = attrs.evolve(package, round=3, campaigns=(first, second))
    assert [rules.find_skipped(twice, task) for task in (1, 2, 3)] == [(Stage.INSPECT,), (), ()]
    reviewed = attrs.evolve(twice, round=4, reopened_round=4)
    assert rules.find_skipped(reviewed, 1) == ()


def test_the_case_of_a_task_has_what_belongs_to_its_campaigns() -> None:
    again = ended(8, Outcome.SUBMITTED, round=2)
    history = PackageHistory(make_package(), [LABELED, again])
    plain = rules.build_case(JOB, history, {}, 1)
    assert (plain.history, plain.find_labeling()) == (history, again)
    campaign = Campaign(round=2, stage=Stage.LABEL, tasks=(2,))
    reopened = PackageHistory(make_package(campaigns=(campaign,)), [LABELED, again])
    assert rules.build_case(JOB, reopened, {}, 1).find_labeling() == LABELED
    assert rules.build_case(JOB, reopened, {}, 2).find_labeling() == again


def test_fewer_assignments_are_sorted_anew() -> None:
    again = ended(8, Outcome.SUBMITTED, round=2)
    assert case(LABELED, again).find_labeling() == again
    assert case(LABELED, again).with_assignments([LABELED]).find_labeling() == LABELED
    assert case(LABELED, again).before(again).find_labeling() == LABELED


def test_who_hands_a_task_to_the_experts_settles_nothing() -> None:
    assert rules.is_settled(make_answer(replies=CAT))
    assert rules.is_settled(make_answer(abandon_reason="dark"))
    assert not rules.is_settled(make_answer(replies=CAT, escalation_reason="too hard"))
    assert not rules.is_settled(make_answer(verdict=Verdict.RIGHT))
