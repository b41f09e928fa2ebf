"""The pure rules about answers: save, abandon, restore, and how votes are merged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from itagflow import (
    Answer,
    Choice,
    Incomplete,
    Inspect,
    InvalidData,
    Label,
    Stage,
    Text,
    Workflow,
    WrongState,
)
from itagflow.core.change import Act
from itagflow.labeling import rules
from itagflow.labeling.rules import AnswerFacts
from itagflow.labeling.voting import merge_round
from itagflow.model import Outcome, Verdict
from itagflow.model.package import AssignmentState
from itagflow.results.rules import Case
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
    make_template,
)

CTX = Act(AT, 1, 2)
CAT, DOG = {"1": Choice("cat")}, {"1": Choice("dog")}


def facts_of(*answers: Answer | None, **fields: Any) -> AnswerFacts:
    """Return what a rule decides on for tasks 1, 2, … with these stored answers."""
    defaults: dict[str, Any] = {
        "job": make_job(workflow=Workflow(Label(), Inspect())),
        "template": make_template(version=3),
        "assignment": make_assignment(),
        "ctx": CTX,
        "tasks": [make_task(number) for number in range(1, len(answers) + 1)],
        "answers": answers,
        "previous": {str(old.task): f"was {old.task}" for old in answers if old},
    }
    return AnswerFacts(**{**defaults, **fields})


class TestSave:
    def test_a_first_answer_is_added(self) -> None:
        outcome = rules.save_answers(facts_of(None), [Choice("cat")])
        (answer,) = outcome.answers
        assert (answer.task, answer.replies, answer.template_version) == (1, CAT, 3)
        assert outcome.change is not None
        assert (outcome.change.add, outcome.change.save) == ((answer,), ())
        event = outcome.change.event
        assert (event.type, event.task, event.data) == ("save", 1, {})

    def test_another_answer_replaces_it_and_the_event_keeps_the_old_one(self) -> None:
        old = make_answer(replies=CAT)
        outcome = rules.save_answers(facts_of(old), [Choice("dog")])
        assert outcome.change is not None
        assert outcome.change.save == ((old, outcome.answers[0]),)
        assert outcome.change.event.data == {"previous": {"1": "was 1"}}

    def test_the_same_answer_changes_nothing(self) -> None:
        old = make_answer(replies=CAT, version=4)
        outcome = rules.save_answers(facts_of(old), [Choice("cat")])
        assert (outcome.answers, outcome.change) == ((old,), None)

    def test_of_several_answers_only_those_that_differ_are_stored(self) -> None:
        same, other = make_answer(1, replies=CAT), make_answer(2, replies=CAT)
        outcome = rules.save_answers(
            facts_of(same, other, None), [Choice("cat"), Choice("dog"), Choice("dog")]
        )
        assert outcome.answers[0] is same
        assert outcome.change is not None
        assert outcome.change.add == (outcome.answers[2],)
        assert outcome.change.save == ((other, outcome.answers[1]),)
        event = outcome.change.event
        assert event.task == 0
        assert event.data == {"answered": [2, 3], "previous": {"2": "was 2"}}

    def test_a_lease_counts_from_the_save(self) -> None:
        job = make_job(workflow=Workflow(Label(lease=timedelta(hours=1))))
        facts = facts_of(None, job=job)
        change = rules.save_answers(facts, [Choice("cat")]).change
        assert change is not None
        ((before, after),) = change.save
        assert before is facts.assignment
        assert after == attrs.evolve(facts.assignment, lease_until=AT + timedelta(hours=1))

    def test_a_review_saves_nothing(self) -> None:
        facts = facts_of(None, assignment=make_assignment(stage=Stage.INSPECT))
        with pytest.raises(WrongState, match="inspect"):
            rules.save_answers(facts, [Choice("cat")])

    @pytest.mark.parametrize(
        ("tasks", "scope", "message"),
        [
            ([make_task(1, package=2)], None, "is in package 2"),
            ([make_task(1)], (2, 3), "is not in the scope of .*: tasks 2, 3"),
            ([make_task(1), make_task(1)], None, "task 1: is answered twice"),
        ],
    )
    def test_tasks_must_be_in_scope_and_different(
        self, tasks: list[Any], scope: tuple[int, ...] | None, message: str
    ) -> None:
        answers = [None] * len(tasks)
        facts = facts_of(*answers, tasks=tasks, assignment=make_assignment(scope=scope))
        with pytest.raises(InvalidData, match=message):
            rules.save_answers(facts, [Choice("cat")] * len(tasks))

    def test_every_problem_of_every_task_is_listed(self) -> None:
        with pytest.raises(InvalidData) as caught:
            rules.save_answers(facts_of(None, None), [Choice("cow"), Text("cat")])
        assert [problem.where for problem in caught.value.problems] == ["task 1, 1", "task 2, 1"]


class TestAbandon:
    def test_saved_replies_stay_in_the_answer(self) -> None:
        old = make_answer(replies=CAT, template_version=2)
        outcome = rules.abandon(facts_of(old), "too dark")
        (answer,) = outcome.answers
        assert (answer.replies, answer.abandon_reason, answer.verdict) == (CAT, "too dark", None)
        assert answer.template_version == 2
        assert outcome.change is not None
        assert outcome.change.event.data == {"reason": "too dark", "previous": {"1": "was 1"}}

    def test_in_review_it_is_also_a_verdict(self) -> None:
        facts = facts_of(None, assignment=make_assignment(stage=Stage.INSPECT))
        assert rules.abandon(facts, "too dark").answers[0].verdict is Verdict.RIGHT

    @pytest.mark.parametrize(
        ("reason", "message"),
        [(" ", "is empty"), ("a\0", "NUL"), ("ugly", "'ugly' is not one of dark, blurred")],
    )
    def test_the_reason_is_one_of_the_template(self, reason: str, message: str) -> None:
        template = make_template(abandon_reasons=("dark", "blurred"))
        with pytest.raises(InvalidData, match=message):
            rules.abandon(facts_of(None, template=template), reason)


class TestRestore:
    def test_replies_come_back(self) -> None:
        old = make_answer(replies=CAT, abandon_reason="dark", template_version=2)
        (answer,) = rules.restore(facts_of(old), None).answers
        assert (answer.replies, answer.abandon_reason, answer.verdict) == (CAT, None, None)
        assert answer.template_version == 2

    def test_a_labeler_may_start_over_from_nothing(self) -> None:
        old = make_answer(abandon_reason="dark")
        assert rules.restore(facts_of(old), None).answers[0].replies is None

    @pytest.mark.parametrize("old", [None, make_answer(replies=CAT)])
    def test_it_must_be_abandoned(self, old: Answer | None) -> None:
        with pytest.raises(Incomplete, match="not abandoned"):
            rules.restore(facts_of(old), None)

    @staticmethod
    def labeled(answer: Answer) -> Case:
        job = make_job(workflow=Workflow(Label(), Inspect()))
        done = make_assignment(state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
        return Case(job, make_package(), [done], {5: answer}, 1)

    def test_a_reviewer_restores_what_the_labeler_abandoned(self) -> None:
        case = self.labeled(make_answer(replies=CAT, abandon_reason="dark"))
        facts = facts_of(None, assignment=make_assignment(6, stage=Stage.INSPECT))
        (answer,) = rules.restore(facts, case).answers
        assert (answer.assignment, answer.replies, answer.verdict) == (6, CAT, Verdict.RIGHT)

    def test_a_reviewer_cannot_restore_what_was_never_saved(self) -> None:
        case = self.labeled(make_answer(abandon_reason="dark"))
        facts = facts_of(None, assignment=make_assignment(6, stage=Stage.INSPECT))
        with pytest.raises(Incomplete, match="modify it instead"):
            rules.restore(facts, case)


def test_merged_votes_are_an_assignment_of_nobody() -> None:
    last = make_assignment(
        6, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED, token="t", version=2
    )
    votes = [
        [make_answer(1, replies=CAT), make_answer(1, replies=CAT, template_version=2)],
        [make_answer(2, replies=CAT), make_answer(2, replies=DOG)],
        [make_answer(3, abandon_reason="dark"), make_answer(3, abandon_reason="dark")],
    ]
    merged, answers = merge_round(last, votes, make_template(), 2, CTX, id=9)
    assert (merged.id, merged.member, merged.outcome) == (9, None, Outcome.MERGED)
    assert (merged.token, merged.version) == ("", 0)
    assert [(answer.task, answer.replies, answer.abandon_reason) for answer in answers] == [
        (1, CAT, None),
        (2, {}, None),
        (3, None, "dark"),
    ]
    assert [answer.disputed for answer in answers] == [(), ("1",), ()]
    assert {(answer.assignment, answer.member) for answer in answers} == {(9, None)}
    assert answers[0].template_version == 2
