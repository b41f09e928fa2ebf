"""What a reviewer says about single tasks: judge, modify."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from itagflow import (
    Accept,
    Answer,
    Choice,
    Incomplete,
    Inspect,
    InvalidData,
    Job,
    Label,
    Stage,
    Workflow,
    WrongState,
)
from itagflow.labeling.rules import AnswerFacts
from itagflow.model import Verdict
from itagflow.model.change import Context
from itagflow.reviewing import judging_rules
from itagflow.reviewing.judging_rules import Judgment
from itagflow.reviewing.reject_rules import (
    REJECTED_TOO_OFTEN,
    Explanation,
)
from itagflow.testing import make_answer, make_assignment, make_job, make_task, make_template
from itagflow.testing.builders import AT

CTX = Context(AT, 1, 3)
STAGES = make_job(workflow=Workflow(Label(), Inspect(lease=None), Accept()))
INSPECTING = make_assignment(6, stage=Stage.INSPECT, member=3)

RIGHT = Judgment()
NO_CAT = Judgment(wrong=Explanation("no cat"))


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


def test_with_a_comment_or_a_reason_a_task_is_wrong() -> None:
    assert judging_rules.make_judgment(None, None, discard_modification=False) == RIGHT
    assert judging_rules.make_judgment("no cat", None, discard_modification=False) == NO_CAT
    for wrong in (None, ""):
        judgment = judging_rules.make_judgment(wrong, "dark", discard_modification=True)
        assert judgment == Judgment(wrong=Explanation("", "dark"), discard_modification=True)


def test_a_task_is_judged_right() -> None:
    outcome = judging_rules.judge(facts_of(), RIGHT)
    assert outcome.answers[0].verdict is Verdict.RIGHT
    assert outcome.change is not None
    assert (outcome.change.event.type, outcome.change.event.data) == ("judge", {})


def test_a_wrong_task_needs_a_comment() -> None:
    outcome = judging_rules.judge(facts_of(), NO_CAT)
    assert (outcome.answers[0].verdict, outcome.answers[0].comment) == (Verdict.WRONG, "no cat")
    assert outcome.change is not None
    assert outcome.change.event.data == {"comment": "no cat"}
    with pytest.raises(InvalidData, match="is empty"):
        judging_rules.judge(facts_of(), Judgment(wrong=Explanation(" ")))


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
        judging_rules.judge(facts, RIGHT)
    with pytest.raises(WrongState, match="label"):
        judging_rules.modify(facts, Choice("cat"))


def test_nothing_outside_the_scope_is_judged() -> None:
    facts = facts_of(assignment=attrs.evolve(INSPECTING, scope=(2,)))
    with pytest.raises(InvalidData, match="is not in the scope"):
        judging_rules.judge(facts, RIGHT)
    with pytest.raises(InvalidData, match="is not in the scope"):
        judging_rules.modify(facts, Choice("cat"))


def test_another_judgment_replaces_the_one_before_and_the_same_changes_nothing() -> None:
    wrong = make_answer(
        assignment=6, stage=Stage.INSPECT, member=3, verdict=Verdict.WRONG, comment="no cat"
    )
    facts = facts_of(answers=[wrong], previous={"1": "as it was"})
    outcome = judging_rules.judge(facts, RIGHT)
    assert outcome.change is not None
    assert outcome.change.save == ((wrong, outcome.answers[0]),)
    assert outcome.change.event.data == {"previous": {"1": "as it was"}}
    assert judging_rules.judge(facts, NO_CAT).change is None


MODIFIED = make_answer(
    assignment=6, stage=Stage.INSPECT, member=3, verdict=Verdict.RIGHT, replies={"1": Choice("dog")}
)
ABANDONED = attrs.evolve(MODIFIED, replies=None, abandon_reason="dark")


@pytest.mark.parametrize("own", [MODIFIED, ABANDONED])
def test_a_right_judgment_keeps_what_the_reviewer_answered(own: Answer) -> None:
    outcome = judging_rules.judge(facts_of(answers=[own]), RIGHT)
    assert (outcome.answers, outcome.change) == ((own,), None)


@pytest.mark.parametrize("own", [MODIFIED, ABANDONED])
def test_a_wrong_judgment_drops_it_only_when_told_so(own: Answer) -> None:
    facts = facts_of(answers=[own], previous={"1": "as it was"})
    with pytest.raises(Incomplete, match="discard_modification=True") as caught:
        judging_rules.judge(facts, NO_CAT)
    assert caught.value.tasks == (1,)
    judgment = attrs.evolve(NO_CAT, discard_modification=True)
    (answer,) = judging_rules.judge(facts, judgment).answers
    assert (answer.verdict, answer.replies, answer.abandon_reason) == (Verdict.WRONG, None, None)


def test_a_right_judgment_may_drop_it_too() -> None:
    facts = facts_of(answers=[MODIFIED], previous={"1": "as it was"})
    outcome = judging_rules.judge(facts, Judgment(discard_modification=True))
    assert (outcome.answers[0].verdict, outcome.answers[0].replies) == (Verdict.RIGHT, None)
    assert outcome.change is not None
    assert outcome.change.event.data == {"previous": {"1": "as it was"}}


def test_a_reason_of_the_stage_is_kept() -> None:
    job = make_job(workflow=Workflow(Label(), Inspect(reasons=("blurred",))))
    judgment = Judgment(wrong=Explanation(reason="blurred"))
    outcome = judging_rules.judge(facts_of(job=job), judgment)
    answer = outcome.answers[0]
    assert (answer.verdict, answer.reason, answer.comment) == (Verdict.WRONG, "blurred", "")
    assert outcome.change is not None
    assert outcome.change.event.data == {"reason": "blurred"}
    with pytest.raises(InvalidData, match="reason: is missing"):
        judging_rules.judge(facts_of(job=job), NO_CAT)


def limited(then: str) -> Job:
    return make_job(workflow=Workflow(Label(), Inspect(max_rejects=2, on_max_rejects=then)))


def test_what_was_sent_back_as_often_as_it_may_is_modified() -> None:
    facts = facts_of(job=limited("modify"))
    with pytest.raises(Incomplete, match="sent back 2 times, which is the most: modify"):
        judging_rules.judge(facts, NO_CAT, rejects=2)
    assert judging_rules.judge(facts, NO_CAT, rejects=1).answers[0].verdict is Verdict.WRONG
    assert judging_rules.judge(facts, RIGHT, rejects=2).answers[0].verdict is Verdict.RIGHT


def test_or_it_is_abandoned() -> None:
    outcome = judging_rules.judge(facts_of(job=limited("abandon")), NO_CAT, rejects=2)
    answer = outcome.answers[0]
    assert (answer.verdict, answer.abandon_reason) == (Verdict.RIGHT, REJECTED_TOO_OFTEN)
    assert answer.comment == "no cat"
    assert outcome.change is not None
    assert outcome.change.event.data == {"comment": "no cat", "abandoned": REJECTED_TOO_OFTEN}


def test_or_it_is_judged_wrong_and_goes_to_the_queue() -> None:
    outcome = judging_rules.judge(facts_of(job=limited("queue")), NO_CAT, rejects=2)
    assert outcome.answers[0].verdict is Verdict.WRONG


def test_an_event_says_what_was_given() -> None:
    assert judging_rules.describe(Explanation("no cat")) == {"comment": "no cat"}
    assert judging_rules.describe(Explanation("", "dark")) == {"reason": "dark"}
