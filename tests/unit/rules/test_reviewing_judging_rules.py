"""What a reviewer says about single tasks: judge, modify."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import Accept, Choice, Inspect, InvalidData, Label, Stage, Workflow, WrongState
from itagflow.core.change import Context
from itagflow.labeling.rules import AnswerFacts
from itagflow.model import Verdict
from itagflow.reviewing import judging_rules
from itagflow.testing import make_answer, make_assignment, make_job, make_task, make_template
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 3)
STAGES = make_job(workflow=Workflow(Label(), Inspect(lease=None), Accept()))
INSPECTING = make_assignment(6, stage=Stage.INSPECT, member=3)


def facts_of(**fields: Any) -> AnswerFacts:
    defaults: dict[str, Any] = {
        "job": STAGES,
        "template": make_template(version=3),
        "assignment": INSPECTING,
        "ctx": CTX,
        "tasks": [make_task()],
        "answers": [None],
        "previous": {},
    }
    return AnswerFacts(**{**defaults, **fields})


def test_a_task_is_judged_right() -> None:
    outcome = judging_rules.judge(facts_of(), None)
    assert outcome.answers[0].verdict is Verdict.RIGHT
    assert outcome.change is not None
    assert (outcome.change.event.type, outcome.change.event.data) == ("judge", {})


def test_a_wrong_task_needs_a_comment() -> None:
    outcome = judging_rules.judge(facts_of(), "no cat")
    assert (outcome.answers[0].verdict, outcome.answers[0].comment) == (Verdict.WRONG, "no cat")
    assert outcome.change is not None
    assert outcome.change.event.data == {"comment": "no cat"}
    with pytest.raises(InvalidData, match="is empty"):
        judging_rules.judge(facts_of(), " ")


def test_modifying_gives_the_answer_of_the_reviewer() -> None:
    (answer,) = judging_rules.modify(facts_of(), Choice("dog")).answers
    assert (answer.replies, answer.verdict, answer.template_version) == (
        {"1": Choice("dog")},
        Verdict.RIGHT,
        3,
    )
    with pytest.raises(InvalidData, match="cow"):
        judging_rules.modify(facts_of(), Choice("cow"))


def test_nothing_is_judged_or_modified_at_label() -> None:
    facts = facts_of(assignment=make_assignment())
    with pytest.raises(WrongState, match="label"):
        judging_rules.judge(facts, None)
    with pytest.raises(WrongState, match="label"):
        judging_rules.modify(facts, Choice("cat"))


def test_nothing_outside_the_scope_is_judged() -> None:
    facts = facts_of(assignment=attrs.evolve(INSPECTING, scope=(2,)))
    with pytest.raises(InvalidData, match="is not in the scope"):
        judging_rules.judge(facts, None)
    with pytest.raises(InvalidData, match="is not in the scope"):
        judging_rules.modify(facts, Choice("cat"))


def test_another_judgment_replaces_the_one_before_and_the_same_changes_nothing() -> None:
    wrong = make_answer(
        assignment=6, stage=Stage.INSPECT, member=3, verdict=Verdict.WRONG, comment="no cat"
    )
    facts = facts_of(answers=[wrong], previous={"1": "as it was"})
    outcome = judging_rules.judge(facts, None)
    assert outcome.change is not None
    assert outcome.change.save == ((wrong, outcome.answers[0]),)
    assert outcome.change.event.data == {"previous": {"1": "as it was"}}
    assert judging_rules.judge(facts, "no cat").change is None
