"""A task that is handed to the experts, and a vote that is picked."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    AssignmentState,
    Choice,
    Inspect,
    InvalidData,
    Label,
    NotAllowed,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.labeling import deciding_rules as rules
from itagflow.labeling.deciding_rules import EscalationFacts
from itagflow.labeling.rules import AnswerFacts
from itagflow.model import Outcome, Purpose
from itagflow.model.change import Context
from itagflow.testing.builders import (
    AT,
    make_answer,
    make_assignment,
    make_job,
    make_package,
    make_task,
    make_template,
)

CTX = Context(AT, 1, 2)
CAT = {"1": Choice("cat")}
DECISION = attrs.evolve(make_assignment(9, scope=(1,)), purpose=Purpose.ADJUDICATION)


def facts_of(answer: Any = None, **fields: Any) -> AnswerFacts:
    given: dict[str, Any] = {
        "job": make_job(workflow=Workflow(Label(), Inspect())),
        "template": make_template(version=3),
        "assignment": make_assignment(),
        "ctx": CTX,
        "tasks": [make_task(1)],
        "answers": [answer],
        "previous": {"1": "was 1"} if answer else {},
    }
    return AnswerFacts(**{**given, **fields})


def handing(answers: AnswerFacts, **fields: Any) -> EscalationFacts:
    given: dict[str, Any] = {
        "answers": answers,
        "package": make_package(free=0),
        "assignments": [answers.assignment],
        "has_experts": True,
        "id": 8,
    }
    return EscalationFacts(**{**given, **fields})


class TestEscalate:
    def test_what_was_saved_stays_and_an_expert_is_asked(self) -> None:
        old = make_answer(replies=CAT)
        outcome = rules.escalate(handing(facts_of(old)), "a fox?", "unsure")
        (answer,) = outcome.answers
        assert (answer.is_escalated, answer.is_resolved, answer.is_abandoned) == (True, True, False)
        assert (answer.replies, answer.comment, answer.escalation_reason) == (
            CAT,
            "a fox?",
            "unsure",
        )
        assert outcome.change is not None
        (offer,) = outcome.change.add
        assert (offer.id, offer.purpose, offer.scope) == (8, Purpose.ESCALATION, (1,))  # type: ignore[union-attr]
        data = outcome.change.event.data
        assert (data["comment"], data["reason"]) == ("a fox?", "unsure")

    def test_the_same_once_more_changes_nothing(self) -> None:
        old = make_answer(escalation_reason="", comment="a fox?")
        expert = attrs.evolve(make_assignment(7, member=3, scope=(1,)), purpose=Purpose.ESCALATION)
        facts = handing(facts_of(old), assignments=[make_assignment(), expert])
        assert rules.escalate(facts, "a fox?", "").change is None

    def test_a_live_escalation_is_extended(self) -> None:
        expert = attrs.evolve(make_assignment(7, member=3, scope=(2,)), purpose=Purpose.ESCALATION)
        facts = handing(facts_of(), assignments=[make_assignment(), expert], has_experts=False)
        outcome = rules.escalate(facts, "", "")
        assert outcome.change is not None
        # beside the lease of who hands it on, which begins again
        assert (expert, attrs.evolve(expert, scope=(1, 2))) in outcome.change.save

    def test_nobody_extends_what_they_hold_themselves(self) -> None:
        own = attrs.evolve(make_assignment(7, scope=(2,)), purpose=Purpose.ESCALATION)
        assert rules.find_extendable(make_assignment(), [own]) is None
        other = attrs.evolve(own, member=3)
        assert rules.find_extendable(make_assignment(), [own, other]) == other
        ended = attrs.evolve(other, state=AssignmentState.DONE, outcome=Outcome.SUBMITTED)
        assert rules.find_extendable(make_assignment(), [ended]) is None

    def test_it_needs_experts(self) -> None:
        with pytest.raises(NotAllowed, match="no experts"):
            rules.escalate(handing(facts_of(), has_experts=False), "", "")

    def test_an_expert_hands_nothing_on(self) -> None:
        expert = attrs.evolve(make_assignment(), purpose=Purpose.ESCALATION)
        with pytest.raises(NotAllowed, match="to whom tasks are handed"):
            rules.escalate(handing(facts_of(assignment=expert)), "", "")

    def test_it_is_done_at_label(self) -> None:
        review = make_assignment(stage=Stage.INSPECT)
        with pytest.raises(WrongState):
            rules.escalate(handing(facts_of(assignment=review)), "", "")

    def test_a_scope_grows_sorted(self) -> None:
        assert rules.extend(attrs.evolve(DECISION, scope=(3, 5)), [4]).scope == (3, 4, 5)
        ended = attrs.evolve(DECISION, state=AssignmentState.DONE)
        with pytest.raises(WrongState):
            rules.extend(ended, [4])


class TestPick:
    def test_the_answer_says_what_the_vote_says(self) -> None:
        outcome = rules.pick_vote(
            facts_of(assignment=DECISION), make_answer(assignment=3, replies=CAT)
        )
        (answer,) = outcome.answers
        assert (answer.assignment, answer.picked, answer.replies) == (9, 3, CAT)
        assert outcome.change is not None
        assert outcome.change.event.type == "save"
        assert outcome.change.event.data["picked"] == 3

    def test_a_vote_that_abandons_is_taken_over_too(self) -> None:
        vote = make_answer(assignment=3, abandon_reason="dark")
        (answer,) = rules.pick_vote(facts_of(assignment=DECISION), vote).answers
        assert (answer.abandon_reason, answer.replies) == ("dark", None)

    def test_a_vote_without_replies_is_none(self) -> None:
        vote = make_answer(assignment=3, escalation_reason="")
        with pytest.raises(InvalidData, match="no replies"):
            rules.pick_vote(facts_of(assignment=DECISION), vote)

    def test_only_who_decides_picks(self) -> None:
        with pytest.raises(NotAllowed, match="no adjudication or escalation"):
            rules.pick_vote(facts_of(), make_answer(assignment=3, replies=CAT))

    def test_the_stored_vote_counts_and_it_must_be_shown(self) -> None:
        stored = make_answer(assignment=3, replies=CAT)
        forged = attrs.evolve(stored, replies={"1": Choice("dog")})
        assert rules.find_vote([stored], forged) == stored
        with pytest.raises(InvalidData, match=r"item\.votes"):
            rules.find_vote([], stored)
